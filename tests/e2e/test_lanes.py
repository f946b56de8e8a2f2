"""One ssh is one TCP connection, and a line may give each of those so much and no more: pulls over several at once.

The pulls take most of two minutes, as the line is slow. So they run side by side from the module's setup on, and each test
waits for the end of its own. What is compared was under way at the same time, each over a line of its own.
"""

import datetime
import itertools
import os
import shlex
import threading
import time
import unittest

import harness
import images
import peers
from culvert import launch
from shaper import Shaper
from testbed import BORDER, Program, Testbed

MB = 1_000_000
# Bytes a second for each TCP connection; its round trip takes 200 ms.
RATE = 2 * MB
LANES = 4
LAYER = 30 * MB
LAYERS = 6
SMALL_LAYER = 10 * MB
SMALL_LAYERS = 3
# Seconds for which a lane stands still that comes back.
FROZEN = 30

ports = itertools.count(4000)
pulls = {}


class ForTheModule:
    """What launch() takes for a test: the culverts run until the last one is over."""

    addClassCleanup = staticmethod(unittest.addModuleCleanup)


class Image:
    def __init__(self, name, size, layers):
        self.name, self.layer, self.size = name, size, size * layers
        self.digest = images.push(testbed, images.make_image(size, name, layers), f"gcr.io/{name}:1")


def setUpModule():
    global testbed
    testbed = harness.report_on(Testbed())
    # The line is to be what limits, not what other tests and builds leave of the processors.
    try:
        os.nice(-5)
    except PermissionError:
        pass
    peers.start_registry(testbed)
    peers.start_sshd(testbed)
    six = Image("six", LAYER, LAYERS)
    three = Image("three", SMALL_LAYER, SMALL_LAYERS)
    begin(Pull("one_lane", six, lanes=1))
    begin(Pull("four_lanes", six), Pull("frozen", six, freeze=10 * MB, options=("--reset-stalled", "10s")))
    alive = ("ServerAliveInterval=2", "ServerAliveCountMax=2")
    begin(Pull("cache_with_http2", three, cache_settings=""), Pull("cache_without_http2", three, cache_settings="http2client=0"))
    begin(Pull("frozen_and_given_up", three, freeze=5 * MB, ssh=alive), Pull("frozen_for_a_while", three, freeze=5 * MB, thaw=FROZEN))


def tearDownModule():
    print("\n" + "\n".join(pull.report() for pull in pulls.values()), flush=True)


def begin(*several):
    """Starts a thread that does them one after the other."""
    for pull in several:
        pulls[pull.name] = pull

    def run():
        for pull in several:
            pull.run()

    threading.Thread(target=run, daemon=True).start()


class Pull:
    """What docker makes of an image over lanes of its own, and what each of them carries.

    With `cache_settings`, GODEBUG's value, docker asks a registry that is a cache. With `freeze` the lane that is the first
    to have carried so many bytes stands still from then on, or for `thaw` seconds.
    """

    def __init__(self, name, image, lanes=LANES, options=(), ssh=(), cache_settings=None, freeze=None, thaw=None):
        self.name, self.image = name, image
        self._lanes, self._options, self._ssh = lanes, options, ssh
        self._cache_settings, self._freeze, self._thaw = cache_settings, freeze, thaw
        self.culvert = self.shaper = self.pull = self.code = self.error = None
        self.seconds = self.layers_at_once = self.carried_when_frozen = 0
        self._over = threading.Event()

    def run(self):
        try:
            self._run()
        except Exception as error:  # pylint: disable=broad-except
            self.error = error
        finally:
            self._over.set()

    def _run(self):
        self.shaper = Shaper(testbed.home, (BORDER, peers.SSH_PORT), RATE)
        self._start_culvert()
        proxy = f"http://127.0.0.1:{self.culvert.port}"
        registry, cache = "gcr.io", None
        if self._cache_settings is not None:
            port = next(ports)
            registry = f"127.0.0.1:{port}"
            cache = testbed.start(peers.pull_through_registry(testbed, port, proxy, GODEBUG=self._cache_settings))
            cache.wait_listening(port, "127.0.0.1")
        dockerd = peers.start_dockerd(testbed, None if cache else proxy, download_attempts=5)
        reference = f"{registry}/{self.image.name}:1"
        self.pull = Program(f"pull-{self.name}", testbed.home, dockerd.command_line("pull", reference))
        began = time.monotonic()
        self.pull.start()
        try:
            self._watch(began)
            self.seconds = time.monotonic() - began
            self.code = self.pull.process.poll()
            if self.code == 0:
                self._check(dockerd, reference)
        finally:
            self.pull.kill()
            dockerd.stop()
            if cache:
                cache.stop()
        self.culvert.shut_down()
        self.layers_at_once = most_at_once(self.culvert.access_lines())

    def _start_culvert(self):
        line = ("127.0.0.1", self.shaper.port)
        ssh = shlex.join(map(str, peers.SshTunnel(testbed, port="{port}", to=line, more=self._ssh).argv))
        options = ("--tunnel-command", ssh, "--tunnels", self._lanes)
        self.culvert = launch(ForTheModule, testbed, *options, *self._options, port=next(ports))
        self.culvert.wait_log(": Authenticated to ", self._lanes)

    def _watch(self, began):
        lane, thaws_at = None, float("inf")
        while self.pull.running() and time.monotonic() < began + 150:
            if self._freeze and not lane:
                fullest = max(self.shaper.lanes, key=lambda one: one.carried)
                if fullest.carried >= self._freeze:
                    lane = fullest
                    lane.freeze()
                    self.carried_when_frozen = lane.carried
                    thaws_at = time.monotonic() + (self._thaw or float("inf"))
            if time.monotonic() > thaws_at:
                lane.thaw()
            time.sleep(0.1)

    def _check(self, dockerd, reference):
        """All of it is there as it was made."""
        shown = dockerd.docker("inspect", "--format", "{{index .RepoDigests 0}} {{.Size}}", reference).stdout.split()
        made = [f"{reference.rpartition(':')[0]}@{self.image.digest}", str(self.image.size)]
        if shown != made:
            raise AssertionError(f"{shown} instead of {made}")
        dockerd.docker("rmi", reference)

    def finish(self, seconds=200):
        if not self._over.wait(seconds):
            raise AssertionError(f"{self.name}: the pull goes on for ever")
        if self.error:
            raise self.error
        return self

    def report(self):
        """One line for a table."""
        if not self.seconds:
            return f"{self.name:<22} not finished"
        carried = " ".join(f"{size / MB:.1f}" for size in self.shaper.carried())
        return f"{self.name:<22} {self.code} {self.seconds:5.1f} s, up to {self.layers_at_once} tunnels with layers, MB in lanes: {carried}"


def most_at_once(access_lines):
    """Of the tunnels that have brought a layer, or a part of one, so many were open at the same time."""
    changes = []
    for line in access_lines:
        fields = dict(field.split("=", 1) for field in line.split() if "=" in field)
        if int(fields["bytes_down"]) > MB:
            end = datetime.datetime.fromisoformat(line.split()[0])
            changes += [(end, -1), (end - datetime.timedelta(milliseconds=int(fields["total_ms"])), 1)]
    return max(itertools.accumulate(change for _, change in sorted(changes)), default=0)


class Lanes(unittest.TestCase):
    def pulled(self, name):
        pull = pulls[name].finish()
        self.assertEqual(pull.code, 0, pull.pull.tail())
        return pull

    def test_four_lanes_take_two_fifths_of_the_time(self):
        one, four = self.pulled("one_lane"), self.pulled("four_lanes")
        # The line is what limits it.
        self.assertGreater(one.seconds, one.image.size / RATE)
        self.assertLessEqual(four.seconds / one.seconds, 0.40)

    def frozen(self, name):
        pull = self.pulled(name)
        self.assertGreater(pull.carried_when_frozen, 0, "no lane was frozen")
        self.assertLess(pull.carried_when_frozen, pull.image.layer, "the layer was there before its lane was frozen")
        # What the lane had brought is not fetched again.
        self.assertLess(sum(pull.shaper.carried()), pull.image.size + 2 * MB)
        return pull

    def test_a_frozen_lane(self):
        pull = self.frozen("frozen")
        pull.culvert.wait_access_line(" outcome=stalled ")
        self.assertLess(pull.seconds, self.pulled("one_lane").seconds)

    def test_a_frozen_lane_that_ssh_gives_up(self):
        pull = self.frozen("frozen_and_given_up")
        self.assertEqual(len(pull.shaper.lanes), LANES + 1, "there is not a new lane in its place")

    def test_a_lane_that_is_frozen_for_a_while(self):
        """By default nobody gives it up."""
        pull = self.frozen("frozen_for_a_while")
        self.assertGreater(pull.seconds, FROZEN)

    def test_a_cache_with_http1_uses_several_lanes(self):
        """With HTTP/2 it fetches all layers in one tunnel."""
        one, four = self.pulled("cache_with_http2"), self.pulled("cache_without_http2")
        self.assertEqual(one.layers_at_once, 1)
        self.assertGreaterEqual(four.layers_at_once, SMALL_LAYERS)
        self.assertLessEqual(four.seconds / one.seconds, 0.80)


if __name__ == "__main__":
    harness.main()
