"""curl crosses each kind of upstream, each spoken by the real program, and home's DNS hears nothing of it."""

import hashlib
import threading
import unittest

import harness
import isolate
import peers
import wire
from culvert import PROXY, launch
from world import BORDER, TARGET6, World

MIB = 1 << 20


def setUpModule():
    global world
    world = harness.set_stage(World())
    peers.start_registry(world)
    wire.FileServer(world.world, world.ca)
    wire.BulkTarget(world.world)
    peers.start_sshd(world)
    peers.start_ssh_tunnel(world)
    peers.start_dante(world)
    peers.start_microsocks(world)
    peers.start_microsocks(world, authenticated=True)
    peers.start_squid(world)


class Crossing:
    """The crossings that have to work over every upstream. A subclass names its upstream."""

    scheme = "socks5"
    login = ""
    address = None
    options = ""
    sessions = 0

    @classmethod
    def shown(cls):
        """How the log calls the upstream: without the credentials."""
        return f"{cls.scheme.replace('socks5h', 'socks5')}://{cls.address}"

    @classmethod
    def setUpClass(cls):
        options = cls.options.format(ca=world.ca.certificate)
        cls.culvert = launch(cls, world, "--upstream", f"{cls.scheme}://{cls.login}{cls.address}{options}")
        cls.asked_before = len(world.culvert_dns.asked())
        cls.sessions = 0

    @classmethod
    def tearDownClass(cls):
        cls.culvert.assert_balanced()
        cls.culvert.wait_access_lines(cls.sessions)
        cls.culvert.end()
        lines = cls.culvert.access_lines()
        assert len(lines) == cls.sessions, f"{cls.sessions} sessions, but {len(lines)} access lines:\n" + "\n".join(lines)
        for line in lines:
            assert cls.shown() in line, f"{cls.shown()} is not named in: {line}"
        asked = world.culvert_dns.asked()[cls.asked_before :]
        assert not asked, f"culvert has asked home's DNS for {asked}"

    def curl(self, *words):
        type(self).sessions += 1
        return world.home.run("curl", "-sS", "-m", "60", "--proxy", PROXY, "--cacert", world.ca.certificate, *words)

    def test_registry_answers(self):
        said = self.curl("-D", "-", "-o", "/dev/null", "https://gcr.io/v2/").stdout
        self.assertRegex(said, r"HTTP/1.1 200 Connection established\r?\n")
        self.assertRegex(said, r"HTTP/2 200 \r?\n")
        self.assertIn("docker-distribution-api-version: registry/2.0", said.lower())
        self.assertIn(self.shown(), self.culvert.wait_access_line("gcr.io:443"))

    def test_large_download(self):
        name = f"{isolate.STATE}/download"
        self.curl("-o", name, f"https://files.world/bytes/{32 * MIB}")
        self.assertEqual(received(name), wire.digest(32 * MIB))

    def test_large_upload(self):
        name = f"{isolate.STATE}/upload"
        with open(name, "wb") as file:
            for piece in wire.pattern(16 * MIB):
                file.write(piece)
        said = self.curl("--data-binary", f"@{name}", "-H", "Expect:", "https://files.world/digest").stdout
        self.assertEqual(said, wire.digest(16 * MIB)[1])

    def test_plain_http_inside_a_tunnel(self):
        name = f"{isolate.STATE}/plain"
        self.curl("--proxytunnel", "-o", name, f"http://plain.world/bytes/{4 * MIB}")
        self.assertEqual(received(name), wire.digest(4 * MIB))

    def test_many_at_once(self):
        count = 24
        type(self).sessions += count
        digests = []

        def fetch():
            client = wire.tunnel(world.home, "plain.world:80")
            client.sendall(b"GET /bytes/300000 HTTP/1.1\r\nHost: plain.world\r\nConnection: close\r\n\r\n")
            answer = wire.receive_all(client)
            digests.append(hashlib.sha256(answer.partition(b"\r\n\r\n")[2]).hexdigest())
            client.close()

        threads = [threading.Thread(target=fetch) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(digests, [wire.digest(300000)[1]] * count)

    def test_early_data(self):
        type(self).sessions += 1
        client = wire.tunnel(world.home, early=b"echo\nearly bird")
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


def echo(place, target):
    """A byte goes through a tunnel to the target and comes back."""
    client = wire.tunnel(place, target, early=b"echo\n")
    client.sendall(b"!")
    answer = client.recv(1)
    client.close()
    if answer != b"!":
        raise AssertionError(f"{target}: {answer!r}")


class OverSshTunnel(Crossing, unittest.TestCase):
    address = f"127.0.0.1:{peers.SOCKS_PORT}"

    def test_address_literals(self):
        for target in (f"[{TARGET6}]:{wire.BULK_PORT}", f"10.77.2.20:{wire.BULK_PORT}", f"TARGET.World:{wire.BULK_PORT}"):
            with self.subTest(target=target):
                type(self).sessions += 1
                echo(world.home, target)


class OverSshTunnelSocks5h(Crossing, unittest.TestCase):
    scheme = "socks5h"
    address = f"127.0.0.1:{peers.SOCKS_PORT}"


class OverSshTunnelSocks4a(Crossing, unittest.TestCase):
    scheme = "socks4a"
    address = f"127.0.0.1:{peers.SOCKS_PORT}"


class OverDanteWithPassword(Crossing, unittest.TestCase):
    login = peers.LOGIN
    address = f"{BORDER}:{peers.DANTE_PORT}"


class OverMicrosocks(Crossing, unittest.TestCase):
    address = f"{BORDER}:{peers.MICROSOCKS_PORT}"


class OverMicrosocksWithPassword(Crossing, unittest.TestCase):
    login = peers.LOGIN
    address = f"{BORDER}:{peers.MICROSOCKS_AUTH_PORT}"


class OverSquidWithBasicAuth(Crossing, unittest.TestCase):
    scheme = "http"
    login = peers.LOGIN
    address = f"{BORDER}:{peers.SQUID_PORT}"


class OverSquidWithTls(Crossing, unittest.TestCase):
    scheme = "https"
    login = peers.LOGIN
    address = f"{BORDER}:{peers.SQUID_TLS_PORT}"
    options = "?ca={ca}"


class Direct(unittest.TestCase):
    """Without a tunnel: on the border, where names and addresses of world are known."""

    def test_direct(self):
        culvert = launch(self, world, "--upstream", "direct://", place=world.border)
        said = world.border.run("curl", "-sS", "-m", "60", "--proxy", PROXY, "--cacert", world.ca.certificate, "-o", "/dev/null",
                                "-w", "%{http_connect} %{http_code}", "https://gcr.io/v2/").stdout
        self.assertEqual(said, "200 200")
        for target in ("target.world", "six.world", f"[{TARGET6}]"):
            with self.subTest(target=target):
                echo(world.border, f"{target}:{wire.BULK_PORT}")
        culvert.assert_balanced()
        culvert.wait_access_lines(4)
        culvert.end()
        self.assertEqual(len(culvert.access_lines()), 4)

    def test_resolve_local_asks_the_local_dns(self):
        """The counter-proof to "nothing was asked": a culvert that is told to ask does show up in the record."""
        upstream = f"socks5://127.0.0.1:{peers.SOCKS_PORT}?resolve=local"
        culvert = launch(self, world, "--upstream", upstream)
        before = len(world.culvert_dns.asked())
        client, reply = wire.ask(world.home, "gcr.io:443")
        client.close()
        self.assertEqual(reply.status, 502, reply.line)
        self.assertIn("gcr.io", world.culvert_dns.asked()[before:])
        culvert.end()


class Home(unittest.TestCase):
    """Home is what it is said to be, or the crossings prove nothing."""

    def test_home_cannot_resolve_the_target(self):
        before = len(world.home_dns.asked())
        done = world.home.run("curl", "-sS", "-m", "5", "https://gcr.io/v2/", check=False)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("gcr.io", world.home_dns.asked()[before:])

    def test_home_cannot_reach_the_target(self):
        done = world.home.run("curl", "-sS", "-k", "-m", "5", "--resolve", "gcr.io:443:10.77.2.10", "https://gcr.io/v2/", check=False)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertRegex(
            done.stderr, r"^curl: \(7\) Failed to connect to gcr\.io port 443 after \d+ ms: Couldn't connect to server\n$"
        )

    def test_border_routes_nothing(self):
        world.home.ip("route add 10.77.2.0/24 via 10.77.1.1")
        try:
            done = world.home.run("curl", "-sS", "-k", "-m", "1", "https://10.77.2.10/v2/", check=False)
        finally:
            world.home.ip("route del 10.77.2.0/24 via 10.77.1.1")
        self.assertIn(done.returncode, (7, 28), done.stderr)


if __name__ == "__main__":
    harness.main()
