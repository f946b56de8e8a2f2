"""Passwords and tokens in every flag, file and request that may have one: no reply and no log repeats them."""

import base64
import contextlib
import os
import signal
import unittest

import harness
import isolate
import wire
from culvert import is_sanitized, launch
from testbed import BORDER, Testbed

SECRET = "hunter2SECRET"
USER = "alice"
FORMS = [SECRET, SECRET.lower(), *(base64.b64encode(text.encode()).decode().rstrip("=") for text in (SECRET, f"{USER}:{SECRET}"))]
ECHO_PORT = 3199

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


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    EchoingProxy(testbed.border)


class EchoingProxy:
    """Refuses everything, and repeats the credentials in its reply."""

    def __init__(self, host):
        wire.serve(host, self._handle, address=(BORDER, ECHO_PORT))

    def _handle(self, connection):
        with contextlib.suppress(OSError), connection:
            self._refuse(connection)

    @staticmethod
    def _refuse(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                return
            head += data
        head = head.decode("latin-1")
        given = next((line for line in head.split("\r\n") if line.lower().startswith("proxy-authorization:")), "nothing")
        status = 407 if head.startswith("CONNECT") else 403
        connection.sendall(f"HTTP/1.1 {status} not with {given} or {SECRET}\r\nContent-Length: 0\r\n\r\n".encode())


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
