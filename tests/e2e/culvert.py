"""The binary under test as a process: start and shutdown, logs, and the resources it uses."""

import base64
import contextlib
import fcntl
import functools
import mmap
import os
import re
import signal

import peers
from testbed import Program, wait_for

PORT = 3128
PROXY = f"http://127.0.0.1:{PORT}"
# For the cases that run with the default, one worker a core, and once more with these.
FOUR_THREADS = ("--threads", "4")


@functools.cache
def program_has(name):
    """Whether the binary has this word; with a sanitizer it has tens of megabytes to be read."""
    with open(os.environ["CULVERT"], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(name) >= 0


def is_sanitized():
    """Whether the binary carries the address sanitizer."""
    if "CULVERT_SANITIZED" in os.environ:
        return os.environ["CULVERT_SANITIZED"] == "1"
    return program_has(b"__asan_init")


def has_thread_sanitizer():
    return program_has(b"__tsan_init")


def descriptors_of(pid):
    """What each open descriptor of the process is, as in /proc/PID/fd."""
    kinds = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        except FileNotFoundError:
            continue  # closed meanwhile
    return kinds


class Culvert(Program):
    """`wrapper` is the command line in front of it: prlimit, unshare and the like."""

    def __init__(self, testbed, *options, port=PORT, host=None, wrapper=(), listen=None, env=None):
        self.port = port
        self.sockets_at_start = 0
        argv = [*wrapper, os.environ["CULVERT"]]
        for address in [f"127.0.0.1:{port}"] if listen is None else listen:
            argv += ["--listen", address]
        argv += options
        env = dict(env or {})
        if is_sanitized():
            # Freed blocks held back in the quarantine count as resident, and would hide what culvert itself takes.
            env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=16"
        super().__init__("culvert", host or testbed.culvert_host, argv, env, separate_stdout=True)

    def up(self, address="127.0.0.1"):
        self.start()
        self.wait_listening(self.port, address)
        # Each worker has a listening socket of its own: the port accepts with the
        # first of them, the log line follows the last.
        self.wait_until(lambda: "listening on " in self.output())
        self.sockets_at_start = self.sockets()

    def descriptors(self):
        return descriptors_of(self.pid)

    def sockets(self):
        return sum(kind.startswith("socket:") for kind in self.descriptors())

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def assert_no_leaks(self):
        """All sessions gone, all their sockets gone. Pipes may wait for reuse, but not without end."""
        wait_for(
            lambda: self.sockets() == self.sockets_at_start, 10,
            f"culvert has other sockets than the {self.sockets_at_start} at its start:\n" + "\n".join(self.descriptors()),
        )
        pipes = sum(kind.startswith("pipe:") for kind in self.descriptors())
        if pipes > 2 * 64 * os.cpu_count():
            raise AssertionError(f"{pipes} pipes are open while nothing runs")

    def resident_mib(self, part="VmRSS"):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"{part}:\s*(\d+) kB", status.read()).group(1)) / 1024

    def memory(self):
        """All of it that can be written to, as bytes."""
        found = []
        with open(f"/proc/{self.pid}/maps", encoding="utf-8") as maps, open(f"/proc/{self.pid}/mem", "rb", 0) as memory:
            for line in maps:
                where, rights = line.split()[:2]
                begin, end = (int(text, 16) for text in where.split("-"))
                if rights.startswith("rw"):
                    memory.seek(begin)
                    with contextlib.suppress(OSError):
                        found.append(memory.read(end - begin))
        return b"".join(found)

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end_successors(self):
        """Those that it has started to hand over to."""
        for pid in re.findall(r"hand-over: process (\d+) is starting", self.output()):
            peers.kill(pid)

    def count_in_log(self, text):
        """How often the text is in the log (stderr). A line that is still being written does not count."""
        with open(self.stderr_path, encoding="utf-8") as file:
            log = file.read()
        return log[: log.rfind("\n") + 1].count(text)

    def wait_log(self, text, count=1, seconds=20):
        wait_for(
            lambda: self.count_in_log(text) >= count, seconds,
            lambda: f"{text!r} is not {count} times in the log:\n{self.tail(40)}",
        )

    def access_lines(self):
        """Those that are there in whole. They are all there once culvert has ended; before that, workers write theirs
        in any order, and a line may come later than its client sees the end."""
        with open(self.stdout_path, encoding="utf-8") as file:
            return file.read().rpartition("\n")[0].splitlines()

    def wait_access_line(self, text):
        """The first line with the text in it."""
        return wait_for(
            lambda: next((line for line in self.access_lines() if text in line), None), 10, f"no access line with {text}"
        )

    def wait_access_lines(self, count, seconds=10):
        wait_for(lambda: len(self.access_lines()) >= count, seconds, f"fewer than {count} access lines")
        return self.access_lines()

    def assert_no_crash(self):
        """No report of a sanitizer and no failed assertion, however culvert was ended."""
        if re.search("Sanitizer|runtime error:|Assertion|terminate called", self.output()):
            raise AssertionError(self.tail(80))

    def shut_down(self, seconds=20):
        """A graceful shutdown by SIGTERM: exit status 0, and no secret in stdout or stderr."""
        if not self.running():
            raise AssertionError(f"culvert has exited on its own: {self.process.poll()}\n{self.tail()}")
        self.signal(signal.SIGTERM)
        code = self.wait(seconds)
        if code != 0:
            raise AssertionError(f"culvert exited with {code}\n{self.tail(60)}")
        assert_no_secret(self.output())


class ActivatedCulvert(Culvert):
    """A culvert whose listening sockets somebody else keeps and passes to it, as systemd does. To be started once."""

    def __init__(self, testbed, *options, sockets, names=None, listen=("systemd",), **more):
        # Out of the way of the numbers that they get.
        self.pass_fds = [fcntl.fcntl(one, fcntl.F_DUPFD, 20) for one in sockets]
        moves = " ".join(f"{to}<&{fd} {fd}<&-" for to, fd in enumerate(self.pass_fds, 3))
        names = ":".join(names or ["web"] * len(sockets))
        # The number of the process is known to itself only.
        script = f'export LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={names}; exec "$@" {moves}'
        super().__init__(testbed, *options, wrapper=["bash", "-c", script, "bash"], listen=listen, **more)

    def start(self):
        super().start()
        for fd in self.pass_fds:
            os.close(fd)


def launch(case, testbed, *options, address="127.0.0.1", kind=Culvert, **more):
    """Starts a culvert for a test, or for the tests of a class, and kills it after them."""
    culvert = kind(testbed, *options, **more)
    testbed.processes.append(culvert)
    cleanup = case.addClassCleanup if isinstance(case, type) else case.addCleanup
    cleanup(testbed.processes.remove, culvert)
    cleanup(culvert.assert_no_crash)
    cleanup(culvert.kill)
    culvert.up(address)
    return culvert


def secrets():
    token = base64.b64encode(f"{peers.USER}:{peers.PASSWORD}".encode()).decode()
    return [peers.PASSWORD, peers.PASSWORD_IN_URL, token, "hush"]


def assert_no_secret(text):
    for secret in secrets():
        if secret in text:
            raise AssertionError(f"the secret {secret!r} is in:\n{text}")
