"""Every socket call of culvert fails now and then: it goes on, loses no byte without saying so, and leaks nothing.

A library (tests/faults) that is loaded before the others makes calls fail: first each call of a round by itself, once, with each
errno that it may have, and what must come of it is in the table OUTCOMES; then any call by chance, from a seed.
CULVERT_FAULTS_ROUNDS and _SEED are for longer runs, _CALLS for shorter ones.
"""

import errno
import mmap
import os
import random
import socket
import ssl
import struct
import threading
import unittest

import harness
import isolate
import wire
from culvert import PORT, has_thread_sanitizer, is_sanitized, launch
from testbed import BORDER, Testbed, wait_for, wait_until_steady

UPSTREAM_PORT = PORT + 1
TLS_PORT = PORT + 2
# As tests/faults/faults.cc has them.
CALLS = (
    "accept", "socket", "connect", "recv", "send", "splice", "epoll_ctl", "pipe", "shutdown", "setsockopt", "getsockopt", "recvfrom", "sendmsg",
)
PART = 0
# What must come of a failure. SERVED: its client notices nothing. TOLD: its client gets all, or an answer of 5xx, or an end that it can
# tell from the proper one; and whoever reads the log finds a line. HELD_UP: as SERVED, and the log says once what is missing.
SERVED, TOLD, HELD_UP = "served", "told", "held up"


def outcomes(outcome, *errors):
    return dict.fromkeys(errors, outcome)


# Each errno that the kernel has for the call, where it has other consequences than its neighbours. connect() of a socket that
# does not block is never interrupted, and what becomes of it is told by getsockopt(SO_ERROR). Of the calls of the event loop,
# which is not a socket's, only that one can fail that takes in a descriptor.
OUTCOMES = {
    # The connection is still in the queue, but that of ECONNABORTED and EPROTO, which has no client any more.
    "accept": {
        **outcomes(SERVED, errno.ECONNABORTED, errno.EPROTO, errno.EINTR),
        **outcomes(HELD_UP, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOBUFS),
    },
    "socket": outcomes(TOLD, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM),
    "connect": outcomes(TOLD, errno.ECONNREFUSED, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM),
    "recv": {
        **outcomes(TOLD, errno.ECONNRESET, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENOBUFS, errno.ENOMEM),
        **outcomes(SERVED, errno.EINTR),
    },
    "send": {
        **outcomes(TOLD, errno.ECONNRESET, errno.ETIMEDOUT, errno.EPIPE, errno.ENOBUFS, errno.ENOMEM),
        **outcomes(SERVED, errno.EINTR, PART),
    },
    "splice": {
        **outcomes(TOLD, errno.ECONNRESET, errno.ETIMEDOUT, errno.EPIPE, errno.ENOMEM),
        **outcomes(SERVED, errno.EINTR, PART),
    },
    "epoll_ctl": outcomes(TOLD, errno.ENOSPC, errno.ENOMEM),
    # Bytes are copied then.
    "pipe": outcomes(SERVED, errno.EMFILE, errno.ENFILE),
    "shutdown": outcomes(TOLD, errno.ENOTCONN),
    # They make a connection quicker, or find out that it is dead.
    "setsockopt": outcomes(SERVED, errno.ENOBUFS, errno.ENOMEM, errno.ENOPROTOOPT, errno.EINVAL),
    "getsockopt": outcomes(TOLD, errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENOBUFS, errno.ENOMEM),
    # Of the questions for names.
    "recvfrom": outcomes(TOLD, errno.ECONNREFUSED, errno.ENOBUFS, errno.ENOMEM, errno.EINTR),
    "sendmsg": outcomes(TOLD, errno.ECONNREFUSED, errno.ENETUNREACH, errno.EPERM, errno.ENOBUFS, errno.ENOMEM, errno.EINTR),
}
# All of these occur in one of the rounds.
USED = {"accept", "socket", "connect", "recv", "send", "splice", "epoll_ctl", "shutdown", "setsockopt", "getsockopt", "recvfrom", "sendmsg"}
SIZE = 300_000
ROUNDS = int(os.environ.get("CULVERT_FAULTS_ROUNDS", 150))
SEED = int(os.environ.get("CULVERT_FAULTS_SEED", 4711))
# Nothing here takes a tenth of it, and a busy machine may take most of it.
PATIENCE = 20
TURN = 50_000
ONLY = os.environ.get("CULVERT_FAULTS_CALLS", ",".join(CALLS)).split(",")


def setUpModule():
    global testbed, target, web, named, trusting
    testbed = harness.report_on(Testbed())
    target = wire.serve_in_threads(testbed.home, serve_tunnel, backlog=512)
    web = wire.serve_in_threads(testbed.home, serve_request, backlog=512)
    named = wire.serve_in_threads(testbed.border, serve_tunnel, backlog=512, address=(BORDER, 0))
    testbed.culvert_dns.table["name.here"] = [BORDER]
    trusting = ssl.create_default_context(cafile=testbed.ca.certificate)


def serve_tunnel(connection):
    """Sends back what it gets, in pieces, and ends when its client does."""
    pieces = random.Random(1)
    try:
        with connection:
            connection.settimeout(20)
            at_once(connection)
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


def at_once(connection):
    """The last piece of what is sent does not wait for the acknowledgement of those before it: 40 ms each time."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


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
    """The client was told that something failed; with an answer, or by the end of its connection."""

    def __init__(self, how, answered=True):
        super().__init__(how)
        self.answered = answered


def new_client(port=PORT):
    try:
        return wire.open_client(testbed.home, port, timeout=PATIENCE)
    except ConnectionResetError as error:
        # Accepted and reset before this thread had its turn.
        raise Told(repr(error), answered=False) from None


def tunnel_round():
    through_tunnel(new_client(), f"127.0.0.1:{target}")


def name_round():
    """To a name that culvert itself looks up."""
    through_tunnel(new_client(), f"name.here:{named}")


def tls_round():
    client = at_once(new_client(TLS_PORT))
    try:
        client = trusting.wrap_socket(client, server_hostname="127.0.0.1")
    except TimeoutError:
        raise AssertionError("the handshake hangs") from None
    except OSError as error:
        raise Told(repr(error), answered=False) from None
    through_tunnel(client, f"127.0.0.1:{target}", both_ways=False)


def through_tunnel(client, to, both_ways=True):
    """A tunnel with bytes there and back. An end without an error means that all of them came."""
    answered = False
    try:
        with client:
            client.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = client.recv(1)
                if not byte:
                    raise Told("no answer", answered)
                head += byte
            answered = True
            if not head.startswith(b"HTTP/1.1 200 "):
                raise Told(head.decode())
            sent = bytes(wire.BLOCK[:SIZE])
            received = there_and_back(client, sent) if both_ways else in_turns(client, sent)
            if received != sent:
                raise AssertionError(f"a clean end after {len(received)} of {len(sent)} bytes, or other ones")
    except TimeoutError:
        raise AssertionError("the tunnel hangs") from None
    except OSError as error:
        raise Told(repr(error), answered) from None


def there_and_back(client, sent):
    """Both ways at once, with an end of each."""
    sender = threading.Thread(target=send_and_shut, args=(client, sent))
    sender.start()
    received = b""
    try:
        while data := client.recv(1 << 18):
            received += data
    finally:
        sender.join()
    return received


def in_turns(client, sent):
    """Python's TLS has no end of one way, nor two threads for one connection."""
    received = b""
    for at in range(0, len(sent), TURN):
        client.sendall(sent[at : at + TURN])
        while len(received) < min(at + TURN, len(sent)):
            data = client.recv(1 << 18)
            if not data:
                raise Told("an end in the middle")
            received += data
    return received


def send_and_shut(client, data):
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def request_round():
    data = b""
    try:
        with wire.open_client(testbed.home, PORT, timeout=PATIENCE) as client:
            client.sendall(f"GET http://127.0.0.1:{web}/ HTTP/1.1\r\nHost: 127.0.0.1:{web}\r\nConnection: close\r\n\r\n".encode())
            while piece := client.recv(1 << 18):
                data += piece
    except TimeoutError:
        raise AssertionError("the request hangs") from None
    except OSError as error:
        raise Told(repr(error), answered=bool(data)) from None
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise Told(head.decode() or "no answer", answered=bool(head))
    # Whoever reads the length sees that the end is missing.
    if len(body) < SIZE:
        raise Told("an answer that is cut short")
    if body != wire.BLOCK[:SIZE]:
        raise AssertionError("there are other bytes in the answer")


# In each of them culvert makes other calls.
EACH = {"tunnel": tunnel_round, "request": request_round, "name": name_round, "TLS": tls_round}


def some_of(count):
    """Where many calls do the same, some stand for all."""
    return range(1, count + 1) if count <= 12 else sorted({*range(1, 9), *range(9, count, count // 4)})


def library():
    return os.environ.get("CULVERT_FAULTS_LIBRARY") or os.path.join(os.path.dirname(os.environ["CULVERT"]), "tests", "libculvert_faults.so")


@unittest.skipIf(is_sanitized() or has_thread_sanitizer(), "a sanitizer has to be loaded first, and looks at these calls itself")
class Faults(unittest.TestCase):
    def start(self, *options):
        certificate, key = testbed.ca.issue(self._testMethodName, "IP:127.0.0.1")
        launch(self, testbed, "--threads", "1", "--access-log", "off", port=UPSTREAM_PORT)
        self.orders = Orders()
        return launch(
            self, testbed, "--threads", "1", "--hold", "0", "--upstream", f"http://127.0.0.1:{UPSTREAM_PORT}", "--upstream", "direct=direct",
            "--route", f"127.0.0.1:{web}=direct", "--route", "*.here=direct", *options,
            listen=[f"127.0.0.1:{PORT}", f"https://127.0.0.1:{TLS_PORT}?cert={certificate}&key={key}"],
            env={"LD_PRELOAD": library(), "CULVERT_FAULTS": self.orders.path},
        )

    @staticmethod
    def told(one):
        """What the client was told; None if it was served."""
        try:
            one()
        except Told as told:
            return told
        return None

    def each_round(self):
        """How many clients were told of a failure."""
        return sum(self.told(one) is not None for one in EACH.values())

    def check_afterwards(self, culvert):
        self.orders.clear()
        # An upstream that has failed is tried again; accepting waits for a moment.
        wait_for(lambda: self.each_round() == 0, 20, "it does not recover")
        culvert.assert_no_leaks()
        before = wait_until_steady(culvert.cpu_seconds)
        self.assertLess(culvert.cpu_seconds() - before, 0.1)
        culvert.shut_down()

    def test_for_want_of_memory_no_client_gives_way(self):
        """A descriptor is what it has to give."""
        culvert = self.start()
        for error, gives_way in ((errno.ENOMEM, False), (errno.ENOBUFS, False), (errno.EMFILE, True)):
            with self.subTest(error=errno.errorcode[error]):
                waiting = wire.open_client(testbed.home)
                waiting.sendall(b"GET ")
                self.orders.clear()
                wait_until_steady(lambda: self.orders.counted("recv"))
                self.orders.one("accept", 1, error)
                self.assertIsNone(self.told(tunnel_round))
                waiting.sendall(b"http://127.0.0.1:%d/ HTTP/1.0\r\n\r\n" % web)
                line = waiting.recv(17)
                self.assertEqual(line, b"HTTP/1.1 503 culv" if gives_way else b"HTTP/1.1 200 OK\r\n")
                waiting.close()
        self.check_afterwards(culvert)

    def test_each_call_fails_once(self):
        culvert = self.start()
        self.assertEqual(self.each_round(), 0)
        tried, occurring = 0, set()
        for name, one in EACH.items():
            self.orders.clear()
            self.assertIsNone(self.told(one))
            counts = {call: self.orders.counted(call) for call in CALLS}
            occurring |= {call for call in CALLS if counts[call]}
            for call in ONLY:
                for nth in some_of(counts[call]):
                    for error, outcome in OUTCOMES[call].items():
                        with self.subTest(round=name, call=call, nth=nth, error=os.strerror(error) if error else "part"):
                            self.fail_once(culvert, one, call, nth, error, outcome)
                        tried += self.orders.get(Orders.INJECTED)
            print(f"calls of a round ({name}): {counts}", flush=True)
        print(f"{tried} failures, one a round", flush=True)
        if "accept" in ONLY:
            self.assertIn("cannot accept connections: Cannot allocate memory - the system is short of memory", culvert.output())
        if ONLY == list(CALLS):
            self.assertLessEqual(USED, occurring)
        self.check_afterwards(culvert)

    def fail_once(self, culvert, one, call, nth, error, outcome):
        lines, warnings = len(culvert.access_lines()), culvert.count_in_log(" warning ")
        self.orders.one(call, nth, error)
        told = self.told(one)
        injected = self.orders.get(Orders.INJECTED)
        if outcome == HELD_UP and injected:
            culvert.wait_log("cannot accept connections: ")
        if outcome != TOLD:
            self.assertIsNone(told)
        self.assertNotRegex(str(told), "^HTTP/1.1 [1-4]")
        # A client whose request was not read leaves no line, as a health probe; nor does one that could not be watched, but that is
        # logged once in ten seconds.
        if told and not told.answered and call in ("recv", "send"):
            return
        wait_for(
            lambda: len(culvert.access_lines()) > lines or culvert.count_in_log(" warning ") > warnings
            or call == "epoll_ctl" and culvert.count_in_log("cannot accept connections: "),
            PATIENCE, lambda: f"no line tells of a client that was told: {told}\n{culvert.tail(20)}")

    def test_calls_fail_by_chance(self):
        culvert = self.start()
        told = injected = 0
        for i in range(ROUNDS):
            self.orders.by_chance((5, 20, 60, 200)[i % 4], SEED + i)
            with self.subTest(seed=SEED + i):
                told += self.each_round()
            injected += self.orders.get(Orders.INJECTED)
        print(f"{injected} failures in {len(EACH) * ROUNDS} requests, of which {told} were told of one (seed {SEED})", flush=True)
        self.assertGreater(injected, ROUNDS)
        self.check_afterwards(culvert)


if __name__ == "__main__":
    harness.main()
