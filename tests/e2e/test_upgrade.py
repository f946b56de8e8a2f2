"""An upgrade cuts nothing: a long download and many short tunnels run across it, and a new program that cannot serve changes
nothing.

CULVERT_UPGRADE_MIB is the size of each download at least; without it 4 GiB, and with a sanitizer less.
"""

import array
import collections
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import unittest

import harness
import isolate
import peers
import wire
from culvert import PORT, ActivatedCulvert, Culvert, descriptors_of, has_thread_sanitizer, is_sanitized, launch
from testbed import Testbed, wait_for

MIB = 1 << 20
OTHER_PORT = PORT + 1
DIRECTORY = f"{isolate.STATE}/control"
ENV = {"RUNTIME_DIRECTORY": DIRECTORY}
UPGRADES = 3
RATE = 1000
SHORT_BETWEEN = 100  # tunnels between two upgrades, at least
SLOW = is_sanitized() or has_thread_sanitizer()
SIZE = int(os.environ.get("CULVERT_UPGRADE_MIB", 32 if SLOW else 4096)) * MIB
NOBODY = 65534


def places():
    """Where culverts can be taken over; each has a socket for `culvert status` as well."""
    return [name for name in os.listdir(DIRECTORY) if not name.startswith("status-")]


def setUpModule():
    global testbed, echo_port
    testbed = harness.report_on(Testbed())
    echo_port = wire.serve_in_threads(testbed.home, wire.echo, backlog=512)


def listening(*ports):
    return [f"127.0.0.1:{port}" for port in ports]


def tunnel(port=PORT):
    return wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}", port=port)


def check_echo(client):
    client.sendall(b"still here")
    assert wire.receive_exactly(client, 10) == b"still here"


class UpgradeCase(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(DIRECTORY, ignore_errors=True)

    def begin(self, *options, ports=(PORT,), kind=Culvert, **more):
        """A culvert that may be taken over."""
        more = {"listen": listening(*ports), **more}
        culvert = launch(self, testbed, "--take-over", *options, kind=kind, env=ENV, **more)
        self.addCleanup(culvert.end_successors)
        return culvert

    def second_start(self, *options, ports=(PORT,), env=None, **more):
        """It may end at once."""
        more = {"listen": listening(*ports), **more}
        culvert = Culvert(testbed, *options, env=ENV if env is None else env, **more)
        testbed.processes.append(culvert)
        self.addCleanup(testbed.processes.remove, culvert)
        self.addCleanup(culvert.kill)
        culvert.start()
        return culvert

    def take_over(self, *options, ports=(PORT,), **more):
        """It serves."""
        culvert = self.second_start("--take-over", *options, ports=ports, **more)
        culvert.wait_until(lambda: culvert.count_in_log(" listening on ") >= max(len(ports), 1))
        self.addCleanup(culvert.assert_no_crash)
        return culvert

    def fails(self, *options, status=1, **more):
        culvert = self.second_start(*options, **more)
        self.assertEqual(culvert.wait(20), status, culvert.output())
        return culvert.output()


class TakeOver(UpgradeCase):
    def test_take_over_with_another_configuration(self):
        old = self.begin("--threads", "2", ports=(PORT, OTHER_PORT))
        client = tunnel()
        new = self.take_over("--threads", "3", "--route", "*=deny", ports=(PORT, PORT + 2))
        new.wait_log(f"--take-over: took 2 listening sockets over from process {old.pid}\n")
        old.wait_log(f"hand-over: process {new.pid} asks for 2 of 4 listening sockets (--take-over)")
        old.wait_log("handed over: no new connections, 1 to finish, however long they take")
        denied, reply = wire.connect(testbed.home, f"127.0.0.1:{echo_port}")
        self.assertEqual(reply.status, 403, reply.line)
        denied.close()
        wire.connect(testbed.home, f"127.0.0.1:{echo_port}", port=PORT + 2)[0].close()
        wait_for(lambda: not testbed.home.listens(OTHER_PORT), 10, "the old one still listens elsewhere")
        check_echo(client)
        client.close()
        self.assertEqual(old.wait(20), 0)
        self.assertEqual(len(places()), 1)
        new.shut_down()
        self.assertEqual(places(), [])

    def test_take_over_again_and_again_leaves_no_descriptor(self):
        path = f"{isolate.STATE}/again.sock"
        listen = [*listening(PORT), f"unix:{path}"]
        first = last = self.begin("--threads", "2", listen=listen)
        last = self.take_over("--threads", "2", listen=listen)
        self.assertEqual(first.wait(20), 0)
        fresh = self.kinds_of_descriptors(last)
        for _ in range(2):
            before, last = last, self.take_over("--threads", "2", listen=listen)
            self.assertEqual(before.wait(20), 0)
        wait_for(
            lambda: self.kinds_of_descriptors(last) == fresh, 20, lambda: f"{self.kinds_of_descriptors(last)} instead of {fresh}",
        )
        self.assertTrue(os.path.exists(path))
        last.shut_down()
        self.assertFalse(os.path.exists(path))

    @staticmethod
    def kinds_of_descriptors(culvert):
        """Pipes come and go."""
        return collections.Counter(kind.partition(":[")[0] for kind in culvert.descriptors() if kind.startswith(("socket", "anon")))

    def test_nobody_to_take_over_from(self):
        culvert = self.begin()
        culvert.wait_log("--take-over: no culvert that can be taken over listens there, so this one just starts\n")
        # One at other ports is none of its business.
        other = self.take_over(ports=(OTHER_PORT,))
        other.wait_log("so this one just starts\n")
        self.assertEqual(len(places()), 2)
        culvert.signal(signal.SIGKILL)
        culvert.wait(20)
        again = self.take_over()
        again.wait_log("so this one just starts\n")
        check_echo(tunnel())
        check_echo(tunnel(OTHER_PORT))

    def test_of_two_that_start_at_the_same_time_one_takes_over_from_the_other(self):
        for _ in range(3):
            both = [self.second_start("--take-over", "--threads", "1") for _ in range(2)]
            wait_for(lambda: not all(one.running() for one in both), 30, lambda: "\n".join(one.output() for one in both))
            first, last = sorted(both, key=Culvert.running)
            self.assertEqual(first.wait(20), 0, first.output() + last.output())
            last.wait_log(f"--take-over: took 1 listening sockets over from process {first.pid}\n")
            first.wait_log(f"hand-over: process {last.pid} serves from now on\n")
            check_echo(tunnel())
            last.shut_down()

    def test_one_whose_address_is_taken_meanwhile_asks_again(self):
        os.mkdir(DIRECTORY, 0o700)
        network = os.stat(f"/proc/{testbed.culvert_host.pid}/ns/net").st_ino
        asked = socket.socket(socket.AF_UNIX)
        self.addCleanup(asked.close)
        asked.bind(f"{DIRECTORY}/{network}-{os.getpid()}-0")
        asked.listen()
        asked.settimeout(20)
        listener = testbed.home.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", PORT))
        listener.listen()
        culvert = self.second_start("--take-over")
        # Of the second question it has come because of the address.
        for last in (False, True):
            with asked.accept()[0] as client:
                client.settimeout(20)
                self.assertTrue(client.recv(4096).startswith(b"%d 0 0 21:http://127.0.0.1:%d" % (culvert.pid, PORT)))
                if last:
                    listener.close()
                client.sendall(b"-\0")
        culvert.wait_log(f"listening on http://127.0.0.1:{PORT}\n")
        culvert.shut_down()

    def test_another_program_at_the_port_is_the_usual_error(self):
        listener = testbed.home.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", PORT))
        listener.listen()
        self.assertIn(f"cannot listen on 127.0.0.1:{PORT}: the address is already in use", self.fails("--take-over"))

    def test_both_need_the_option(self):
        culvert = launch(self, testbed)
        error = self.fails("--take-over")
        self.assertIn("the address is already in use", error)
        self.assertIn("not started with --take-over: use kill -USR2 PID for this once, or stop it", error)
        culvert.shut_down()
        culvert = self.begin()
        error = self.fails()
        self.assertIn("the address is already in use", error)
        self.assertNotIn("--take-over", error)
        check_echo(tunnel())
        culvert.shut_down()

    def test_a_new_one_that_cannot_serve_changes_nothing(self):
        culvert = self.begin()
        taken = wire.serve(testbed.home, lambda connection: connection.close())
        # Before it asks:
        self.assertIn("--threads many: not a number", self.fails("--take-over", "--threads", "many", status=2))
        self.assertIn("password-file", self.fails("--take-over", "--upstream", "socks5://u@h?password-file=/none", status=2))
        self.assertNotIn("hand-over", culvert.output())
        # With the sockets in its hands:
        self.assertIn(f"cannot listen on 127.0.0.1:{taken}", self.fails("--take-over", ports=(PORT, taken)))
        culvert.wait_log("hand-over: nothing is changed, this process goes on serving: the new process has ended, see its output")
        check_echo(tunnel())
        # And once it can:
        new = self.take_over()
        self.assertEqual(culvert.wait(20), 0)
        new.shut_down()

    def ask(self, labels, culvert):
        """As a new process does. Returns the connection, the answer, and the descriptors that came with it."""
        name, = (name for name in places() if f"-{culvert.pid}-" in name)
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(20)
        client.connect(f"{DIRECTORY}/{name}")
        client.sendall(f"{os.getpid()} 0 ".encode() + b"".join(b"0 %d:%s" % (len(one), one) for one in labels) + b"\0")
        data, sockets = b"", []
        while not data.endswith(b"\0"):
            piece, ancillary, _, _ = client.recvmsg(65536, socket.CMSG_SPACE(4 * 250))
            if not piece:
                break
            data += piece
            for _, _, raw in ancillary:
                sockets += array.array("i", raw)
        for fd in sockets:
            self.addCleanup(os.close, fd)
        return client, data, sockets

    def test_one_that_dies_at_each_stage_changes_nothing(self):
        culvert = self.begin("--threads", "2")
        label = f"http://127.0.0.1:{PORT}".encode()
        fresh = len(descriptors_of(culvert.pid))
        for stage in ("connects", "asks for nothing", "writes nonsense", "gets the sockets", "is nearly ready"):
            with self.subTest(stage=stage):
                name, = places()
                if stage in ("connects", "writes nonsense"):
                    client = socket.socket(socket.AF_UNIX)
                    client.connect(f"{DIRECTORY}/{name}")
                    if stage == "writes nonsense":
                        client.sendall(b"\0 GET / HTTP/1.1\r\n\0")
                elif stage == "asks for nothing":
                    client, data, sockets = self.ask([b"http://127.0.0.1:1"], culvert)
                    self.assertEqual((data, sockets), (b"-\0", []))
                else:
                    before = culvert.count_in_log("nothing is changed")
                    client, data, sockets = self.ask([label], culvert)
                    self.assertEqual(data, f"{culvert.pid} 0 0 21:{label.decode()}1 21:{label.decode()}\0".encode())
                    self.assertEqual(len(sockets), 2)
                    # The other one of two that take over at the same time:
                    self.assertIn(
                        f"--take-over: the running culvert (process {culvert.pid}) does not hand over: process {os.getpid()} is about "
                        "to serve already", self.fails("--take-over"),
                    )
                    if stage == "is nearly ready":
                        client.sendall(b"ssh -D")
                client.close()
                if stage in ("gets the sockets", "is nearly ready"):
                    culvert.wait_log("nothing is changed, this process goes on serving: the new process has ended", before + 1)
                for _ in range(4):
                    check_echo(tunnel())
        wait_for(lambda: len(descriptors_of(culvert.pid)) <= fresh, 20, lambda: "\n".join(descriptors_of(culvert.pid)))
        new = self.take_over()
        self.assertEqual(culvert.wait(20), 0)
        new.shut_down()

    def test_sigterm_gives_up_one_that_does_not_serve_yet(self):
        culvert = self.begin("--threads", "1")
        client, _, sockets = self.ask([f"http://127.0.0.1:{PORT}".encode()], culvert)
        self.assertEqual(len(sockets), 1)
        culvert.signal(signal.SIGTERM)
        self.assertEqual(culvert.wait(20), 0)
        self.assertEqual(wire.receive_all(client), b"\xff\xff\xff\xffit has given this one up")

    def test_a_usr2_successor_can_be_taken_over_and_the_other_way_round(self):
        culvert = self.begin()
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log(" serves from now on")
        pid = int(re.search(r"process (\d+) serves from now on", culvert.output())[1])
        self.assertEqual(culvert.wait(20), 0)
        wait_for(lambda: any(f"-{pid}-" in name for name in places()), 10, "it cannot be asked")
        new = self.take_over()
        wait_for(lambda: not peers.is_running(pid), 20, "the successor does not end")
        new.signal(signal.SIGUSR2)
        self.addCleanup(new.end_successors)
        new.wait_log(" serves from now on")
        self.assertEqual(new.wait(20), 0)
        check_echo(tunnel())

    def test_the_tunnel_command_changes_hands(self):
        command = ("--tunnel-command", "echo begun; exec sleep 1000")
        culvert = self.begin(*command)
        culvert.wait_log("tunnel: begun")
        new = self.take_over(*command)
        new.wait_log("tunnel: echo goes on running")
        self.assertEqual(culvert.wait(20), 0)
        self.assertNotIn("tunnel: begun", new.output())
        new.shut_down()

    def test_several_tunnel_commands_change_hands_with_their_ports(self):
        command = ("--tunnel-command", "echo at {port}; exec sleep 1000", "--tunnels", "3")
        culvert = self.begin(*command)
        for number in (1, 2, 3):
            culvert.wait_log(f"tunnel {number}: at ")
        new = self.take_over(*command)
        for number in (1, 2, 3):
            new.wait_log(f"tunnel {number}: echo goes on running")
        self.assertEqual(culvert.wait(20), 0)
        self.assertNotIn(": at ", new.output())
        upstreams = [re.findall(r"upstream tunnel-\d = socks5://127\.0\.0\.1:\d+\n", one.output()) for one in (culvert, new)]
        self.assertEqual(len(upstreams[0]), 3)
        self.assertEqual(upstreams[0], upstreams[1])
        new.shut_down()

    def test_another_user_gets_nothing(self):
        culvert = self.begin()
        output = self.fails("--take-over", wrapper=["setpriv", f"--reuid={NOBODY}", "--clear-groups"])
        self.assertIn(f"--take-over: {DIRECTORY}: Permission denied", output)
        # Even where the files' rights do not keep it out.
        name, = places()
        os.chmod(DIRECTORY, 0o777)
        os.chmod(f"{DIRECTORY}/{name}", 0o777)
        script = (
            "import os, socket, sys; os.setuid(int(sys.argv[2])); one = socket.socket(socket.AF_UNIX); one.connect(sys.argv[1]); "
            "one.sendall(b'1 0 0 %d:%s\\0' % (len(sys.argv[3]), sys.argv[3].encode())); one.settimeout(20); print(one.recv(100))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, f"{DIRECTORY}/{name}", str(NOBODY), f"http://127.0.0.1:{PORT}"],
            capture_output=True, text=True, timeout=60, check=False,
        )
        # Closed, with its question unread.
        self.assertIn(done.stdout or done.stderr.splitlines()[-1], ("b''\n", "ConnectionResetError: [Errno 104] Connection reset by peer",
                                                                   "BrokenPipeError: [Errno 32] Broken pipe"))
        self.assertNotIn("hand-over", culvert.output())
        # Nor does one that others can write to count.
        self.assertIn("others can write to it", self.fails("--take-over"))
        culvert.shut_down()

    def test_systemd_would_end_the_new_one(self):
        wrapper = ["sh", "-c", 'export SYSTEMD_EXEC_PID=$$; exec "$@"', "sh"]
        culvert = self.begin(wrapper=wrapper)
        self.assertIn("does not hand over: systemd ends a service with its main process", self.fails("--take-over"))
        culvert.wait_log("hand-over: nothing is changed, this process goes on serving: systemd ends a service")
        check_echo(tunnel())
        culvert.shut_down()


class Download:
    """As fast as it goes: it ends when told to, but not before SIZE bytes. Every byte is compared."""

    TWICE = bytes(wire.BLOCK) * 2

    def __init__(self):
        self.may_end = threading.Event()
        self.received = 0
        self.problem = None
        port = wire.serve_in_threads(testbed.home, self._send)
        self.client = wire.tunnel(testbed.home, f"127.0.0.1:{port}")
        self.client.sendall(b"go")
        self.reader = threading.Thread(target=self._receive)
        self.reader.start()

    def _send(self, connection):
        with connection:
            connection.recv(2)
            sent = 0
            while sent < SIZE or not self.may_end.is_set():
                connection.sendall(wire.BLOCK)
                sent += len(wire.BLOCK)

    def _receive(self):
        at = 0
        try:
            while data := self.client.recv(MIB // 2):
                if not self.TWICE.startswith(data, at):
                    self.problem = f"a wrong byte behind {self.received}"
                    break
                self.received += len(data)
                at = (at + len(data)) % len(wire.BLOCK)
        except OSError as error:
            self.problem = repr(error)

    def finish(self, case):
        self.may_end.set()
        self.reader.join(200)
        case.assertIsNone(self.problem)
        case.assertGreaterEqual(self.received, SIZE)
        case.assertEqual(self.received % len(wire.BLOCK), 0)
        self.client.close()


class ShortConnects:
    """Many short tunnels, from a process of its own."""

    def __init__(self, case):
        self.program = subprocess.Popen(
            testbed.home.command([sys.executable, os.path.join(os.path.dirname(__file__), "short_connects.py"), PORT, RATE]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        case.addCleanup(self.program.kill)

    def result(self):
        """What has come of them until now."""
        self.program.stdin.write("\n")
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def finish(self):
        return json.loads(self.program.communicate(timeout=60)[0])


class Upgrades(UpgradeCase):
    """Across three of them nothing is refused and nothing is cut."""

    def run_across(self, culvert, upgrade, what):
        download = Download()
        load = ShortConnects(self)

        def go_on():
            """Some of each; how long that takes depends on the machine."""
            received, served = download.received, load.result()["served"]
            wait_for(lambda: download.received > received + SIZE // 8 or download.problem, 60, "the download does not go on")
            wait_for(
                lambda: load.result()["served"] > served + SHORT_BETWEEN, 60, lambda: f"the short tunnels do not go on: {load.result()}",
            )

        pid = culvert.pid
        for number in range(UPGRADES):
            go_on()
            pid = upgrade(pid, number)
        go_on()
        self.assertTrue(culvert.running(), f"the download was cut:\n{culvert.tail(30)}")
        download.finish(self)
        self.assertEqual(culvert.wait(60), 0)
        result = load.finish()
        self.assertEqual(result["failures"], [])
        rate = result["served"] / result["seconds"]
        print(
            f"{what}: {download.received >> 20} MiB and {result['served']} tunnels ({rate:.0f} a second, slowest "
            f"{1000 * result['slowest']:.0f} ms) over {UPGRADES} upgrades", flush=True,
        )
        if not SLOW:
            self.assertGreater(rate, RATE / 2, "the load was not what this is about")

    def by_signal(self, culvert):
        """An upgrade by SIGUSR2: its log is the first process's."""

        def upgrade(pid, _):
            seen = culvert.count_in_log(" serves from now on")
            os.kill(pid, signal.SIGUSR2)
            culvert.wait_log(" serves from now on", seen + 1)
            return int(re.findall(r"process (\d+) serves from now on", culvert.output())[-1])

        return upgrade

    def by_second_start(self, *options, **more):
        def upgrade(pid, _):
            new = self.take_over(*options, **more)
            new.wait_log(f"listening sockets over from process {pid}\n")
            return new.pid

        return upgrade

    def test_sigusr2(self):
        culvert = self.begin("--access-log", "off")
        self.run_across(culvert, self.by_signal(culvert), "SIGUSR2")

    def test_take_over(self):
        culvert = self.begin("--access-log", "off", "--threads", "1")
        self.run_across(culvert, self.by_second_start("--access-log", "off", "--threads", "2"), "--take-over")

    def test_socket_activation(self):
        one = testbed.home.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(one.close)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", PORT))
        one.listen(512)
        culvert = ActivatedCulvert(testbed, "--take-over", "--access-log", "off", sockets=[one], env=ENV)
        testbed.processes.append(culvert)
        self.addCleanup(testbed.processes.remove, culvert)
        self.addCleanup(culvert.end_successors)
        self.addCleanup(culvert.kill)
        culvert.start()
        culvert.wait_until(lambda: "listening on " in culvert.output())
        start, by_signal = self.by_second_start("--access-log", "off", listen=["systemd"]), self.by_signal(culvert)

        def upgrade(pid, number):
            return by_signal(pid, number) if number == 0 else start(pid, number)

        self.run_across(culvert, upgrade, "socket activation, SIGUSR2 and --take-over")


if __name__ == "__main__":
    harness.main()
