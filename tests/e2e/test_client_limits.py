"""Limits of one client, asked for by curl: what is refused says why, and what is paced takes its time."""

import concurrent.futures
import os
import signal
import unittest

import harness
import isolate
import peers
import wire
from culvert import PROXY, is_sanitized, launch
from testbed import BORDER, Testbed, wait_for

MIB = 1 << 20
UPSTREAM = f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}"
TARGET = f"target.world:{wire.BULK_PORT}"


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    wire.FileServer(testbed.outside, testbed.ca)
    wire.BulkTarget(testbed.outside)
    peers.start_microsocks(testbed)


def start(test, *options):
    return launch(test, testbed, "--upstream", UPSTREAM, *options)


def curl(*arguments, **options):
    return testbed.home.run("curl", "-sS", "-m", "60", "--proxy", PROXY, "--cacert", testbed.ca.certificate, *arguments, **options)


class ClientLimits(unittest.TestCase):
    def refusal(self):
        """What curl says of a CONNECT, and the head that it got."""
        done = curl("-D", "-", "-o", "/dev/null", "https://files.world/bytes/1", check=False)
        return done.stdout if done.returncode == 56 and " 429 " in done.stdout else None

    def served(self):
        return curl("-o", "/dev/null", "https://files.world/bytes/1", check=False).returncode == 0

    def test_connections(self):
        path = f"{isolate.STATE}/limits.toml"
        isolate.write(path, "")
        culvert = start(self, "--config", path)
        tunnels = [wire.tunnel(testbed.home, TARGET) for _ in range(2)]
        # Those that began without a limit count as well.
        isolate.write(f"{path}.new", "max-connections-per-client = 2\n")
        os.rename(f"{path}.new", path)
        culvert.signal(signal.SIGHUP)
        refusal = wait_for(self.refusal, 20, "a third connection is served")
        self.assertIn(
            "HTTP/1.1 429 culvert: client 127.0.0.1 has 2 connections, as many as it may - see --max-connections-per-client\n", refusal
        )
        self.assertIn("Proxy-Status: culvert; error=connection_limit_reached\n", refusal)
        tunnels.pop().close()
        wait_for(self.served, 20, "no connection is served although one was closed")
        tunnels.pop().close()
        self.assertTrue(any("outcome=client_connection_limit" in line for line in culvert.access_lines()))
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_requests(self):
        culvert = start(self, "--max-requests-per-second", "2")
        refusal = wait_for(self.refusal, 20, "any number of requests is served")
        self.assertIn("HTTP/1.1 429 culvert: client 127.0.0.1 has sent more than 2 requests in a second - see --max-requests", refusal)
        self.assertIn("Retry-After: 1\n", refusal)
        wait_for(self.served, 20, "no request is served any more")
        culvert.shut_down()

    def test_accepts(self):
        """Connections beyond the rate come later, and none is lost."""
        culvert = start(self, "--max-accepts-per-second", "20")
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            tunnels = list(pool.map(lambda _: wire.tunnel(testbed.home, TARGET), range(40)))
        for tunnel in tunnels:
            tunnel.close()
        culvert.assert_no_leaks()
        culvert.shut_down()

    def speeds(self, *urls):
        def speed(url):
            return float(curl("-o", "/dev/null", "-w", "%{speed_download}", url).stdout)

        with concurrent.futures.ThreadPoolExecutor(len(urls)) as pool:
            return list(pool.map(speed, urls))

    def test_bandwidth(self):
        culvert = start(self, "--bandwidth", "4M")
        size = 4 * MIB
        # A tunnel and a plain request, which share.
        both = self.speeds(f"https://files.world/bytes/{size}", f"http://plain.world/bytes/{size}")
        for speed in both:
            self.assertLess(speed, 1.2 * 2 * MIB, both)
            if not is_sanitized():
                self.assertGreater(speed, 0.8 * 2 * MIB, both)
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_lifetime(self):
        culvert = start(self, "--max-lifetime", "1s")
        done = curl("-o", "/dev/null", "--limit-rate", "64k", f"https://files.world/bytes/{64 * MIB}", check=False)
        self.assertNotEqual(done.returncode, 0)
        culvert.wait_access_lines(1)
        self.assertIn("outcome=lifetime_over", culvert.access_lines()[0])
        self.assertIn("the tunnel's lifetime of 1s is over, see --max-lifetime", culvert.access_lines()[0])
        culvert.shut_down()


if __name__ == "__main__":
    harness.main()
