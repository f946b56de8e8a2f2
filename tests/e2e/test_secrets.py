"""Passwords and tokens in every flag, file and request that may have one: no reply and no log repeats them."""

import base64
import contextlib
import os
import signal
import ssl
import struct
import subprocess
import unittest

import harness
import isolate
import wire
from culvert import PORT, is_sanitized, launch
from testbed import BORDER, Testbed

SECRET = "hunter2SECRET"
USER = "alice"
# What somebody types who mistypes it.
WRONG = f"{SECRET}2"


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


FORMS = [SECRET, SECRET.lower(), *(in_base64(text).rstrip("=") for text in (SECRET, f"{USER}:{SECRET}", WRONG, f"{USER}:{WRONG}"))]
ECHO_PORT = 3199
# Knows none, so that it can repeat only what it is sent.
ONLY_ECHO_PORT = 3198
TLS_PORT = PORT + 1
BALANCED_PORT = PORT + 2

# Flags with values that they do not accept.
ERRORS = [
    ("route", f"https://u:{SECRET}@h=direct"),
    ("route", f"gcr.io=socks5://u:{SECRET}@h:1080"),
    ("route", f"gcr.io=u:{SECRET}"),
    ("upstream", f"a=socks5://h?via=http://u:{SECRET}@p:3128"),
    ("upstream", f"https://h?sni=u:{SECRET}@h"),
    ("upstream", f"socks5://u:p?ca={SECRET}@h"),
    ("upstream", f"socks5://u:p?warm={SECRET}@h"),
    ("allow-client", f"u:{SECRET}@h"),
    ("listen", f"http://u:{SECRET}@h"),
    ("access-log", f"http://u:{SECRET}@h/x"),
]
# These are accepted with a warning.
WARNINGS = [("no-proxy", f"http://u:{SECRET}@h"), ("no-proxy", f"u:{SECRET}@h"), ("no-proxy", f"u:{SECRET}")]

BAD_PORT = 'bad address "u:***": the port is not a number from 1 to 65535'
# Requests, and what the status lines of their replies are.
REQUESTS = {
    f"CONNECT u:{SECRET} HTTP/1.1\r\nHost: a\r\n\r\n": f"400 culvert: {BAD_PORT}",
    f"CONNECT u:{SECRET}@a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n":
        '400 culvert: bad address "***@a.example:443": user and password do not belong here',
    f"GET http://u:{SECRET}/x@a.example/ HTTP/1.1\r\nHost: a\r\n\r\n": f"400 culvert: {BAD_PORT}",
    f"GET http://u:{SECRET}@a.example/ HTTP/1.1\r\nHost: a\r\n\r\n": "400 culvert: the URL contains a user name or password",
    f"GET http://a.example/ HTTP/1.1\r\nHost: u:{SECRET}\r\n\r\n": f"400 culvert: the Host field is invalid: {BAD_PORT}",
    f"GET http://a.example/ HTTP/1.1\r\nHost: a\r\nExpect: {SECRET}\r\n\r\n":
        "417 culvert: the request expects something else than 100-continue",
    # The upstream's reply to these repeats the credentials.
    f"GET http://a.example/?token={SECRET} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n": "403 ***",
    "CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n":
        f"502 culvert: upstream http://{BORDER}:{ECHO_PORT} answered 407 *** for a.example:443 - check user and password",
    "GET http://a.example/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n": "403 ***",
}


def proxy_header_v2(*, family=0x11, addresses=b"\x0a\x09\x08\x07\x0a\x09\x08\x06\x00\x07\x00\x08", extra=SECRET.encode()):
    """With a field of extra data behind the addresses (PP2_TYPE_AUTHORITY)."""
    rest = addresses + b"\x02" + struct.pack("!H", len(extra)) + extra
    return b"\r\n\r\n\x00\r\nQUIT\n\x21" + bytes([family]) + struct.pack("!H", len(rest)) + rest


PROXY_HEADERS = [b"PROXY TCP4 10.9.8.7 10.9.8.6 7 8\r\n", proxy_header_v2()]
BAD_PROXY_HEADERS = [f"PROXY TCP4 {SECRET}\r\n".encode(), f"PROXY {SECRET} 10.9.8.7 10.9.8.6 7 8\r\n".encode(), f"{SECRET}\r\n\r\n".encode(),
                     proxy_header_v2(family=0x77, addresses=b""), proxy_header_v2(addresses=b"")]


def sign_ins():
    """Requests with credentials: the right ones, wrong ones, and such as are none."""
    for field in (f"Basic {in_base64(f'{USER}:{SECRET}')}", f"Basic {in_base64(f'{USER}:{WRONG}')}", f"Basic {in_base64(SECRET)}",
                  f"Basic {USER}:{SECRET}", f"Bearer {SECRET}", SECRET):
        for line in ("CONNECT a.example:443", "GET http://a.example/"):
            yield f"{line} HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: {field}\r\nConnection: close\r\n\r\n".encode()


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    EchoingProxy(testbed.border, ECHO_PORT, SECRET)
    EchoingProxy(testbed.border, ONLY_ECHO_PORT, "without")


class EchoingProxy:
    """Refuses everything, and repeats the credentials in its reply, those that it is sent and those that it knows."""

    def __init__(self, host, port, known):
        self._known = known
        wire.serve(host, self._handle, address=(BORDER, port))

    def _handle(self, connection):
        with contextlib.suppress(OSError), connection:
            self._refuse(connection)

    def _refuse(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                return
            head += data
        head = head.decode("latin-1")
        given = next((line for line in head.split("\r\n") if line.lower().startswith("proxy-authorization:")), "nothing")
        status = 407 if head.startswith("CONNECT") else 403
        connection.sendall(f"HTTP/1.1 {status} not with {given} or {self._known}\r\nContent-Length: 0\r\n\r\n".encode())


class Secrets(unittest.TestCase):
    def assert_hidden(self, text):
        self.assertTrue(text)
        for form in FORMS:
            self.assertNotIn(form, text)

    def fails(self, *options, env=None):
        done = testbed.culvert_host.run(os.environ["CULVERT"], *options, check=False, timeout=10, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assert_hidden(done.stdout + done.stderr)

    def test_in_a_flag(self):
        for flag, value in ERRORS:
            with self.subTest(flag=flag, value=value):
                self.fails(f"--{flag}", value)
        self.fails("check", "--route", f"https://u:{SECRET}/ss@h/")
        self.fails(f"u:{SECRET}@h")

    def test_in_a_variable(self):
        for flag, value in ERRORS:
            with self.subTest(flag=flag, value=value):
                self.fails(env={"CULVERT_" + flag.upper().replace("-", "_"): value})

    def test_in_a_file(self):
        path = f"{isolate.STATE}/errors.toml"
        for flag, value in ERRORS:
            with self.subTest(flag=flag, value=value):
                isolate.write(path, f"{flag} = '{value}'\n")
                self.fails("--config", path)

    def test_in_a_warning(self):
        options = [word for flag, value in WARNINGS for word in (f"--{flag}", value)]
        culvert = launch(self, testbed, *options)
        culvert.shut_down()
        self.assertEqual(culvert.output().count("--no-proxy "), len(WARNINGS), culvert.output())
        self.assert_hidden(culvert.output())

    def test_in_a_file_that_is_reloaded(self):
        path = f"{isolate.STATE}/reloaded.toml"
        isolate.write(path, "")
        culvert = launch(self, testbed, "--config", path)
        # The flag --listen that each culvert here has wins over the file's.
        for number, (flag, value) in enumerate(((flag, value) for flag, value in ERRORS if flag != "listen"), 1):
            isolate.write(path, f"{flag} = '{value}'\n")
            culvert.signal(signal.SIGHUP)
            culvert.wait_log("reload: nothing is changed", number)
        isolate.write(path, "no-proxy = [" + ", ".join(f"'{value}'" for _, value in WARNINGS) + "]\n")
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(" reloaded (")
        culvert.shut_down()
        self.assert_hidden(culvert.output())

    def test_on_the_wire(self):
        for form in ("text", "json"):
            culvert = launch(self, testbed, "--log-level", "debug", "--log-format", form,
                             "--upstream", f"http://{USER}:{SECRET}@{BORDER}:{ECHO_PORT}")
            for request, status_line in REQUESTS.items():
                with self.subTest(request=request, form=form):
                    client = wire.open_client(testbed.home)
                    client.sendall(request.encode())
                    reply = wire.receive_all(client)
                    client.close()
                    self.assertEqual(reply.decode("latin-1").partition("\r\n")[0], f"HTTP/1.1 {status_line}")
                    self.assert_hidden(reply.decode("latin-1"))
            culvert.wait_access_lines(len(REQUESTS))
            culvert.shut_down()
            self.assertEqual(len(culvert.access_lines()), len(REQUESTS))
            self.assert_hidden(culvert.output())

    def test_in_every_place_of_a_run(self):
        """All that a running culvert shows to others, and what is left of one that crashes."""
        password_file = f"{isolate.STATE}/password"
        config = f"{isolate.STATE}/run.toml"
        folder = f"{isolate.STATE}/cores"
        os.makedirs(folder, exist_ok=True)
        isolate.write(password_file, f"{SECRET}\n")
        isolate.write(
            config,
            f"upstream = ['a=http://{USER}:{SECRET}@{BORDER}:{ECHO_PORT}', "
            f"'b=http://{USER}@{BORDER}:{ECHO_PORT}?password-file={password_file}']\n"
            f"tunnel-command = 'true {SECRET}; exec sleep 1000'\n",
        )
        token = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
        requests = [
            *REQUESTS,
            f"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic {token}\r\n\r\n",
            f"GET http://a.example/{SECRET}?token={SECRET}#{SECRET} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic {token}\r\n"
            f"Authorization: Bearer {SECRET}\r\nCookie: {SECRET}\r\nConnection: close\r\n\r\n",
        ]
        for form in ("text", "json"):
            with self.subTest(form=form):
                culvert = launch(
                    self, testbed, "--config", config, "--log-level", "debug", "--log-format", form,
                    wrapper=["sh", "-c", f'cd {folder} && ulimit -c unlimited && exec "$@"', "sh"],
                )
                for request in requests:
                    client = wire.open_client(testbed.home)
                    client.sendall(request.encode())
                    reply = wire.receive_all(client).decode("latin-1")
                    client.close()
                    # A path is the target's, and no secret of ours.
                    self.assert_hidden(reply.replace(f"/{SECRET}", ""))
                # A request whose secret is still in a buffer.
                waiting = wire.open_client(testbed.home)
                waiting.sendall(f"CONNECT a.example:443 HTTP/1.1\r\nProxy-Authorization: Basic {token}\r\n".encode())
                culvert.signal(signal.SIGHUP)
                culvert.wait_log("reloaded (")
                self.assert_hidden(self.told_to_others(culvert.pid))
                # A sanitizer's shadow is more than can be read.
                if not is_sanitized():
                    memory = culvert.memory()
                    self.assertTrue(any(form in memory for form in self.as_bytes()), "the test sees no memory")
                with open(f"/proc/{culvert.pid}/coredump_filter", encoding="utf-8") as file:
                    self.assertEqual(int(file.read(), 16), 0x10)
                culvert.signal(signal.SIGABRT)
                self.assertEqual(culvert.wait(20), -signal.SIGABRT)
                self.assert_hidden(culvert.output().replace(f"/{SECRET}", ""))
                self.check_cores(folder)
                waiting.close()

    def test_of_clients_in_every_place_of_a_run(self):
        """What clients sign in with, by each way in, what that is checked against, and the key of the listener."""
        users = f"{isolate.STATE}/users"
        folder = f"{isolate.STATE}/cores"
        os.makedirs(folder, exist_ok=True)
        hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=SECRET, check=True, capture_output=True, text=True).stdout.strip()
        isolate.write(users, f"{USER}:{hashed}\n", 0o600)
        certificate, key = testbed.ca.issue("listener", "IP:127.0.0.1")
        with open(key, encoding="ascii") as file:
            hidden = [hashed, hashed.rpartition("$")[2], *file.read().splitlines()[1:-1]]
        listen = [f"127.0.0.1:{PORT}", f"https://127.0.0.1:{TLS_PORT}?cert={certificate}&key={key}",
                  f"http://127.0.0.1:{BALANCED_PORT}?proxy-protocol=on"]
        options = ["--auth-file", users, "--load-balancer", "127.0.0.1", "--upstream", f"http://{BORDER}:{ONLY_ECHO_PORT}"]
        trusting = ssl.create_default_context(cafile=testbed.ca.certificate)

        def assert_hidden(text):
            self.assert_hidden(text)
            for form in hidden:
                self.assertNotIn(form, text)

        def ask(port, *pieces):
            """Sends each piece once the one before is answered, and returns the last answer."""
            with wire.open_client(testbed.home, port) as client:
                if port == TLS_PORT:
                    client = trusting.wrap_socket(client, server_hostname="127.0.0.1")
                for piece in pieces[:-1]:
                    client.sendall(piece)
                    client.recv(65536)
                client.sendall(pieces[-1])
                answer = b""
                with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
                    answer = wire.receive_all(client)
                client.close()
            return answer.decode("latin-1")

        for form in ("text", "json"):
            with self.subTest(form=form):
                culvert = launch(
                    self, testbed, *options, "--log-level", "debug", "--log-format", form, listen=listen,
                    wrapper=["sh", "-c", f'cd {folder} && ulimit -c unlimited && exec "$@"', "sh"],
                )
                answers = []
                for port in (PORT, TLS_PORT, BALANCED_PORT):
                    for header in PROXY_HEADERS if port == BALANCED_PORT else [b""]:
                        answers += [ask(port, header + request) for request in sign_ins()]
                        for password in (SECRET, WRONG):
                            login = b"\x01" + bytes([len(USER)]) + USER.encode() + bytes([len(password)]) + password.encode()
                            answers.append(ask(port, header + b"\x05\x01\x02", login, b"\x05\x01\x00\x03\x09a.example\x01\xbb"))
                        answers.append(ask(port, header + b"\x04\x01\x01\xbb\x00\x00\x00\x01" + SECRET.encode() + b"\x00a.example\x00"))
                answers += [ask(BALANCED_PORT, header) for header in BAD_PROXY_HEADERS]
                text = "".join(answers)
                for answer in ("407 culvert", "403 not with nothing", "502 culvert"):
                    self.assertIn(f"HTTP/1.1 {answer}", text)
                assert_hidden(text)
                culvert.signal(signal.SIGHUP)
                culvert.wait_log("reloaded (")
                assert_hidden(self.told_to_others(culvert.pid))
                argv = [word for address in listen for word in ("--listen", address)]
                for command in ("--print-config", "--check-config"):
                    done = testbed.culvert_host.run(os.environ["CULVERT"], *argv, *options, command)
                    self.assertIn(users if command == "--print-config" else "", done.stdout)
                    assert_hidden(done.stdout + done.stderr + ".")
                culvert.signal(signal.SIGABRT)
                self.assertEqual(culvert.wait(20), -signal.SIGABRT)
                for expected in (f"user{'=' if form == 'text' else chr(34) + ':' + chr(34)}{USER}", "SOCKS5", "SOCKS4", "10.9.8.7"):
                    self.assertIn(expected, culvert.output())
                assert_hidden(culvert.output())
                self.check_cores(folder)

    @staticmethod
    def as_bytes():
        return [form.encode() for form in FORMS]

    @staticmethod
    def told_to_others(pid):
        """What any user may read about a process."""
        text = ""
        for name in ("cmdline", "comm", "status", "stat"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                text += file.read().decode("latin-1")
        if os.stat(f"/proc/{pid}/environ").st_mode & 0o077:
            raise AssertionError("others may read the environment")
        return text

    def check_cores(self, folder):
        """There is none, though the limit that it was started with allows it; a collector gets nothing but headers."""
        self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    harness.main()
