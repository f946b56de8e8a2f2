"""What is measured: a culvert under callgrind, and both ends of its connections, one step after the other.

Each step is awaited until culvert sleeps again. Else the next one might come before culvert has noticed the last one's
end, or after it; it would take a turn more or less, and no two counts would be the same.
"""

import os
import re
import socket
import subprocess
import time

import callgrind

TIMEOUT = 60
TARGET = "registry.example:443"
USER, PASSWORD = "user", "secret"


class Culvert:
    """The program under callgrind, with one worker and its default log."""

    def __init__(self, program, upstream, folder, name):
        self._program = program
        self._profile = f"{folder}/{name}.callgrind"
        self._log = f"{folder}/{name}.log"
        with open(self._log, "wb") as log, open(f"{folder}/{name}.access", "wb") as access:
            self._process = subprocess.Popen(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self._profile}", program,
                 "--listen", "127.0.0.1:0", "--upstream", upstream, "--threads", "1"],
                stdin=subprocess.DEVNULL, stdout=access, stderr=log, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            )
        try:
            self.port = self._wait_until_it_listens()
            self.settle()
        except BaseException:
            self.kill()
            raise

    def said(self):
        with open(self._log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def _wait_until_it_listens(self):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end and self._process.poll() is None:
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.said()):
                return int(found[1])
            time.sleep(0.02)
        raise AssertionError(f"culvert does not listen:\n{self.said()}")

    def settle(self):
        """Waits until culvert waits for events. There is nothing else that it could sleep for."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as stat:
                state = stat.read().rpartition(")")[2].split()[0]
            if state == "S":
                return
            if state not in "RD":
                break
            time.sleep(0.0002)
        raise AssertionError(f"culvert does not come to rest:\n{self.said()}")

    def end(self):
        """Ends it in good order, and returns what it has run."""
        self._process.terminate()
        if self._process.wait(TIMEOUT) != 0:
            raise AssertionError(f"culvert ended with {self._process.returncode}:\n{self.said()}")
        with open(self._profile, encoding="utf-8", errors="replace") as lines:
            profile = callgrind.read(lines, os.path.realpath(self._program))
        if not profile.instructions:
            raise AssertionError(f"{self._profile} has no function of {self._program}")
        return profile

    def kill(self):
        self._process.kill()
        self._process.wait()


class Scene:
    """A culvert, and whoever it talks to."""

    def __init__(self, culvert, listener, password):
        self.culvert = culvert
        self._listener = listener
        self._password = password

    def open(self):
        client = socket.create_connection(("127.0.0.1", self.culvert.port), TIMEOUT)
        self.culvert.settle()
        return client

    def say(self, connection, data):
        connection.sendall(data)
        self.culvert.settle()

    def hear(self, connection, size):
        """Just so many bytes."""
        data = bytearray()
        while len(data) < size:
            piece = connection.recv(size - len(data))
            if not piece:
                raise AssertionError(f"the connection ended behind {bytes(data)!r}\n{self.culvert.said()}")
            data += piece
        self.culvert.settle()
        return bytes(data)

    def expect(self, connection, data):
        heard = self.hear(connection, len(data))
        if heard != data:
            raise AssertionError(f"{data!r} was to come, not {heard!r}")

    def hear_head(self, connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.hear(connection, 1)
        return head

    def expect_end(self, connection):
        if connection.recv(1):
            raise AssertionError("something came instead of the end")
        self.culvert.settle()

    def accept(self, target):
        """Takes culvert's connection and is the SOCKS5 proxy (RFC 1928, RFC 1929), then the target."""
        connection, _ = self._listener.accept()
        connection.settimeout(TIMEOUT)
        self.culvert.settle()
        offer = self.hear(connection, 2)
        method = 2 if self._password else 0
        if method not in self.hear(connection, offer[1]):
            raise AssertionError(f"culvert does not offer method {method}")
        self.say(connection, bytes([5, method]))
        if self._password:
            self.expect(connection, bytes([1, len(USER)]) + USER.encode() + bytes([len(PASSWORD)]) + PASSWORD.encode())
            self.say(connection, bytes([1, 0]))
        host, _, port = target.rpartition(":")
        self.expect(connection, bytes([5, 1, 0, 3, len(host)]) + host.encode() + int(port).to_bytes(2, "big"))
        self.say(connection, bytes([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
        return connection

    def connect(self):
        """A CONNECT: both ends of a tunnel."""
        client = self.open()
        self.say(client, f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\nUser-Agent: Go-http-client/1.1\r\n\r\n".encode())
        target = self.accept(TARGET)
        self.expect(client, b"HTTP/1.1 200 Connection established\r\n\r\n")
        return client, target

    def echo(self, client, target):
        self.say(client, b"x")
        self.expect(target, b"x")
        self.say(target, b"x")
        self.expect(client, b"x")

    def close(self, client, target):
        client.shutdown(socket.SHUT_WR)
        self.expect_end(target)
        target.close()
        self.expect_end(client)
        client.close()
        self.culvert.settle()


def connect_rounds(scene, rounds):
    for _ in range(rounds):
        client, target = scene.connect()
        scene.echo(client, target)
        scene.close(client, target)


def echo_rounds(scene, rounds):
    client, target = scene.connect()
    for _ in range(rounds):
        scene.echo(client, target)
    scene.close(client, target)


REQUEST = b"GET http://files.example/1k HTTP/1.1\r\nHost: files.example\r\nUser-Agent: guard\r\nAccept: */*\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nServer: guard\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + bytes(1024)


def get_rounds(scene, rounds):
    client = scene.open()
    target = None
    for _ in range(rounds):
        scene.say(client, REQUEST)
        target = target or scene.accept("files.example:80")
        if not scene.hear_head(target).startswith(b"GET /1k HTTP/1.1\r\n"):
            raise AssertionError("this is another request")
        scene.say(target, ANSWER)
        if b"\r\nContent-Length: 1024\r\n" not in scene.hear_head(client):
            raise AssertionError("this is another answer")
        scene.expect(client, ANSWER[-1024:])
    client.close()
    scene.expect_end(target)
    target.close()


# For each: what a round is, whether the upstream wants a password, and how many rounds are counted.
CASES = {
    "connect": (connect_rounds, False, 200),
    "connect_password": (connect_rounds, True, 200),
    "echo": (echo_rounds, False, 2000),  # so that a line of the log more or less is no matter
    "get": (get_rounds, False, 500),
}
# Rounds that come before, in which memory is got that is kept.
WARM_UP = 20


def run(program, name, rounds, folder):
    """The profile of a run with so many rounds."""
    play, password, _ = CASES[name]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        credentials = f"{USER}:{PASSWORD}@" if password else ""
        upstream = f"socks5://{credentials}127.0.0.1:{listener.getsockname()[1]}"
        culvert = Culvert(program, upstream, folder, f"{name}-{rounds}")
        try:
            play(Scene(culvert, listener, password), rounds)
            culvert.settle()
            return culvert.end()
        except BaseException:
            culvert.kill()
            raise


def measure(program, name, folder):
    """What a round of the case costs. Start and end are the same in both runs, and drop out."""
    rounds = CASES[name][2]
    short = run(program, name, WARM_UP, folder)
    long = run(program, name, WARM_UP + rounds, folder)
    return long.minus(short, rounds)
