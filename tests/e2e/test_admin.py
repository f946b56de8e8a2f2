"""The admin interface: numbers against what was sent, who may read it and act, and what its own clients cannot harm."""

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

import harness
import admin
import isolate
import peers
import promtool
import wire
from culvert import FOUR_THREADS, is_sanitized, launch
from testbed import BORDER, Testbed, wait_for

ADMIN_PORT = 9128
DEAD_PORT = 1081


def setUpModule():
    global testbed, echo_port, sink_port
    testbed = harness.report_on(Testbed())
    echo_port = wire.serve_in_threads(testbed.home, wire.echo)

    def swallow(connection):
        while connection.recv(1 << 16):
            pass

    sink_port = wire.serve_in_threads(testbed.home, swallow)


def tcp(port=ADMIN_PORT, address="127.0.0.1"):
    return admin.tcp(port, address, testbed.home.socket)


def ask(path, method="GET", make=tcp, **headers):
    return admin.ask(make(), path, method, {name.replace("_", "-"): value for name, value in headers.items()})


def metrics(**more):
    """The value of each series."""
    found = {}
    for line in ask("/metrics", **more).body.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def total(values, name):
    """Of all series of that name."""
    return sum(value for series, value in values.items() if series.partition("{")[0] == name)


def tunnel(port=None):
    client = wire.tunnel(testbed.home, f"127.0.0.1:{port or echo_port}", early=b"ping")
    if port is None:
        wire.receive_exactly(client, 4)
    return client


class Numbers(unittest.TestCase):
    def setUp(self):
        self.culvert = launch(self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", *FOUR_THREADS)

    def bytes(self):
        values = metrics()
        return tuple(
            int(sum(value for series, value in values.items()
                    if series.startswith("culvert_transferred_bytes_total") and f'direction="{way}"' in series))
            for way in ("up", "down")
        )

    def test_bytes_and_requests_are_those_that_were_sent(self):
        self.assertEqual(self.bytes(), (0, 0))
        clients = [tunnel() for _ in range(5)]
        sent = 20
        for round_, client in enumerate(clients):
            client.sendall(b"x" * (1000 + round_))
            wire.receive_exactly(client, 1000 + round_)
            sent += 1000 + round_
        wait_for(lambda: self.bytes() == (sent, sent), 5, lambda: f"{self.bytes()} and not {sent}")
        values = metrics()
        self.assertEqual(total(values, "culvert_tunnels"), 5)
        status = ask("/api/v1/status").json()
        self.assertEqual((status["bytes_up"], status["bytes_down"], status["tunnels"]), (sent, sent, 5))
        tunnels = ask("/api/v1/tunnels?sort=id").json()
        for name in ("status", "tunnels", "upstreams", "failures"):
            admin.validate(name, ask(f"/api/v1/{name}").json())
        if promtool.find():
            self.assertEqual(promtool.complaints_about_metrics(ask("/metrics").body), [])
        self.assertEqual((tunnels["total"], tunnels["matching"]), (5, 5))
        self.assertEqual(sum(one["bytes_up"] for one in tunnels["tunnels"]), sent)
        self.assertEqual({one["target"] for one in tunnels["tunnels"]}, {f"127.0.0.1:{echo_port}"})
        # Neither a reload nor the end of the tunnels takes anything away.
        self.culvert.signal(signal.SIGHUP)
        self.culvert.wait_log("reload: there is no --config")
        self.assertEqual(self.bytes(), (sent, sent))
        for client in clients:
            client.close()
        wait_for(lambda: total(metrics(), "culvert_tunnels") == 0, 10, "tunnels are still open")
        self.assertEqual(self.bytes(), (sent, sent))
        self.assertEqual(ask("/api/v1/status").json()["requests"], {"ok": 5})
        self.assertEqual(ask("/api/v1/tunnels").json()["tunnels"], [])

    def test_bytes_that_are_spliced_count_while_they_move(self):
        client = tunnel(sink_port)
        data = b"x" * (1 << 20)
        for _ in range(64):
            client.sendall(data)
        sent = 4 + 64 * len(data)
        wait_for(lambda: self.bytes()[0] == sent, 20, lambda: f"{self.bytes()} and not {sent}")
        found = ask("/api/v1/tunnels").json()["tunnels"][0]
        self.assertEqual((found["bytes_up"], found["stage"]), (sent, "tunnel"))
        client.close()

    def test_pages_sorting_and_a_filter(self):
        clients = [tunnel() for _ in range(7)] + [tunnel(sink_port)]
        self.addCleanup(lambda: [client.close() for client in clients])
        ids = [one["id"] for one in ask("/api/v1/tunnels?sort=id").json()["tunnels"]]
        self.assertEqual(ids, sorted(ids))
        paged = []
        for offset in (0, 3, 6):
            paged += [one["id"] for one in ask(f"/api/v1/tunnels?sort=id&limit=3&offset={offset}").json()["tunnels"]]
        self.assertEqual(paged, ids)
        some = ask(f"/api/v1/tunnels?sort=-id&ids={ids[1]},{ids[6]},4711").json()
        self.assertEqual(([one["id"] for one in some["tunnels"]], some["total"], some["matching"]), ([ids[6], ids[1]], 8, 2))
        found = ask(f"/api/v1/tunnels?filter={sink_port}").json()
        self.assertEqual((found["total"], found["matching"]), (8, 1))
        for wrong in ("limit=0", "limit=501", "limit=x", "offset=-1", "sort=size", "ids=", "ids=1,x"):
            with self.subTest(wrong):
                refused = ask(f"/api/v1/tunnels?{wrong}")
                self.assertEqual(refused.status, 400)
                self.assertIn(wrong.partition("=")[0], refused.json()["error"])

    def test_both_formats_of_metrics(self):
        plain = ask("/metrics")
        self.assertTrue(plain.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertNotIn("# EOF", plain.body)
        open_metrics = ask("/metrics", Accept="application/openmetrics-text; version=1.0.0,text/plain;q=0.5")
        self.assertTrue(open_metrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"))
        self.assertTrue(open_metrics.body.endswith("# EOF\n"))

    def test_a_head_request_has_no_body(self):
        for path in ("/", "/metrics", "/healthz", "/api/v1/status"):
            with self.subTest(path):
                whole, head = ask(path), ask(path, "HEAD")
                self.assertEqual((head.status, head.body), (200, ""))
                self.assertEqual(head.headers["Content-Type"], whole.headers["Content-Type"])


class Health(unittest.TestCase):
    def test_an_upstream_that_is_down_is_not_ready_and_says_why(self):
        culvert = launch(
            self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", "--upstream", f"socks5://127.0.0.1:{DEAD_PORT}", "--hold", "0"
        )
        self.assertEqual(ask("/readyz").status, 200)
        client, reply = wire.connect(testbed.home, "gcr.io:443")
        client.close()
        self.assertEqual(reply.status, 502)
        ready = ask("/readyz")
        self.assertEqual(ready.status, 503)
        self.assertIn(f"socks5://127.0.0.1:{DEAD_PORT}", ready.body)
        self.assertIn("refused", ready.body)
        self.assertEqual(ask("/healthz").status, 200)
        status = ask("/api/v1/status").json()
        self.assertEqual((status["ready"], status["healthy"]), (False, True))
        self.assertIn("refused", status["not_ready_reason"])
        upstream, = ask("/api/v1/upstreams").json()["upstreams"]
        self.assertEqual((upstream["state"], upstream["attempts"]["connected"]), ("down", 0))
        self.assertIn("refused", upstream["reason"])
        culvert.shut_down()

    def test_one_that_drains_is_alive_but_not_ready(self):
        culvert = launch(self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", *FOUR_THREADS)
        client = tunnel()
        culvert.signal(signal.SIGTERM)
        culvert.wait_log("draining")
        ready = ask("/readyz")
        self.assertEqual(ready.status, 503)
        self.assertIn("draining", ready.body)
        self.assertEqual(ask("/healthz").status, 200)
        self.assertEqual(ask("/api/v1/tunnels").json()["total"], 1)
        client.sendall(b"more")
        self.assertEqual(wire.receive_exactly(client, 4), b"more")
        client.close()
        self.assertEqual(culvert.wait(20), 0)

    def test_events_until_the_end(self):
        culvert = launch(self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}")
        stream = tcp()
        stream.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        text = ""
        while text.count("event: status") < 3:
            text += stream.recv(65536).decode()
        self.assertIn("Content-Type: text/event-stream", text)
        self.assertIn("event: upstreams", text)
        ids = [int(number) for number in re.findall(r"^id: (\d+)$", text, re.MULTILINE)]
        self.assertEqual(ids, sorted(set(ids)))
        culvert.signal(signal.SIGTERM)
        self.assertIn("event: bye", wire.receive_all(stream).decode())
        self.assertEqual(culvert.wait(20), 0)


class Actions(unittest.TestCase):
    def act(self, path):
        return admin.act(tcp(), path).status

    def test_a_tunnel_is_ended_by_a_reset_and_its_line_says_who(self):
        culvert = launch(self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", "--admin-actions", *FOUR_THREADS)
        kept, ended = tunnel(), tunnel(sink_port)
        rows = ask("/api/v1/tunnels").json()["tunnels"]
        number = next(one["id"] for one in rows if one["target"].endswith(f":{sink_port}"))
        self.assertEqual(self.act(f"/api/v1/tunnels/{number}/end"), 204)
        with self.assertRaises(ConnectionResetError):
            wire.receive_exactly(ended, 1)
        self.assertIn("ended by an administrator", culvert.wait_access_line(f"id={number} "))
        self.assertEqual(self.act(f"/api/v1/tunnels/{number}/end"), 404)
        kept.sendall(b"more")
        self.assertEqual(wire.receive_exactly(kept, 4), b"more")
        kept.close()

    def test_an_upstream_is_marked_down_and_up_again(self):
        culvert = launch(
            self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", "--admin-actions", "--upstream", "way=direct", *FOUR_THREADS
        )
        tunnel().close()
        self.assertEqual(self.act("/api/v1/upstreams/other/down"), 404)
        self.assertEqual(self.act("/api/v1/upstreams/way/down"), 204)
        culvert.wait_log("upstream way is marked down by an administrator")
        client, reply = wire.connect(testbed.home, f"127.0.0.1:{echo_port}")
        client.close()
        self.assertEqual(reply.status, 503)
        self.assertIn("upstream way is marked down by an administrator", reply.reason)
        self.assertEqual(ask("/readyz").status, 503)
        upstream, = ask("/api/v1/upstreams").json()["upstreams"]
        self.assertEqual(upstream["state"], "marked_down")
        failed, = ask("/api/v1/failures").json()["failures"]
        self.assertEqual((failed["status"], failed["target"]), (503, f"127.0.0.1:{echo_port}"))
        self.assertIn("marked down by an administrator", failed["explanation"])
        self.assertEqual(self.act("/api/v1/upstreams/way/up"), 204)
        tunnel().close()
        self.assertEqual(ask("/readyz").status, 200)
        culvert.shut_down()


class Access(unittest.TestCase):
    def start(self, *options, **more):
        return launch(self, testbed, *options, **more)

    def test_other_pages_neither_read_nor_act(self):
        self.start("--admin", f"127.0.0.1:{ADMIN_PORT}", "--admin-actions")
        for headers, status in (
            ({"Host": "evil.example.com"}, 421),
            ({"Host": f"evil.example.com:{ADMIN_PORT}"}, 421),
            ({"Host": "127.0.0.1.nip.example"}, 421),
            ({"Origin": "http://evil.example.com"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": f"http://127.0.0.1:{ADMIN_PORT + 1}"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
            ({"Host": f"localhost:{ADMIN_PORT}"}, 200),
            ({"Host": "culvert:80"}, 200),
            ({"Host": "[::1]"}, 200),
            ({"Host": f"127.0.0.1:{ADMIN_PORT}", "Origin": f"http://127.0.0.1:{ADMIN_PORT}"}, 200),
            ({"Sec-Fetch-Site": "same-origin"}, 200),
        ):
            with self.subTest(headers):
                self.assertEqual(ask("/api/v1/status", **headers).status, status)
        for headers, status in (
            ({}, 403),
            ({"X-Culvert-Action": "1", "Origin": "http://evil.example.com"}, 403),
            ({"X-Culvert-Action": "1", "Host": "evil.example.com"}, 421),
            ({"X-Culvert-Action": "1"}, 404),
        ):
            with self.subTest(headers):
                self.assertEqual(ask("/api/v1/tunnels/4711/end", "POST", **headers).status, status)
        # A preflight of another origin's request has no permission as its answer.
        preflight = ask("/api/v1/tunnels/1/end", "OPTIONS", Origin="http://evil.example.com")
        self.assertEqual(preflight.status, 405)
        self.assertNotIn("Access-Control-Allow-Origin", preflight.headers)
        # Following a link is allowed, being put into a frame is not.
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        self.assertEqual(ask("/", **link).status, 200)
        self.assertEqual(ask("/", **{**link, "Sec-Fetch-Dest": "iframe"}).status, 403)

    def test_each_answer_forbids_what_browsers_do_by_default(self):
        self.start("--admin", f"127.0.0.1:{ADMIN_PORT}")
        for path in ("/", "/metrics", "/api/v1/status", "/nothing", "/proxy.pac"):
            with self.subTest(path):
                headers = ask(path).headers
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Cache-Control"], "no-store")
                self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
                self.assertIn("frame-ancestors 'none'", headers["Content-Security-Policy"])
                self.assertNotIn("unsafe-inline", headers["Content-Security-Policy"])

    def test_where_others_can_reach_it_somebody_has_to_be_named(self):
        for options in (("--admin", f"0.0.0.0:{ADMIN_PORT}"), ("--admin", f":{ADMIN_PORT}", "--open-proxy")):
            with self.subTest(options):
                done = testbed.culvert_host.run(os.environ["CULVERT"], "serve", *options, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn("others than this host can reach it; say who may with --allow-client", done.stderr)

    def test_by_address(self):
        self.start("--admin", f"0.0.0.0:{ADMIN_PORT}", "--allow-client", "192.0.2.0/24")
        self.assertEqual(ask("/healthz").status, 200)
        refused = ask("/api/v1/status", make=lambda: tcp(address="10.77.1.2"))
        self.assertEqual(refused.status, 403)
        self.assertIn("10.77.1.2", refused.body)
        # A kubelet, or a load balancer, need not be in the list for that.
        health = ask("/healthz", make=lambda: tcp(address="10.77.1.2"))
        self.assertEqual((health.status, health.body), (200, "ok\n"))

    def test_a_reload_is_for_those_who_are_connected_too(self):
        path = f"{isolate.STATE}/admin.toml"
        isolate.write(path, f"admin = '0.0.0.0:{ADMIN_PORT}'\nallow-client = '10.77.1.2'\n")
        culvert = self.start("--config", path)
        stream = tcp(address="10.77.1.2")
        stream.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"200 OK", stream.recv(65536))
        isolate.write(path, f"admin = '0.0.0.0:{ADMIN_PORT}'\nallow-client = '192.0.2.1'\n")
        culvert.signal(signal.SIGHUP)
        wire.receive_all(stream)
        self.assertEqual(ask("/metrics", make=lambda: tcp(address="10.77.1.2")).status, 403)
        self.assertEqual([ask(path).status for path in ("/metrics", "/", "/api/v1/tunnels")], [200, 200, 200])
        isolate.write(path, f"admin = '0.0.0.0:{ADMIN_PORT}?metrics-only=on'\nallow-client = '192.0.2.1'\n")
        culvert.signal(signal.SIGHUP)
        wait_for(lambda: ask("/").status == 404, 10, "the page is still there")
        self.assertEqual([ask(path).status for path in ("/metrics", "/healthz", "/api/v1/tunnels")], [200, 200, 404])

    def test_by_password(self):
        path = f"{isolate.STATE}/admin-users"
        isolate.write(path, "alice:" + subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input="hush-hush\n", capture_output=True, text=True, check=True
        ).stdout, 0o600)
        culvert = self.start("--admin", f"0.0.0.0:{ADMIN_PORT}", "--auth-file", path)
        def basic(user, password):
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

        asked = ask("/api/v1/status")
        self.assertEqual(asked.status, 401)
        self.assertTrue(asked.headers["WWW-Authenticate"].startswith('Basic realm="culvert"'))
        self.assertEqual(ask("/metrics", Authorization=basic("alice", "wrong")).status, 401)
        self.assertEqual(ask("/metrics", Authorization=basic("bob", "hush-hush")).status, 401)
        self.assertEqual(ask("/metrics", Authorization="Basic ???").status, 400)
        right = ask("/api/v1/status", Authorization=basic("alice", "hush-hush"))
        self.assertEqual((right.status, right.json()["actions_allowed"]), (200, True))
        # Probes cannot sign in, and learn no more than yes or no.
        self.assertEqual((ask("/healthz").status, ask("/readyz").status), (200, 200))
        culvert.shut_down()

    def test_by_tls_and_a_certificate(self):
        certificate, key = testbed.ca.issue("admin.world", "DNS:admin.world", "IP:127.0.0.1")
        own, own_key = testbed.ca.issue("someone", "DNS:someone.world")
        culvert = self.start(
            "--admin", f"https://0.0.0.0:{ADMIN_PORT}?cert={certificate}&key={key}&client-ca={testbed.ca.certificate}"
        )
        context = ssl.create_default_context(cafile=testbed.ca.certificate)

        def connect():
            return context.wrap_socket(tcp(), server_hostname="127.0.0.1")

        with self.assertRaises(OSError):
            ask("/healthz", make=connect)
        with self.assertRaises((OSError, http.client.HTTPException)):
            ask("/healthz")
        context.load_cert_chain(own, own_key)
        status = ask("/api/v1/status", make=connect).json()
        self.assertTrue(status["actions_allowed"])
        self.assertEqual(ask("/metrics", make=connect, Host="admin.world").status, 200)
        self.assertEqual(ask("/metrics", make=lambda: context.wrap_socket(tcp(address="10.77.1.2"), server_hostname="admin.world")).status, 200)
        culvert.shut_down()

    def test_the_proxy_does_not_lead_into_it(self):
        culvert = self.start("--admin", f"127.0.0.1:{ADMIN_PORT}")
        client, reply = wire.connect(testbed.home, f"127.0.0.1:{ADMIN_PORT}")
        client.close()
        self.assertNotEqual(reply.status, 200)
        culvert.shut_down()

    def test_who_takes_it_for_the_proxy_is_told(self):
        self.start("--admin", f"127.0.0.1:{ADMIN_PORT}")
        client = tcp()
        client.sendall(b"CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n")
        self.assertIn("not its proxy port", wire.receive_all(client).decode())

    def test_unix_socket(self):
        path = f"{isolate.STATE}/admin.sock"
        culvert = self.start("--admin", f"unix:{path}?mode=0660")
        self.assertEqual(oct(os.stat(path).st_mode & 0o777), "0o660")
        status = ask("/api/v1/status", make=lambda: admin.unix(path), Host="whatever.example").json()
        self.assertTrue(status["actions_allowed"])
        culvert.shut_down()
        self.assertFalse(os.path.exists(path))

    def test_hostile_names_stay_data(self):
        self.start("--admin", f"127.0.0.1:{ADMIN_PORT}")
        client = wire.open_client(testbed.home)
        client.sendall(b"GET http://<script>alert(1)</script>.example/ HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.receive_all(client)
        for path in ("/api/v1/failures", "/api/v1/tunnels?filter=%3Cscript%3E", "/%3Cscript%3E", "/api/%3Cscript%3E"):
            answer = ask(path)
            self.assertNotIn("html", answer.headers["Content-Type"])
            if path != "/api/v1/failures":
                self.assertNotIn("<script", answer.body)


class RuntimeSocket(unittest.TestCase):
    def find(self, culvert):
        directory = "/run/culvert"
        found = [name for name in os.listdir(directory) if name.startswith("status-") and f"-{culvert.pid}-" in name]
        self.assertEqual(len(found), 1, os.listdir(directory))
        return f"{directory}/{found[0]}"

    def test_it_is_there_by_default_for_its_own_user_alone(self):
        culvert = launch(self, testbed)
        path = self.find(culvert)
        threads = culvert.threads()
        self.assertEqual(oct(os.stat(path).st_mode & 0o777), "0o600")
        self.assertEqual(ask("/api/v1/status", make=lambda: admin.unix(path)).json()["pid"], culvert.pid)
        self.assertEqual(culvert.threads(), threads + 1)
        os.chmod(os.path.dirname(path), 0o755)
        os.chmod(path, 0o666)
        self.addCleanup(os.chmod, os.path.dirname(path), 0o700)
        other = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "curl", "-sS", "--unix-socket", path,
             "http://localhost/api/v1/status"], capture_output=True, text=True, check=False, timeout=20,
        )
        self.assertNotEqual(other.returncode, 0)
        self.assertEqual(other.stdout, "")
        culvert.shut_down()
        self.assertFalse(os.path.exists(path))


class HandOver(unittest.TestCase):
    def test_the_next_process_has_it(self):
        culvert = launch(self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", "--admin", f"unix:{isolate.STATE}/over.sock")
        self.addCleanup(culvert.end_successors)
        first = ask("/api/v1/status").json()["pid"]
        client = tunnel()
        failed = []
        ended = threading.Event()

        def go_on_asking():
            while not ended.is_set():
                try:
                    ask("/healthz")
                except OSError as error:
                    failed.append(error)

        thread = threading.Thread(target=go_on_asking)
        thread.start()
        culvert.signal(signal.SIGUSR2)
        culvert.wait_log("handed over")
        second = wait_for(lambda: next((pid for pid in [ask("/api/v1/status").json()["pid"]] if pid != first), None), 10,
                          "the old process still answers")
        ended.set()
        thread.join()
        # A connection that the old process had accepted is closed when it is idle, not in an answer.
        self.assertEqual(failed, [])
        self.assertEqual(ask("/api/v1/status", make=lambda: admin.unix(f"{isolate.STATE}/over.sock")).json()["pid"], second)
        client.close()
        self.assertEqual(culvert.wait(20), 0)
        self.assertTrue(os.path.exists(f"{isolate.STATE}/over.sock"))


class HostileClients(unittest.TestCase):
    def test_they_change_nothing_for_tunnels(self):
        culvert = launch(self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", "--threads", "1")
        client = tunnel()
        open_ones = []

        def attack(first):
            with contextlib.suppress(OSError):
                one = tcp()
                open_ones.append(one)
                one.sendall(first)

        for _ in range(150):
            attack(b"GET / HTT")
        for _ in range(60):
            attack(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(20):
            attack(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 5000)
        begun = time.monotonic()
        for _ in range(200):
            client.sendall(b"ping")
            wire.receive_exactly(client, 4)
        self.assertLess(time.monotonic() - begun, 10)
        for _ in range(5):
            tunnel().close()
        # Of those that only wait, one gives way to who asks now.
        self.assertEqual(ask("/healthz").status, 200)
        for one in open_ones:
            one.close()
        client.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_one_that_reads_nothing_is_let_go(self):
        culvert = launch(self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}")
        one = testbed.home.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", ADMIN_PORT))
        before = culvert.resident_mib()
        with contextlib.suppress(OSError):
            one.settimeout(2)
            for _ in range(2000):
                one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # The address sanitizer keeps what was freed.
        if not is_sanitized():
            self.assertLess(culvert.resident_mib(), before + 8)
        wait_for(lambda: testbed.home.connections_to(ADMIN_PORT) == 0, 60, "the connection is still there")
        one.close()


@unittest.skipIf(is_sanitized(), "the page is the same for each build")
class StatusPage(unittest.TestCase):
    def test_in_a_browser_while_curl_pulls(self):
        wire.FileServer(testbed.outside, testbed.ca)
        peers.start_microsocks(testbed)
        culvert = launch(
            self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", "--admin-actions", "--hold", "0",
            "--upstream", f"tunnel=socks5://{BORDER}:{peers.MICROSOCKS_PORT}", "--upstream", f"dead=socks5://127.0.0.1:{DEAD_PORT}",
            "--route", "dead.example=dead", "--route", "*=tunnel",
        )
        client, reply = wire.connect(testbed.home, "dead.example:443")
        client.close()
        self.assertEqual(reply.status, 502)
        pull = subprocess.Popen(testbed.home.command([
            "curl", "-sS", "--limit-rate", "2M", "--cacert", testbed.ca.certificate, "-o", "/dev/null", "-x", "http://127.0.0.1:3128",
            f"https://files.world/bytes/{1 << 30}",
        ]))
        self.addCleanup(pull.wait)
        self.addCleanup(pull.kill)
        here = os.path.dirname(os.path.abspath(__file__))
        env = {
            **os.environ, "CULVERT_ADMIN": f"http://127.0.0.1:{ADMIN_PORT}/", "CULVERT_PULL": "files.world:443",
            "CULVERT_FAILURE": f"socks5://127.0.0.1:{DEAD_PORT} refused the connection",
        }
        done = testbed.home.run(f"{here}/../browser/run", env=env, check=False, timeout=200)
        if done.returncode == 77:
            isolate.skip(done.stdout.strip())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("is seen to move", done.stdout)
        pull.kill()
        pull.wait()
        culvert.shut_down()


class ProxyPac(unittest.TestCase):
    def test_as_a_browser_reads_it(self):
        node = shutil.which("newest-node") or shutil.which("node")
        if not node:
            isolate.skip("there is no Node here")
        launch(
            self, testbed, "--admin", f"127.0.0.1:{ADMIN_PORT}", "--upstream", "t=socks5://127.0.0.1:1080", "--no-proxy",
            ".corp.example,10.0.0.0/8,exact.example:8443", "--route", "direct.example,*.near.example:443=direct", "--route", "*=t",
        )
        pac = ask("/proxy.pac", Host=f"127.0.0.1:{ADMIN_PORT}")
        self.assertEqual(pac.headers["Content-Type"], "application/x-ns-proxy-autoconfig")
        proxy = "PROXY 127.0.0.1:3128"
        expected = {
            "https://gcr.io/v2/": proxy,
            "http://localhost:5000/": "DIRECT",
            "http://127.0.0.1/": "DIRECT",
            "https://a.corp.example/": "DIRECT",
            "https://corp.example/": proxy,
            "https://evilcorp.example/": proxy,
            "http://10.1.2.3/": "DIRECT",
            "http://11.1.2.3/": proxy,
            "https://exact.example:8443/": "DIRECT",
            "https://exact.example/": proxy,
            "https://direct.example/": "DIRECT",
            "https://x.near.example/": "DIRECT",
            "http://x.near.example/": proxy,
            "https://DIRECT.example/": "DIRECT",
        }
        script = pac.body + """
        for (const url of JSON.parse(process.argv[1])) console.log(FindProxyForURL(url, new URL(url).hostname));
        """
        said = subprocess.run([node, "-e", script, json.dumps(list(expected))], capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(dict(zip(expected, said.stdout.split("\n"))), expected)


if __name__ == "__main__":
    harness.main()
