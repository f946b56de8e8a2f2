"""Crowds of clients, well-behaved and not: who is new gets in at once, and afterwards everything is as it was.

CULVERT_CROWD=50000 is how many connections of each kind there are (by hand); without it some thousand. What the limit of
descriptors does not allow at a time comes in waves.
"""

import os
import socket
import threading
import time
import unittest

import certs
import crowds
import harness
import isolate
import wire
from culvert import PORT, has_thread_sanitizer, is_sanitized, launch
from testbed import Testbed, wait_for, wait_until_steady

SLOW = is_sanitized() or has_thread_sanitizer()
DRIBBLERS = 500 if SLOW else 2000
CROWD = int(os.environ.get("CULVERT_CROWD", 500 if SLOW else 2000))
LONGEST_WAIT = 2.0 if SLOW else 1.0
# By a dial that has found none, or before there is one.
TOLD = (
    r"^HTTP/1.1 503 culvert: .*no file descriptors are left( for 127.0.0.1:\d+)? - raise the proxy's limit of open files "
    r"\(ulimit -n, LimitNOFILE=\)"
)


def setUpModule():
    global testbed, echo_port
    testbed = harness.report_on(Testbed())
    echo_port = wire.serve_in_threads(testbed.home, wire.echo, backlog=512)
    crowds.allow_all_descriptors()


def crowd(case, target=1):
    return crowds.start_clients(case, testbed.home, target)


class NewClients:
    """One after the other, each with a tunnel and a byte through it; how long the slowest took."""

    def __init__(self, case):
        self.case = case

    def slowest(self, seconds):
        slowest, count, end = 0.0, 0, time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            with wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}") as client:
                client.sendall(b"!")
                self.case.assertEqual(client.recv(1), b"!")
            slowest = max(slowest, time.monotonic() - begun)
            count += 1
            time.sleep(0.02)
        return slowest, count


class Dribblers(unittest.TestCase):
    def check(self, files, dribblers_count=DRIBBLERS):
        wrapper = ("prlimit", f"--nofile={files}", "--") if files else ()
        culvert = launch(self, testbed, "--threads", "2", "--header-timeout", "120s", wrapper=wrapper)
        dribblers = crowd(self)
        waiting = threading.Thread(target=dribblers.do, args=(f"dribble {dribblers_count}",))
        waiting.start()
        slowest, count = NewClients(self).slowest(1)
        waiting.join()
        if files:
            culvert.wait_log("descriptors are short: connections that wait for a request are closed for new ones")
        again, more = NewClients(self).slowest(1)
        print(f"{dribblers_count} dribblers, {files or 'enough'} descriptors: {count + more} new clients, the slowest "
              f"{1000 * max(slowest, again):.0f} ms", flush=True)
        self.assertLess(max(slowest, again), LONGEST_WAIT)
        dribblers.do("close")
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_descriptors_for_all(self):
        self.check(None)

    def test_full_table(self):
        self.check(512)

    @unittest.skipIf(SLOW, "the check of member calls of clang 14 needs descriptors")
    def test_tiny_table(self):
        """It serves on. (As each has 50 ms to ask, some thousand a second would be more than it takes.)"""
        self.check(64, 100)

    def test_a_request_that_gives_way_is_told_why(self):
        culvert = launch(self, testbed, "--threads", "1", wrapper=("prlimit", "--nofile=64", "--"))
        first = wire.open_client(testbed.home)
        first.sendall(b"CONNECT files.world:443 HTTP/1.1\r\n")
        others = [wire.open_client(testbed.home) for _ in range(80)]
        reply = wire.read_reply(first)
        self.assertEqual(
            reply.line, "HTTP/1.1 503 culvert: too many connections are open, and this one had sent no whole request",
        )
        first.close()
        for other in others:
            other.close()
        culvert.wait_access_line("descriptors are short")
        culvert.shut_down()

    @unittest.skipIf(SLOW, "the check of member calls of clang 14 needs descriptors")
    def test_a_table_full_of_tunnels_keeps_them_and_does_not_spin(self):
        culvert = launch(self, testbed, "--threads", "1", wrapper=("prlimit", "--nofile=64", "--"))
        tunnels = fill_table(self)
        waiting = [wire.open_client(testbed.home) for _ in range(100)]
        wait_for(lambda: culvert.count_in_log(": "), 10, "")
        before = culvert.cpu_seconds()
        time.sleep(1)
        self.assertLess(culvert.cpu_seconds() - before, 0.2, "culvert spins while it has no descriptors")
        for client in waiting:
            client.close()
        # Who asks is told why.
        for _ in range(20):
            waiting = []
            begun = time.monotonic()
            for _ in range(5):
                waiting.append(wire.open_client(testbed.home))
                waiting[-1].sendall(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n")
            for client in waiting:
                self.assertRegex(wire.read_reply(client).line, TOLD)
                client.close()
            self.assertLess(time.monotonic() - begun, LONGEST_WAIT)
        client = wire.open_client(testbed.home)
        client.sendall(b"\x05\x01\x00")
        self.assertEqual(wire.receive_exactly(client, 2), b"\x05\x00")
        client.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x01")
        self.assertEqual(wire.receive_exactly(client, 2), b"\x05\x01")
        client.close()
        self.assertEqual(culvert.count_in_log("no descriptors are left: each new client gets a 503"), 1)
        for client in tunnels:
            client.sendall(b"?")
            self.assertEqual(client.recv(1), b"?")
        for client in [*tunnels, *waiting]:
            client.close()
        wait_for(lambda: self.is_served(), 20, "culvert does not recover")
        culvert.assert_no_leaks()
        culvert.shut_down()

    @staticmethod
    def is_served():
        try:
            wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}").close()
        except AssertionError:
            return False
        return True


def request_of_tunnel():
    return b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\n" % echo_port


def open_client_of(path=None):
    if path is None:
        return wire.open_client(testbed.home)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(path)
    return client


def ask(case, path=None):
    """A client with a tunnel, or that was told why it has none."""
    client = open_client_of(path)
    client.sendall(request_of_tunnel())
    reply = wire.read_reply(client)
    if reply.status != 200:
        case.assertRegex(reply.line, TOLD)
    return client, reply.status


def fill_table(case):
    tunnels = []
    while True:
        client, status = ask(case)
        if status != 200:
            client.close()
            return tunnels
        tunnels.append(client)


@unittest.skipIf(is_sanitized(), "the check of member calls of clang 14 needs descriptors")
class FullTable(unittest.TestCase):
    """Beside tunnels and with whoever waits, a new client has an answer within a second."""

    def check(self, threads, others, sends, path=None):
        culvert = launch(self, testbed, "--threads", threads, "--header-timeout", "120s", wrapper=("prlimit", "--nofile=64", "--"),
                         listen=[f"127.0.0.1:{PORT}", *([f"unix:{path}"] if path else [])])
        tunnels, waiting, refused = fill_table(self), [], []
        for _ in range(others):
            waiting.append(open_client_of(path))
            waiting[-1].sendall(sends)
        slowest = 0.0
        for _ in range(5):
            begun = time.monotonic()
            refused.append(ask(self, path)[0])
            slowest = max(slowest, time.monotonic() - begun)
        print(f"{threads} workers, {len(tunnels)} tunnels, {others} clients {'of a unix socket ' if path else ''}that have sent "
              f"{len(sends)} bytes: a new one is answered within {1000 * slowest:.0f} ms", flush=True)
        self.assertLess(slowest, LONGEST_WAIT)
        for client in tunnels:
            client.sendall(b"?")
            self.assertEqual(client.recv(1), b"?")
        for client in [*tunnels, *waiting, *refused]:
            client.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def check_kinds(self, threads):
        denied = b"CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n"
        for others, sends in ((0, b""), (100, b""), (100, b"CONNECT "), (100, request_of_tunnel()), (40, b"\x05\x01\x00"), (40, denied)):
            with self.subTest(others=others, sends=sends):
                self.check(threads, others, sends)

    def test_one_worker(self):
        self.check_kinds("1")

    def test_two_workers(self):
        self.check_kinds("2")

    def test_a_unix_socket(self):
        """Its clients are dealt to all workers, and the kernel does not tell since when they have waited."""
        for threads in ("1", "2", "4"):
            for sends in (b"", b"CONNECT "):
                with self.subTest(threads=threads, sends=sends):
                    self.check(threads, 40, sends, f"{isolate.STATE}/full.sock")


class Crowds(unittest.TestCase):
    def test_memory_and_descriptors_come_back(self):
        target = crowds.start_target(self, testbed.home)
        clients = crowd(self, target.line())
        cert, key = certs.Authority("crowds").issue("proxy.example", "DNS:proxy.example")
        culvert = launch(self, testbed, "--threads", "2", "--max-connections", "1000000", "--access-log", "off",
                         "--header-timeout", "10m", "--keep-alive-timeout", "10m",
                         listen=[f"http://127.0.0.1:{PORT}?cert={cert}&key={key}"])
        most = crowds.spare_descriptors()
        for kind, descriptors in (("connect", 2), ("idle", 1), ("get", 2), ("socks", 2), ("tls", 1)):
            with self.subTest(kind=kind):
                # A first crowd makes what stays: the allocator's, and its first pools.
                wave = min(CROWD, most // descriptors)
                clients.do(f"{kind} {min(wave, 1000)}")
                clients.do("close")
                wait_until_steady(culvert.sockets)
                before = wait_until_steady(culvert.resident_mib)
                begun, left, peak = time.monotonic(), CROWD, 0
                while left > 0:
                    now = min(left, wave)
                    clients.do(f"{kind} {now}")
                    wait_for(lambda: culvert.sockets() >= now * descriptors // 1, 60, "they are not all there")
                    peak = max(peak, culvert.resident_mib())
                    clients.do("close")
                    culvert.assert_no_leaks()
                    left -= now
                took = time.monotonic() - begun
                after = wait_until_steady(culvert.resident_mib)
                print(f"{CROWD} times {kind}, {wave} at a time, {took:.1f} s: {before:.1f} MiB before, {peak:.1f} at most, {after:.1f} "
                      "after", flush=True)
                if not SLOW:
                    self.assertLess(after - before, 2)
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
