"""TLS between clients and culvert: curl, docker, podman, skopeo, Node and openssl, client certificates, and new certificates by SIGHUP."""

import os
import re
import shutil
import signal
import unittest

import harness
import isolate
import peers
import pulls
import wire
from certs import Authority
from culvert import PORT, launch
from layers import LayerRegistry
from testbed import BORDER, Testbed, wait_for

MIB = 1 << 20
NODE = "newest-node"
# Both ways that Node has, to https and to http: prints the size of what each gets.
NODE_SCRIPT = """
const size = url => new Promise((resolve, reject) => {
  let sum = 0;
  require(url.split(':')[0]).get(url, got => got.on('data', data => sum += data.length).on('end', () => resolve(sum))).on('error', reject);
});
(async () => {
  for (const url of ['https://files.world/bytes/100000', 'http://plain.world/bytes/200000']) {
    console.log((await (await fetch(url)).arrayBuffer()).byteLength, await size(url));
  }
})();
"""


def setUpModule():
    global testbed, registry, authority, both, first, second
    testbed = harness.report_on(Testbed())
    wire.FileServer(testbed.outside, testbed.ca)
    registry = LayerRegistry(testbed)
    peers.start_microsocks(testbed)
    authority = Authority("proxy-ca")
    both = f"{isolate.STATE}/both.crt"
    isolate.write(both, "".join(text_of(one.certificate) for one in (testbed.ca, authority)))
    first = authority.issue("first", "DNS:localhost", "IP:127.0.0.1")
    second = authority.issue("second", "DNS:localhost", "IP:127.0.0.1")


def text_of(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def listener(pair, more=""):
    return f"https://127.0.0.1:{PORT}?cert={pair[0]}&key={pair[1]}{more}"


def curl(*arguments):
    return testbed.home.run(
        "curl", "-sS", "--max-time", "20", "--noproxy", "", "-x", f"https://127.0.0.1:{PORT}", "--proxy-cacert", authority.certificate,
        *arguments, check=False,
    )


def s_client(*arguments):
    return testbed.home.run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{PORT}", "-CAfile", authority.certificate, *arguments,
        check=False, input="",
    )


def served_name():
    return s_client("-brief").stderr


class Tls(unittest.TestCase):
    def start(self, *pairs, more=""):
        self.files = [os.path.join(isolate.STATE, f"{self._testMethodName}.{kind}") for kind in ("crt", "key")]
        self.put(pairs[0])
        return launch(self, testbed, "--upstream", f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}", listen=[listener(self.files, more)])

    def put(self, pair):
        for source, target in zip(pair, self.files):
            shutil.copy(source, f"{target}.new")
            os.rename(f"{target}.new", target)

    def test_curl_and_its_mistakes(self):
        culvert = self.start(first)
        self.assertIn(f"listening on https://127.0.0.1:{PORT}", culvert.output())
        self.assertIn(f"https_proxy=https://127.0.0.1:{PORT}", culvert.output())
        name = f"{isolate.STATE}/tls-download"
        answer = curl("-o", name, "--cacert", testbed.ca.certificate, f"https://files.world/bytes/{8 * MIB}")
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        self.assertEqual(os.path.getsize(name), 8 * MIB)
        untrusting = testbed.home.run(
            "curl", "-sS", "-x", f"https://127.0.0.1:{PORT}", "--noproxy", "", "http://files.world/", check=False
        )
        self.assertIn("certificate", untrusting.stderr)
        culvert.wait_access_line("outcome=tls_certificate_error")
        plain = testbed.home.run(
            "curl", "-sS", "-x", f"http://127.0.0.1:{PORT}", "--noproxy", "", "http://files.world/", check=False
        )
        self.assertIn("write https://", plain.stdout)
        culvert.shut_down()

    def test_client_certificates_are_users(self):
        alice = authority.issue("alice", "DNS:alice")
        mallory = Authority("other-ca").issue("mallory", "DNS:mallory")
        culvert = self.start(first, more=f"&client-ca={authority.certificate}")
        curl("http://files.world/", "--proxy-cert", alice[0], "--proxy-key", alice[1])
        culvert.wait_access_line("user=alice")
        self.assertIn("certificate required", curl("http://files.world/").stderr)
        self.assertIn("unknown ca", curl("http://files.world/", "--proxy-cert", mallory[0], "--proxy-key", mallory[1]).stderr)
        culvert.wait_log("the client sent no certificate")
        culvert.wait_log("of a CA that is not in client-ca")
        culvert.shut_down()

    def test_a_reload_takes_new_files_and_no_bad_ones(self):
        culvert = self.start(first)
        self.assertRegex(served_name(), "CN ?= ?first")
        session = os.path.join(isolate.STATE, "tls.session")
        s_client("-tls1_2", "-sess_out", session)
        self.put(second)
        culvert.signal(signal.SIGHUP)
        culvert.wait_log(" reloaded (")
        wait_for(lambda: re.search("CN ?= ?second", served_name()), 10, "the new certificate is not served")
        self.assertIn("Reused, TLSv1.2", s_client("-tls1_2", "-sess_in", session).stdout)
        self.put((first[0], second[1]))
        culvert.signal(signal.SIGHUP)
        culvert.wait_log("reload: nothing is changed")
        self.assertIn("does not belong to the first certificate in", culvert.output())
        self.assertRegex(served_name(), "CN ?= ?second")
        culvert.shut_down()

    def test_versions_and_protocols(self):
        culvert = self.start(first)
        for version in ("-tls1_2", "-tls1_3"):
            self.assertIn("Verification: OK", s_client(version, "-brief").stderr)
        self.assertIn("ALPN protocol: http/1.1", s_client("-alpn", "h2,http/1.1").stdout)
        self.assertIn("no application protocol", s_client("-alpn", "h2").stderr)
        self.assertIn("protocol version", s_client("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0").stderr)
        culvert.shut_down()

    def test_check_knows_a_tls_listener(self):
        culvert = self.start(first)

        def check(url):
            upstream = f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}"
            return testbed.home.run(
                "env", f"https_proxy={url}", os.environ["CULVERT"], "check", "--upstream", upstream, "https://files.world/", check=False
            ).stdout

        self.assertNotIn("speak", check(f"https://127.0.0.1:{PORT}"))
        self.assertIn(f"https_proxy=https://127.0.0.1:{PORT}", check(f"http://127.0.0.1:{PORT}"))
        culvert.shut_down()

    def test_every_problem_at_the_start(self):
        expired = authority.issue_for("old", "20200101000000Z", "20210101000000Z", "DNS:old")
        done = testbed.home.run(
            os.environ["CULVERT"], "--listen", f"https://127.0.0.1:{PORT}?cert={expired[0]}&key={expired[1]}&cert=/none.crt&key=/none.key",
            "--upstream", "socks9://x", check=False,
        )
        self.assertEqual(done.returncode, 2)
        for text in ("socks9", "has expired on 2021-01-01", "cannot read /none.crt: No such file", "cannot read /none.key"):
            self.assertIn(text, done.stderr)

    def test_go_verifies_the_certificate(self):
        culvert = self.start(first)

        def inspect(trusted):
            return testbed.home.run(
                "env", f"HTTPS_PROXY=https://localhost:{PORT}", f"SSL_CERT_FILE={trusted}",
                "/usr/bin/skopeo", "inspect", "docker://files.world/image", check=False,
            ).stderr

        self.assertIn("x509: certificate signed by unknown authority", inspect(testbed.ca.certificate))
        culvert.wait_access_line("outcome=tls_certificate_error")
        inspect(authority.certificate)
        culvert.wait_access_line("target=files.world:443")
        culvert.shut_down()

    def needs(self, *programs):
        for program in programs:
            if not shutil.which(program) and os.environ.get("CI") != "true":
                self.skipTest(f"scripts/peers has fetched no {program}")

    def test_images_are_pulled(self):
        self.needs("dockerd", "podman", "skopeo")
        culvert = self.start(first)
        for kind in (pulls.Docker, pulls.Podman, pulls.Skopeo):
            with self.subTest(kind.name):
                puller = kind(testbed, scheme="https", trusted=both)
                image = registry.add(f"over-tls-{kind.name}", size=4 * MIB)
                before = len(culvert.access_lines())
                puller.prepare(PORT)
                pull = puller.pull(image, PORT)
                self.addCleanup(pull.kill)
                pull.start()
                self.assertEqual(pull.wait(60), 0, pull.tail())
                puller.assert_pulled(image)
                puller.discard(image)
                self.assertTrue(any(" target=gcr.io:443 " in line for line in culvert.wait_access_lines(before + 1)[before:]))
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_docker_says_that_it_does_not_trust_the_certificate(self):
        self.needs("dockerd")
        culvert = self.start(first)
        puller = pulls.Docker(testbed, scheme="https")
        image = registry.add("distrusted", size=MIB)
        puller.prepare(PORT)
        pull = puller.pull(image, PORT)
        self.addCleanup(pull.kill)
        pull.start()
        self.assertNotEqual(pull.wait(60), 0)
        self.assertIn("x509: certificate signed by unknown authority", pull.output())
        culvert.wait_access_line("outcome=tls_certificate_error")
        culvert.shut_down()

    def test_node(self):
        self.needs(NODE)
        culvert = self.start(first)
        proxy = f"https://localhost:{PORT}"

        def node(trusted):
            variables = (f"HTTPS_PROXY={proxy}", f"HTTP_PROXY={proxy}", "NODE_USE_ENV_PROXY=1", f"NODE_EXTRA_CA_CERTS={trusted}")
            return testbed.home.run("env", *variables, NODE, "-e", NODE_SCRIPT, check=False)

        done = node(both)
        self.assertEqual(done.stdout.split(), ["100000", "100000", "200000", "200000"], done.stderr)
        culvert.wait_access_lines(4)
        self.assertIn("unable to verify the first certificate", node(testbed.ca.certificate).stderr)
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
