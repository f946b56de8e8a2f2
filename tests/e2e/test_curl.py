"""curl through each kind of upstream, each of them a real program, without a single DNS query at home."""

import hashlib
import threading
import unittest

import harness
import isolate
import peers
import wire
from culvert import PROXY, launch
from testbed import BORDER, TARGET6, Testbed

MIB = 1 << 20


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    peers.start_registry(testbed)
    wire.FileServer(testbed.outside, testbed.ca)
    wire.BulkTarget(testbed.outside)
    peers.start_sshd(testbed)
    peers.start_ssh_tunnel(testbed)
    peers.start_dante(testbed)
    peers.start_microsocks(testbed)
    peers.start_microsocks(testbed, authenticated=True)
    peers.start_squid(testbed)


class ThroughUpstream:
    """The requests that have to work through every upstream. A subclass names its upstream."""

    scheme = "socks5"
    login = ""
    address = None
    options = ""
    sessions = 0

    @classmethod
    def label(cls):
        """The upstream as in the log: without the credentials."""
        return f"{cls.scheme.replace('socks5h', 'socks5')}://{cls.address}"

    @classmethod
    def setUpClass(cls):
        options = cls.options.format(ca=testbed.ca.certificate)
        cls.culvert = launch(cls, testbed, "--upstream", f"{cls.scheme}://{cls.login}{cls.address}{options}")
        cls.queries_before = len(testbed.culvert_dns.queries())
        cls.sessions = 0

    @classmethod
    def tearDownClass(cls):
        cls.culvert.assert_no_leaks()
        cls.culvert.wait_access_lines(cls.sessions)
        cls.culvert.shut_down()
        lines = cls.culvert.access_lines()
        assert len(lines) == cls.sessions, f"{cls.sessions} sessions, but {len(lines)} access lines:\n" + "\n".join(lines)
        for line in lines:
            assert cls.label() in line, f"{cls.label()} is not named in: {line}"
        queries = testbed.culvert_dns.queries()[cls.queries_before :]
        assert not queries, f"culvert has sent DNS queries for {queries}"

    def curl(self, *arguments):
        type(self).sessions += 1
        return testbed.home.run("curl", "-sS", "-m", "60", "--proxy", PROXY, "--cacert", testbed.ca.certificate, *arguments)

    def test_registry_replies(self):
        stdout = self.curl("-D", "-", "-o", "/dev/null", "https://gcr.io/v2/").stdout
        self.assertTrue(stdout.startswith("HTTP/1.1 200 Connection established\n"), stdout)
        self.assertIn("\nHTTP/2 200 \n", stdout)
        self.assertIn("\ndocker-distribution-api-version: registry/2.0\n", stdout.lower())
        self.assertIn(f" upstream={self.label()} ", self.culvert.wait_access_line(" target=gcr.io:443 "))

    def test_large_download(self):
        name = f"{isolate.STATE}/download"
        self.curl("-o", name, f"https://files.world/bytes/{32 * MIB}")
        self.assertEqual(received(name), wire.digest(32 * MIB))

    def test_large_upload(self):
        name = f"{isolate.STATE}/upload"
        with open(name, "wb") as file:
            for piece in wire.pattern(16 * MIB):
                file.write(piece)
        stdout = self.curl("--data-binary", f"@{name}", "-H", "Expect:", "https://files.world/digest").stdout
        self.assertEqual(stdout, wire.digest(16 * MIB)[1])

    def test_plain_http_inside_a_tunnel(self):
        name = f"{isolate.STATE}/plain"
        self.curl("--proxytunnel", "-o", name, f"http://plain.world/bytes/{4 * MIB}")
        self.assertEqual(received(name), wire.digest(4 * MIB))

    def test_many_at_once(self):
        count = 24
        type(self).sessions += count
        digests = []

        def fetch():
            client = wire.tunnel(testbed.home, "plain.world:80")
            client.sendall(b"GET /bytes/300000 HTTP/1.1\r\nHost: plain.world\r\nConnection: close\r\n\r\n")
            reply = wire.receive_all(client)
            digests.append(hashlib.sha256(reply.partition(b"\r\n\r\n")[2]).hexdigest())
            client.close()

        threads = [threading.Thread(target=fetch) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(digests, [wire.digest(300000)[1]] * count)

    def test_early_data(self):
        type(self).sessions += 1
        client = wire.tunnel(testbed.home, early=b"echo\nearly bird")
        self.assertEqual(wire.receive_exactly(client, 10), b"early bird")
        client.close()


class Reader:
    """A file with the one method of a socket that receive() needs."""

    def __init__(self, file):
        self.recv = file.read


def received(name):
    """How many bytes are in the file, and their digest."""
    with open(name, "rb") as file:
        return wire.receive(Reader(file))


def echo(host, target):
    """A byte goes through a tunnel to the target and comes back."""
    client = wire.tunnel(host, target, early=b"echo\n")
    client.sendall(b"!")
    reply = client.recv(1)
    client.close()
    if reply != b"!":
        raise AssertionError(f"{target}: {reply!r}")


class OverSshTunnel(ThroughUpstream, unittest.TestCase):
    address = f"127.0.0.1:{peers.SOCKS_PORT}"

    def test_address_literals(self):
        for target in (f"[{TARGET6}]:{wire.BULK_PORT}", f"10.77.2.20:{wire.BULK_PORT}", f"TARGET.World:{wire.BULK_PORT}"):
            with self.subTest(target=target):
                type(self).sessions += 1
                echo(testbed.home, target)


class OverSshTunnelSocks5h(ThroughUpstream, unittest.TestCase):
    scheme = "socks5h"
    address = f"127.0.0.1:{peers.SOCKS_PORT}"


class OverSshTunnelSocks4a(ThroughUpstream, unittest.TestCase):
    scheme = "socks4a"
    address = f"127.0.0.1:{peers.SOCKS_PORT}"


class OverDanteWithPassword(ThroughUpstream, unittest.TestCase):
    login = peers.LOGIN
    address = f"{BORDER}:{peers.DANTE_PORT}"

    @classmethod
    def setUpClass(cls):
        peers.need_dante()
        super().setUpClass()


class OverMicrosocks(ThroughUpstream, unittest.TestCase):
    address = f"{BORDER}:{peers.MICROSOCKS_PORT}"


class OverMicrosocksWithPassword(ThroughUpstream, unittest.TestCase):
    login = peers.LOGIN
    address = f"{BORDER}:{peers.MICROSOCKS_AUTH_PORT}"


class OverSquidWithBasicAuth(ThroughUpstream, unittest.TestCase):
    scheme = "http"
    login = peers.LOGIN
    address = f"{BORDER}:{peers.SQUID_PORT}"


class OverSquidWithTls(ThroughUpstream, unittest.TestCase):
    scheme = "https"
    login = peers.LOGIN
    address = f"{BORDER}:{peers.SQUID_TLS_PORT}"
    options = "?ca={ca}"


class Direct(unittest.TestCase):
    """Without a tunnel: on the border, which resolves and reaches the targets."""

    def test_direct(self):
        culvert = launch(self, testbed, "--upstream", "direct://", host=testbed.border)
        stdout = testbed.border.run("curl", "-sS", "-m", "60", "--proxy", PROXY, "--cacert", testbed.ca.certificate, "-o", "/dev/null",
                                "-w", "%{http_connect} %{http_code}", "https://gcr.io/v2/").stdout
        self.assertEqual(stdout, "200 200")
        for target in ("target.world", "six.world", f"[{TARGET6}]"):
            with self.subTest(target=target):
                echo(testbed.border, f"{target}:{wire.BULK_PORT}")
        culvert.assert_no_leaks()
        culvert.wait_access_lines(4)
        culvert.shut_down()
        self.assertEqual(len(culvert.access_lines()), 4)

    def test_resolve_local_sends_a_dns_query(self):
        """The counter-check of "no queries": a query of culvert does get recorded."""
        upstream = f"socks5://127.0.0.1:{peers.SOCKS_PORT}?resolve=local"
        culvert = launch(self, testbed, "--upstream", upstream)
        before = len(testbed.culvert_dns.queries())
        client, reply = wire.connect(testbed.home, "gcr.io:443")
        client.close()
        self.assertEqual(reply.line, "HTTP/1.1 502 culvert: target gcr.io:443 does not resolve here: the name does not exist (resolve=local)")
        self.assertIn("gcr.io", testbed.culvert_dns.queries()[before:])
        culvert.shut_down()


class Home(unittest.TestCase):
    """Home can neither resolve nor reach the targets, or the other tests prove nothing."""

    def test_home_cannot_resolve_the_target(self):
        before = len(testbed.home_dns.queries())
        done = testbed.home.run("curl", "-sS", "-m", "5", "https://gcr.io/v2/", check=False)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("gcr.io", testbed.home_dns.queries()[before:])

    def test_home_cannot_reach_the_target(self):
        done = testbed.home.run("curl", "-sS", "-k", "-m", "5", "--resolve", "gcr.io:443:10.77.2.10", "https://gcr.io/v2/", check=False)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertRegex(
            done.stderr, r"^curl: \(7\) Failed to connect to gcr\.io port 443 after \d+ ms: (Couldn't|Could not) connect to server\n$"
        )

    def test_border_does_not_forward(self):
        # With a route there and a route back, only the border's refusal is left.
        for host, route in ((testbed.home, "10.77.2.0/24 via 10.77.1.1"), (testbed.outside, "10.77.1.0/24 via 10.77.2.1")):
            host.ip(f"route add {route}")
            self.addCleanup(host.ip, f"route del {route}")
        done = testbed.home.run("curl", "-sS", "-k", "-m", "1", "https://10.77.2.10/v2/", check=False)
        self.assertEqual(done.returncode, 28, done.stderr)


if __name__ == "__main__":
    harness.main()
