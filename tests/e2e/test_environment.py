"""What culvert inherits or lacks: limits, blocked signals, being process 1, SIGSTOP, files that are gone."""

import collections
import os
import re
import resource
import signal
import socket
import stat
import threading
import time
import unittest

import harness
import isolate
import peers
import wire
from culvert import PORT, Culvert, is_sanitized, launch
from testbed import BORDER, Testbed, wait_for

MIB = 1 << 20
TARGET = f"target.world:{wire.BULK_PORT}"


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    wire.BulkTarget(testbed.outside)
    peers.start_dante(testbed)


OVER_DANTE = ("--upstream", f"d=socks5://{peers.LOGIN}{BORDER}:{peers.DANTE_PORT}", "--threads", "1")
# Names that are looked up here.
LOOKED_UP_HERE = ("--route", "*.here=direct")
NOT_RESOLVED = "HTTP/1.1 502 culvert: target name.here:443 does not resolve here (direct)"


class ResourceLimits(unittest.TestCase):
    def test_too_few_open_files_to_start(self):
        for most, listeners in ((5, 1), (8, 1), (16, 1), (48, 20), (61, 20)):
            listen = [word for i in range(listeners) for word in ("--listen", f"127.0.0.1:{PORT + i}")]
            argv = ("prlimit", f"--nofile={most}", "--", os.environ["CULVERT"], *listen, "--threads", "1")
            for status, more in ((1, ()), (2, ("--check-config",))):
                with self.subTest(most=most, listeners=listeners, more=more):
                    done = testbed.culvert_host.run(*argv, *more, check=False, timeout=20)
                    self.assertEqual(done.returncode, status, done.stderr)
                    self.assertIn(f"the limit of open files is {most}", done.stderr)
                    self.assertNotIn("listening", done.stderr)

    def test_fewer_open_files_than_connections_may_need(self):
        options = ("--threads", "1", "--max-connections")
        culvert = launch(self, testbed, *options, "100", wrapper=("prlimit", "--nofile=64:128", "--"))
        text = (
            "the limit of open files is 128, which is enough for about 52 tunnels at a time: --max-connections 100 may need 224 "
            "(ulimit -Hn, LimitNOFILE=)\n"
        )
        self.assertEqual(culvert.count_in_log(f"warning {text}"), 1, culvert.output())
        culvert.shut_down()
        for most, warning in ((128, f"culvert: warning: {text}"), (224, "")):
            argv = ("prlimit", f"--nofile={most}", "--", os.environ["CULVERT"], "--check-config", "--listen", f"127.0.0.1:{PORT}",
                    *options, "100")
            done = testbed.culvert_host.run(*argv, timeout=20)
            self.assertEqual(done.stderr, warning)

    @unittest.skipIf(is_sanitized(), "a sanitizer's shadow takes all of the address space")
    def test_no_thread_for_a_lookup(self):
        """Threads need address space. Without, only lookups fail, with that reason."""
        # Only the C library follows another order than files and dns.
        with open("/etc/nsswitch.conf", encoding="utf-8") as file:
            nsswitch = file.read()
        self.addCleanup(isolate.write, "/etc/nsswitch.conf", nsswitch)
        isolate.write("/etc/nsswitch.conf", nsswitch.replace("files dns", "dns files"))
        culvert = launch(self, testbed, *OVER_DANTE, *LOOKED_UP_HERE)
        client = wire.tunnel(testbed.home, early=b"echo\n")
        before = resource.prlimit(culvert.pid, resource.RLIMIT_AS)
        with open(f"/proc/{culvert.pid}/statm", encoding="ascii") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize()
        resource.prlimit(culvert.pid, resource.RLIMIT_AS, (size + 6 * MIB, before[1]))
        denied, reply = wire.connect(testbed.home, "name.here:443")
        denied.close()
        self.assertEqual(
            reply.line,
            "HTTP/1.1 503 culvert: target name.here:443 cannot be looked up: no thread can be started (see ulimit -u, TasksMax=) "
            "(direct)",
        )
        resource.prlimit(culvert.pid, resource.RLIMIT_AS, before)
        denied, reply = wire.connect(testbed.home, "name.here:443")
        denied.close()
        self.assertEqual(reply.line, NOT_RESOLVED)
        client.sendall(b"!")
        self.assertEqual(client.recv(1), b"!")
        client.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_no_thread_for_lookups(self):
        """Names that DNS is asked for need none."""
        culvert = launch(self, testbed, *OVER_DANTE, *LOOKED_UP_HERE)
        for _ in range(2):
            denied, reply = wire.connect(testbed.home, "name.here:443")
            denied.close()
            self.assertEqual(reply.line, NOT_RESOLVED.replace("here (", "here: the name does not exist ("))
        self.assertEqual(culvert.threads(), 1)
        culvert.shut_down()

    def test_a_log_that_may_not_grow(self):
        log = f"{isolate.STATE}/full.access"
        culvert = launch(self, testbed, *OVER_DANTE, "--access-log", log)
        with open(culvert.stderr_path, "rb") as file:
            at_most = len(file.read()) + 500
        resource.prlimit(culvert.pid, resource.RLIMIT_FSIZE, (at_most, at_most))
        for _ in range(at_most // 50):
            wire.tunnel(testbed.home, early=b"echo\n").close()
        culvert.assert_no_leaks()
        # Nearly full: the limit was met.
        self.assertGreater(os.path.getsize(log), at_most - 400)
        culvert.shut_down()

    def test_an_access_log_on_a_full_disk(self):
        culvert = launch(self, testbed, *OVER_DANTE, "--access-log", "/dev/full")
        for _ in range(4):
            wire.tunnel(testbed.home, early=b"echo\n").close()
        culvert.wait_log(" warning the access log cannot be written: No space left on device; ")
        culvert.shut_down()
        self.assertEqual(culvert.output().count(" the access log cannot be written: "), 1)
        self.assertIn(" warning 4 lines of the access log were dropped: ", culvert.output())


class Inherited(unittest.TestCase):
    def test_blocked_signals(self):
        """If they stayed blocked, nobody could end culvert, and it would not notice that its tunnel dies."""
        wrapper = ("env", "--block-signal=TERM,INT,HUP,CHLD")
        culvert = launch(self, testbed, *OVER_DANTE, "--tunnel-command", "exit 7", wrapper=wrapper)
        culvert.wait_log("tunnel: starting", 2)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(" info reload: there is no --config, so nothing was read again")
        culvert.shut_down()

    def test_process_1(self):
        """In a container nobody else reaps the orphans of a tunnel command."""
        wrapper = ("unshare", "--pid", "--fork", "--kill-child")
        culvert = launch(self, testbed, *OVER_DANTE, "--tunnel-command", "sleep 100 & exit 7", wrapper=wrapper)
        culvert.wait_log("tunnel: starting", 4, seconds=30)
        first = peers.children(culvert.pid)[0]
        # Of the last run, at most: its shell, the one that watches us, and the sleep. Orphans of the run before may
        # be ending just now.
        wait_for(lambda: len(peers.children(first)) <= 3, 10, "children of earlier runs are still there")
        os.kill(first, signal.SIGTERM)
        self.assertEqual(culvert.wait(20), 0)


class Stopped(unittest.TestCase):
    """What arrives while the process is stopped is in time: SIGSTOP, a debugger, a frozen container, a suspended laptop."""

    def while_stopped(self, culvert, act):
        culvert.signal(signal.SIGSTOP)
        wait_for(lambda: peers.state(culvert.pid) == "T", 5, "the process does not stop")
        act()
        time.sleep(3.5)
        culvert.signal(signal.SIGCONT)

    def test_a_request(self):
        culvert = launch(self, testbed, *OVER_DANTE, "--header-timeout", "3s")
        client = wire.open_client(testbed.home)
        wait_for(lambda: culvert.sockets() > culvert.sockets_at_start, 10, "the connection is not accepted")
        self.while_stopped(culvert, lambda: client.sendall(f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode()))
        self.assertEqual(wire.read_reply(client).status, 200)
        client.close()
        culvert.shut_down()

    def test_a_tunnel(self):
        culvert = launch(self, testbed, *OVER_DANTE, "--idle-timeout", "3s")
        client = wire.tunnel(testbed.home, early=b"echo\n")
        self.while_stopped(culvert, lambda: client.sendall(b"!"))
        self.assertEqual(client.recv(1), b"!")
        client.close()
        culvert.shut_down()


class Files(unittest.TestCase):
    def test_a_socket_file_may_be_a_successors(self):
        path = f"{isolate.STATE}/culvert.sock"
        first, second = (Culvert(testbed, *OVER_DANTE, listen=[f"unix:{path}"]) for _ in range(2))
        for culvert in (first, second):
            self.addCleanup(culvert.kill)
            culvert.start()
            culvert.wait_until(lambda: "listening on" in culvert.output())
            if culvert is first:
                os.unlink(path)
        first.shut_down()
        self.assertTrue(os.path.exists(path))
        second.shut_down()
        self.assertFalse(os.path.exists(path))

    def test_every_worker_serves_a_unix_socket(self):
        """Forty clients, one after the other: each of four workers has its share of them."""
        path = f"{isolate.STATE}/culvert.sock"
        culvert = Culvert(testbed, "--upstream", "direct://", "--threads", "4", listen=[f"unix:{path}?mode=0622&group=0"])
        self.addCleanup(culvert.kill)
        culvert.start()
        culvert.wait_until(lambda: "listening on" in culvert.output())
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o622)
        clients = []
        for _ in range(40):
            clients.append(socket.socket(socket.AF_UNIX))
            clients[-1].connect(path)
            time.sleep(0.01)
        for client in clients:
            client.sendall(b"C")  # without a byte it would be a health probe, which leaves no line
            client.close()
        # A worker's sessions are numbered in steps of as many as there are workers.
        culvert.wait_access_lines(40)
        culvert.shut_down()
        ids = [int(re.search(r" id=(\d+) ", line)[1]) for line in culvert.access_lines()]
        served = collections.Counter(number % 4 for number in ids)
        # They are dealt to the workers in turn.
        self.assertEqual(sorted(served.values()), [10] * 4)
        for line in culvert.access_lines():
            self.assertRegex(line, rf' client="unix:uid={os.geteuid()},pid={os.getpid()}" ')

    def test_a_pipe_for_the_access_log_that_nobody_reads_any_more(self):
        path = f"{isolate.STATE}/access.pipe"
        os.mkfifo(path)
        reader = threading.Thread(target=lambda: open(path, "rb").close(), daemon=True)
        reader.start()
        culvert = launch(self, testbed, *OVER_DANTE, "--access-log", path)
        reader.join()
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(f"reload: --access-log {path}: a pipe that nobody reads\n")
        wire.tunnel(testbed.home, early=b"echo\n").close()
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
