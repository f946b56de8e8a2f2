"""examples/haproxy-fleet as it is: an haproxy in front of three culverts, of which one is killed and one drained under load."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

import harness
import peers
from culvert import PORT, Culvert
from testbed import Host, Program, Programs, wait_for

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/haproxy-fleet"
BALANCER = "10.0.0.5"
CULVERTS = {"one": "10.0.0.11", "two": "10.0.0.12", "three": "10.0.0.13"}
# What the clients know of the balancer, and they themselves.
FRONT, CLIENTS = "10.20.0.1", "10.20.0.2"
# CONNECTs a second, and bulk tunnels beside them.
RATE, BULK = 1000, 12


class Fleet(Programs):
    """The balancer's network reaches the clients and a bridge with the culverts. The target is the balancer's host, too."""

    def __init__(self):
        super().__init__()
        self.balancer, self.clients = Host("balancer", "127.0.0.53"), Host("clients", "127.0.0.53")
        self.culverts = {name: Host(name, "127.0.0.53") for name in CULVERTS}
        self.balancer.ip("link set lo up", "link add fleet type bridge", "link set fleet up", f"address add {BALANCER}/24 dev fleet")
        self._join(self.clients, f"{CLIENTS}/16", "clients")
        self.balancer.ip(f"address add {FRONT}/16 dev clients")
        for name, host in self.culverts.items():
            self._join(host, f"{CULVERTS[name]}/24", name)
            self.balancer.ip(f"link set {name} master fleet")

    def _join(self, host, address, name):
        link = ["ip", "link", "add", "front", "netns", str(host.pid), "type", "veth", "peer", "name", name, "netns", str(self.balancer.pid)]
        subprocess.run(link, check=True)
        host.ip("link set lo up", "link set front up", f"address add {address} dev front")
        self.balancer.ip(f"link set {name} up")


def setUpModule():
    global fleet
    fleet = harness.report_on(Fleet())


class Balancer(Program):
    CONTROL = "/run/haproxy/admin.sock"

    def __init__(self):
        os.makedirs("/run/haproxy", exist_ok=True)
        super().__init__("haproxy", fleet.balancer, ["/usr/sbin/haproxy", "-db", "-f", EXAMPLE / "haproxy.cfg"])

    def servers(self):
        """What is known of each culvert that has been checked."""
        try:
            rows = peers.haproxy_stats(self.CONTROL)
        except OSError:
            return {}
        return {row["svname"]: row for row in rows if row["svname"] in CULVERTS and row["check_status"].strip("* ") != "INI"}

    def wait_states(self, **wanted):
        def states():
            return {name: row["status"] for name, row in self.servers().items()}

        wait_for(lambda: wanted.items() <= states().items(), 20, lambda: f"{wanted} is awaited: {states()}")

    def drain(self, name):
        """No new clients."""
        answer = peers.ask_haproxy(self.CONTROL, f"set server culverts/{name} state drain").strip()
        if answer:
            raise AssertionError(answer)

    def servers_of(self, ports):
        """Where the balancer has sent the clients that had each of these ports, which may be used more than once."""
        found = {}
        for port, server in re.findall(rf"^{re.escape(CLIENTS)}:(\d+) \[.*?\] proxy culverts/(\S+) ", self.output(), re.MULTILINE):
            found.setdefault(int(port), set()).add(server)
        return [found.get(port, set()) for port in ports]


class Load:
    """The program fleet_load.py among the clients, and its target beside the balancer."""

    def __init__(self):
        script = [sys.executable, pathlib.Path(__file__).with_name("fleet_load.py")]
        target = subprocess.Popen(fleet.balancer.command([*script, "target", BALANCER]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        port = int(target.stdout.readline())
        options = ["clients", FRONT, PORT, BALANCER, port, RATE, BULK]
        self.process = subprocess.Popen(fleet.clients.command([*script, *options]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.target = target

    def ask(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def wait_served(self, more):
        wanted = self.ask()["served"] + more
        wait_for(lambda: self.ask()["served"] >= wanted, 60, "the clients are not served")

    def wait_for_those_before(self):
        """Until each short tunnel has ended that began before now."""
        now = time.monotonic()
        wait_for(lambda: self.ask()["oldest"] > now, 60, "a short tunnel does not end")

    def end(self):
        """Of the short tunnels, and then of the bulk tunnels."""
        self.process.stdin.close()
        self.target.stdin.write("\n")
        self.target.stdin.flush()
        return json.loads(self.process.stdout.read().splitlines()[-1])

    def kill(self):
        for process in (self.process, self.target):
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


class KilledAndDrained(unittest.TestCase):
    def test_nothing_is_refused_and_only_the_tunnels_of_the_killed_one_are_lost(self):
        culverts = {}
        for name, address in CULVERTS.items():
            culvert = Culvert(
                fleet, "--config", EXAMPLE / "culvert.toml", "--upstream", "direct", "--threads", "1", host=fleet.culverts[name], listen=())
            fleet.processes.append(culvert)
            culvert.up("0.0.0.0")
            culverts[name] = culvert
        balancer = fleet.start(Balancer())
        balancer.wait_states(one="UP", two="UP", three="UP")
        load = Load()
        self.addCleanup(load.kill)
        wait_for(lambda: len(load.ask()["bulk"]) == BULK, 20, "the bulk tunnels do not begin")
        load.wait_served(RATE)
        culverts["one"].kill()
        load.wait_served(RATE)
        balancer.wait_states(one="DOWN", two="UP")
        balancer.drain("two")
        load.wait_for_those_before()
        # It goes on until its tunnels have ended.
        culverts["two"].signal(signal.SIGTERM)
        load.wait_served(RATE)
        self.assertTrue(culverts["two"].running(), culverts["two"].tail())
        figures = load.end()
        self.assertEqual(culverts["two"].wait(20), 0)
        culverts["three"].shut_down()
        balancer.stop()

        sums = {name: len(value) if isinstance(value, list) else value for name, value in figures.items()}
        print(sums, {name: len(culvert.access_lines()) for name, culvert in culverts.items()}, flush=True)
        self.assertGreaterEqual(figures["served"], 3 * RATE)
        self.assertEqual(figures["refused"], [])
        # What had reached the killed one when it died: its bulk tunnels, and a few short ones.
        for servers in balancer.servers_of(figures["lost"] + figures["bulk_lost"]):
            self.assertIn("one", servers, figures)
        bulk = [min(servers) for servers in balancer.servers_of(figures["bulk"])]
        self.assertEqual(set(bulk), set(CULVERTS))
        self.assertEqual(len(figures["bulk_lost"]), bulk.count("one"))
        self.assertEqual(figures["bulk_whole"], BULK - bulk.count("one"))
        # The culverts have seen the clients, not the balancer.
        for line in culverts["three"].access_lines():
            self.assertRegex(line, rf" client={CLIENTS}:\d+ balancer={BALANCER}:\d+ .* outcome=(ok|aborted) ")


if __name__ == "__main__":
    harness.main()
