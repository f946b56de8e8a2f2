"""Upstreams that die, come back, hang, are chained, or are far away."""

import concurrent.futures
import contextlib
import re
import select
import statistics
import threading
import time
import unittest

import harness
import peers
import wire
from culvert import FOUR_THREADS, PORT, launch
from delay import DelayingRelay
from testbed import BLACKHOLE, BORDER, Program, Testbed, wait_for, wait_until_steady

LOGIN = peers.LOGIN
MICROSOCKS = f"socks5://{BORDER}:{peers.MICROSOCKS_PORT}"
DANTE = f"socks5://{LOGIN}{BORDER}:{peers.DANTE_PORT}"
SQUID = f"http://{LOGIN}{BORDER}:{peers.SQUID_PORT}"
SSH = f"socks5://127.0.0.1:{peers.SOCKS_PORT}"
# ssh -D on the border, for clients there.
FAR_SSH_PORT = 1090
FAR_SSH = f"socks5://{BORDER}:{FAR_SSH_PORT}"
# Nothing listens here.
CLOSED = f"socks5://{BORDER}:9"
# Nobody has this address: the kernel's neighbour lookup fails after three seconds.
NOBODY = "10.77.1.77"

RESTARTS = 20
ONE_WAY = 0.1
ROUND_TRIP = 2 * ONE_WAY
# What a sanitizer and a busy machine may add to a time; less than one round trip.
MARGIN = 0.18


def setUpModule():
    global testbed, sshd, microsocks, squid_tls
    testbed = harness.report_on(Testbed())
    wire.BulkTarget(testbed.outside)
    sshd = peers.start_sshd(testbed)
    peers.start_ssh_tunnel(testbed)
    peers.start_dante(testbed)
    microsocks = peers.start_microsocks(testbed)
    peers.start_squid(testbed)
    squid_tls = f"https://{LOGIN}{BORDER}:{peers.SQUID_TLS_PORT}?ca={testbed.ca.certificate}"


def bring_up(program, port):
    program.start()
    program.wait_listening(port, BORDER)


def tunnel_request(port=PORT):
    """Opens a tunnel, checks it with an echo, and returns the seconds until the 200."""
    client = wire.open_client(testbed.home, port=port)
    begun = time.monotonic()
    client.sendall(b"CONNECT target.world:7000 HTTP/1.1\r\nHost: target.world:7000\r\n\r\necho\n!")
    reply = wire.read_reply(client)
    took = time.monotonic() - begun
    if reply.status != 200 or client.recv(1) != b"!":
        raise AssertionError(reply.line)
    client.close()
    return took


class Failover(unittest.TestCase):
    threads = ()

    def test_servers_that_come_and_go(self):
        second = peers.start_microsocks(testbed, authenticated=True)
        self.addCleanup(second.kill)
        culvert = launch(
            self, testbed, "--upstream", f"first={MICROSOCKS}",
            "--upstream", f"second=socks5://{LOGIN}{BORDER}:{peers.MICROSOCKS_AUTH_PORT}", *self.threads,
        )

        requests = 0

        def served_by(port):
            """Whether one more request goes through the upstream at the port."""
            nonlocal requests
            tunnel_request()
            requests += 1
            # One at a time, each of them waited for: the line of this one is the only new one.
            return f" upstream=socks5://{BORDER}:{port} " in culvert.wait_access_lines(requests)[requests - 1]

        for _ in range(3):
            self.assertTrue(served_by(peers.MICROSOCKS_PORT))
            microsocks.kill()
            for _ in range(5):
                self.assertTrue(served_by(peers.MICROSOCKS_AUTH_PORT))
            bring_up(microsocks, peers.MICROSOCKS_PORT)
            # The breaker lets one request try after a second or so.
            wait_for(lambda: served_by(peers.MICROSOCKS_PORT), 10, "the first upstream is not used again")
            second.kill()
            self.assertTrue(served_by(peers.MICROSOCKS_PORT))
            bring_up(second, peers.MICROSOCKS_AUTH_PORT)
        culvert.assert_no_leaks()
        culvert.shut_down()

    def failover(self, first, port, least, most, *options):
        """Three requests at once, which the second upstream serves; after them the first one is skipped."""
        culvert = launch(
            self, testbed, "--upstream", first, "--upstream", MICROSOCKS, *self.threads, *options, port=port
        )
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            times = [wait.result() for wait in [pool.submit(tunnel_request, port) for _ in range(3)]]
        for took in times:
            self.assertGreaterEqual(took, least, first)
            self.assertLess(took, most, first)
        later = tunnel_request(port)
        self.assertLess(later, 2, first)
        culvert.assert_no_leaks()
        culvert.shut_down()
        return max(times), later

    def probed(self, hung, port):
        """A probe finds out before any request fails."""
        culvert = launch(
            self, testbed, "--upstream", hung, "--upstream", MICROSOCKS, *self.threads,
            "--probe", "target.world:7000", "--probe-interval", "1s", port=port,
        )
        begun = time.monotonic()
        culvert.wait_log(f"warning probe: upstream {hung} did not answer", seconds=15)
        found = time.monotonic() - begun
        for _ in range(20):
            self.assertLess(tunnel_request(port), 2)
            time.sleep(0.05)
        culvert.shut_down()
        return found

    def test_first_is_dead(self):
        hung = f"socks5://127.0.0.1:{wire.SilentServer(testbed.home).port}"
        hedged = ("--hedge", "300ms")
        rows = [
            ("refuses", CLOSED, 0, 2),
            ("refuses, hedged", CLOSED, 0, 2, *hedged),
            ("black hole", f"socks5://{BLACKHOLE}:1080", 3.9, 6),
            ("black hole, hedged", f"socks5://{BLACKHOLE}:1080", 0.29, 2, *hedged),
            ("nobody there", f"socks5://{NOBODY}:1080", 1.5, 6),
            ("accepts and hangs", hung, 7.9, 11),
            ("accepts and hangs, hedged", hung, 0.29, 2, *hedged),
            ("is ssh -D whose link hangs", SSH, 7.9, 11),
            ("is ssh -D whose link hangs, hedged", SSH, 0.29, 2, *hedged),
        ]
        self.addCleanup(peers.resume, sshd.pid)
        peers.pause(sshd.pid)
        with concurrent.futures.ThreadPoolExecutor(len(rows) + 1) as pool:
            found = pool.submit(self.probed, hung, 3200 + len(rows))
            waits = [
                (name, pool.submit(self.failover, first, 3200 + at, *bounds))
                for at, (name, first, *bounds) in enumerate(rows)
            ]
            for name, wait in waits:
                took, later = wait.result()
                print(f"first upstream {name}: {took * 1000:.0f} ms, later {later * 1000:.0f} ms", flush=True)
            print(f"an upstream that hangs is found by a probe after {found.result():.1f} s", flush=True)


class FailoverWithFourThreads(Failover):
    threads = FOUR_THREADS


class Hold(unittest.TestCase):
    threads = ()

    def test_restarts_lose_no_request(self):
        culvert = launch(self, testbed, "--upstream", MICROSOCKS, *self.threads)
        stop = threading.Event()
        requests = []

        def work():
            while not stop.is_set():
                begun, failure = time.monotonic(), None
                try:
                    tunnel_request()
                except (OSError, AssertionError) as error:
                    failure = repr(error)
                requests.append((begun, time.monotonic(), failure))
                time.sleep(0.01)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        kills, downs = [], []
        for restart in range(RESTARTS):
            # Longer than from one retry to the next.
            time.sleep(0.3)
            kill = time.monotonic()
            microsocks.kill()
            gone = time.monotonic()
            kills.append((kill, gone))
            time.sleep(0.05 + 0.02 * restart)
            bring_up(microsocks, peers.MICROSOCKS_PORT)
            downs.append((gone, time.monotonic()))
        stop.set()
        for worker in workers:
            worker.join()
        # Requests that were in progress when the server died may fail.
        failed = [(failure, any(begun < gone and end > kill for kill, gone in kills)) for begun, end, failure in requests if failure]
        lost = [failure for failure, cut in failed if not cut]
        held = [end - begun for begun, end, _ in requests if any(gone <= begun < back for gone, back in downs)]
        print(
            f"{RESTARTS} restarts: {len(requests)} requests, {len(held)} of them while it was down, {len(lost)} lost, "
            f"{len(failed) - len(lost)} in progress at a kill; the longest waited {max(held):.2f} s", flush=True,
        )
        self.assertEqual(lost, [])
        self.assertGreaterEqual(len(held), RESTARTS)
        self.assertLess(max(held), max(back - gone for gone, back in downs) + 1.5)
        culvert.assert_no_leaks()
        culvert.shut_down()


    def request_in_background(self):
        """A tunnel_request() that may be held; .result() raises if it fails."""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        return pool.submit(tunnel_request)

    def test_name_that_is_not_known_yet(self):
        """Compose and Kubernetes: a proxy's container that restarts has no name for a moment."""
        name = f"tunnel{len(self.threads)}.home"
        upstream = f"socks5://{name}:{peers.MICROSOCKS_PORT}"
        culvert = launch(self, testbed, "--upstream", upstream, "--log-level", "debug", *self.threads)
        request = self.request_in_background()
        culvert.wait_log(f"held: waiting for {upstream} (its name does not resolve yet)", 2)
        testbed.culvert_dns.table[name] = [BORDER]
        request.result(20)
        culvert.wait_log(f"upstream {upstream} is back after ")
        culvert.assert_no_leaks()
        culvert.shut_down()

    def test_published_port_with_nothing_behind_it(self):
        """docker-proxy: it accepts, and closes when it cannot reach the container; what it was sent makes that a reset."""
        for scheme, answers in (("socks5", (b"\x05\0", b"\x05\0\0\x01" + bytes(6))), ("http", (b"HTTP/1.1 200 OK\r\n\r\n",))):
            for waits in (False, True):
                with self.subTest(scheme=scheme, reset=waits):
                    up = threading.Event()

                    def handle(connection, answers=answers, waits=waits, up=up):
                        with contextlib.suppress(OSError), connection:
                            if not up.is_set():
                                if waits:
                                    # Unread bytes turn the close into a reset.
                                    select.select([connection], [], [], 0.02)
                                return
                            for answer in answers:
                                connection.recv(65536)
                                connection.sendall(answer)
                            if connection.recv(65536):
                                connection.sendall(b"!")

                    upstream = f"{scheme}://127.0.0.1:{wire.serve_in_threads(testbed.home, handle)}"
                    culvert = launch(self, testbed, "--upstream", upstream, "--log-level", "debug", *self.threads)
                    request = self.request_in_background()
                    culvert.wait_log(f"held: waiting for {upstream} (", 2)
                    up.set()
                    request.result(20)
                    culvert.assert_no_leaks()
                    culvert.shut_down()

    def test_target_that_is_refused_without_a_byte(self):
        """proxy-chain 2.7 ends a CONNECT that fails so, and answers what names no target. It is there, so nothing is waited for."""

        def handle(connection):
            with contextlib.suppress(OSError), connection:
                if not connection.recv(65536).startswith(b"CONNECT "):
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        upstream = f"http://127.0.0.1:{wire.serve_in_threads(testbed.home, handle)}"
        culvert = launch(self, testbed, "--upstream", upstream, *self.threads)
        client, reply = wire.connect(testbed.home, "target.world:7000")
        client.close()
        self.assertEqual(
            reply.reason,
            f"culvert: upstream {upstream} closed the connection instead of answering for target.world:7000"
            " - is it an HTTP proxy? (ssh -D and TLS servers close like this)",
        )
        [line] = culvert.wait_access_lines(1)
        self.assertLess(int(re.search(r" total_ms=(\d+)", line).group(1)), 4000, line)
        culvert.assert_no_leaks()
        culvert.shut_down()


class HoldWithFourThreads(Hold):
    threads = FOUR_THREADS


class Chains(unittest.TestCase):
    threads = ()

    def test_three_hops(self):
        """SOCKS5, HTTP and HTTPS within each other, cold and warm. dante and squid want a password."""
        at = peers.folder("sshd")
        options = ["BatchMode=yes", "StrictHostKeyChecking=no", f"UserKnownHostsFile={at}/known_hosts"]
        argv = ["/usr/bin/ssh", "-N", "-F", "none", "-i", f"{at}/user", "-D", f"{BORDER}:{FAR_SSH_PORT}"]
        for option in options:
            argv += ["-o", option]
        far_ssh = testbed.start(Program("far-ssh", testbed.border, [*argv, "-p", peers.SSH_PORT, f"{peers.USER}@{BORDER}"]))
        self.addCleanup(far_ssh.kill)
        far_ssh.wait_listening(FAR_SSH_PORT, BORDER)
        rows = [
            (f"a={DANTE}", f"b={SQUID}", f"c={FAR_SSH}"),
            (f"a={DANTE}", f"b={squid_tls}", f"c={FAR_SSH}"),
            (f"a={SSH}", f"b={squid_tls}", f"c={DANTE}"),
            (f"a={squid_tls}", f"b={DANTE}", f"c={FAR_SSH}"),
            (f"a={squid_tls}", f"b={squid_tls}", f"c={DANTE}"),
        ]
        for warm in ("", "&warm=2"):
            for first, second, third in rows:
                with self.subTest(first=first, second=second, third=third, warm=warm):
                    self.chain(first, self.via(second, "a"), self.via(third, "b") + warm)

    @staticmethod
    def via(upstream, name):
        return upstream + ("&" if "?" in upstream else "?") + f"via={name}"

    def chain(self, *hops):
        options = [word for hop in hops for word in ("--upstream", hop)]
        culvert = launch(self, testbed, *options, *self.threads)
        for _ in range(3):
            tunnel_request()
        client = wire.tunnel(testbed.home, early=b"burst 3000000\n")
        self.assertEqual(wire.receive(client), wire.digest(3_000_000))
        client.close()
        culvert.wait_access_lines(4)
        culvert.shut_down()
        self.assertEqual(len(culvert.access_lines()), 4)

    def test_a_dead_hop_is_named(self):
        hops = (f"a={DANTE}", self.via(f"b=http://{LOGIN}{BORDER}:9", "a"), self.via(f"c={MICROSOCKS}", "b"))
        options = [word for hop in hops for word in ("--upstream", hop)]
        culvert = launch(self, testbed, *options, *self.threads)
        begun = time.monotonic()
        client, reply = wire.connect(testbed.home, "target.world:7000")
        client.close()
        self.assertEqual(
            reply.line,
            f"HTTP/1.1 502 culvert: upstream socks5://{BORDER}:{peers.DANTE_PORT} says {BORDER}:9 refused the connection "
            f"(SOCKS reply 5), on the way to {MICROSOCKS} (for target.world:7000)",
        )
        self.assertLess(time.monotonic() - begun, 4, "it waits although the far end has refused")
        culvert.wait_access_line("closed_by=upstream")
        culvert.assert_no_leaks()
        culvert.shut_down()


class ChainsWithFourThreads(Chains):
    threads = FOUR_THREADS


class Warm(unittest.TestCase):
    threads = ()

    def measure(self, relay, upstream, round_trips):
        """The times to the 200, which take a known number of round trips."""
        culvert = launch(self, testbed, "--upstream", upstream, *self.threads)
        # squid starts its helper for passwords with the first request.
        tunnel_request()
        # A handshake always has bytes in flight, so no warm connection is still being made.
        wait_until_steady(lambda: relay.delivered, still=3 * ROUND_TRIP)
        times = [tunnel_request() for _ in range(5)]
        for took in times:
            self.assertGreater(took, round_trips * ROUND_TRIP - 0.01, times)
        # One or two of them may be delayed by the machine.
        self.assertLess(statistics.median(times), round_trips * ROUND_TRIP + MARGIN, times)
        culvert.shut_down()
        return statistics.median(times)

    def compare(self, name, relay, upstream, cold_round_trips):
        cold = self.measure(relay, upstream, cold_round_trips)
        warm = self.measure(relay, upstream + ("&" if "?" in upstream else "?") + "warm=4", 1)
        print(
            f"{name}, {ROUND_TRIP * 1000:.0f} ms away: {cold * 1000:.0f} ms cold ({cold_round_trips} round trips), "
            f"{warm * 1000:.0f} ms warm (1)", flush=True,
        )

    def test_socks5_with_password(self):
        """Cold: TCP, greeting, password, request."""
        relay = DelayingRelay(testbed.home, (BORDER, peers.DANTE_PORT), ONE_WAY)
        self.compare("SOCKS5 with password", relay, f"socks5://{LOGIN}127.0.0.1:{relay.port}", 4)

    def test_https(self):
        """Cold: TCP, TLS, CONNECT."""
        relay = DelayingRelay(testbed.home, (BORDER, peers.SQUID_TLS_PORT), ONE_WAY)
        url = f"https://{LOGIN}127.0.0.1:{relay.port}?ca={testbed.ca.certificate}&sni=proxy.border"
        self.compare("HTTPS", relay, url, 3)

    def test_dead_ones_are_never_seen(self):
        """Behind the relay, the FIN has not arrived yet when the next request takes the connection."""
        relay = DelayingRelay(testbed.home, (BORDER, peers.MICROSOCKS_PORT), 0.05)
        for port in (peers.MICROSOCKS_PORT, relay.port):
            host = "127.0.0.1" if port == relay.port else BORDER
            with self.subTest(host=host):
                culvert = launch(self, testbed, "--upstream", f"socks5://{host}:{port}?warm=4", *self.threads)
                for _ in range(3):
                    # Quiet, as those of the last tunnels may not be closed yet.
                    wait_for(
                        lambda: wait_until_steady(lambda: testbed.home.connections_to(port), still=0.3) == 4, 20,
                        "four connections are not kept warm",
                    )
                    microsocks.kill()
                    bring_up(microsocks, peers.MICROSOCKS_PORT)
                    for _ in range(4):
                        tunnel_request()
                culvert.shut_down()


class WarmWithFourThreads(Warm):
    threads = FOUR_THREADS


if __name__ == "__main__":
    harness.main()
