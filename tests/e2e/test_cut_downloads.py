"""Downloads without a length, whose only end is the end of the connection: one that was cut must not look complete."""

import os
import signal
import ssl
import threading
import unittest

import harness
import isolate
import wire
from culvert import launch
from testbed import TARGET, Program, Testbed, wait_for
from tunnels import Relay

PART = 1 << 20
RELAY_PORT = 1080
UPSTREAM = ("--upstream", f"socks5://127.0.0.1:{RELAY_PORT}")


class UnendingServer:
    """plain.world:80 and files.world:443: each reply has a part of its body, no length and no end."""

    def __init__(self, testbed):
        self.sent = 0
        self._lock = threading.Lock()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*testbed.ca.issue("files.world", "DNS:files.world"))
        wire.serve_in_threads(testbed.outside, self._reply, address=(TARGET, 80))
        wire.serve_in_threads(testbed.outside, self._reply_over_tls, address=(TARGET, 443))

    def _reply_over_tls(self, connection):
        try:
            self._reply(self._tls.wrap_socket(connection, server_side=True))
        except OSError:
            connection.close()

    def _reply(self, connection):
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                wire.send_pattern(connection, PART)
                with self._lock:
                    self.sent += 1
                connection.recv(1)
            except OSError:
                pass


def setUpModule():
    global testbed, server, relay
    testbed = harness.report_on(Testbed())
    server = UnendingServer(testbed)
    relay = Relay(testbed, RELAY_PORT)


def clients(port):
    """Debian's curl has OpenSSL, its wget GnuTLS. A name and a command line each; the file's name follows."""
    proxy = f"http://127.0.0.1:{port}"
    curl = ["/usr/bin/curl", "-sS", "--max-time", "60", "--proxy", proxy, "--cacert", testbed.ca.certificate]
    wget = ["/usr/bin/wget", "-nv", "--tries=1", "-e", "use_proxy=yes", "-e", f"http_proxy={proxy}", "-e", f"https_proxy={proxy}"]
    return {
        "curl": [*curl, "http://plain.world/", "-o"],
        "curl_in_a_tunnel": [*curl, "--proxytunnel", "http://plain.world/", "-o"],
        # It takes more than the name of a Go program: TLS on both sides.
        "go_in_a_tunnel": [*curl, "--proxytunnel", "--proxy-header", "User-Agent: Go-http-client/1.1", "http://plain.world/", "-o"],
        "curl_over_tls": [*curl, "https://files.world/", "-o"],
        "wget": [*wget, "http://plain.world/", "-O"],
        "wget_over_tls": [*wget, f"--ca-certificate={testbed.ca.certificate}", "https://files.world/", "-O"],
    }


class CutDownloads(unittest.TestCase):
    def cut(self, culvert, how):
        sent_before, downloads = server.sent, {}
        for name, argv in clients(culvert.port).items():
            path = f"{isolate.STATE}/{self.id()}-{name}"
            download = Program(name, testbed.home, [*argv, path])
            self.addCleanup(download.kill)
            download.start()
            downloads[download] = path

        def all_in_the_middle():
            return server.sent - sent_before == len(downloads) and all(
                os.path.exists(path) and os.path.getsize(path) for path in downloads.values()
            )

        wait_for(all_in_the_middle, 20, lambda: "\n".join(download.tail() for download in downloads))
        how()
        for download in downloads:
            with self.subTest(download.name):
                self.assertNotEqual(download.wait(20), 0, "half a file passes for a whole one")

    def test_upstream_resets(self):
        self.cut(launch(self, testbed, *UPSTREAM), relay.reset)

    def test_culvert_drains(self):
        culvert = launch(self, testbed, *UPSTREAM, "--drain-timeout", "0")
        self.cut(culvert, lambda: culvert.signal(signal.SIGTERM))
        self.assertEqual(culvert.wait(10), 0)

    def test_idle_timeout(self):
        culvert = launch(self, testbed, *UPSTREAM, "--idle-timeout", "1s")
        self.cut(culvert, lambda: None)


if __name__ == "__main__":
    harness.main()
