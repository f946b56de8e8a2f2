"""The reply to a client whose request fails: a status, a reason that is a full sentence, and never a secret."""

import concurrent.futures
import re
import select
import socket
import time
import unittest

import harness
import peers
import wire
from certs import Authority
from culvert import FOUR_THREADS, PORT, assert_no_secret, launch
from testbed import BLACKHOLE, BORDER, Testbed, wait_for

# RFC 9209, section 2.3.
PROXY_STATUS_ERRORS = {
    "dns_timeout", "dns_error", "destination_not_found", "destination_unavailable", "destination_ip_prohibited",
    "destination_ip_unroutable", "connection_refused", "connection_terminated", "connection_timeout",
    "connection_read_timeout", "connection_write_timeout", "connection_limit_reached", "tls_protocol_error",
    "tls_certificate_error", "tls_alert_received", "http_request_error", "http_request_denied",
    "http_response_incomplete", "http_response_header_section_size", "http_response_header_size",
    "http_response_body_size", "http_response_trailer_section_size", "http_response_trailer_size",
    "http_response_transfer_coding", "http_response_content_coding", "http_response_timeout", "http_upgrade_failed",
    "http_protocol_error", "proxy_internal_response", "proxy_internal_error", "proxy_configuration_error", "proxy_loop_detected",
}

SSH = f"socks5://127.0.0.1:{peers.SOCKS_PORT}"
LOGIN = peers.LOGIN
WRONG_LOGIN = f"{peers.USER}:wrong-hush@"
DANTE = f"{BORDER}:{peers.DANTE_PORT}"
SQUID = f"{BORDER}:{peers.SQUID_PORT}"
SQUID_TLS = f"{BORDER}:{peers.SQUID_TLS_PORT}"
# Nothing listens here.
CLOSED_PORT = 9


def setUpModule():
    global testbed, tunnel, silent, other_ca
    testbed = harness.report_on(Testbed())
    wire.BulkTarget(testbed.outside)
    peers.start_sshd(testbed)
    tunnel = peers.start_ssh_tunnel(testbed)
    peers.start_dante(testbed)
    peers.start_microsocks(testbed, authenticated=True)
    peers.start_squid(testbed)
    other_ca = Authority("other")
    silent = wire.SilentServer(testbed.home)


# All that ssh -D does when its far end fails.
CLOSED_BY_SSH = "closed the connection instead of answering for {} - ssh -D does this when the far end cannot resolve or reach it, or forbids it"
SILENT_SOCKS = " - is it a SOCKS5 proxy? (an HTTP proxy would wait like this)"
WRONG_PROTOCOL = "does the URL name the right protocol and port? (for gcr.io:443)"


class Failures(unittest.TestCase):
    def fails_with(self, upstream, sentence, *, error, status=502, target="gcr.io:443", options=(), env=None):
        """A CONNECT fails with exactly that sentence as the reason: it is all that docker's user gets to see."""
        # By default, culvert waits for an upstream that refuses, as its tunnel may be starting.
        culvert = launch(self, testbed, "--upstream", upstream, "--hold", "0", *options, env=env)
        client, reply = wire.connect(testbed.home, target)
        client.close()
        self.assertEqual(reply.line, f"HTTP/1.1 {status} culvert: {sentence}")
        self.assertLessEqual(len(reply.reason), 200)
        self.assertRegex(reply.reason, r"^[\x20-\x7e]+$")
        self.assertIn(error, PROXY_STATUS_ERRORS)
        self.assertEqual(reply.headers.get("proxy-status"), f"culvert; error={error}")
        self.assertTrue(reply.body.strip(), "the body is empty")
        self.assertEqual(reply.headers["content-length"], str(len(reply.body)))
        assert_no_secret(repr(reply.headers) + reply.reason + reply.body.decode("latin-1"))
        culvert.wait_access_lines(1)
        culvert.assert_no_leaks()
        culvert.shut_down()
        [line] = culvert.access_lines()
        self.assertIn(f" target={target} ", line)
        return reply

    def test_upstream_refuses(self):
        for scheme in ("socks5", "socks4a", "http", "https"):
            upstream = f"{scheme}://127.0.0.1:{CLOSED_PORT}"
            with self.subTest(upstream=upstream):
                self.fails_with(
                    upstream, f"upstream {upstream} refused the connection - is the tunnel up? (for gcr.io:443)",
                    error="connection_refused",
                )

    def test_ssh_tunnel_asks_whether_the_tunnel_is_up(self):
        upstream = f"socks5://localhost:{CLOSED_PORT}"
        self.fails_with(
            upstream, f"upstream {upstream} refused the connection - is the tunnel up? (for gcr.io:443)", error="connection_refused"
        )

    def test_upstream_host_unknown(self):
        upstream = "socks5://no-such-proxy.home:1080"
        self.fails_with(upstream, f"upstream {upstream} does not resolve here: the name does not exist (for gcr.io:443)", error="dns_error")

    def test_ssh_cannot_resolve(self):
        target = "nowhere.invalid:443"
        self.fails_with(SSH, f"upstream {SSH} {CLOSED_BY_SSH.format(target)}", error="connection_terminated", target=target)

    def test_ssh_is_refused_by_the_target(self):
        target = f"target.world:{CLOSED_PORT}"
        self.fails_with(SSH, f"upstream {SSH} {CLOSED_BY_SSH.format(target)}", error="connection_terminated", target=target)

    def test_ssh_does_not_take_credentials(self):
        self.fails_with(
            f"socks5://{LOGIN}127.0.0.1:{peers.SOCKS_PORT}",
            f"upstream {SSH} closed the connection during the greeting - it may take no user name and password "
            "(ssh -D never does) (for gcr.io:443)",
            error="connection_terminated",
        )

    def test_socks4a_is_refused_by_the_target(self):
        upstream, target = f"socks4a://127.0.0.1:{peers.SOCKS_PORT}", f"target.world:{CLOSED_PORT}"
        self.fails_with(upstream, f"upstream {upstream} {CLOSED_BY_SSH.format(target)}", error="connection_terminated", target=target)

    def test_dante_forbids_the_port(self):
        peers.need_dante()
        target = f"target.world:{peers.FORBIDDEN_PORT}"
        self.fails_with(
            f"socks5://{LOGIN}{DANTE}",
            f"upstream socks5://{DANTE} does not allow {target} (SOCKS reply 2, perhaps because of a wrong password)",
            status=403, error="http_request_denied", target=target,
        )

    def test_dante_is_refused_by_the_target(self):
        peers.need_dante()
        target = f"target.world:{CLOSED_PORT}"
        self.fails_with(
            f"socks5://{LOGIN}{DANTE}", f"upstream socks5://{DANTE} says {target} refused the connection (SOCKS reply 5)",
            error="connection_refused", target=target,
        )

    def test_dante_cannot_resolve(self):
        peers.need_dante()
        target = "nowhere.invalid:443"
        self.fails_with(
            f"socks5://{LOGIN}{DANTE}", f"upstream socks5://{DANTE} says {target} is unreachable or does not resolve (SOCKS reply 4)",
            error="destination_unavailable", target=target,
        )

    def test_dante_does_not_know_the_password(self):
        peers.need_dante()
        reply = self.fails_with(
            f"socks5://{WRONG_LOGIN}{DANTE}", f"upstream socks5://{DANTE} refused our user name or password (for gcr.io:443)",
            error="proxy_configuration_error",
        )
        self.assertNotIn("proxy-authenticate", reply.headers)

    def test_dante_wants_a_password(self):
        peers.need_dante()
        self.fails_with(
            f"socks5://{DANTE}", f"upstream socks5://{DANTE} wants credentials and none are configured (for gcr.io:443)",
            error="proxy_configuration_error",
        )

    def test_microsocks_does_not_know_the_password(self):
        at = f"{BORDER}:{peers.MICROSOCKS_AUTH_PORT}"
        self.fails_with(
            f"socks5://{WRONG_LOGIN}{at}", f"upstream socks5://{at} refused our user name or password (for gcr.io:443)",
            error="proxy_configuration_error",
        )

    def test_squid_does_not_know_the_password(self):
        """The client must not be asked for the upstream's password: that is not a 407 to it."""
        reply = self.fails_with(
            f"http://{WRONG_LOGIN}{SQUID}",
            f"upstream http://{SQUID} answered 407 Proxy Authentication Required for gcr.io:443 - check user and password",
            error="proxy_configuration_error",
        )
        self.assertNotIn("proxy-authenticate", reply.headers)

    def test_squid_wants_a_password(self):
        self.fails_with(
            f"http://{SQUID}",
            f"upstream http://{SQUID} answered 407 Proxy Authentication Required for gcr.io:443 - it wants a user and password",
            error="proxy_configuration_error",
        )

    def test_squid_forbids_the_port(self):
        target = f"target.world:{peers.FORBIDDEN_PORT}"
        self.fails_with(
            f"http://{LOGIN}{SQUID}",
            f"upstream http://{SQUID} answered 403: its rules deny access, ERR_ACCESS_DENIED (Forbidden) for {target}"
            " - many proxies let CONNECT through to 443 only",
            status=403, error="http_request_denied", target=target,
        )

    def test_squid_is_refused_by_the_target(self):
        target = f"target.world:{CLOSED_PORT}"
        self.fails_with(
            f"http://{LOGIN}{SQUID}",
            f"upstream http://{SQUID} answered 503: connection refused, ERR_CONNECT_FAIL 111 (Service Unavailable) for {target}",
            error="destination_unavailable", target=target,
        )

    def test_squid_cannot_resolve(self):
        target = "nowhere.invalid:443"
        version = testbed.border.run("/usr/sbin/squid", "-v").stdout
        answered = (
            "500: no way on, often a name that does not resolve, ERR_CANNOT_FORWARD (Internal Server Error)"
            if "Version 5." in version
            else "503: the name does not resolve, ERR_DNS_FAIL (Service Unavailable)"
        )
        self.fails_with(
            f"http://{LOGIN}{SQUID}", f"upstream http://{SQUID} answered {answered} for {target}",
            error="destination_unavailable", target=target,
        )

    def certificate_is_not_accepted(self, options, why, env=None):
        self.fails_with(
            f"https://{LOGIN}{SQUID_TLS}{options}", f"upstream https://{SQUID_TLS} {why} (for gcr.io:443)",
            error="tls_certificate_error", env=env,
        )

    def test_squids_certificate_is_from_elsewhere(self):
        self.certificate_is_not_accepted(
            f"?ca={other_ca.certificate}", f"has a certificate from a CA that is not in ?ca=, '{testbed.ca.name}'"
        )

    def test_squids_certificate_is_for_another_name(self):
        self.certificate_is_not_accepted(
            f"?ca={testbed.ca.certificate}&sni=gcr.io",
            f"has no certificate for gcr.io, but for proxy.border, {BORDER} - name the right one with ?sni=",
        )

    def test_squids_certificate_is_unknown_to_the_system(self):
        self.certificate_is_not_accepted(
            "", f"has a certificate from an unknown CA, '{testbed.ca.name}' - name that CA's file with ?ca=",
            env={"SSL_CERT_FILE": other_ca.certificate},
        )

    def test_a_machine_without_cas(self):
        self.certificate_is_not_accepted(
            "",
            "cannot be trusted: this machine has no CA certificates - install ca-certificates, or name the file of CA "
            f"'{testbed.ca.name}' with ?ca=",
            env={"SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": "/nonexistent"},
        )

    def test_tls_to_a_port_in_the_clear(self):
        self.fails_with(
            f"https://{LOGIN}{SQUID}?ca={testbed.ca.certificate}",
            f"upstream https://{SQUID} does not speak TLS - write http:// (for gcr.io:443)",
            error="tls_protocol_error",
        )

    def test_socks_to_an_http_proxy(self):
        # squid waits for the rest of what it takes for a request.
        self.fails_with(
            f"socks5://{SQUID}", f"upstream socks5://{SQUID} answers in HTTP, not in SOCKS5 - write http:// (for gcr.io:443)",
            error="http_protocol_error",
        )

    def test_http_to_a_socks_proxy(self):
        upstream = f"http://127.0.0.1:{peers.SOCKS_PORT}"
        self.fails_with(
            upstream, f"upstream {upstream} answers in SOCKS5, not in HTTP - write socks5:// (for gcr.io:443)", error="http_protocol_error"
        )

    def test_upstream_speaks_another_protocol(self):
        mail_server = wire.SilentServer(testbed.home, b"220 mail.example ESMTP\r\n")
        for scheme, sentence, error in (
            ("socks5", f"did not answer in SOCKS5 - {WRONG_PROTOCOL}", "http_protocol_error"),
            ("socks4a", "did not answer in SOCKS4 (for gcr.io:443)", "http_protocol_error"),
            ("http", f"did not answer in HTTP - {WRONG_PROTOCOL}", "http_protocol_error"),
            ("https", "does not speak TLS - write http:// if it is a plain HTTP proxy (for gcr.io:443)", "tls_protocol_error"),
        ):
            with self.subTest(scheme=scheme):
                upstream = f"{scheme}://127.0.0.1:{mail_server.port}"
                self.fails_with(upstream, f"upstream {upstream} {sentence}", error=error)

    def test_upstream_reply_cannot_inject_into_ours(self):
        injecting = wire.SilentServer(testbed.home, b"HTTP/1.1 599 bad\tnews\x1b[31m\xff \r\nX-Injected: yes\r\n\r\n")
        upstream = f"http://127.0.0.1:{injecting.port}"
        reply = self.fails_with(
            upstream, f"upstream {upstream} answered 599 bad?news?[31m? for gcr.io:443", error="destination_unavailable",
        )
        self.assertNotIn("x-injected", reply.headers)

    def test_direct_cannot_resolve(self):
        before = len(testbed.culvert_dns.queries())
        target = "nowhere.invalid:443"
        self.fails_with("direct://", f"target {target} does not resolve here: the name does not exist (direct)", error="dns_error", target=target)
        self.assertIn("nowhere.invalid", testbed.culvert_dns.queries()[before:])

    def test_direct_is_refused(self):
        target = f"{BORDER}:{CLOSED_PORT}"
        self.fails_with("direct://", f"target {target} refused the connection (direct)", error="connection_refused", target=target)

    def test_direct_has_no_route(self):
        target = "10.77.2.20:443"
        self.fails_with(
            "direct://", f"target {target} cannot be reached: Network is unreachable (direct)",
            error="destination_ip_unroutable", target=target,
        )


class Timeouts(unittest.TestCase):
    """A reply takes 12 seconds at most, as docker's first ping gives up after 15."""

    def times_out(self, upstream, failure, options=(), limit=14.5, least=2.0, port=PORT):
        culvert = launch(self, testbed, "--upstream", upstream, *options, port=port)
        started = time.monotonic()
        client, reply = wire.connect(testbed.home, "gcr.io:443", port=port)
        took = time.monotonic() - started
        client.close()
        sentence = f"culvert: upstream {upstream} {failure} (for gcr.io:443)"
        # The time that it took, which a busy machine adds to; its bounds are below.
        line = re.sub(r"(within \d+)\.\d s", r"\1.0 s", reply.line)
        self.assertEqual(line, f"HTTP/1.1 504 {sentence}")
        self.assertEqual(reply.headers["proxy-status"], "culvert; error=connection_timeout")
        self.assertLess(took, limit, reply.line)
        self.assertGreater(took, least, reply.line)
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_default(self):
        """Upstreams that drop SYNs, and upstreams that accept and never reply, side by side."""
        rows = [
            (f"socks5://{BLACKHOLE}:1080", "did not accept the connection within 4.0 s"),
            (f"http://{BLACKHOLE}:3128", "did not accept the connection within 4.0 s"),
            (f"socks5://127.0.0.1:{silent.port}", f"did not answer the greeting within 12.0 s{SILENT_SOCKS}"),
            (f"https://127.0.0.1:{silent.port}", "did not finish the TLS handshake within 12.0 s - does it speak TLS?"),
        ]
        with concurrent.futures.ThreadPoolExecutor(len(rows)) as pool:
            waits = [
                pool.submit(self.times_out, upstream, failure, port=3200 + at) for at, (upstream, failure) in enumerate(rows)
            ]
            for wait in waits:
                wait.result()

    def test_connect_timeout(self):
        for upstream, failure in (
            (f"socks5://127.0.0.1:{silent.port}", f"did not answer the greeting within 1.0 s{SILENT_SOCKS}"),
            (f"socks4a://127.0.0.1:{silent.port}", f"did not answer the request within 1.0 s{SILENT_SOCKS.replace('SOCKS5', 'SOCKS4a')}"),
            (f"http://127.0.0.1:{silent.port}", "did not answer the request within 1.0 s - is it an HTTP proxy?"),
            (f"https://127.0.0.1:{silent.port}", "did not finish the TLS handshake within 1.0 s - does it speak TLS?"),
            (f"socks5://{BLACKHOLE}:1080", "did not accept the connection within 1.0 s"),
        ):
            with self.subTest(upstream=upstream):
                self.times_out(upstream, failure, options=("--connect-timeout", "1s"), limit=6, least=0.7)

    def test_direct_into_a_black_hole(self):
        culvert = launch(self, testbed, "--upstream", "direct://", "--connect-timeout", "1s")
        started = time.monotonic()
        client, reply = wire.connect(testbed.home, f"{BLACKHOLE}:443")
        client.close()
        self.assertEqual(reply.line, f"HTTP/1.1 504 culvert: target {BLACKHOLE}:443 did not accept the connection within 1.0 s (direct)")
        self.assertLess(time.monotonic() - started, 6)
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_lookups_that_hang(self):
        """Names that the DNS server does not answer do not delay the others."""
        # The resolver gives up after 1 + 2 + 4 seconds.
        culvert = launch(self, testbed, "--upstream", "direct://", "--connect-timeout", "20s")
        hanging = [wire.open_client(testbed.home) for _ in range(14)]
        for at, client in enumerate(hanging):
            client.sendall(b"CONNECT n%d.silent:443 HTTP/1.1\r\nHost: n%d.silent:443\r\n\r\n" % (at, at))
        wait_for(lambda: len({name for name in testbed.culvert_dns.queries() if name.endswith(".silent")}) == len(hanging),
                 10, "not every name is looked up")
        client, reply = wire.connect(testbed.home, "nowhere.invalid:443")
        client.close()
        self.assertEqual(reply.line, "HTTP/1.1 502 culvert: target nowhere.invalid:443 does not resolve here: the name does not exist (direct)")
        self.assertEqual(select.select(hanging, [], [], 0)[0], [], "a lookup that hangs has delayed another one")
        for at, client in enumerate(hanging):
            self.assertEqual(
                wire.read_reply(client).line,
                f"HTTP/1.1 504 culvert: target n{at}.silent:443 does not resolve here: the DNS server does not answer (direct)",
            )
            client.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_client_that_disconnects(self):
        """A client that disconnects while culvert still dials leaks nothing."""
        # After a FIN it might still read, so the dial goes on to its end; after a RST it does not.
        for disconnect, timeout in ((socket.socket.close, "2s"), (wire.reset, "50s")):
            with self.subTest(disconnect=disconnect.__name__):
                options = ("--upstream", f"socks5://127.0.0.1:{silent.port}", "--connect-timeout", timeout)
                culvert = launch(self, testbed, *options)
                before = len(silent.accepted)
                clients = [wire.open_client(testbed.home) for _ in range(10)]
                for client in clients:
                    client.sendall(b"CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n")
                wait_for(lambda: len(silent.accepted) == before + 10, 10, "not every client is dialed for")
                for client in clients:
                    disconnect(client)
                culvert.wait_access_lines(10)
                culvert.assert_no_leaks()
                culvert.shut_down()
                lines = culvert.access_lines()
                self.assertEqual(len(lines), 10)
                if disconnect is wire.reset:
                    self.assertEqual([line for line in lines if " outcome=canceled " not in line], [])


class SshTunnelDown(unittest.TestCase):
    threads = ()

    def test_tunnel_that_is_starting(self):
        """Docker and its tunnel are often started side by side. The request waits until the tunnel is there."""
        tunnel.cut()
        try:
            culvert = launch(self, testbed, "--upstream", SSH, *self.threads)
            client = wire.open_client(testbed.home)
            client.sendall(b"CONNECT target.world:7000 HTTP/1.1\r\nHost: target.world:7000\r\n\r\necho\n!")
            client.settimeout(1)
            with self.assertRaises(TimeoutError):
                client.recv(1)
        finally:
            tunnel.up()
        client.settimeout(20)
        reply = wire.read_reply(client)
        self.assertEqual(reply.status, 200, reply.line)
        self.assertEqual(client.recv(1), b"!")
        client.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_tunnel_that_comes_back(self):
        """However many requests have failed: once the tunnel is up, every request succeeds."""
        tunnel.cut()
        try:
            culvert = launch(self, testbed, "--upstream", SSH, *self.threads, "--hold", "0")
            for _ in range(8):
                client, reply = wire.connect(testbed.home, "target.world:7000")
                client.close()
                # From one second on, the reply says for how long the upstream has been down.
                self.assertRegex(
                    reply.line,
                    rf"^HTTP/1\.1 502 culvert: upstream {SSH} refused the connection - is the tunnel up\? "
                    r"\(for target\.world:7000\)( \(down for [1-9]\d* s\))?$",
                )
        finally:
            tunnel.up()
        for _ in range(8):
            wire.tunnel(testbed.home, early=b"echo\n").close()
        culvert.assert_no_leaks()
        culvert.shut_down()


class SshTunnelDownWithFourThreads(SshTunnelDown):
    threads = FOUR_THREADS


class Requests(unittest.TestCase):
    """Bad requests get a reply too, and soon."""

    @classmethod
    def setUpClass(cls):
        cls.culvert = launch(cls, testbed, "--upstream", SSH)

    @classmethod
    def tearDownClass(cls):
        cls.culvert.assert_no_leaks()
        cls.culvert.shut_down()

    def reply_to(self, request):
        client = wire.open_client(testbed.home, timeout=5)
        client.sendall(request)
        reply = wire.read_reply(client)
        client.close()
        self.assertRegex(reply.reason, r"^[\x20-\x7e]{1,200}$")
        return reply

    def test_bad_requests(self):
        bad_port = "the port is not a number from 1 to 65535"
        table = (
            (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n",
             "400 culvert: this is a proxy, not a web server: set it as http_proxy or https_proxy"),
            (b"CONNECT gcr.io HTTP/1.1\r\nHost: gcr.io\r\n\r\n", '400 culvert: bad address "gcr.io": the port is missing'),
            (b"CONNECT gcr.io:0 HTTP/1.1\r\nHost: gcr.io\r\n\r\n", f'400 culvert: bad address "gcr.io:0": {bad_port}'),
            (b"CONNECT gcr.io:65536 HTTP/1.1\r\nHost: gcr.io\r\n\r\n", f'400 culvert: bad address "gcr.io:65536": {bad_port}'),
            (b"CONNECT :443 HTTP/1.1\r\nHost: gcr.io\r\n\r\n", '400 culvert: bad address ":443": the host is empty'),
            (b"CONNECT me@gcr.io:443 HTTP/1.1\r\nHost: gcr.io\r\n\r\n",
             '400 culvert: bad address "***@gcr.io:443": user and password do not belong here'),
            (b"HELO there\r\n\r\n", "400 culvert: the request line has no HTTP version"),
            (b"CONNECT gcr.io:443 HTTP/2.0\r\nHost: gcr.io:443\r\n\r\n", "505 culvert: the HTTP version is neither 1.1 nor 1.0"),
            (b"CONNECT gcr.io:443 HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", "431 culvert: the head is longer than 65536 bytes"),
        )
        for request, expected in table:
            with self.subTest(request=request[:40]):
                self.assertEqual(self.reply_to(request).line, f"HTTP/1.1 {expected}")

    def test_tls_on_the_plain_port(self):
        """https_proxy=https://... is a common mistake. It has to fail at once, and the access log has to name the reason."""
        done = testbed.home.run("curl", "-sS", "-m", "5", "--proxy", "https://127.0.0.1:3128", "https://gcr.io/v2/", check=False)
        self.assertEqual(done.returncode, 35, done.stderr)
        self.culvert.wait_access_line(
            ' detail="the client began TLS on a plain HTTP proxy port - write http://, not https://, before the proxy\'s address '
            'in https_proxy"'
        )


class Loop(unittest.TestCase):
    def test_an_upstream_that_leads_back(self):
        culvert = launch(self, testbed, "--upstream", f"http://127.0.0.1:{PORT}")
        upstream = f"http://127.0.0.1:{PORT}"
        loop = "this request has been here before - an upstream leads back to this proxy"
        for request, sentence in (
            (b"CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n", f"upstream {upstream} answered 508 {loop} for gcr.io:443"),
            (b"GET http://gcr.io/ HTTP/1.1\r\nHost: gcr.io\r\nConnection: close\r\n\r\n", loop),
        ):
            client = wire.open_client(testbed.home, timeout=5)
            client.sendall(request)
            reply = wire.read_reply(client)
            client.close()
            self.assertEqual(reply.line, f"HTTP/1.1 508 culvert: {sentence}")
        # Each request came twice: from the client, and from culvert itself.
        culvert.wait_access_lines(4)
        culvert.shut_down()
        self.assertEqual(len(culvert.access_lines()), 4)


if __name__ == "__main__":
    harness.main()
