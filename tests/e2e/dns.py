"""A DNS server that answers from a table and records every query."""

import socket
import struct
import threading

A, AAAA = 1, 28
NXDOMAIN = 3


class DnsServer:
    """Answers A and AAAA over UDP at one address; a name that is not in the table is NXDOMAIN.

    Queries for names that end in .silent are not answered, nor as many as `losing` has for a name and kind: {(name, kind): count}.
    """

    def __init__(self, host, address, table=None):
        self.table = {name: list(addresses) for name, addresses in (table or {}).items()}
        self.address = address
        self.losing = {}
        self._names = []
        self._lock = threading.Lock()
        self._socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def queries(self):
        """The names of all queries so far."""
        with self._lock:
            return list(self._names)

    def _serve(self):
        while True:
            query, client = self._socket.recvfrom(4096)
            reply = self._answer(query)
            if reply:
                self._socket.sendto(reply, client)

    def _answer(self, query):
        if len(query) < 17:
            return None
        labels, at = [], 12
        while at < len(query) and query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
            at += 1 + query[at]
        question = query[12 : at + 5]
        kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
        name = ".".join(labels).lower()
        with self._lock:
            self._names.append(name)
        if name.endswith(".silent"):
            return None
        if self.losing.get((name, kind), 0) > 0:
            self.losing[name, kind] -= 1
            return None
        records = []
        for address in self.table.get(name, ()):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if kind == (AAAA if family == socket.AF_INET6 else A):
                data = socket.inet_pton(family, address)
                records.append(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(data)) + data)
        code = 0 if name in self.table else NXDOMAIN
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + question + b"".join(records)
