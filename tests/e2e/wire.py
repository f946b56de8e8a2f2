"""Both ends of a tunnel: a client that sends CONNECT, and the targets."""

import contextlib
import hashlib
import http.server
import queue
import random
import socket
import ssl
import struct
import threading

import culvert
from testbed import TARGET, TARGET6

BULK_PORT = 7000

# The length is prime, so that bytes lost, doubled or swapped in any power-of-two buffer change the digest.
BLOCK = memoryview(random.Random(2).randbytes(1_000_003))


def pattern(size):
    """Yields size bytes, always the same."""
    while size > 0:
        piece = BLOCK[: min(size, len(BLOCK))]
        yield piece
        size -= len(piece)


def digest(size):
    """What receive() returns for these bytes."""
    seen = hashlib.sha256()
    for piece in pattern(size):
        seen.update(piece)
    return size, seen.hexdigest()


def receive(connection):
    """Reads to the end. Returns how many bytes came and their digest."""
    seen, count = hashlib.sha256(), 0
    while True:
        data = connection.recv(1 << 18)
        if not data:
            return count, seen.hexdigest()
        seen.update(data)
        count += len(data)


def serve(host, handle, address=("127.0.0.1", 0), family=socket.AF_INET, backlog=128):
    """Accepts connections until the process ends, each of them for a call of `handle`. Returns the port."""
    listener = host.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(backlog)

    def accept():
        while True:
            handle(listener.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def serve_in_threads(host, handle, **more):
    """The same; a slow connection does not keep the others waiting."""
    return serve(host, lambda connection: threading.Thread(target=handle, args=(connection,), daemon=True).start(), **more)


def echo(connection):
    """Sends back what comes, until either side has ended."""
    with contextlib.suppress(OSError), connection:
        while data := connection.recv(65536):
            connection.sendall(data)


class SilentServer:
    """Accepts, and sends nothing; or the same bytes to every client."""

    def __init__(self, host, reply=b""):
        self.reply = reply
        self.accepted = []
        self.port = serve(host, self._handle)

    def _handle(self, connection):
        # Kept, so that it stays open.
        self.accepted.append(connection)
        if self.reply:
            with contextlib.suppress(OSError), connection:
                connection.recv(65536)
                connection.sendall(self.reply)


def receive_exactly(connection, size):
    """A stream may deliver a message in pieces."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise AssertionError(f"the connection ended after {len(data)} of {size} bytes")
        data += piece
    return data


def receive_all(connection):
    """All bytes until the end; for small amounts."""
    data = bytearray()
    while piece := connection.recv(65536):
        data += piece
    return bytes(data)


def send_pattern(connection, size):
    for piece in pattern(size):
        connection.sendall(piece)


def reset(connection):
    """Closes with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Reply:
    """The reply to a request: status line, header fields and body."""

    def __init__(self, head):
        line, *fields = head.decode("latin-1").split("\r\n")
        self.line = line
        version, _, rest = line.partition(" ")
        code, _, self.reason = rest.partition(" ")
        if version not in ("HTTP/1.1", "HTTP/1.0") or not code.isdigit():
            raise AssertionError(f"this is no status line: {line!r}")
        self.status = int(code)
        self.headers = {}
        for field in fields:
            name, _, value = field.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.body = b""


def open_client(host, port=culvert.PORT, timeout=20, address="127.0.0.1"):
    client = host.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(timeout)
    client.connect((address, port))
    return client


def read_reply(client):
    """Reads one reply: exactly its head, as the next byte belongs to the tunnel; of an error the body too."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        if not byte:
            raise AssertionError(f"the connection ended within the reply: {head!r}")
        head += byte
    reply = Reply(head[:-4])
    if reply.status >= 300:
        reply.body = receive_all(client)
    return reply


def connect(host, target, **options):
    """Sends a CONNECT and returns the connection and the reply."""
    client = open_client(host, **options)
    client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    return client, read_reply(client)


def tunnel(host, target=f"target.world:{BULK_PORT}", early=b"", **options):
    """Opens a tunnel, which has to succeed. Early data is sent in one segment with the head."""
    client = open_client(host, **options)
    client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode() + early)
    reply = read_reply(client)
    if reply.line != "HTTP/1.1 200 Connection established":
        raise AssertionError(f"{target}: {reply.line}")
    return client


class BulkTarget:
    """A server outside whose first line is a command. Some commands put what was received into `results`.

    A module has one for all its tests; each of them begins with clear().
    """

    def __init__(self, host):
        self.release = threading.Event()
        self.clear()
        for family, address in ((socket.AF_INET, TARGET), (socket.AF_INET6, TARGET6)):
            serve_in_threads(host, self._serve, address=(address, BULK_PORT), family=family)

    def clear(self):
        """Results of a failed test must not be taken for the next one's."""
        self.release.set()
        self.results = queue.Queue()
        self.release = threading.Event()
        self.sent = 0

    # The tests wait in `results` for what these return or raise.
    WITH_RESULT = ("source", "both", "offer", "stall", "watch")

    def _serve(self, connection):
        command, results = None, self.results
        try:
            line = b""
            while not line.endswith(b"\n"):
                byte = connection.recv(1)
                if not byte:
                    return
                line += byte
            command, *numbers = line.decode().split()
            result = getattr(self, command)(connection, *map(int, numbers))
        except OSError as error:
            result = error
        finally:
            connection.close()
        if command in self.WITH_RESULT:
            results.put(result)

    def sink(self, connection):
        """Reads to the end, then sends the count and digest: the client's half is closed, the other one still works."""
        count, seen = receive(connection)
        connection.sendall(f"{count} {seen}\n".encode())

    def source(self, connection, size):
        """Sends, closes its half, and goes on reading to the end of the other one."""
        send_pattern(connection, size)
        connection.shutdown(socket.SHUT_WR)
        return receive(connection)

    def burst(self, connection, size):
        """Sends and closes in one go."""
        send_pattern(connection, size)

    def both(self, connection, size):
        sender = threading.Thread(target=self._send_and_shut, args=(connection, size))
        sender.start()
        received = receive(connection)
        sender.join()
        return received

    @staticmethod
    def _send_and_shut(connection, size):
        send_pattern(connection, size)
        connection.shutdown(socket.SHUT_WR)

    def halves(self, connection, size):
        """Sends one half, waits for `release`, and sends the other half."""
        send_pattern(connection, size // 2)
        self.release.wait(60)
        send_pattern(connection, size // 2)

    def offer(self, connection, size):
        """Sends as much as is taken, and counts it."""
        self.sent = 0
        for piece in pattern(size):
            self.sent += connection.send(piece)

    def stall(self, connection):
        """Reads nothing until `release`."""
        self.release.wait(60)
        return receive(connection)

    def echo(self, connection):
        while True:
            data = connection.recv(65536)
            if not data:
                return
            connection.sendall(data)

    def watch(self, connection):
        """Sends a line, and reports how the connection ends."""
        connection.sendall(b"ready\n")
        connection.recv(1)
        return "end"

    def cut(self, connection):
        """Sends a line, waits for a byte, and resets the connection."""
        connection.sendall(b"ready\n")
        connection.recv(1)
        reset(connection)


class HttpServer(http.server.ThreadingHTTPServer):
    """Serves at an address of a host's namespace, behind TLS if there is a context for that."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, host, address, handler, tls=None, send_buffer=None):
        super().__init__(address, handler, bind_and_activate=False)
        self.socket.close()
        self.socket = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        if send_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.server_bind()
        self.server_activate()
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def begin(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        # Clients that break off, or do not like a certificate, are what tests are about.
        pass


class FileServer:
    """Files over HTTP/1.1, in the clear as plain.world:80 and behind TLS as files.world:443.

    GET /bytes/N is the pattern; POST /digest returns the digest of the body.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            size = int(self.path.rpartition("/")[2])
            self._head(size)
            for piece in pattern(size):
                self.wfile.write(piece)

        def do_POST(self):
            seen, left = hashlib.sha256(), int(self.headers["Content-Length"])
            while left:
                data = self.rfile.read(min(left, 1 << 16))
                if not data:
                    raise ConnectionError("the body is cut short")
                seen.update(data)
                left -= len(data)
            reply = seen.hexdigest().encode()
            self._head(len(reply))
            self.wfile.write(reply)

        def _head(self, size):
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()

        def log_message(self, *_):
            pass

    def __init__(self, host, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("files.world", "DNS:files.world", f"IP:{TARGET}", f"IP:{TARGET6}"))
        for port, tls in ((80, None), (443, context)):
            HttpServer(host, (TARGET, port), self.Handler, tls).begin()
