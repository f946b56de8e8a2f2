"""A program: many clients at a time. It obeys the lines on standard input, and answers each with a line.

    crowd.py PORT TARGET
        dribble N         N clients begin a request and go on with a byte each second; who is closed comes again
        idle N            N clients connect and send nothing
        tls N             N clients do a TLS handshake and send nothing
        connect N         N clients have a tunnel each
        get N             N clients have got an answer to a plain request, and keep the connection
        socks N           N clients have a tunnel each over SOCKS5
        close             all connections are closed
"""

import contextlib
import socket
import ssl
import struct
import sys
import threading
import time


class Crowd:
    def __init__(self, port, target):
        self.proxy = ("127.0.0.1", port)
        self.target = target
        self.clients = []
        self.stopping = threading.Event()

    def _client(self):
        client = socket.create_connection(self.proxy, timeout=30)
        # Closed with a RST, which leaves nothing behind in the kernel.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return client

    def dribble(self, count):
        self.clients += [self._client() for _ in range(count)]
        for client in self.clients:
            client.sendall(b"CONNECT ")
        threading.Thread(target=self._go_on, daemon=True).start()

    def _go_on(self):
        while not self.stopping.wait(1):
            for i, client in enumerate(self.clients):
                try:
                    client.send(b"a", socket.MSG_DONTWAIT)
                except OSError:
                    client.close()
                    with contextlib.suppress(OSError):
                        self.clients[i] = self._client()

    def idle(self, count):
        self.clients += [self._client() for _ in range(count)]

    def tls(self, count):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.clients += [context.wrap_socket(self._client()) for _ in range(count)]

    def _each(self, count, request, answer_begins):
        for _ in range(count):
            client = self._client()
            client.sendall(request)
            answer = client.recv(4096)
            if not answer.startswith(answer_begins):
                raise ConnectionError(repr(answer))
            self.clients.append(client)

    def connect(self, count):
        self._each(count, f"CONNECT 127.0.0.1:{self.target} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), b"HTTP/1.1 200 ")

    def get(self, count):
        authority = f"127.0.0.1:{self.target}"
        self._each(count, f"GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode(), b"HTTP/1.1 200 ")

    def socks(self, count):
        address = socket.inet_aton("127.0.0.1") + struct.pack(">H", self.target)
        for _ in range(count):
            client = self._client()
            client.sendall(b"\x05\x01\x00")
            if client.recv(2) != b"\x05\x00":
                raise ConnectionError("no SOCKS5 here")
            client.sendall(b"\x05\x01\x00\x01" + address)
            if not client.recv(10).startswith(b"\x05\x00"):
                raise ConnectionError("no tunnel")
            self.clients.append(client)

    def close(self):
        self.stopping.set()
        for client in self.clients:
            client.close()
        self.clients.clear()


def main():
    crowd = Crowd(*map(int, sys.argv[1:]))
    for line in sys.stdin:
        command, *numbers = line.split()
        begun = time.monotonic()
        try:
            getattr(crowd, command)(*map(int, numbers))
            print(f"done {time.monotonic() - begun:.3f}", flush=True)
        except OSError as error:
            print(f"failed with {len(crowd.clients)}: {error!r}", flush=True)


main()
