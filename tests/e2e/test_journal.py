"""The access log in the systemd journal: by a socket that stands for journald's, and by journald itself."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import unittest

import harness
import isolate
import peers
import wire
from culvert import PORT, launch
from testbed import Testbed, wait_for

PLACE = "/run/systemd/journal"
NAMESPACE = "/run/systemd/journal.web"
JOURNALD = "/lib/systemd/systemd-journald"
MESSAGE_ID = "1bdfce2762b9448c8723f51fbd37bc59"
CLOSED = "127.0.0.1:1"
NO_JOURNAL = "--access-log journal: there is no systemd journal here (/run/systemd/journal/socket: "
WHAT_ELSE = "); outside of systemd, as in a container, write -, a file or off\n"
LOST = " warning the access log cannot be written: "


def setUpModule():
    global testbed, echo_port
    testbed = harness.report_on(Testbed())
    echo_port = wire.serve_in_threads(testbed.home, wire.echo)


def tunnel():
    client = wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}", early=b"ping")
    wire.receive_exactly(client, 4)
    client.close()


def refused():
    client, reply = wire.connect(testbed.home, CLOSED)
    client.close()
    return reply.status


def ask_by_socks(name):
    """For a host of any bytes, by SOCKS5."""
    client = wire.open_client(testbed.home)
    client.sendall(b"\x05\x01\x00")
    wire.receive_exactly(client, 2)
    client.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack("!H", 443))
    wire.receive_all(client)
    client.close()


def clear(*folders):
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def fields_of(entry):
    """As journald reads one, but that each name may come once."""
    fields = {}
    while entry:
        name, _, rest = entry.partition(b"\n")
        if b"=" in name:
            name, _, value = name.partition(b"=")
        else:
            size = struct.unpack("<Q", rest[:8])[0]
            value, rest = rest[8 : 8 + size], rest[9 + size :]
        entry = rest
        if name.decode() in fields:
            raise AssertionError(f"{name} comes twice")
        fields[name.decode()] = value.decode()
    return fields


class FakeJournald:
    """Its socket, in a folder as journald has one."""

    def __init__(self, case, place=PLACE):
        self.path = f"{place}/socket"
        os.makedirs(place, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(20)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        case.addCleanup(clear, place)
        case.addCleanup(self.socket.close)

    def next(self):
        return fields_of(self.socket.recv(1 << 20))

    def is_empty(self):
        self.socket.setblocking(False)
        try:
            self.socket.recv(1 << 20)
            return False
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(20)

    def end(self, remove=False):
        self.socket.close()
        if remove:
            os.unlink(self.path)


class Entries(unittest.TestCase):
    def start(self, *options, **more):
        return launch(self, testbed, "--access-log", "journal", "--threads", "2", *options, **more)

    def test_a_tunnel_and_a_failure(self):
        journald = FakeJournald(self)
        for form in ("text", "json"):
            culvert = self.start("--log-format", form)
            tunnel()
            entry = journald.next()
            client = entry["CULVERT_CLIENT"]
            self.assertRegex(client, r"^127\.0\.0\.1:\d+$")
            message = entry.pop("MESSAGE")
            self.assertRegex(
                message,
                rf"^access id=\d+ client={client} method=CONNECT target=127\.0\.0\.1:{echo_port} upstream=direct:// outcome=ok stage=tunnel "
                r"status=200 bytes_up=4 bytes_down=4 connect_ms=\d+ total_ms=\d+ closed_by=client$",
            )
            apart = {f"CULVERT_{name.upper()}": value for name, value in (word.split("=") for word in message.split()[1:])}
            self.assertEqual(entry, {**apart, "PRIORITY": "6", "SYSLOG_IDENTIFIER": "culvert", "MESSAGE_ID": MESSAGE_ID})
            self.assertEqual(refused(), 502)
            entry = journald.next()
            self.assertEqual((entry["CULVERT_OUTCOME"], entry["CULVERT_TARGET"], entry["PRIORITY"]), ("connection_refused", CLOSED, "4"))
            self.assertIn(f'detail="{entry["CULVERT_DETAIL"]}"', entry["MESSAGE"])
            culvert.shut_down()
            self.assertEqual(culvert.access_lines(), [])
        self.assertTrue(journald.is_empty())

    def test_hostile_names_forge_no_field(self):
        journald = FakeJournald(self)
        culvert = self.start()
        for name in (b"a\nMESSAGE=forged\nPRIORITY=0\n", b"MESSAGE\n\x05\0\0\0\0\0\0\0forge", b"\x1b[31m\xff\xc3"):
            ask_by_socks(name)
            entry = journald.next()
            self.assertEqual((entry["CULVERT_METHOD"], entry["PRIORITY"]), ("SOCKS5", "4"))
            self.assertTrue(entry["MESSAGE"].startswith("access id="))
            self.assertTrue("".join(entry.values()).isprintable(), entry)
        for path, shown in (("köln/中".encode(), "köln/中"), (b"\xff\xc3(", r"\xff\xc3("), (rb"a\nb", r"a\\nb")):
            client = wire.open_client(testbed.home)
            client.sendall(b"GET http://" + CLOSED.encode() + b"/" + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            wire.receive_all(client)
            client.close()
            entry = journald.next()
            self.assertEqual(entry["CULVERT_TARGET"], f"http://{CLOSED}/{shown}")
            self.assertTrue(entry["MESSAGE"].isascii())
        culvert.shut_down()

    def test_a_long_url_is_cut(self):
        journald = FakeJournald(self)
        culvert = self.start()
        client = wire.open_client(testbed.home)
        client.sendall(b"GET http://" + CLOSED.encode() + b"/" + b"x" * 7000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wire.receive_all(client)
        client.close()
        entry = journald.next()
        self.assertRegex(entry["CULVERT_TARGET"], rf"^http://{CLOSED}/x+\.\.\.$")
        self.assertLessEqual(len(entry["CULVERT_TARGET"]), 2048)
        self.assertEqual(len(entry["MESSAGE"]), 3072)
        self.assertEqual(entry["CULVERT_OUTCOME"], "connection_refused")
        culvert.shut_down()

    def test_a_client_of_a_unix_socket(self):
        journald = FakeJournald(self)
        path = f"{isolate.STATE}/proxy.sock"
        culvert = self.start(listen=[f"127.0.0.1:{PORT}", f"unix:{path}"])
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(path)
            client.sendall(b"CONNECT " + CLOSED.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(4096)
        entry = journald.next()
        self.assertEqual((entry["CULVERT_UID"], entry["CULVERT_PID"]), ("0", str(os.getpid())))
        self.assertEqual(entry["CULVERT_CLIENT"], f"unix:uid=0,pid={os.getpid()}")
        self.assertNotIn(" uid=", entry["MESSAGE"])
        culvert.shut_down()

    def test_a_journald_that_is_started_anew(self):
        """With the sandbox in force, so what was given up is not needed."""
        for remove in (False, True):
            journald = FakeJournald(self)
            culvert = self.start()
            tunnel()
            journald.next()
            journald.end(remove)
            tunnel()
            culvert.wait_log(LOST + ("No such file or directory; " if remove else "Connection refused; "))
            clear(PLACE)
            journald = FakeJournald(self)
            tunnel()
            self.assertEqual(journald.next()["CULVERT_OUTCOME"], "ok")
            culvert.shut_down()
            told = re.findall(r" warning (\d+) lines of the access log were dropped: ", culvert.output())
            self.assertEqual(told, ["1"], culvert.output())
            journald.end()
            clear(PLACE)

    def test_a_journald_that_does_not_read_holds_up_nobody(self):
        # Few wait for it in the kernel, so that most do in culvert.
        with open("/proc/sys/net/unix/max_dgram_qlen", "w", encoding="ascii") as file:
            file.write("10")
        journald = FakeJournald(self)
        culvert = launch(self, testbed, "--access-log", "journal", "--threads", "1")
        count = 100
        for _ in range(count):
            refused()
        tunnel()
        seen = [journald.next() for _ in range(count + 1)]
        self.assertEqual([entry["CULVERT_OUTCOME"] for entry in seen], ["connection_refused"] * count + ["ok"])
        culvert.shut_down()
        self.assertNotIn("access log", culvert.output())

    def test_the_namespace_that_a_service_has(self):
        """LogNamespace= shows the namespace's folder at the usual path, to the service alone."""
        journald = FakeJournald(self)
        of_namespace = FakeJournald(self, NAMESPACE)
        script = f'mount --make-rprivate / && mount --bind {NAMESPACE} {PLACE} && exec "$@"'
        culvert = self.start(wrapper=("unshare", "--mount", "sh", "-c", script, "sh"))
        tunnel()
        self.assertEqual(of_namespace.next()["CULVERT_OUTCOME"], "ok")
        of_namespace.end(remove=True)
        of_namespace = FakeJournald(self, NAMESPACE)
        refused()
        self.assertEqual(of_namespace.next()["CULVERT_OUTCOME"], "connection_refused")
        culvert.shut_down()
        self.assertTrue(journald.is_empty())

    def test_reload_and_hand_over(self):
        journald = FakeJournald(self)
        path = f"{isolate.STATE}/journal.toml"
        isolate.write(path, "threads = 2\naccess-log = 'Journal'\n")
        culvert = launch(self, testbed, "--config", path)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(" reloaded (")
        tunnel()
        journald.next()

        # A reload asks for no journal, and changes no kind.
        journald.end(remove=True)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(" reloaded (", 2)
        isolate.write(path, f"threads = 2\naccess-log = '{isolate.STATE}/journal'\n")
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(" warning reload: --access-log has changed, which needs a restart")
        self.assertFalse(os.path.exists(f"{isolate.STATE}/journal"))
        clear(PLACE)
        journald = FakeJournald(self)
        tunnel()
        journald.next()

        isolate.write(path, "threads = 2\naccess-log = 'journal'\n")
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log(" serves from now on")
        new = int(re.search(r"process (\d+) serves from now on", culvert.output())[1])
        self.addCleanup(peers.kill, new)
        self.assertEqual(culvert.wait(20), 0)
        tunnel()
        self.assertEqual(journald.next()["CULVERT_OUTCOME"], "ok")
        os.kill(new, signal.SIGTERM)
        wait_for(lambda: not peers.is_running(new), 20, "the new process does not end")

    def test_no_journal(self):
        def problems(*arguments, code=2):
            done = testbed.culvert_host.run(os.environ["CULVERT"], *arguments, check=False, timeout=20)
            self.assertEqual(done.returncode, code, done.stderr)
            return done.stderr

        listen, journal = ("--listen", f"127.0.0.1:{PORT}"), ("--access-log", "journal")
        for arguments in (listen, (*listen, "--check-config")):
            self.assertEqual(problems(*arguments, *journal), f"culvert: {NO_JOURNAL}No such file or directory{WHAT_ELSE}")
        self.assertIn(NO_JOURNAL, problems("run", *journal, "--", "true", code=2))
        everything = problems(*listen, *journal, "--threads", "0", "--check-config")
        self.assertIn(NO_JOURNAL, everything)
        self.assertIn("--threads 0", everything)

        FakeJournald(self).end()
        for arguments in (listen, (*listen, "--check-config")):
            self.assertEqual(problems(*arguments, *journal), f"culvert: {NO_JOURNAL}Connection refused{WHAT_ELSE}")
        self.assertIn(NO_JOURNAL, problems("run", *journal, "--", "true", code=125))
        clear(PLACE)
        FakeJournald(self)
        self.assertEqual(problems(*listen, *journal, "--check-config", code=0), "")

    def test_a_program_that_is_run(self):
        journald = FakeJournald(self)
        done = testbed.culvert_host.run(
            os.environ["CULVERT"], "run", "--access-log", "journal", "--",
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_connect}", f"https://{CLOSED}/", "--noproxy", "none.example", check=False, timeout=30,
        )
        self.assertEqual(done.stdout, "502", done.stderr)
        self.assertEqual(journald.next()["CULVERT_TARGET"], CLOSED)


@harness.needs(JOURNALD)
class RealJournald(unittest.TestCase):
    """Debian's, for the machine that this namespace shows."""

    def start_journald(self, namespace=""):
        settings = pathlib.Path(f"/run/systemd/journald{'@' + namespace if namespace else ''}.conf.d/test.conf")
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text("[Journal]\nStorage=volatile\nReadKMsg=no\n", encoding="ascii")
        if not os.path.exists("/etc/machine-id") or os.path.getsize("/etc/machine-id") == 0:
            isolate.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        place = NAMESPACE if namespace else PLACE
        with open(f"{isolate.STATE}/log/journald{namespace}", "ab") as log:
            process = subprocess.Popen([JOURNALD, *([namespace] if namespace else [])], stdout=log, stderr=log)
        self.addCleanup(clear, place)
        self.addCleanup(self.end_journald, process)
        wait_for(lambda: os.path.exists(f"{place}/socket"), 20, "journald makes no socket")
        return process

    def end_journald(self, process):
        process.kill()
        process.wait()

    def entries(self, *matches, namespace=""):
        machine = pathlib.Path("/etc/machine-id").read_text(encoding="ascii").strip()
        folder = f"/run/log/journal/{machine}{'.' + namespace if namespace else ''}"
        done = subprocess.run(
            ["journalctl", "--directory", folder, "--no-pager", "-o", "json", *matches], capture_output=True, text=True, timeout=60, check=False
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_entries(self, count, *matches, namespace=""):
        return wait_for(
            lambda: (found := self.entries(*matches, namespace=namespace)) and len(found) >= count and found, 20,
            lambda: f"not {count} entries: {self.entries(namespace=namespace)}",
        )

    def test_fields_can_be_asked_for(self):
        journald = self.start_journald()
        culvert = launch(self, testbed, "--access-log", "journal", "--threads", "2")
        tunnel()
        refused()
        ask_by_socks(b"a\nPRIORITY=0\x1b\xff")
        [entry] = self.wait_entries(1, "CULVERT_OUTCOME=ok")
        target = f"127.0.0.1:{echo_port}"
        expected = {
            "CULVERT_TARGET": target, "CULVERT_UPSTREAM": "direct://", "CULVERT_BYTES_UP": "4", "CULVERT_BYTES_DOWN": "4",
            "CULVERT_METHOD": "CONNECT", "CULVERT_STATUS": "200", "CULVERT_STAGE": "tunnel", "CULVERT_CLOSED_BY": "client",
            "PRIORITY": "6", "SYSLOG_IDENTIFIER": "culvert", "MESSAGE_ID": MESSAGE_ID, "_TRANSPORT": "journal", "_PID": str(culvert.pid),
        }
        self.assertEqual({name: entry.get(name) for name in expected}, expected)
        self.assertIn(f" target={target} ", entry["MESSAGE"])
        # Nothing that journald has left out, or taken for binary.
        self.assertEqual(
            sorted(name for name in entry if name.startswith("CULVERT_")),
            sorted(f"CULVERT_{word.partition('=')[0].upper()}" for word in entry["MESSAGE"].split()[1:]),
        )
        [failure] = self.wait_entries(1, "CULVERT_OUTCOME=connection_refused", f"MESSAGE_ID={MESSAGE_ID}")
        self.assertEqual((failure["PRIORITY"], failure["CULVERT_TARGET"]), ("4", CLOSED))
        [hostile] = self.wait_entries(1, "CULVERT_METHOD=SOCKS5")
        self.assertEqual(hostile["PRIORITY"], "4")
        # As text, not as a list of bytes.
        self.assertTrue(all(isinstance(value, str) for value in hostile.values()), hostile)

        # It is started anew, while culvert serves in its sandbox.
        self.end_journald(journald)
        clear(PLACE)
        self.start_journald()
        refused()
        self.wait_entries(2, "CULVERT_OUTCOME=connection_refused")
        culvert.shut_down()

    def test_the_longest_values_are_not_left_out(self):
        self.start_journald()
        culvert = launch(self, testbed, "--access-log", "journal", "--threads", "1")
        client = wire.open_client(testbed.home)
        client.sendall(b"GET http://" + CLOSED.encode() + b"/" + b"x" * 7000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wire.receive_all(client)
        client.close()
        [entry] = self.wait_entries(1, "CULVERT_METHOD=GET")
        self.assertEqual(len(entry["MESSAGE"]), 3072)
        self.assertTrue(entry["CULVERT_TARGET"].endswith("x..."))
        culvert.shut_down()

    def test_a_log_namespace(self):
        self.start_journald()
        self.start_journald("web")
        script = f'mount --make-rprivate / && mount --bind {NAMESPACE} {PLACE} && exec "$@"'
        culvert = launch(self, testbed, "--access-log", "journal", "--threads", "2", wrapper=("unshare", "--mount", "sh", "-c", script, "sh"))
        tunnel()
        [entry] = self.wait_entries(1, "CULVERT_OUTCOME=ok", namespace="web")
        self.assertEqual(entry["_NAMESPACE"], "web")
        self.assertEqual(self.entries("CULVERT_OUTCOME=ok"), [])
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
