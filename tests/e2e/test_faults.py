"""Every socket call of culvert fails now and then: it goes on, loses no byte without saying so, and leaks nothing.

A library (tests/faults) that is loaded before the others makes calls fail: first each call of a round of requests by itself,
once, with each errno that it may have; then any call by chance, from a seed. CULVERT_FAULTS_ROUNDS and _SEED are for longer runs, _CALLS for
shorter ones.
"""

import errno
import mmap
import os
import random
import socket
import struct
import threading
import unittest

import harness
import isolate
import wire
from culvert import PORT, has_thread_sanitizer, is_sanitized, launch
from testbed import Testbed, wait_for, wait_until_steady

UPSTREAM_PORT = PORT + 1
# As tests/faults/faults.cc has them.
CALLS = ("accept", "socket", "connect", "recv", "send", "splice", "epoll_ctl", "pipe", "shutdown", "setsockopt")
PART = 0
ERRORS = {
    "accept": (errno.ECONNABORTED, errno.EMFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINTR),
    "socket": (errno.EMFILE, errno.ENOBUFS),
    "connect": (errno.ETIMEDOUT, errno.ENETUNREACH, errno.ENOBUFS),
    "recv": (errno.ECONNRESET, errno.ETIMEDOUT, errno.ENOMEM, errno.EINTR),
    "send": (errno.ECONNRESET, errno.EPIPE, errno.ENOBUFS, errno.EINTR, PART),
    "splice": (errno.ECONNRESET, errno.ENOMEM, errno.EINTR, PART),
    "epoll_ctl": (errno.ENOSPC, errno.ENOMEM),
    "pipe": (errno.EMFILE,),
    "shutdown": (errno.ENOTCONN,),
    "setsockopt": (errno.ENOBUFS,),
}
# No failure of one of these is noticed by a client.
HARMLESS = {("send", PART), ("splice", PART), ("send", errno.EINTR), ("recv", errno.EINTR), ("splice", errno.EINTR)}
SIZE = 300_000
ROUNDS = int(os.environ.get("CULVERT_FAULTS_ROUNDS", 150))
SEED = int(os.environ.get("CULVERT_FAULTS_SEED", 4711))


def setUpModule():
    global testbed, target, web
    testbed = harness.report_on(Testbed())
    target = wire.serve_in_threads(testbed.home, serve_tunnel, backlog=512)
    web = wire.serve_in_threads(testbed.home, serve_request, backlog=512)


def serve_tunnel(connection):
    """Sends back what it gets, in pieces, and ends when its client does."""
    pieces = random.Random(1)
    try:
        with connection:
            connection.settimeout(20)
            while data := connection.recv(65536):
                while data:
                    size = pieces.randrange(1, 40_000)
                    connection.sendall(data[:size])
                    data = data[size:]
    except OSError:
        pass


def serve_request(connection):
    try:
        with connection:
            connection.settimeout(20)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = connection.recv(1)
                if not byte:
                    return
                head += byte
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE + bytes(wire.BLOCK[:SIZE]))
    except OSError:
        pass


class Orders:
    """What the library is to do, in a file that it has mapped as well."""

    CALL, NTH, ERROR, ONE_IN, RANDOM, INJECTED, COUNTED = range(7)

    def __init__(self):
        self.path = f"{isolate.STATE}/faults"
        with open(self.path, "wb") as file:
            file.write(bytes(4 * (6 + len(CALLS))))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)

    def put(self, at, number):
        struct.pack_into("I", self.memory, 4 * at, number)

    def get(self, at):
        return struct.unpack_from("I", self.memory, 4 * at)[0]

    def clear(self):
        for at in range(6 + len(CALLS)):
            self.put(at, 0)

    def counted(self, call):
        return self.get(self.COUNTED + CALLS.index(call))

    def one(self, call, nth, error):
        self.clear()
        self.put(self.CALL, CALLS.index(call))
        self.put(self.ERROR, error)
        self.put(self.NTH, nth)

    def by_chance(self, one_in, seed):
        self.clear()
        self.put(self.CALL, len(CALLS))
        self.put(self.RANDOM, seed)
        self.put(self.ONE_IN, one_in)


class Told(Exception):
    """The client was told that something failed."""


def tunnel_round(port):
    """A tunnel with bytes both ways. An end without an error means that all of them came."""
    try:
        with wire.open_client(testbed.home, port, timeout=5) as client:
            client.sendall(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = client.recv(1)
                if not byte:
                    raise Told("no answer")
                head += byte
            if not head.startswith(b"HTTP/1.1 200 "):
                raise Told(head)
            sent = bytes(wire.BLOCK[:SIZE])
            sender = threading.Thread(target=send_and_shut, args=(client, sent))
            sender.start()
            received = b""
            try:
                while data := client.recv(1 << 18):
                    received += data
            finally:
                sender.join()
            if received != sent:
                raise AssertionError(f"a clean end after {len(received)} of {len(sent)} bytes, or other ones")
    except TimeoutError:
        raise AssertionError("the tunnel hangs") from None
    except OSError as error:
        raise Told(repr(error)) from None


def send_and_shut(client, data):
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def request_round(port):
    try:
        with wire.open_client(testbed.home, port, timeout=5) as client:
            client.sendall(f"GET http://127.0.0.1:{web}/ HTTP/1.1\r\nHost: 127.0.0.1:{web}\r\nConnection: close\r\n\r\n".encode())
            data = wire.receive_all(client)
    except TimeoutError:
        raise AssertionError("the request hangs") from None
    except OSError as error:
        raise Told(repr(error)) from None
    head, _, body = data.partition(b"\r\n\r\n")
    # Whoever reads the length sees that the end is missing.
    if not head.startswith(b"HTTP/1.1 200 ") or len(body) < SIZE:
        raise Told(head[:80])
    if body != wire.BLOCK[:SIZE]:
        raise AssertionError("there are other bytes in the answer")


def library():
    return os.environ.get("CULVERT_FAULTS_LIBRARY") or os.path.join(os.path.dirname(os.environ["CULVERT"]), "tests", "libculvert_faults.so")


@unittest.skipIf(is_sanitized() or has_thread_sanitizer(), "a sanitizer has to be loaded first, and looks at these calls itself")
class Faults(unittest.TestCase):
    def start(self, *options):
        launch(self, testbed, "--threads", "1", "--access-log", "off", port=UPSTREAM_PORT)
        self.orders = Orders()
        return launch(
            self, testbed, "--threads", "1", "--hold", "0", "--upstream", f"http://127.0.0.1:{UPSTREAM_PORT}", "--access-log", "off",
            "--upstream", f"direct=direct", "--route", f"127.0.0.1:{web}=direct", *options,
            env={"LD_PRELOAD": library(), "CULVERT_FAULTS": self.orders.path},
        )

    def each_round(self):
        """How many clients were told of a failure."""
        told = 0
        for one in (tunnel_round, request_round):
            try:
                one(PORT)
            except Told:
                told += 1
        return told

    def check_afterwards(self, culvert):
        self.orders.clear()
        # An upstream that has failed is tried again; accepting waits for a moment.
        wait_for(lambda: self.each_round() == 0, 20, "it does not recover")
        culvert.assert_no_leaks()
        before = wait_until_steady(culvert.cpu_seconds)
        self.assertLess(culvert.cpu_seconds() - before, 0.1)
        culvert.shut_down()

    def test_each_call_fails_once(self):
        culvert = self.start()
        self.assertEqual(self.each_round(), 0)
        self.orders.clear()
        self.assertEqual(self.each_round(), 0)
        counts = {call: self.orders.counted(call) for call in CALLS}
        for call in ("accept", "socket", "connect", "recv", "send", "splice", "epoll_ctl", "shutdown"):
            self.assertGreater(counts[call], 0, f"{call}: {counts}")
        tried = 0
        for call in os.environ.get("CULVERT_FAULTS_CALLS", ",".join(CALLS)).split(","):
            errors = ERRORS[call]
            # Where many calls do the same, some stand for all.
            numbers = range(1, counts[call] + 1) if counts[call] <= 12 else sorted({*range(1, 9), *range(9, counts[call], counts[call] // 4)})
            for nth in numbers:
                for error in errors:
                    self.orders.one(call, nth, error)
                    with self.subTest(call=call, nth=nth, error=os.strerror(error) if error else "part"):
                        told = self.each_round()
                    if (call, error) in HARMLESS:
                        self.assertEqual(told, 0, f"{call} {nth}: {os.strerror(error) if error else 'part'}")
                    tried += self.orders.get(Orders.INJECTED)
        print(f"{tried} failures, one a round; calls of a round: {counts}", flush=True)
        self.check_afterwards(culvert)

    def test_calls_fail_by_chance(self):
        culvert = self.start()
        told = injected = 0
        for i in range(ROUNDS):
            self.orders.by_chance((5, 20, 60, 200)[i % 4], SEED + i)
            with self.subTest(seed=SEED + i):
                told += self.each_round()
            injected += self.orders.get(Orders.INJECTED)
        print(f"{injected} failures in {2 * ROUNDS} requests, of which {told} were told of one (seed {SEED})", flush=True)
        self.assertGreater(injected, ROUNDS)
        self.check_afterwards(culvert)


if __name__ == "__main__":
    harness.main()
