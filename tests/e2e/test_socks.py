"""One port for all: real clients that speak SOCKS, and those that speak what is not served, on a listener for HTTP."""

import os
import signal
import socket
import struct
import threading
import unittest

import harness
import isolate
import peers
import wire
from culvert import PORT, launch
from images import make_image, push
from testbed import BORDER, GCR, Testbed, wait_for

AT = f"127.0.0.1:{PORT}"
LOOP = f"--upstream socks5://{AT}: that is a --listen of this proxy itself"
GREETING = b"\5\1\0"
KEY = f"{isolate.STATE}/sshd/user"


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    peers.start_registry(testbed)
    wire.FileServer(testbed.outside, testbed.ca)
    wire.BulkTarget(testbed.outside)
    peers.start_sshd(testbed)
    peers.start_dante(testbed)
    push(testbed, make_image(1 << 16, 13), "gcr.io/socks:1")


def request(name, port):
    """A SOCKS5 request for a name."""
    return b"\5\1\0\3" + bytes([len(name)]) + name.encode() + struct.pack("!H", port)


class ThroughDante(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.culvert = launch(cls, testbed, "--upstream", f"socks5://{peers.LOGIN}{BORDER}:{peers.DANTE_PORT}")

    def tearDown(self):
        self.culvert.assert_no_leaks()

    def curl(self, *arguments, check=True):
        return testbed.home.run(
            "curl", "-sS", "-m", "30", "--cacert", testbed.ca.certificate, "-o", "/dev/null", "-w", "%{http_code}", *arguments, check=check
        )

    def test_curl(self):
        table = (
            (("-x", f"socks5h://{AT}"), "SOCKS5"),
            (("--socks5-hostname", AT), "SOCKS5"),
            (("-x", f"socks5h://{peers.LOGIN}{AT}"), "SOCKS5"),
            (("-x", f"socks5h://{peers.LOGIN}{AT}", "--socks5-basic"), "SOCKS5"),
            (("--socks4a", AT), "SOCKS4"),
            (("-x", f"socks4a://me@{AT}"), "SOCKS4"),
            # They look the name up themselves.
            (("--socks5", AT, "--resolve", f"gcr.io:443:{GCR}"), "SOCKS5"),
            (("--socks4", AT, "--resolve", f"gcr.io:443:{GCR}"), "SOCKS4"),
        )
        queries = len(testbed.culvert_dns.queries())
        for options, method in table:
            with self.subTest(options=options):
                seen = self.culvert.access_lines()
                self.assertEqual(self.curl(*options, "https://gcr.io/v2/").stdout, "200")
                wait_for(
                    lambda: any(f" method={method} " in line and ":443 " in line for line in self.culvert.access_lines() if line not in seen),
                    10, f"no access line with {method}",
                )
        self.assertEqual(testbed.culvert_dns.queries()[queries:], [])

    def test_the_reason_is_a_number_and_stands_in_the_log(self):
        peers.need_dante()
        table = (
            ("target.world:9", "(5)", "refused the connection"),
            (f"target.world:{peers.FORBIDDEN_PORT}", "(2)", "does not allow"),
            ("no-such.world:443", "(4)", "unreachable or does not resolve"),
        )
        for target, code, reason in table:
            with self.subTest(target=target):
                done = self.curl("-x", f"socks5h://{AT}", f"https://{target}/", check=False)
                self.assertEqual(done.returncode, 97, done.stderr)
                self.assertIn(code, done.stderr)
                self.assertIn(reason, self.culvert.wait_access_line(f" method=SOCKS5 target={target} "))

    def test_ssh(self):
        done = testbed.home.run(
            "ssh", "-F", "none", "-i", KEY, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", f"ProxyCommand=/bin/nc.openbsd -X 5 -x {AT} %h %p", f"root@{BORDER}", "echo through",
        )
        self.assertEqual(done.stdout, "through\n")

    def test_git(self):
        done = testbed.home.run(
            "env", f"ALL_PROXY=socks5h://{AT}", f"GIT_SSL_CAINFO={testbed.ca.certificate}", "git", "ls-remote", "https://files.world/x",
            check=False,
        )
        # There is no repository, but a web server that says so.
        self.assertIn("files.world", self.culvert.wait_access_line(" target=files.world:443 "))
        self.assertNotIn("roxy", done.stderr)

    def test_skopeo(self):
        """It has Go's net/http, which takes SOCKS from HTTPS_PROXY, and none from ALL_PROXY."""
        done = testbed.home.run(
            "env", f"HTTPS_PROXY=socks5://{AT}", "/usr/bin/skopeo", "--insecure-policy", "inspect", "--tls-verify=false", "--raw",
            "docker://gcr.io/socks:1",
        )
        self.assertIn("schemaVersion", done.stdout)
        self.assertIn(" outcome=ok ", self.culvert.wait_access_line(" method=SOCKS5 target=gcr.io:443 "))

    def test_byte_by_byte(self):
        client = wire.open_client(testbed.home)
        for byte in GREETING + request("target.world", wire.BULK_PORT) + b"echo\nslowly":
            client.sendall(bytes([byte]))
        self.assertEqual(wire.receive_exactly(client, 12 + 6), b"\5\0" + b"\5\0\0\1" + bytes(6) + b"slowly")
        client.close()

    def test_half_close_in_one_packet(self):
        peers.need_dante()
        client = wire.open_client(testbed.home)
        client.sendall(GREETING + request("target.world", wire.BULK_PORT) + b"echo\nall at once")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(wire.receive_all(client), b"\5\0" + b"\5\0\0\1" + bytes(6) + b"all at once")
        client.close()

    def test_clients_that_break_off(self):
        """At each byte of the handshake, by FIN and by RST, many at a time: nothing of them is left."""
        whole = b"\5\1\2" + b"\1\4user\4hush" + request("target.world", wire.BULK_PORT)

        def break_off(size, how):
            client = wire.open_client(testbed.home)
            client.sendall(whole[:size])
            how(client)

        threads = [
            threading.Thread(target=break_off, args=(size, how))
            for size in range(1, len(whole) + 1)
            for how in (socket.socket.close, wire.reset)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.culvert.assert_no_leaks()
        self.assertEqual(self.curl("-x", f"socks5h://{AT}", "https://gcr.io/v2/").stdout, "200")


class AnotherProtocol(unittest.TestCase):
    """What the users of real clients see."""

    @classmethod
    def setUpClass(cls):
        cls.culvert = launch(cls, testbed, "--upstream", f"socks5://{peers.LOGIN}{BORDER}:{peers.DANTE_PORT}")

    def tearDown(self):
        self.culvert.assert_no_leaks()

    def shows(self, expected, *argv):
        done = testbed.home.run(*argv, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(expected, done.stdout + done.stderr)

    def test_tls(self):
        self.shows("certificate unobtainable", "curl", "-sS", "-m", "10", "--proxy", f"https://{AT}", "https://gcr.io/v2/")
        self.shows(
            "proxyconnect tcp: remote error: tls: certificate unobtainable",
            "env", f"HTTPS_PROXY=https://{AT}", "/usr/bin/skopeo", "--insecure-policy", "inspect", "docker://gcr.io/socks:1",
        )
        self.culvert.wait_log("write http://, not https://, before the proxy's address in https_proxy", 2)

    def test_http2(self):
        done = testbed.home.run("curl", "-sS", "-m", "10", "--http2-prior-knowledge", f"http://{AT}/", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.culvert.wait_log("the client spoke HTTP/2 to the proxy itself")

    def test_ssh(self):
        self.shows(
            "culvert: the client spoke SSH to a proxy port - ssh goes through it with ProxyCommand",
            "ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-p", str(PORT), "root@127.0.0.1", "true",
        )


class Listeners(unittest.TestCase):
    def test_http_only(self):
        culvert = launch(self, testbed, listen=[f"http-only://{AT}"])
        done = testbed.home.run("curl", "-sS", "-m", "10", "-x", f"socks5h://{AT}", "https://gcr.io/v2/", check=False)
        self.assertEqual(done.returncode, 97, done.stderr)
        culvert.wait_access_line('detail="the client spoke SOCKS to an HTTP proxy port - write http:// before')
        self.assertEqual(wire.connect(testbed.home, f"{BORDER}:22")[1].status, 200)

    def test_an_upstream_that_is_ourselves_is_refused(self):
        for listen, upstream in ((AT, AT), (f":{PORT}", f"10.77.1.2:{PORT}"), (AT, f"localhost:{PORT}")):
            with self.subTest(upstream=upstream):
                done = testbed.culvert_host.run(
                    os.environ["CULVERT"], "--listen", listen, "--open-proxy", "--upstream", f"socks5://{upstream}", check=False
                )
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(LOOP.replace(AT, upstream), done.stderr)

    def test_a_reload_refuses_it_too(self):
        config = f"{isolate.STATE}/loop.toml"
        isolate.write(config, 'upstream = "direct"\n')
        culvert = launch(self, testbed, "--config", config)
        isolate.write(config, f'upstream = "socks5://{AT}"\n')
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(f"reload: {LOOP}")
        culvert.wait_log("reload: nothing is changed, see the problems above")
        self.assertEqual(wire.connect(testbed.home, f"{BORDER}:22")[1].status, 200)

    def test_an_upstream_whose_name_leads_here(self):
        testbed.culvert_dns.table["me.world"] = ["127.0.0.1"]
        culvert = launch(self, testbed, "--upstream", f"socks5://me.world:{PORT}")
        _, reply = wire.connect(testbed.home, "gcr.io:443")
        self.assertEqual(
            reply.line,
            f"HTTP/1.1 508 culvert: upstream socks5://me.world:{PORT} resolves to 127.0.0.1, a listener of this proxy itself (for gcr.io:443)",
        )
        done = testbed.home.run("curl", "-sS", "-m", "10", "-x", f"socks5h://{AT}", "https://gcr.io/", check=False)
        self.assertIn("(1)", done.stderr)
        self.assertEqual(len(culvert.wait_access_lines(2)), 2)
        culvert.assert_no_leaks()


if __name__ == "__main__":
    harness.main()
