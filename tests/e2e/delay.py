"""A link with latency in user space, as not every kernel has netem."""

import queue
import socket
import threading
import time

import wire


class DelayingRelay:
    """Listens on home's loopback and forwards each byte to the address `one_way` seconds later, and back.

    Connecting takes no time here, so the client's first bytes are delayed by the round trip that a TCP handshake
    would have taken.
    """

    def __init__(self, host, address, one_way):
        self.host = host
        self.address = address
        self.one_way = one_way
        # How many chunks were forwarded.
        self.delivered = 0
        self._lock = threading.Lock()
        self.port = wire.serve_in_threads(host, self._forward)

    def _forward(self, client):
        accepted = time.monotonic()
        server = self.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            server.connect(self.address)
        except OSError:
            client.close()
            return
        for connection in (client, server):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._forward_one_way(client, server, accepted + 2 * self.one_way)
        self._forward_one_way(server, client, accepted)

    def _forward_one_way(self, source, sink, connected):
        in_flight = queue.SimpleQueue()

        def read():
            data = None
            while data != b"":
                try:
                    data = source.recv(65536)
                except OSError:
                    data = b""
                in_flight.put((max(time.monotonic(), connected) + self.one_way, data))

        def write():
            data = None
            while data != b"":
                due, data = in_flight.get()
                time.sleep(max(0, due - time.monotonic()))
                with self._lock:
                    self.delivered += 1
                try:
                    if data:
                        sink.sendall(data)
                    else:
                        sink.shutdown(socket.SHUT_WR)
                except OSError:
                    return

        threading.Thread(target=read, daemon=True).start()
        threading.Thread(target=write, daemon=True).start()
