"""A registry as pull-through cache behind ssh -D, and a real docker that pulls from it."""

import hashlib
import os
import re
import unittest

import harness
import images
import isolate
import peers
import wire
from culvert import PROXY, launch
from testbed import Testbed, wait_for

MIB = 1 << 20
IMAGE = "google_containers/etcd-amd64:3.0.14-kubeadm"
OTHER_IMAGE = "google_containers/pause-amd64:3.0"
TUNNEL = ("--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}")


def setUpModule():
    global testbed, tunnel, digest, other_digest
    testbed = harness.report_on(Testbed())
    peers.start_registry(testbed)
    peers.start_sshd(testbed)
    tunnel = peers.start_ssh_tunnel(testbed)
    digest = images.push(testbed, images.make_image(3 * MIB, 1), f"gcr.io/{IMAGE}")
    other_digest = images.push(testbed, images.make_image(MIB, 2), f"gcr.io/{OTHER_IMAGE}")


class PullThrough(unittest.TestCase):
    def start_cache(self, port):
        cache = peers.pull_through_registry(testbed, port, PROXY)
        testbed.start(cache)
        self.addCleanup(cache.kill)
        return cache

    def test_docker_pulls_from_the_cache(self):
        culvert = launch(self, testbed, *TUNNEL, "--hold", "0")
        queries_before = len(testbed.culvert_dns.queries())
        cache = self.start_cache(5000)
        cache.wait_listening(5000, "127.0.0.1")
        dockerd = peers.start_dockerd(testbed)
        self.addCleanup(dockerd.stop)
        name = f"127.0.0.1:5000/{IMAGE}"
        dockerd.docker("pull", name)
        shown = dockerd.docker("inspect", "--format", "{{index .RepoDigests 0}}", name).stdout.strip()
        self.assertEqual(shown, f"127.0.0.1:5000/google_containers/etcd-amd64@{digest}")

        # With the tunnel down the cache still serves what it has. Of the rest it only reports that it is unknown;
        # the reason is in culvert's log only.
        wait_for(lambda: peers.cached_blobs(5000) >= 3, 10, "manifest, configuration and layer are not all in the cache")
        dockerd.docker("rmi", name)
        tunnel.cut()
        try:
            dockerd.docker("pull", name)
            failed = dockerd.docker("pull", f"127.0.0.1:5000/{OTHER_IMAGE}", check=False)
            self.assertNotEqual(failed.returncode, 0, failed.stdout)
            self.assertIn(" target=gcr.io:443 ", culvert.wait_access_line(" outcome=connection_refused "))
        finally:
            tunnel.up()
        # Neither the cache nor culvert has to be started again.
        dockerd.docker("pull", f"127.0.0.1:5000/{OTHER_IMAGE}")
        shown = dockerd.docker("inspect", "--format", "{{index .RepoDigests 0}}", f"127.0.0.1:5000/{OTHER_IMAGE}").stdout.strip()
        self.assertEqual(shown, f"127.0.0.1:5000/google_containers/pause-amd64@{other_digest}")

        cache.stop()
        # The registry keeps a tunnel open for as long as it runs, so the lines come at the end.
        self.assertIn(" upstream=socks5://127.0.0.1:1080 ", culvert.wait_access_line(" target=gcr.io:443 "))
        culvert.assert_no_leaks()
        culvert.shut_down()
        self.assertEqual(testbed.culvert_dns.queries()[queries_before:], [])

    def test_registry_panics_with_our_reason(self):
        """A registry whose proxy fails does not start. Its last line has to contain our reason."""
        culvert = launch(self, testbed, *TUNNEL, "--hold", "0")
        tunnel.cut()
        try:
            client, reply = wire.connect(testbed.home, "gcr.io:443")
            client.close()
            cache = self.start_cache(5001)
            self.assertEqual(cache.wait(20), 2)
        finally:
            tunnel.up()
        self.assertEqual(
            reply.line,
            "HTTP/1.1 502 culvert: upstream socks5://127.0.0.1:1080 refused the connection - is the tunnel up? (for gcr.io:443)",
        )
        # From one second on, the reply says for how long the upstream has been down.
        panic = re.escape(f'panic: Get "https://gcr.io/v2/": {reply.reason}') + r"( \(down for [1-9]\d* s\))?$"
        self.assertRegex(cache.output(), re.compile(panic, re.MULTILINE))
        again = self.start_cache(5001)
        again.wait_listening(5001, "127.0.0.1")
        again.stop()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_registry_waits_for_a_tunnel_that_is_starting(self):
        culvert = launch(self, testbed, *TUNNEL)
        tunnel.cut()
        try:
            cache = self.start_cache(5002)
            wait_for(lambda: culvert.sockets() > culvert.sockets_at_start, 10, "the registry sends no request")
            self.assertFalse(testbed.home.listens(5002))
        finally:
            tunnel.up()
        cache.wait_listening(5002, "127.0.0.1")
        cache.stop()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_skopeo(self):
        """Another Go client, with a downloader of its own."""
        culvert = launch(self, testbed, *TUNNEL)
        folder = f"{isolate.STATE}/skopeo"
        testbed.home.run(
            "/usr/bin/skopeo", "--insecure-policy", "copy", "-q", f"docker://gcr.io/{IMAGE}", f"dir:{folder}",
            env={**os.environ, "HTTPS_PROXY": PROXY, "SSL_CERT_FILE": testbed.ca.certificate},
        )
        with open(f"{folder}/manifest.json", "rb") as file:
            self.assertEqual("sha256:" + hashlib.sha256(file.read()).hexdigest(), digest)
        culvert.assert_no_leaks()
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
