"""Crowds of clients, and a target for them: processes of their own, as each has as many descriptors as culvert."""

import os
import resource
import subprocess
import sys

from culvert import PORT

# Answers a request, and keeps every connection until its client closes it.
TARGET = """
import selectors, socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
listener.setblocking(False)
print(listener.getsockname()[1], flush=True)
poll = selectors.DefaultSelector()
poll.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in poll.select():
        if key.fileobj is listener:
            try:
                client = listener.accept()[0]
            except BlockingIOError:
                continue
            client.setblocking(False)
            poll.register(client, selectors.EVENT_READ)
            continue
        try:
            data = key.fileobj.recv(65536)
            if data.startswith(b"GET "):
                key.fileobj.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        except BlockingIOError:
            continue
        except OSError:
            data = b""
        if not data:
            poll.unregister(key.fileobj)
            key.fileobj.close()
"""


def allow_all_descriptors():
    """Each half of a tunnel is a descriptor of culvert, of the crowd or of the target."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def spare_descriptors():
    """What a process has beside what it needs itself."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200


class Helper:
    def __init__(self, case, host, *argv):
        self.process = subprocess.Popen(
            host.command([sys.executable, *argv]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        case.addCleanup(self.process.wait)
        case.addCleanup(self.process.kill)

    def line(self):
        return self.process.stdout.readline().strip()

    def do(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.line()
        if not answer.startswith("done"):
            raise AssertionError(f"{command}: {answer}")


def start_clients(case, host, target=1):
    """Obeys as crowd.py says."""
    return Helper(case, host, os.path.join(os.path.dirname(__file__), "crowd.py"), str(PORT), str(target))


def start_target(case, host):
    """Its first line is its port on 127.0.0.1."""
    return Helper(case, host, "-c", TARGET)
