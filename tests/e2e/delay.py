"""A long way by hand, as not every kernel has netem."""

import queue
import socket
import threading
import time


class DelayingRelay:
    """Listens on home's loopback and carries each byte to the address `one_way` seconds later, and back.

    Connecting costs the client nothing here, so what it says first is held back for the round trip that connecting
    would have cost.
    """

    def __init__(self, place, address, one_way):
        self.place = place
        self.address = address
        self.one_way = one_way
        self.listener = place.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        # How many pieces came out at the other end.
        self.delivered = 0
        self._lock = threading.Lock()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._carry, args=(client, time.monotonic()), daemon=True).start()

    def _carry(self, client, accepted):
        server = self.place.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            server.connect(self.address)
        except OSError:
            client.close()
            return
        for connection in (client, server):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._carry_one_way(client, server, accepted + 2 * self.one_way)
        self._carry_one_way(server, client, accepted)

    def _carry_one_way(self, source, sink, connected):
        on_the_way = queue.SimpleQueue()

        def take():
            data = None
            while data != b"":
                try:
                    data = source.recv(65536)
                except OSError:
                    data = b""
                on_the_way.put((max(time.monotonic(), connected) + self.one_way, data))

        def bring():
            data = None
            while data != b"":
                due, data = on_the_way.get()
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

        threading.Thread(target=take, daemon=True).start()
        threading.Thread(target=bring, daemon=True).start()
