"""culvert as a service: what it tells the service manager, which rights it keeps, and how exposed its unit is."""

import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

import harness
import isolate
import peers
import wire
from culvert import PORT, ActivatedCulvert, has_thread_sanitizer, is_sanitized, launch
from testbed import Testbed, wait_for

MOST_EXPOSURE = 1.5


def setUpModule():
    global testbed, echo_port
    testbed = harness.report_on(Testbed())
    echo_port = wire.serve_in_threads(testbed.home, wire.echo)


def tunnel(host="127.0.0.1"):
    """A tunnel to the server above, which answers."""
    client = wire.tunnel(testbed.home, f"{host}:{echo_port}", early=b"ping")
    wire.receive_exactly(client, 4)
    return client


class Manager:
    """A service manager as far as sd_notify(3) goes: the notices that it got, each as (pid, lines)."""

    def __init__(self, case):
        self.path = f"{isolate.STATE}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.settimeout(20)
        self.socket.bind(self.path)
        self.env = {"NOTIFY_SOCKET": self.path}
        case.addCleanup(os.unlink, self.path)
        case.addCleanup(self.socket.close)

    def next(self):
        data, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
        pid, _, _ = struct.unpack("3i", control[0][2])
        return pid, data.decode().splitlines()

    def wait_for(self, line):
        """The pid and the lines of the next notice in which a line begins so."""
        while True:
            pid, lines = self.next()
            if any(one.startswith(line) for one in lines):
                return pid, lines


class Notices(unittest.TestCase):
    def start(self, text="threads = 2\n", *options, env=None, **more):
        self.path = f"{isolate.STATE}/service.toml"
        isolate.write(self.path, text)
        self.manager = Manager(self)
        return launch(self, testbed, "--config", self.path, *options, env={**self.manager.env, **(env or {})}, **more)

    def test_from_start_to_end(self):
        culvert = self.start("threads = 2\ndrain-timeout = '4s'\n")
        serving = f"STATUS=serving on http://127.0.0.1:{PORT}, 0 tunnels"
        self.assertEqual(self.manager.next(), (culvert.pid, ["READY=1", serving]))

        culvert.signal(signal.SIGHUP)
        _, lines = self.manager.next()
        self.assertRegex("\n".join(lines), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual(self.manager.next(), (culvert.pid, ["READY=1"]))

        isolate.write(self.path, "threads = 'many'\n")
        culvert.signal(signal.SIGHUP)
        self.manager.wait_for("RELOADING=1")
        _, lines = self.manager.next()
        self.assertEqual(lines[0], "READY=1")
        self.assertIn("the last reload has changed nothing", lines[1])

        client = tunnel()
        self.manager.wait_for(f"STATUS=serving on http://127.0.0.1:{PORT}, 1 tunnel;")
        culvert.signal(signal.SIGTERM)
        self.assertEqual(self.manager.next(), (culvert.pid, ["STOPPING=1"]))
        _, lines = self.manager.next()
        extended, status = lines
        self.assertEqual(status, "STATUS=draining, 1 connection to finish")
        # The limit, and ten seconds for what follows; less what has passed.
        microseconds = int(re.fullmatch(r"EXTEND_TIMEOUT_USEC=(\d+)", extended)[1])
        self.assertLessEqual(microseconds, 14_000_000)
        client.close()
        self.assertEqual(culvert.wait(20), 0)

    def test_the_watchdog_is_fed(self):
        culvert = self.start(env={"WATCHDOG_USEC": "300000"})
        for _ in range(3):
            self.manager.wait_for("WATCHDOG=1")
        culvert.shut_down()

    def test_the_status_names_what_is_down(self):
        culvert = self.start("upstream = 'office=socks5://127.0.0.1:1'\nhold = '0'\n", env={"WATCHDOG_USEC": "600000"})
        client, reply = wire.connect(testbed.home, "gcr.io:443")
        client.close()
        self.assertEqual(reply.status, 502)
        self.manager.wait_for(f"STATUS=serving on http://127.0.0.1:{PORT}, 0 tunnels, upstream office down")
        culvert.shut_down()

    def test_a_hand_over_names_the_new_process(self):
        """Under systemd, where a service ends with its main process, too."""
        wrapper = ["sh", "-c", 'export SYSTEMD_EXEC_PID=$$ WATCHDOG_PID=$$; exec "$@"', "sh"]
        culvert = self.start(env={"WATCHDOG_USEC": "600000"}, wrapper=wrapper)
        self.manager.wait_for("READY=1")
        old = culvert.pid
        for _ in range(2):
            os.kill(old, signal.SIGUSR2)
            sender, lines = self.manager.wait_for("MAINPID=")
            self.assertEqual(sender, old)
            new = int(lines[0].removeprefix("MAINPID="))
            self.addCleanup(peers.kill, new)
            # From now on the old one is silent. Whoever started the new one is gone, so that systemd is its parent.
            sender, lines = self.manager.next()
            self.assertEqual((sender, lines[:2]), (new, ["READY=1", "WATCHDOG=1"]))
            with open(f"/proc/{new}/stat", encoding="ascii") as stat:
                self.assertEqual(int(stat.read().rpartition(")")[2].split()[1]), 1)
            self.assertEqual(self.manager.wait_for("WATCHDOG=1")[0], new)
            old = new
        tunnel().close()
        self.assertEqual(culvert.wait(20), 0)
        os.kill(new, signal.SIGTERM)
        self.assertEqual(self.manager.wait_for("STOPPING=1")[0], new)
        wait_for(lambda: not peers.is_running(new), 20, "the new process does not end")

    def test_a_process_that_others_start_does_not_take_over_a_service(self):
        """systemd would not take it for the service's, and end the service."""
        culvert = self.start("threads = 2\n", "--take-over")
        done = testbed.culvert_host.run(os.environ["CULVERT"], "--listen", f"127.0.0.1:{PORT}", "--take-over", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("send SIGUSR2 to this one instead", done.stderr)
        culvert.shut_down()

    def test_the_tunnel_command_does_not_speak_for_us(self):
        culvert = self.start("", "--tunnel-command", "env | grep -c -e NOTIFY_SOCKET -e WATCHDOG_; echo over; exec sleep 60")
        culvert.wait_log("tunnel: over")
        self.assertIn("tunnel: 0\n", culvert.output())
        culvert.shut_down()

    def test_a_hand_over_of_sockets_that_were_passed(self):
        one = testbed.home.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(one.close)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", PORT))
        one.listen()
        manager = Manager(self)
        culvert = ActivatedCulvert(testbed, sockets=[one], env=manager.env)
        testbed.processes.append(culvert)
        self.addCleanup(testbed.processes.remove, culvert)
        self.addCleanup(culvert.kill)
        culvert.start()
        manager.wait_for("READY=1")
        culvert.signal(signal.SIGUSR2)
        _, lines = manager.wait_for("MAINPID=")
        new = int(lines[0].removeprefix("MAINPID="))
        self.addCleanup(peers.kill, new)
        self.assertEqual(manager.wait_for("READY=1")[0], new)
        self.assertEqual(culvert.wait(20), 0)
        tunnel().close()

    def test_a_vsock_manager_is_told_nothing(self):
        culvert = launch(self, testbed, env={"NOTIFY_SOCKET": "vsock:2:1234"})
        culvert.wait_log("warning the service manager is told nothing (NOTIFY_SOCKET=vsock:2:1234): it is a vsock address")
        culvert.shut_down()


def has_landlock():
    """By its system call, which tells its version."""
    return isolate.libc.syscall(444, None, 0, 1) > 0


class Sandbox(unittest.TestCase):
    def setUp(self):
        if not has_landlock():
            self.skipTest("SKIP: this kernel has no Landlock")
        for folder in ("own", "other"):
            path = f"{isolate.STATE}/{folder}"
            shutil.rmtree(path, ignore_errors=True)
            os.mkdir(path)
        self.own, self.other = f"{isolate.STATE}/own", f"{isolate.STATE}/other"
        self.path = f"{self.own}/culvert.toml"

    def start(self, text, *options, **more):
        isolate.write(self.path, text)
        return launch(self, testbed, "--config", self.path, *options, **more)

    def reload(self, culvert, text, logged):
        before = culvert.count_in_log(logged)
        # Like an editor: another file takes its name.
        isolate.write(f"{self.path}.new", text)
        os.rename(f"{self.path}.new", self.path)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(logged, before + 1)

    def no_new_privileges(self, pid):
        values = set()
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            status = (task / "status").read_text(encoding="ascii")
            values.add(re.search(r"^NoNewPrivs:\s*(\d)$", status, re.MULTILINE)[1])
        return values

    def test_what_a_reload_may_read(self):
        log = f"{self.own}/access.log"
        ca = testbed.ca.certificate
        start = f"threads = 2\naccess-log = '{log}'\nupstream = 'https://127.0.0.1:1?ca={ca}'\nroute = '*=direct'\n"
        culvert = self.start(start, "--log-level", "debug", listen=[f"127.0.0.1:{PORT}", f"unix:{self.own}/culvert.sock"])
        self.assertEqual(self.no_new_privileges(culvert.pid), {"1"})
        self.assertRegex(culvert.output(), r"debug sandbox: no_new_privs, Landlock \(version \d+\), reads below .*; writes below ")

        # Its own files, new ones among them, replaced ones, the CA, and a log that was rotated.
        isolate.write(f"{self.own}/password", "hush\n")
        os.rename(log, f"{log}.1")
        more = start.replace("upstream = ", f"upstream = ['socks5://u@127.0.0.1:2?password-file={self.own}/password', ")
        self.reload(culvert, more.replace("?ca=" + ca + "'", "?ca=" + ca + "']"), " reloaded (upstreams: 3")
        tunnel().close()
        wait_for(lambda: os.path.exists(log) and os.path.getsize(log) > 0, 10, "the new access log is not written")

        # Others not, whoever it runs as, and it says what to do.
        elsewhere = "/var/lib/dpkg/status"  # any file that everybody can read
        for text in (
            start.replace(log, f"{self.other}/access.log"),
            f"upstream = 'socks5://u@127.0.0.1:2?password-file={elsewhere}'\naccess-log = '{log}'\n",
            "upstream = 'direct'\naccess-log = '/etc/culvert.log'\n",
        ):
            before = culvert.count_in_log("(sandbox): others take SIGUSR2, a restart, or --no-sandbox")
            self.reload(culvert, text, "error reload: nothing is changed")
            self.assertEqual(culvert.count_in_log("(sandbox): others take SIGUSR2, a restart, or --no-sandbox"), before + 1)
        self.assertIn("Permission denied", culvert.output())
        self.assertEqual(os.listdir(self.other), [])
        culvert.shut_down()
        self.assertFalse(os.path.exists(f"{self.own}/culvert.sock"))

    def test_a_hand_over_may_name_new_files(self):
        culvert = self.start("threads = 2\n")
        isolate.write(f"{self.other}/password", "hush\n")
        upstream = f"upstream = ['direct', 'socks5://u@127.0.0.1:2?password-file={self.other}/password']\n"
        isolate.write(self.path, f"{upstream}access-log = '{self.other}/access.log'\n")
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log(" serves from now on")
        new = int(re.search(r"process (\d+) serves from now on", culvert.output())[1])
        self.addCleanup(peers.kill, new)
        self.assertEqual(culvert.wait(20), 0)
        tunnel().close()
        self.assertEqual(self.no_new_privileges(new), {"1"})
        self.assertTrue(os.path.exists(f"{self.other}/access.log"))

    def test_names_are_looked_up_by_files_that_were_replaced(self):
        culvert = self.start("threads = 1\n")
        testbed.culvert_host.run("sh", "-c", "cp /etc/hosts /etc/hosts.new && echo 127.0.0.1 new.world >> /etc/hosts.new && mv /etc/hosts.new /etc/hosts")
        tunnel("new.world").close()
        # By the C library and its plugins.
        client, reply = wire.connect(testbed.home, f"nobody.local:{echo_port}")
        client.close()
        self.assertIn(reply.status, (502, 504))
        culvert.shut_down()

    def test_who_keeps_every_right(self):
        for option, why in ((("--no-sandbox",), "--no-sandbox"), (("--tunnel-command", "exec sleep 60"), "--tunnel-command")):
            culvert = self.start("", *option, "--log-level", "debug")
            culvert.wait_log(f"debug sandbox: none, because of {why}")
            self.assertEqual(self.no_new_privileges(culvert.pid), {"0"})
            isolate.write(f"{self.other}/password", "hush\n")
            self.reload(culvert, f"upstream = 'socks5://u@127.0.0.1:2?password-file={self.other}/password'\n", " reloaded (")
            culvert.shut_down()

    def test_the_command_of_run_keeps_every_right(self):
        done = testbed.culvert_host.run(os.environ["CULVERT"], "run", "--", "grep", "NoNewPrivs", "/proc/self/status")
        self.assertEqual(done.stdout.split(), ["NoNewPrivs:", "0"])


# A manager of services as users have one, which needs no init, in a cgroup of its own.
MANAGER = r"""
mount --make-rprivate / && mount -t proc proc /proc && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 3
export XDG_RUNTIME_DIR=$1/run HOME=$1
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
/lib/systemd/systemd --user --log-target=console --unit=basic.target >"$1/manager.log" 2>&1 &
until systemctl --user is-active --quiet basic.target; do kill -0 $! || exit 3; sleep 0.1; done
echo manager runs
value() { systemctl --user show culvert.service -p "$1" --value; }
show() { echo "$1: $(value ActiveState) $(value SubState), restarts $(value NRestarts), $(value StatusText)"; }
# until_changes PROPERTY BEFORE
until_changes() { until [ "$(value "$1")" != "$2" ]; do sleep 0.1; done; }

systemctl --user start culvert.service && show started
echo "again after $(value RestartUSec), limit $(value StartLimitIntervalUSec)"
awk '/^(CapEff|CapBnd|Seccomp):/ {print $1, $2}' "/proc/$(value MainPID)/status"
systemctl --user reload culvert.service && show reloaded
for round in 1 2; do
  main=$(value MainPID)
  systemctl --user kill -s USR2 --kill-whom=main culvert.service && until_changes MainPID "$main" && show "handed over"
  while [ -d /proc/$main ]; do sleep 0.1; done && show "the old one has ended"
done
kill -STOP "$(value MainPID)" && until_changes NRestarts 0
until [ "$(value SubState)" = running ]; do sleep 0.1; done && show "stuck and started again"
systemctl --user stop culvert.service 2>/dev/null; show "stopped, $(value Result)"
"""
MANAGED = """[Unit]
Requires=culvert.socket
After=culvert.socket
{unit}[Service]
Type=notify
WatchdogSec=4
ExecStart={culvert} --listen systemd --threads 2
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
{service}"""
EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/systemd/culvert.service"
# What is neither about mounts, which a manager inside of namespaces cannot make, nor about its user.
LIMITS = ("CapabilityBoundingSet=", "LockPersonality=", "MemoryDenyWriteExecute=", "NoNewPrivileges=", "Restrict", "SystemCall")


def lines_of_example(*starts):
    return "".join(f"{line}\n" for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line.startswith(starts))


def limits_of_example():
    """Sanitizers do more than the filter lets them."""
    return "" if is_sanitized() or has_thread_sanitizer() else lines_of_example(*LIMITS)


@harness.needs("systemd-analyze")
class Systemd(unittest.TestCase):
    def cgroup(self):
        """A new one, below that in which this process is."""
        mounted = f"{isolate.STATE}/cgroup"
        os.makedirs(mounted, exist_ok=True)
        isolate.mount("-t", "cgroup2", "cgroup2", mounted)
        self.addCleanup(subprocess.run, ["umount", mounted], check=False)
        path = tempfile.mkdtemp(prefix="culvert-", dir=mounted)

        def remove():
            for folder, _, _ in os.walk(path, topdown=False):
                wait_for(lambda folder=folder: remove_folder(folder), 10, f"{folder} is in use")

        self.addCleanup(remove)
        return path

    def test_a_real_one_follows_the_service(self):
        try:
            cgroup = self.cgroup()
        except (OSError, subprocess.CalledProcessError) as error:
            isolate.skip(f"no cgroup of its own to be had: {error}")
        home = tempfile.mkdtemp(dir=isolate.STATE)
        units = pathlib.Path(home, ".config/systemd/user")
        units.mkdir(parents=True)
        service = lines_of_example("Restart=", "RestartSec=") + limits_of_example()
        text = MANAGED.format(culvert=os.environ["CULVERT"], unit=lines_of_example("StartLimit"), service=service)
        (units / "culvert.service").write_text(text, encoding="utf-8")
        (units / "culvert.socket").write_text(f"[Socket]\nListenStream=127.0.0.1:{PORT}\n", encoding="utf-8")
        script = f'echo $$ > {cgroup}/cgroup.procs && exec unshare --pid --fork --mount --cgroup --kill-child bash -c "$1" manager "$2"'
        done = subprocess.run(
            ["nsenter", f"--net=/proc/{testbed.home.pid}/ns/net", "bash", "-c", script, "enter", MANAGER, home],
            capture_output=True, text=True, timeout=120, check=False,
        )
        log = pathlib.Path(home, "manager.log")
        self.assertIn("manager runs\n", done.stdout, done.stderr + (log.read_text(encoding="utf-8") if log.exists() else ""))
        serving = f"serving on http://127.0.0.1:{PORT}, 0 tunnels"
        lines = done.stdout.splitlines()[1:]
        rights = [line for line in lines if line.startswith(("Cap", "Seccomp"))]
        if limits_of_example():
            self.assertEqual(rights, ["CapEff: 0000000000000000", "CapBnd: 0000000000000000", "Seccomp: 2"])
        running = f"active running, restarts 0, {serving}"
        self.assertEqual(
            [line for line in lines if line not in rights],
            [
                f"started: {running}",
                "again after 2s, limit 0",
                f"reloaded: {running}",
                *[f"handed over: {running}", f"the old one has ended: {running}"] * 2,
                f"stuck and started again: active running, restarts 1, {serving}",
                "stopped, success: inactive dead, restarts 1, draining, 0 connections to finish",
            ],
        )


def remove_folder(path):
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


@harness.needs("systemd-analyze")
class Exposure(unittest.TestCase):
    def score(self, unit):
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True, timeout=60, check=False
        )
        found = re.search(r"Overall exposure level for [^:]*: (\d+\.\d)", done.stdout)
        self.assertIsNotNone(found, done.stdout + done.stderr)
        return float(found[1])

    def test_of_the_unit_that_setup_writes(self):
        for options in ((), ("--access-log", "/var/log/culvert/access.log")):
            with tempfile.TemporaryDirectory() as root:
                subprocess.run(
                    [os.environ["CULVERT"], "setup", "systemd", "--root", root, *options, "--install"], capture_output=True, timeout=60, check=True
                )
                unit = pathlib.Path(root, "etc/systemd/system/culvert.service")
                # What it starts has to be there.
                text = unit.read_text(encoding="utf-8").replace("/usr/local/bin/culvert", os.environ["CULVERT"])
                unit.write_text(text, encoding="utf-8")
                score = self.score(unit)
                print(f"systemd-analyze security of culvert.service {' '.join(options)}: {score}", flush=True)
                self.assertLessEqual(score, MOST_EXPOSURE)


if __name__ == "__main__":
    harness.main()
