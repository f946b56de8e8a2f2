"""The admin interface: asked over a TCP or unix socket, and its JSON against the schemas in schemas/."""

import dataclasses
import functools
import http.client
import json
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 20


@dataclasses.dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str

    def json(self):
        return json.loads(self.body)


def tcp(port, address="127.0.0.1", make=socket.socket):
    """Connects; `make` as socket.socket(), also in another namespace."""
    return _connected(make(socket.AF_INET, socket.SOCK_STREAM), (address, port))


def unix(path):
    return _connected(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path)


def _connected(made, address):
    made.settimeout(SECONDS)
    made.connect(address)
    return made


def ask(connected, path, method="GET", headers=()):
    """The answer to one request, after which the socket is closed."""
    connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
    connection.sock = connected
    try:
        connection.request(method, path, headers=dict(headers))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


def get(connected, path, **headers):
    return ask(connected, path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def act(connected, path):
    """A POST, as the status page sends it."""
    return ask(connected, path, "POST", {"X-Culvert-Action": "1"})


@functools.cache
def _validator(name):
    # The testbed lays the package below /usr, so it is not there before.
    sys.path.append("/usr/lib/python3/dist-packages")
    import jsonschema

    with open(f"{HERE}/schemas/{name}.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def validate(name, document):
    """`name`: status, tunnels, upstreams or failures.  Returns the document."""
    found = _validator(name).iter_errors(document)
    problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]
    if problems:
        raise AssertionError(f"not as in {name}.schema.json:\n" + "\n".join(problems))
    return document
