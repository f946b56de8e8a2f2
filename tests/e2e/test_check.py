"""`culvert check` in worlds that are each wrong in one way, and in some that are well: the step, the cause and the fix."""

import concurrent.futures
import contextlib
import dataclasses
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
import unittest

import checks
import harness
import images
import peers
import scripted
import web
import wire
from certs import Authority
from culvert import PORT, PROXY, is_sanitized, launch
from testbed import BLACKHOLE, BORDER, HOME, Program, Testbed, wait_for

SSH = f"socks5://127.0.0.1:{peers.SOCKS_PORT}"
WRONG_LOGIN = f"{peers.USER}:wrong-hush@"
DANTE = f"{BORDER}:{peers.DANTE_PORT}"
MICROSOCKS = f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}"
SQUID = f"{BORDER}:{peers.SQUID_PORT}"
SQUID_TLS = f"{BORDER}:{peers.SQUID_TLS_PORT}"
# Nothing listens here.
CLOSED_PORT = 9
CLOSED = f"127.0.0.1:{CLOSED_PORT}"
REGISTRY_PORT = 5000
CACHE_PORT = 5001
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
IMAGE = "google_containers/pause"
OK = "https://ok.world/"
UNKNOWN, REFUSING = "https://nowhere.invalid/", f"https://target.world:{CLOSED_PORT}/"


def setUpModule():
    global testbed, ssh, schema, other_ca
    testbed = harness.report_on(Testbed())
    schema = checks.Schema()
    other_ca = Authority("other")
    web.start_web(testbed)
    testbed.culvert_dns.table["near.world"] = [BORDER]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = [
            pool.submit(start)
            for start in (start_ssh, start_registries, lambda: peers.start_dante(testbed), lambda: peers.start_squid(testbed),
                          lambda: peers.start_microsocks(testbed))
        ]
        for wait in waits:
            wait.result()


def start_ssh():
    global ssh
    peers.start_sshd(testbed)
    ssh = peers.start_ssh_tunnel(testbed)


def start_registries():
    """gcr.io, and one at home without TLS that has the same images."""
    peers.start_registry(testbed)
    config = peers.put(
        f"{peers.folder('registry')}/config.yml",
        f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {peers.folder('gcr.io')}/data}}}}\n"
        f"http: {{addr: ':{REGISTRY_PORT}'}}\n",
    )
    at_home = testbed.start(Program("registry", testbed.home, ["/usr/bin/docker-registry", "serve", config]))
    for seed, name in enumerate((f"{IMAGE}:3.1", "library/nginx:latest"), 1):
        images.push(testbed, images.make_image(1 << 16, seed), f"gcr.io/{name}")
    at_home.wait_listening(REGISTRY_PORT)


@dataclasses.dataclass(frozen=True)
class World:
    """Only this step fails, for a reason that has the words of `cause`, with a fix that has those of `fix` (all are patterns)."""

    name: str
    arguments: tuple
    step: str
    cause: str
    fix: str
    env: tuple = ()
    subject: str = ""


def upstream(url, *more):
    return ("--upstream", url, *more)


def check(*arguments, env=()):
    return checks.Report.of(checks.run(testbed, "--json", *arguments, env=env), schema)


class Told(unittest.TestCase):
    def tell_apart(self, *worlds):
        """Side by side, as some of them wait."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            waits = [(world, pool.submit(check, *world.arguments, env=world.env)) for world in worlds]
            for world, wait in waits:
                with self.subTest(world=world.name):
                    self.assert_told(world, wait.result())

    def assert_told(self, world, report):
        failed = report.failed()
        self.assertEqual(len(failed), 1, report.text)
        self.assertRegex(failed[0]["step"], rf"^({world.step})$", report.text)
        self.assertRegex(failed[0]["cause"], re.compile(world.cause, re.IGNORECASE), report.text)
        self.assertRegex(failed[0]["fix"], re.compile(world.fix, re.IGNORECASE), report.text)
        self.assertIn(world.subject, failed[0]["subject"], report.text)
        self.assertEqual(report.status, 1)


class Worlds(Told):
    def test_upstreams_that_cannot_be_reached(self):
        self.tell_apart(
            World("nothing listens at a tunnel's end", upstream(f"socks5://{CLOSED}", OK), "upstream",
                  "refused|nothing listens", rf"ssh .*-D \S*\b{CLOSED_PORT}\b"),
            World("nothing listens at a proxy", upstream(f"http://{BORDER}:{CLOSED_PORT}", OK), "upstream",
                  "refused|nothing listens", rf"{BORDER}\b.*\b{CLOSED_PORT}\b"),
            World("packets to it vanish", upstream(f"socks5://{BLACKHOLE}:1080?connect-timeout=1s", OK), "upstream",
                  "no answer|did not (accept|answer)|lost|dropped|vanish", rf"{BLACKHOLE}\b.*\b1080\b"),
            World("its name does not resolve", upstream("http://no-such-proxy.home:3128", OK), "upstream",
                  "(not|n't) (resolve|exist)", "no-such-proxy.home"),
        )

    def test_upstreams_of_another_kind(self):
        port = peers.SOCKS_PORT
        mail = wire.SilentServer(testbed.home, b"220 mail.example ESMTP\r\n").port
        self.tell_apart(
            World("an HTTP proxy given as socks5", upstream(f"socks5://{SQUID}", OK), "upstream",
                  "HTTP", rf"--upstream '?http://{SQUID}"),
            World("an HTTP proxy given as socks4a", upstream(f"socks4a://{SQUID}", OK), "upstream",
                  "HTTP", rf"--upstream '?http://{SQUID}"),
            World("a SOCKS server given as http", upstream(f"http://127.0.0.1:{port}", OK), "upstream",
                  "SOCKS", rf"--upstream '?socks5://127\.0\.0\.1:{port}"),
            World("a TLS server given as http", upstream(f"http://{peers.LOGIN}{SQUID_TLS}", OK), "upstream",
                  "TLS", rf"--upstream '?https://.*{SQUID_TLS}"),
            World("a plain server given as https", upstream(f"https://{peers.LOGIN}{SQUID}", OK), "upstream",
                  "TLS", rf"--upstream '?http://.*{SQUID}"),
            World("a TLS server given as socks5", upstream(f"socks5://{SQUID_TLS}", OK), "upstream",
                  "TLS|not .*SOCKS5", rf"--upstream '?https://.*{SQUID_TLS}|{SQUID_TLS}"),
            World("a mail server", upstream(f"http://127.0.0.1:{mail}", OK), "upstream", "not .*HTTP", f"{mail}"),
        )

    def test_certificates_of_upstreams(self):
        ca = testbed.ca.certificate
        files = testbed.ca.issue_for("old-proxy", "20200101000000Z", "20210101000000Z", f"IP:{BORDER}")
        expired = scripted.tls_proxy(testbed.border, files, address=BORDER).port
        self.tell_apart(
            World("untrusted", upstream(f"https://{peers.LOGIN}{SQUID_TLS}", OK), "upstream",
                  "testbed", r"--upstream 'https://.*\?ca=[^']*'", env=(("SSL_CERT_FILE", other_ca.certificate),)),
            World("expired", upstream(f"https://{BORDER}:{expired}?ca={ca}", OK), "upstream",
                  "expired.* 2021|2021.*expired", "renew|clock|date"),
            World("for another name", upstream(f"https://{peers.LOGIN}{SQUID_TLS}?ca={ca}&sni=gcr.io", OK), "upstream",
                  "proxy.border", r"--upstream 'https://\S*&sni=proxy\.border'"),
        )

    def test_passwords(self):
        ntlm = scripted.Script(testbed.home, scripted.NTLM_ONLY).port
        with_password = r"--upstream '?{}://[^@ ]+:[^@ ]+@{}|password-file="
        self.tell_apart(
            World("wrong, SOCKS5", upstream(f"socks5://{WRONG_LOGIN}{DANTE}", OK), "upstream",
                  "password", with_password.format("socks5", DANTE)),
            World("wrong, HTTP", upstream(f"http://{WRONG_LOGIN}{SQUID}", OK), "upstream",
                  "password", with_password.format("http", SQUID)),
            World("needed, SOCKS5", upstream(f"socks5://{DANTE}", OK), "upstream",
                  "password|credentials", with_password.format("socks5", DANTE)),
            World("needed, HTTP", upstream(f"http://{SQUID}", OK), "upstream",
                  "password|credentials", with_password.format("http", SQUID)),
            World("needed for a plain request", upstream(f"http://{SQUID}", "http://ok.world/"), "http",
                  "password|credentials", with_password.format("http", SQUID)),
            World("not wanted", upstream(f"socks5://{peers.LOGIN}127.0.0.1:{peers.SOCKS_PORT}", OK), "upstream",
                  "no user|no password|without|no credentials|not want", rf"--upstream '?{SSH}"),
            World("NTLM alone", upstream(f"http://127.0.0.1:{ntlm}", OK), "upstream", "NTLM|Negotiate", "cntlm"),
        )

    def test_far_ends(self):
        squid, dante = f"http://{peers.LOGIN}{SQUID}", f"socks5://{peers.LOGIN}{DANTE}"
        no_name, no_port = "resolve|name|reach", rf"\b{CLOSED_PORT}\b|target\.world"
        hung = scripted.Script(testbed.home, scripted.GREETING, closes=False).port
        closing = scripted.Script(testbed.home, scripted.GREETING, scripted.GRANTED).port
        later = scripted.Script(testbed.home, scripted.GREETING, scripted.GRANTED, b"").port
        policy = scripted.Script(testbed.home, scripted.POLICY).port
        self.tell_apart(
            World("a name that is unknown to dante", upstream(dante, UNKNOWN), "request", no_name, r"nowhere\.invalid"),
            World("a name that is unknown to squid", upstream(squid, UNKNOWN), "request", no_name, r"nowhere\.invalid"),
            World("a name that is unknown here, where names are looked up", upstream(f"{MICROSOCKS}?resolve=local", UNKNOWN), "request",
                  "resolve=local.*own resolver", rf"--upstream '?{MICROSOCKS}'? "),
            World("refused, dante", upstream(dante, REFUSING), "request", "refused", no_port),
            World("refused, squid", upstream(squid, REFUSING), "request", "refused", rf"^nc -vz .*\b{CLOSED_PORT}\b"),
            World("ssh -D cannot resolve", upstream(SSH, UNKNOWN), "request", "ssh -D|far end", r"ssh .*nowhere\.invalid|ssh -v"),
            World("ssh -D is refused", upstream(SSH, REFUSING), "request", "ssh -D|far end", r"ssh .*target\.world|ssh -v"),
            World("yes, and then an end", upstream(f"socks5://127.0.0.1:{closing}", OK), "request",
                  "says? yes|said yes|granted|accepted", r"log|server|key"),
            World("yes, and an end after the hello", upstream(f"socks5://127.0.0.1:{later}", OK), "request",
                  "says? yes|said yes|granted|accepted", r"log|server|key"),
            World("greets and hangs", upstream(f"socks5://127.0.0.1:{hung}", "--connect-timeout", "1s", OK), "request",
                  "not answer|no answer|hang", rf"ssh|restart|\b{hung}\b"),
            *([World("dante's rules", upstream(dante, f"target.world:{peers.FORBIDDEN_PORT}"), "request",
                     "allow|forb|polic|rule", "443|allow|ask|--route")] if peers.has_dante() else []),
            World("squid's rules", upstream(squid, "https://www.forbidden.world/"), "request",
                  "403|deny|denies|forb|polic|rule", r"allow|ask|--route '?www\.forbidden\.world"),
            World("a policy", upstream(f"http://127.0.0.1:{policy}", OK), "request", "file sharing", r"allow|ask|--route '?ok\.world"),
        )

    def test_portals(self):
        portal = scripted.Script(testbed.home, scripted.SIGN_IN).port
        network = scripted.Script(testbed.border, scripted.NETWORK_SIGN_IN, address=BORDER).port
        through = upstream(MICROSOCKS)
        own_cas = r"ca-certificates|SSL_CERT_FILE|certs\.d"
        self.tell_apart(
            World("a page for a tunnel", upstream(f"http://127.0.0.1:{portal}", OK), "tls",
                  "HTML|web page|page|portal", "browser|sign in|log in"),
            World("a network that wants a sign-in", (f"http://{BORDER}:{network}/",), "http", "511|sign|portal", "browser|sign in"),
            World("a page for a registry", (*through, "portal.world/some/image"), "registry", "HTML|page|portal", "browser|sign|registry"),
            World("a middlebox", (*through, f"https://{web.INSPECTED}/"), "tls", web.MIDDLEBOX, own_cas),
            World("a block page's certificate", (*through, f"https://{web.BLOCK_PAGE}/"), "tls",
                  rf"block\.corp\.example.*{web.MIDDLEBOX}", "browser"),
            World("an expired certificate", (*through, f"https://{web.EXPIRED}/"), "tls", "expired", "renew|clock|date"),
            World("a certificate of the future", (*through, f"https://{web.EARLY}/"), "tls", "not yet|2048|before", "clock|date"),
            World("a certificate for another name", (*through, f"https://{web.OTHER_NAME}/"), "tls", r"else\.world", r"else\.world|name"),
        )

    def test_own_rules(self):
        self.tell_apart(
            World("denied", upstream(MICROSOCKS, "--route", "ok.world=deny", OK), "route", r"deny|denied|refus", r"--route .*ok\.world"),
            World("our own NO_PROXY", upstream(MICROSOCKS, "--no-proxy", "ok.world", OK), "request", "resolve", "--no-proxy"),
        )

    def test_registries(self):
        through = upstream(MICROSOCKS)
        squid = upstream(f"http://{peers.LOGIN}{SQUID}")
        lost = ("--upstream", f"dead=socks5://{CLOSED}", "--route", f"{web.LONELY_TOKENS}=dead", "--upstream", f"m={MICROSOCKS}",
                "--route", "*=m")
        self.tell_apart(
            World("401 without a word", (*through, "bare.world/some/image"), "registry", "401", r"bare\.world"),
            World("401 that wants a login", (*through, "basic.world/some/image"), "registry", "401.*password", r"docker login basic\.world"),
            World("its token service cannot be reached", (*lost, "lonely.world/some/image"), "token",
                  "refused|nothing listens", r"--route|ssh|upstream", subject=web.LONELY_TOKENS),
            World("no such image", (*through, "gcr.io/google_containers/no-such-image:1"), "manifest",
                  "404|not (found|known)|unknown|no such", "list-tags docker://gcr.io/google_containers/no-such-image"),
            World("no such tag", (*through, f"gcr.io/{IMAGE}:nope"), "manifest", "tag|404|not found|unknown", rf"list-tags docker://gcr.io/{IMAGE}"),
            World("the prefix is missing", (f"127.0.0.1:{REGISTRY_PORT}/nginx",), "manifest", "404|not (found|known)|unknown|no such",
                  rf"127\.0\.0\.1:{REGISTRY_PORT}/library/nginx"),
            World("its blobs' host is forbidden", (*squid, "far-blobs.world/some/image"), "blob", "403|den(y|ied|ies)|forb|polic|rule",
                  rf"allow|ask|--route '?{web.FORBIDDEN_BLOBS}", subject=web.FORBIDDEN_BLOBS),
            World("too many pulls", (*through, "limited"), "manifest", "429|rate|limit", "docker login"),
            World("broken", (*through, "broken.world/some/image"), "http", "503", r"later|again|status"),
            World("the clock is wrong", (*through, "skewed.world/some/image"), "clock", "3 days|72|clock", "date|ntp|chrony|timesyncd|timedatectl"),
            World("a registry without TLS", (f"{HOME}:{REGISTRY_PORT}/library/nginx",), "tls", "TLS|plain|HTTP", "insecure-registries"),
        )


class Environment(Told):
    """Of a client that shall use culvert, which runs."""

    @classmethod
    def setUpClass(cls):
        launch(cls, testbed, "--upstream", MICROSOCKS)

    def here(self, name, arguments=(), *, step="environment", cause, fix, **variables):
        return World(name, (*upstream(MICROSOCKS), *(arguments or (OK,))), step, cause, fix, tuple(variables.items()))

    def test_variables(self):
        quoted = f'"{PROXY}"'
        self.tell_apart(
            self.here("https:// before the proxy", cause="TLS|https://", fix=rf"https_proxy='?{PROXY}", https_proxy=f"https://127.0.0.1:{PORT}"),
            self.here("ALL_PROXY alone", cause="ALL_PROXY", fix=rf"https_proxy='?{PROXY}", ALL_PROXY=PROXY),
            self.here("http_proxy alone", cause="https_proxy", fix=rf"https_proxy='?{PROXY}", http_proxy=PROXY),
            self.here("a stray %", cause="%", fix="%25", HTTPS_PROXY="http://me:100%-hush@127.0.0.1:3128"),
            self.here("quotes", cause="quote", fix=rf"HTTPS_PROXY='?{PROXY}'?(\s|$)", HTTPS_PROXY=quoted),
            self.here("NO_PROXY takes the target", cause=r"NO_PROXY.*\.world", fix="NO_PROXY", HTTPS_PROXY=PROXY, NO_PROXY="localhost,.world,10.0.0.0/8"),
            self.here("NO_PROXY takes all", cause=r"NO_PROXY.*\*", fix="NO_PROXY", HTTPS_PROXY=PROXY, NO_PROXY="*"),
        )

    def test_a_registry_nearby(self):
        """The far end of a tunnel does not reach it, or reaches another one."""
        image = f"{HOME}:{CLOSED_PORT}/some/image"
        self.tell_apart(
            self.here("it goes through the proxy", (image,), step="request", cause=f"{HOME} seems to be near",
                      fix=rf"export NO_PROXY=a\.example,{HOME}$", HTTPS_PROXY=PROXY, NO_PROXY="a.example"),
            self.here("who knows of no proxy here", (image,), step="request", cause=f"{HOME} seems to be near",
                      fix=f"culvert setup docker --no-proxy localhost,127.0.0.1,{HOME} --install"),
            self.here("it goes past the proxy", (f"{HOME}:{REGISTRY_PORT}/library/nginx",), step="tls", cause="TLS|plain",
                      fix="insecure-registries", HTTPS_PROXY=PROXY, NO_PROXY=HOME),
        )

    def test_listeners(self):
        other = scripted.Script(testbed.home, scripted.NTLM_ONLY).port
        self.tell_apart(
            self.here("nothing listens", step="listener", cause="refused|nothing listens|no proxy", fix=f"culvert|{CLOSED_PORT}",
                      HTTPS_PROXY=f"http://{CLOSED}"),
            self.here("a SOCKS server", step="listener", cause="SOCKS", fix=rf"socks5://127\.0\.0\.1:{peers.SOCKS_PORT}",
                      HTTPS_PROXY=f"http://127.0.0.1:{peers.SOCKS_PORT}"),
        )
        for listener, what in ((PROXY, "culvert"), (f"http://127.0.0.1:{other}", "not culvert")):
            with self.subTest(listener=listener):
                report = check(*upstream(MICROSOCKS), OK, env={"HTTPS_PROXY": listener})
                step = report.step("listener")
                self.assertTrue(step["ok"], report.text)
                self.assertIn(what, step["detail"])
                self.assertEqual(what == "culvert", "not culvert" not in step["detail"])

    def test_another_process(self):
        def process(host=testbed.home, **variables):
            program = testbed.start(Program("client", host, ["sleep", "100"], variables))
            self.addCleanup(program.kill)
            wait_for(lambda: re.search("sleep", open(f"/proc/{program.pid}/cmdline", encoding="ascii").read()), 5, "it does not start")
            return program.pid

        wrong, right = process(HTTPS_PROXY=f"https://127.0.0.1:{PORT}"), process(HTTPS_PROXY=PROXY)
        elsewhere = process(testbed.border, HTTPS_PROXY=PROXY)
        self.tell_apart(
            World("of a process", (*upstream(MICROSOCKS), "--pid", wrong, OK), "environment", "TLS|https://", rf"HTTPS_PROXY='?{PROXY}",
                  subject=str(wrong)),
            World("in another network", (*upstream(MICROSOCKS), "--pid", elsewhere, OK), "listener", "network of its own", "--bridge"),
            World("there is no such process", (*upstream(MICROSOCKS), "--pid", 4_000_000, OK), "environment", "no (such )?process", "pidof|pgrep|ps"),
        )
        # Ours does not count then.
        report = check(*upstream(MICROSOCKS), "--pid", right, OK, env={"HTTPS_PROXY": f"https://127.0.0.1:{PORT}"})
        self.assertTrue(report.value["ok"], report.text)


class Well(unittest.TestCase):
    WAY = ("config", "environment", "route", "upstream", "request", "tls")

    def is_well(self, *arguments, steps, upstreams=1, env=()):
        report = check(*arguments, env=env)
        self.assertTrue(report.value["ok"], report.text)
        self.assertEqual(set(steps) - set(report.names()), set(), report.text)
        self.assertEqual(sum(step["step"] == "upstream" for step in report.steps()) >= upstreams, True, report.text)
        return report

    def test_urls(self):
        ca = testbed.ca.certificate
        for url in (SSH, f"socks5://{peers.LOGIN}{DANTE}", f"http://{peers.LOGIN}{SQUID}", f"https://{peers.LOGIN}{SQUID_TLS}?ca={ca}"):
            with self.subTest(upstream=url):
                report = self.is_well("--upstream", url, OK, steps=(*self.WAY, "http"))
                self.assertEqual([target["target"] for target in report.targets()], [OK])
                self.assertIn("testbed", report.step("tls")["detail"], "the issuer is not told")

    def test_several_targets(self):
        report = self.is_well(*upstream(MICROSOCKS), OK, "http://ok.world/", "ok.world:443", steps=("http",))
        self.assertEqual([target["target"] for target in report.targets()], [OK, "http://ok.world/", "ok.world:443"])
        self.assertNotIn("tls", [step["step"] for step in report.targets()[1]["steps"]])

    def test_a_target_that_fails_does_not_hide_another(self):
        report = check(*upstream(MICROSOCKS), UNKNOWN, OK)
        self.assertEqual([target["ok"] for target in report.targets()], [False, True], report.text)

    def test_a_chain(self):
        report = self.is_well(*upstream(f"a=socks5://{peers.LOGIN}{DANTE}"), "--upstream", f"b=http://{peers.LOGIN}{SQUID}?via=a", OK,
                              steps=(*self.WAY, "http"), upstreams=2)
        subjects = [step["subject"] for step in report.steps() if step["step"] == "upstream"]
        self.assertIn(DANTE, subjects[0])
        self.assertIn(SQUID, subjects[1])

    def test_a_chain_whose_second_hop_is_dead(self):
        report = check(*upstream(f"a=socks5://{peers.LOGIN}{DANTE}"), "--upstream", f"b=http://{BORDER}:{CLOSED_PORT}?via=a", OK)
        [failed] = report.failed()
        self.assertEqual(failed["step"], "upstream", report.text)
        self.assertIn(f"{BORDER}:{CLOSED_PORT}", failed["subject"])
        self.assertRegex(failed["cause"], "refused")

    def test_the_second_of_two_upstreams(self):
        """What fails is told, and that the way goes on."""
        report = check("--upstream", f"socks5://{CLOSED}", "--upstream", MICROSOCKS, OK)
        self.assertEqual([step["step"] for step in report.failed()], ["upstream"], report.text)
        self.assertTrue({"request", "tls", "http"} <= set(report.names()), report.text)

    def test_direct(self):
        report = self.is_well("http://near.world/", steps=("config", "route", "request", "http"), upstreams=0)
        self.assertIn("direct", report.step("route")["detail"])

    def test_images(self):
        image = ("registry", "manifest", "blob", "clock")
        for name, arguments, more in (
            (f"gcr.io/{IMAGE}:3.1", upstream(SSH), (*self.WAY,)),
            ("docker.io/library/nginx", upstream(MICROSOCKS), (*self.WAY, "token")),
            ("nginx", upstream(MICROSOCKS), (*self.WAY, "token")),
            (f"127.0.0.1:{REGISTRY_PORT}/{IMAGE}:3.1", (), ("request",)),
        ):
            with self.subTest(image=name):
                report = self.is_well(*arguments, name, steps=(*image, *more), upstreams=len(arguments) // 2)
                if "nginx" in name:
                    asked = {step["step"]: step["subject"] for step in report.steps()}
                    self.assertIn(web.HUB, asked["registry"])
                    self.assertIn(web.HUB_TOKENS, asked["token"])
                    self.assertIn(web.HUB_BLOBS, asked["blob"])

    def test_without_a_target(self):
        """The hosts of the presets that the routes name."""
        testbed.border_dns.table.update({name: [web.WEB] for name in ("docker.io", "www.docker.com", "hub.docker.com")})
        report = check(*upstream(f"m={MICROSOCKS}"), "--route", "preset:dockerhub=m", "--route", "*=deny")
        self.assertTrue({"config", "environment", "upstream"} <= set(report.names()), report.text)
        self.assertIn(web.HUB, report.text)
        self.is_well(steps=("config", "environment"), upstreams=0)
        report = check(*upstream(f"socks5://{CLOSED}"))
        self.assertEqual([step["step"] for step in report.failed()], ["upstream"], report.text)


class Cache(unittest.TestCase):
    """A registry that fetches from gcr.io what it does not have. It does not say why it cannot; its culvert does."""

    def start_cache(self, *options):
        self.culvert = launch(self, testbed, "--upstream", f"tunnel={SSH}", *options)
        # A newer registry goes on with what nobody waits for any more, and keeps it.
        shutil.rmtree(f"{peers.cache_folder(CACHE_PORT)}/data", ignore_errors=True)
        cache = testbed.start(peers.pull_through_registry(testbed, CACHE_PORT, PROXY))
        self.addCleanup(cache.kill)
        cache.wait_listening(CACHE_PORT, "127.0.0.1")
        return f"127.0.0.1:{CACHE_PORT}/{IMAGE}"

    def test_a_cache_that_waits_for_its_way(self):
        """Its requests are held."""
        name = self.start_cache()
        ssh.cut()
        try:
            report = check("--timeout", "5s", f"{name}:3.1")
            other_user = testbed.culvert_host.run(
                *NOBODY, *checks.command_line("--json", "--timeout", "3s", f"{name}:3.1"), check=False, timeout=60
            )
        finally:
            ssh.up()
        self.assertEqual([step["step"] for step in report.failed()], ["manifest", "cache"], report.text)
        self.assertIn("it waits for upstream tunnel, which is down", report.step("cache")["cause"])
        self.assertRegex(report.step("cache")["fix"], f"^culvert check --upstream {SSH}$")
        report = checks.Report.of(other_user, schema)
        self.assertRegex(report.step("cache")["fix"], f"^sudo culvert check --timeout 3s --json {name}:3.1$")
        with contextlib.ExitStack() as stopped:
            self.culvert.signal(signal.SIGSTOP)
            stopped.callback(self.culvert.signal, signal.SIGCONT)
            report = check("--timeout", "1s", f"{name}:3.1")
        self.assertIn("it does not answer", report.step("cache")["cause"])

    def test_a_cache_whose_way_fails(self):
        name = self.start_cache("--hold", "0")
        # One request failed before, which has nothing to do with it.
        client, _ = wire.connect(testbed.home, f"{BORDER}:{CLOSED_PORT}")
        client.close()
        unknown = check(f"{name}:nope")
        self.assertEqual([step["step"] for step in unknown.failed()], ["manifest"], unknown.text)
        self.assertIn("no request failed there meanwhile", unknown.step("cache")["detail"])

        ssh.cut()
        try:
            report = check(f"{name}:3.1")
        finally:
            ssh.up()
        self.assertEqual([step["step"] for step in report.failed()], ["manifest", "cache"], report.text)
        self.assertIn("culvert status --watch-failures", report.step("manifest")["fix"])
        step = report.step("cache")
        self.assertRegex(step["subject"], r"^the culvert of process \d+$")
        self.assertRegex(step["cause"], rf"^meanwhile a request failed there: upstream {SSH} refused the connection .*gcr\.io:443")
        self.assertRegex(step["fix"], rf"^culvert check --upstream {SSH} gcr\.io:443  # ")

        well = check(f"{name}:3.1")
        self.assertTrue(well.value["ok"], well.text)
        self.assertNotIn("cache", well.names())


class Output(unittest.TestCase):
    """What people read."""

    FAILING = (*upstream(f"socks5://{CLOSED}"), OK)

    def test_text_says_what_json_says(self):
        for arguments in (self.FAILING, (*upstream(MICROSOCKS), OK), (*upstream(f"http://{WRONG_LOGIN}{SQUID}"), OK)):
            report = check(*arguments)
            done = checks.run(testbed, *arguments)
            self.assertEqual(done.returncode, report.status)
            lines = checks.lines_of(done.stdout)
            self.assertEqual([line.step for line in lines], report.names(), done.stdout)
            for line, step in zip(lines, report.steps()):
                self.assertEqual(line.mark, "✓" if step["ok"] else "✗", done.stdout)
                self.assertRegex(line.rest, r"\b\d+(\.\d+)? ms\b")
                self.assertEqual((line.cause, line.fix), (step.get("cause", ""), step.get("fix", "")))
            self.assertNotIn("\x1b", done.stdout)

    def test_a_terminal_without_utf8(self):
        for variables in ({"LC_ALL": "C"}, {"LC_ALL": "", "LC_CTYPE": "POSIX"}, {"LC_ALL": "de_DE.ISO-8859-1"}):
            done = checks.run(testbed, *self.FAILING, env=variables)
            self.assertTrue(done.stdout.isascii(), done.stdout)
            marks = {line.mark for line in checks.lines_of(done.stdout)}
            self.assertEqual(len(marks), 2, done.stdout)

    def on_a_terminal(self, *arguments, **variables):
        """What a terminal gets."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            testbed.culvert_host.command(checks.command_line(*arguments)), stdin=theirs, stdout=theirs, stderr=theirs,
            env=checks.environment(testbed, {"TERM": "xterm-256color", **variables}),
        ) as process:
            os.close(theirs)
            output = b""
            while select.select([ours], [], [], checks.SECONDS)[0]:
                try:
                    output += os.read(ours, 65536)
                except OSError:
                    break
            os.close(ours)
        self.assertEqual(process.returncode, 1, output)
        return output.decode()

    def test_colours(self):
        colour = "\x1b["
        output = self.on_a_terminal(*self.FAILING)
        self.assertIn(colour, output)
        self.assertIn("upstream", [line.step for line in checks.lines_of(output) if line.mark == "✗"])
        for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn(colour, self.on_a_terminal(*self.FAILING, **variables), variables)
        self.assertIn(colour, self.on_a_terminal(*self.FAILING, NO_COLOR=""))
        self.assertNotIn(colour, self.on_a_terminal(*self.FAILING, "--json"))

    def test_secrets(self):
        """checks.run() looks for them. Here the wrong ones are in every place that has room for one."""
        for arguments, variables in (
            (upstream(f"socks5://{WRONG_LOGIN}{DANTE}", OK), {}),
            (upstream(f"http://{WRONG_LOGIN}{SQUID}", f"https://{WRONG_LOGIN}ok.world/?key=hush"), {}),
            (upstream(MICROSOCKS, OK), {"HTTPS_PROXY": f"http://{WRONG_LOGIN}127.0.0.1:9"}),
            (upstream(MICROSOCKS, OK), {"HTTPS_PROXY": f"https://{WRONG_LOGIN}127.0.0.1:9"}),
            (upstream(MICROSOCKS, OK), {"ALL_PROXY": f"socks5://{WRONG_LOGIN}127.0.0.1:9"}),
            (upstream(MICROSOCKS, OK), {"https_proxy": f'"http://{WRONG_LOGIN}127.0.0.1:9"'}),
            (upstream(MICROSOCKS, OK), {"https_proxy": "http://me:%zz-hush@127.0.0.1:9"}),
            (upstream(MICROSOCKS, "nginx"), {}),
            (upstream(f"http://{peers.LOGIN}{SQUID}", "far-blobs.world/some/image"), {}),
        ):
            for form in ((), ("--json",)):
                done = checks.run(testbed, *form, *arguments, env=variables)
                self.assertIn("upstream", done.stdout)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return file.read()


class Ends(unittest.TestCase):
    def test_timeout(self):
        """Of the whole, whatever a step may take."""
        hung = scripted.Script(testbed.home, scripted.GREETING, closes=False).port
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waits = [
                pool.submit(check, "--timeout", "1s", "--upstream", url, OK, OK)
                for url in (f"socks5://127.0.0.1:{hung}", f"socks5://{BLACKHOLE}:1080", "http://proxy.silent:3128", "direct")
            ]
            reports = [wait.result() for wait in waits]
        # Less than --connect-timeout.
        self.assertLess(time.monotonic() - begun, 10)
        for report in reports[:3]:
            self.assertFalse(report.value["ok"], report.text)
            self.assertRegex(report.failed()[0]["cause"] + report.failed()[0]["fix"], r"--timeout|\b1(\.0)? s\b|did not|does not|no answer")

    def interrupted(self, *form):
        hung = scripted.Script(testbed.home, scripted.GREETING, closes=False)
        program = testbed.start(
            Program("check", testbed.culvert_host, checks.command_line(*form, "--upstream", f"socks5://127.0.0.1:{hung.port}", OK),
                    checks.environment(testbed), separate_stdout=True)
        )
        self.addCleanup(program.kill)
        self.assertTrue(hung.done.wait(20), "the upstream is not asked")
        program.signal(signal.SIGINT)
        self.assertIn(program.wait(10), (1, 128 + signal.SIGINT, -signal.SIGINT))
        with open(program.stdout_path, encoding="utf-8") as file:
            return file.read()

    def test_interrupt(self):
        lines = checks.lines_of(self.interrupted())
        self.assertIn(("✓", "route"), [(line.mark, line.step) for line in lines])
        done = subprocess.CompletedProcess([], 1, self.interrupted("--json"), "")
        report = checks.Report.of(done, schema)
        self.assertIn("route", [step["step"] for step in report.steps() if step["ok"]])
        self.assertEqual(len(report.failed()), 1, report.text)

    def test_output_that_nobody_reads(self):
        """Neither --timeout nor Ctrl-C waits for it."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, bytes(4096))
        os.set_blocking(writing, True)
        started = [
            subprocess.Popen(testbed.culvert_host.command(checks.command_line("--timeout", limit, *form)), stdout=writing)
            for limit, form in (("1s", ()), ("1s", ("--json",)), ("5m", ()), ("5m", ("--json",)))
        ]
        for process in started[2:]:
            # It is caught once the walk has begun.
            wait_for(lambda at=process.pid: int(re.search(r"SigCgt:\s*(\w+)", status_of(at))[1], 16) & 1 << signal.SIGINT - 1, 20, "no step")
            process.send_signal(signal.SIGINT)
        self.assertEqual([process.wait(30) for process in started], [1] * 4)
        os.close(reading)
        os.close(writing)

    def test_bytes_that_are_no_text(self):
        strange = scripted.Script(testbed.home, b"HTTP/1.1 403 \x1b[31m\xff\xfe\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").port
        for arguments, variables in (
            (upstream(MICROSOCKS, OK), {"HTTPS_PROXY": "http://\udcff\x1b[31m:3128", "NO_PROXY": "\udcff,\x1b[2J"}),
            (upstream(f"http://127.0.0.1:{strange}", "https://ok.world/\udcff\x1b[2J\n"), {}),
        ):
            self.assertFalse(check(*arguments, env=variables).value["ok"])
            text = checks.run(testbed, *arguments, env=variables).stdout
            self.assertRegex(text, r"\A[^\x00-\x09\x0b-\x1f\x7f\ufffd]+\Z")

    def test_wrong_usage(self):
        for arguments in (("--timeout", "soon"), ("--pid", "me"), ("--no-such-flag",), ("--upstream", "ftp://x"), ("http://",), ("gcr.io/UPPER",)):
            with self.subTest(arguments=arguments):
                done = checks.run(testbed, "--json", *arguments)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr)

    def test_too_few_open_files(self):
        # The sanitizer's check of types needs two descriptors of its own to look at an object's memory.
        for most in (6, 12) if is_sanitized() else (4, 6, 12):
            argv = ("prlimit", f"--nofile={most}", "--", *checks.command_line())
            done = testbed.culvert_host.run(*argv, check=False, timeout=20)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"the limit of open files is {most}", done.stderr)

    def test_output_that_cannot_be_written(self):
        done = testbed.culvert_host.run("sh", "-c", f"{checks.command_line()[0]} check > /dev/full", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)


if __name__ == "__main__":
    harness.main()
