"""The files of docker that `culvert setup` shares with others, caches under the registry's own name, and the table of
who uses which proxy. /etc and the home folder are the test's own.
"""

import http.server
import json
import os
import shutil
import unittest
from pathlib import Path

import harness
import images
import isolate
import peers
import pulls
import wire
from culvert import launch
from testbed import Program, Testbed

IMAGE = "gcr.io/cached/image:1"
CACHE_PORT = 5000
STRICT_PORT = 5443
PROXY_PORT = 3190
LOGIN_PORT = 5055


def setUpModule():
    global testbed, digest, docker_config
    assert os.environ["HOME"].startswith(isolate.STATE), "the home folder is to be the test's own"
    docker_config = Path(os.environ["HOME"], ".docker/config.json")
    docker_config.parent.mkdir(exist_ok=True)
    testbed = harness.report_on(Testbed())
    peers.start_registry(testbed)
    peers.start_sshd(testbed)
    peers.start_ssh_tunnel(testbed)
    digest = images.push(testbed, images.make_image(1 << 20, 6), IMAGE)


def setup(*arguments, status=0):
    """On the machine on which the programs run."""
    done = testbed.home.run(os.environ["CULVERT"], "setup", *arguments, check=False)
    assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def launch_culvert(case):
    return launch(case, testbed, "--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}", port=PROXY_PORT)


class Cache(unittest.TestCase):
    def test_containerd_pulls_by_the_name_of_the_registry(self):
        culvert = launch_culvert(self)
        cache = testbed.start(peers.pull_through_registry(testbed, CACHE_PORT, f"http://127.0.0.1:{culvert.port}"))
        self.addCleanup(cache.stop)
        cache.wait_listening(CACHE_PORT)
        setup("cache", f"127.0.0.1:{CACHE_PORT}", "--registry", "gcr.io", "--install")
        self.addCleanup(setup, "cache", "--uninstall")
        containerd = testbed.start(pulls.Containerd(testbed))
        self.addCleanup(containerd.stop)
        containerd.wait_ready()
        # Without a proxy: nothing but the cache is reached.
        testbed.home.run(*containerd.fetch("--hosts-dir", "/etc/containerd/certs.d", IMAGE))
        self.assertTrue(os.path.exists(containerd.path(digest)))
        self.assertIn("/v2/cached/image/manifests/1?ns=gcr.io", cache.output())
        # It keeps its connections.
        cache.stop()
        culvert.wait_access_line(" target=gcr.io:443 ")


    def test_containerd_shows_its_certificate_although_there_is_a_cache(self):
        """Beside a hosts.toml it reads no certificate of its own accord."""
        start_strict_registry(self)
        folder = Path(f"/etc/containerd/certs.d/127.0.0.1:{STRICT_PORT}")
        folder.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, "/etc/containerd/certs.d")
        certificate, key = testbed.ca.issue("client", "DNS:client")
        for source, name in ((testbed.ca.certificate, "ca.crt"), (certificate, "client.cert"), (key, "client.key")):
            shutil.copy(source, folder / name)
        containerd = testbed.start(pulls.Containerd(testbed))
        self.addCleanup(containerd.stop)
        containerd.wait_ready()
        image = f"127.0.0.1:{STRICT_PORT}/none:1"
        fetch = containerd.fetch("--hosts-dir", "/etc/containerd/certs.d", image)
        # Nothing listens where the cache should be.
        setup("cache", "127.0.0.1:1", "--registry", f"127.0.0.1:{STRICT_PORT}", "--install")
        answer = f'response was http.StatusNotFound" host="127.0.0.1:{STRICT_PORT}"'
        self.assertIn(answer, testbed.home.run(*fetch, check=False).stderr)
        hosts = folder / "hosts.toml"
        hosts.write_text("".join(line for line in hosts.read_text().splitlines(True) if not line.startswith("client")))
        self.assertIn("tls: ", testbed.home.run(*fetch, check=False).stderr)


def start_strict_registry(case):
    """One that asks for a client's certificate."""
    at = peers.folder("strict")
    certificate, key = testbed.ca.issue("strict", "IP:127.0.0.1")
    tls = f"{{certificate: {certificate}, key: {key}, clientcas: [{testbed.ca.certificate}]}}"
    config = peers.put(
        f"{at}/config.yml",
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {at}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{STRICT_PORT}', tls: {tls}}}\n",
    )
    registry = testbed.start(Program("strict", testbed.home, ["/usr/bin/docker-registry", "serve", config]))
    case.addCleanup(registry.stop)
    registry.wait_listening(STRICT_PORT)


class DockerFiles(unittest.TestCase):
    def test_containers_get_the_proxy_of_the_client_s_file(self):
        before = b'{\n\t"auths": {},\r\n\t"psFormat": "x"}'
        docker_config.write_bytes(before)
        self.addCleanup(docker_config.unlink)
        setup("docker-client", "--bridge", "--install")
        dockerd = peers.start_dockerd(testbed)
        self.addCleanup(dockerd.stop)
        dockerd.docker("import", f"{self.root_archive()}", "empty:1")
        container = dockerd.docker("create", "empty:1", "true").stdout.strip()
        shown = json.loads(dockerd.docker("inspect", "--format", "{{json .Config.Env}}", container).stdout)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            self.assertIn(f"{name}=http://172.17.0.1:3128", shown)
        self.assertIn("NO_PROXY=localhost,127.0.0.1,::1", shown)
        # It writes its file anew, and --bridge is not said again.
        dockerd.docker("login", "-u", "user", "-p", "password", self.start_welcoming_registry())
        self.assertNotIn(b'"httpProxy":   ', docker_config.read_bytes())
        dockerd.docker("logout", f"127.0.0.1:{LOGIN_PORT}")
        setup("docker-client", "--uninstall")
        self.assertEqual(json.loads(docker_config.read_bytes()), json.loads(before))

    def start_welcoming_registry(self):
        """Anybody may log in."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = wire.HttpServer(testbed.home, ("127.0.0.1", LOGIN_PORT), Handler)
        server.begin()
        self.addCleanup(server.shutdown)
        return f"127.0.0.1:{LOGIN_PORT}"

    @staticmethod
    def root_archive():
        path = f"{isolate.STATE}/empty.tar"
        Path(path).write_bytes(bytes(10240))
        return path

    def test_a_file_that_docker_wrote_anew_loses_what_is_ours(self):
        setup("docker-client", "--install")
        self.addCleanup(docker_config.unlink)
        # As docker writes it: with tabs, and the names in another order.
        content = json.loads(docker_config.read_bytes())
        docker_config.write_text(json.dumps({"auths": {"h": {"auth": "eDp5"}}, **content}, indent="\t"), encoding="utf-8")
        setup("docker-client", "--uninstall")
        self.assertEqual(json.loads(docker_config.read_bytes()), {"auths": {"h": {"auth": "eDp5"}}})

    def test_an_engine_gets_proxies_if_it_knows_them(self):
        """That of Debian 12, 20.10, does not start with them. That of Debian 13 takes them."""
        if not peers.dockerd_is_old():
            self.addCleanup(setup, "docker", "--daemon-json", "--uninstall")
            setup("docker", "--daemon-json", "--install")
            settings = json.loads(Path("/etc/docker/daemon.json").read_bytes())
            dockerd = peers.start_dockerd(testbed, settings=settings)
            self.addCleanup(dockerd.stop)
            shown = dockerd.docker("info", "--format", "{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}").stdout.split()
            self.assertEqual(shown, ["http://127.0.0.1:3128", "http://127.0.0.1:3128", "localhost,127.0.0.1,::1"])
            return
        refusal = setup("docker", "--daemon-json", "--install", status=1)
        self.assertIn("this is Docker Engine 20.10.", refusal.stderr)
        self.assertFalse(os.path.exists("/etc/docker/daemon.json"))
        config = peers.put(f"{peers.folder('old')}/daemon.json", '{"proxies": {"http-proxy": "http://127.0.0.1:1"}}')
        done = testbed.home.run("/usr/sbin/dockerd", "--config-file", config, check=False, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("don't match any configuration option: http-proxy", done.stderr)


class Table(unittest.TestCase):
    def test_a_running_dockerd_keeps_its_proxy_until_it_is_restarted(self):
        culvert = launch_culvert(self)
        url = f"http://127.0.0.1:{culvert.port}"
        dockerd = peers.start_dockerd(testbed, "http://127.0.0.1:1")
        self.addCleanup(dockerd.stop)
        shown = setup("docker", "--check", status=1).stdout
        self.assertRegex(shown, r"(?m)^dockerd +no proxy +no$")
        self.assertRegex(shown, rf"(?m)^  process {dockerd.pid} +http://127.0.0.1:1 +restart +its environment$")
        self.assertIn("fix: culvert setup docker --install && systemctl daemon-reload && systemctl restart docker\n", shown)
        setup("docker", "--install")
        self.addCleanup(setup, "docker", "--uninstall")
        shown = setup("docker", "--check", status=1).stdout
        self.assertRegex(shown, rf"(?m)^dockerd +{url} +yes +/etc/systemd/system/docker.service.d/zz-culvert.conf$")
        self.assertIn("\n  fix: systemctl daemon-reload && systemctl restart docker\n", shown)
        dockerd.stop()
        setup("docker", "--check")


if __name__ == "__main__":
    harness.main()
