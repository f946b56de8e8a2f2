"""The PROXY protocol with real haproxies: in front of culvert and behind it, for the client lists and the log."""

import os
import re
import signal
import socket
import unittest

import harness
import isolate
import peers
import wire
from culvert import PORT, PROXY, ActivatedCulvert, launch
from testbed import BORDER, BORDER_ABROAD, GCR, HOME, Testbed, wait_for

# Where clients abroad find the load balancer, and where home and the border have another one.
BALANCED = f"http://{BORDER_ABROAD}:{PORT}"
BEHIND_PORT = 3200
BEHIND_TLS_PORT = 3201
INNER_PORT = 3202
TARGET = f"target.world:{wire.BULK_PORT}"

MICROSOCKS = f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}"
# How haproxy 2.6 can be told to send one.
SENDS = ("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id")


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    wire.BulkTarget(testbed.outside)
    wire.FileServer(testbed.outside, testbed.ca)
    peers.start_microsocks(testbed)


def curl(host, proxy, *arguments, **options):
    """What is fetched may be any bytes."""
    return host.run("curl", "-sS", "-m", "20", "--proxy", proxy, "--cacert", testbed.ca.certificate, *arguments, encoding="latin-1", **options)


class Case(unittest.TestCase):
    def haproxy(self, host, frontend, server, **more):
        balancer = peers.Haproxy(testbed, host, frontend, server, **more)
        testbed.processes.append(balancer)
        self.addCleanup(testbed.processes.remove, balancer)
        self.addCleanup(balancer.kill)
        balancer.start()
        balancer.wait_serving()
        return balancer

    def in_front(self, *server):
        """The load balancer for clients abroad."""
        return self.haproxy(testbed.border, f"{BORDER_ABROAD}:{PORT}", " ".join((f"{HOME}:{PORT}", *server)))

    def culvert(self, *options, listen=(f"{HOME}:{PORT}?proxy-protocol=on",), address=HOME, **more):
        return launch(self, testbed, "--upstream", MICROSOCKS, *options, listen=listen, address=address, **more)


class InFront(Case):
    def test_the_client_lists_and_the_log_see_the_true_client(self):
        culvert = self.culvert("--load-balancer", BORDER, "--allow-client", GCR)
        for number, sends in enumerate(SENDS, 1):
            with self.subTest(sends):
                balancer = self.in_front(sends)
                self.assertEqual(len(curl(testbed.outside, BALANCED, "https://files.world/bytes/1000").stdout), 1000)
                line = culvert.wait_access_lines(number)[-1]
                self.assertRegex(line, rf" client={GCR}:\d+ balancer={BORDER}:\d+ method=CONNECT target=files.world:443 ")
                balancer.kill()
        self.in_front("send-proxy")
        curl(testbed.outside, BALANCED, "http://plain.world/bytes/10", "http://plain.world/bytes/20")
        curl(testbed.outside, f"socks5h://{BORDER_ABROAD}:{PORT}", "https://files.world/bytes/10")
        lines = culvert.wait_access_lines(len(SENDS) + 3)
        for line in lines:
            self.assertRegex(line, rf" client={GCR}:\d+ balancer={BORDER}:\d+ ")
        self.assertIn(" method=SOCKS5 ", "".join(lines))
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_a_client_that_is_not_allowed_is_refused_whoever_has_connected(self):
        culvert = self.culvert("--load-balancer", BORDER, "--allow-client", BORDER)
        self.in_front("send-proxy-v2")
        refused = curl(testbed.outside, BALANCED, "https://files.world/bytes/10", check=False)
        self.assertIn("response 403", refused.stderr)
        self.assertIn(f"detail=\"client {GCR} may not use this proxy", culvert.wait_access_line(" status=403 "))
        culvert.shut_down()

    def test_health_checks_leave_no_line(self):
        culvert = self.culvert("--load-balancer", BORDER, "--open-proxy")
        for check in ("check", "check check-send-proxy send-proxy", "check check-send-proxy send-proxy-v2"):
            with self.subTest(check):
                balancer = self.in_front(check, "inter 20ms")
                balancer.wait_checked()
                balancer.kill()
        culvert.shut_down()
        self.assertEqual(culvert.access_lines(), [])
        self.assertEqual(culvert.count_in_log(" warning "), 0, culvert.output())

    def test_a_load_balancer_without_the_option_is_told_so(self):
        culvert = self.culvert("--load-balancer", BORDER, "--open-proxy")
        self.in_front()
        refused = curl(testbed.outside, BALANCED, "-v", "http://plain.world/bytes/10", check=False)
        self.assertIn("400 culvert: no PROXY protocol header came first - switch it on in the load balancer", refused.stderr)
        culvert.shut_down()

    def test_nobody_else_is_believed(self):
        culvert = self.culvert("--load-balancer", BORDER, "--allow-client", GCR)
        for header in (f"PROXY TCP4 {GCR} {HOME} 40001 {PORT}\r\n".encode(),
                       b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton(GCR) + socket.inet_aton(HOME) + b"\x9c\x41\x0c\x38"):
            with wire.open_client(testbed.home, address=HOME) as client:
                client.sendall(header + f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode())
                self.assertEqual(wire.receive_all(client), b"")
        reply = curl(testbed.home, f"http://{HOME}:{PORT}", "-v", "http://plain.world/", check=False)
        self.assertIn(f"403 culvert: this port is for load balancers, and {HOME} is none of them", reply.stderr)
        for line in culvert.wait_access_lines(3):
            self.assertRegex(line, rf" client={HOME}:\d+ method=- .* outcome=http_request_denied ")
        self.assertEqual(culvert.count_in_log(f"start culvert with --load-balancer {HOME}"), 3)
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_a_reload_exchanges_the_load_balancers(self):
        path = f"{isolate.STATE}/balancers.toml"

        def write(balancer):
            isolate.write(f"{path}.new", f'load-balancer = ["{balancer}"]\nallow-client = ["{GCR}"]\n')
            os.rename(f"{path}.new", path)

        write("192.0.2.1")
        culvert = self.culvert("--config", path)
        self.in_front("send-proxy-v2")

        def served():
            return len(curl(testbed.outside, BALANCED, "http://plain.world/bytes/10", check=False).stdout) == 10

        self.assertFalse(served())
        for number, (balancer, wanted) in enumerate(((BORDER, True), (GCR, False)), 1):
            write(balancer)
            culvert.signal(signal.SIGHUP)
            culvert.wait_log(" reloaded (", number)
            # A worker may adopt the new configuration a little later.
            wait_for(lambda: served() == wanted, 20, f"a load balancer at {balancer}: {wanted} is awaited")
        culvert.shut_down()

    def test_a_unix_socket_and_one_of_systemd(self):
        path = f"{isolate.STATE}/balanced.sock"
        listener = testbed.home.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOME, PORT))
        listener.listen()
        culvert = self.culvert(
            "--load-balancer", BORDER, "--allow-client", GCR, kind=ActivatedCulvert, sockets=[listener],
            listen=("systemd?proxy-protocol=on", f"unix:{path}?proxy-protocol=on"),
        )
        listener.close()
        self.in_front("send-proxy-v2")
        curl(testbed.outside, BALANCED, "http://plain.world/bytes/10")
        culvert.wait_access_line(f" client={GCR}:")
        self.haproxy(testbed.home, "127.0.0.1:3140", f"unix@{path} send-proxy-v2")
        curl(testbed.home, "http://127.0.0.1:3140", "http://plain.world/bytes/20")
        line = culvert.wait_access_line(' balancer="unix:')
        self.assertRegex(line, r' client=127.0.0.1:\d+ balancer="unix:uid=0,pid=\d+" ')
        culvert.shut_down()


class Behind(Case):
    def behind(self, bind="", **more):
        return self.haproxy(
            testbed.border, f"{BORDER}:{BEHIND_PORT} accept-proxy {bind}", f"{BORDER}:{peers.MICROSOCKS_PORT}", **more)

    def test_an_upstream_is_told_the_client(self):
        behind = self.behind()
        for version in ("v1", "v2"):
            with self.subTest(version):
                culvert = launch(self, testbed, "--upstream", f"socks5://{BORDER}:{BEHIND_PORT}?proxy-protocol={version}",
                                 "--allow-client", HOME, listen=[f"127.0.0.1:{PORT}", f"{HOME}:{PORT}"])
                curl(testbed.home, PROXY, "https://files.world/bytes/10")
                port = re.search(r" client=127.0.0.1:(\d+) ", culvert.wait_access_lines(1)[0]).group(1)
                behind.wait_log(f"client=127.0.0.1:{port} reached=127.0.0.1:{PORT}")
                curl(testbed.home, f"http://{HOME}:{PORT}", "http://plain.world/bytes/10")
                port = re.search(rf" client={HOME}:(\d+) ", culvert.wait_access_lines(2)[1]).group(1)
                behind.wait_log(f"client={HOME}:{port} reached={HOME}:{PORT}")
                culvert.assert_no_leaks()
                culvert.shut_down()
                culvert.kill()

    def test_a_client_of_a_unix_socket_and_a_probe_are_served(self):
        behind = self.behind()
        path = f"{isolate.STATE}/plain.sock"
        for version in ("v1", "v2"):
            with self.subTest(version):
                culvert = launch(self, testbed, "--upstream", f"socks5://{BORDER}:{BEHIND_PORT}?proxy-protocol={version}",
                                 "--probe", TARGET, "--probe-interval", "1s", listen=[f"127.0.0.1:{PORT}", f"unix:{path}"])
                with testbed.home.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                    client.settimeout(20)
                    client.connect(path)
                    client.sendall(f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode())
                    self.assertEqual(wire.read_reply(client).status, 200)
                culvert.shut_down()
                self.assertEqual(culvert.count_in_log(" warning "), 0, culvert.output())
                culvert.kill()
        # haproxy takes its own connection's ends then.
        behind.wait_log(f"client={HOME}:")

    def test_a_load_balancer_in_front_and_one_behind_show_the_same_client(self):
        behind = self.behind()
        culvert = launch(self, testbed, "--upstream", f"socks5://{BORDER}:{BEHIND_PORT}?proxy-protocol=v2", "--load-balancer", BORDER,
                         "--allow-client", GCR, listen=[f"{HOME}:{PORT}?proxy-protocol=on"], address=HOME)
        self.in_front("send-proxy")
        curl(testbed.outside, BALANCED, "https://files.world/bytes/10")
        port = re.search(rf" client={GCR}:(\d+) ", culvert.wait_access_lines(1)[0]).group(1)
        behind.wait_log(f"client={GCR}:{port} reached={BORDER_ABROAD}:{PORT}")
        culvert.shut_down()

    def test_tls_comes_after_the_header_and_another_culvert_understands_it(self):
        certificate, key = testbed.ca.issue("balancer", "DNS:balancer.border", f"IP:{BORDER}")
        pem = f"{isolate.STATE}/balancer.pem"
        with open(certificate, encoding="ascii") as one, open(key, encoding="ascii") as other:
            isolate.write(pem, one.read() + other.read())
        inner = launch(self, testbed, "--upstream", MICROSOCKS, "--load-balancer", BORDER, "--allow-client", HOME,
                       host=testbed.border, port=INNER_PORT, listen=[f"{BORDER}:{INNER_PORT}?proxy-protocol=on"], address=BORDER)
        self.haproxy(testbed.border, f"{BORDER}:{BEHIND_TLS_PORT} accept-proxy ssl crt {pem}", f"{BORDER}:{INNER_PORT} send-proxy-v2")
        culvert = launch(
            self, testbed, "--upstream", f"https://{BORDER}:{BEHIND_TLS_PORT}?proxy-protocol=v1&ca={testbed.ca.certificate}",
            "--allow-client", HOME, listen=[f"{HOME}:{PORT}"], address=HOME)
        curl(testbed.home, f"http://{HOME}:{PORT}", "https://files.world/bytes/10")
        client = re.search(r" client=(\S+) ", culvert.wait_access_lines(1)[0]).group(1)
        self.assertIn(f" client={client} balancer={BORDER}:", inner.wait_access_lines(1)[0])
        culvert.shut_down()
        inner.shut_down()


if __name__ == "__main__":
    harness.main()
