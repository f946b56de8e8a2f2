"""A restart is invisible: the listening sockets outlive the process, passed by systemd or handed over to a new one."""

import collections
import hashlib
import os
import re
import shutil
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
from culvert import PORT, ActivatedCulvert, Culvert, descriptors_of, has_thread_sanitizer, launch
from testbed import BORDER, Testbed, wait_for

MIB = 1 << 20
# The load stays on this host, the long transfers leave it.
UPSTREAM = ("--upstream", f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}", "--route", "127.0.0.0/8=direct")
UNIX = f"{isolate.STATE}/culvert.sock"
ROUNDS = 3
SYSTEMD_SOCKET_ACTIVATE = "/usr/bin/systemd-socket-activate"
# None is the default, one worker a core.
NUMBERS_OF_THREADS = (None, 1, 4)


def setUpModule():
    global testbed, target, echo_port
    testbed = harness.report_on(Testbed())
    target = wire.BulkTarget(testbed.outside)
    peers.start_microsocks(testbed)
    echo_port = wire.serve_in_threads(testbed.home, wire.echo, backlog=512)


def number_of(threads):
    return () if threads is None else ("--threads", str(threads))


def dial(address):
    """A connection to a TCP port, an (IPv6 address, port), or the path of a unix socket."""
    if isinstance(address, int):
        return wire.open_client(testbed.home, address)
    if isinstance(address, tuple):
        return wire.open_client(testbed.home, address[1], address=address[0])
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(address)
    return client


class Load:
    """Clients, each of which opens short tunnels one after the other, and one that sends plain requests. Nothing that goes
    wrong is forgiven."""

    def __init__(self, case, *addresses):
        self.failures = []
        self.served = 0
        self.stopping = False
        self.web = wire.serve_in_threads(testbed.home, self._answer, backlog=512)
        each = [(one, address) for address in addresses for one in (self._tunnel, self._tunnel, self._request)]
        self.threads = [threading.Thread(target=self._run, args=client) for client in each]
        for thread in self.threads:
            thread.start()
        case.addCleanup(self.stop)

    @staticmethod
    def _answer(connection):
        with connection:
            data = b""
            while not data.endswith(b"\r\n\r\n"):
                piece = connection.recv(4096)
                if not piece:
                    return
                data += piece
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def _tunnel(self, address):
        with dial(address) as client:
            client.sendall(f"CONNECT 127.0.0.1:{echo_port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            reply = wire.read_reply(client)
            if reply.status != 200:
                raise AssertionError(reply.line)
            client.sendall(b"ping")
            wire.receive_exactly(client, 4)

    def _request(self, address):
        with dial(address) as client:
            authority = f"127.0.0.1:{self.web}"
            client.sendall(f"GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n".encode())
            data = wire.receive_all(client)
            if not data.startswith(b"HTTP/1.1 200 ") or not data.endswith(b"\r\n\r\nok"):
                raise AssertionError(repr(data))

    def _run(self, one, address):
        while not self.stopping:
            try:
                one(address)
                self.served += 1
            except (OSError, AssertionError) as error:
                self.failures.append(f"{address}: {error!r}")
                return

    def wait_for_more(self, count=60):
        aim = self.served + count
        wait_for(lambda: self.served >= aim or self.failures, 30, "the clients are not served")

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


class LongTransfer:
    """A download whose second half comes only after finish()."""

    SIZE = 20 * MIB

    def __init__(self):
        target.clear()
        self.client = wire.tunnel(testbed.home, early=b"halves %d\n" % self.SIZE)
        self.received = []
        self.reader = threading.Thread(target=lambda: self.received.append(wire.receive(self.client)))
        self.reader.start()

    def finish(self, case):
        target.release.set()
        self.reader.join(60)
        expected = hashlib.sha256()
        for _ in range(2):
            for piece in wire.pattern(self.SIZE // 2):
                expected.update(piece)
        case.assertEqual(self.received, [(self.SIZE, expected.hexdigest())])
        self.client.close()


def kinds_of_descriptors(pid):
    """How many sockets, epoll sets and so on the process has open; pipes come and go."""
    kinds = [name.partition(":[")[0] for name in descriptors_of(pid)]
    return collections.Counter(kind for kind in kinds if kind != "pipe")


class Handover(unittest.TestCase):
    def start(self, *options, **more):
        culvert = launch(self, testbed, *UPSTREAM, *options, **more)
        # Its successors are children of nobody that the testbed knows.
        self.addCleanup(culvert.end_successors)
        return culvert

    def pids(self, culvert):
        return [int(pid) for pid in re.findall(r"hand-over: process (\d+) serves from now on", culvert.output())]

    def hand_over(self, culvert, pid):
        """To a new process, whose pid is returned."""
        before = len(self.pids(culvert))
        started = culvert.count_in_log(" listening on ")
        sent = 0

        def serves():
            # The thread sanitizer of g++ 12 swallows a signal now and then. One more does nothing but warn.
            nonlocal sent
            if not sent or has_thread_sanitizer() and time.monotonic() > sent + 2:
                os.kill(pid, signal.SIGUSR2)
                sent = time.monotonic()
            return len(self.pids(culvert)) > before

        wait_for(serves, 30, lambda: f"no new process serves:\n{culvert.tail(30)}")
        wait_for(lambda: culvert.count_in_log(" listening on ") > started, 10, "the new process does not say where it listens")
        return self.pids(culvert)[-1]

    def end(self, culvert, pid):
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not peers.is_running(pid), 20, lambda: f"process {pid} does not end:\n{culvert.tail(30)}")

    def test_nothing_is_refused_reset_or_cut(self):
        for threads in NUMBERS_OF_THREADS:
            with self.subTest(threads=threads):
                listen = [f"127.0.0.1:{PORT}", f"[::1]:{PORT}", f"unix:{UNIX}"]
                culvert = self.start(*number_of(threads), listen=listen)
                transfer = LongTransfer()
                load = Load(self, PORT, ("::1", PORT), UNIX)
                pids = [culvert.pid]
                for _ in range(ROUNDS):
                    load.wait_for_more()
                    # The one that began still drains, with the transfer.
                    pids.append(self.hand_over(culvert, pids[-1]))
                load.wait_for_more()
                for pid in pids[1:-1]:
                    wait_for(lambda: not peers.is_running(pid), 20, f"process {pid} has handed over and does not end")
                self.assertTrue(culvert.running(), "the first process has cut its tunnel")
                transfer.finish(self)
                self.assertEqual(culvert.wait(20), 0)
                load.wait_for_more()
                load.stop()
                self.assertEqual(load.failures, [])
                self.assertTrue(os.path.exists(UNIX))
                self.end(culvert, pids[-1])
                self.assertFalse(os.path.exists(UNIX))
                self.assertFalse(testbed.home.listens(PORT))
                print(f"threads {threads}: {load.served} connections over {ROUNDS} hand-overs", flush=True)

    def test_another_number_of_threads(self):
        """Each socket of the old workers still has somebody who accepts from it."""
        path = f"{isolate.STATE}/threads.toml"
        isolate.write(path, "threads = 1\n")
        culvert = self.start("--config", path)
        load = Load(self, PORT)
        pid = culvert.pid
        for threads in (4, 2, 3, 1):
            load.wait_for_more()
            isolate.write(path, f"threads = {threads}\n")
            pid = self.hand_over(culvert, pid)
            self.assertEqual(len(os.listdir(f"/proc/{pid}/task")) >= threads, True)
        load.wait_for_more()
        load.stop()
        self.assertEqual(load.failures, [])
        self.end(culvert, pid)

    def test_no_descriptor_is_left_over(self):
        culvert = self.start("--threads", "2", listen=[f"127.0.0.1:{PORT}", f"unix:{UNIX}"])
        fresh = kinds_of_descriptors(culvert.pid)
        pid = culvert.pid
        for _ in range(ROUNDS):
            pid = self.hand_over(culvert, pid)
        wait_for(lambda: kinds_of_descriptors(pid) == fresh, 10, lambda: f"{kinds_of_descriptors(pid)} instead of {fresh}")
        self.end(culvert, pid)

    def program(self, script=None):
        """A file that is culvert, or a script that takes its place."""
        path = f"{isolate.STATE}/culvert"
        new = f"{path}.new"
        if script is None:
            shutil.copy(os.environ["CULVERT"], new)
        else:
            isolate.write(new, f"#!/bin/sh\n{script}\n")
        os.chmod(new, stat.S_IRWXU)
        os.rename(new, path)
        return path

    def start_program(self, *options):
        """The culvert of the file above, which can be replaced."""
        return self.start(*options, wrapper=["sh", "-c", f'shift; exec {self.program()} "$@"', "sh"])

    def test_the_new_process_runs_the_new_program(self):
        culvert = self.start_program()
        self.program(f'echo "upgraded: $#" >&2; exec {os.environ["CULVERT"]} "$@"')
        pid = self.hand_over(culvert, culvert.pid)
        self.assertIn("upgraded: 6\n", culvert.output())
        wire.tunnel(testbed.home, early=b"echo\n").close()
        self.assertEqual(culvert.wait(20), 0)
        self.end(culvert, pid)

    def test_a_program_that_cannot_serve_changes_nothing(self):
        culvert = self.start_program()
        fresh = kinds_of_descriptors(culvert.pid)["socket"]
        load = Load(self, PORT)
        bad = {
            "echo sorry >&2; exit 3": "the new process has ended with status 3, see above for its reasons",
            "kill -KILL $$": "the new process was ended by signal 9, see above for its reasons",
        }
        for script, reason in bad.items():
            load.wait_for_more()
            self.program(script)
            culvert.signal(signal.SIGUSR2)
            culvert.wait_log(f"error hand-over: nothing is changed, this process goes on serving: {reason}")
        self.assertIn("sorry\n", culvert.output())
        load.wait_for_more()
        # And once it can:
        self.program()
        pid = self.hand_over(culvert, culvert.pid)
        load.wait_for_more()
        load.stop()
        self.assertEqual(load.failures, [])
        self.assertEqual(culvert.wait(20), 0)
        wait_for(lambda: kinds_of_descriptors(pid)["socket"] == fresh, 10, "sockets are left over")
        self.end(culvert, pid)

    def test_a_configuration_with_mistakes_changes_nothing(self):
        path = f"{isolate.STATE}/mistakes.toml"
        isolate.write(path, "")
        culvert = self.start("--config", path)
        isolate.write(path, "threads = 'many'\n")
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log("hand-over: nothing is changed, this process goes on serving: the new process has ended with status 2")
        self.assertIn("threads many: not a number", culvert.output())
        wire.tunnel(testbed.home, early=b"echo\n").close()
        culvert.shut_down()

    def test_a_new_process_that_cannot_serve_leaves_the_unix_socket(self):
        path = f"{isolate.STATE}/listen.toml"

        def listen_on(*addresses):
            isolate.write(path, f"listen = {[f'127.0.0.1:{PORT}', f'unix:{UNIX}', *addresses]}\n")

        listen_on()
        culvert = self.start("--config", path, listen=[])
        # What is found out only after the sockets were taken.
        listen_on(f"127.0.0.1:{echo_port}")
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log("hand-over: nothing is changed, this process goes on serving: the new process has ended with status 1")
        self.assertIn(f"cannot listen on 127.0.0.1:{echo_port}", culvert.output())
        dial(UNIX).close()
        # And once it can serve, it has the file.
        listen_on()
        pid = self.hand_over(culvert, culvert.pid)
        self.assertEqual(culvert.wait(20), 0)
        dial(UNIX).close()
        self.end(culvert, pid)
        self.assertFalse(os.path.exists(UNIX))

    def test_sigterm_gives_up_a_new_process_that_does_not_serve_yet(self):
        culvert = self.start_program()
        self.program("exec sleep 60")
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log("hand-over: process ")
        pid = int(re.search(r"hand-over: process (\d+) is starting", culvert.output())[1])
        self.assertTrue(peers.is_running(pid))
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log("hand-over: a new process is being started already")
        culvert.signal(signal.SIGTERM)
        self.assertEqual(culvert.wait(20), 0)
        wait_for(lambda: not peers.is_running(pid), 10, "the new process was not given up")

    def test_sigterm_ends_what_a_hand_over_has_left(self):
        culvert = self.start("--drain-timeout", "500ms")
        client = wire.tunnel(testbed.home, early=b"echo\n")
        pid = self.hand_over(culvert, culvert.pid)
        culvert.wait_log("handed over: no new connections, 1 to finish, however long they take")
        time.sleep(0.7)
        client.sendall(b"still here")
        self.assertEqual(wire.receive_exactly(client, 10), b"still here")
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log("hand-over: that is done already")
        culvert.signal(signal.SIGTERM)
        self.assertEqual(culvert.wait(20), 0)
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        client.close()
        wire.tunnel(testbed.home, early=b"echo\n").close()
        self.end(culvert, pid)

    def test_the_tunnel_command_goes_on_and_changes_hands(self):
        """It is started once, and no tunnel through it is cut, neither the old process's nor the new one's."""
        done = f"{isolate.STATE}/done"
        command = f"echo begun; while [ ! -e {done} ]; do sleep 0.1; done; echo over"
        culvert = self.start("--threads", "2", "--tunnel-command", command)
        culvert.wait_log("tunnel: begun")
        transfer = LongTransfer()
        pid = culvert.pid
        for _ in range(ROUNDS):
            before = culvert.count_in_log("tunnel: echo goes on running")
            pid = self.hand_over(culvert, pid)
            culvert.wait_log("tunnel: echo goes on running", before + 1)
        transfer.finish(self)
        self.assertEqual(culvert.wait(20), 0)
        self.assertEqual(culvert.count_in_log("tunnel: starting echo"), 1, culvert.output())
        # Who has it now logs what it says, and starts it again.
        isolate.write(done, "")
        self.addCleanup(os.unlink, done)
        culvert.wait_log("tunnel: over")
        culvert.wait_log("tunnel: echo has ended after")
        culvert.wait_log("tunnel: starting echo", 2)
        self.end(culvert, pid)

    def test_another_tunnel_command_is_started_beside_the_old_one(self):
        path = f"{isolate.STATE}/command.toml"
        isolate.write(path, "tunnel-command = 'echo old; exec sleep 1000'\n")
        culvert = self.start("--config", path)
        culvert.wait_log("tunnel: old")
        client = wire.tunnel(testbed.home, early=b"echo\n")
        isolate.write(path, "tunnel-command = 'echo new; exec sleep 1000'\n")
        pid = self.hand_over(culvert, culvert.pid)
        culvert.wait_log("tunnel: new")
        self.assertEqual(culvert.count_in_log("tunnel: echo was ended"), 0)
        client.close()
        self.assertEqual(culvert.wait(20), 0)
        culvert.wait_log("tunnel: echo was ended by signal 15")
        self.end(culvert, pid)
        culvert.wait_log("tunnel: echo was ended by signal 15", 2)

    @staticmethod
    def launcher_of(culvert):
        """The small process that starts others for it."""
        launcher, = peers.children(culvert.pid)
        return launcher

    def test_without_the_process_that_starts_others_it_says_so(self):
        culvert = self.start()
        launcher = self.launcher_of(culvert)
        os.kill(launcher, signal.SIGKILL)
        culvert.wait_log(f"warning hand-over: process {launcher} (culvert-launch), which starts a new process on SIGUSR2, has ended")
        self.assertEqual(peers.state(launcher), "", "it is a zombie")
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log(
            f"error hand-over: nothing is changed, this process goes on serving: process {launcher} (culvert-launch) has ended, and "
            "without it there is no upgrade by SIGUSR2 until a restart"
        )
        wire.tunnel(testbed.home, early=b"echo\n").close()
        culvert.shut_down()

    def test_a_process_that_starts_others_and_is_stopped_holds_up_nobody(self):
        culvert = self.start("--threads", "1")
        launcher = self.launcher_of(culvert)
        os.kill(launcher, signal.SIGSTOP)
        culvert.signal(signal.SIGUSR2)
        silence = f"process {launcher} (culvert-launch) does not answer - is it stopped?"
        culvert.wait_log(f"error hand-over: nothing is changed, this process goes on serving: the new process cannot be started: {silence}")
        wire.tunnel(testbed.home, early=b"echo\n").close()
        os.kill(launcher, signal.SIGCONT)

        def starts():
            before = culvert.count_in_log(" hand-over: ")
            culvert.signal(signal.SIGUSR2)
            culvert.wait_log(" hand-over: ", before + 1)
            return " is starting" in culvert.output()

        wait_for(starts, 20, "it starts nothing any more")
        culvert.wait_log(" serves from now on")
        self.assertEqual(culvert.wait(20), 0)
        culvert.wait_log(" listening on ", 2)
        self.end(culvert, self.pids(culvert)[-1])
        # What was given up has never served.
        self.assertEqual(culvert.count_in_log(" listening on "), 2)

    def test_what_comes_while_it_starts_is_acted_on_later(self):
        path = f"{isolate.STATE}/early.toml"
        os.mkfifo(path)
        self.addCleanup(os.unlink, path)
        culvert = Culvert(testbed, *UPSTREAM, "--config", path)
        testbed.processes.append(culvert)
        self.addCleanup(testbed.processes.remove, culvert)
        self.addCleanup(culvert.end_successors)
        self.addCleanup(culvert.assert_no_crash)
        self.addCleanup(culvert.kill)
        culvert.start()
        # Once it reads its configuration.
        with open(path, "w", encoding="utf-8") as config:
            culvert.signal(signal.SIGHUP)
            culvert.signal(signal.SIGUSR2)
            isolate.write(f"{path}.new", "threads = 1\n")
            os.rename(f"{path}.new", path)
            config.write("threads = 1\n")
        culvert.wait_log(" reloaded (")
        culvert.wait_log(" serves from now on")
        self.assertEqual(culvert.wait(20), 0)
        self.end(culvert, self.pids(culvert)[-1])

    def test_under_systemd_the_way_to_restart_is_named(self):
        culvert = self.start(wrapper=["sh", "-c", 'export SYSTEMD_EXEC_PID=$$; exec "$@"', "sh"])
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log("hand-over: nothing is changed, this process goes on serving: systemd ends a service with its main process")
        culvert.shut_down()


class SocketActivation(unittest.TestCase):
    def listening(self, family, address, kind=socket.SOCK_STREAM):
        one = testbed.home.socket(family, kind)
        self.addCleanup(one.close)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if family != socket.AF_UNIX:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif os.path.exists(address):
            os.unlink(address)
        one.bind(address)
        if kind == socket.SOCK_STREAM:
            one.listen(512)
        return one

    def start(self, sockets, *options, **more):
        culvert = ActivatedCulvert(testbed, *UPSTREAM, *options, sockets=sockets, listen=(), **more)
        testbed.processes.append(culvert)
        self.addCleanup(testbed.processes.remove, culvert)
        self.addCleanup(culvert.assert_no_crash)
        self.addCleanup(culvert.kill)
        culvert.start()
        culvert.wait_until(lambda: "listening on " in culvert.output())
        return culvert

    def test_nothing_is_refused_or_reset(self):
        for threads in NUMBERS_OF_THREADS:
            with self.subTest(threads=threads):
                sockets = [
                    self.listening(socket.AF_INET, ("127.0.0.1", PORT)), self.listening(socket.AF_INET6, ("::1", PORT)),
                    self.listening(socket.AF_UNIX, UNIX),
                ]
                load = Load(self, PORT, ("::1", PORT), UNIX)  # even before the first start
                for _ in range(ROUNDS):
                    culvert = self.start(sockets, "--listen", "systemd", *number_of(threads))
                    for where in (f"http://127.0.0.1:{PORT}", f"http://[::1]:{PORT}", f"unix:{UNIX}"):
                        culvert.wait_log(f"listening on {where}\n")
                    load.wait_for_more()
                    culvert.shut_down()
                    self.assertNotIn(" status=503 ", culvert.output())
                culvert = self.start(sockets, "--listen", "systemd", *number_of(threads))
                load.wait_for_more()
                load.stop()
                self.assertEqual(load.failures, [])
                culvert.shut_down()
                self.assertTrue(os.path.exists(UNIX))
                print(f"threads {threads}: {load.served} connections over {ROUNDS} restarts", flush=True)
                for one in sockets:
                    one.close()

    def test_all_workers_serve_a_socket_that_is_passed(self):
        one = self.listening(socket.AF_INET, ("127.0.0.1", PORT))
        culvert = self.start([one], "--listen", "systemd:web", "--threads", "4")
        clients = [wire.tunnel(testbed.home, early=b"echo\n") for _ in range(20)]
        for client in clients:
            client.close()
        culvert.wait_access_lines(20)
        culvert.shut_down()
        ids = [int(re.search(r" id=(\d+) ", line)[1]) for line in culvert.access_lines()]
        self.assertEqual(sorted(sum(number % 4 == worker for number in ids) for worker in range(4)), [5, 5, 5, 5])

    def test_a_reload_and_a_hand_over_keep_the_sockets(self):
        one = self.listening(socket.AF_INET, ("127.0.0.1", PORT))
        culvert = self.start([one], "--listen", "systemd", "--threads", "2")
        load = Load(self, PORT)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(" reload: there is no --config")
        load.wait_for_more()
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log(" serves from now on")
        pid = int(re.search(r"process (\d+) serves from now on", culvert.output())[1])
        self.addCleanup(lambda: peers.is_running(pid) and os.kill(pid, signal.SIGKILL))
        load.wait_for_more()
        self.assertEqual(culvert.wait(20), 0)
        # The next one leaves the queue to systemd again.
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not peers.is_running(pid), 20, "the new process does not end")
        culvert = self.start([one], "--listen", "systemd")
        load.wait_for_more()
        load.stop()
        self.assertEqual(load.failures, [])
        culvert.shut_down()

    def test_our_own_address_is_known(self):
        one = self.listening(socket.AF_INET, ("127.0.0.1", PORT))
        culvert = self.start([one], "--listen", "systemd")
        client, reply = wire.connect(testbed.home, f"127.0.0.1:{PORT}")
        client.close()
        self.assertEqual(reply.status, 403)
        self.assertIn("a listener of this proxy itself", reply.reason)
        culvert.shut_down()

    def test_the_tunnel_command_does_not_get_the_variables(self):
        one = self.listening(socket.AF_INET, ("127.0.0.1", PORT))
        culvert = self.start(
            [one], "--listen", "systemd", "--tunnel-command",
            "env | grep -c LISTEN_; find /proc/self/fd -lname 'socket:*' | wc -l; echo over; exec sleep 60",
        )
        culvert.wait_log("tunnel: over")
        counts = re.findall(r"tunnel: (\d+)\n", culvert.output())
        # Its standard error is a socket pair of libuv's.
        self.assertEqual(counts[0], "0")
        self.assertLessEqual(int(counts[1]), 1)
        culvert.shut_down()

    def fails(self, sockets, *options, **more):
        """What it complains of."""
        culvert = ActivatedCulvert(testbed, *options, sockets=sockets, listen=(), **more)
        culvert.start()
        self.assertEqual(culvert.wait(20), 2, culvert.output())
        return culvert.output()

    def test_every_mistake_is_reported(self):
        sockets = [self.listening(socket.AF_INET, ("127.0.0.1", PORT)), self.listening(socket.AF_INET, ("127.0.0.1", 5300), socket.SOCK_DGRAM)]
        output = self.fails(
            sockets, "--listen", "systemd:web", "--listen", "systemd:dns", "--listen", "systemd:mail", names=["web", "dns"],
        )
        lines = output.splitlines()
        self.assertEqual(len(lines), 2, output)
        self.assertIn("--listen systemd:dns: descriptor 4 is a datagram socket", lines[0])
        self.assertIn("--listen systemd:mail: no socket of that name was passed, only systemd:web systemd:dns", lines[1])

    def test_a_socket_that_others_can_reach_needs_a_rule(self):
        one = self.listening(socket.AF_INET, ("0.0.0.0", PORT))
        output = self.fails([one], "--listen", "systemd")
        self.assertIn(f"--listen systemd: others than this host can reach http://0.0.0.0:{PORT}; say who", output)
        culvert = self.start([one], "--listen", "systemd", "--open-proxy")
        culvert.shut_down()

    def test_without_sockets(self):
        def complaint(**env):
            done = testbed.culvert_host.run(os.environ["CULVERT"], "--listen", "systemd", check=False, timeout=20, env={**os.environ, **env})
            self.assertEqual(done.returncode, 2, done.stderr)
            return done.stderr

        self.assertIn("culvert: --listen systemd: no socket was passed, LISTEN_FDS is not set", complaint())
        self.assertIn("the sockets were passed to process 1 ", complaint(LISTEN_PID="1", LISTEN_FDS="1"))

    @unittest.skipUnless(os.path.exists(SYSTEMD_SOCKET_ACTIVATE), "no systemd-socket-activate here")
    def test_real_systemd_socket_activate(self):
        culvert = Culvert(
            testbed, *UPSTREAM, "--listen", "systemd:web", listen=[],
            wrapper=[SYSTEMD_SOCKET_ACTIVATE, "-l", f"127.0.0.1:{PORT}", "-l", UNIX, "--fdname=web:web"],
        )
        testbed.processes.append(culvert)
        self.addCleanup(testbed.processes.remove, culvert)
        self.addCleanup(culvert.kill)
        culvert.start()
        culvert.wait_listening(PORT)
        wire.tunnel(testbed.home, early=b"echo\n").close()
        culvert.wait_log(f"listening on http://127.0.0.1:{PORT}\n")
        culvert.wait_log(f"listening on unix:{UNIX}\n")
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
