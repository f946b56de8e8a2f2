"""A registry behind TLS whose layers can be cut in the middle, and which counts what was fetched of them."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import json
import random
import re
import select
import ssl
import tarfile
import threading
import time

import wire
from testbed import GCR, wait_for

MIB = 1 << 20
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PIECE = 1 << 16
# Seconds for each piece: 20 MB/s, and behind the mark still more than 1 MB/s, so that a cut is one in a running transfer.
QUICK = 0.003
SLOW = 0.05
# Seconds in which a short answer goes through all tunnels to the client.
ARRIVES = 0.5


class Payload:
    """The file that layers of one size have in common: random bytes, which nothing makes smaller."""

    made = {}

    def __init__(self, size):
        buffer = io.BytesIO()
        entry = tarfile.TarInfo("payload")
        entry.size = size
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(entry, io.BytesIO(random.Random(size).randbytes(size)))
            # Without the mark of the archive's end, so that another member can follow.
            members = buffer.tell()
        tar = buffer.getbuffer()[:members]
        self.diff = hashlib.sha256(tar)
        self.zipped = gzip.compress(tar, compresslevel=0, mtime=0)
        self.digest = hashlib.sha256(self.zipped)

    @classmethod
    def of(cls, size):
        if size not in cls.made:
            cls.made[size] = cls(size)
        return cls.made[size]


@dataclasses.dataclass
class Request:
    """One answer to a request for a layer."""

    first: int
    sent: int = 0
    # When the first byte of the body was sent; time.monotonic() as everywhere here.
    began: float = 0.0
    # Of one that paused: it was cut.
    cut: bool = False


class Layer:
    """The payload and a small file that no other layer has."""

    def __init__(self, name, size):
        payload = Payload.of(size)
        buffer = io.BytesIO()
        entry = tarfile.TarInfo(f"name-{hashlib.sha256(name.encode()).hexdigest()[:12]}")
        entry.size = len(name)
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(entry, io.BytesIO(name.encode()))
        diff, digest = payload.diff.copy(), payload.digest.copy()
        diff.update(buffer.getvalue())
        self.diff = f"sha256:{diff.hexdigest()}"
        # A gzip file may have several members.
        self._parts = (payload.zipped, gzip.compress(buffer.getvalue(), mtime=0))
        digest.update(self._parts[1])
        self.digest = f"sha256:{digest.hexdigest()}"
        self.size = sum(map(len, self._parts))
        self.requests = []
        self._lock = threading.Lock()

    def request(self, first):
        with self._lock:
            self.requests.append(Request(first))
            return self.requests[-1], len(self.requests) == 1

    def pieces(self, first):
        for part in self._parts:
            yield from (memoryview(part)[at : at + PIECE] for at in range(first, len(part), PIECE))
            first = max(0, first - len(part))

    def fetched(self):
        return sum(request.sent for request in self.requests)


class Image:
    """One tag of a repository of its own. The first answer for each of its layers is quick up to the mark; behind that
    it is slow, or pauses until it is cut. Later answers are quick to their end."""

    def __init__(self, repository, layers=1, size=64 * MIB, mark=24 * MIB, pauses=False):
        self.repository, self.mark, self.pauses = repository, mark, pauses
        self.reference = f"gcr.io/{repository}:1"
        self.layers = [Layer(f"{repository} {number}", size) for number in range(layers)]
        self.config = json.dumps(
            {
                "architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z", "config": {},
                "rootfs": {"type": "layers", "diff_ids": [layer.diff for layer in self.layers]},
                "history": [{"created": "2020-01-01T00:00:00Z"}] * layers,
            }
        ).encode()
        self.config_digest = digest_of(self.config)
        self.manifest = json.dumps(
            {
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "size": len(self.config), "digest": self.config_digest},
                "layers": [{"mediaType": LAYER, "size": layer.size, "digest": layer.digest} for layer in self.layers],
            }
        ).encode()
        self.digest = digest_of(self.manifest)
        # When the config was sent; nothing before that.
        self.config_sent = float("inf")

    def behind_the_marks(self):
        return all(layer.requests and layer.requests[0].sent >= self.mark for layer in self.layers)

    def config_is_there(self):
        return time.monotonic() > self.config_sent + ARRIVES

    def fetched(self):
        return sum(layer.fetched() for layer in self.layers)

    def wait_cut(self, seconds=20):
        """Until the first answer of its only layer, which paused, is cut."""
        wait_for(lambda: self.layers[0].requests[0].cut, seconds, f"{self.repository}: the connection is not cut")

    def fetched_twice(self):
        """Bytes sent beyond the layers' sizes."""
        return self.fetched() - sum(layer.size for layer in self.layers)

    def later_requests(self):
        """Those for layers that were asked for before."""
        return [request for layer in self.layers for request in layer.requests[1:]]


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class LayerRegistry:
    """gcr.io, for pulls only, with ranges."""

    def __init__(self, testbed):
        self.images = {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*testbed.ca.issue("gcr.io", "DNS:gcr.io"))
        # What waits in the origin's own buffer is counted as sent.
        server = wire.HttpServer(testbed.outside, (GCR, 443), _Handler, context, send_buffer=1 << 18)
        server.registry = self
        server.begin()

    def add(self, repository, **more):
        image = self.images[repository] = Image(repository, **more)
        return image


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, body):
        if self.path.rstrip("/") == "/v2":
            self._send(b"{}", "application/json", body)
            return
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/?]+).*", self.path)
        image = found and self.server.registry.images.get(found[1])
        if not image:
            self.send_error(404)
        elif found[2] == "manifests":
            self._send(image.manifest, MANIFEST, body, image.digest)
        elif found[3] == image.config_digest:
            self._send(image.config, "application/octet-stream", body, image.config_digest)
            if body:
                image.config_sent = min(image.config_sent, time.monotonic())
        else:
            layer = next((layer for layer in image.layers if layer.digest == found[3]), None)
            self._send_layer(image, layer, body) if layer else self.send_error(404)

    def _send(self, data, kind, body, digest=None):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def _send_layer(self, image, layer, body):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Docker-Content-Digest", layer.digest)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(layer.size - first))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{layer.size - 1}/{layer.size}")
        self.end_headers()
        if not body:
            return
        request, is_first = layer.request(first)
        due = time.monotonic()
        for piece in layer.pieces(first):
            self.wfile.write(piece)
            request.began = request.began or time.monotonic()
            request.sent += len(piece)
            if is_first and request.sent >= image.mark:
                if image.pauses:
                    # The client has nothing to send, so this is the connection's end.
                    select.select([self.connection], [], [])
                    request.cut = True
                    return
                time.sleep(SLOW)
            else:
                due += QUICK
                time.sleep(max(0, due - time.monotonic()))

    def log_message(self, *_):
        pass
