"""A culvert that is none: answers as the admin interface does, with what a test gives it."""

import copy
import json
import os
import socket
import threading
import urllib.parse

STATUS = {
    "version": "0.1.0", "pid": 4242, "started": "2026-11-30T00:11:19.000Z", "now": "2026-11-30T03:23:19.000Z",
    "uptime_seconds": 11520.345, "state": "serving", "ready": True, "not_ready_reason": None, "healthy": True,
    "unhealthy_reason": None, "actions_allowed": False, "workers": 2, "listeners": ["http://127.0.0.1:3128"], "connections": 5,
    "tunnels": 3, "stalled": 1, "held": 0, "requests": {"ok": 12, "dns_error": 1}, "bytes_up": 123456, "bytes_down": 4512345678,
    "rate_up": 1200.5, "rate_down": 2100000.25,
    "history": {"interval_seconds": 5, "end": "2026-11-30T03:23:19.000Z", "up": [0, 10, 20], "down": [0, 500000, 2100000]},
}
UPSTREAM = {
    "name": "tunnel", "label": "socks5://127.0.0.1:1080", "kind": "socks5", "default_route": True, "state": "up",
    "down_seconds": None, "reason": None, "since": None, "breaker": "closed", "probe": "none", "warm_wanted": 0, "warm_ready": 0, "weight": 1, "active": 0,
    "tunnels": 2, "attempts": {"connected": 5, "refused": 1, "failed": 0, "unanswered": 0, "abandoned": 0}, "bytes_up": 1,
    "bytes_down": 2, "false_successes": 0, "connect_ms": [12, 15, 11],
}
TUNNEL = {
    "id": 17, "client": "127.0.0.1:50123", "user": None, "method": "CONNECT", "target": "gcr.io:443", "upstream": "tunnel",
    "stage": "tunnel", "age_seconds": 65.5, "bytes_up": 4096, "bytes_down": 312345678, "rate_up": 10.5, "rate_down": 2100000.0,
    "quiet_seconds": 0.2, "state": "moving", "waiting_for_client": 0, "waiting_for_upstream": 0, "stall": None, "connect_ms": 12,
}
FAILURE = {
    "id": 18, "time": "2026-11-30T03:20:01.000Z", "client": "127.0.0.1:50124", "method": "CONNECT", "target": "k8s.gcr.io:443",
    "upstream": "tunnel", "status": 502, "outcome": "connection_refused", "stage": "dial",
    "explanation": "upstream socks5://127.0.0.1:1080 refused the connection", "hint": "is the tunnel up?", "detail": None,
}
STALL = {"side": "upstream", "what": "does_not_send", "seconds": 31.0, "text": "the upstream has sent nothing for 31 s"}
SORT_KEYS = {"id", "age", "rate", "bytes", "quiet", "target", "client", "upstream", "state"}


def made_from(pattern, **changed):
    return {**copy.deepcopy(pattern), **changed}


class FakeAdmin:
    """Serves at a unix socket, or the TCP socket that is given."""

    def __init__(self, listening, path=None):
        self.path = path
        self.lock = threading.Lock()
        self.status = made_from(STATUS)
        self.upstreams = [made_from(UPSTREAM)]
        self.tunnels = [made_from(TUNNEL)]
        self.failures = [made_from(FAILURE)]
        self.requests = []  # (target, fields) of each
        self.raw = None  # the bytes that answer each request, if set
        self.silent = False
        self.rates_unknown = 0  # so many answers have no rates
        self.chunked = False
        self._listening = listening
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @classmethod
    def at_path(cls, path):
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen(16)
        os.chmod(path, 0o600)
        return cls(listening, path)

    @classmethod
    def at_runtime_socket(cls, folder, pid=4242, network=None):
        """As net/runtime_socket names them."""
        os.makedirs(folder, mode=0o700, exist_ok=True)
        network = network or os.stat("/proc/self/ns/net").st_ino
        return cls.at_path(f"{folder}/status-{network}-{pid}-{os.urandom(4).hex()}.sock")

    def close(self):
        if self._listening.fileno() < 0:
            return
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        if self.path and os.path.exists(self.path):
            os.unlink(self.path)

    def targets(self):
        with self.lock:
            return [target for target, _ in self.requests]

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            received = b""
            while b"\r\n\r\n" not in received:
                more = connection.recv(4096)
                if not more:
                    return
                received += more
            line, *lines = received.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
            fields = dict(each.split(": ", 1) for each in lines)
            with self.lock:
                self.requests.append((line.split(" ")[1], fields))
                silent, raw = self.silent, self.raw
                answer = raw or self._answer(*line.split(" ")[:2])
            try:
                if silent:
                    connection.recv(1)
                else:
                    connection.sendall(answer)
            except OSError:
                pass  # the client has left

    def _answer(self, method, target):
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        assert method == "GET"
        if url.path == "/api/v1/status":
            return self._reply(200, self.status)
        if url.path == "/api/v1/upstreams":
            return self._reply(200, {"upstreams": self.upstreams})
        if url.path == "/api/v1/failures":
            return self._reply(200, {"failures": self.failures[: int(query.get("limit", 50))]})
        if url.path == "/api/v1/tunnels":
            return self._tunnels(query)
        return self._reply(404, {"error": "there is no such page"})

    def _tunnels(self, query):
        limit, offset, sort = int(query["limit"]), int(query["offset"]), query["sort"]
        if not 1 <= limit <= 500 or sort.lstrip("-") not in SORT_KEYS:
            return self._reply(400, {"error": "a parameter is wrong"})
        text = query.get("filter", "").lower()
        found = [each for each in self.tunnels if any(text in (each[key] or "").lower() for key in ("target", "client", "upstream"))]
        found.sort(key=lambda each: each["id"])
        if sort.lstrip("-") == "rate":
            found.sort(key=lambda each: (each["rate_up"] or 0) + (each["rate_down"] or 0), reverse=sort.startswith("-"))
        page = found[offset:offset + limit]
        if self.rates_unknown > 0:
            self.rates_unknown -= 1
            page = [made_from(each, rate_up=None, rate_down=None) for each in page]
        return self._reply(200, {"total": len(self.tunnels), "matching": len(found), "offset": offset, "tunnels": page})

    def _reply(self, status, value):
        body = json.dumps(value).encode()
        head = f"HTTP/1.1 {status} Some Reason\r\nContent-Type: application/json\r\nConnection: close\r\n"
        if self.chunked:
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:]) if part)
            return (head + "Transfer-Encoding: chunked\r\n\r\n").encode() + chunks + b"0\r\n\r\n"
        return (head + f"Content-Length: {len(body)}\r\n\r\n").encode() + body
