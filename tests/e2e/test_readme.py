"""Runs every block of README.md and README.zh-CN.md, in their order, as somebody would who pastes them.

home is the reader's machine, with real ssh, curl, docker, docker-registry and culvert; outside is gcr.io, which wants a token as the
real one does. What is replaced is in `REPLACED`. A block, or a command in one, that `Reader.HOW` does not know is a failure. What
both files have runs once.

Two things are not there: a compiler's time, so scripts/run and scripts/test run whole but with a cmake, ctest and apt-get that only
note what they were asked for; and systemd, so a systemctl starts what the units say, with the sockets and the environment in them.
"""

import contextlib
import glob
import http.server
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import unittest

import harness
import images
import isolate
import peers
import readme
import web
import wire
from culvert import PORT, PROXY, ActivatedCulvert
from shaper import Shaper
from testbed import BORDER, GCR, HOME, Program, Testbed, wait_for

MIB = 1 << 20
TOKENS_PORT = 8443
# Bytes a second of a slow tunnel, so that there is a middle of a layer.
RATE = 2 * MIB
BIG = "google_containers/big:1"
IMAGES = ("google_containers/pause:3.1", "google_containers/pause-amd64:3.0", "google_containers/etcd-amd64:3.0.14-kubeadm")

# What stands in the files for the reader's own.
REPLACED = {"user@host": f"{peers.USER}@{BORDER}", "HOST": HOME, "IMAGE": "curl"}
CACHE = "gcr-registry"
# Of the containers of all that are started one after the other.
CGROUP = f"culvert-readme-{os.urandom(6).hex()}"


def setUpModule():
    global testbed, digests
    # So that the block that installs the program may do so.
    isolate.mount("-t", "tmpfs", "tmpfs", "/usr/local/bin")
    os.environ["PATH"] += ":/usr/local/bin"
    testbed = harness.report_on(Testbed())
    registry = peers.start_registry(testbed)
    digests = {}
    for number, name in enumerate(IMAGES):
        digests[name] = images.push(testbed, images.make_image(MIB, 40 + number), f"gcr.io/{name}")
    images.push(testbed, images.make_image(12 * MIB, 49), f"gcr.io/{BIG}")
    registry.stop()
    start_gcr(os.path.dirname(registry.argv[-1]))
    peers.start_sshd(testbed)
    at = peers.folder("sshd")
    isolate.write(
        "/etc/ssh/ssh_config",
        f"Host *\n  IdentityFile {at}/user\n  StrictHostKeyChecking no\n  UserKnownHostsFile {at}/known_hosts\n  LogLevel VERBOSE\n"
        "  BatchMode yes\n  ControlPath none\n",
    )


class Tokens(http.server.BaseHTTPRequestHandler):
    """Gives everybody a token, as HTTP/1.0."""

    def do_GET(self):
        body = json.dumps({"token": "anybody"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def start_gcr(at):
    """The same registry, in its folder, which now sends who comes without a token to fetch one, as gcr.io does."""
    certificate, key = f"{testbed.ca.folder}/gcr.io.crt", f"{testbed.ca.folder}/gcr.io.key"

    wire.HttpServer(testbed.outside, (GCR, TOKENS_PORT), Tokens, web.server_context((certificate, key))).begin()
    config = peers.put(
        f"{at}/with-tokens.yml",
        f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {at}/data}}}}\n"
        f"auth: {{silly: {{realm: 'https://{GCR}:{TOKENS_PORT}/token', service: gcr.io}}}}\n"
        f"http: {{addr: '{GCR}:443', tls: {{certificate: {certificate}, key: {key}}}}}\n",
    )
    testbed.start(Program("gcr.io", testbed.outside, ["/usr/bin/docker-registry", "serve", config])).wait_listening(443, GCR)


class Docker(peers.Dockerd):
    """dockerd as its unit starts it. What one leaves is there for the next."""

    def __init__(self, environment):
        super().__init__(testbed, download_attempts=1, containers=True, environment=environment)
        if os.path.exists("/etc/docker/daemon.json"):
            self.argv[self.argv.index("--config-file") + 1] = "/etc/docker/daemon.json"
        for option in ("--data-root", "--exec-root"):
            self.argv[self.argv.index(option) + 1] = f"{isolate.STATE}/docker{option[1:]}"
        self.argv = [f"--cgroup-parent=/{CGROUP}" if str(word).startswith("--cgroup-parent") else word for word in self.argv]
        self._cgroup = CGROUP
        unittest.addModuleCleanup(self.clear)

    @staticmethod
    def layer_size():
        """How much of a layer has come that is not there in whole; what comes after a retry is added."""
        sizes = [0]
        for path in glob.glob(f"{isolate.STATE}/docker-data-root/tmp/GetImageBlob*"):
            with contextlib.suppress(FileNotFoundError):
                sizes.append(os.path.getsize(path))
        return max(sizes)

    def clear(self):
        if self.running():
            self.remove_containers()
            self.stop()


class Reader:
    """Who goes through a file and types what it says, at home, in one folder."""

    TUNNEL = "ssh -N -D 127.0.0.1:1080 user@host"

    def __init__(self, case):
        self.case = case
        self.running = {}  # what was started and not ended, by what it is
        self.docker = None
        self.tools = fake_tools()
        self.folder = copy_of_repository()
        self.tunnel = self.TUNNEL

    # ---- blocks

    def read(self, block):
        how = getattr(self, f"read_{block.language or 'shown'}", None)
        if not how:
            raise AssertionError(f"{block.where}: no way to run a block of {block.language!r}")
        how(block)

    def read_sh(self, block):
        lines = readme.commands(block)
        self.case.assertTrue(lines, block.where)
        for line in lines:
            self.type(line, block.where)

    def read_shown(self, block):
        """A picture, or a command and what it prints."""
        if not block.text.startswith("$ "):
            self.case.assertIn("══", block.text, f"{block.where}: neither a picture nor a command")
            return
        command, _, expected = block.text[2:].partition("\n")
        self.end_all()
        done = self.run(command)
        self.case.assertEqual(without_times(done.stdout), without_times(expected), block.where)

    def read_yaml(self, block):
        self.put("config.yml", block.text)

    def read_json(self, block):
        text = replaced(block.text)
        self.case.assertEqual(json.loads(text), {"insecure-registries": [f"{HOME}:5000"]}, block.where)
        isolate.write("/etc/docker/daemon.json", text)
        self.start_docker()
        # By its --restart always.
        self.wait_for_cache()

    def put(self, name, text):
        isolate.write(f"{self.folder}/{name}", replaced(text))

    # ---- commands

    HOW = (
        (r"scripts/run .*", "run_script"),
        (r"scripts/test", "test_script"),
        (r"install build/run/culvert /usr/local/bin/", "install"),
        (r"ssh -N -D [\d.]+:1080 .*", "ssh"),
        (r"examples/gcr-registry/build \S+ && docker load -i \S+", "load"),
        (r"docker run -d --name gcr-registry .*", "cache_in_container"),
        (r"culvert (--upstream|--tunnel-command) .*", "serve"),
        (r"culvert run .* docker-registry serve config\.yml", "cache"),
        (r"culvert run .* -- curl .*", "program"),
        (r"culvert setup .* --install", "set_up"),
        (r"systemctl .*", "systemctl"),
        (r"curl .*", "curl"),
        (r"docker pull .*", "pull"),
        (r"docker run .*", "container"),
        (r"docker build .*", "build"),
        (r"export .*", "export"),
    )

    def type(self, line, where):
        for pattern, how in self.HOW:
            if re.fullmatch(pattern, line):
                try:
                    return getattr(self, how)(line)
                except AssertionError as error:
                    raise AssertionError(f"{where}: {line}\n{error}") from None
        raise AssertionError(f"{where}: no way to run {line!r}")

    def environment(self, **more):
        env = {**os.environ, "SSL_CERT_FILE": testbed.ca.certificate, "CURL_CA_BUNDLE": testbed.ca.certificate, **more}
        if self.docker:
            env["DOCKER_HOST"] = f"unix://{self.docker.socket}"
        return env

    def run(self, line, **more):
        script = f"cd {self.folder} || exit\n{replaced(line)}"
        return testbed.home.run("bash", "-c", script, check=False, env=self.environment(**more), timeout=60)

    def start(self, what, line, **more):
        """Instead of what was there. Ctrl-C goes to the program itself."""
        self.end(what)
        program = Program(what, testbed.home, ["bash", "-c", f"cd {self.folder} && exec {replaced(line)}"], self.environment(**more))
        self.running[what] = testbed.start(program)
        return program

    def end(self, what):
        program = self.running.pop(what, None)
        if program and program.running():
            program.signal(signal.SIGINT)
            program.wait(20)

    def end_all(self):
        for what in list(self.running):
            self.end(what)

    def need_tunnel(self):
        if not testbed.home.listens(1080, "127.0.0.1"):
            self.ssh(self.tunnel)

    def ask(self, expected, command, **more):
        done = self.run(command, **more)
        self.case.assertEqual((done.stdout, done.stderr, done.returncode), (expected, "", 0))

    def ask_gcr(self, proxy=f"http://127.0.0.1:{PORT}"):
        self.ask("401\n", f"curl -sS -o /dev/null -w '%{{http_code}}\\n' -x {proxy} https://gcr.io/v2/")

    def run_script(self, line):
        """cmake is not the real one: it makes a link to the program under test where a build would put it."""
        program = self.start("culvert", line, PATH=f"{self.tools}:{os.environ['PATH']}")
        program.wait_listening(PORT, "127.0.0.1")
        self.case.assertIn("--build", noted("cmake"))
        self.end("culvert")

    def test_script(self, line):
        """Nor are they for this one: all presets are built and tested, in the order that its help names."""
        forget()
        done = self.run(line, PATH=f"{self.tools}:{os.environ['PATH']}", CI="")
        self.case.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        presets = re.findall(r"^#   (\w+) +\S", pathlib.Path(self.folder, "scripts/test").read_text(encoding="utf-8"), re.MULTILINE)
        self.case.assertGreaterEqual(len(presets), 4)
        listed = json.loads((readme.REPOSITORY / "CMakePresets.json").read_text(encoding="utf-8"))["testPresets"]
        build_of = {preset["name"]: preset.get("configurePreset") for preset in listed}
        for preset in presets:
            self.case.assertIn(f"--preset {build_of[preset]} ", noted("cmake").replace("\n", " \n"), preset)
            self.case.assertIn(f"--preset {preset} ", noted("ctest").replace("\n", " \n"), preset)

    def install(self, line):
        self.case.assertEqual(self.run(line).returncode, 0)
        self.case.assertEqual(self.run("command -v culvert").stdout, "/usr/local/bin/culvert\n")

    def ssh(self, line):
        address = re.search(r"-D ([\d.]+):", line)[1]
        self.start("ssh" if address == "127.0.0.1" else f"ssh at {address}", line).wait_listening(1080, address)

    def load(self, line):
        if not self.docker:
            self.start_docker()
        done = self.run(line)
        self.case.assertIn("Loaded image: culvert/gcr-registry", done.stdout, done.stderr)

    def cache_in_container(self, line):
        trusted = f"{testbed.ca.certificate}:/etc/ssl/certs/testbed.pem:ro"
        done = self.run(line.replace("docker run -d ", f"docker run -d -v {trusted} "))
        self.case.assertEqual(done.returncode, 0, done.stderr)
        self.wait_for_cache()

    def wait_for_cache(self):
        """docker's own proxy takes connections before the registry does."""
        logs = f"docker logs {CACHE} 2>&1 | tail"
        wait_for(lambda: self.run("curl -sf http://127.0.0.1:5000/v2/").returncode == 0, 20, lambda: self.run(logs).stdout)

    def serve(self, line):
        self.end("service")
        if "--tunnel-command" in line:
            self.end("ssh")
        else:
            self.need_tunnel()
        program = self.start("culvert", line)
        program.wait_listening(PORT, "127.0.0.1")
        tunnels = int((re.search(r"--tunnels (\d+)", line) or [0, 1])[1])
        if "--tunnel-command" in line:
            wait_for(lambda: program.output().count("Authenticated to ") == tunnels, 20, program.tail)
        for address in re.findall(r"--listen ([\d.]+):3128", line) or ["127.0.0.1"]:
            self.ask_gcr(f"http://{address}:{PORT}")

    def program(self, line):
        self.need_tunnel()
        done = self.run(line)
        self.case.assertIn("UNAUTHORIZED", done.stdout, done.stderr)

    def cache(self, line):
        """In the place of the one in a container."""
        self.run(f"docker rm -f {CACHE}")
        wait_for(lambda: not testbed.home.listens(5000), 10, "the container's port is still there")
        self.need_tunnel()
        self.start("cache", line).wait_listening(5000)

    def set_up(self, line):
        done = self.run(line)
        self.case.assertEqual((done.stderr, done.returncode), ("", 0))
        self.case.assertIn("wrote /etc/", done.stdout)

    def systemctl(self, line):
        for part in line.split(" && "):
            words = part.split()
            if words == ["systemctl", "daemon-reload"]:
                continue
            if words[:3] == ["systemctl", "enable", "--now"]:
                self.case.assertEqual(set(words[3:]), {"culvert.socket", "culvert.service"})
                self.start_service()
            elif words == ["systemctl", "restart", "docker"]:
                self.start_docker()
            else:
                raise AssertionError(f"no way to run {part!r}")

    def start_service(self):
        """culvert.service, with the sockets of culvert.socket."""
        self.end("culvert")
        self.need_tunnel()
        addresses = re.findall(r"^ListenStream=([\d.]+):(\d+)$", unit("culvert.socket"), re.MULTILINE)
        command = re.search(r"^ExecStart=/usr/local/bin/culvert (.*)$", unit("culvert.service"), re.MULTILINE)[1]
        sockets = []
        for address, port in addresses:
            sockets.append(testbed.home.socket())
            sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sockets[-1].bind((address, int(port)))
            sockets[-1].listen(64)
        service = ActivatedCulvert(testbed, *command.split(), sockets=sockets, listen=(), host=testbed.home)
        for one in sockets:
            one.close()
        testbed.processes.append(service)
        service.up()
        self.running["service"] = service

    def start_docker(self):
        """With what the drop-in of its unit has, if there is one."""
        if self.docker:
            self.docker.stop()
        drop_in = "docker.service.d/zz-culvert.conf"
        text = unit(drop_in) if os.path.exists(f"/etc/systemd/system/{drop_in}") else ""
        self.docker = testbed.start(Docker(dict(re.findall(r'^Environment="(\w+)=(.*)"$', text, re.MULTILINE))))
        self.docker.wait_ready()

    def curl(self, line):
        self.ask("401\n", line)

    def pull(self, line):
        name = replaced(line).split()[-1]
        done = self.run(line)
        self.case.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        digest = digests[name.partition("/")[2]]
        self.ask(f"{name.rpartition(':')[0]}@{digest}\n", f"docker inspect --format '{{{{index .RepoDigests 0}}}}' {name}")
        if name.startswith("gcr.io/"):
            self.running["service"].wait_access_line(" target=gcr.io:443 ")
            # docker, which has a proxy now, reaches the cache without it.
            self.pull(f"docker pull {HOME}:5000/{IMAGES[0]}")
            self.case.assertEqual([line for line in self.running["service"].access_lines() if f"target={HOME}" in line], [])

    def container(self, line):
        self.need_image()
        done = self.run(line)
        self.case.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.case.assertIn("UNAUTHORIZED", done.stdout)
        self.case.assertIn(" client=172.17.0.", self.running["culvert"].output())

    def build(self, line):
        self.need_image()
        # Without a shell, as there is none in the image.
        self.put("Dockerfile", 'FROM curl\nRUN ["curl", "-sS", "-o", "/answer", "https://gcr.io/v2/"]\n')
        done = self.run(line, DOCKER_BUILDKIT="0")
        self.case.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.case.assertIn("Successfully built", done.stdout)

    def need_image(self):
        if self.run("docker image inspect curl").returncode != 0:
            with open(image_of_curl(), "rb") as archive:
                change = ("-c", "ENV SSL_CERT_FILE=/ca.crt CURL_CA_BUNDLE=/ca.crt PATH=/usr/bin")
                testbed.home.run(*self.docker.command_line("import", *change, "-", "curl"), stdin=archive)

    def export(self, line):
        """Each by itself: a program that goes by it gets through."""
        self.ask("401\n", f"{line}; curl -sS -o /dev/null -w '%{{http_code}}\\n' https://gcr.io/v2/")


def replaced(text):
    for stands, own in REPLACED.items():
        text = re.sub(rf"\b{re.escape(stands)}\b", own, text)
    return text


def without_times(text):
    return re.sub(r"\d+\.\d ms", "N ms", text).rstrip()


def unit(name):
    return pathlib.Path("/etc/systemd/system", name).read_text(encoding="utf-8")


def image_of_curl():
    """An archive with curl, the libraries that it needs and the authority that it trusts."""
    found = subprocess.run(["ldd", "/usr/bin/curl"], capture_output=True, text=True, check=True).stdout
    files = ["/usr/bin/curl", *sorted(set(re.findall(r"(/\S+) \(0x", found)))]
    path = f"{isolate.STATE}/curl.tar"
    with tarfile.open(path, "w") as tar:
        for file in files:
            tar.add(os.path.realpath(file), file.removeprefix("/"))
        tar.add(testbed.ca.certificate, "ca.crt")
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder, io.BytesIO())
    return path


def noted(tool):
    path = pathlib.Path(isolate.STATE, "noted", tool)
    return path.read_text(encoding="utf-8") if path.exists() else ""


def forget():
    shutil.rmtree(peers.folder("noted"))
    peers.folder("noted")


def fake_tools():
    """Programs that note their arguments, in the place of those that take minutes or the network."""
    at = peers.folder("tools")
    notes = peers.folder("noted")
    for tool, more in (
        ("cmake", f"mkdir -p build/run; ln -sf {os.environ['CULVERT']} build/run/culvert"),
        ("ctest", ""),
        ("apt-get", 'case "$*" in *install*) ;; *) exit 100 ;; esac'),
    ):
        peers.put(f"{at}/{tool}", f'#!/bin/sh\necho "$*" >> {notes}/{tool}\ncd {isolate.STATE}/clone || exit 1\n{more}\n', 0o755)
    return at


def copy_of_repository():
    """What a reader has after a clone, as far as commands need it."""
    at = peers.folder("clone")
    for part in ("scripts", "examples"):
        shutil.copytree(readme.REPOSITORY / part, f"{at}/{part}", dirs_exist_ok=True)
    # What they fetch is there already.
    peers.put(f"{at}/scripts/peers", "#!/bin/sh\n", 0o755)
    for name in ("deps", "prometheus"):
        if not os.path.lexists(f"{peers.folder('clone/build')}/{name}"):
            os.symlink(os.path.realpath(readme.REPOSITORY / "build" / name), f"{at}/build/{name}")
    return at


class Sentences(unittest.TestCase):
    """What docker says of failures, which README.md explains by docker's own words."""

    # It would take docker half a minute to say so.
    NOT_MADE = {"dial tcp ...:443: i/o timeout"}

    def setUp(self):
        self.reader = Reader(self)
        self.line = Shaper(testbed.home, (BORDER, peers.SSH_PORT), RATE, one_way=0.005)
        if os.path.exists("/etc/docker/daemon.json"):
            os.unlink("/etc/docker/daemon.json")
        self.addCleanup(self.reader.end_all)

    def docker(self, **environment):
        dockerd = testbed.start(Docker(environment))
        self.addCleanup(dockerd.stop)
        dockerd.wait_ready()
        return dockerd

    def failure(self, dockerd, name):
        done = dockerd.docker("pull", name, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def failure_in_a_layer(self, docker, name, cuts):
        """The tunnel, a slow one, is lost so often, and comes back at once. docker tries a second time, and here no third time."""
        self.reader.end("ssh")
        self.reader.tunnel = f"ssh -N -D 127.0.0.1:1080 -p {self.line.port} {peers.USER}@127.0.0.1"
        self.serve()
        pull = testbed.start(Program("docker-pull", testbed.home, docker.command_line("pull", name)))
        self.addCleanup(pull.kill)
        for cut in range(1, cuts + 1):
            pull.wait_until(lambda cut=cut: docker.layer_size() > cut * 2 * MIB)
            self.reader.end("ssh")
            self.reader.need_tunnel()
        self.assertNotEqual(pull.wait(60), 0)
        self.reader.end("ssh")
        self.reader.tunnel = Reader.TUNNEL
        return pull.output()

    def serve(self):
        self.reader.need_tunnel()
        culvert = self.reader.start("culvert", f"{os.environ['CULVERT']} --hold 0 --upstream socks5://127.0.0.1:1080")
        culvert.wait_listening(PORT, "127.0.0.1")

    def start_cache(self, folder):
        """A cache of gcr.io, with the proxy at our port."""
        self.reader.put(
            "config.yml",
            f"version: 0.1\nhttp: {{addr: ':5000'}}\nstorage: {{filesystem: {{rootdirectory: {folder}}}}}\nproxy: {{remoteurl: https://gcr.io}}\n",
        )
        self.reader.start("cache", f"env https_proxy={PROXY} docker-registry serve config.yml").wait_listening(5000)

    def test_each_is_what_docker_says(self):
        image, cached = f"gcr.io/{IMAGES[0]}", f"{HOME}:5000/{IMAGES[0]}"
        docker = self.docker(HTTPS_PROXY=PROXY, NO_PROXY=HOME)
        said = [self.failure(docker, image)]
        said.append(self.failure_in_a_layer(docker, f"gcr.io/{BIG}", cuts=2))
        self.serve()
        self.reader.end("ssh")
        said.append(self.failure(docker, image))
        self.reader.need_tunnel()
        self.start_cache("/proc/none")  # where nobody can write
        said.append(self.failure(docker, cached))
        docker.stop()

        isolate.write("/etc/docker/daemon.json", json.dumps({"insecure-registries": [f"{HOME}:5000"]}))
        docker = self.docker(HTTPS_PROXY=PROXY.replace("http:", "https:"), NO_PROXY=HOME)
        said += [self.failure(docker, image), self.failure(docker, cached)]
        # Other proxies answer a TLS hello in HTTP.
        wire.HttpServer(testbed.home, ("127.0.0.1", PORT + 1), Tokens).begin()
        environment = self.reader.environment(https_proxy=f"https://127.0.0.1:{PORT + 1}")
        said.append(testbed.home.run("/usr/bin/skopeo", "inspect", f"docker://{image}", check=False, env=environment).stderr)
        # As Debian's package starts it.
        self.reader.start("cache", "docker-registry serve /etc/docker/registry/config.yml").wait_listening(5000)
        said.append(self.failure(docker, cached))
        self.start_cache(peers.folder("cache"))
        self.reader.end("ssh")
        said.append(self.failure(docker, cached))
        self.reader.need_tunnel()
        said.append(self.failure_in_a_layer(docker, f"{HOME}:5000/{BIG}", cuts=1))
        for name in readme.FILES:
            for sentence in readme.sentences(name):
                fixed = [re.escape(replaced(part)) for part in sentence.split("...")]
                made = any(re.search(".*".join(fixed), one) for one in said)
                self.assertEqual(made, sentence not in self.NOT_MADE, f"{name}: {sentence}\n{said}")


class Manual(unittest.TestCase):
    def test_groff_takes_each_page(self):
        folder = f"{isolate.STATE}/manual"
        subprocess.run([readme.REPOSITORY / "scripts/manual", os.environ["CULVERT"], folder], check=True)
        pages = sorted(os.listdir(folder))
        chapters = sorted(f"culvert-{path.stem}.7" for path in (readme.REPOSITORY / "proxy/manual").glob("*.md"))
        self.assertEqual(pages, sorted(["culvert.1", "culvert.toml.5", *chapters]))
        for page in pages:
            done = testbed.home.run("groff", "-K", "utf8", "-man", "-ww", "-Tutf8", "-P-cbou", f"{folder}/{page}")
            self.assertEqual(done.stderr, "", page)
            name, section = page.rsplit(".", 1)
            self.assertIn(f"{name.upper()}({section})", done.stdout, page)
            self.assertRegex(done.stdout, rf"NAME\n +{re.escape(name)} - \w", page)
            # A link, a table or a heading that is left as Markdown has it.
            self.assertNotRegex(done.stdout, r"\]\(|^ *\|[- |]+\|$|^ *#+ ", page)


class Blocks(unittest.TestCase):
    def test_all_of_them(self):
        reader = Reader(self)
        seen = set()
        for name in readme.FILES:
            found = readme.blocks(name)
            self.assertGreaterEqual(len(found), 8, name)
            for block in found:
                if (block.language, block.text) not in seen:
                    seen.add((block.language, block.text))
                    reader.read(block)
        reader.end_all()
        reader.docker.clear()

    def test_what_cannot_be_run_is_a_failure(self):
        reader = Reader(self)
        for language, text in (("sh", "make install\n"), ("", "make install\n"), ("perl", "1\n"), ("sh", "\n")):
            with self.assertRaises(AssertionError):
                reader.read(readme.Block("here:1", language, text))


if __name__ == "__main__":
    harness.main()
