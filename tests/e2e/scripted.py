"""Proxies that say only what a script says: kinds that Debian has not, or not so that they fail at will."""

import contextlib
import ssl
import threading

import wire
from web import PAGE

GREETING, GRANTED = b"\x05\x00", b"\x05\x00\x00\x01" + bytes(6)
TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
NTLM_ONLY = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
SIGN_IN = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE)
NETWORK_SIGN_IN = (
    b"HTTP/1.1 511 Network Authentication Required\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
    % (len(PAGE), PAGE)
)
POLICY = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 37\r\nConnection: close\r\n\r\n"
    b"Category 'file sharing' is forbidden\n"
)


class Script:
    """A server that gives the next answer for each message, and then closes the connection or falls silent."""

    def __init__(self, host, *answers, closes=True, address="127.0.0.1", context=None):
        self._answers, self._closes, self._context = answers, closes, context
        self._kept = []
        # Set with the first connection whose answers are all given.
        self.done = threading.Event()
        self.port = wire.serve_in_threads(host, self._handle, address=(address, 0))

    def _handle(self, connection):
        with contextlib.suppress(OSError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            for answer in self._answers:
                if not connection.recv(65536):
                    break
                connection.sendall(answer)
            self.done.set()
        if self._closes:
            connection.close()
        else:
            self._kept.append(connection)


def tls_proxy(host, files, address):
    """An HTTP proxy behind TLS that grants everything and leads nowhere."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return Script(host, TUNNEL, context=context, address=address)
