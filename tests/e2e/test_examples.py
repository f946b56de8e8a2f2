"""The files of examples/ are run as they are. Their hosts are those of the testbed, by /etc/hosts and ssh's configuration."""

import contextlib
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import unittest

import harness
import images
import isolate
import peers
import wire
from culvert import PROXY, assert_no_secret, launch
from testbed import BORDER, HOME, Program, Testbed, wait_for

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
IMAGE = "google_containers/pause:3.1"


def setUpModule():
    global testbed, digest
    testbed = harness.report_on(Testbed())
    wire.FileServer(testbed.outside, testbed.ca)
    peers.start_registry(testbed)
    peers.start_sshd(testbed)
    digest = images.push(testbed, images.make_image(1000, 1), f"gcr.io/{IMAGE}")
    name_hosts()


def name_hosts():
    """user@host is the sshd on the border, proxy.example the squid."""
    with open("/etc/hosts", "a", encoding="utf-8") as hosts:
        hosts.write(f"{BORDER} host proxy.example\n{HOME} registry.corp.example\n")
    for name, line in (("passwd", f"user:x:1501:1501::{isolate.STATE}/home:/bin/sh\n"), ("shadow", "user:*:19000:0:99999:7:::\n")):
        with open(f"/etc/{name}", "a", encoding="utf-8") as file:
            file.write(line)
    at = peers.folder("sshd")
    settings = f"IdentityFile {at}/user\nStrictHostKeyChecking no\nUserKnownHostsFile {at}/known_hosts\nLogLevel VERBOSE\n"
    peers.put("/etc/ssh/ssh_config", f"Host host\n{settings}")


def unit(path):
    """The assignments of a unit, in their order."""
    lines = (EXAMPLES / path).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]


def start_unit(case, path):
    """What a unit starts. The user that it names is not here."""
    command = shlex.split(dict(unit(path))["ExecStart"])
    program = testbed.start(Program(pathlib.Path(path).stem, testbed.home, command))
    case.addCleanup(program.kill)
    return program


def fetch(*options, size=1000, url="https://files.world/bytes/1000"):
    done = testbed.home.run("curl", "-sS", "-m", "50", "--cacert", testbed.ca.certificate, "-o", "/dev/null", "-w", "%{size_download}", *options, url)
    if done.stdout != str(size):
        raise AssertionError(f"{done.stdout} bytes from {url}")


def commands_like(beginning):
    """The processes whose command line begins so."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            if file.read().replace("\0", " ").startswith(beginning):
                found.append(int(pid))
    return found


def pulled_digest(reference):
    """By a client that uses no proxy."""
    to = f"{isolate.STATE}/pulled-{next(Program.numbers)}"
    testbed.home.run("skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", f"docker://{reference}", f"dir:{to}")
    with open(f"{to}/manifest.json", "rb") as file:
        return "sha256:" + hashlib.sha256(file.read()).hexdigest()


class DockerDaemon(unittest.TestCase):
    def test_the_drop_in_and_a_registry_of_ones_own(self):
        """examples/registry is that registry. It is pulled from directly, though the daemon has a proxy."""
        culvert = launch(self, testbed, "--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}")
        tunnel = peers.start_ssh_tunnel(testbed)
        self.addCleanup(tunnel.cut)
        registry = ["docker-registry", "serve", EXAMPLES / "registry/config.yml"]
        own = testbed.start(Program("registry", testbed.home, registry, {"https_proxy": PROXY, "SSL_CERT_FILE": testbed.ca.certificate}))
        self.addCleanup(own.kill)
        drop_in = unit("docker-daemon/http-proxy.conf")
        environment = dict(shlex.split(value)[0].split("=", 1) for name, value in drop_in if name == "Environment")
        self.assertEqual(set(environment), {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
        self.assertEqual(set(environment.values()), {PROXY, "localhost,127.0.0.1"})
        with open(EXAMPLES / "docker-daemon/daemon.json", encoding="utf-8") as file:
            self.assertEqual(set(json.load(file)["proxies"].values()), set(environment.values()))
        environment["NO_PROXY"] += f",{HOME}"
        dockerd = peers.start_dockerd(testbed, environment=environment, settings={"insecure-registries": [f"{HOME}:5000"]})
        self.addCleanup(dockerd.stop)
        own.wait_listening(5000)
        for host in ("gcr.io", f"{HOME}:5000"):
            dockerd.docker("pull", f"{host}/{IMAGE}")
            shown = dockerd.docker("inspect", "--format", "{{range .RepoDigests}}{{.}} {{end}}", f"{host}/{IMAGE}").stdout.split()
            self.assertIn(f"{host}/google_containers/pause@{digest}", shown)
        own.stop()
        dockerd.stop()
        culvert.wait_access_line(" target=gcr.io:443 ")
        culvert.shut_down()
        self.assertEqual([line for line in culvert.access_lines() if ":5000 " in line], [])


class SshTunnel(unittest.TestCase):
    def test_the_unit(self):
        culvert = launch(self, testbed, "--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}")
        tunnel = start_unit(self, "ssh-tunnel/ssh-tunnel.service")
        fetch("-x", PROXY)
        # ssh ends when its connection is lost, and systemd starts it again; a request waits for that.
        tunnel.kill()
        curl = ["curl", "-sS", "--cacert", testbed.ca.certificate, "-x", PROXY, "https://files.world/bytes/5"]
        waiting = testbed.start(Program("curl", testbed.home, curl))
        wait_for(lambda: "refused the connection" in culvert.output(), 20, "the request does not wait")
        tunnel.start()
        self.assertEqual(waiting.wait(30), 0, waiting.output())
        self.assertTrue({"Restart": "always", "StartLimitIntervalSec": "0"}.items() <= dict(unit("ssh-tunnel/ssh-tunnel.service")).items())

    def test_tunnels_that_culvert_looks_after(self):
        for name, number in (("tunnel", 1), ("tunnels", 4)):
            culvert = launch(self, testbed, "--config", EXAMPLES / f"ssh-tunnel/{name}.toml")
            culvert.wait_log(": Authenticated to ", number)
            fetch("-x", PROXY)
            peers.kill(commands_like("ssh -N -D ")[0])
            culvert.wait_log(": Authenticated to ", number + 1)
            fetch("-x", PROXY)
            culvert.shut_down()


class CorporateProxy(unittest.TestCase):
    CONFIG = EXAMPLES / "corporate-proxy/culvert.toml"

    def setUp(self):
        peers.start_squid(testbed, "proxy.example")
        with open(f"{peers.folder('squid')}/users", "a+", encoding="utf-8") as file:
            file.seek(0)
            file.write(file.read().replace(f"{peers.USER}:", "user:"))
        os.makedirs("/etc/culvert")
        peers.put("/etc/culvert/office.password", f"{peers.PASSWORD}\n", 0o600)
        shutil.copy(testbed.ca.certificate, "/etc/culvert/office-ca.pem")

    def test_its_ways(self):
        wire.serve_in_threads(testbed.home, answer_at_home, address=(HOME, 8080))
        culvert = launch(self, testbed, "--config", EXAMPLES / "corporate-proxy/culvert.toml")
        fetch("-x", PROXY)
        culvert.wait_access_line(" target=files.world:443 upstream=https://proxy.example:3129 outcome=ok ")
        fetch("-x", PROXY, url=f"http://{HOME}:8080/", size=2)
        culvert.wait_access_line(f" target=http://{HOME}:8080/ upstream=direct:// outcome=ok ")
        pac = testbed.home.run("curl", "-sS", "http://127.0.0.1:9128/proxy.pac").stdout
        self.assertIn(f'PROXY {PROXY.removeprefix("http://")}', pac)
        self.assertIn(".corp.example", pac)
        check = [os.environ["CULVERT"], "check", "--config", EXAMPLES / "corporate-proxy/culvert.toml", "https://files.world/bytes/1"]
        done = testbed.home.run(*check, env={**os.environ, "SSL_CERT_FILE": testbed.ca.certificate})
        self.assertNotIn("✗", done.stdout)
        assert_no_secret(done.stdout)
        culvert.shut_down()


def answer_at_home(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")


class RegistryAbroad(unittest.TestCase):
    def test_a_pull_from_home(self):
        registry = ["docker-registry", "serve", EXAMPLES / "registry-abroad/config.yml"]
        abroad = testbed.start(Program("registry", testbed.border, registry, {"SSL_CERT_FILE": testbed.ca.certificate}))
        self.addCleanup(abroad.kill)
        abroad.wait_listening(5000, "127.0.0.1")
        forward = start_unit(self, "registry-abroad/registry-abroad.service")
        forward.wait_listening(5000, "127.0.0.1")
        self.assertEqual(pulled_digest(f"127.0.0.1:5000/{IMAGE}"), digest)


if __name__ == "__main__":
    harness.main()
