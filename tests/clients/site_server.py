"""The target of all clients: one web server with what each of them asks for, over TLS and in the clear, an rsync daemon,
and a few ports that only take bytes. It remembers who has reached it."""

import http.server
import os
import ssl
import subprocess
import urllib.parse

import isolate
import peers
import wire
from site_files import FILES, MARK, npm_document
from testbed import TARGET, Program

DOMAIN = "clients.world"
RAW_PORTS = (9001, 9002, 9003)
RSYNC_PORT = 873


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    reached = set()  # (scheme, host) of the requests, and ("tcp", port)

    def do_GET(self):
        path, _, query = self._note().partition("?")
        if path in FILES:
            self._send(200, *FILES[path])
        elif path == "/npm/hello-pkg":
            self._send(200, "application/json", npm_document(f"{self.server.scheme}://{self.headers['Host']}"))
        elif path == "/hg":
            self._mercurial(query)
        elif path.startswith("/repo.git/"):
            self._git(path, query)
        else:
            self._send(404, "text/plain", b"")

    do_HEAD = do_GET

    def do_POST(self):
        path, _, query = self._note().partition("?")
        body = self._body()
        if path.startswith("/repo.git/"):
            self._git(path, query, body)
        elif path.startswith("/fossil"):
            self._fossil(body)
        else:
            self._send(404, "text/plain", b"")

    def do_OPTIONS(self):
        self._note()
        self._body()
        self._send(404, "text/plain", b"")

    do_PROPFIND = do_OPTIONS

    def _note(self):
        """Who asks, and for which path. lftp and i2pd send the whole URL within a tunnel, too, and i2pd no Host."""
        url = urllib.parse.urlsplit(self.path)
        self.reached.add((self.server.scheme, url.hostname if url.scheme else self.headers.get("Host", "").partition(":")[0]))
        return self.path.partition(url.netloc)[2] if url.scheme and url.netloc else self.path

    def _body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline().strip(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _mercurial(self, query):
        replies = {"cmd=capabilities": b"lookup", "cmd=lookup&key=tip": b"1 " + b"a" * 40 + b"\n"}
        self._send(200, "application/mercurial-0.1", replies.get(query, b""))

    def _git(self, path, query, body=b""):
        env = {
            "GIT_PROJECT_ROOT": peers.folder("repositories"), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        self._send_output(["git", "http-backend"], body, env)

    def _fossil(self, body):
        head = f"POST / HTTP/1.0\r\nContent-Type: {self.headers.get('Content-Type')}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._send_output(["fossil", "http", f"{peers.folder('repositories')}/x.fossil"], head.encode() + body, {})

    def _send_output(self, argv, given, env):
        """The answer of a program that prints a head and a body, with a status or without."""
        done = subprocess.run(argv, input=given, env={**os.environ, **env}, stdout=subprocess.PIPE, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self._send(int(fields.get("Status", "200").split()[0]), fields.get("Content-Type", "text/plain"), body)

    def _send(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(wire.HttpServer):
    def __init__(self, host, port, scheme, context=None):
        self.scheme = scheme
        super().__init__(host, (TARGET, port), Site, context)
        self.begin()


def take_bytes(host, port):
    def handle(connection):
        try:
            if connection.recv(4096):
                Site.reached.add(("tcp", port))
                connection.sendall(MARK.encode())
            connection.recv(4096)
        except OSError:
            pass
        connection.close()

    wire.serve_in_threads(host, handle, address=(TARGET, port))


def make_repositories():
    at = peers.folder("repositories")

    def run(*argv):
        subprocess.run(argv, cwd=at, check=True, capture_output=True)

    run("git", "init", "-q", "work")
    os.makedirs(f"{at}/work/src")
    peers.put(f"{at}/work/Cargo.toml", '[package]\nname = "b"\nversion = "1.0.0"\n')
    peers.put(f"{at}/work/src/lib.rs", "")
    run("git", "-C", "work", "add", ".")
    run("git", "-C", "work", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first")
    run("git", "clone", "-q", "--bare", "work", "repo.git")
    if os.path.exists("/usr/bin/fossil"):
        run("fossil", "init", "-A", "a", "x.fossil")


def start(testbed, names):
    """Serves all of it outside, for these names in DOMAIN; the border's DNS server knows them."""
    for name in names:
        testbed.border_dns.table[f"{name}.{DOMAIN}"] = [TARGET]
    make_repositories()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*testbed.ca.issue(DOMAIN, *(f"DNS:{name}.{DOMAIN}" for name in names)))
    Server(testbed.outside, 443, "https", context)
    Server(testbed.outside, 80, "http")
    for port in RAW_PORTS:
        take_bytes(testbed.outside, port)
    files = peers.folder("files")
    peers.put(f"{files}/{MARK}", "")
    config = peers.put(f"{isolate.STATE}/rsyncd.conf", f"[files]\npath = {files}\nuid = 0\ngid = 0\nuse chroot = no\n")
    argv = ["rsync", "--daemon", "--no-detach", f"--address={TARGET}", f"--config={config}"]
    testbed.start(Program("rsyncd", testbed.outside, argv)).wait_listening(RSYNC_PORT, TARGET)
