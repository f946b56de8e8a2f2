"""Clients that have to sign in: files of the programs that make them, and clients as people use them."""

import base64
import os
import shutil
import signal
import ssl
import subprocess
import time
import unittest

import harness
import isolate
import peers
import wire
from certs import Authority
from culvert import PORT, has_thread_sanitizer, is_sanitized, launch
from testbed import BORDER, Testbed, wait_for

PASSWORD = "pa55:w@rd/%-hush"
PASSWORD_IN_URL = "pa55%3Aw%40rd%2F%25-hush"
UPSTREAM = f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}"
# Each program that makes such files: one user by each.
MAKERS = {
    "openssl": ["openssl", "passwd", "-6", "-stdin"],
    "sha256": ["openssl", "passwd", "-5", "-stdin"],
    "htpasswd": ["htpasswd", "-niB", "-C", "5", "htpasswd"],
    "mkpasswd": ["mkpasswd", "-m", "yescrypt", "-s"],
}


def line_of(user, password=PASSWORD):
    made = subprocess.run(MAKERS[user], input=password + "\n", capture_output=True, text=True, check=True).stdout.strip()
    return made if made.startswith(f"{user}:") else f"{user}:{made}"


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    wire.FileServer(testbed.outside, testbed.ca)
    peers.start_microsocks(testbed)


class SignIn(unittest.TestCase):
    def start(self, *lines, options=()):
        self.path = f"{isolate.STATE}/users"
        isolate.write(self.path, "\n".join(lines) + "\n", 0o600)
        return launch(self, testbed, "--auth-file", self.path, "--upstream", UPSTREAM, *options)

    def curl(self, *arguments, check=True):
        """The body, and then the statuses: of the proxy's answer to CONNECT, and of the last answer."""
        return testbed.home.run(
            "curl", "-sS", "-m", "60", "--cacert", testbed.ca.certificate, "-w", " %{http_connect} %{http_code}",
            "-o", "/dev/null", *arguments, check=check,
        )

    def test_curl_signs_in_in_each_way(self):
        culvert = self.start(line_of("openssl"))
        user = ("--proxy-user", f"openssl:{PASSWORD}")
        proxy = f"http://127.0.0.1:{PORT}"
        culvert.wait_log(f"export http_proxy=http://USER:PASSWORD@127.0.0.1:{PORT} https_proxy=http://USER:PASSWORD@127.0.0.1:{PORT}")
        in_url = f"openssl:{PASSWORD_IN_URL}@127.0.0.1:{PORT}"
        for scheme, url, connected in (("https", "https://files.world/bytes/1000", 200), ("http", "http://plain.world/bytes/1000", 0)):
            wanted = f" {connected:03} 200"
            for way in (("--proxy", proxy, *user), ("--proxy", proxy, *user, "--proxy-anyauth"), ("--proxy", f"http://{in_url}")):
                self.assertEqual(self.curl(*way, url).stdout, wanted, (scheme, way))
            self.assertEqual(self.curl("--proxy", f"socks5h://{in_url}", url).stdout, " 000 200")
        # Twice over the connection that was kept, and with a body that is sent in vain first.
        self.curl("--proxy", proxy, *user, "--proxy-anyauth", "--data-binary", "x" * 2000, "http://plain.world/digest")
        lines = culvert.wait_access_lines(11)
        self.assertTrue(any(" user=openssl " in line and " status=200 " in line for line in lines))
        self.assertTrue(any(" outcome=proxy_auth_required " in line for line in lines))
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_who_does_not_sign_in_is_told_how(self):
        culvert = self.start(line_of("openssl"))
        refused = self.curl("-v", "--proxy", f"http://127.0.0.1:{PORT}", "https://files.world/bytes/1", check=False)
        self.assertIn("HTTP/1.1 407 culvert: this proxy wants a user and a password - write them into the proxy URL", refused.stderr)
        wrong = self.curl("-v", "--proxy", f"http://openssl:nope@127.0.0.1:{PORT}", "https://files.world/bytes/1", check=False)
        self.assertIn("HTTP/1.1 407 culvert: wrong password, or no such user: 'openssl'", wrong.stderr)
        for proxy in (f"socks5h://127.0.0.1:{PORT}", f"socks4a://127.0.0.1:{PORT}", f"socks5h://openssl:nope@127.0.0.1:{PORT}"):
            self.assertNotEqual(self.curl("--proxy", proxy, "https://files.world/bytes/1", check=False).returncode, 0)
        culvert.assert_no_leaks()
        culvert.shut_down()

    def makes(self, user):
        # Only now, as scripts/peers brings it.
        if not shutil.which(MAKERS[user][0]) and os.environ.get("CI") != "true":
            self.skipTest(f"SKIP: there is no {MAKERS[user][0]} here")
        culvert = self.start(line_of(user))
        done = self.curl("--proxy", f"http://{user}:{PASSWORD_IN_URL}@127.0.0.1:{PORT}", "https://files.world/bytes/1")
        self.assertEqual(done.stdout, " 200 200")
        culvert.shut_down()

    def test_sha256_of_openssl(self):
        self.makes("sha256")

    def test_file_of_htpasswd(self):
        self.makes("htpasswd")

    def test_yescrypt_of_mkpasswd(self):
        self.makes("mkpasswd")

    @unittest.skipIf(is_sanitized() or has_thread_sanitizer(), "a sanitizer's shadow is more than can be read")
    def test_no_password_stays_in_memory(self):
        """Of whoever has signed in on any kind of listener, however it arrived, while the tunnels are open."""
        authority = Authority("sign-in-ca")
        certificate, key = authority.issue("sign-in", "DNS:localhost", "IP:127.0.0.1")
        at = f"127.0.0.1:{PORT}"
        kinds = {
            "plain": (PORT, at),
            "tls": (PORT + 1, f"https://127.0.0.1:{PORT + 1}?cert={certificate}&key={key}"),
            "balanced": (PORT + 2, f"127.0.0.1:{PORT + 2}?proxy-protocol=on"),
        }
        self.path = f"{isolate.STATE}/users"
        isolate.write(self.path, line_of("openssl") + "\n", 0o600)
        culvert = launch(
            self, testbed, "--auth-file", self.path, "--upstream", UPSTREAM, "--load-balancer", "127.0.0.1",
            listen=[listen for _, listen in kinds.values()],
        )
        token = base64.b64encode(f"openssl:{PASSWORD}".encode())
        field = b"Proxy-Authorization: Basic " + token + b"\r\n"
        connect = b"CONNECT files.world:443 HTTP/1.1\r\nHost: files.world:443\r\n"
        get = b"GET http://plain.world/bytes/10 HTTP/1.1\r\nHost: plain.world\r\n"
        post = b"POST http://plain.world/bytes/10 HTTP/1.1\r\nHost: plain.world\r\nContent-Length: 900\r\n"
        signed = connect + field + b"\r\n"
        socks = b"\x01\x07openssl" + bytes([len(PASSWORD)]) + PASSWORD.encode()
        arrivals = {
            "whole": [signed],
            "in pieces": [signed[:90], signed[90:-20], signed[-20:]],
            "behind a refusal": [connect + b"\r\n", signed],
            "behind a refused body": [post + b"\r\n" + 900 * b"x" + signed],
            "behind a request": [get + field + b"\r\n" + signed],
            "behind a body": [post + field + b"\r\n" + 900 * b"x" + signed],
            "socks": [b"\x05\x01\x02", socks],
        }
        clients = []
        for kind, (port, _) in kinds.items():
            for arrival, parts in arrivals.items():
                with self.subTest(kind=kind, arrival=arrival):
                    client = wire.open_client(testbed.home, port)
                    self.addCleanup(client.close)
                    if kind == "tls":
                        client = ssl.create_default_context(cafile=authority.certificate).wrap_socket(client, server_hostname="localhost")
                        self.addCleanup(client.close)
                    parts = list(parts)
                    if kind == "balanced":
                        parts[0] = b"PROXY UNKNOWN\r\n" + parts[0]
                    for part in parts:
                        client.sendall(part)
                        if len(parts) > 1:
                            time.sleep(0.05)  # only so that it is another read
                    answer = b""
                    wanted = b"\x01\x00" if arrival == "socks" else b"200 Connection established\r\n\r\n"
                    while wanted not in answer:
                        some = client.recv(4096)
                        self.assertTrue(some, answer)
                        answer += some
                    clients.append(client)
        memory = culvert.memory()
        self.assertIn(b"culvert", memory)
        for what in (PASSWORD.encode(), token, token[8:-4]):
            at = memory.find(what)
            self.assertEqual(at, -1, memory[max(at - 300, 0) : at + 100])
        for client in clients:
            client.close()
        culvert.shut_down()

    def test_the_file_is_read_again(self):
        culvert = self.start(line_of("openssl"), options=("--threads", "4"))

        def status(user, password):
            token = base64.b64encode(f"{user}:{password}".encode()).decode()
            client = wire.open_client(testbed.home)
            with client:
                head = ["CONNECT files.world:443 HTTP/1.1", "Host: files.world:443", f"Proxy-Authorization: Basic {token}"]
                client.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode())
                return wire.read_reply(client).status

        def reload(text, logged):
            isolate.write(self.path, text, 0o600)
            culvert.signal(signal.SIGHUP)
            culvert.wait_log(logged)

        self.assertEqual(status("openssl", PASSWORD), 200)
        reload("openssl:plain hush\n", "reload: nothing is changed")
        self.assertIn("line 1: user openssl: plain text", culvert.output())
        self.assertEqual(status("openssl", PASSWORD), 200)
        reload(line_of("openssl", "other") + "\n", " reloaded (")
        # A worker may take the new rules a little after the log line.
        wait_for(lambda: status("openssl", PASSWORD) == 407, 20, "the old password is still right")
        wait_for(lambda: status("openssl", "other") == 200, 20, "the new password is not right yet")
        culvert.shut_down()

    def test_bad_files_are_refused_at_the_start(self):
        path = f"{isolate.STATE}/bad"
        isolate.write(path, "a:$apr1$abcdefgh$MVVHVvbgBmCQYCVP5wDvM.\nb:hush\n", 0o600)
        done = testbed.culvert_host.run(os.environ["CULVERT"], "--auth-file", path, "--threads", "0", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 1: user a: apr1, Apache's MD5, is not taken", done.stderr)
        self.assertIn("line 2: user b: plain text", done.stderr)
        self.assertIn("--threads", done.stderr)
        self.assertNotIn("hush", done.stderr)


if __name__ == "__main__":
    harness.main()
