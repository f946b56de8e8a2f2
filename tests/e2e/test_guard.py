"""The address guard: what clients on other hosts cannot reach through culvert; and nobody can reach culvert itself."""

import contextlib
import socket
import unittest

import harness
import peers
import wire
from culvert import PORT, launch
from testbed import BORDER, HOME, Testbed

INSIDE_PORT = 7100
OPEN_PORT = 7200
BOTH = [f"127.0.0.1:{PORT}", f"{HOME}:{PORT}"]
CLOSED = "closed to clients on other hosts unless a --route names it"


def serve_banner(host, family, address, port, banner):
    """A server that sends a banner to every client and closes."""
    def send(connection):
        with contextlib.suppress(OSError), connection:
            connection.sendall(banner)

    wire.serve(host, send, address=(address, port), family=family)


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    serve_banner(testbed.home, socket.AF_INET, "127.0.0.1", INSIDE_PORT, b"inside")
    serve_banner(testbed.home, socket.AF_INET6, "::1", INSIDE_PORT, b"inside")
    serve_banner(testbed.border, socket.AF_INET, BORDER, OPEN_PORT, b"open")
    peers.start_microsocks(testbed)
    testbed.culvert_dns.table.update({
        "inside.example": ["127.0.0.1"],
        "metadata.example": ["169.254.169.254"],
        "mixed.example": ["127.0.0.1", BORDER],
        "myself.example": [HOME],
    })


class Guard(unittest.TestCase):
    def start(self, *options):
        return launch(self, testbed, "--allow-client", BORDER, *options, listen=BOTH)

    def banner(self, host, target, address):
        client, reply = wire.connect(host, target, address=address)
        self.assertEqual(reply.status, 200, f"{target}: {reply.line}")
        banner = wire.receive_all(client)
        client.close()
        return banner

    def forbidden(self, host, target, address, reason, shown=None, suffix=" (direct)"):
        client, reply = wire.connect(host, target, address=address)
        client.close()
        sentence = f"culvert: target {shown or target} {reason}{suffix}"
        self.assertEqual(reply.line, f"HTTP/1.1 403 {sentence}")
        self.assertEqual(reply.headers["proxy-status"], "culvert; error=destination_ip_prohibited")

    @staticmethod
    def own_listener(host):
        return ("resolves to 10.77.1.2, " if host == "myself.example" else "is ") + "a listener of this proxy itself"

    def test_addresses_are_closed_to_other_hosts(self):
        culvert = self.start()
        for target, kind in (
            (f"127.0.0.1:{INSIDE_PORT}", "a loopback address"),
            (f"127.1.2.3:{INSIDE_PORT}", "a loopback address"),
            (f"[::1]:{INSIDE_PORT}", "a loopback address"),
            (f"[::ffff:127.0.0.1]:{INSIDE_PORT}", "a loopback address"),
            (f"[::ffff:7f00:1]:{INSIDE_PORT}", "a loopback address"),
            (f"0.0.0.0:{INSIDE_PORT}", "an unspecified address"),
            (f"[::]:{INSIDE_PORT}", "an unspecified address"),
            ("169.254.169.254:80", "a cloud metadata address"),
            ("[::ffff:169.254.169.254]:80", "a cloud metadata address"),
            ("[fe80::1]:80", "a link-local address"),
            ("224.0.0.1:80", "a multicast address"),
        ):
            # The address is shown in its canonical form.
            shown = target.replace("7f00:1", "127.0.0.1")
            self.forbidden(testbed.border, target, HOME, f"is {kind}, {CLOSED}", shown=shown)
        self.assertEqual(self.banner(testbed.border, f"{BORDER}:{OPEN_PORT}", HOME), b"open")
        culvert.shut_down()

    def test_names_are_checked_by_what_they_resolve_to(self):
        culvert = self.start()
        self.forbidden(testbed.border, f"inside.example:{INSIDE_PORT}", HOME, f"resolves to 127.0.0.1, a loopback address, {CLOSED}")
        self.forbidden(testbed.border, "metadata.example:80", HOME, f"resolves to 169.254.169.254, a cloud metadata address, {CLOSED}")
        self.forbidden(testbed.border, f"localhost:{INSIDE_PORT}", HOME, f"is a loopback name, {CLOSED}")
        # The address that may be reached is, and no other.
        self.assertEqual(self.banner(testbed.border, f"mixed.example:{OPEN_PORT}", HOME), b"open")
        culvert.shut_down()

    def test_plain_requests_are_checked_too(self):
        culvert = self.start()
        client = wire.open_client(testbed.border, address=HOME)
        client.sendall(f"GET http://inside.example:{INSIDE_PORT}/ HTTP/1.1\r\nHost: inside.example\r\n\r\n".encode())
        reply = wire.read_reply(client)
        self.assertEqual(
            reply.line,
            f"HTTP/1.1 403 culvert: target inside.example:{INSIDE_PORT} resolves to 127.0.0.1, a loopback address, {CLOSED} (direct)",
        )
        client.close()
        culvert.shut_down()

    def test_a_route_opens_what_it_names(self):
        culvert = self.start("--route", f"127.0.0.1:{INSIDE_PORT}=direct")
        self.assertEqual(self.banner(testbed.border, f"127.0.0.1:{INSIDE_PORT}", HOME), b"inside")
        self.assertEqual(self.banner(testbed.border, f"inside.example:{INSIDE_PORT}", HOME), b"inside")
        self.forbidden(testbed.border, f"[::1]:{INSIDE_PORT}", HOME, f"is a loopback address, {CLOSED}")
        culvert.shut_down()

    def test_clients_on_this_host_reach_all_but_culvert(self):
        culvert = self.start()
        for target in (f"127.0.0.1:{INSIDE_PORT}", f"[::1]:{INSIDE_PORT}", f"localhost:{INSIDE_PORT}", f"inside.example:{INSIDE_PORT}"):
            self.assertEqual(self.banner(testbed.home, target, "127.0.0.1"), b"inside")
        for host in ("127.0.0.1", "[::ffff:127.0.0.1]", HOME, "myself.example", "0.0.0.0"):
            self.forbidden(testbed.home, f"{host}:{PORT}", "127.0.0.1", self.own_listener(host))
            self.forbidden(testbed.border, f"{host}:{PORT}", HOME, self.own_listener(host))
        culvert.shut_down()

    def test_a_wildcard_listener_is_every_address_of_this_host(self):
        culvert = launch(self, testbed, "--allow-client", BORDER, listen=[f"0.0.0.0:{PORT}"], address="0.0.0.0")
        for host in (HOME, "127.0.0.9", "myself.example"):
            self.forbidden(testbed.home, f"{host}:{PORT}", "127.0.0.1", self.own_listener(host))
        late = "10.99.0.1"
        testbed.home.run("ip", "address", "add", f"{late}/32", "dev", "lo")
        self.addCleanup(testbed.home.run, "ip", "address", "del", f"{late}/32", "dev", "lo")
        self.forbidden(testbed.home, f"{late}:{PORT}", "127.0.0.1", self.own_listener(late))
        culvert.shut_down()

    def test_through_socks_literals_are_checked_and_names_never_looked_up(self):
        culvert = self.start("--upstream", f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}")
        before = len(testbed.culvert_dns.queries())
        for target, shown, kind in (
            ("127.0.0.1:22", "127.0.0.1:22", "address"),
            (f"localhost:{PORT}", f"localhost:{PORT}", "name"),
            (f"LocalHost.:{PORT}", f"localhost:{PORT}", "name"),
            (f"registry.localhost:{PORT}", f"registry.localhost:{PORT}", "name"),
        ):
            self.forbidden(testbed.border, target, HOME, f"is a loopback {kind}, {CLOSED}", shown=shown, suffix="")
        metadata = "[::ffff:169.254.169.254]:80"
        self.forbidden(testbed.border, metadata, HOME, f"is a cloud metadata address, {CLOSED}", suffix="")
        client, reply = wire.connect(testbed.border, "inside.example:1", address=HOME)
        self.assertEqual(
            reply.line,
            f"HTTP/1.1 502 culvert: upstream socks5://{BORDER}:{peers.MICROSOCKS_PORT} says it failed to reach inside.example:1 "
            "(SOCKS reply 1, often a name that does not resolve)",
        )
        client.close()
        self.assertEqual(len(testbed.culvert_dns.queries()), before, "a name was looked up here")
        culvert.shut_down()
        self.assertIn("local lookups: 0 of targets, 0 of upstreams", culvert.output())

    def test_resolve_local_is_checked_and_counted(self):
        culvert = self.start("--upstream", f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}?resolve=local")
        self.forbidden(
            testbed.border, "metadata.example:80", HOME, f"resolves to 169.254.169.254, a cloud metadata address, {CLOSED}", suffix=""
        )
        self.assertEqual(self.banner(testbed.border, f"mixed.example:{OPEN_PORT}", HOME), b"open")
        culvert.shut_down()
        self.assertIn("local lookups: 2 of targets, 0 of upstreams", culvert.output())


if __name__ == "__main__":
    harness.main()
