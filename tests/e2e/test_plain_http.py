"""http_proxy users: curl, WebSocket, apt-get and a registry in the clear, through each kind of upstream."""

import hashlib
import http.server
import os
import sys
import threading
import unittest

import harness
import images
import isolate
import peers
import wire
from culvert import PORT, PROXY, launch
from testbed import BORDER, TARGET, Program, Testbed

MIB = 1 << 20
HERE = os.path.dirname(os.path.abspath(__file__))
WEBSOCKET_PORT = 8765
REGISTRY_PORT = 5000
IMAGE = f"plain.world:{REGISTRY_PORT}/google_containers/pause:3.1"


class Site(http.server.BaseHTTPRequestHandler):
    """plain.world:80. Its reply has header fields that show how the request came in."""

    protocol_version = "HTTP/1.1"
    repository = None

    def do_GET(self):
        if self.path.startswith("/bytes/"):
            size = int(self.path.rpartition("/")[2])
            self._head(200, size)
            if self.command == "GET":
                for piece in wire.pattern(size):
                    self.wfile.write(piece)
        elif self.path.startswith("/chunks/"):
            self._head(200, None)
            for piece in wire.pattern(int(self.path.rpartition("/")[2])):
                self.wfile.write(b"%x;ext\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\nX-Trailer: 1\r\n\r\n")
        elif self.path == "/until-close":
            self.close_connection = True
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nto the end")
        elif self.path.startswith("/repository/"):
            self._file(os.path.join(self.repository, self.path.removeprefix("/repository/")))
        else:
            self._head(404, 0)

    do_HEAD = do_GET

    def do_POST(self):
        seen, count = hashlib.sha256(), 0
        for data in self._body():
            seen.update(data)
            count += len(data)
        reply = f"{count} {seen.hexdigest()}".encode()
        self._head(200, len(reply))
        self.wfile.write(reply)

    do_PUT = do_POST

    def _body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().strip(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers["Content-Length"])
        while left:
            data = self.rfile.read(min(left, 1 << 16))
            if not data:
                raise ConnectionError("the body is cut short")
            left -= len(data)
            yield data

    def _file(self, path):
        if not os.path.isfile(path):
            return self._head(404, 0)
        with open(path, "rb") as file:
            data = file.read()
        self._head(200, len(data))
        self.wfile.write(data)

    def _head(self, status, size):
        self.send_response(status)
        if size is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(size))
        self.send_header("X-Via", self.headers.get("Via", "nobody"))
        leaked = [name for name in ("Proxy-Authorization", "Proxy-Connection") if name in self.headers]
        self.send_header("X-Leaked", ",".join(leaked) or "nothing")
        self.end_headers()

    def log_message(self, *_):
        pass


def start_site(host):
    server = http.server.ThreadingHTTPServer((TARGET, 80), Site, bind_and_activate=False)
    server.daemon_threads = True
    server.socket.close()
    server.socket = host.socket(http.server.socket.AF_INET, http.server.socket.SOCK_STREAM)
    server.server_bind()
    server.server_activate()
    threading.Thread(target=server.serve_forever, daemon=True).start()


def start_plain_registry():
    at = peers.folder("plain-registry")
    config = peers.put(
        f"{at}/config.yml",
        f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {at}/data}}}}\n"
        f"http: {{addr: '{TARGET}:{REGISTRY_PORT}'}}\n",
    )
    registry = testbed.start(Program("plain-registry", testbed.outside, ["/usr/bin/docker-registry", "serve", config]))
    registry.wait_listening(REGISTRY_PORT, TARGET)
    image = images.make_image(8 * MIB, 7)
    testbed.outside.run("/usr/bin/skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"dir:{image}",
                    f"docker://{IMAGE.replace('plain.world', TARGET)}")


def make_repository():
    """A Debian repository of one package."""
    at = peers.folder("repository")
    content = peers.folder("package/DEBIAN")
    peers.put(f"{content}/control", "Package: greeting\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@plain.world>\n"
              "Description: says nothing\n")
    testbed.home.run("dpkg-deb", "--root-owner-group", "-b", os.path.dirname(content), f"{at}/greeting.deb")
    with open(f"{at}/greeting.deb", "rb") as file:
        deb = file.read()
    peers.put(f"{at}/Packages", "Package: greeting\nVersion: 1.0\nArchitecture: all\nFilename: ./greeting.deb\n"
              f"Size: {len(deb)}\nSHA256: {hashlib.sha256(deb).hexdigest()}\nDescription: says nothing\n")
    return at


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    start_site(testbed.outside)
    start_plain_registry()
    Site.repository = make_repository()
    for port in (WEBSOCKET_PORT, peers.NO_CONNECT_PORT):
        websocket = Program(f"websocket-{port}", testbed.outside, [sys.executable, f"{HERE}/websocket.py", "serve", TARGET, port])
        testbed.start(websocket).wait_listening(port, TARGET)
    peers.start_sshd(testbed)
    peers.start_ssh_tunnel(testbed)
    peers.start_dante(testbed)
    peers.start_squid(testbed)
    for name, size in (("10M", 10 * MIB), ("64k", 1 << 16)):
        with open(f"{isolate.STATE}/{name}", "wb") as file:
            for piece in wire.pattern(size):
                file.write(piece)


class Plain:
    upstream = None

    @classmethod
    def setUpClass(cls):
        cls.culvert = launch(cls, testbed, "--upstream", cls.upstream.format(ca=testbed.ca.certificate))
        cls.queries_before = len(testbed.culvert_dns.queries())

    @classmethod
    def tearDownClass(cls):
        cls.culvert.assert_no_leaks()
        cls.culvert.shut_down()
        queries = testbed.culvert_dns.queries()[cls.queries_before :]
        assert not queries, f"culvert has sent DNS queries for {queries}"

    def curl(self, *arguments):
        return testbed.home.run("curl", "-sS", "-f", "-m", "60", "--proxy", PROXY, *arguments).stdout

    def digest_of(self, *arguments):
        name = f"{isolate.STATE}/download"
        self.curl("-o", name, *arguments)
        with open(name, "rb") as file:
            data = file.read()
        return len(data), hashlib.sha256(data).hexdigest()

    def test_get(self):
        for path in ("bytes", "chunks"):
            for size in (0, 1, 3 * MIB):
                with self.subTest(path=path, size=size):
                    self.assertEqual(self.digest_of(f"http://plain.world/{path}/{size}"), wire.digest(size))

    def test_get_to_the_end(self):
        self.assertEqual(self.curl("http://plain.world/until-close"), "to the end")

    def test_http10_client(self):
        for path in ("bytes/100000", "chunks/100000"):
            with self.subTest(path=path):
                self.assertEqual(self.digest_of("--http1.0", f"http://plain.world/{path}"), wire.digest(100000))
        self.assertEqual(self.curl("--http1.0", "http://plain.world/until-close"), "to the end")

    def test_head(self):
        stdout = self.curl("-I", "http://plain.world/bytes/12345")
        self.assertIn("\nContent-Length: 12345\n", stdout)
        self.assertRegex(stdout, r"\nX-Via: 1\.1 culvert-[0-9a-f]{8}(, 1\.1 proxy\.border \(squid/.*\))?\n")
        self.assertIn("\nX-Leaked: nothing\n", stdout)

    def test_keep_alive(self):
        stdout = self.curl("-w", "%{num_connects} ", *["-o", "/dev/null", "http://plain.world/bytes/10"] * 3)
        self.assertEqual(stdout, "1 0 0 ")

    def test_post_10_mb(self):
        stdout = self.curl("-H", "Expect:", "--data-binary", f"@{isolate.STATE}/10M", "http://plain.world/")
        self.assertEqual(stdout, "{} {}".format(*wire.digest(10 * MIB)))

    def test_put_with_expect(self):
        stdout = self.curl("-v", "-H", "Expect: 100-continue", "--expect100-timeout", "30", "-T", f"{isolate.STATE}/10M",
                         "http://plain.world/file", "--stderr", "-")
        self.assertIn("< HTTP/1.1 100 Continue", stdout)
        self.assertIn("{} {}".format(*wire.digest(10 * MIB)), stdout)

    def test_chunked_upload(self):
        stdout = self.curl("-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-T", f"{isolate.STATE}/64k", "http://plain.world/file")
        self.assertEqual(stdout, "{} {}".format(*wire.digest(1 << 16)))

    def test_proxytunnel(self):
        self.assertEqual(self.digest_of("--proxytunnel", "http://plain.world/bytes/100000"), wire.digest(100000))

    def test_websocket(self):
        url = f"ws://plain.world:{WEBSOCKET_PORT}"
        done = testbed.home.run(sys.executable, f"{HERE}/websocket.py", "send", PORT, url, 1, 70000, 3 * MIB)
        self.assertEqual(done.stdout, "echoed 1000\n")
        line = self.culvert.wait_access_line(f"http://plain.world:{WEBSOCKET_PORT}/")
        self.assertIn(" status=101 ", line)

    def test_registry_in_the_clear(self):
        destination = f"{isolate.STATE}/pulled-{type(self).__name__}"
        testbed.home.run("env", f"http_proxy={PROXY}", f"https_proxy={PROXY}", "/usr/bin/skopeo", "--insecure-policy", "copy", "-q",
                       "--src-tls-verify=false", f"docker://{IMAGE}", f"dir:{destination}")
        self.assertGreater(sum(entry.stat().st_size for entry in os.scandir(destination)), 8 * MIB)

    def test_apt_get(self):
        at = peers.folder(f"apt-{type(self).__name__}")
        for name in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "log"):
            os.makedirs(f"{at}/{name}")
        peers.put(f"{at}/status", "")
        peers.put(f"{at}/etc/sources.list", "deb [trusted=yes] http://plain.world/repository/ ./\n")
        options = []
        for option in (f"Dir::State={at}/state", f"Dir::State::status={at}/status", f"Dir::Cache={at}/cache", f"Dir::Etc={at}/etc",
                       f"Dir::Log={at}/log", f"Acquire::http::Proxy={PROXY}", "APT::Sandbox::User=root", "Acquire::Languages=none",
                       "Acquire::Retries=0", "APT::Update::Error-Mode=any"):
            options += ["-o", option]
        testbed.home.run("apt-get", *options, "update")
        testbed.home.run("sh", "-c", 'cd "$0" && exec apt-get "$@"', at, *options, "download", "greeting")
        with open(f"{at}/greeting_1.0_all.deb", "rb") as got, open(f"{Site.repository}/greeting.deb", "rb") as made:
            self.assertEqual(got.read(), made.read())


class OverSshTunnel(Plain, unittest.TestCase):
    upstream = f"socks5://127.0.0.1:{peers.SOCKS_PORT}"


class OverDante(Plain, unittest.TestCase):
    upstream = f"socks5://{peers.USER}:{peers.PASSWORD_IN_URL}@{BORDER}:{peers.DANTE_PORT}"


class OverSquid(Plain, unittest.TestCase):
    """Requests go to squid in absolute-form, with its credentials."""

    upstream = f"http://{peers.USER}:{peers.PASSWORD_IN_URL}@{BORDER}:{peers.SQUID_PORT}"

    def test_websocket_where_connect_is_refused(self):
        url = f"ws://plain.world:{peers.NO_CONNECT_PORT}"
        done = testbed.home.run(sys.executable, f"{HERE}/websocket.py", "send", PORT, url, 1, 70000, 3 * MIB)
        self.assertEqual(done.stdout, "echoed 1000\n")
        line = self.culvert.wait_access_line(f"http://plain.world:{peers.NO_CONNECT_PORT}/")
        self.assertIn(" status=101 ", line)
        self.assertIn(" answered 403: its rules deny access", line)


class OverSquidWithTls(Plain, unittest.TestCase):
    upstream = f"https://{peers.USER}:{peers.PASSWORD_IN_URL}@{BORDER}:{peers.SQUID_TLS_PORT}?ca={{ca}}"


class Refused(unittest.TestCase):
    def test_wrong_password_for_squid(self):
        culvert = launch(self, testbed, "--upstream", f"http://nobody:wrong@{BORDER}:{peers.SQUID_PORT}")
        stdout = testbed.home.run("curl", "-sS", "-D", "-", "--proxy", PROXY, "http://plain.world/bytes/1").stdout
        self.assertEqual(
            stdout.splitlines()[0],
            f"HTTP/1.1 502 culvert: upstream http://{BORDER}:{peers.SQUID_PORT} (for plain.world:80) answered 407 - check user and password",
        )
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
