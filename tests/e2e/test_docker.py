"""A docker daemon that pulls through culvert and ssh -D, and the error its user sees when the tunnel breaks."""

import unittest

import harness
import images
import peers
from culvert import PROXY, launch
from testbed import Testbed

MIB = 1 << 20
IMAGE = "gcr.io/big/image:1"
SIZE = 300 * MIB
UPSTREAM = f"socks5://127.0.0.1:{peers.SOCKS_PORT}"


def setUpModule():
    global testbed, tunnel, digest, dockerd
    testbed = harness.report_on(Testbed())
    peers.start_registry(testbed)
    peers.start_sshd(testbed)
    tunnel = peers.start_ssh_tunnel(testbed)
    digest = images.push(testbed, images.make_image(SIZE, 3), IMAGE)
    dockerd = peers.start_dockerd(testbed, PROXY)


def tearDownModule():
    dockerd.stop()


class Pull(unittest.TestCase):
    def launch(self, *options):
        self.queries_before = len(testbed.culvert_dns.queries())
        return launch(self, testbed, "--upstream", UPSTREAM, *options)

    def end(self, culvert):
        culvert.wait_access_line(" target=gcr.io:443 ")
        culvert.assert_no_leaks()
        culvert.shut_down()
        # dockerd looks names up itself, in vain; culvert must not have.
        self.assertIn("gcr.io", testbed.home_dns.queries())
        self.assertEqual(testbed.culvert_dns.queries()[self.queries_before :], [])

    def pull(self):
        dockerd.docker("pull", IMAGE)
        shown = dockerd.docker("inspect", "--format", "{{index .RepoDigests 0}} {{.Size}}", IMAGE).stdout.split()
        self.assertEqual(shown, [f"gcr.io/big/image@{digest}", str(SIZE)])
        dockerd.docker("rmi", IMAGE)

    def test_tunnel_cut_in_the_middle(self):
        culvert = self.launch("--hold", "0")
        before = testbed.home.received_bytes("home0")
        pull = peers.Program("docker-pull", testbed.home, dockerd.command_line("pull", IMAGE))
        testbed.start(pull)
        self.addCleanup(pull.kill)
        pull.wait_until(lambda: testbed.home.received_bytes("home0") - before > 20 * MIB)
        tunnel.cut()
        received = testbed.home.received_bytes("home0") - before
        try:
            self.assertLess(received, SIZE - 20 * MIB, "the tunnel was not cut in the middle")
            self.assertNotEqual(pull.wait(60), 0, pull.output())
        finally:
            tunnel.up()
        self.assertIn(f"culvert: upstream {UPSTREAM} refused the connection - is the tunnel up?", pull.output())
        # Neither docker nor culvert has to be started again.
        self.pull()
        self.end(culvert)

    def test_tunnel_down_at_first(self):
        """culvert waits for the tunnel, but not for so long that docker gives up with an error of its own."""
        culvert = self.launch()
        tunnel.cut()
        try:
            failed = dockerd.docker("pull", IMAGE, check=False)
        finally:
            tunnel.up()
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn(f"culvert: upstream {UPSTREAM} refused the connection - is the tunnel up?", failed.stderr)
        self.pull()
        self.end(culvert)


if __name__ == "__main__":
    harness.main()
