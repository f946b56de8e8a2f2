"""examples/gcr-registry: the image is made, loaded and run by a real docker, which pulls through it."""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import time
import unittest

import harness
import images
import isolate
import peers
import wire
from culvert import assert_no_secret
from shaper import Shaper
from testbed import BORDER, GCR, HOME, TARGET, Program, Testbed, wait_for

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/gcr-registry"
BRIDGE = "172.17.0.1"
TUNNEL = f"socks5://{BRIDGE}:{peers.SOCKS_PORT}"
ETCD, PAUSE = "google_containers/etcd-amd64:3.0.14-kubeadm", "pause:3.9"
MB = 1_000_000
# The tunnel carries so many bytes a second, so that there is a middle in which it can be lost.
RATE = 4 * MB
SIZE = 12 * MB
# Of the image.
USER = 65532
# How long culvert waits for a tunnel.
SHORT = ("-e", "CULVERT_HOLD=1s", "-e", "CULVERT_HOLD_RESUMED=1s", "-e", "CULVERT_CONNECT_TIMEOUT=2s")
HUB_PORT = 5443
HUB_PASSWORD = "it's: a {hub} #password"
PORTS = range(5000, 5006)


def setUpModule():
    global testbed, dockerd, line, tunnel, etcd, pause
    testbed = harness.report_on(Testbed())
    archive = f"{isolate.STATE}/gcr-registry.tar"
    testbed.home.run(EXAMPLE / "build", "--ssh", "--culvert", os.environ["CULVERT"], archive)
    peers.start_registry(testbed)
    peers.start_registry(testbed, "registry.k8s.io", TARGET)
    peers.start_sshd(testbed)
    # Nothing translates the addresses of containers.
    testbed.border.ip(f"route add 172.16.0.0/12 via {HOME}")
    etcd = images.push(testbed, images.make_image(SIZE, "etcd"), f"gcr.io/{ETCD}")
    pause = images.push(testbed, images.make_image(1000, "pause"), f"{TARGET}:443/{PAUSE}")
    dockerd = peers.start_dockerd(testbed, containers=True, settings={"insecure-registries": [f"{HOME}:{port}" for port in PORTS]})
    unittest.addModuleCleanup(dockerd.remove_containers)
    dockerd.docker("load", "-i", archive)
    line = Shaper(testbed.home, (BORDER, peers.SSH_PORT), RATE, one_way=0.01)
    tunnel = peers.start_ssh_tunnel(testbed, address=BRIDGE, to=("127.0.0.1", line.port))


def between_looks():
    """For what is looked at with a command, which costs more than a look at a file."""
    time.sleep(0.2)


def wait_serving(port, explain=str):
    curl = ("curl", "-s", f"http://{HOME}:{port}/v2/")
    wait_for(lambda: between_looks() or testbed.home.run(*curl, check=False).stdout == "{}", 30, lambda: f"no registry at {port}:\n{explain()}")


class Container:
    """What is started by README.md's `docker run`, and these options."""

    def __init__(self, case, *options, name="gcr-registry", port=5000, inside=5000):
        """`inside`: the port of its registry, if a REMOTE says so."""
        self.name, self.port = name, port
        readme = (EXAMPLE / "README.md").read_text(encoding="utf-8").replace("\\\n", "")
        command = shlex.split(re.search(r"^docker (run .*)$", readme, re.MULTILINE)[1])
        instead = {"gcr-registry": name, "5000:5000": f"{port}:{inside}", "gcr-cache:/var/lib/registry": f"{name}-cache:/var/lib/registry"}
        # Beside those of the image, as a company's own would be.
        trusted = f"{testbed.ca.certificate}:/etc/ssl/certs/testbed.pem:ro"
        dockerd.docker(*(instead.get(word, word) for word in command[:-1]), "-v", trusted, *options, command[-1])
        case.addCleanup(dockerd.docker, "rm", "-f", "-v", name)

    def logs(self):
        done = dockerd.docker("logs", self.name)
        return done.stdout + done.stderr

    def wait_log(self, text):
        wait_for(lambda: between_looks() or text in self.logs(), 30, lambda: f"{text!r} is not in its log:\n{self.logs()}")

    def shown(self, what):
        return dockerd.docker("inspect", "--format", what, self.name).stdout.strip()

    def wait_serving(self):
        wait_serving(self.port, self.logs)

    def cached_blobs(self, remote):
        volume = dockerd.docker("volume", "inspect", "--format", "{{.Mountpoint}}", f"{self.name}-cache").stdout.strip()
        return sum("data" in files for _, _, files in os.walk(f"{volume}/{remote}/docker/registry/v2/blobs"))

    def reference(self, image, port=None):
        return f"{HOME}:{port or self.port}/{image}"


def processes(name):
    """Those that run the program of that name in a container."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/exe") == f"/usr/bin/{name}":
                found.append(int(pid))
    return found


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
        return file.read()


def digest_of(reference):
    return dockerd.docker("inspect", "--format", "{{index .RepoDigests 0}}", reference).stdout.strip().rpartition("@")[2]


def pull(case, reference, digest):
    dockerd.docker("pull", reference)
    case.assertEqual(digest_of(reference), digest)
    dockerd.docker("rmi", reference)


class Pulls(unittest.TestCase):
    def test_a_tunnel_that_is_lost(self):
        """In the middle of a pull it comes back; for the next pull it does not, and the cache has all of it."""
        container = Container(self, *SHORT)
        container.wait_serving()
        reference = container.reference(ETCD)
        first = testbed.start(Program("docker-pull", testbed.home, dockerd.command_line("pull", reference)))
        self.addCleanup(first.kill)
        before = sum(line.carried())
        first.wait_until(lambda: sum(line.carried()) - before > SIZE // 4)
        tunnel.cut()
        self.assertLess(sum(line.carried()) - before, SIZE * 3 // 4, "the tunnel was not lost in the middle")
        tunnel.up()
        self.assertEqual(first.wait(120), 0, first.output())
        self.assertEqual(digest_of(reference), etcd)
        dockerd.docker("rmi", reference)
        wait_for(lambda: between_looks() or container.cached_blobs("gcr.io") >= 3, 20, "manifest, configuration and layer are not all in the cache")
        tunnel.cut()
        try:
            pull(self, reference, etcd)
            failed = dockerd.docker("pull", container.reference("google_containers/none:1"), check=False)
            self.assertIn("manifest unknown", failed.stderr)
        finally:
            tunnel.up()
        # docker is not told why, so this log has to.
        container.wait_log(f"upstream {TUNNEL} refused the connection - is the tunnel up? (for gcr.io:443)")

    def test_two_registries(self):
        remotes = "5001=https://gcr.io 5002=https://registry.k8s.io"
        container = Container(self, "-p", "5002:5002", "-e", f"REMOTE={remotes}", name="two", port=5001, inside=5001)
        container.wait_serving()
        wait_serving(5002, container.logs)
        pull(self, container.reference(PAUSE, 5002), pause)
        failed = dockerd.docker("pull", container.reference(PAUSE, 5001), check=False)
        self.assertIn("manifest unknown", failed.stderr)
        # Where no proxy is needed: a cache of the cache.
        direct = Container(self, "-e", "UPSTREAM=direct", "-e", f"REMOTE=http://{BRIDGE}:5002", name="direct", port=5004)
        direct.wait_serving()
        pull(self, direct.reference(PAUSE), pause)
        dockerd.docker("stop", direct.name)
        # One of them ends, and all of it is started again.
        registry = processes("registry")[-1]
        os.kill(registry, signal.SIGKILL)
        container.wait_log("has ended with status 137, so all of this ends")
        wait_for(lambda: between_looks() or container.shown("{{.RestartCount}}") == "1", 20, "docker does not start it again")
        container.wait_serving()
        wait_serving(5002, container.logs)

    def test_no_tunnel(self):
        """The log says so, and it serves once there is one."""
        upstream = f"socks5://{BRIDGE}:1090"
        container = Container(self, "-e", f"UPSTREAM={upstream}", *SHORT, name="no-tunnel", port=5003)
        container.wait_log(f'panic: Get "https://gcr.io/v2/": culvert: upstream {upstream} refused the connection - is the tunnel up?')
        self.assertNotIn("goroutine", container.logs())
        late = peers.start_ssh_tunnel(testbed, port=1090, address=BRIDGE)
        self.addCleanup(late.cut)
        container.wait_serving()

    def test_it_needs_no_rights_and_ends_at_once(self):
        container = Container(self, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", name="stopped", port=5004)
        container.wait_serving()
        dockerd.docker("stop", "--time", "60", container.name)
        self.assertEqual(container.shown("{{.State.ExitCode}}"), "143")
        self.assertEqual(dockerd.docker("logs", container.name).stderr, "")


class Secrets(unittest.TestCase):
    def test_files(self):
        """The upstream's password, and that for a registry: neither docker nor ps shows them, and they arrive."""
        peers.start_microsocks(testbed, authenticated=True)
        hub = Hub()
        secrets = peers.folder("secrets")
        upstream = f"socks5://{peers.LOGIN}{BORDER}:{peers.MICROSOCKS_AUTH_PORT}\n"
        for name, text in (("upstream", upstream), (hub.host, f"{peers.USER}:{HUB_PASSWORD}")):
            os.chown(peers.put(f"{secrets}/{name}", text, 0o400), USER, USER)
        options = ("-e", "UPSTREAM=", "-v", f"{secrets}:/run/secrets:ro", "-e", f"REMOTE=https://{hub.host}")
        container = Container(self, *options, name="secrets", port=5005)
        container.wait_serving()
        dockerd.docker("pull", container.reference("private:1"), check=False)
        self.assertEqual(hub.logins, {f"{peers.USER}:{HUB_PASSWORD}"})
        seen = container.logs() + container.shown("{{json .}}")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                seen += command_line(pid)
        for pid in processes("registry"):
            with open(f"/proc/{pid}/environ", encoding="utf-8") as file:
                seen += file.read()
        assert_no_secret(seen)
        self.assertNotIn(HUB_PASSWORD, seen)


class Compose(unittest.TestCase):
    """examples/compose, whose files are used where they are."""

    FILE = EXAMPLE.parent / "compose/compose.yaml"

    def setUp(self):
        self.at = peers.folder("compose")
        # What one has beside it: a key and .env; and what is the testbed's own.
        sshd = peers.folder("sshd")
        shutil.copy(f"{sshd}/user", f"{self.at}/ssh_key")
        os.chown(f"{self.at}/ssh_key", USER, USER)
        with open(f"{sshd}/host.pub", encoding="ascii") as key:
            peers.put(f"{self.at}/known_hosts", f"{BORDER} {key.read()}")
        # docker's name server takes NAT, which is not to be had everywhere.
        places = {"tunnel": "172.30.0.2", "culvert": "172.30.0.3", "registry": "172.30.0.4"}
        services = {
            name: {"networks": {"default": {"ipv4_address": place}}, "extra_hosts": [f"{other}:{places[other]}" for other in places]}
            for name, place in places.items()
        }
        services["registry"]["volumes"] = [f"{testbed.ca.certificate}:/etc/ssl/certs/testbed.pem:ro"]
        network = {"ipam": {"config": [{"subnet": "172.30.0.0/24"}]}}
        self.more = peers.put(f"{self.at}/more.yaml", json.dumps({"services": services, "networks": {"default": network}}))

    def compose(self, *arguments, check=True):
        command = ["docker-compose", "--project-directory", self.at, "--file", self.FILE, "--file", self.more, *arguments]
        return testbed.home.run(*command, check=check, env={**os.environ, "DOCKER_HOST": f"unix://{dockerd.socket}"})

    def test_all_of_it(self):
        without = self.compose("config", "-q", check=False)
        self.assertIn("write SSH_HOST=user@host into the file .env", without.stderr)
        peers.put(f"{self.at}/.env", f"SSH_HOST={peers.USER}@{BORDER}\n")
        self.compose("up", "-d")
        self.addCleanup(self.compose, "down", "-v", "-t", "1")
        wait_serving(5000)
        wait_serving(5001)
        pull(self, f"127.0.0.1:5001/{PAUSE}", pause)
        # ssh ends, and is started again; what comes meanwhile waits for it.
        ended = processes("ssh")
        os.kill(next(pid for pid in ended if "0.0.0.0:1080" in command_line(pid)), signal.SIGKILL)
        pull(self, f"127.0.0.1:5000/{ETCD}", etcd)
        done = testbed.home.run("curl", "-sS", "-x", "http://127.0.0.1:3128", "--cacert", testbed.ca.certificate, "https://gcr.io/v2/")
        self.assertEqual(done.stdout, "{}")
        page = testbed.home.run("curl", "-sS", "http://127.0.0.1:9128/api/v1/status").stdout
        self.assertEqual(json.loads(page)["state"], "serving")


class Hub:
    """A registry, outside, that wants a user and a password for a token, and has nothing."""

    def __init__(self):
        self.host = f"{GCR}:{HUB_PORT}"
        self.logins = logins = set()
        realm = f'Bearer realm="https://{self.host}/token",service="hub"'

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kind, _, credentials = self.headers.get("Authorization", "").partition(" ")
                if self.path.startswith("/token"):
                    logins.add(base64.b64decode(credentials).decode())
                    self.answer(200, b'{"token": "a-token"}')
                elif kind == "Bearer":
                    self.answer(404, b"{}")
                else:
                    self.answer(401, b"{}")

            do_HEAD = do_GET

            def answer(self, status, body):
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", realm)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*testbed.ca.issue("hub", f"IP:{GCR}"))
        wire.HttpServer(testbed.outside, (GCR, HUB_PORT), Handler, context).begin()


class Mistakes(unittest.TestCase):
    def said(self, script=EXAMPLE / "gcr-registry", **variables):
        done = subprocess.run(["dash", script], env=variables, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        return done.stderr

    def test_in_docker(self):
        done = dockerd.docker("run", "--rm", "culvert/gcr-registry", check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(
            done.stderr,
            "gcr-registry: UPSTREAM is missing: write -e UPSTREAM=socks5://172.17.0.1:1080 with your proxy's address, "
            "or -e UPSTREAM=direct if none is needed\n",
        )
        done = dockerd.docker("run", "--rm", "-e", "UPSTREAM=172.17.0.1:1080", "culvert/gcr-registry", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("172.17.0.1:1080: the scheme is missing: write http:// before an HTTP proxy, socks5:// before a SOCKS proxy\n", done.stderr)
        done = dockerd.docker("run", "--rm", "-v", "/run:/var/lib/registry", "-e", f"UPSTREAM={TUNNEL}", "culvert/gcr-registry", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/var/lib/registry cannot be written by user 65532: on the host, chown 65532 the folder", done.stderr)

    def test_of_remote(self):
        for remote, said in (
            ("registry.k8s.io", "write https://registry.k8s.io\n"),
            ("https://docker.io", "that of Docker Hub is https://registry-1.docker.io\n"),
            ("https://gcr.io/google_containers", "write https://gcr.io, and docker pull HOST:5000/google_containers/...\n"),
            ("https://gcr.io https://quay.io", "as in REMOTE='5000=https://gcr.io 5001=https://registry.k8s.io'\n"),
            ("50x=https://gcr.io", "write 5000=https://gcr.io\n"),
            ("https://me:hush@gcr.io", "mount that as /run/secrets/gcr.io\n"),
        ):
            with self.subTest(remote):
                stderr = self.said(UPSTREAM="direct", REMOTE=remote)
                self.assertEqual(stderr.count("\n"), 1)
                self.assertTrue(stderr.startswith("gcr-registry: REMOTE") and stderr.endswith(said), stderr)
                self.assertNotIn("hush", stderr)

    def test_of_files(self):
        empty = peers.put(f"{isolate.STATE}/empty", "")
        self.assertIn("mount it, as in -v /etc/gcr-registry:/run/secrets:ro\n", self.said(UPSTREAM_FILE="/none"))
        self.assertIn(f"{empty} is empty\n", self.said(UPSTREAM_FILE=empty))


if __name__ == "__main__":
    harness.main()
