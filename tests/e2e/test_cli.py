"""The command line: all errors are reported at once, and nothing is half-started."""

import json
import os
import signal
import socket
import unittest

import harness
import isolate
import peers
import wire
from culvert import FOUR_THREADS, PORT, Culvert, assert_no_secret, launch
from testbed import BORDER, HOME, Program, Testbed, wait_for

# Nothing listens here.
CLOSED = f"{BORDER}:9"
# Nobody's, at first.
LATE = "192.0.2.77"
REFUSED = f"HTTP/1.1 502 culvert: target {CLOSED} refused the connection (direct)"


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    wire.BulkTarget(testbed.outside)


class UsageErrors(unittest.TestCase):
    def fails(self, *options, code=2):
        """Runs culvert, which has to exit on its own."""
        done = testbed.culvert_host.run(os.environ["CULVERT"], *options, check=False, timeout=10)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertFalse(testbed.home.listens(PORT), "half-started")
        self.assertNotRegex(done.stderr, "terminate called|Sanitizer|Assertion")
        return done

    def assert_errors(self, done, *errors):
        self.assertEqual(done.stdout, "")
        self.assertEqual(sorted(done.stderr.splitlines()), sorted(f"culvert: {error}" for error in errors))

    def test_every_error_is_reported(self):
        self.assert_errors(
            self.fails(
                "--listen", "127.0.0.1:not-a-port", "--upstream", "ftp://x", "--threads", "many", "--log-format", "xml",
                "--connect-timeout", "soon", "--max-connections", "-1", "--allow-client", "10.0.0.0/99",
            ),
            "--listen 127.0.0.1:***: the port is not a number from 0 to 65535; write ADDRESS:PORT",
            "--upstream ftp://x: unknown scheme 'ftp' (socks5, socks4a, http, https, direct)",
            "--threads many: not a number",
            "--log-format xml: not one of text, json",
            "--connect-timeout soon: not a time; write 500ms, 12s, 5m or 1h",
            "--max-connections -1: not a number",
            "--allow-client 10.0.0.0/99: not an address or block such as 10.0.0.0/8 (bits behind the prefix are zero)",
        )

    def test_check_shows_the_date_of_a_preset(self):
        done = self.fails("check", "--route", "https://cdn02.quay.io/v2/", "--route", "https://example.com", "--upstream", "a=socks5://h",
                          "--route", "preset:containers=a", code=0)
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "cdn02.quay.io:443",
                "  rule  --route preset:containers=a: *.quay.io:443 stands for subdomains of quay.io at port 443",
                "  hosts of preset:containers, checked on 2026-11-28",
                "  way   a (socks5://h:1080)",
                "example.com:443",
                "  rule  default: no other rule matched",
                "  way   a (socks5://h:1080)",
            ],
        )

    def test_check_shows_how_a_route_is_balanced(self):
        done = self.fails("check", "--route", "gcr.io", "--route", "example.com", "--upstream", "a=socks5://h", "--upstream", "b=socks5://i?weight=3",
                          "--upstream", "c=http://j", "--route", "gcr.io=least:a,b", code=0)
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "gcr.io:443",
                "  rule  --route gcr.io=least:a,b: gcr.io stands for the host gcr.io",
                "  way   by least, the one with the least to do, of",
                "        a (socks5://h:1080)",
                "        b (socks5://i:1080), weight 3",
                "example.com:443",
                "  rule  default: no other rule matched",
                "  way   a (socks5://h:1080)",
                "  then  b (socks5://i:1080)",
                "  then  c (http://j:3128)",
            ],
        )

    def test_version_tells_the_libraries(self):
        lines = self.fails("--version", code=0).stdout.splitlines()
        self.assertRegex(lines[0], r"^culvert \d+\.\d+\.\d+$")
        self.assertEqual([line.split()[0] for line in lines[1:]], ["libuv", "llhttp", "OpenSSL", "c-ares", "jansson", "fmt", "CLI11"])
        for line in lines[1:]:
            self.assertRegex(line, r"^\S+ \d+\.\d+(\.\d+)?[a-z]?$")

    def test_unknown_flag(self):
        self.assert_errors(self.fails("--no-such-flag", "--listen", f"127.0.0.1:{PORT}"), "--no-such-flag: unknown flag")

    def test_each_upstream_is_checked(self):
        bad_port = "the port is not a number from 1 to 65535"
        for url, error in (
            ("socks5://:1080", "socks5://:1080: the host is missing, as in socks5://127.0.0.1:1080"),
            ("socks5://host:port", f"socks5://host:***: {bad_port}"),
            ("socks5://host:99999", f"socks5://host:99999: {bad_port}"),
            ("gopher://host", "gopher://host: unknown scheme 'gopher' (socks5, socks4a, http, https, direct)"),
            ("http://host/path", "http://host/***: a path has no meaning here"),
            ("socks5://[::1", "socks5://[::1: the brackets hold no IPv6 address"),
        ):
            with self.subTest(url=url):
                self.assert_errors(self.fails("--listen", f"127.0.0.1:{PORT}", "--upstream", url), f"--upstream {error}")

    def test_secrets_are_not_repeated(self):
        done = self.fails("--upstream", f"socks5://{peers.USER}:{peers.PASSWORD_IN_URL}@host:port")
        assert_no_secret(done.stdout + done.stderr)

    def test_missing_ca_file(self):
        done = self.fails("--listen", f"127.0.0.1:{PORT}", "--upstream", "https://proxy:443?ca=/no/such/file")
        self.assert_errors(done, "--upstream https://proxy:443?ca=/no/such/file: ca=/no/such/file: No such file or directory")

    def test_certificate_errors_are_reported_with_all_others(self):
        pem = f"{isolate.STATE}/no.pem"
        isolate.write(pem, "no certificate")
        unusable = ("--upstream", f"p=https://proxy?ca={pem}")
        done = self.fails(*unusable, "--threads", "0", "--upstream", "ftp://x")
        for words in ("--threads 0", "ftp://x", f"cannot read CA certificates {pem}"):
            self.assertIn(words, done.stderr)
        self.assertIn(pem, self.fails("check", "--route", "https://gcr.io", *unusable).stderr)

    def test_a_configuration_is_checked_and_printed_without_a_start(self):
        pem, log, toml = (f"{isolate.STATE}/{name}" for name in ("bad.pem", "never.log", "printed.toml"))
        isolate.write(pem, "no certificate")
        options = ("--listen", f"127.0.0.1:{PORT}", "--upstream", f"a=http://{peers.USER}:{peers.PASSWORD_IN_URL}@proxy:1",
                   "--upstream", "b=http://proxy:2", "--access-log", log, "--no-proxy", "gcr.io;")
        done = self.fails("--check-config", *options, code=0)
        self.assertEqual(done.stdout, "the configuration is valid: 1 listener, 2 upstreams, 0 routes\n")
        self.assertRegex(done.stderr, r"\Aculvert: warning: --no-proxy [^\n]*\n\Z")
        self.assertFalse(os.path.exists(log))
        printed = self.fails("--print-config", *options, code=0).stdout
        assert_no_secret(printed)
        isolate.write(toml, printed)
        self.assertIn(f'\nlisten = [\n  "127.0.0.1:{PORT}",  # {toml}:',
                      self.fails("--check-config", "--print-config", "--config", toml, code=0).stdout)
        # A certificate is opened, alone and beside other mistakes.
        bad = ("--check-config", "--upstream", f"b=https://proxy?ca={pem}")
        self.assertIn(f"cannot read CA certificates {pem}", self.fails(*bad).stderr)
        everything = self.fails(*bad, "--threads", "0", "--access-log", "/no/such/folder/log").stderr
        for words in (f"cannot read CA certificates {pem}", "--threads 0", "/no/such/folder/log: cannot be created"):
            self.assertIn(words, everything)

    def test_one_dash_is_not_help(self):
        done = self.fails("-hold", "5s")
        self.assert_errors(done, "-hold: unknown flag (did you mean --hold?)")

    def test_every_port_in_use_is_reported(self):
        launch(self, testbed, listen=(f"127.0.0.1:{PORT}", "127.0.0.1:3999"))
        done = testbed.culvert_host.run(os.environ["CULVERT"], "--listen", "127.0.0.1:3999", "--listen", f"127.0.0.1:{PORT}",
                                      check=False, timeout=10)
        self.assertEqual(done.returncode, 1)
        for port in (3999, PORT):
            self.assertIn(f"127.0.0.1:{port}: the address is already in use", done.stderr)

    def test_port_in_use(self):
        launch(self, testbed)
        done = testbed.culvert_host.run(os.environ["CULVERT"], "--listen", "127.0.0.1:3999", "--listen", f"127.0.0.1:{PORT}",
                                      check=False, timeout=10)
        self.assertEqual(done.returncode, 1)
        self.assert_errors(
            done, f"cannot listen on 127.0.0.1:{PORT}: the address is already in use - is another culvert or proxy running there?"
        )
        self.assertFalse(testbed.home.listens(3999), "half-started")

    def test_open_proxy_needs_a_flag(self):
        done = self.fails("--listen", f"0.0.0.0:{PORT}")
        self.assert_errors(
            done,
            f"--listen http://0.0.0.0:{PORT}: others than this host can reach it; say who may use it with --allow-client CIDR,..., "
            "--auth-file FILE or https://ADDRESS:PORT?cert=FILE&client-ca=FILE, or let everybody with --open-proxy",
        )


class Shells(unittest.TestCase):
    """Shells and man accept what culvert prints for them."""

    def output_file(self, *command):
        path = f"{isolate.STATE}/printed"
        isolate.write(path, testbed.culvert_host.run(os.environ["CULVERT"], *command).stdout)
        return path

    def test_bash_completes(self):
        script = self.output_file("completion", "bash")
        for words, expected in {
            ("--up",): "--upstream",
            ("--log-level", "wa"): "warning",
            ("--log-level", "=", "de"): "debug",
            ("--log-format", "="): "text json",
            ("completion", "z"): "zsh",
            ("--upstream", "--li"): "",
            ("ch",): "check",
            ("serve", "--thr"): "--threads",
            ("check", "--ti"): "--timeout",
            ("check", "--in"): "",
            ("setup", "docker", "--in"): "--install",
            ("setup", "ap"): "apt",
            ("setup", "docker", "container"): "containerd",
            ("man", "--th"): "",
            ("setup", "--root", "/var/li"): "/var/lib",
            ("run", "--hol"): "--hold --hold-resumed",
            ("run", "--log-level", "er"): "error",
            ("run", "--", "logge"): "logger",
            ("run", "--hold", "5s", "--", "logge"): "logger",
            ("run", "--upstream", "=", "direct", "logge"): "logger",
            ("run", "logge"): "logger",
            ("run", "--", "env", "--hol"): "",
        }.items():
            complete = 'source "$0"; COMP_WORDS=(culvert "$@"); COMP_CWORD=$#; _culvert; echo "${COMPREPLY[*]}"'
            done = testbed.culvert_host.run("bash", "--norc", "-c", complete, script, *words)
            found = " ".join(dict.fromkeys(done.stdout.split()))  # a program may be in two folders
            self.assertEqual((found, done.stderr), (expected, ""), words)

    def test_zsh_takes_the_script(self):
        script = self.output_file("completion", "zsh")
        command = 'autoload -U compinit; compinit -D -u; source "$0"; echo $_comps[culvert]'
        done = testbed.culvert_host.run("zsh", "-f", "-c", command, script)
        self.assertEqual((done.stdout, done.stderr), ("_culvert\n", ""))

    def test_fish_completes(self):
        script = self.output_file("completion", "fish")
        for line, expected in {
            "--up": ["--upstream"],
            "--log-level wa": ["warning"],
            "completion z": ["zsh"],
            "ch": ["check"],
            "check --ti": ["--timeout"],
            "check --in": [],
            "setup --in": ["--install"],
            "setup docker ap": ["apt"],
            "setup --root /var/li": ["/var/lib/"],
            "man --th": [],
            "run --connect-t": ["--connect-timeout"],
            "run --hold 5s -- logge": ["logger"],
            "run logge": ["logger"],
            "run -- env --connect-t": [],
            "run -- logger --log-level wa": [],
        }.items():
            done = testbed.culvert_host.run(
                "env", f"HOME={isolate.STATE}", "fish", "--no-config", "-c", 'source $argv[1]; complete -C "culvert $argv[2]"', script, line
            )
            # fish 4 lists what has these letters in this order, too.
            begun = line.split()[-1]
            self.assertEqual([found.split("\t")[0] for found in done.stdout.splitlines() if found.startswith(begun)], expected, line)
            self.assertEqual(done.stderr, "")

    def test_roff_takes_the_manual_page(self):
        done = testbed.culvert_host.run("groff", "-man", "-ww", "-Tascii", "-P-cbou", self.output_file("man"))
        self.assertEqual(done.stderr, "")
        for words in ("CULVERT(1)", "--connect-timeout", "CULVERT_CONNECT_TIMEOUT", "unix:/PATH               a unix socket"):
            self.assertIn(words, done.stdout, words)


class StandardStreams(unittest.TestCase):
    """They may be closed, or lead nowhere."""

    def shell(self, script, *options):
        done = testbed.culvert_host.run("sh", "-c", f'"$0" "$@" {script}', os.environ["CULVERT"], *options, check=False, timeout=10)
        return done.returncode

    def test_usage_errors_keep_their_exit_status(self):
        for script in ("2>&-", "2>/dev/full", "<&- >&- 2>&-"):
            self.assertEqual(self.shell(script, "--bogus"), 2, script)

    def test_help_that_does_not_arrive(self):
        self.assertEqual(self.shell(">/dev/null", "--help"), 0)
        self.assertEqual(self.shell(">/dev/full", "--help"), 1)

    def test_no_socket_gets_their_numbers(self):
        culvert = os.environ["CULVERT"]
        script = f"exec {culvert} --listen 127.0.0.1:{PORT} --threads 1 <&- >&- 2>&-"
        process = Program("closed-streams", testbed.culvert_host, ["sh", "-c", script])
        process.start()
        self.addCleanup(process.kill)
        process.wait_listening(PORT)
        for number in range(3):
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{number}"), "/dev/null")
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)


class Listening(unittest.TestCase):
    def test_default_is_loopback_of_both_families(self):
        culvert = launch(self, testbed, "--upstream", "direct://", listen=())
        culvert.wait_listening(PORT, "::1")
        for address in ("127.0.0.1", "::1"):
            client, reply = wire.connect(testbed.home, CLOSED, address=address)
            client.close()
            self.assertEqual(reply.line, REFUSED)
        culvert.wait_log(f" info listening on http://127.0.0.1:{PORT}\n")
        culvert.wait_log(f" info listening on http://[::1]:{PORT}\n")
        culvert.shut_down()

    def test_serve_is_the_same(self):
        culvert = Culvert(testbed, "--upstream", "direct://")
        culvert.argv.insert(1, "serve")
        testbed.processes.append(culvert)
        self.addCleanup(culvert.kill)
        culvert.up()
        client, reply = wire.connect(testbed.home, CLOSED)
        client.close()
        self.assertEqual(reply.line, REFUSED)
        culvert.shut_down()

    def test_several_listeners(self):
        listen = (f"127.0.0.1:{PORT}", "127.0.0.1:3999", f"{HOME}:{PORT}")
        culvert = launch(self, testbed, "--open-proxy", listen=listen)
        for address, port in (("127.0.0.1", PORT), ("127.0.0.1", 3999), (HOME, PORT)):
            culvert.wait_listening(port, address)
            client, reply = wire.connect(testbed.home, CLOSED, address=address, port=port)
            client.close()
            self.assertEqual(reply.line, REFUSED)
        culvert.shut_down()

    def test_an_address_that_comes_up_later(self):
        """As that of docker's bridge. Also for who takes over before it is there."""
        ours = f"{LATE}:{PORT}"
        options = ("--allow-client", f"{LATE}/32", "--upstream", "direct://", "--take-over", "--threads", "2")
        first = launch(self, testbed, *options, listen=(f"127.0.0.1:{PORT}", ours))
        warning = f" warning {ours}: no interface of this host has that address yet;"
        first.wait_log(warning)
        second = launch(self, testbed, *options, listen=(ours, f"127.0.0.1:{PORT}"))
        second.wait_log(warning)
        self.assertEqual(first.wait(20), 0)
        testbed.home.ip(f"addr add {LATE}/32 dev lo")
        self.addCleanup(testbed.home.ip, f"addr del {LATE}/32 dev lo")
        for target, line in ((CLOSED, REFUSED), (ours, f"HTTP/1.1 403 culvert: target {ours} is a listener of this proxy itself (direct)")):
            client, reply = wire.connect(testbed.home, target, address=LATE)
            client.close()
            self.assertEqual(reply.line, line)
        second.shut_down()
        self.assertEqual(second.count_in_log(warning), 1)

    def test_an_address_that_the_command_of_run_needs_at_once(self):
        def run(*listen):
            options = [word for address in listen for word in ("--listen", address)]
            return testbed.culvert_host.run(
                os.environ["CULVERT"], "run", "--open-proxy", *options, "--", "printenv", "https_proxy", check=False, timeout=20
            )

        self.assertEqual(run(f"{LATE}:{PORT}", "127.0.0.1:3999").stdout, "http://127.0.0.1:3999\n")
        alone = run(f"{LATE}:{PORT}")
        self.assertEqual(alone.returncode, 125)
        self.assertIn("no interface of this host has that address yet, and the command needs one at once", alone.stderr)

    def test_no_hint_names_a_unix_socket_as_a_proxy(self):
        path = f"unix:{isolate.STATE}/culvert.sock"
        culvert = launch(self, testbed, listen=(path, f"127.0.0.1:{PORT}"))
        culvert.shut_down()
        self.assertNotIn("proxy=unix:", culvert.output())
        # As the program is called here.
        self.assertIn(f"https_proxy=http://127.0.0.1:{PORT} docker-registry serve", culvert.output())

    def test_only_allowed_clients(self):
        culvert = launch(self, testbed, "--allow-client", "127.0.0.0/8,fd77::/16", listen=(f"0.0.0.0:{PORT}",), address="0.0.0.0")
        client, reply = wire.connect(testbed.home, CLOSED)
        client.close()
        self.assertEqual(reply.line, REFUSED)
        # From the border, which is not on the list.
        client, reply = wire.connect(testbed.border, CLOSED, address=HOME)
        client.close()
        self.assertEqual(
            reply.line,
            f"HTTP/1.1 403 culvert: client {BORDER} may not use this proxy - start culvert with --allow-client {BORDER}",
        )
        culvert.shut_down()

    def test_settings_from_the_environment(self):
        culvert = launch(self, testbed, listen=(), env={"CULVERT_LISTEN": f"127.0.0.1:{PORT}", "CULVERT_UPSTREAM": "direct://"})
        self.assertFalse(testbed.home.listens(PORT, "::1"))
        culvert.shut_down()


def count_lines(path):
    try:
        with open(path, encoding="utf-8") as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0


class Logging(unittest.TestCase):
    def transfer(self, *options):
        culvert = launch(self, testbed, "--upstream", "direct://", *options, host=testbed.border)
        client = wire.tunnel(testbed.border, early=b"sink\n")
        client.sendall(b"x" * 1000)
        client.shutdown(socket.SHUT_WR)
        data = wire.receive_all(client)
        client.close()
        client, reply = wire.connect(testbed.border, CLOSED)
        client.close()
        self.assertEqual(reply.line, REFUSED)
        return culvert, len(data)

    def test_text(self):
        culvert, received = self.transfer()
        # Sessions of two workers: the line of the later one may be written first.
        culvert.wait_access_lines(2)
        culvert.shut_down()
        lines = sorted(culvert.access_lines(), key=lambda line: f" target={CLOSED} " in line)
        self.assertEqual(len(lines), 2)
        self.assertIn(f"target=target.world:{wire.BULK_PORT} ", lines[0])
        self.assertIn(" bytes_up=1005 ", lines[0])
        self.assertIn(f" bytes_down={received} ", lines[0])
        self.assertIn(f"target={CLOSED} ", lines[1])

    def test_json(self):
        culvert, received = self.transfer("--log-format", "json")
        culvert.wait_access_lines(2)
        culvert.shut_down()
        lines = sorted(map(json.loads, culvert.access_lines()), key=lambda line: line["target"] == CLOSED)
        self.assertEqual(len(lines), 2)
        self.assertEqual([line["target"] for line in lines], [f"target.world:{wire.BULK_PORT}", CLOSED])
        self.assertEqual(lines[0]["bytes_up"], 1000 + len("sink\n"))
        self.assertEqual(lines[0]["bytes_down"], received)
        with open(culvert.stderr_path, encoding="utf-8") as log:
            for line in log:
                json.loads(line)

    def test_debug_log_names_route_and_upstream(self):
        culvert, _ = self.transfer("--log-level", "debug")
        culvert.shut_down()
        self.assertRegex(culvert.output(), rf"debug target\.world:{wire.BULK_PORT}: goes by default to direct")
        self.assertRegex(culvert.output(), rf"debug target\.world:{wire.BULK_PORT}: direct has connected: connect \d+ ms")

    def test_host_that_a_preset_may_lack(self):
        culvert = launch(self, testbed, "--upstream", "direct://", "--upstream", "tunnel=socks5://127.0.0.1:9", "--hold", "0",
                         "--route", "preset:k8s=tunnel", "--route", "named.world=direct", *FOUR_THREADS)
        for target in ("registry.k8s.io:443", "named.world:443", f"127.0.0.1:{PORT}", "x.amazonaws.com:443", "blobs.world:443", "blobs.world:443"):
            wire.connect(testbed.home, target)[0].close()
        culvert.wait_access_lines(6)
        culvert.shut_down()
        [line] = [line for line in culvert.output().splitlines() if "pulls from" in line]
        self.assertRegex(
            line, r" info pulls from registry\.k8s\.io may need blobs\.world:443 as well, which preset:k8s does not name: "
            r"--route blobs\.world:443=tunnel$",
        )

    def test_access_log_in_a_file(self):
        path = f"{isolate.STATE}/access.log"
        culvert, _ = self.transfer("--access-log", path)
        wait_for(lambda: count_lines(path) == 2, 10, "the file does not have two lines")
        self.assertEqual(culvert.access_lines(), [])
        culvert.shut_down()

    def test_access_log_off(self):
        culvert, _ = self.transfer("--access-log", "off")
        culvert.shut_down()
        self.assertNotIn(f"target.world:{wire.BULK_PORT}", culvert.output())

    def test_client_input_is_escaped(self):
        culvert = launch(self, testbed, "--upstream", "direct://")
        client = wire.open_client(testbed.home)
        client.sendall(b"CONNECT evil\x1b[31m.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = wire.read_reply(client)
        client.close()
        self.assertEqual(reply.line, "HTTP/1.1 400 culvert: the head contains a control byte")
        culvert.wait_access_lines(1)
        culvert.shut_down()
        self.assertNotIn("\x1b", culvert.output())
        self.assertEqual(len(culvert.access_lines()), 1)


if __name__ == "__main__":
    harness.main()
