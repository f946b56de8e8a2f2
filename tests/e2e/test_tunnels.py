"""--tunnels: several real ssh -D by one --tunnel-command, each at a port of its own, through reloads and restarts."""

import contextlib
import json
import os
import re
import shlex
import signal
import threading
import time
import unittest

import harness
import isolate
import peers
import wire
from culvert import FOUR_THREADS, launch
from testbed import Testbed, wait_for

TARGET = f"target.world:{wire.BULK_PORT}"
SSH = "/usr/bin/ssh\0-N\0"
PIECE = 16 * 1024


def setUpModule():
    global testbed, target, command
    testbed = harness.report_on(Testbed())
    target = wire.BulkTarget(testbed.outside)
    peers.start_sshd(testbed)
    command = shlex.join(map(str, peers.SshTunnel(testbed, port="{port}").argv))


def tunnels_now():
    """The pid of each ssh that runs, by its port."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as file:
            line = file.read()
            port = re.search(r"\0-D\x00127\.0\.0\.1:(\d+)\0", line)
            if line.startswith(SSH) and port:
                found[int(port.group(1))] = int(name)
    return found


def wait_gone():
    wait_for(lambda: not tunnels_now(), 20, "a tunnel is left")


class Moving:
    """A tunnel in which bytes move both ways all the time until end(); nothing that goes wrong is forgiven."""

    def __init__(self):
        self.client = wire.tunnel(testbed.home, TARGET, early=b"echo\n")
        self.moved = 0
        self.failure = None
        self.ending = False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        piece = os.urandom(PIECE)
        try:
            while not self.ending:
                self.client.sendall(piece)
                if wire.receive_exactly(self.client, PIECE) != piece:
                    raise AssertionError("other bytes came back")
                self.moved += PIECE
                time.sleep(0.01)
        except (OSError, AssertionError) as error:
            self.failure = error

    def end(self):
        self.ending = True
        self.thread.join(30)
        self.client.close()


class Tunnels(unittest.TestCase):
    threads = ()

    def start(self, *options):
        self.addCleanup(wait_gone)
        return launch(self, testbed, *options, *self.threads)

    def start_with_file(self, tunnels, *options):
        self.path = f"{isolate.STATE}/tunnels.toml"
        self.write(tunnels)
        return self.start("--config", self.path, *options)

    def write(self, tunnels):
        isolate.write(self.path, f"tunnel-command = {json.dumps(command)}\ntunnels = {tunnels}\n")

    def reload(self, culvert, tunnels):
        before = culvert.count_in_log(" reloaded (")
        self.write(tunnels)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(" reloaded (", before + 1)

    def ports(self, culvert, count):
        """Those of tunnel-1 and so on, once all work."""
        for number in range(1, count + 1):
            culvert.wait_log(f"tunnel {number}: Authenticated to")
        ports = [int(port) for port in re.findall(r"upstream tunnel-\d = socks5://127\.0\.0\.1:(\d+)\n", culvert.output())]
        wait_for(lambda: all(testbed.home.listens(port) for port in ports[:count]), 20, f"not all of {ports} are listened at")
        return ports[:count]

    def upgrade(self, culvert, count):
        """The process that takes over so many tunnels, once the old one has told that it serves."""
        culvert.signal(signal.SIGUSR2)
        for number in range(1, count + 1):
            culvert.wait_log(f"tunnel {number}: ssh goes on running")
        culvert.wait_log(" serves from now on")
        return int(re.search(r"hand-over: process (\d+) serves from now on", culvert.output()).group(1))

    def moving(self, count):
        found = [Moving() for _ in range(count)]
        for one in found:
            self.addCleanup(one.end)
        return found

    def check_moving(self, all_of_them):
        before = [one.moved for one in all_of_them]
        wait_for(
            lambda: all(one.failure or one.moved > moved + 2 * PIECE for one, moved in zip(all_of_them, before)), 30,
            "nothing moves any more",
        )
        self.assertEqual([one.failure for one in all_of_them], [None] * len(all_of_them))

    def used_by(self, culvert, count):
        """The ports through which that many requests go, one after the other, each of which waits for the last to open."""
        # A worker may adopt a new configuration a little after the log line; all of them have with this.
        before = len(culvert.access_lines())
        open_ones = [wire.tunnel(testbed.home, TARGET) for _ in range(count)]
        for one in open_ones:
            one.close()
        lines = culvert.wait_access_lines(before + count)[before:]
        return {int(port) for line in lines for port in re.findall(r" upstream=socks5://127\.0\.0\.1:(\d+) ", line)}

    def test_each_serves_and_one_that_is_killed_comes_back_alone(self):
        culvert = self.start("--tunnel-command", command, "--tunnels", "4")
        ports = self.ports(culvert, 4)
        self.assertEqual(len(set(ports)), 4)
        before = tunnels_now()
        self.assertEqual(set(before), set(ports))
        self.assertEqual(self.used_by(culvert, 8), set(ports))

        moving = self.moving(8)
        self.check_moving(moving)
        os.kill(before[ports[1]], signal.SIGKILL)
        culvert.wait_log("warning tunnel 2: ssh exited with status 137 after ")
        # Those that did not go through it live.
        culvert.wait_log("tunnel 2: Authenticated to", 2)
        wait_for(lambda: sum(one.failure is not None for one in moving) == 2, 20, "not the tunnels of one ssh are lost")
        self.check_moving([one for one in moving if one.failure is None])
        wait_for(lambda: testbed.home.listens(ports[1]), 20, "its port is not there")
        after = tunnels_now()
        self.assertNotEqual(after.pop(ports[1]), before.pop(ports[1]))
        self.assertEqual(after, before)
        for one in moving:
            one.end()
        for number, starts in ((1, 1), (2, 2), (3, 1), (4, 1)):
            self.assertEqual(culvert.count_in_log(f"tunnel {number}: starting ssh"), starts)
        wire.tunnel(testbed.home, TARGET).close()
        culvert.shut_down()
        wait_gone()
        self.assertNotIn("/user", culvert.output())  # the key's path stands in the command

    def test_a_reload_cuts_no_tunnel(self):
        culvert = self.start_with_file(4)
        ports = self.ports(culvert, 4)
        pids = tunnels_now()
        moving = self.moving(8)
        self.check_moving(moving)

        self.reload(culvert, 2)
        wait_for(lambda: self.used_by(culvert, 8) == set(ports[:2]), 20, "new requests go through tunnels that are not wanted")
        # For as long as somebody needs them they stay, however often that is asked.
        time.sleep(2.5)
        self.check_moving(moving)
        self.assertEqual(tunnels_now(), pids)

        self.reload(culvert, 4)
        wait_for(lambda: self.used_by(culvert, 8) == set(ports), 20, "not all tunnels are used again")
        self.check_moving(moving)
        self.assertEqual(tunnels_now(), pids)

        self.reload(culvert, 2)
        self.check_moving(moving)
        for one in moving:
            one.end()
        self.assertEqual([one.failure for one in moving], [None] * len(moving))
        for number in (3, 4):
            culvert.wait_log(f"tunnel {number}: ssh was ended by signal 15")
        wait_for(lambda: set(tunnels_now()) == set(ports[:2]), 20, "other tunnels run than two")
        self.assertEqual(tunnels_now(), {port: pids[port] for port in ports[:2]})

        self.reload(culvert, 4)
        for number in (3, 4):
            culvert.wait_log(f"tunnel {number}: Authenticated to", 2)
        wait_for(lambda: self.used_by(culvert, 8) == set(ports), 20, "not all tunnels serve again")
        culvert.shut_down()

    def test_they_end_when_culvert_is_killed(self):
        culvert = self.start("--tunnel-command", command, "--tunnels", "3")
        self.ports(culvert, 3)
        culvert.kill()
        wait_gone()

    def test_an_upgrade_keeps_them(self):
        culvert = self.start_with_file(4)
        self.addCleanup(culvert.end_successors)
        ports = self.ports(culvert, 4)
        pids = tunnels_now()
        moving = self.moving(4)
        self.check_moving(moving)
        new = self.upgrade(culvert, 4)
        self.check_moving(moving)
        self.assertEqual(tunnels_now(), pids)
        # The new process reaches them where they are.
        later = self.moving(4)
        self.check_moving(later)
        for one in moving:
            one.end()
        self.assertEqual(culvert.wait(20), 0)
        self.assertEqual(tunnels_now(), pids)
        # And it looks after them.
        os.kill(pids[ports[2]], signal.SIGKILL)
        culvert.wait_log("tunnel 3: ssh has ended after ")
        culvert.wait_log("tunnel 3: Authenticated to", 2)
        for one in later:
            one.end()
        os.kill(new, signal.SIGTERM)
        wait_for(lambda: not peers.is_running(new), 20, "the new process does not end")
        wait_gone()

    def test_an_upgrade_leaves_those_behind_that_are_not_wanted(self):
        culvert = self.start_with_file(3)
        self.addCleanup(culvert.end_successors)
        ports = self.ports(culvert, 3)
        pids = tunnels_now()
        moving = self.moving(6)
        self.check_moving(moving)
        self.reload(culvert, 2)
        new = self.upgrade(culvert, 2)
        self.check_moving(moving)
        self.assertEqual(tunnels_now(), pids)
        for one in moving:
            one.end()
        self.assertEqual(culvert.wait(20), 0)
        wait_for(lambda: set(tunnels_now()) == set(ports[:2]), 20, "other tunnels run than two")
        wire.tunnel(testbed.home, TARGET).close()
        os.kill(new, signal.SIGTERM)
        wait_for(lambda: not peers.is_running(new), 20, "the new process does not end")
        wait_gone()

    def test_another_command_takes_a_restart_and_changes_nothing_else(self):
        culvert = self.start_with_file(2)
        self.ports(culvert, 2)
        pids = tunnels_now()
        isolate.write(self.path, "tunnel-command = 'sleep 1000 # {port}'\ntunnels = 3\n")
        culvert.signal(signal.SIGHUP)
        culvert.wait_log("error reload: --upstream tunnel-3: --tunnel-command has changed, and its port takes a restart")
        culvert.wait_log("reload: nothing is changed")
        self.assertEqual(tunnels_now(), pids)
        wire.tunnel(testbed.home, TARGET).close()
        culvert.shut_down()


class TunnelsWithFourThreads(Tunnels):
    threads = FOUR_THREADS


if __name__ == "__main__":
    harness.main()
