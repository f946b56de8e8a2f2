"""What culvert uses when its clients and targets behave badly: memory, descriptors, time on the processor."""

import contextlib
import socket
import ssl
import threading
import time
import unittest

import harness
import peers
import wire
from culvert import is_sanitized, launch
from testbed import BORDER, Testbed, wait_for, wait_until_steady

MIB = 1 << 20
GIB = 1 << 30

# A sanitized process keeps shadow memory and freed blocks, which count as resident; a leak of the GiB still shows.
RESIDENT_LIMIT = 256 if is_sanitized() else 64


def setUpModule():
    global testbed, target
    testbed = harness.report_on(Testbed())
    target = wire.BulkTarget(testbed.outside)
    peers.start_dante(testbed)


OVER_DANTE = ("--upstream", f"socks5://{peers.USER}:{peers.PASSWORD_IN_URL}@{BORDER}:{peers.DANTE_PORT}")


class MemorySampler:
    """Samples resident memory in the background and keeps the highest value."""

    def __init__(self, culvert):
        self.culvert = culvert
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._stop.wait(0.01):
            self.peak = max(self.peak, self.culvert.resident_mib())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


class Memory(unittest.TestCase):
    def setUp(self):
        target.clear()

    @unittest.skipIf(is_sanitized(), "a sanitizer takes more than the sidecar")
    def test_at_rest(self):
        """A sidecar that has nothing to do is small."""
        culvert = launch(self, testbed, "--threads", "1", *OVER_DANTE)
        # OpenSSL 3.5 is larger by a megabyte.
        more = 0 if ssl.OPENSSL_VERSION_INFO < (3, 5) else 1
        self.assertLess(culvert.resident_mib("RssAnon"), 1 + more)
        # How much of a library's file the kernel maps at once depends on how it came into the page cache: 5.1 to 6.2 in all.
        self.assertLess(culvert.resident_mib(), 7 + more)
        culvert.shut_down()

    def test_client_that_reads_nothing(self):
        culvert = launch(self, testbed, *OVER_DANTE)
        with MemorySampler(culvert) as sampler:
            client = wire.tunnel(testbed.home, early=b"offer %d\n" % GIB)
            wait_for(lambda: target.sent > 0, 10, "the target sends nothing")
            taken = wait_until_steady(lambda: target.sent)
            self.assertLess(taken, 256 * MIB, "data was buffered that nobody reads")
            # The rest comes as soon as the client reads, and in order.
            for piece in wire.pattern(64 * MIB):
                self.assertEqual(wire.receive_exactly(client, len(piece)), piece)
        self.assertLess(sampler.peak, RESIDENT_LIMIT)
        client.close()
        target.results.get(timeout=20)
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_target_that_reads_nothing(self):
        peers.need_dante()
        culvert = launch(self, testbed, *OVER_DANTE)
        with MemorySampler(culvert) as sampler:
            client = wire.tunnel(testbed.home, early=b"stall\n")
            client.settimeout(0.5)
            sent = 0
            with self.assertRaises(TimeoutError):
                while sent < GIB:
                    sent += client.send(bytes(wire.BLOCK))
            self.assertLess(sent, 256 * MIB, "data was buffered that nobody reads")
            target.release.set()
            client.shutdown(socket.SHUT_WR)
            count, _ = target.results.get(timeout=60)
            self.assertEqual(count, sent)
        self.assertLess(sampler.peak, RESIDENT_LIMIT)
        client.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_many_quiet_tunnels(self):
        """A thousand tunnels at rest cost next to no memory and no time at all."""
        count = 400 if is_sanitized() else 1000
        culvert = launch(self, testbed, "--upstream", "direct://", host=testbed.border)
        clients = [wire.tunnel(testbed.border, early=b"echo\n") for _ in range(count)]
        self.assertLess(culvert.resident_mib(), RESIDENT_LIMIT)
        before = wait_until_steady(culvert.cpu_seconds)
        time.sleep(1)
        self.assertLess(culvert.cpu_seconds() - before, 0.1)
        for client in clients:
            client.close()
        culvert.assert_no_leaks()
        culvert.shut_down()


class Descriptors(unittest.TestCase):
    def test_out_of_descriptors(self):
        """With too few descriptors culvert waits without spinning, and goes on when there are some again."""
        nowhere = "10.77.2.20"
        culvert = launch(self, testbed, "--threads", "1", "--header-timeout", "120s", *OVER_DANTE, "--route", f"{nowhere}=direct",
                         wrapper=("prlimit", "--nofile=64", "--"))
        # A request first, and one that fails with a text of the system's. (The undefined behaviour sanitizer needs descriptors
        # for its first checks.)
        wire.tunnel(testbed.home, f"target.world:{wire.BULK_PORT}").close()
        client, reply = wire.connect(testbed.home, f"{nowhere}:443")
        client.close()
        self.assertIn("Network is unreachable", reply.line)
        clients = [wire.open_client(testbed.home) for _ in range(200)]
        # Six are kept back, and up to sixteen that wait give way at a time for new ones.
        wait_for(lambda: len(culvert.descriptors()) >= 64 - 6 - 16, 10, "culvert does not accept up to its limit")
        before = culvert.cpu_seconds()
        time.sleep(2)
        used = culvert.cpu_seconds() - before
        self.assertLess(used, 0.4, "culvert spins while it has no descriptors")
        for client in clients:
            client.close()
        end = time.monotonic() + 20
        while True:
            client, reply = wire.connect(testbed.home, f"target.world:{wire.BULK_PORT}")
            client.close()
            if reply.status == 200:
                break
            self.assertEqual(reply.status, 503, reply.line)
            self.assertLess(time.monotonic(), end, "culvert does not recover")
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_connection_limit(self):
        culvert = launch(self, testbed, "--max-connections", "4", *OVER_DANTE)
        tunnels = [wire.tunnel(testbed.home, early=b"echo\n") for _ in range(4)]
        client, reply = wire.connect(testbed.home, f"target.world:{wire.BULK_PORT}")
        client.close()
        self.assertEqual(
            reply.line,
            f"HTTP/1.1 503 culvert: all 4 connections are in use, none left for target.world:{wire.BULK_PORT} - see --max-connections",
        )
        # The open tunnels are not affected, and a connection that is closed makes room for the next one.
        tunnels[0].sendall(b"!")
        self.assertEqual(tunnels[0].recv(1), b"!")
        tunnels.pop().close()
        client = wait_for(self.try_tunnel, 10, "no tunnel although a connection was closed")
        for tunnel in [client, *tunnels]:
            tunnel.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    @staticmethod
    def try_tunnel():
        client, reply = wire.connect(testbed.home, f"target.world:{wire.BULK_PORT}")
        if reply.status == 200:
            return client
        client.close()
        return None


class Threads(unittest.TestCase):
    def test_no_thread_without_need(self):
        """The workers alone, also when a name is looked up here."""
        for workers in 1, 3:
            with self.subTest(workers=workers):
                culvert = launch(self, testbed, "--threads", str(workers), *OVER_DANTE)
                # It logs that it listens before all other workers have begun.
                wait_for(lambda: culvert.threads() >= workers, 10, f"culvert does not come to {workers} threads")
                wire.tunnel(testbed.home, early=b"echo\n").close()
                culvert.assert_no_leaks()
                self.assertEqual(culvert.threads(), workers)
                culvert.shut_down()
        culvert = launch(self, testbed, "--threads", "1", "--upstream", "direct://")
        client, reply = wire.connect(testbed.home, "no-such.world:1")
        client.close()
        self.assertEqual(reply.line, "HTTP/1.1 502 culvert: target no-such.world:1 does not resolve here: the name does not exist (direct)")
        self.assertEqual(culvert.threads(), 1)
        culvert.shut_down()


class Time(unittest.TestCase):
    def test_slow_head(self):
        culvert = launch(self, testbed, "--header-timeout", "1s", *OVER_DANTE)
        client = wire.open_client(testbed.home, timeout=15)
        client.sendall(b"CONNECT target.world:7000 HTT")
        started = time.monotonic()
        reply = wire.read_reply(client)
        took = time.monotonic() - started
        self.assertEqual(reply.line, "HTTP/1.1 408 culvert: no complete request within 1.0 s")
        self.assertGreater(took, 0.7)
        self.assertLess(took, 5)
        client.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_idle_timeout(self):
        """Only a tunnel that is idle both ways is ended."""
        culvert = launch(self, testbed, "--idle-timeout", "2s", *OVER_DANTE)
        busy = wire.tunnel(testbed.home, early=b"echo\n")
        idle = wire.tunnel(testbed.home, early=b"echo\n", timeout=15)
        ended = threading.Event()

        def wait_for_end():
            with contextlib.suppress(ConnectionResetError):
                data.append(idle.recv(1))
            ended.set()

        data = []
        waiting = threading.Thread(target=wait_for_end)
        waiting.start()
        end = time.monotonic() + 10
        while not ended.is_set() and time.monotonic() < end:
            busy.sendall(b"!")
            self.assertEqual(busy.recv(1), b"!")
            time.sleep(0.1)
        self.assertTrue(ended.is_set(), "the idle tunnel lives on")
        busy.sendall(b"?")
        self.assertEqual(busy.recv(1), b"?")
        busy.close()
        waiting.join()
        self.assertEqual(data, [], "the idle tunnel was not reset")
        idle.close()
        culvert.assert_no_leaks()
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
