"""Single sessions step by step: `--trace-target`, `culvert status --trace`, and what of heads is shown."""

import base64
import json
import os
import re
import signal
import subprocess
import unittest

import harness
import admin
import isolate
import peers
import wire
from culvert import FOUR_THREADS, assert_no_secret, launch
from testbed import Testbed, wait_for

FIRST_HOP_PORT = 3129
RUNTIME = "/run/culvert"
LOGIN = f"{peers.USER}:{peers.PASSWORD_IN_URL}"


def setUpModule():
    global testbed, echo_port, web_port
    testbed = harness.report_on(Testbed())
    echo_port = wire.serve_in_threads(testbed.home, wire.echo)

    def answer(connection):
        while b"\r\n\r\n" not in connection.recv(1 << 16):
            pass
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: https://blobs.example/layer?sig=hush\r\nSet-Cookie: hush\r\nServer: test\r\n"
            b"Content-Length: 0\r\nConnection: close\r\n\r\n"
        )

    web_port = wire.serve_in_threads(testbed.home, answer)


class Follower:
    """`culvert status --trace`, which runs until as many sessions are over as it wants."""

    def __init__(self, case, *arguments):
        self.process = subprocess.Popen(
            testbed.culvert_host.command([os.environ["CULVERT"], "status", "--trace", *arguments]), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        case.addCleanup(self.process.stderr.close)
        case.addCleanup(self.process.stdout.close)
        case.addCleanup(self.process.wait)
        case.addCleanup(self.process.kill)

    def end(self, code=0):
        out, err = self.process.communicate(timeout=30)
        assert_no_secret(out + err)
        if self.process.returncode != code:
            raise AssertionError(f"it exited with {self.process.returncode}:\n{out}{err}")
        return out, err


class Trace(unittest.TestCase):
    def socket(self, culvert):
        found = [name for name in os.listdir(RUNTIME) if f"-{culvert.pid}-" in name]
        self.assertEqual(len(found), 1, os.listdir(RUNTIME))
        return f"{RUNTIME}/{found[0]}"

    def tunnel_and_end(self, port=None):
        with wire.tunnel(testbed.home, f"127.0.0.1:{port or echo_port}", early=b"ping") as client:
            wire.receive_exactly(client, 4)

    def test_the_log_has_each_step_of_so_many_sessions(self):
        launch(self, testbed, "--auth-file", self.users(), port=FIRST_HOP_PORT)
        culvert = launch(
            self, testbed, "--upstream", f"corp=http://{LOGIN}@127.0.0.1:{FIRST_HOP_PORT}", "--trace-target", "127.0.0.0/8",
            "--trace-sessions", "2", *FOUR_THREADS,
        )
        self.tunnel_and_end()
        culvert.wait_log("the session is over")
        with wire.open_client(testbed.home) as client:
            client.sendall(
                f"GET http://127.0.0.1:{web_port}/v2/?token=hush HTTP/1.1\r\nHost: 127.0.0.1:{web_port}\r\n"
                "Authorization: Bearer hush\r\nUser-Agent: test\r\nConnection: close\r\n\r\n".encode()
            )
            self.assertIn(b"302 Found", wire.receive_all(client))
        culvert.wait_log("the session is over", 2)
        self.tunnel_and_end()
        lines = [line for line in culvert.output().splitlines() if " trace " in line]
        self.assertEqual(len({re.search(r" trace (\d+) ", line).group(1) for line in lines}), 2, lines)
        text = "\n".join(lines)
        for part in (
            f"| CONNECT 127.0.0.1:{echo_port} HTTP/1.1 | Host: ", ": goes by default to corp", ": trying corp",
            f": connecting to 127.0.0.1:{FIRST_HOP_PORT}", ": connected from 127.0.0.1:", ": sent to corp: | CONNECT ",
            "| Proxy-Authorization: (not shown)", "corp answered: | HTTP/1.1 200 ", ": the tunnel stands, and its client knows",
            ": the first bytes came back", ": outcome ok, ended by client; 4 bytes up, 4 down", "/v2/?... HTTP/1.1 | Host: ",
            "| Location: https://blobs.example/layer?... | Set-Cookie: (not shown) | Server: test",
            "| Authorization: (not shown) | User-Agent: test",
        ):
            self.assertIn(part, text)
        for line in lines:
            self.assertRegex(line, r"^\S+Z info trace \d+ \+\d+\.\d{3} ms: .")
        # A reload counts anew.
        culvert.signal(signal.SIGHUP)
        wait_for(lambda: self.tunnel_and_end() or culvert.count_in_log("the session is over") > 2, 20, "nothing more is traced")
        culvert.shut_down()

    def users(self):
        path = f"{isolate.STATE}/users"
        made = subprocess.run(
            ["openssl", "passwd", "-5", "-stdin"], input=peers.PASSWORD + "\n", capture_output=True, text=True, check=True, timeout=20
        )
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{peers.USER}:{made.stdout}")
        return path

    def test_status_follows_the_next_sessions(self):
        culvert = launch(self, testbed, *FOUR_THREADS)
        follower = Follower(self, "127.0.0.0/8", "--sessions", "2", "--json", "--pid", str(culvert.pid))
        ended = []

        def another():
            self.tunnel_and_end()
            return follower.process.poll() is not None

        wait_for(another, 20, "it waits for more sessions")
        out, err = follower.end()
        steps = [json.loads(line) for line in out.splitlines()]
        for step in steps:
            admin.validate("trace", step)
            if step["last"]:
                ended.append(step["session"])
        self.assertEqual(len(ended), 2, out)
        self.assertEqual({step["session"] for step in steps}, set(ended))
        for session in ended:
            own = [step for step in steps if step["session"] == session]
            self.assertRegex(own[0]["step"], rf"^request of 127\.0\.0\.1:\d+:\nCONNECT 127\.0\.0\.1:{echo_port} HTTP/1\.1\nHost: ")
            self.assertTrue(own[-1]["last"])
            self.assertEqual([step["after_us"] for step in own], sorted(step["after_us"] for step in own))
        self.assertEqual(err, "")

    def test_status_follows_one_that_runs(self):
        culvert = launch(self, testbed, *FOUR_THREADS)
        client = wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}", early=b"ping")
        self.addCleanup(client.close)
        wire.receive_exactly(client, 4)
        rows = admin.get(admin.unix(self.socket(culvert)), "/api/v1/tunnels").json()["tunnels"]
        follower = Follower(self, str(rows[0]["id"]), "--pid", str(culvert.pid))
        first = follower.process.stdout.readline()
        # Neither a reload nor somebody else who looks on takes it away.
        culvert.signal(signal.SIGHUP)
        culvert.wait_log("reload: there is no --config")
        other = Follower(self, str(rows[0]["id"]), "--pid", str(culvert.pid))
        self.assertIn(" through direct, begun ", other.process.stdout.readline())
        self.assertRegex(first, rf"^{rows[0]['id']} +\d+\.\d{{3}} ms  CONNECT 127\.0\.0\.1:{echo_port} of 127\.0\.0\.1:\d+ through direct, ")
        client.close()
        out, _ = other.end()
        self.assertIn("the session is over", out)
        out, _ = follower.end()
        for part in ("the client sends no more, and the upstream knows", "outcome ok, ended by client; 4 bytes up, 4 down",
                     "the session is over"):
            self.assertIn(part, out)
        # It is over.
        out, err = Follower(self, str(rows[0]["id"]), "--pid", str(culvert.pid)).end(1)
        self.assertEqual((out, "there is no session of that id" in err), ("", True), err)

    def test_the_proxy_ends_or_the_reader_leaves(self):
        culvert = launch(self, testbed, "--drain-timeout", "0")
        leaver = Follower(self, "*", "--pid", str(culvert.pid))
        stayer = Follower(self, "127.0.0.1", "--sessions", "9", "--pid", str(culvert.pid))
        self.assertIn("waits for up to 10 sessions to * ", leaver.process.stderr.readline())
        self.assertIn("waits for up to 9 sessions to 127.0.0.1 ", stayer.process.stderr.readline())
        client = wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}", early=b"ping")
        self.addCleanup(client.close)
        for follower in (leaver, stayer):
            self.assertIn("request of 127.0.0.1:", follower.process.stdout.readline())
        leaver.process.send_signal(signal.SIGINT)
        leaver.process.wait(timeout=20)
        self.assertEqual(leaver.process.returncode, -signal.SIGINT)
        self.tunnel_and_end()
        culvert.shut_down()
        out, err = stayer.end(1)
        self.assertIn(" has ended", err)

    def test_a_plain_admin_listener_needs_actions(self):
        culvert = launch(self, testbed, "--admin", "127.0.0.1:9128")
        refused = admin.get(admin.tcp(9128, "127.0.0.1", testbed.home.socket), "/api/v1/trace?target=*")
        self.assertEqual(refused.status, 403)
        self.assertIn("--admin-actions", refused.json()["error"])
        for query in ("", "?target=", "?id=x", "?target=*&sessions=0", "?target=*&id=1"):
            answer = admin.get(admin.unix(self.socket(culvert)), f"/api/v1/trace{query}")
            self.assertEqual(answer.status, 400, query)


if __name__ == "__main__":
    harness.main()
