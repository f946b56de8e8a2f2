"""--tunnel-command: culvert keeps a real ssh -D running, and ends it when it exits itself."""

import os
import re
import shlex
import signal
import unittest

import harness
import peers
import wire
from culvert import FOUR_THREADS, has_thread_sanitizer, launch
from testbed import Testbed, wait_for

TARGET = f"target.world:{wire.BULK_PORT}"
UPSTREAM = ("--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}")


def setUpModule():
    global testbed, target, command
    testbed = harness.report_on(Testbed())
    target = wire.BulkTarget(testbed.outside)
    peers.start_sshd(testbed)
    command = shlex.join(map(str, peers.SshTunnel(testbed).argv))


def processes_with(text, at_begin=False):
    """Whose command line contains the text; not the test itself, and no zombies, whose line is empty."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and "--tunnel-command" not in line and (line.startswith(text) or not at_begin):
            found.append(int(name))
    return found


class TunnelCommand(unittest.TestCase):
    threads = ()

    def start(self, command_line):
        return launch(self, testbed, *UPSTREAM, "--tunnel-command", command_line, *self.threads)

    def wait_gone(self, text, seconds=10):
        wait_for(lambda: not processes_with(text), seconds, f"{text!r} still runs")

    def test_the_first_request_waits_for_the_tunnel_and_the_next_ones_survive_its_end(self):
        culvert = self.start(command)
        wire.tunnel(testbed.home, TARGET).close()
        culvert.wait_log("tunnel: starting ssh")
        culvert.wait_log("tunnel: Authenticated to")
        for ends in (1, 2):
            [ssh] = processes_with("/usr/bin/ssh -N", at_begin=True)
            os.kill(ssh, signal.SIGKILL)
            # Not only dead but reaped: until then its listener may still take connections.
            wait_for(lambda: not os.path.exists(f"/proc/{ssh}"), 10, "ssh has survived SIGKILL")
            wire.tunnel(testbed.home, TARGET).close()
            # A shell stands between us and the command, and 128 + 9 is its exit status for SIGKILL.
            exits = re.compile(r" warning tunnel: ssh exited with status 137 after \d+\.\d s, starting again in \d+ms$", re.MULTILINE)
            wait_for(lambda: len(exits.findall(culvert.output())) == ends, 20, "the exit of ssh is not logged")
        culvert.shut_down()
        self.wait_gone("-D 127.0.0.1:1080")
        self.assertNotIn("/user", culvert.output())  # the key's path stood in the command

    def test_it_ends_when_culvert_is_killed(self):
        culvert = self.start(command)
        wire.tunnel(testbed.home, TARGET).close()
        culvert.kill()
        self.wait_gone("-D 127.0.0.1:1080")

    def test_a_command_that_fails_is_restarted_with_backoff(self):
        culvert = self.start("echo no such luck >&2; exit 3")
        culvert.wait_log("tunnel: no such luck")
        # The thread sanitizer of g++ 12 swallows one SIGCHLD in some hundred, though the kernel has delivered it, of a
        # command that exits while its start is not over. A repeated signal makes no exit that has not happened.
        repeat = (lambda: culvert.signal(signal.SIGCHLD)) if has_thread_sanitizer() else (lambda: None)
        wait_for(
            lambda: repeat() or culvert.count_in_log("starting again in") >= 3, 20,
            lambda: f"the command is not started again:\n{culvert.tail(40)}",
        )
        culvert.shut_down()
        ends = re.findall(r" tunnel: echo exited with status 3 after \d+\.\d s, starting again in (\S+)\n", culvert.output())
        self.assertEqual(ends[:3], ["250ms", "500ms", "1s"])

    def test_a_command_that_floods_the_log_does_not(self):
        # The number of lines left out is logged before the first line of another second.
        culvert = self.start("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; sleep 1.5; echo over; sleep 60")
        culvert.wait_log("tunnel: over")
        culvert.shut_down()
        output = culvert.output()
        lines = output.count("tunnel: line ")
        self.assertGreaterEqual(lines, 100)
        self.assertLess(lines, 3000)
        self.assertEqual(lines + sum(int(count) for count in re.findall(r"tunnel: (\d+) lines more", output)), 3000)

    def test_a_stubborn_command_is_ended_by_force(self):
        culvert = self.start("TOKEN=hush; trap '' TERM; echo up; while :; do sleep 0.777; done")
        culvert.wait_log("tunnel: up")
        # A command may hold a secret, and everybody on a machine can read command lines.
        # One sleep is over before the next one begins.
        wait_for(lambda: processes_with("sleep 0.777"), 5, "the command does not sleep")
        self.assertEqual(processes_with("TOKEN=hush"), [])
        culvert.shut_down()
        self.wait_gone("sleep 0.777")
        culvert.wait_log("tunnel: command was ended by signal 9")


class TunnelCommandWithFourThreads(TunnelCommand):
    threads = FOUR_THREADS


if __name__ == "__main__":
    harness.main()
