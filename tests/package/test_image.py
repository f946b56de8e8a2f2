"""The container image: loaded and run by a real docker daemon, with culvert as its process 1."""

import json
import threading
import unittest

from artefacts import IMAGE, VERSION

import harness
import peers
import wire
from culvert import PORT
from testbed import Testbed, wait_for

NAME = f"culvert/culvert:{VERSION}"


def setUpModule():
    global testbed, dockerd, echo_port
    testbed = harness.report_on(Testbed())
    dockerd = peers.start_dockerd(testbed)
    dockerd.docker("load", "--input", str(IMAGE))
    echo_port = wire.serve_in_threads(testbed.home, wire.echo)


def tearDownModule():
    dockerd.stop()


class Image(unittest.TestCase):
    def start(self, *options, arguments=()):
        # dockerd has no bridge here, so the container shares the network of its host.
        done = dockerd.docker("run", "--detach", "--network", "host", *options, NAME, *arguments)
        container = done.stdout.strip()
        self.addCleanup(dockerd.docker, "rm", "--force", container)
        wait_for(lambda: testbed.home.listens(PORT), 20, lambda: self.logs(container))
        return container

    def logs(self, container):
        done = dockerd.docker("logs", container)
        return done.stdout + done.stderr

    def state(self, container):
        return json.loads(dockerd.docker("inspect", "--format", "{{json .State}}", container).stdout)

    def tunnel(self):
        client = wire.tunnel(testbed.home, f"127.0.0.1:{echo_port}", early=b"ping")
        self.assertEqual(wire.receive_exactly(client, 4), b"ping")
        return client

    def test_its_settings(self):
        config = json.loads(dockerd.docker("inspect", "--format", "{{json .Config}}", NAME).stdout)
        self.assertEqual(config["Entrypoint"], ["/usr/bin/culvert"])
        self.assertEqual(config["User"], "65532:65532")
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "/usr/bin/culvert", "status", "--once"])
        self.assertIn("3128/tcp", config["ExposedPorts"])
        size = int(dockerd.docker("inspect", "--format", "{{.Size}}", NAME).stdout)
        self.assertLess(size, 12 << 20)

    def test_it_serves_as_process_1_without_rights_and_is_healthy(self):
        container = self.start("--health-interval", "200ms", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
        self.tunnel().close()
        top = dockerd.docker("top", container, "-eo", "pid,uid,args").stdout
        self.assertRegex(top, r"(?m)^\d+ +65532 +/usr/bin/culvert$")
        pid = self.state(container)["Pid"]
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            facts = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        self.assertEqual(facts["NSpid"].split()[-1], "1")
        self.assertEqual(int(facts["CapEff"], 16), 0)
        wait_for(lambda: self.state(container)["Health"]["Status"] == "healthy", 20, lambda: json.dumps(self.state(container)))

    def test_docker_stop_waits_for_tunnels(self):
        container = self.start()
        client = self.tunnel()
        stopped = []
        stop = threading.Thread(target=lambda: stopped.append(dockerd.docker("stop", "--time", "30", container)))
        stop.start()
        wait_for(lambda: "draining" in self.logs(container), 10, lambda: self.logs(container))
        # No new ones, but this one goes on.
        self.assertFalse(testbed.home.listens(PORT))
        client.sendall(b"still here")
        self.assertEqual(wire.receive_exactly(client, 10), b"still here")
        self.assertTrue(self.state(container)["Running"])
        client.close()
        stop.join(20)
        self.assertTrue(stopped)
        self.assertEqual(self.state(container)["ExitCode"], 0, self.logs(container))


if __name__ == "__main__":
    harness.main()
