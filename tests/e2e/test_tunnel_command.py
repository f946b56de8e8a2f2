"""--tunnel-command: culvert keeps a real ssh -D running, and takes it along when it leaves."""

import os
import re
import shlex
import signal
import unittest

import harness
import peers
import wire
from culvert import FOUR_THREADS, launch
from world import World, wait_for

TARGET = f"target.world:{wire.BULK_PORT}"
UPSTREAM = ("--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}")


def setUpModule():
    global world, target, command
    world = harness.set_stage(World())
    target = wire.BulkTarget(world.world)
    peers.start_sshd(world)
    command = shlex.join(map(str, peers.SshTunnel(world).argv))


def processes_with(words, at_begin=False):
    """Whose command line has these words; not the test's own, and no zombies, whose line is empty."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line and "--tunnel-command" not in line and (line.startswith(words) or not at_begin):
            found.append(int(name))
    return found


class TunnelCommand(unittest.TestCase):
    threads = ()

    def start(self, command_line):
        return launch(self, world, *UPSTREAM, "--tunnel-command", command_line, *self.threads)

    def gone(self, words, seconds=10):
        wait_for(lambda: not processes_with(words), seconds, f"{words!r} still runs")

    def test_the_first_request_waits_for_the_tunnel_and_the_next_ones_survive_its_end(self):
        culvert = self.start(command)
        wire.tunnel(world.home, TARGET).close()
        culvert.wait_log("tunnel: starting ssh")
        culvert.wait_log("tunnel: Authenticated to")
        for ends in (1, 2):
            [ssh] = processes_with("/usr/bin/ssh -N", at_begin=True)
            os.kill(ssh, signal.SIGKILL)
            # Not only dead but reaped: until then its listener may still take connections.
            wait_for(lambda: not os.path.exists(f"/proc/{ssh}"), 10, "ssh has survived SIGKILL")
            wire.tunnel(world.home, TARGET).close()
            # A shell stands between us and the command, and 128 + 9 is how it tells of SIGKILL.
            told = re.compile(r" warning tunnel: ssh exited with status 137 after \d+\.\d s, starting again in \d+ms$", re.MULTILINE)
            wait_for(lambda: len(told.findall(culvert.said())) == ends, 20, "the log does not tell of the end of ssh")
        culvert.end()
        self.gone("-D 127.0.0.1:1080")
        self.assertNotIn("/user", culvert.said())  # the key's path stood in the command

    def test_it_is_taken_along_when_culvert_is_killed(self):
        culvert = self.start(command)
        wire.tunnel(world.home, TARGET).close()
        culvert.kill()
        self.gone("-D 127.0.0.1:1080")

    def test_a_command_that_fails_is_told_of_and_started_later_and_later(self):
        culvert = self.start("echo no such luck >&2; exit 3")
        culvert.wait_log("tunnel: no such luck")
        culvert.wait_log("starting again in", 3)
        culvert.end()
        ends = re.findall(r" tunnel: echo exited with status 3 after \d+\.\d s, starting again in (\S+)\n", culvert.said())
        self.assertEqual(ends[:3], ["250ms", "500ms", "1s"])

    def test_a_command_that_floods_the_log_does_not(self):
        # What was left out is told in front of the first line of another second.
        culvert = self.start("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; sleep 1.5; echo over; sleep 60")
        culvert.wait_log("tunnel: over")
        culvert.end()
        said = culvert.said()
        lines = said.count("tunnel: line ")
        self.assertGreaterEqual(lines, 100)
        self.assertLess(lines, 3000)
        self.assertEqual(lines + sum(int(count) for count in re.findall(r"tunnel: (\d+) lines more", said)), 3000)

    def test_a_stubborn_command_is_ended_by_force(self):
        culvert = self.start("TOKEN=hush; trap '' TERM; echo up; while :; do sleep 0.777; done")
        culvert.wait_log("tunnel: up")
        # A command may hold a secret, and everybody on a machine can read command lines.
        # One sleep is over before the next one begins.
        wait_for(lambda: processes_with("sleep 0.777"), 5, "the command does not sleep")
        self.assertEqual(processes_with("TOKEN=hush"), [])
        culvert.end()
        self.gone("sleep 0.777")
        culvert.wait_log("tunnel: command was ended by signal 9")


class TunnelCommandWithFourThreads(TunnelCommand):
    threads = FOUR_THREADS


if __name__ == "__main__":
    harness.main()
