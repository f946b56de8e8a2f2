"""Tunnels that end when they are told to: a SOCKS5 and HTTP proxy that listens at home and connects from the border."""

import contextlib
import os
import select
import socket
import struct
import threading

import isolate
import wire
from testbed import wait_for

SYS_PIDFD_GETFD = 438
TCP_USER_TIMEOUT = 18


class Relay:
    """Takes SOCKS5 without a password as well as CONNECT; the client's first byte says which."""

    def __init__(self, testbed, port, listens_on=None, address="127.0.0.1"):
        self._listens_on = listens_on or testbed.home
        self._border = testbed.border
        self._names = testbed.border_dns.table
        self.address, self.port = address, port
        self._lock = threading.Lock()
        self._pairs = []
        self.up()

    def up(self):
        self._listener = self._listens_on.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.address, self.port))
        self._listener.listen(128)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self):
        """As if it were killed: its connections end in a FIN, and its port is refused."""
        # A thread that waits in accept() keeps a socket that is only closed.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        wait_for(lambda: not self._listens_on.listens(self.port, self.address), 5, "the relay's port is still there")
        self.finish()

    def finish(self):
        self._end(lambda connection: connection.close())

    def reset(self):
        self._end(wire.reset)

    def _end(self, how):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.how = how
            # Wakes its thread, which closes both; closed from here, they would live for as long as it waits in them.
            for connection in (pair.client, pair.server):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
        for pair in pairs:
            pair.thread.join(10)

    def _accept(self, listener):
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = None
        try:
            server = self._connect(client)
            pair = _Pair(client, server)
            with self._lock:
                self._pairs.append(pair)
            pair.thread.start()
        except (OSError, AssertionError):
            client.close()
            if server:
                server.close()

    def _connect(self, client):
        """Reads the request, connects to its target and says so."""
        if client.recv(1, socket.MSG_PEEK) == b"\x05":
            greeting = wire.receive_exactly(client, 2)
            wire.receive_exactly(client, greeting[1])
            client.sendall(b"\x05\x00")
            kind = wire.receive_exactly(client, 4)[3]
            size = wire.receive_exactly(client, 1)[0] if kind == 3 else 4
            name = wire.receive_exactly(client, size)
            host = name.decode() if kind == 3 else socket.inet_ntoa(bytes(name))
            port = struct.unpack("!H", wire.receive_exactly(client, 2))[0]
            reply = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
        else:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += wire.receive_exactly(client, 1)
            method, target = head.decode("latin-1").split()[:2]
            if method != "CONNECT":
                # squid asks its parents for more than tunnels.
                raise ConnectionError("not a CONNECT")
            host, _, port = target.rpartition(":")
            reply = b"HTTP/1.1 200 Connection established\r\n\r\n"
        server = self._border.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.connect((self._names.get(host, [host])[0], int(port)))
        client.sendall(reply)
        return server


class _Pair:
    """Two connections whose bytes are exchanged until one of them ends."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.how = lambda connection: connection.close()
        self.thread = threading.Thread(target=self._exchange, daemon=True)

    def _exchange(self):
        other = {self.client: self.server, self.server: self.client}
        with contextlib.suppress(OSError):
            while True:
                for source in select.select(list(other), [], [])[0]:
                    data = source.recv(1 << 18)
                    if not data:
                        raise ConnectionError("the end")
                    other[source].sendall(data)
        for connection in other:
            self.how(connection)


class Line:
    """A second address of the border, that can be lost without a word: no packet from there comes any more."""

    def __init__(self, testbed, address):
        self._border = testbed.border
        self.address = address
        self._border.ip(f"address add {address}/24 dev border1")
        mac = testbed.border.run("ip", "-o", "link", "show", "border1").stdout.partition("link/ether ")[2].split()[0]
        # Else home would notice that nobody answers for the address, which is another error.
        testbed.home.ip(f"neighbour replace {address} lladdr {mac} dev home0 nud permanent")

    def lose(self):
        self._border.ip(f"address del {self.address}/24 dev border1")

    def restore(self):
        self._border.ip(f"address add {self.address}/24 dev border1")


def shorten_timeouts(pid, address, seconds):
    """Makes the kernel give up the process's connections to the address after that time instead of its minute."""
    pidfd = os.pidfd_open(pid)
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                continue
            fd = isolate.libc.syscall(SYS_PIDFD_GETFD, pidfd, int(name), 0)
            isolate.check(fd, "pidfd_getfd")
            with socket.socket(fileno=fd) as connection:
                # The one to the launcher is a unix socket, whose name is no tuple.
                if connection.getpeername()[:1] == (address,):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
                    connection.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000)
    os.close(pidfd)
