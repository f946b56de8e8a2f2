"""Pulls by real programs that are interrupted in the middle of a layer, and which of them go on where they were.

Some of the tunnels stay away for most of a minute. So all pulls run side by side, from the module's setup on, and each
test waits for the end of its own.
"""

import contextlib
import itertools
import os
import queue
import re
import signal
import time
import unittest

import harness
import peers
import pulls
import wire
from culvert import ActivatedCulvert, launch
from layers import MIB, LayerRegistry
from testbed import Testbed, wait_for
from tunnels import Line, Relay, shorten_timeouts

# What a cut may cost: it was under way and is fetched again.
TWICE = 4 * MIB
# Between the tunnel's return and the first byte from where the pull was cut.
FIRST_BYTE = 5
# What systemd waits before it starts again what has failed (RestartSec=).
RESTART = 0.1

# Seconds in which nothing moves.
STALLED = 3

ports = itertools.count(4000)
cases = {}


class ForTheModule:
    """What launch() takes for a test: the culverts run until the last one is over."""

    addClassCleanup = staticmethod(unittest.addModuleCleanup)


def setUpModule():
    global testbed, registry, containerd, ctr
    testbed = harness.report_on(Testbed())
    registry = LayerRegistry(testbed)
    peers.start_sshd(testbed)
    containerd = testbed.start(pulls.Containerd(testbed))
    containerd.wait_ready()
    ctr = pulls.Ctr(testbed, containerd)
    start_killed_tunnels()
    start_ended_tunnels()
    start_restarts()
    start_stalled()
    start_containers_image()


def tearDownModule():
    print("\n" + "\n".join(case.report() for case in cases.values()), flush=True)


def start(name, client, port, interrupt, **more):
    cases[name] = pulls.Interrupted(client, registry.add(name, **more), port, interrupt)


def culvert_over(upstream, *options):
    return launch(ForTheModule, testbed, "--upstream", upstream, *options, port=next(ports))


def socks(port, address="127.0.0.1"):
    return f"socks5://{address}:{port}"


def killed_for(tunnel, seconds):
    def interrupt():
        tunnel.cut()
        time.sleep(seconds)
        tunnel.up()

    return interrupt


def start_killed_tunnels():
    for seconds in (45, 20, 5):
        for client in (pulls.Docker(testbed), ctr):
            tunnel = peers.start_ssh_tunnel(testbed, port=next(ports))
            culvert = culvert_over(socks(tunnel.port))
            start(f"{client.name}_killed_for_{seconds}", client, culvert.port, killed_for(tunnel, seconds))


def start_ended_tunnels():
    for name in ("finish", "reset"):
        relay = Relay(testbed, next(ports))
        start(name, ctr, culvert_over(socks(relay.port)).port, getattr(relay, name))

    line = Line(testbed, "10.77.1.3")
    relay = Relay(testbed, next(ports), testbed.border, line.address)
    timing_out = culvert_over(socks(relay.port, line.address))

    def given_up():
        # Again and again, as there may be a new connection.
        shorten_timeouts(timing_out.pid, line.address, 2)
        return not testbed.home.connections_to(relay.port)

    def time_out():
        line.lose()
        wait_for(given_up, 20, "the kernel does not give the connections up")
        line.restore()

    # Paused, or what is sent into the lost line until then would count as fetched.
    start("time_out", ctr, timing_out.port, time_out, pauses=True)

    relay = Relay(testbed, next(ports))
    idle = culvert_over(socks(relay.port), "--idle-timeout", "2s")
    start("idle", ctr, idle.port, lambda: registry.images["idle"].wait_cut(), pauses=True)


def start_stalled():
    """The tunnel hangs, with all connections in it; there is another one."""
    tunnel = peers.start_ssh_tunnel(testbed, port=next(ports))
    relay = Relay(testbed, next(ports))
    options = ("--upstream", socks(relay.port), "--reset-stalled", f"{STALLED}s")
    culvert = culvert_over(socks(tunnel.port), *options)
    start("stalled", ctr, culvert.port, lambda: peers.pause(tunnel.pid), pauses=True)


def start_restarts():
    start_restarted("drained", signal.SIGTERM)
    start_restarted("drained_three_layers", signal.SIGTERM, layers=3, size=24 * MIB, mark=8 * MIB)
    start_restarted("killed", signal.SIGKILL)
    start_handed_over()


def start_restarted(name, number, **more):
    """culvert ends by the signal, and the next one begins at once, on the same listening socket."""
    relay = Relay(testbed, next(ports))
    listener = pulls.listening_socket(testbed.home, next(ports))

    def next_culvert():
        options = ("--upstream", socks(relay.port), "--drain-timeout", "1s")
        return launch(ForTheModule, testbed, *options, kind=ActivatedCulvert, sockets=[listener], port=listener.getsockname()[1])

    culvert = next_culvert()

    def restart():
        culvert.signal(number)
        culvert.wait(10)
        if number == signal.SIGKILL:
            time.sleep(RESTART)
        next_culvert()

    start(name, ctr, culvert.port, restart, **more)


def start_handed_over():
    """culvert starts the next one itself. Its own tunnels may go on, unless it is ended, too."""
    relay = Relay(testbed, next(ports))
    culvert = culvert_over(socks(relay.port), "--drain-timeout", "1s")

    def hand_over():
        culvert.signal(signal.SIGUSR2)
        successor = wait_for(lambda: peers.children(culvert.pid), 10, "there is no new process")[0]
        unittest.addModuleCleanup(end, successor)
        culvert.wait_log("handed over: ")
        culvert.signal(signal.SIGTERM)
        culvert.wait(10)

    start("handed_over", ctr, culvert.port, hand_over)


def end(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def start_containers_image():
    for client in (pulls.Skopeo(testbed), pulls.Podman(testbed)):
        for ending in ("auto", "eof"):
            relay = Relay(testbed, next(ports))
            culvert = culvert_over(socks(relay.port), "--lost-tunnel", ending)
            start(f"{client.name}_{ending}", client, culvert.port, relay.reset)


class Pulls(unittest.TestCase):
    def resumes(self, name, first_byte=FIRST_BYTE):
        case = cases[name].finish()
        self.assertEqual(case.code, 0, case.pull.tail())
        for layer in case.image.layers:
            self.assertGreater(len(layer.requests), 1, "the layer was not cut")
            self.assertTrue(all(request.first for request in layer.requests[1:]), layer.requests)
        self.assertLessEqual(case.image.fetched_twice(), TWICE)
        self.assertLess(case.first_byte, first_byte)

    def begins_again(self, name):
        case = cases[name].finish()
        self.assertEqual(case.code, 0, case.pull.tail())
        self.assertEqual([request.first for request in case.image.layers[0].requests], [0, 0])

    def is_lost(self, name):
        case = cases[name].finish()
        self.assertNotEqual(case.code, 0, case.pull.tail())


class Containerd(Pulls):
    def test_upstream_closes(self):
        self.resumes("finish")

    def test_upstream_resets(self):
        self.resumes("reset")

    def test_upstream_times_out(self):
        # A connection that was asked for a moment too early is asked for again after 1, 2 and 4 s.
        self.resumes("time_out", 7 + FIRST_BYTE)

    def test_tunnel_back_after_5_seconds(self):
        self.resumes("ctr_killed_for_5")

    def test_tunnel_back_after_20_seconds(self):
        self.resumes("ctr_killed_for_20")

    def test_tunnel_back_after_45_seconds(self):
        self.resumes("ctr_killed_for_45")

    def test_tunnel_stalls(self):
        self.resumes("stalled", STALLED + FIRST_BYTE)

    def test_culvert_drains(self):
        self.resumes("drained")

    def test_culvert_drains_under_three_layers(self):
        self.resumes("drained_three_layers")

    def test_culvert_is_killed(self):
        self.resumes("killed")

    def test_culvert_hands_over(self):
        self.resumes("handed_over")

    def test_idle_timeout(self):
        self.resumes("idle")


class Dockerd(Pulls):
    """The graphdriver store asks again 5 s after each cut."""

    def test_tunnel_back_after_5_seconds(self):
        self.resumes("docker_killed_for_5", 5 + FIRST_BYTE)

    def test_tunnel_back_after_20_seconds(self):
        self.resumes("docker_killed_for_20")

    def test_tunnel_back_after_45_seconds(self):
        self.resumes("docker_killed_for_45")


class ContainersImage(Pulls):
    """Before version 5.24 it begins a layer again after a reset, which is what it gets by default, as its cipher suites
    tell; and gives up at an end in the middle. From then on it goes on after both."""

    @classmethod
    def setUpClass(cls):
        # skopeo 1.11 and podman 4.4 have 5.24.
        version = re.search(r"(\d+)\.(\d+)", testbed.home.run("/usr/bin/skopeo", "--version").stdout)
        cls.goes_on = tuple(map(int, version.groups())) >= (1, 11)

    def after_a_reset(self, name):
        (self.resumes if self.goes_on else self.begins_again)(name)

    def after_an_end(self, name):
        (self.resumes if self.goes_on else self.is_lost)(name)

    def test_skopeo(self):
        self.after_a_reset("skopeo_auto")

    def test_skopeo_after_an_end(self):
        self.after_an_end("skopeo_eof")

    def test_podman(self):
        self.after_a_reset("podman_auto")

    def test_podman_after_an_end(self):
        self.after_an_end("podman_eof")


class UserAgents(unittest.TestCase):
    """By default, culvert tells from this field which clients can use an end in the middle of a layer."""

    def assert_go(self, start_program):
        heads = queue.SimpleQueue()

        def refuse(connection):
            with connection:
                heads.put(connection.recv(65536).decode("latin-1"))
                connection.sendall(b"HTTP/1.1 503 recorded\r\n\r\n")

        program = start_program(wire.serve_in_threads(testbed.home, refuse))
        self.addCleanup(program.kill)
        head = heads.get(timeout=20)
        self.assertTrue(head.startswith("CONNECT gcr.io:443 HTTP/1.1\r\n"), head)
        self.assertIn("\r\nUser-Agent: Go-http-client/1.1\r\n", head)

    def assert_pull_is_go(self, client):
        def start_pull(port):
            client.prepare(port)
            pull = client.pull(registry.add(f"{client.name}_refused", size=MIB), port)
            pull.start()
            return pull

        self.assert_go(start_pull)

    def test_ctr(self):
        self.assert_pull_is_go(ctr)

    def test_dockerd(self):
        self.assert_pull_is_go(pulls.Docker(testbed))

    def test_podman(self):
        self.assert_pull_is_go(pulls.Podman(testbed))

    def test_skopeo(self):
        self.assert_pull_is_go(pulls.Skopeo(testbed))

    def test_registry(self):
        def start_registry(port):
            return testbed.start(peers.pull_through_registry(testbed, next(ports), f"http://127.0.0.1:{port}"))

        self.assert_go(start_registry)


if __name__ == "__main__":
    harness.main()
