"""culvert run: a command with a proxy of its own, as if it ran alone."""

import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import termios
import time
import unittest

import harness
import images
import isolate
import peers
import wire
from culvert import assert_no_secret
from testbed import TARGET, Program, Testbed, wait_for

TUNNEL = ("--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}")
LATE_PORT = 1090
SILENT_PORT = 7100
SINK_PORT = 7101
LATE = ("--upstream", f"socks5://127.0.0.1:{LATE_PORT}")
KIB = 1 << 10
FETCH = ("curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}", "https://files.world/bytes/3")


def setUpModule():
    global testbed, digest
    testbed = harness.report_on(Testbed())
    peers.start_registry(testbed)
    wire.FileServer(testbed.outside, testbed.ca)
    peers.start_sshd(testbed)
    peers.start_ssh_tunnel(testbed)
    digest = images.push(testbed, images.make_image(KIB, 1), "gcr.io/pause:3.1")


def command(*arguments):
    return [os.environ["CULVERT"], "run", *arguments]


def environment(**more):
    certificate = testbed.ca.certificate
    return {**os.environ, "SSL_CERT_FILE": certificate, "CURL_CA_BUNDLE": certificate, "NODE_EXTRA_CA_CERTS": certificate, **more}


def run(*arguments, check=True, timeout=60, **more):
    """culvert run with these arguments, to its end. With `check`, nothing may have failed and nothing be said."""
    done = testbed.home.run(*command(*arguments), check=check, timeout=timeout, env=environment(**more))
    if check and done.stderr:
        raise AssertionError(done.stderr)
    return done


def sleeping():
    """A command line that is like no other's, for processes_like()."""
    return f"sleep 1000.{next(Program.numbers)}"


def until(path):
    """For a shell that waits until there is this file."""
    return f"while [ ! -e {path} ]; do sleep 0.01; done"


def processes_like(text):
    """The processes whose command line is exactly this."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if file.read().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace") == text:
                    found.append(int(name))
        except OSError:
            continue
    return found


def wait_process(text):
    return wait_for(lambda: processes_like(text), 20, f"{text!r} does not run")[0]


class Running(Program):
    """culvert run in the background."""

    def __init__(self, *arguments, wrapper=(), **more):
        super().__init__("run", testbed.home, [*wrapper, *command(*arguments)], environment(**more), separate_stdout=True)

    def stdout(self):
        with open(self.stdout_path, encoding="utf-8") as file:
            return file.read()

    def wait_stdout(self, text):
        self.wait_until(lambda: text in self.stdout())


def start(case, *arguments, **more):
    running = testbed.start(Running(*arguments, **more))
    case.addCleanup(running.kill)
    return running


class Clients(unittest.TestCase):
    def test_curl(self):
        done = run(*TUNNEL, "--", "curl", "-sS", "-D", "-", "-o", "/dev/null", "https://gcr.io/v2/")
        self.assertIn("docker-distribution-api-version: registry/2.0", done.stdout.lower())

    def test_a_go_program(self):
        to = f"{isolate.STATE}/skopeo"
        run(*TUNNEL, "--", "skopeo", "--insecure-policy", "copy", "-q", "docker://gcr.io/pause:3.1", f"dir:{to}")
        self.assertTrue(os.path.exists(f"{to}/manifest.json"))

    def test_the_newest_node(self):
        """Its fetch() uses the environment only if it is told to."""
        if not os.path.exists("/usr/bin/newest-node") and os.environ.get("CI") != "true":
            self.skipTest("scripts/peers had no npm to fetch Node with")
        script = "fetch('https://files.world/bytes/1000').then(r => r.arrayBuffer()).then(b => console.log(b.byteLength))"
        self.assertEqual(run(*TUNNEL, "--", "/usr/bin/newest-node", "-e", script).stdout, "1000\n")

    def test_a_pipeline(self):
        script = "curl -sS https://files.world/bytes/100000 | tee /dev/null | wc -c; curl -sS http://plain.world/bytes/7 | wc -c"
        self.assertEqual(run(*TUNNEL, "--", "sh", "-c", script).stdout.split(), ["100000", "7"])

    def test_input_and_output_are_the_commands_own(self):
        done = testbed.home.run(*command(*TUNNEL, "cat"), input="what is read\n")
        self.assertEqual((done.stdout, done.stderr), ("what is read\n", ""))

    def test_a_refused_request_is_the_commands_to_tell(self):
        done = run(*TUNNEL, "--route", "denied.world=deny", "--", "curl", "-sS", "https://denied.world/", check=False)
        self.assertEqual(done.returncode, 56)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("curl: (56)", done.stderr)


class Environment(unittest.TestCase):
    def variables(self, *options, **more):
        done = run(*options, "--", "env", check=False, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(line.split("=", 1) for line in done.stdout.splitlines()), done.stderr

    def test_the_proxy_by_default(self):
        found, said = self.variables(
            HTTP_PROXY="http://old:1", ALL_PROXY="socks5://old:2", npm_config_proxy="http://old:3", no_proxy=".corp"
        )
        self.assertEqual(said, "")
        proxy = found["HTTP_PROXY"]
        self.assertRegex(proxy, r"^http://127\.0\.0\.1:\d+$")
        for name in ("HTTPS_PROXY", "http_proxy", "https_proxy"):
            self.assertEqual(found[name], proxy)
        self.assertEqual((found["NO_PROXY"], found["no_proxy"]), (".corp,localhost,127.0.0.1",) * 2)
        self.assertEqual(found["NODE_USE_ENV_PROXY"], "1")
        self.assertNotIn("ALL_PROXY", found)
        self.assertFalse([name for name, value in found.items() if "//old:" in value])

    def test_an_address_that_was_given(self):
        for listen, seen in (("127.0.0.1:3199", "127.0.0.1:3199"), ("127.0.0.2:3198", "127.0.0.2:3198")):
            found, _ = self.variables("--listen", listen)
            self.assertEqual(found["https_proxy"], f"http://{seen}")
        found, _ = self.variables("--listen", "0.0.0.0:3197", "--allow-client", "127.0.0.0/8")
        self.assertEqual(found["https_proxy"], "http://127.0.0.1:3197")

    def test_an_exception_for_everything_is_left_out_and_that_is_said(self):
        found, said = self.variables(NO_PROXY="*")
        self.assertEqual(found["NO_PROXY"], "localhost,127.0.0.1")
        self.assertRegex(said, r"\Aculvert: NO_PROXY=\* would .*\n\Z")

    def test_no_secret_reaches_the_command(self):
        upstream = f"socks5://{peers.LOGIN}127.0.0.1:{peers.SOCKS_PORT}"
        script = "env; cat /proc/$$/environ /proc/$$/cmdline"
        done = run("--", "sh", "-c", script, CULVERT_UPSTREAM=upstream)
        self.assertNotIn("CULVERT_UPSTREAM", done.stdout)
        assert_no_secret(done.stdout)

    def test_the_command_has_what_it_would_have_alone(self):
        """Limits, signals, descriptors, folder."""
        script = "ulimit -n; ulimit -Hn; grep -E '^Sig(Blk|Ign)|^NoNewPrivs' /proc/self/status; ls /proc/self/fd; pwd; umask"
        wrapper = ["prlimit", "--nofile=777:7777", "nohup", "bash", "-c", f"trap '' USR1; exec \"$@\" 7</dev/null", "bash"]
        alone = testbed.home.run(*wrapper, "bash", "-c", script)
        within = testbed.home.run(*wrapper, *command("bash", "-c", script))
        self.assertEqual(within.stdout, alone.stdout)
        self.assertIn("777\n7777\n", alone.stdout)


    def test_standard_streams_that_are_closed(self):
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            to = f"{isolate.STATE}/descriptors"
            for prefix in ([], command("--")):
                shell = ["bash", "-c", f'exec "$@" {closed}', "bash", *prefix, "bash", "-c", f"echo /proc/self/fd/* >>{to}"]
                testbed.home.run(*shell)
            with open(to, encoding="utf-8") as file:
                alone, within = file.read().splitlines()
            self.assertEqual(within, alone)
            os.unlink(to)

    def test_sockets_of_a_service_manager(self):
        """They are addressed to the process that it starts."""
        manager = """if True:
            import os, socket, sys
            listener = socket.create_server(("127.0.0.1", 3197))
            passed = os.dup(listener.fileno())
            listener.close()
            os.dup2(passed, 3)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web", WATCHDOG_PID=str(os.getpid()))
            os.execv(sys.argv[1], sys.argv[1:])
        """
        script = """if True:
            import os, socket
            print(*(os.environ[f"{name}_PID"] == str(os.getpid()) for name in ("LISTEN", "WATCHDOG")))
            print(os.environ["LISTEN_FDS"], os.environ["LISTEN_FDNAMES"], socket.socket(fileno=3).getsockname()[1])
        """
        done = testbed.home.run("python3", "-c", manager, *command("--", "python3", "-c", script), env=environment())
        self.assertEqual((done.stdout, done.stderr), ("True True\n1 web 3197\n", ""))


class Status(unittest.TestCase):
    def test_the_commands_own(self):
        for status in (0, 1, 2, 77, 125, 126, 127, 255):
            self.assertEqual(run("--", "sh", "-c", f"exit {status}", check=False).returncode, status)

    def test_of_a_signal(self):
        for name in ("HUP", "INT", "QUIT", "KILL", "TERM", "SEGV", "PIPE"):
            done = run("--", "sh", "-c", f"ulimit -c 0; kill -{name} $$", check=False)
            self.assertEqual((done.returncode, done.stderr), (128 + signal.Signals[f"SIG{name}"], ""))

    def test_of_what_is_no_program(self):
        isolate.write(f"{isolate.STATE}/script", "#!/no/such/interpreter\n", 0o755)
        for program, status, said in (
            ("no-such-program", 127, "no-such-program: not found"),
            ("", 127, "the command is an empty word: not found"),
            ("/etc/passwd", 126, "/etc/passwd: Permission denied"),
            ("/etc", 126, "/etc: Permission denied"),
            (f"{isolate.STATE}/script", 127, f"{isolate.STATE}/script: not found"),
        ):
            # No tunnel is awaited for it.
            done = run(*LATE, "--connect-timeout", "1s", "--", program, check=False)
            self.assertEqual(done.returncode, status)
            self.assertEqual(done.stderr.splitlines()[-1], f"culvert: {said}")

    def test_of_a_proxy_that_cannot_start(self):
        with testbed.home.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = run("--listen", f"127.0.0.1:{port}", "--", "echo", "started", check=False)
        self.assertEqual((done.returncode, done.stdout), (125, ""))
        self.assertIn(f"127.0.0.1:{port}", done.stderr)
        done = run("--listen", f"unix:{isolate.STATE}/socket", "--", "echo", "started", check=False)
        self.assertEqual((done.returncode, done.stdout), (125, ""))
        self.assertIn("cannot name a unix socket", done.stderr)

    def test_of_wrong_usage(self):
        done = run("--upstream", "socks9://x", "--hold", "never", "--", "echo", "started", check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 2))


class Signals(unittest.TestCase):
    def test_one_that_we_get_reaches_the_command(self):
        for name in ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH", "ALRM", "RTMIN+3"):
            script = f"ulimit -c 0; trap 'echo {name}; exit 9' {name}; echo ready; while :; do sleep 0.01; done"
            running = start(self, "--", "bash", "-c", script)
            running.wait_stdout("ready")
            name_alone, _, more = name.partition("+")
            running.signal(signal.Signals[f"SIG{name_alone}"] + int(more or 0))
            self.assertEqual((running.wait(20), running.stdout()), (9, f"ready\n{name}\n"))

    def test_one_that_was_blocked_for_us_is_so_for_the_command(self):
        for name in ("INT", "QUIT", "USR1"):
            script = f"""if True:
                import signal
                signal.signal(signal.SIG{name}, lambda *_: exit(9))
                print("ready", flush=True)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIG{name}])
                signal.pause()
            """
            running = start(self, "--", "python3", "-c", script, wrapper=("env", f"--block-signal={name}"))
            running.wait_stdout("ready")
            running.signal(signal.Signals[f"SIG{name}"])
            self.assertEqual(running.wait(20), 9)

    def test_a_command_that_goes_on_is_waited_for(self):
        over = f"{isolate.STATE}/over"
        running = start(self, "--", "bash", "-c", f"trap 'echo no' TERM; echo ready; while [ ! -e {over} ]; do sleep 0.01; done")
        running.wait_stdout("ready")
        for _ in range(3):
            before = running.stdout().count("no")
            running.signal(signal.SIGTERM)
            wait_for(lambda: running.stdout().count("no") > before, 10, "the command gets no SIGTERM")
        isolate.write(over, "")
        self.assertEqual(running.wait(20), 0)

    def test_the_children_of_a_shell_get_it_too(self):
        naps = sleeping()
        running = start(self, "--", "sh", "-c", f"{naps}; true")
        wait_process(naps)
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(20), 128 + signal.SIGTERM)
        wait_for(lambda: not processes_like(naps), 10, "the child of the shell goes on")

    def test_a_command_that_has_left_its_group_gets_it(self):
        script = """if True:
            import os, time
            if os.fork() == 0:
                time.sleep(1000)
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                time.sleep(1000)
            while os.getpgid(child) != child:
                time.sleep(0.01)
            os.setpgid(0, child)
            print("left", flush=True)
            time.sleep(1000)
        """
        running = start(self, "--", "python3", "-c", script)
        running.wait_stdout("left")
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(20), 128 + signal.SIGTERM)

    def test_stop_and_continue(self):
        naps = sleeping()
        running = start(self, "--", *naps.split())
        pid = wait_process(naps)
        running.signal(signal.SIGTSTP)
        wait_for(lambda: (peers.state(pid), peers.state(running.pid)) == ("T", "T"), 10, "they do not stop")
        running.signal(signal.SIGCONT)
        wait_for(lambda: (peers.state(pid), peers.state(running.pid)) == ("S", "S"), 10, "they do not continue")
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(20), 128 + signal.SIGTERM)

    def test_a_killed_culvert_leaves_no_command_without_a_proxy(self):
        naps = sleeping()
        running = start(self, "--", *naps.split())
        wait_process(naps)
        running.kill()
        wait_for(lambda: not processes_like(naps), 10, "the command is left")


class Shell:
    """An interactive bash at a terminal of its own."""

    PROMPT = "(ready) "

    def __init__(self):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            argv = testbed.home.command(["bash", "--norc", "--noprofile", "--noediting", "-i"])
            os.execvpe(argv[0], argv, environment(PS1=self.PROMPT, TERM="dumb", HISTFILE="", CULVERT=os.environ["CULVERT"]))
        self.expect(self.PROMPT)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, seconds=20):
        """Reads until the pattern comes, and forgets what was read up to its end."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern if pattern != self.PROMPT else re.escape(pattern), self.text)):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"the terminal does not show {pattern!r} but:\n{self.text}")
            self.text += os.read(self.fd, 4096).decode(errors="replace")
        self.text = self.text[found.end():]
        return found

    def do(self, line):
        """Types a line and returns what it shows until the next prompt."""
        self.type(line + "\n")
        self.expect(re.escape(line) + "\r?\n")
        shown = self.expect(f"(?s)(.*?){re.escape(self.PROMPT)}")
        return shown.group(1).replace("\r", "")


class JobControl(unittest.TestCase):
    def setUp(self):
        self.shell = Shell()
        self.addCleanup(self.shell.close)

    def run_in_shell(self, rest):
        self.shell.type(f"$CULVERT run {rest}\n")
        self.shell.expect(r"run .*?\r")

    def status(self):
        return self.shell.do("echo status $?").strip()

    def test_ctrl_c_and_the_terminal(self):
        self.run_in_shell("-- bash -c 'ps -o pgid=,tpgid= -p $$; echo up; exec sleep 1000'")
        group, foreground = self.shell.expect(r"(\d+) +(\d+)\r\nup").groups()
        self.assertEqual(group, foreground)
        self.shell.type("\x03")
        self.shell.expect(self.shell.PROMPT)
        self.assertEqual(self.status(), "status 130")

    def test_ctrl_c_that_the_command_handles(self):
        self.run_in_shell("-- bash -c 'trap \"echo handled; exit 5\" INT; echo up; while :; do sleep 0.05; done'")
        self.shell.expect("\nup")
        self.shell.type("\x03")
        self.shell.expect("handled")
        self.shell.expect(self.shell.PROMPT)
        self.assertEqual(self.status(), "status 5")

    def test_ctrl_c_ends_a_loop_of_the_shell_and_a_script(self):
        self.shell.type("for i in 1 2 3; do $CULVERT run -- sh -c 'echo up $0; exec sleep 1000' $i; done; echo after\n")
        self.shell.expect("\nup 1")
        self.shell.type("\x03")
        self.assertNotIn("up 2", self.shell.expect(f"(?s)(.*?){re.escape(self.shell.PROMPT)}").group(1))
        self.shell.type("bash -c '$CULVERT run -- sh -c \"echo up; exec sleep 1000\"; echo went on'\n")
        self.shell.expect("\nup")
        self.shell.type("\x03")
        self.assertNotIn("went on", self.shell.expect(f"(?s)(.*?){re.escape(self.shell.PROMPT)}").group(1))

    def test_ctrl_c_that_the_command_handles_reaches_the_others(self):
        """A script with a trap, and the rest of a pipeline."""
        server, reader, script = (f"{isolate.STATE}/{name}" for name in ("server", "reader", "trapping"))
        isolate.write(server, "trap 'exit 5' INT\necho ready 1 >/dev/tty\nwhile :; do sleep 0.05; done\n")
        isolate.write(reader, "trap 'echo told >/dev/tty; exit' INT\necho ready 2 >/dev/tty\nwhile read line; do :; done\n")
        isolate.write(script, f"trap 'echo cleaned; exit 3' INT\n$CULVERT run -- bash {server}\necho went on\n")
        self.shell.type(f"bash {script}\n")
        self.shell.expect("ready 1")
        self.shell.type("\x03")
        self.assertNotIn("went on", self.shell.expect("(?s)(.*?)cleaned").group(1))
        self.shell.expect(self.shell.PROMPT)
        self.assertEqual(self.status(), "status 3")
        self.shell.type(f"$CULVERT run -- bash {server} | bash {reader}\n")
        self.shell.expect("(?s)ready 1.*ready 2|ready 2.*ready 1")
        self.shell.type("\x03")
        self.shell.expect("told")
        self.shell.expect(self.shell.PROMPT)

    def test_ctrl_c_at_one_that_another_one_runs(self):
        server = "$CULVERT run -- bash -c 'trap \"exit 5\" INT; echo up; while :; do sleep 0.05; done'; true"
        isolate.write(f"{isolate.STATE}/inner", server)
        isolate.write(f"{isolate.STATE}/outer", f"trap 'echo cleaned; exit 3' INT\n$CULVERT run -- sh {isolate.STATE}/inner\n")
        self.shell.type(f"bash {isolate.STATE}/outer\n")
        self.shell.expect("\nup")
        self.shell.type("\x03")
        self.shell.expect("cleaned")
        self.shell.expect(self.shell.PROMPT)
        self.assertEqual(self.status(), "status 3")

    def test_a_signal_that_no_key_sent_ends_no_script(self):
        script = "trap 'echo told' INT; $CULVERT run -- sh -c 'kill -INT $$'; echo went on $?"
        isolate.write(f"{isolate.STATE}/goes-on", script)
        self.assertEqual(self.shell.do(f"bash {isolate.STATE}/goes-on"), "went on 130\n")

    def test_ctrl_c_while_there_is_no_command_ends_a_loop(self):
        late = shlex.join([*LATE, "--connect-timeout", "50s"])
        self.shell.type(f"for i in 1 2 3; do $CULVERT run {late} -- echo started; done; echo after\n")
        self.shell.expect("culvert: waiting for the upstream")
        self.shell.type("\x03")
        self.assertNotIn("waiting", self.shell.expect(f"(?s)(.*?){re.escape(self.shell.PROMPT)}").group(1))
        to = f"{isolate.STATE}/draining"
        slow = Drain.SLOW.replace("300K", "1K").format(to=to) + " >/dev/null 2>&1"
        script = f"setsid {slow} & while [ ! -s {to} ]; do sleep 0.01; done; echo over; read line"
        isolate.write(f"{isolate.STATE}/outlived", script)
        tunnel = shlex.join(TUNNEL)
        self.shell.type(f"for i in 1 2 3; do $CULVERT run {tunnel} -- sh {isolate.STATE}/outlived; done; echo after\n")
        self.shell.expect("\nover")
        group = os.tcgetpgrp(self.shell.fd)
        self.shell.type("\n")
        wait_for(lambda: os.tcgetpgrp(self.shell.fd) != group, 10, "the command does not end")
        self.shell.type("\x03")
        self.assertNotIn("over", self.shell.expect(f"(?s)(.*?){re.escape(self.shell.PROMPT)}").group(1))

    def test_the_background_of_a_script(self):
        """Its shell stays in the foreground, and Ctrl-C is for that, unless the command needs the terminal."""
        naps = sleeping()
        self.shell.type(f"bash -c '$CULVERT run -- {naps} & echo up; sleep 1000; echo went on'\n")
        self.shell.expect("\nup")
        napping = wait_process(naps)
        self.addCleanup(os.kill, napping, signal.SIGKILL)
        self.shell.type("\x03")
        self.assertNotIn("went on", self.shell.expect(f"(?s)(.*?){re.escape(self.shell.PROMPT)}").group(1))
        self.assertEqual(processes_like(naps), [napping])
        reader = "bash -c 'read line </dev/tty; echo got $line'"
        isolate.write(f"{isolate.STATE}/asking", f"$CULVERT run -- {reader} &\nwait\n")
        self.shell.type(f"bash {isolate.STATE}/asking\n")
        self.shell.expect("asking\r")
        self.shell.type("a word\n")
        self.shell.expect("got a word")
        self.shell.expect(self.shell.PROMPT)

    def test_ctrl_backslash(self):
        self.shell.do("ulimit -c 0")
        self.run_in_shell("-- sh -c 'echo up; exec sleep 1000'")
        self.shell.expect("\nup")
        self.shell.type("\x1c")
        self.shell.expect(self.shell.PROMPT)
        self.assertEqual(self.status(), "status 131")

    def test_ctrl_z_fg_and_bg(self):
        self.run_in_shell("-- bash -c 'trap \"echo continued\" CONT; echo up; read line; echo got $line'")
        self.shell.expect("\nup")
        for _ in range(2):
            self.shell.type("\x1a")
            self.shell.expect("Stopped")
            self.shell.expect(self.shell.PROMPT)
            self.assertIn("Stopped", self.shell.do("jobs"))
            self.shell.type("fg\n")
            self.shell.expect("continued\r")
        self.shell.type("\x1a")
        self.shell.expect(self.shell.PROMPT)
        # In the background it is stopped again as soon as it reads.
        self.shell.type("bg\n")
        self.shell.expect("continued\r")
        wait_for(lambda: "Stopped" in self.shell.do("jobs"), 10, "it reads in the background")
        self.shell.type("fg\n")
        self.shell.expect("continued\r")
        self.shell.type("a word\n")
        self.shell.expect("got a word")
        self.shell.expect(self.shell.PROMPT)
        self.assertEqual(self.status(), "status 0")

    def test_a_job_in_the_background(self):
        self.shell.do("$CULVERT run -- bash -c 'read line; echo got $line' &")
        wait_for(lambda: "Stopped" in self.shell.do("jobs"), 10, "it does not want the terminal")
        self.shell.type("fg\n")
        self.shell.expect("fg\r?\n")
        self.shell.type("a word\n")
        self.shell.expect("got a word")
        self.shell.expect(self.shell.PROMPT)
        naps = sleeping()
        self.shell.do(f"$CULVERT run -- {naps} &")
        wait_process(naps)
        group = os.tcgetpgrp(self.shell.fd)
        self.shell.type("fg\n")
        self.shell.expect("fg\r?\n.*\n")
        wait_for(lambda: os.tcgetpgrp(self.shell.fd) != group, 10, "the job does not get the terminal")
        self.shell.type("\x03")
        # It begins a line only behind a job that died of it.
        self.shell.expect("C\r?\n" + re.escape(self.shell.PROMPT))

    def test_a_neighbour_in_a_pipeline_gets_the_terminal(self):
        up, has_read = f"{isolate.STATE}/is-up", f"{isolate.STATE}/has-read"
        # It reads once the terminal is the command's, and while that runs.
        reader = f"bash -c '{until(up)}; read line </dev/tty; echo read $line; touch {has_read}; cat'"
        self.run_in_shell(f"-- sh -c 'echo up >/dev/tty; touch {up}; {until(has_read)}; echo from the command' | {reader}")
        self.shell.expect("\nup")
        self.shell.type("a word\n")
        self.shell.expect("read a word")
        self.shell.expect("from the command")
        self.shell.expect(self.shell.PROMPT)

    def test_a_log_at_a_terminal_that_stops_who_writes_in_the_background(self):
        self.shell.do("stty tostop")
        ask = "curl -s --noproxy none -x $http_proxy http://127.0.0.1:9/; echo asked; sleep 0.1"
        isolate.write(f"{isolate.STATE}/asks", ask)
        self.run_in_shell(f"--log-level debug --access-log - -- sh {isolate.STATE}/asks")
        self.shell.expect(" debug ")
        self.shell.expect("asked")
        self.shell.expect(self.shell.PROMPT)
        self.assertEqual(self.status(), "status 0")
        written = f"{isolate.STATE}/has-written"
        neighbour = f"bash -c 'while read line; do echo read $line; touch {written}; done'"
        self.run_in_shell(f"-- sh -c 'echo a word; {until(written)}; echo 2>&1' | {neighbour}")
        self.shell.expect("read a word")
        self.shell.expect(self.shell.PROMPT)
        self.shell.do("stty -tostop")

    def test_the_size_of_the_terminal(self):
        self.run_in_shell("-- bash -c 'trap \"stty size; exit 3\" WINCH; echo up; while :; do sleep 0.05; done'")
        self.shell.expect("\nup")
        # At once: stty would set one after the other, with a signal for each.
        fcntl.ioctl(self.shell.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        self.shell.expect("33 99")
        self.shell.expect(self.shell.PROMPT)
        self.assertEqual(self.status(), "status 3")

    def test_the_end_of_the_terminal(self):
        naps = sleeping()
        self.run_in_shell(f"-- {naps}")
        wait_process(naps)
        os.close(self.shell.fd)
        wait_for(lambda: not processes_like(naps), 20, "the command outlives its terminal")
        self.shell.fd = os.open("/dev/null", os.O_RDONLY)


class Process1(unittest.TestCase):
    def test_it_reaps_orphans(self):
        """Also those that have left the command's group."""
        script = """
            for i in 1 2 3; do (setsid sleep 0.0$i &); done
            set -- /proc/[0-9]*
            while [ $# -gt 2 ]; do sleep 0.01; set -- /proc/[0-9]*; done
            exit 7
        """
        # With a terminal there would be a process for its keys.
        wrapper = ("setsid", "--wait", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
        within = command("--", "sh", "-c", script)
        done = testbed.home.run(*wrapper, *within, check=False, timeout=60, env=environment())
        self.assertEqual((done.returncode, done.stderr), (7, ""))

    def test_a_script_around_it_has_the_terminal_again(self):
        shell = Shell()
        self.addCleanup(shell.close)
        within = "unshare --pid --fork --kill-child $CULVERT run -- true"
        isolate.write(f"{isolate.STATE}/around", f"{within}\nread -p 'say: ' line\necho got $line\n")
        shell.type(f"bash {isolate.STATE}/around\n")
        shell.expect("say: ")
        shell.type("a word\n")
        shell.expect("got a word")


class Tunnels(unittest.TestCase):
    def ssh(self):
        return shlex.join(map(str, peers.SshTunnel(testbed, port=LATE_PORT).argv))

    def test_a_registry_and_its_tunnel_in_one_line(self):
        cache = peers.pull_through_registry(testbed, 5009, "unused")
        naps = processes_like(self.ssh())
        running = start(self, *LATE, "--tunnel-command", self.ssh(), "--", *cache.argv)
        running.wait_until(lambda: testbed.home.listens(5009, "127.0.0.1"))
        self.assertNotIn("culvert", running.output())
        to = f"{isolate.STATE}/from-cache"
        testbed.home.run(
            "skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", "docker://127.0.0.1:5009/pause:3.1", f"dir:{to}"
        )
        self.assertTrue(os.path.exists(f"{to}/manifest.json"))
        running.signal(signal.SIGINT)
        running.wait(20)
        wait_for(lambda: processes_like(self.ssh()) == naps and not testbed.home.listens(LATE_PORT), 10, "the tunnel is left")

    def test_the_command_starts_once_the_tunnel_carries(self):
        for probe in ((), ("--probe", "gcr.io:443"), ("--probe-tls", "gcr.io:443")):
            delayed = "sleep 0.2; exec " + self.ssh()
            done = run(*LATE, *probe, "--tunnel-command", delayed, "--hold", "0", "--", *FETCH)
            self.assertEqual(done.stdout, "3")

    def test_a_tunnel_that_does_not_come(self):
        tunnel = "echo no such host >&2; exit 255"
        done = run(*LATE, "--tunnel-command", tunnel, "--connect-timeout", "1s", "--", "echo", "started", check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "started\n"))
        self.assertIn("tunnel: no such host\n", done.stderr)
        self.assertIn("tunnel: echo exited with status 255", done.stderr)
        self.assertIn(
            f"culvert: no upstream works after 1s (socks5://127.0.0.1:{LATE_PORT} refused the connection); "
            "echo is started all the same\n",
            done.stderr,
        )

    def test_an_upstream_that_is_down_is_waited_for(self):
        running = start(self, *LATE, "--hold", "0", "--", *FETCH)
        wait_for(lambda: peers.children(running.pid), 10, "nothing is started")
        tunnel = peers.start_ssh_tunnel(testbed, port=LATE_PORT)
        self.addCleanup(tunnel.cut)
        self.assertEqual((running.wait(20), running.stdout()), (0, "3"))

    def test_a_signal_ends_the_wait(self):
        running = start(self, *LATE, "--", "echo", "started")
        wait_for(lambda: peers.children(running.pid), 10, "nothing is started")
        # Only then the signal is not its end.
        wait_for(lambda: catches(running.pid, signal.SIGQUIT), 10, "it does not wait")
        running.signal(signal.SIGTERM)
        self.assertEqual((running.wait(20), running.stdout()), (128 + signal.SIGTERM, ""))


def catches(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        mask = int(re.search(r"SigCgt:\s*(\w+)", status.read()).group(1), 16)
    return bool(mask >> (number - 1) & 1)


class Drain(unittest.TestCase):
    SLOW = "curl -sS --limit-rate 300K -o {to} https://files.world/bytes/600000"

    def test_a_child_that_outlives_the_command_ends_its_download(self):
        to = f"{isolate.STATE}/outliving"
        script = f"setsid {self.SLOW.format(to=to)} & while [ ! -s {to} ]; do sleep 0.01; done; exit 6"
        done = run(*TUNNEL, "--", "sh", "-c", script, check=False)
        self.assertEqual((done.returncode, done.stderr), (6, ""))
        wait_for(lambda: os.path.getsize(to) == 600000, 10, "the download is cut")

    def test_its_limit_and_a_signal(self):
        to = f"{isolate.STATE}/cut"
        # It sleeps on what it has got, though its connection is cut: its output must not be ours.
        slow = self.SLOW.replace("300K", "1K").format(to=to) + " >/dev/null 2>&1"
        script = f"setsid {slow} & while [ ! -s {to} ]; do sleep 0.01; done; echo over; exit 6"
        done = run(*TUNNEL, "--drain-timeout", "0", "--", "sh", "-c", script, check=False)
        self.assertEqual(done.returncode, 6)
        os.unlink(to)
        running = start(self, *TUNNEL, "--", "sh", "-c", script)
        running.wait_stdout("over")
        wait_for(lambda: not peers.children(running.pid), 10, "the command does not end")
        self.assertTrue(running.running())
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(20), 6)

    def test_a_dead_tunnel_keeps_nobody_waiting(self):
        """Neither one that never answers, nor one that never ends; whoever asked is gone."""
        kept = []

        def greet(client):
            kept.append(client)
            client.recv(100)
            client.sendall(b"\x05\x00")

        wire.serve(testbed.outside, kept.append, address=(TARGET, SILENT_PORT))
        port = wire.serve(testbed.home, greet)
        all_running = [
            start(self, *upstream, "--drain-timeout", "1000s", "--", "curl", "-sS", "-m", "1", f"{scheme}://{target}/")
            for upstream, target in (
                (TUNNEL, f"target.world:{SILENT_PORT}"), (("--upstream", f"socks5://127.0.0.1:{port}"), "a.world")
            )
            for scheme in ("http", "https")
        ]
        for running in all_running:
            self.assertEqual(running.wait(60), 28, running.output())

    def test_what_the_command_has_sent_is_delivered(self):
        """Though it does not wait for an answer."""
        received = []
        wire.serve_in_threads(testbed.outside, lambda client: received.append(wire.receive(client)), address=(TARGET, SINK_PORT))
        script = f"""
import os, socket
client = socket.create_connection(("127.0.0.1", int(os.environ["http_proxy"].rpartition(":")[2])))
client.sendall(b"CONNECT target.world:{SINK_PORT} HTTP/1.1\\r\\n\\r\\n")
client.recv(4096)
client.sendall(b"x" * 3000000)
"""
        run(*TUNNEL, "--", "python3", "-c", script)
        wait_for(lambda: received, 20, "the target gets no end")
        self.assertEqual(received[0][0], 3000000)


if __name__ == "__main__":
    harness.main()
