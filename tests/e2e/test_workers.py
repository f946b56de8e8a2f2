"""What does not depend on --threads: the health of an upstream, warm connections, probes, and who serves a listener."""

import collections
import concurrent.futures
import functools
import re
import socket
import threading
import time
import unittest

import harness
import isolate
import peers
import wire
from culvert import Culvert, launch
from testbed import BORDER, Testbed, wait_for, wait_until_steady

MICROSOCKS = f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}"
TARGET = f"target.world:{wire.BULK_PORT}"
# None is the default, one worker a core.
THREADS = (1, None, 4, 8)
FIRST_PORT = 3300

REQUESTS = 60
# How long one try of a silent upstream takes.
TRY_SECONDS = 0.5
WARM = 2
PROBE_SECONDS = 4.5
CONNECTIONS = 40
WORKERS = 4


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    wire.BulkTarget(testbed.outside)
    peers.start_microsocks(testbed)


def options(threads):
    return () if threads is None else ("--threads", str(threads))


def most_tries(seconds):
    """What a shared record takes to find out that an upstream is silent, and one trial later whether it still is; then one
    whenever the wait is over, which is a second at first, or a fifth less, and twice as long each time."""
    tries, wait, seconds = 4, 0.8, seconds - 4 * TRY_SECONDS
    while seconds > wait:
        tries, wait, seconds = tries + 1, 2 * wait, seconds - wait - TRY_SECONDS
    return tries


class SocksServer:
    """Accepts every greeting and every request, without connecting anywhere. Counts open connections, and has the time of
    each request."""

    def __init__(self, host, banner=b""):
        self.banner = banner
        self.lock = threading.Lock()
        self.open = 0
        self.requests = []
        self.upstream = f"socks5://127.0.0.1:{wire.serve_in_threads(host, self._serve, backlog=256)}"

    def _serve(self, connection):
        with self.lock:
            self.open += 1
        try:
            if connection.recv(3) == b"\x05\x01\x00":
                connection.sendall(b"\x05\x00")
                if connection.recv(300):
                    self.requests.append(time.monotonic())
                    connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00" + self.banner)
                    connection.recv(1)
        except OSError:
            pass
        finally:
            with self.lock:
                self.open -= 1
            connection.close()


class AnyNumberOfThreads(unittest.TestCase):
    def for_each_number(self, measure):
        """What measure() returns with each number of threads, side by side, as most of it is waiting. Printed before it is
        checked, so that a failure shows all of them."""
        with concurrent.futures.ThreadPoolExecutor(len(THREADS)) as pool:
            waits = {threads: pool.submit(measure, FIRST_PORT + at, *options(threads)) for at, threads in enumerate(THREADS)}
            found = {threads: wait.result() for threads, wait in waits.items()}
        print(f"{self.id().rpartition('.')[2]}: {found}", flush=True)
        return found.items()

    def test_few_requests_try_a_silent_upstream(self):
        def measure(port, *threads):
            silent = wire.SilentServer(testbed.home)
            culvert = launch(
                self, testbed, "--upstream", f"socks5://127.0.0.1:{silent.port}?connect-timeout={TRY_SECONDS * 1000:.0f}ms",
                "--upstream", MICROSOCKS, *threads, port=port,
            )
            begun = time.monotonic()
            for _ in range(REQUESTS):
                wire.tunnel(testbed.home, TARGET, port=port).close()
            seconds = time.monotonic() - begun
            culvert.shut_down()
            return len(silent.accepted), seconds

        for threads, (tries, seconds) in self.for_each_number(measure):
            with self.subTest(threads=threads):
                self.assertGreaterEqual(tries, 1)
                self.assertLessEqual(tries, most_tries(seconds))

    def test_as_many_connections_are_kept_warm_as_configured(self):
        def measure(port, *threads):
            server = SocksServer(testbed.home)
            culvert = launch(self, testbed, "--upstream", f"{server.upstream}?warm={WARM}", *threads, port=port)
            # Taken from and filled up again.
            for _ in range(8):
                wire.tunnel(testbed.home, TARGET, port=port).close()
            wait_for(lambda: server.open >= WARM, 10, "no connections are kept warm again")
            held = wait_until_steady(lambda: server.open, still=1)
            culvert.shut_down()
            return held

        for threads, held in self.for_each_number(measure):
            with self.subTest(threads=threads):
                self.assertEqual(held, WARM)

    def probes(self, banner, port, *threads):
        """Those that come within some seconds of the first one."""
        server = SocksServer(testbed.home, banner)
        culvert = launch(
            self, testbed, "--upstream", server.upstream, "--upstream", MICROSOCKS, "--probe", TARGET, "--probe-interval", "1s", *threads,
            port=port,
        )
        wait_for(lambda: server.requests and time.monotonic() > server.requests[0] + PROBE_SECONDS, 20, "no probe comes")
        culvert.shut_down()
        return sum(at <= server.requests[0] + PROBE_SECONDS for at in server.requests)

    def test_probes_come_once_an_interval(self):
        for threads, count in self.for_each_number(functools.partial(self.probes, b"220 ready\r\n")):
            with self.subTest(threads=threads):
                self.assertGreaterEqual(count, 3)
                self.assertLessEqual(count, 5)

    def test_probes_of_a_target_that_waits_for_the_client(self):
        """Each is kept open for three seconds, and the interval comes after it."""
        for threads, count in self.for_each_number(functools.partial(self.probes, b"")):
            with self.subTest(threads=threads):
                self.assertEqual(count, 2)


class EveryListener(unittest.TestCase):
    """The ids of sessions tell which worker they are of: they go up by the number of workers."""

    def spread(self, culvert, connect):
        """Connections that are open side by side, by worker."""
        clients = [connect() for _ in range(CONNECTIONS)]
        for client in clients:
            client.close()
        culvert.wait_access_lines(CONNECTIONS)
        culvert.shut_down()
        ids = [int(re.search(r" id=(\d+) ", line)[1]) for line in culvert.access_lines()]
        by_worker = collections.Counter(number % WORKERS for number in ids)
        print(f"{CONNECTIONS} connections by worker: {sorted(by_worker.values())}", flush=True)
        # They are dealt to the workers in turn.
        self.assertEqual(sorted(by_worker.values()), [CONNECTIONS // WORKERS] * WORKERS)

    def test_a_unix_socket_is_served_by_all_workers(self):
        path = f"{isolate.STATE}/workers.sock"
        culvert = Culvert(testbed, "--upstream", MICROSOCKS, "--threads", str(WORKERS), listen=[f"unix:{path}"])
        testbed.processes.append(culvert)
        self.addCleanup(testbed.processes.remove, culvert)
        self.addCleanup(culvert.kill)
        culvert.start()
        culvert.wait_until(lambda: "listening on" in culvert.output())

        def connect():
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(20)
            client.connect(path)
            client.sendall(f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode())
            reply = wire.read_reply(client)
            self.assertEqual(reply.status, 200, reply.line)
            return client

        self.spread(culvert, connect)
        culvert.assert_no_crash()


if __name__ == "__main__":
    harness.main()
