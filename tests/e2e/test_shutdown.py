"""Shutdown: graceful, with tunnels that may finish, or at once after a second signal or the drain timeout."""

import collections
import hashlib
import re
import signal
import socket
import threading
import time
import unittest

import harness
import peers
import wire
from culvert import FOUR_THREADS, PORT, Culvert, launch
from testbed import BORDER, Testbed, wait_for

MIB = 1 << 20
OVER_DANTE = ("--upstream", f"socks5://{peers.USER}:{peers.PASSWORD_IN_URL}@{BORDER}:{peers.DANTE_PORT}")


def setUpModule():
    global testbed, target
    testbed = harness.report_on(Testbed())
    target = wire.BulkTarget(testbed.outside)
    peers.start_dante(testbed)


def port_closed():
    try:
        wire.open_client(testbed.home, timeout=5).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        # It was in the backlog of a listener that is just closing.
        return False


class Shutdown(unittest.TestCase):
    def setUp(self):
        target.clear()

    def drain_in_the_middle(self, number):
        culvert = launch(self, testbed, *OVER_DANTE)
        size = 300 * MIB
        before = testbed.home.received_bytes("home0")
        client = wire.tunnel(testbed.home, early=b"halves %d\n" % size)
        received = []
        reader = threading.Thread(target=lambda: received.append(wire.receive(client)))
        reader.start()
        # The target sends its second half only after the shutdown has begun.
        wait_for(lambda: testbed.home.received_bytes("home0") - before > size // 2, 30, "the first half does not come")
        culvert.signal(number)
        wait_for(port_closed, 5, f"port {PORT} still accepts connections")
        self.assertTrue(culvert.running(), "culvert has exited with a tunnel open")
        target.release.set()
        reader.join(60)
        expected = hashlib.sha256()
        for _ in range(2):
            for piece in wire.pattern(size // 2):
                expected.update(piece)
        self.assertEqual(received, [(size, expected.hexdigest())])
        client.close()
        self.assertEqual(culvert.wait(10), 0)
        culvert.wait_access_line(f"target.world:{wire.BULK_PORT}")

    def test_sigterm_lets_a_transfer_finish(self):
        self.drain_in_the_middle(signal.SIGTERM)

    def test_sigint_does_the_same(self):
        self.drain_in_the_middle(signal.SIGINT)

    def test_idle_culvert_exits_at_once(self):
        culvert = launch(self, testbed, *OVER_DANTE)
        wire.tunnel(testbed.home, early=b"echo\n").close()
        culvert.assert_no_leaks()
        started = time.monotonic()
        culvert.shut_down()
        self.assertLess(time.monotonic() - started, 3)

    def test_last_log_line_sums_up_what_was_served(self):
        """By all workers, with the byte counts that were really sent."""
        peers.need_dante()
        culvert = launch(self, testbed, *FOUR_THREADS, *OVER_DANTE)
        up, down, received = 4_500_000, 700, 0
        for _ in range(5):
            client = wire.tunnel(testbed.home, early=b"sink\n")
            wire.send_pattern(client, up)
            client.shutdown(socket.SHUT_WR)
            received += wire.receive(client)[0]
            client.close()
        for _ in range(4):
            client = wire.tunnel(testbed.home, early=b"burst %d\n" % down)
            received += wire.receive(client)[0]
            client.close()
        client, reply = wire.connect(testbed.home, "target.world:9")
        self.assertEqual(reply.status, 502, reply.line)
        client.close()
        culvert.wait_access_lines(10)
        culvert.shut_down()
        lines = [dict(re.findall(r" (\w+)=(\S+)", line.partition(" detail=")[0])) for line in culvert.access_lines()]
        self.assertEqual(len(lines), 10)
        logged_up, logged_down = (sum(int(line[name]) for line in lines) for name in ("bytes_up", "bytes_down"))
        sent_up = 5 * (up + len("sink\n")) + 4 * len(f"burst {down}\n")
        self.assertEqual((logged_up, logged_down), (sent_up, received))
        outcomes = collections.Counter(line["outcome"] for line in lines)
        self.assertEqual(outcomes, {"ok": 9, "connection_refused": 1})
        with open(culvert.stderr_path, encoding="utf-8") as log:
            last = log.read().splitlines()[-1]
        self.assertEqual(
            last.partition(" ")[2],
            f"info served 10 requests (9 ok, 1 connection_refused), {sent_up / 1e6:.1f} MB up, {received / 1e3:.1f} kB down",
        )

    def test_no_summary_if_nothing_was_served(self):
        culvert = launch(self, testbed, *OVER_DANTE)
        culvert.shut_down()
        self.assertIn("drained, leaving", culvert.output())
        self.assertNotIn("served", culvert.output())

    def test_sigterm_as_soon_as_it_listens(self):
        """From the first accepted connection on, SIGTERM is a graceful shutdown."""
        for _ in range(20):
            culvert = Culvert(testbed, *OVER_DANTE)
            self.addCleanup(culvert.kill)
            culvert.start()
            listens_by = time.monotonic() + 10
            while port_closed():
                self.assertTrue(culvert.running(), culvert.output())
                self.assertLess(time.monotonic(), listens_by)
            culvert.signal(signal.SIGTERM)
            self.assertEqual(culvert.wait(10), 0)

    def test_second_signal_ends_at_once(self):
        culvert = launch(self, testbed, "--drain-timeout", "60s", *OVER_DANTE)
        client = wire.tunnel(testbed.home, early=b"echo\n")
        culvert.signal(signal.SIGTERM)
        wait_for(port_closed, 5, f"port {PORT} still accepts connections")
        client.sendall(b"!")
        self.assertEqual(client.recv(1), b"!")
        culvert.signal(signal.SIGTERM)
        self.assertEqual(culvert.wait(10), 0)
        self.assert_aborted(culvert, client, "a second signal came")

    def test_drain_timeout(self):
        culvert = launch(self, testbed, "--drain-timeout", "1s", *OVER_DANTE)
        client = wire.tunnel(testbed.home, early=b"echo\n")
        started = time.monotonic()
        culvert.signal(signal.SIGTERM)
        self.assertEqual(culvert.wait(8), 0)
        self.assertGreater(time.monotonic() - started, 0.9, "the tunnel got no time to finish")
        self.assert_aborted(culvert, client, "the drain timeout is over")

    def test_drain_ends_with_the_last_tunnel(self):
        culvert = launch(self, testbed, "--drain-timeout", "60s", *OVER_DANTE)
        clients = [wire.tunnel(testbed.home, early=b"echo\n") for _ in range(3)]
        culvert.signal(signal.SIGTERM)
        for client in clients:
            self.assertTrue(culvert.running())
            client.sendall(b"!")
            self.assertEqual(client.recv(1), b"!")
            client.close()
        self.assertEqual(culvert.wait(10), 0)

    def assert_aborted(self, culvert, client, detail):
        """The client gets a RST, as its tunnel is not at its end."""
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        client.close()
        line = culvert.wait_access_line(f" target=target.world:{wire.BULK_PORT} ")
        self.assertIn(" outcome=aborted ", line)
        self.assertIn(f' closed_by=culvert detail="{detail}"', line)


if __name__ == "__main__":
    harness.main()
