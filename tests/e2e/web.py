"""The web that is looked for: sites behind TLS and registries, some of them broken, each in a way of its own."""

import dataclasses
import email.utils
import hashlib
import http.server
import json
import re
import ssl
import time

import wire
from certs import Authority
from testbed import BORDER

WEB = "10.77.2.30"
DAY = 24 * 3600
# A word of culvert.secrets() is in each: neither may be shown.
TOKEN = "token-hush"
SIGNATURE = "signed=hush"
HUB, HUB_TOKENS, HUB_BLOBS = "registry-1.docker.io", "auth.docker.io", "production.cloudflare.docker.com"
# squid forbids it, see peers.py.
FORBIDDEN_BLOBS = "storage.forbidden.world"
LONELY_TOKENS = "auth.lonely.world"

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Guest network: please sign in</title></head><body>Welcome!</body></html>\n"


@dataclasses.dataclass(frozen=True)
class Registry:
    """What a host answers below /v2/."""

    images: tuple = ("some/image",)
    challenge: str = None  # of a 401 to what comes without a token; "" is a 401 that names no way
    blobs_at: str = ""  # the host to which it redirects for blobs
    ahead: int = 0  # seconds by which its clock differs from ours
    status: int = 200


def bearer(tokens, service):
    return f'Bearer realm="https://{tokens}/token",service="{service}"'


REGISTRIES = {
    HUB: Registry(("library/nginx", "library/limited"), bearer(HUB_TOKENS, "registry.docker.io"), HUB_BLOBS),
    "lonely.world": Registry(challenge=bearer(LONELY_TOKENS, "lonely.world")),
    "bare.world": Registry(challenge=""),
    "basic.world": Registry(challenge='Basic realm="corp"'),
    "far-blobs.world": Registry(blobs_at=FORBIDDEN_BLOBS),
    "skewed.world": Registry(ahead=3 * DAY),
    "broken.world": Registry(status=503),
    "portal.world": Registry(),
}
# What the web's certificate is for.
SITES = [*REGISTRIES, "ok.world", "near.world", HUB_TOKENS, HUB_BLOBS, LONELY_TOKENS, FORBIDDEN_BLOBS, "www.forbidden.world"]
# These have another one.
EXPIRED, EARLY, OTHER_NAME, INSPECTED, BLOCK_PAGE = "expired.world", "early.world", "misnamed.world", "inspected.world", "blocked.world"
MIDDLEBOX = "Corp TLS Inspection"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


BLOB = b"This is no layer, but nobody unpacks it." * 100
CONFIG_BLOB = b"{}"
THIS_MANIFEST = json.dumps(
    {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": len(CONFIG_BLOB), "digest": digest_of(CONFIG_BLOB)},
        "layers": [{"mediaType": LAYER, "size": len(BLOB), "digest": digest_of(BLOB)}],
    }
).encode()
THIS_INDEX = json.dumps(
    {
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [
            {"mediaType": MANIFEST, "size": len(THIS_MANIFEST), "digest": digest_of(THIS_MANIFEST),
             "platform": {"os": "linux", "architecture": architecture}}
            for architecture in ("arm64", "amd64")
        ],
    }
).encode()
BLOBS = {digest_of(CONFIG_BLOB): CONFIG_BLOB, digest_of(BLOB): BLOB}


class Web:
    """All sites at one address: behind TLS at port 443, in the clear at port 80."""

    def __init__(self, host, address, contexts):
        for port, context in ((80, None), (443, contexts)):
            wire.HttpServer(host, (address, port), _Handler, context).begin()


def start_web(testbed):
    """The web outside, and its sites at the border, which home reaches without any proxy."""
    testbed.outside.ip(f"address add {WEB}/24 dev outside0")
    contexts = _contexts(testbed)
    names = [*SITES, EXPIRED, EARLY, OTHER_NAME, INSPECTED, BLOCK_PAGE]
    testbed.border_dns.table.update({name: [WEB] for name in names})
    Web(testbed.outside, WEB, contexts)
    Web(testbed.border, BORDER, contexts)


def _contexts(testbed):
    """The TLS context that takes another one for the sites that have a certificate of their own."""
    middlebox = Authority(MIDDLEBOX)
    special = {
        EXPIRED: testbed.ca.issue_for(EXPIRED, "20200101000000Z", "20210101000000Z", f"DNS:{EXPIRED}"),
        EARLY: testbed.ca.issue_for(EARLY, "20480101000000Z", "20490101000000Z", f"DNS:{EARLY}"),
        OTHER_NAME: testbed.ca.issue("else.world", "DNS:else.world"),
        INSPECTED: middlebox.issue(INSPECTED, f"DNS:{INSPECTED}"),
        BLOCK_PAGE: middlebox.issue("block.corp.example", "DNS:block.corp.example"),
    }
    contexts = {name: server_context(files) for name, files in special.items()}
    common = server_context(testbed.ca.issue("web", *(f"DNS:{name}" for name in SITES)))

    def choose(connection, name, _):
        connection.context = contexts.get(name, common)

    common.sni_callback = choose
    return common


def server_context(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        host = self.headers.get("Host", "").partition(":")[0]
        path = self.path.partition("?")[0]
        self.registry = REGISTRIES.get(host)
        if host == "portal.world":
            self._send(200, PAGE, "text/html; charset=utf-8")
        elif path == "/token":
            self._send_json(200, {"token": TOKEN, "expires_in": 300})
        elif host in (HUB_BLOBS, FORBIDDEN_BLOBS):
            self._send_blob(path.strip("/"))
        elif self.registry and path.startswith("/v2"):
            self._answer_registry(path)
        else:
            self._send(200, b"hello\n", "text/plain")

    def _answer_registry(self, path):
        registry = self.registry
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", path)
        if registry.status != 200:
            self._send_error(registry.status, "UNAVAILABLE", "down for maintenance")
        elif registry.challenge is not None and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            fields = [("WWW-Authenticate", registry.challenge)] if registry.challenge else []
            self._send_error(401, "UNAUTHORIZED", "authentication required", fields)
        elif not found:
            self._send_json(200, {})
        elif found[1] not in registry.images:
            self._send_error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        elif found[2] == "blobs" and registry.blobs_at:
            self._redirect(f"https://{registry.blobs_at}/{found[3]}?{SIGNATURE}")
        elif found[2] == "blobs":
            self._send_blob(found[3])
        elif found[1].endswith("/limited"):
            message = "You have reached your unauthenticated pull rate limit."
            self._send_error(429, "TOOMANYREQUESTS", message, [("Retry-After", "21600")])
        elif found[3] == "latest":
            self._send(200, THIS_INDEX, INDEX, [("Docker-Content-Digest", digest_of(THIS_INDEX))])
        elif found[3] == digest_of(THIS_MANIFEST):
            self._send(200, THIS_MANIFEST, MANIFEST, [("Docker-Content-Digest", digest_of(THIS_MANIFEST))])
        else:
            self._send_error(404, "MANIFEST_UNKNOWN", "manifest unknown")

    def _redirect(self, url):
        self._send(307, b"", "text/html", [("Location", url)])

    def _send_blob(self, digest):
        self._send(200 if digest in BLOBS else 404, BLOBS.get(digest, b""), "application/octet-stream")

    def _send_error(self, status, code, message, fields=()):
        self._send_json(status, {"errors": [{"code": code, "message": message}]}, fields)

    def _send_json(self, status, value, fields=()):
        self._send(status, json.dumps(value).encode(), "application/json", fields)

    def _send(self, status, body, kind, fields=()):
        self.send_response(status)
        if self.registry and kind != "text/html; charset=utf-8":
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for name, value in (*fields, ("Content-Type", kind), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def date_time_string(self, timestamp=None):
        ahead = self.registry.ahead if self.registry else 0
        return email.utils.formatdate((timestamp or time.time()) + ahead, usegmt=True)

    def log_message(self, *_):
        pass
