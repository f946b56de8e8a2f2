"""A program: clients that open short tunnels at a rate, and their target. It prints what has come of it as lines of JSON.

    short_connects.py PORT RATE

One for each line on standard input, and a last one when that ends.
"""

import json
import socket
import sys
import threading
import time

CLIENTS = 24


def answer(listener):
    """Each connection gets its four bytes back."""
    while True:
        connection = listener.accept()[0]
        try:
            with connection:
                connection.settimeout(20)
                if data := connection.recv(4):
                    connection.sendall(data)
        except OSError:
            pass


class Clients:
    def __init__(self, port, target, rate):
        self.proxy = ("127.0.0.1", port)
        self.request = f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        self.pause = CLIENTS / rate
        self.stopping = False
        self.served = 0
        self.slowest = 0.0
        self.failures = []
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _tunnel(self):
        with socket.create_connection(self.proxy, timeout=20) as client:
            client.sendall(self.request)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(4096)
                if not piece:
                    raise ConnectionError(f"the end came within the answer {head!r}")
                head += piece
            if not head.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(repr(head))
            client.sendall(b"ping")
            data = b""
            while len(data) < 4:
                piece = client.recv(4)
                if not piece:
                    raise ConnectionError(f"the tunnel ended after {data!r}")
                data += piece
            if data != b"ping" or client.recv(1) != b"":
                raise ConnectionError("there are other bytes in the tunnel")

    def _run(self, number):
        due = time.monotonic() + number * self.pause / CLIENTS
        while not self.stopping:
            begun = time.monotonic()
            if begun < due:
                time.sleep(due - begun)
                begun = time.monotonic()
            # What the machine is too slow for is not made up for.
            due = max(due + self.pause, begun - self.pause)
            try:
                self._tunnel()
                self.served += 1
            except OSError as error:
                self.failures.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - begun)


def main():
    port, rate = map(int, sys.argv[1:])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    for _ in range(4):
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
    begun = time.monotonic()
    clients = Clients(port, listener.getsockname()[1], rate)

    def report():
        print(json.dumps({
            "served": clients.served, "seconds": time.monotonic() - begun, "slowest": clients.slowest, "failures": clients.failures[:10],
        }), flush=True)

    for _ in sys.stdin:
        report()
    clients.stopping = True
    for thread in clients.threads:
        thread.join()
    report()


main()
