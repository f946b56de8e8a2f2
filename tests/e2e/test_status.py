"""`culvert status` with an admin interface that says what the test wants: how it is found, shown, followed and left."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import checks
import harness
import wire
from admin_fake import FAILURE, STALL, STATUS, TUNNEL, UPSTREAM, FakeAdmin, made_from
from culvert import FOUR_THREADS, PORT, launch
from screens import Terminal
from testbed import Testbed, wait_for

NOBODY = 65534
RUNTIME = "/run/culvert"


def setUpModule():
    global testbed, schema, network, echo_port
    testbed = harness.report_on(Testbed())
    schema = checks.Schema("status.schema.json")
    echo_port = wire.serve_in_threads(testbed.home, wire.echo)
    network = os.stat(f"/proc/{testbed.culvert_host.pid}/ns/net").st_ino


def command_line(*arguments):
    return testbed.culvert_host.command([os.environ["CULVERT"], "status", *arguments])


def environment(**more):
    variables = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **more}
    for name in ("NO_COLOR", "COLUMNS", "LINES", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        if name not in more:
            variables.pop(name, None)
    return variables


def status(*arguments, env=None, **options):
    done = subprocess.run(
        command_line(*arguments), capture_output=True, text=True, timeout=60, env=env or environment(), check=False, **options
    )
    if re.search("Sanitizer|runtime error:|Assertion|terminate called", done.stderr):
        raise AssertionError(done.stderr)
    return done


class WithCulvert(unittest.TestCase):
    """A culvert that is found without an option."""

    def setUp(self):
        shutil.rmtree(RUNTIME, ignore_errors=True)
        self.admin = self.start_admin()

    def start_admin(self, pid=4242, folder=RUNTIME, network_of=None):
        admin = FakeAdmin.at_runtime_socket(folder, pid, network_of or network)
        self.addCleanup(admin.close)
        return admin

    def assert_status(self, done, code=0):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout


class Once(WithCulvert):
    def test_table(self):
        self.admin.tunnels.append(made_from(TUNNEL, id=18, target="quay.io:443", state="stalled", stall=STALL, rate_down=0, rate_up=0))
        self.admin.upstreams.append(
            made_from(UPSTREAM, name="office", state="down", down_seconds=75, reason="proxy.example refuses connections")
        )
        for arguments in (("--once",), ()):  # a pipe is no terminal
            output = self.assert_status(status(*arguments))
            self.assertEqual(output.splitlines()[0], "culvert 0.1.0  serving, ready  pid 4242  up 3h12m")
            self.assertRegex(output, r"(?m)^gcr\.io:443 +127\.0\.0\.1:50123 +tunnel +1m05s +2\.1 MB/s +312 MB +4\.0 kB +0s +moving$")
            self.assertRegex(output, r"(?m)^quay\.io:443 .* upstream does not send, 31s$")
            self.assertRegex(output, r"(?m)^office .* down 1m15s ")
            self.assertIn("      proxy.example refuses connections\n", output)
            self.assertIn("      hint: is the tunnel up?\n", output)
            self.assertNotIn("\x1b", output)
            self.assertIn("▁", output)

    def test_without_utf8(self):
        self.admin.tunnels[0]["target"] = "例え.example:443"
        output = self.assert_status(status("--once", env=environment(LC_ALL="C")))
        self.assertTrue(output.isascii(), output)

    def test_filter_and_order(self):
        self.admin.tunnels = [made_from(TUNNEL, id=n, target=f"host{n}.example:443", rate_down=n) for n in range(1, 1201)]
        self.admin.tunnels[6]["target"] = "One & Only:443"
        output = self.assert_status(status("--once", "--filter", "e & o"))
        self.assertIn('1 of 1200 tunnels have "e & o"\n', output)
        self.assertIn("\nOne & Only:443 ", output)
        self.assertNotIn("host8.", output)
        # All of them, by three pages.
        output = self.assert_status(status("--once", "--sort=-rate"))
        self.assertEqual(len(re.findall(r"(?m)^(?:host|One)", output)), 1200)
        self.assertIn("sort=rate", self.admin.targets()[-2])
        self.assertNotIn("sort=-rate", self.admin.targets()[-2])

    def test_json(self):
        self.admin.tunnels = [made_from(TUNNEL, id=n) for n in range(1, 1202)]
        self.admin.tunnels[0].update(state="stalled", stall=STALL, upstream=None)
        done = status("--json")
        document = json.loads(self.assert_status(done))
        schema.validate(document)
        self.assertEqual(done.stdout.count("\n"), 1)
        self.assertEqual(document["status"], STATUS)
        self.assertEqual(document["upstreams"], self.admin.upstreams)
        self.assertEqual(document["tunnels"], self.admin.tunnels)
        self.assertEqual(document["failures"], [FAILURE])

    def test_rates_that_are_not_known_yet(self):
        """As of a proxy whom nobody has asked before."""
        with self.admin.lock:
            self.admin.rates_unknown = 1
        self.assertIn("2.1 MB/s", self.assert_status(status("--once")))
        with self.admin.lock:
            self.admin.rates_unknown = 1
        document = json.loads(self.assert_status(status("--json")))
        self.assertEqual(document["tunnels"], self.admin.tunnels)
        # Once more, not until they are.
        self.admin.tunnels[0].update(rate_up=None, rate_down=None)
        self.assertRegex(self.assert_status(status("--once")), r"(?m)^gcr\.io:443 .* 1m05s +- ")

    def test_the_schema_finds_what_is_wrong(self):
        good = {"status": STATUS, "upstreams": [UPSTREAM], "tunnels": [TUNNEL], "failures": [FAILURE]}
        schema.validate(good)
        for key, pattern, change in (
            ("tunnels", TUNNEL, {"state": "lost"}), ("tunnels", TUNNEL, {"id": "17"}), ("failures", FAILURE, {"time": "now"}),
            ("upstreams", UPSTREAM, {"breaker": None}),
        ):
            with self.assertRaises(AssertionError):
                schema.validate({**good, key: [made_from(pattern, **change)]})
        with self.assertRaises(AssertionError):
            schema.validate({**good, "status": {key: value for key, value in STATUS.items() if key != "pid"}})

    def test_answers_in_chunks(self):
        self.admin.chunked = True
        self.assertIn("gcr.io:443", self.assert_status(status("--once")))

    def test_hostile_names(self):
        hostile = "\x1b]0;owned\x07\x1b[2Jx\u202e\u009b31m\r\nEND"
        self.admin.tunnels[0]["target"] = self.admin.failures[0]["explanation"] = hostile
        self.admin.upstreams[0]["reason"] = hostile
        output = self.assert_status(status("--once"))
        self.assertNotRegex(output, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
        self.assertNotRegex(output, "(?m)^END")

    def test_a_reader_who_leaves(self):
        self.admin.tunnels = [made_from(TUNNEL, id=n) for n in range(1, 5000)]
        with subprocess.Popen(command_line("--once"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
            process.stdout.readline()
            process.stdout.close()
            self.assertEqual(process.wait(60), 1)
            self.assertEqual(process.stderr.read(), b"")

    def test_a_closed_output(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(command_line("--once"), stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, b""))


class Finding(WithCulvert):
    def test_none(self):
        self.admin.close()
        done = status("--once")
        self.assertEqual(done.returncode, 2)
        self.assertIn("culvert: status: found no running culvert of this user; looked for status-*.sock in /run/culvert\n", done.stderr)
        self.assertIn("--admin ADDR:PORT", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("no culvert of process 7;", status("--pid", "7").stderr)

    def test_several(self):
        other = self.start_admin(pid=4343)
        other.status.update(pid=4343, listeners=["unix:/run/x.sock"])
        done = status("--once")
        self.assertEqual(done.returncode, 2)
        self.assertIn("culvert: status: 2 culverts run here; say which one:\n", done.stderr)
        # The process that listens is this one, for both.
        self.assertRegex(done.stderr, r"  --pid \d+  http://127\.0\.0\.1:3128, serving, since 2026-11-30T00:11:19\.000Z \(unix:/run/culvert/.*\)\n")
        self.assertRegex(done.stderr, r"  --pid \d+  unix:/run/x\.sock, serving, since ")
        self.assertIn("pid 4343", self.assert_status(status("--once", "--pid", "4343")))
        # The one that drains is about to be followed by the other.
        self.admin.status["state"] = "draining"
        self.assertIn("pid 4343", self.assert_status(status("--once")))

    def test_the_one_of_this_network_is_taken(self):
        self.start_admin(pid=1, network_of=1).status["pid"] = 1
        self.assertIn("pid 4242", self.assert_status(status("--once")))

    def test_what_is_left_is_cleared_away(self):
        left = f"{RUNTIME}/status-{network}-7-0.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(left)
        self.assert_status(status("--once"))
        self.assertFalse(os.path.exists(left))

    def as_nobody(self, *arguments, **variables):
        env = environment(**variables)
        return subprocess.run(
            testbed.culvert_host.command(
                ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", os.environ["CULVERT"], "status", *arguments]
            ),
            capture_output=True, text=True, env=env, timeout=60, check=False,
        )

    def test_another_user(self):
        os.chmod(RUNTIME, 0o755)
        done = self.as_nobody("--once")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(f"{self.admin.path} is another user's; try sudo culvert status", done.stderr)
        self.assertIn(f"/tmp/culvert-{NOBODY}", done.stderr)

    def test_the_folder_of_a_login(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            admin = self.start_admin(folder=f"{folder}/culvert")
            os.chown(f"{folder}/culvert", NOBODY, NOBODY)
            os.chown(admin.path, NOBODY, NOBODY)
            done = self.as_nobody("--once", XDG_RUNTIME_DIR=folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("pid 4242", done.stdout)
        self.assertEqual(admin.requests[0][1]["Host"], "localhost")

    def test_another_address(self):
        shutil.rmtree(RUNTIME)
        listening = testbed.culvert_host.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = "127.0.0.1:%d" % listening.getsockname()[1]
        admin = FakeAdmin(listening)
        self.addCleanup(admin.close)
        for place in (address, f"http://{address}/", "http://bob:hush@" + address):
            self.assertIn("pid 4242", self.assert_status(status("--once", "--admin", place)))
        self.assertEqual(admin.requests[0][1]["Host"], address)
        self.assertNotIn("Authorization", admin.requests[0][1])
        self.assertEqual(admin.requests[-1][1]["Authorization"], "Basic Ym9iOmh1c2g=")
        path = f"{tempfile.mkdtemp()}/admin.sock"
        self.addCleanup(FakeAdmin.at_path(path).close)
        self.assertIn("pid 4242", self.assert_status(status("--once", "--admin", f"unix:{path}")))


class NoAnswer(WithCulvert):
    def fails_with(self, pattern, *arguments):
        for output in ("--once", "--json"):
            done = status(output, *arguments)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stderr, f"^culvert: status: {pattern}\n$")
            self.assertEqual(done.stdout, "")

    def test_answers_that_are_none(self):
        for raw, pattern in (
            (b'HTTP/1.1 403 No\r\nContent-Length: 30\r\n\r\n{"error":"not \\u001b for you"}', r"answered 403: not \? for you"),
            (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "answered 401 .*USER:PASSWORD.*"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "gave an answer that is none of culvert's admin interface"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "closed the connection in the middle of its answer"),
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "sent a malformed answer: .*"),
        ):
            with self.subTest(raw=raw):
                self.admin.raw = raw
                self.fails_with(rf"the culvert of process \d+ {pattern}")

    def test_nobody_there(self):
        self.fails_with("http://127.0.0.1:9 refused the connection", "--admin", "127.0.0.1:9")
        self.fails_with("unix:/run/none.sock is not there", "--admin", "unix:/run/none.sock")
        self.fails_with("https://127.0.0.1:9 refused the connection", "--admin", "https://127.0.0.1:9")

    def test_silence(self):
        self.admin.silent = True
        done = status("--once")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"did not answer in 5\.0 s\n$")

    def test_secrets_of_a_mistaken_address(self):
        done = status("--once", "--admin", "https://bob:hush@host/path")
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("hush", done.stderr)


    def test_too_few_descriptors(self):
        done = subprocess.run(
            ["prlimit", "--nofile=12", *command_line("--once")], capture_output=True, text=True, env=environment(), timeout=60, check=False
        )
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "culvert: status: the limit of open files is 12, and it takes 16 (ulimit -n)\n")


class WatchFailures(WithCulvert):
    def watch(self, *arguments):
        process = subprocess.Popen(
            command_line("--watch-failures", "--interval", "100ms", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment(),
        )
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_for_a_look(self.admin)
        return process

    @staticmethod
    def wait_for_a_look(admin):
        seen = len(admin.targets())
        wait_for(lambda: len(admin.targets()) > seen + 1, 30, "a question")

    def test_lines(self):
        process = self.watch()
        self.admin.failures = [made_from(FAILURE, id=19, time="2026-11-30T03:21:00.500Z", target="new.example:443"), *self.admin.failures]
        self.assertEqual(
            [process.stdout.readline() for _ in range(3)],
            ["03:21:00  502 connection_refused  CONNECT new.example:443 from 127.0.0.1:50124 via tunnel\n",
             "      upstream socks5://127.0.0.1:1080 refused the connection\n", "      hint: is the tunnel up?\n"],
        )
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), -signal.SIGINT)
        self.assertEqual(process.stdout.read() + process.stderr.read(), "")

    def test_json_and_a_restart(self):
        process = self.watch("--json")
        new = [made_from(FAILURE, id=n, time=f"2026-11-30T03:21:{n}.000Z") for n in range(21, 18, -1)]
        self.admin.failures = [*new, *self.admin.failures]
        self.assertEqual([json.loads(process.stdout.readline()) for _ in range(3)], new[::-1])
        self.admin.close()
        self.assertRegex(process.stderr.readline(), r"^culvert: status: the culvert of process \d+ .*; waiting for it\n$")
        # The next one counts anew.
        admin = self.start_admin(pid=4343)
        admin.failures = []
        self.assertRegex(process.stderr.readline(), r"^culvert: status: the culvert of process \d+ answers\n$")
        self.wait_for_a_look(admin)
        again = made_from(FAILURE, id=1, time="2026-11-30T03:25:00.000Z")
        admin.failures = [again]
        self.assertEqual(json.loads(process.stdout.readline()), again)

    def test_a_reader_who_leaves(self):
        process = self.watch()
        process.stdout.close()
        self.admin.failures = [made_from(FAILURE, id=30)]
        self.assertEqual(process.wait(30), 1)
        self.assertEqual(process.stderr.read(), "")


class OnATerminal(WithCulvert):
    def start(self, *arguments, width=80, height=24, interval="100ms", **variables):
        terminal = Terminal(command_line("--interval", interval, *arguments), environment(**variables), width, height)
        self.addCleanup(terminal.close)
        return terminal

    def assert_left(self, terminal, code):
        self.assertEqual(terminal.wait(), code)
        self.assertFalse(terminal.screen.alternate)
        self.assertTrue(terminal.screen.cursor_shown)
        self.assertTrue(terminal.screen.wraps)
        self.assertTrue(terminal.is_as_before())

    def test_it_stays_up_to_date_without_flicker(self):
        self.admin.tunnels.append(made_from(TUNNEL, id=18, target="例え.example:443"))
        terminal = self.start()
        terminal.expect_text("gcr.io:443")
        self.assertTrue(terminal.screen.alternate)
        self.assertFalse(terminal.screen.cursor_shown)
        before = len(terminal.raw)
        frames = terminal.screen.frames
        self.admin.tunnels[0]["bytes_down"] = 400_000_000
        terminal.expect_text("400 MB")
        self.admin.tunnels.pop()
        terminal.expect(lambda screen: "例え" not in screen.text(), "the end of a tunnel")
        terminal.expect(lambda screen: screen.frames >= frames + 5, "another frame")
        # Nothing is cleared that is written again, so that nothing blinks.
        self.assertNotIn(b"\x1b[2J", terminal.raw[before:])
        self.assertEqual(terminal.screen.blinks, [])
        terminal.type("q")
        self.assert_left(terminal, 0)

    def test_sizes(self):
        self.admin.tunnels = [made_from(TUNNEL, id=n, target=f"h{n}.example:443") for n in range(1, 301)]
        self.admin.upstreams[0]["reason"] = "a reason that is longer than a narrow terminal is wide, so that it is broken"
        terminal = self.start(width=60, height=20, interval="500ms")
        terminal.expect_text("more tunnels")
        self.assertNotIn("CLIENT", terminal.screen.text())
        terminal.resize(200, 60)
        terminal.expect_text("CLIENT")
        terminal.expect(lambda screen: len(re.findall("(?m)^h", screen.text())) > 30, "more rows")
        terminal.resize(20, 5)
        terminal.expect(lambda screen: screen.lines()[0].startswith("culvert 0.1.0"), "a small table")
        terminal.type("q")
        self.assert_left(terminal, 0)

    def test_signals(self):
        for typed, number in (("\x03", signal.SIGINT), (None, signal.SIGTERM), (None, signal.SIGHUP), ("\x1c", signal.SIGQUIT)):
            with self.subTest(number):
                terminal = self.start()
                terminal.expect_text("gcr.io:443")
                if typed:
                    terminal.type(typed)
                else:
                    terminal.process.send_signal(number)
                self.assert_left(terminal, 128 + number)

    def test_stopped_and_continued(self):
        terminal = self.start()
        terminal.expect_text("gcr.io:443")
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.expect(lambda screen: not screen.alternate and screen.cursor_shown, "the shell's screen")
        wait_for(lambda: "T (stopped)" in self.state_of(terminal.process.pid), 20, "a stopped process")
        self.assertTrue(terminal.is_as_before())
        terminal.process.send_signal(signal.SIGCONT)
        terminal.expect(lambda screen: screen.alternate and "gcr.io:443" in screen.text(), "the table")
        self.assertFalse(terminal.is_as_before())
        terminal.type("Q")
        self.assert_left(terminal, 0)

    @staticmethod
    def state_of(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return file.read()

    def test_a_restart_of_the_proxy(self):
        terminal = self.start()
        terminal.expect_text("pid 4242")
        self.admin.close()
        terminal.expect_text("waiting for it")
        self.start_admin(pid=4343).status["pid"] = 4343
        terminal.expect_text("pid 4343")
        terminal.expect(lambda screen: "waiting for it" not in screen.text(), "a table without a note")
        terminal.type("q")
        self.assert_left(terminal, 0)

    def test_the_one_that_follows_is_taken(self):
        terminal = self.start()
        terminal.expect_text("pid 4242")
        self.admin.status["state"] = "draining"
        terminal.expect_text("draining")
        self.start_admin(pid=4343).status["pid"] = 4343
        terminal.expect_text("pid 4343")
        terminal.type("q")
        self.assert_left(terminal, 0)

    def test_q_does_not_wait_for_an_answer(self):
        terminal = self.start()
        terminal.expect_text("gcr.io:443")
        self.admin.silent = True
        asked = len(self.admin.targets())
        wait_for(lambda: len(self.admin.targets()) > asked, 20, "a question")
        begun = time.monotonic()
        terminal.type("q")
        self.assert_left(terminal, 0)
        self.assertLess(time.monotonic() - begun, 4.5)

    def test_colours(self):
        colour = b"\x1b[3"
        for variables, expected in (({}, True), ({"NO_COLOR": "1"}, False)):
            terminal = self.start(**variables)
            terminal.expect_text("gcr.io:443")
            self.assertEqual(colour in terminal.raw, expected)
            terminal.type("q")
            self.assert_left(terminal, 0)

    def test_a_dumb_terminal(self):
        terminal = self.start(TERM="dumb", height=500, width=200)
        terminal.expect(lambda screen: screen.text().count("pid 4242") >= 3, "three tables")
        self.assertNotIn(b"\x1b", terminal.raw)
        terminal.type("\x03")
        self.assertEqual(terminal.wait(), -signal.SIGINT)

    def test_once(self):
        terminal = self.start("--once")
        self.assertEqual(terminal.wait(), 0)
        self.assertNotIn(b"\x1b[?", terminal.raw)
        self.assertNotIn(b"\x1b[H", terminal.raw)
        self.assertIn("gcr.io:443", terminal.screen.text())


class Real(unittest.TestCase):
    """A culvert that is one."""

    def setUp(self):
        shutil.rmtree(RUNTIME, ignore_errors=True)
        self.culvert = launch(self, testbed, *FOUR_THREADS)
        self.client = wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}", early=b"ping")
        self.addCleanup(self.client.close)
        wire.receive_exactly(self.client, 4)

    def test_it_is_found_and_tells_what_it_does(self):
        done = status("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        schema.validate(document)
        self.assertEqual(document["status"]["pid"], self.culvert.pid)
        self.assertEqual(document["status"]["state"], "serving")
        self.assertEqual([one["target"] for one in document["tunnels"]], [f"127.0.0.1:{echo_port}"])
        self.assertEqual([(one["bytes_up"], one["bytes_down"]) for one in document["tunnels"]], [(4, 4)])
        table = status("--once", "--pid", str(self.culvert.pid)).stdout
        self.assertRegex(table, rf"(?m)^  listening on .*:{PORT}.*\n  1 connection, 1 tunnel;")
        self.assertRegex(table, rf"(?m)^127\.0\.0\.1:{echo_port} ")
        self.assertEqual(len(json.loads(status("--json", "--filter", "no such").stdout)["tunnels"]), 0)

    def test_its_socket_is_its_users_and_goes_with_it(self):
        (name,) = os.listdir(RUNTIME)
        self.assertRegex(name, rf"^status-{network}-{self.culvert.pid}-[0-9a-f]+\.sock$")
        self.assertEqual(os.stat(f"{RUNTIME}/{name}").st_mode & 0o777, 0o600)
        self.client.close()
        self.culvert.stop()
        self.assertEqual(os.listdir(RUNTIME), [])
        self.assertEqual(status("--once").returncode, 2)


if __name__ == "__main__":
    harness.main()
