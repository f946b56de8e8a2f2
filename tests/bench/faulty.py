"""A relay that spoils what passes through it, to show that the load generator notices."""

import socket
import threading

# Behind the answer to the CONNECT.
SPOILT_BYTE = 200


def loses_a_byte(bytes_before, piece):
    at = SPOILT_BYTE - bytes_before
    return piece[:at] + piece[at + 1:] if 0 <= at < len(piece) else piece


def changes_a_byte(bytes_before, piece):
    at = SPOILT_BYTE - bytes_before
    return piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1:] if 0 <= at < len(piece) else piece


class Relay:
    """Takes connections on its port for as long as the program runs, and spoils what comes back from the other port."""

    def __init__(self, to, spoil):
        self._to, self._spoil = to, spoil
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._to))
            for pair in ((client, server, lambda before, piece: piece), (server, client, self._spoil)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    @staticmethod
    def _pass_on(source, sink, change):
        passed = 0
        try:
            while piece := source.recv(65536):
                sink.sendall(change(passed, piece))
                passed += len(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One side has had enough, and so has the other.
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
