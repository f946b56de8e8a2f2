"""A line in user space that carries each TCP connection at a bounded rate and with latency, as not every kernel has netem."""

import collections
import contextlib
import select
import socket
import threading
import time

# Seconds between two looks at what moves. Bytes come in portions of that size.
TICK = 0.02
# What waits at the line's entrance for its turn, beside what the sender's kernel holds.
QUEUE = 1 << 17


class Shaper:
    """Listens on the host's loopback. Each connection goes on to the address as a lane of its own.

    A lane carries at most `rate` bytes a second in each direction, and a byte arrives `one_way` seconds after it has
    entered. One thread moves all lanes; it sleeps while there is nothing to move.
    """

    def __init__(self, host, address, rate, one_way=0.1):
        self.host, self.address, self.rate, self.one_way = host, address, rate, one_way
        # All that there were, in the order in which they were opened.
        self.lanes = []
        self._listener = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def carried(self):
        """Bytes that have come out of the line at the clients' end, for each lane."""
        return [lane.carried for lane in self.lanes]

    def _run(self):
        while True:
            moving = [lane for lane in self.lanes if lane.moves()]
            if any(lane.is_busy() for lane in moving):
                time.sleep(TICK)
            else:
                # Not for ever: a lane may be thawed.
                select.select([self._listener, *(source for lane in moving for source in lane.sources())], [], [], 10 * TICK)
            self._accept()
            now = time.monotonic()
            for lane in self.lanes:
                if lane.moves():
                    lane.move(now)

    def _accept(self):
        with contextlib.suppress(BlockingIOError):
            client = self._listener.accept()[0]
            server = self.host.socket(socket.AF_INET, socket.SOCK_STREAM)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE)
            try:
                server.connect(self.address)
            except OSError:
                client.close()
                return
            self.lanes.append(Lane(client, server, self.rate, self.one_way))


class Lane:
    """One connection."""

    def __init__(self, client, server, rate, one_way):
        for connection in (client, server):
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ends = (client, server)
        self._up = _Direction(client, server, rate, one_way)
        self._down = _Direction(server, client, rate, one_way)
        self._frozen = self._over = False

    @property
    def carried(self):
        return self._down.delivered

    def freeze(self):
        """From now on nothing moves in it, and it stays open."""
        self._frozen = True

    def thaw(self):
        """It goes on where it was."""
        self._frozen = False

    def moves(self):
        return not (self._frozen or self._over)

    def is_open(self):
        return not self._over

    def is_busy(self):
        return self._up.is_busy() or self._down.is_busy()

    def sources(self):
        return [direction.source for direction in (self._up, self._down) if not direction.ended]

    def move(self, now):
        try:
            for direction in (self._up, self._down):
                direction.take(now)
                direction.deliver(now)
            self._over = all(direction.ended and not direction.in_flight for direction in (self._up, self._down))
        except OSError:
            self._over = True
        if self._over:
            for end in self._ends:
                end.close()


class _Direction:
    def __init__(self, source, sink, rate, one_way):
        self.source, self._sink, self._rate, self._one_way = source, sink, rate, one_way
        # When each piece is due at the sink, and the piece; an empty one is the end.
        self.in_flight = collections.deque()
        self.delivered = 0
        self.ended = False
        self._in_flight_bytes = 0
        # How many bytes may enter now.
        self._credit = 0
        self._counted = time.monotonic()
        self._is_idle = True

    def is_busy(self):
        return bool(self.in_flight) or not (self._is_idle or self.ended)

    def take(self, now):
        # Who was late to look here has missed nothing, but an idle line does not save up.
        longest = TICK if self._is_idle else 1
        self._credit = min(self._credit + (now - self._counted) * self._rate, longest * self._rate)
        self._counted = now
        # A sink that does not take its bytes holds up the source in the end, as a receiver's window does.
        room = 2 * self._one_way * self._rate + QUEUE - self._in_flight_bytes
        while not self.ended:
            size = int(min(self._credit, room, 1 << 16))
            if size < 1:
                self._is_idle = False
                return
            try:
                data = self.source.recv(size)
            except BlockingIOError:
                self._is_idle = True
                return
            self.ended = not data
            self._credit -= len(data)
            room -= len(data)
            self._in_flight_bytes += len(data)
            self.in_flight.append((now + self._one_way, data))

    def deliver(self, now):
        while self.in_flight and self.in_flight[0][0] <= now:
            due, data = self.in_flight.popleft()
            if not data:
                self._sink.shutdown(socket.SHUT_WR)
                return
            try:
                sent = self._sink.send(data)
            except BlockingIOError:
                sent = 0
            self.delivered += sent
            self._in_flight_bytes -= sent
            if sent < len(data):
                self.in_flight.appendleft((due, data[sent:]))
                return
