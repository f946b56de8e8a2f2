"""Who looks on at a culvert with --admin: Prometheus each second, and one status page that is seen."""

import contextlib
import http.client
import socket
import threading
import time

# As the page asks, and how many seconds lie between two times.
PAGE = ((1, "/api/v1/tunnels?limit=50&offset=0&sort=-rate&filter="), (5, "/api/v1/status"))
PROMETHEUS = ((1, "/metrics"),)
ACCEPT = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}


class Onlookers:
    def __init__(self, port):
        self.port = port
        self.answers = 0
        self.events = 0
        self.problems = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._watched, args=arguments, daemon=True)
                        for arguments in ((self._ask, PAGE, {}), (self._ask, PROMETHEUS, ACCEPT), (self._listen,))]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if not self.answers or not self.events:
            self.problems.append(f"{self.answers} answers and {self.events} events")

    def _watched(self, work, *arguments):
        try:
            work(*arguments)
        except (OSError, http.client.HTTPException) as error:
            self.problems.append(repr(error))

    def _ask(self, paths, headers):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            begun, seconds = time.monotonic(), 0
            while not self.stopping.is_set():
                for apart, path in paths:
                    if seconds % apart:
                        continue
                    connection.request("GET", path, headers=headers)
                    answer = connection.getresponse()
                    if not answer.read() or answer.status != 200:
                        raise http.client.HTTPException(f"{path}: {answer.status}")
                    self.answers += 1
                seconds += 1
                self.stopping.wait(max(0, begun + seconds - time.monotonic()))

    def _listen(self):
        with socket.create_connection(("127.0.0.1", self.port), 10) as stream:
            stream.settimeout(0.2)
            stream.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while not self.stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    if not stream.recv(1 << 16):
                        raise OSError("the stream of events has ended")
                    self.events += 1
