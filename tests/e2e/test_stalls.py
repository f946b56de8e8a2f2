"""Tunnels and plain requests in which nothing moves although something should, and those that only look so."""

import contextlib
import os
import queue
import signal
import socket
import threading
import time
import unittest

import harness
import isolate
import wire
from culvert import launch
from testbed import TARGET, Testbed
from tunnels import Line, Relay

MIB = 1 << 20
STALLED = "1s"


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())


class Fill(threading.Thread):
    """Sends as much as the other end takes, until that has taken all."""

    def __init__(self, connection, size):
        super().__init__(daemon=True)
        self._connection, self._size = connection, size
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            wire.send_pattern(self._connection, self._size)


class Stalls(unittest.TestCase):
    def start(self, *options, host=None, stalled=("--stall-after", STALLED)):
        self.accepted = queue.Queue()
        self.target = f"{TARGET}:{wire.serve(testbed.outside, self.accepted.put, address=(TARGET, 0))}"
        self.host = host or testbed.border
        return launch(self, testbed, "--threads", "1", "--drain-timeout", "0", *stalled, *options, host=self.host)

    def tunnel(self):
        """Both ends."""
        client = wire.tunnel(self.host, self.target)
        server = self.accepted.get(timeout=20)
        for end in (client, server):
            self.addCleanup(end.close)
            end.settimeout(60)
        return client, server

    def stall_another(self, culvert):
        """One stalls that has begun now: those that are as quiet and had begun before would have."""
        before = culvert.count_in_log(" stalled: ")
        client, _ = self.tunnel()
        client.sendall(bytes(200))
        culvert.wait_log(" stalled: ", before + 1)
        self.assertEqual(culvert.count_in_log(" stalled: "), before + 1)

    def test_a_client_that_does_not_read(self):
        culvert = self.start("--upstream", "direct://")
        client, server = self.tunnel()
        size = 64 * MIB
        Fill(server, size)
        name = f"tunnel 1 to {self.target}"
        culvert.wait_log(f"warning {name} stalled: the client (127.0.0.1:{client.getsockname()[1]}) has not read for ")
        culvert.wait_log(" bytes wait for it here, ")
        culvert.wait_log("; rtt ")
        wire.receive_exactly(client, size)
        culvert.wait_log(f"info {name} moves again after ")
        self.assertEqual(culvert.count_in_log(" stalled: "), 1)
        culvert.shut_down()

    def test_a_target_that_does_not_read(self):
        culvert = self.start("--upstream", "direct://")
        client, server = self.tunnel()
        size = 64 * MIB
        Fill(client, size)
        culvert.wait_log(f"tunnel 1 to {self.target} stalled: the target has not read for ")
        wire.receive_exactly(server, size)
        culvert.wait_log(" moves again after ")
        culvert.shut_down()

    def test_a_target_that_does_not_answer(self):
        culvert = self.start("--upstream", "direct://")
        client, server = self.tunnel()
        client.sendall(bytes(300))
        wire.receive_exactly(server, 300)
        culvert.wait_log(f"tunnel 1 to {self.target} stalled: the target has sent nothing for ")
        culvert.wait_log(", since 300 bytes went to it; rtt ")
        server.sendall(b"late")
        wire.receive_exactly(client, 4)
        culvert.wait_log(" moves again after ")
        culvert.shut_down()

    def test_an_upstream_that_is_not_there_any_more(self):
        line = Line(testbed, "10.77.1.3")
        relay = Relay(testbed, 1090, testbed.border, line.address)
        upstream = f"socks5://{line.address}:{relay.port}"
        culvert = self.start("--upstream", upstream, host=testbed.home)
        client, server = self.tunnel()
        client.sendall(b"x")
        wire.receive_exactly(server, 1)
        # What comes back brings the acknowledgement.
        server.sendall(b"y")
        wire.receive_exactly(client, 1)
        line.lose()
        client.sendall(b"x")
        culvert.wait_log(f"tunnel 1 to {self.target} stalled: the upstream ({upstream}) has acknowledged nothing for ")
        culvert.wait_log("; 0 bytes wait for it here, 1 in the kernel; rtt ")
        line.restore()
        wire.receive_exactly(server, 1)
        culvert.wait_log(" moves again after ")
        culvert.shut_down()

    def test_plain_requests_of_which_the_rest_is_missing(self):
        culvert = self.start("--upstream", "direct://")
        head = f"http://{self.target}/x?secret HTTP/1.1\r\nHost: {self.target}\r\n"
        clients = [wire.open_client(self.host) for _ in range(3)]
        clients[0].sendall(f"GET {head}\r\n".encode())
        clients[1].sendall(f"POST {head}Content-Length: 10\r\n\r\nbegun".encode())
        clients[2].sendall(f"GET {head}\r\n".encode())
        servers = [self.accepted.get(timeout=20) for _ in clients]
        # One of the two that ask gets the beginning of an answer.
        asked = next(server for server in servers if server.recv(65536).startswith(b"GET "))
        asked.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegun")
        said = f" for http://{self.target}/x?... stalled: "
        culvert.wait_log(said, 3)
        culvert.wait_log(f"{said}the target has sent nothing for ", 2)
        culvert.wait_log(", and its answer is not complete; rtt ", 2)
        culvert.wait_log(f"request 2{said}the client (127.0.0.1:{clients[1].getsockname()[1]}) has sent nothing for ")
        culvert.wait_log(", and its request is not complete; rtt ")
        for connection in clients + servers:
            connection.close()
        culvert.shut_down()
        self.assertNotIn("secret", culvert.output())

    def test_what_is_quiet_or_slow_has_not_stalled(self):
        culvert = self.start("--upstream", "direct://")
        self.tunnel()
        # An answer has come, and then something that asks for none.
        client, server = self.tunnel()
        client.sendall(bytes(300))
        wire.receive_exactly(server, 300)
        server.sendall(b"answer")
        wire.receive_exactly(client, 6)
        client.sendall(bytes(39))
        # One side has finished.
        client, server = self.tunnel()
        client.sendall(bytes(300))
        server.shutdown(socket.SHUT_WR)
        wire.receive_all(client)
        # Slow ones: of what the first has, the most waits in the kernel; the second one's waits here as well.
        slow, server = self.tunnel()
        Fill(server, MIB)
        slower, server = self.tunnel()
        Fill(server, 64 * MIB)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for client in (slow, slower):
                wire.receive_exactly(client, 50_000)
            time.sleep(0.25)
        self.assertEqual(culvert.count_in_log(" stalled: "), 0)
        for client in (slow, slower):
            client.close()
        self.stall_another(culvert)
        culvert.shut_down()

    def test_our_own_limit_holds_nothing_up(self):
        culvert = self.start("--upstream", "direct://", "--bandwidth", "64k")
        client, server = self.tunnel()
        size = 5 * 64 * 1024
        Fill(server, size)
        wire.receive_exactly(client, size)
        self.assertEqual(culvert.count_in_log(" stalled: "), 0)
        self.stall_another(culvert)
        culvert.shut_down()

    def test_a_reload_changes_it(self):
        path = f"{isolate.STATE}/stalls.toml"
        isolate.write(path, 'stall-after = "off"\n')
        culvert = self.start("--upstream", "direct://", "--config", path, stalled=())
        client, server = self.tunnel()
        client.sendall(bytes(300))
        wire.receive_exactly(server, 300)
        # Longer than the shortest time that it could be.
        time.sleep(2)
        self.assertEqual(culvert.count_in_log(" stalled: "), 0)
        isolate.write(f"{path}.new", 'stall-after = "1s"\n')
        os.rename(f"{path}.new", path)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log("tunnel 1 to ")
        culvert.wait_log(" stalled: the target has sent nothing for ")
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
