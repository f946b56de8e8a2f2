"""What `culvert setup` writes, read by the programs that it is for. /etc and the home folder are the test's own."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
import images
import isolate
import peers
import pulls
from certs import Authority
from culvert import PORT, PROXY, launch
from testbed import Testbed

IMAGE = "gcr.io/setup/image:1"
# What a shell, a unit, an ini file or TOML could take for something else.
ODD = r"50%Q.example,a$b\c,`x`,corp.example"
UNITS = {
    "docker": "docker",
    "containerd": "containerd",
    "crio": "crio",
    "buildkit": "buildkit",
    "registry": "docker-registry",
}


def setUpModule():
    global testbed, digest, tls_listen, tls_trust
    testbed = harness.report_on(Testbed())
    peers.start_registry(testbed)
    peers.start_sshd(testbed)
    peers.start_ssh_tunnel(testbed)
    digest = images.push(testbed, images.make_image(1 << 20, 5), IMAGE)
    authority = Authority("listener-ca")
    certificate, key = authority.issue("listener", "IP:127.0.0.1")
    tls_listen = f"https://127.0.0.1:{PORT}?cert={certificate}&key={key}"
    tls_trust = f"{isolate.STATE}/both.crt"
    authorities = (testbed.ca.certificate, authority.certificate)
    Path(tls_trust).write_bytes(b"".join(Path(file).read_bytes() for file in authorities))


def setup(*arguments, status=0, program=None, **more):
    command = [program or os.environ["CULVERT"], "setup", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **more)
    assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def install(case, target, *options):
    """For a test. What it undoes in the end is checked by what is left."""
    before = files()
    setup(target, *options, "--install")
    case.addCleanup(assert_restored, case, before)
    case.addCleanup(setup, target, "--uninstall")


def assert_restored(case, before):
    """All that was there is as it was. What is new is of the programs themselves."""
    now = files()
    case.assertEqual([path for path, content in before.items() if now.get(path) != content], [])
    ours = [path for path in now.keys() - before.keys() if b"culvert setup" in now[path] or "culvert" in path]
    case.assertEqual(ours, [])


def files():
    """What each file holds in the folders that setup writes to, also of each folder that it is one."""
    found = {}
    for top in ("/etc", os.environ["HOME"]):
        for path in Path(top).rglob("*"):
            if path.is_symlink():
                found[str(path)] = os.readlink(path).encode()
            else:
                found[str(path)] = path.read_bytes() if path.is_file() else b"folder"
    return found


def unquote(word):
    """A word of Environment= as systemd.syntax(7) and systemd.unit(5) have it."""
    assert word[0] == word[-1] == '"', word
    return re.sub(r"\\(.)", r"\1", word[1:-1]).replace("%%", "%")


def environment_of(unit):
    text = Path(f"/etc/systemd/system/{unit}.service.d/zz-culvert.conf").read_text(encoding="utf-8")
    words = [line.removeprefix("Environment=") for line in text.splitlines() if line.startswith("Environment=")]
    return dict(unquote(word).split("=", 1) for word in words)


class Pulls(unittest.TestCase):
    """The environment of each program is what its files give it, and nothing else."""

    def setUp(self):
        self.culvert = launch(self, testbed, "--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}")

    def end(self):
        self.culvert.wait_access_line(" target=gcr.io:443 ")
        self.culvert.shut_down()

    def test_docker(self):
        install(self, "docker", "--listen", PROXY.removeprefix("http://"))
        dockerd = peers.Dockerd(testbed)
        dockerd.env.update(environment_of("docker"))
        testbed.start(dockerd)
        self.addCleanup(dockerd.stop)
        dockerd.wait_ready()
        shown = dockerd.docker("info", "--format", "{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}").stdout.split()
        self.assertEqual(shown, [PROXY, PROXY, "localhost,127.0.0.1,::1"])
        dockerd.docker("pull", IMAGE)
        self.end()

    def test_docker_over_tls(self):
        self.culvert.shut_down()
        self.culvert = launch(self, testbed, "--upstream", f"socks5://127.0.0.1:{peers.SOCKS_PORT}", listen=[tls_listen])
        install(self, "docker", "--listen", "unix:/run/culvert.sock", "--listen", tls_listen)
        dockerd = peers.Dockerd(testbed)
        dockerd.env.update({**environment_of("docker"), "SSL_CERT_FILE": tls_trust})
        testbed.start(dockerd)
        self.addCleanup(dockerd.stop)
        dockerd.wait_ready()
        self.assertEqual(dockerd.docker("info", "--format", "{{.HTTPSProxy}}").stdout.strip(), f"https://127.0.0.1:{PORT}")
        dockerd.docker("pull", IMAGE)
        self.end()

    def test_containerd(self):
        install(self, "containerd")
        containerd = testbed.start(pulls.Containerd(testbed))
        self.addCleanup(containerd.stop)
        containerd.wait_ready()
        env = {**os.environ, **environment_of("containerd"), "SSL_CERT_FILE": testbed.ca.certificate}
        testbed.home.run(*containerd.fetch(IMAGE), env=env)
        self.assertTrue(os.path.exists(containerd.path(digest)))
        self.end()

    def podman(self, *arguments):
        at = peers.folder("podman")
        command = ["/usr/bin/podman", "--root", f"{at}/root", "--runroot", f"{at}/run", "--tmpdir", f"{at}/tmp",
                   "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none", *arguments]
        return testbed.home.run(*command, env={**os.environ, "SSL_CERT_FILE": testbed.ca.certificate})

    def test_podman(self):
        install(self, "podman")
        self.podman("pull", IMAGE)
        shown = self.podman("image", "inspect", "--format", "{{.Digest}}", IMAGE).stdout.strip()
        self.assertEqual(shown, digest)
        self.end()


class Readers(unittest.TestCase):
    """Each program is asked what it has read."""

    def read(self, *command, **more):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    @harness.needs("apt-config")
    def test_apt(self):
        install(self, "apt", "--no-proxy", "localhost,.suffix.example")
        shown = self.read("apt-config", "dump").splitlines()
        for scheme in ("http", "https"):
            self.assertIn(f'Acquire::{scheme}::Proxy "{PROXY}";', shown)
            self.assertIn(f'Acquire::{scheme}::Proxy::localhost "DIRECT";', shown)
        later = Path("/etc/apt/apt.conf.d/zzz")
        self.addCleanup(later.unlink)
        for text in ('Acquire::http::Proxy "DIRECT";', "#clear Acquire::http;"):
            later.write_text(text, encoding="utf-8")
            self.assertNotIn(f'Acquire::http::Proxy "{PROXY}";', self.read("apt-config", "dump"))
            self.assertIn("wins", setup("apt", "--check", status=1).stdout)

    def test_git(self):
        Path("/etc/gitconfig").write_text("[http]\n\tproxy = http://old:1\n[user]\n\tname = x", encoding="utf-8")
        self.addCleanup(os.unlink, "/etc/gitconfig")
        install(self, "git")
        self.assertEqual(self.read("git", "config", "--get", "http.proxy"), f"{PROXY}\n")
        self.assertEqual(self.read("git", "config", "--get", "user.name"), "x\n")

    def test_git_gets_the_listener_that_it_can_use(self):
        for listeners, url in (
            ((tls_listen,), f"https://127.0.0.1:{PORT}"),
            (("unix:/run/c.sock?mode=0666", tls_listen, "10.0.0.5:1", "127.0.0.1:2?proxy-protocol=on"), "http://10.0.0.5:1"),
            (("https://proxy.lan:3129",), "https://proxy.lan:3129"),
        ):
            with self.subTest(listeners=listeners):
                install(self, "git", *(word for text in listeners for word in ("--listen", text)))
                self.assertEqual(self.read("git", "config", "--get", "http.proxy"), f"{url}\n")
                self.doCleanups()
        done = setup("git", "--listen", "unix:/run/c.sock", "--install", status=1)
        self.assertIn("a proxy variable cannot name a unix socket", done.stderr)
        self.assertFalse(Path("/etc/gitconfig").exists())

    @harness.needs("npm")
    def test_npm(self):
        # Behind a section npm finds nothing, and what looks like a variable is none.
        Path(os.environ["HOME"], ".npmrc").write_text("[section]\na=1\n", encoding="utf-8")
        self.addCleanup(os.unlink, os.path.join(os.environ["HOME"], ".npmrc"))
        install(self, "npm", "--no-proxy", f"{ODD},${{HOME}}")
        shown = self.read("npm", "config", "get", "proxy", "https-proxy", "noproxy")
        self.assertEqual(shown.splitlines(), [f"proxy={PROXY}", f"https-proxy={PROXY}", f"noproxy={ODD},${{HOME}}"])

    def assert_variables(self, environment):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            self.assertIn(f"{name}={PROXY}\n", environment)
        for name in ("NO_PROXY", "no_proxy"):
            self.assertIn(f"{name}={ODD}\n", environment)
        self.assertIn("NODE_USE_ENV_PROXY=1\n", environment)

    def test_shells(self):
        install(self, "shell", "--no-proxy", ODD)
        evaluated = setup("shell", "--no-proxy", ODD).stdout
        for shell in ("sh", "bash", "dash", "zsh", "fish"):
            with self.subTest(shell=shell):
                self.assert_variables(self.read(shell, "-c", ". /etc/profile.d/zz-culvert.sh; env"))
                self.assert_variables(self.read(shell, "-c", f"{evaluated}\nenv"))
        # Of its own accord.
        self.assert_variables(self.read("fish", "-c", "env"))
        for shell in ("bash", "dash", "zsh"):
            self.assert_variables(self.read(shell, "-l", "-c", "env"))

    def test_podman(self):
        """Of the lists `env` in its files it takes the last, so ours has what the others have."""
        show = ["podman", "--storage-driver", "vfs", "--root", f"{isolate.STATE}/podman/root", "--runroot",
                f"{isolate.STATE}/podman/run", "info", "--format", "{{.Store.ImageCopyTmpDir}}"]
        other = Path("/etc/containers/containers.conf.d/user.conf")
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text('[engine]\nenv = ["TMPDIR=/run/\\u0061b", \'HTTPS_PROXY=http://old:1\']\n', encoding="utf-8")
        self.addCleanup(other.unlink)
        install(self, "podman", "--no-proxy", ODD)
        text = Path("/etc/containers/containers.conf.d/zz-culvert.conf").read_text(encoding="utf-8")
        self.assertIn(r'"NO_PROXY=50%Q.example,a$b\\c,`x`,corp.example"', text)
        self.assertNotIn("http://old:1", text)
        # A variable that podman has already is left as it is.
        env = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        self.assertEqual(self.read(*show, env=env), "/run/ab\n")


# What setup reads must be what the program reads: each file, and what of it counts.
APT_FILES = (
    {"50a": 'Acquire { http { Proxy "http://a:1"; }; };', "proxy.conf": 'Acquire::http::Proxy "http://b:1";'},
    {"proxy.conf": 'acquire::HTTP::proxy "http://a:1" ; // x\n# y\nAcquire::http::Proxy::h "DIRECT";'},
    {"a": '/* Acquire::http::Proxy "no"; */ Acquire::http::Proxy\n "http://a:1"\n;', "b.sh": 'Acquire::http::Proxy "http://b:1";'},
    {"a": 'Acquire::http { Proxy "http://a:1" { h "DIRECT"; }; };', "b": 'Acquire::https::Proxy "x"; #clear Acquire::https;'},
    {"zzz": 'Acquire::http::Proxy "http://a:1"; # "\nAcquire::https::Prox%79 http:%2f%2fb:1;', "b~": 'Acquire::http::Proxy "x";'},
    {"../apt.conf": 'Acquire::http::Proxy "http://main:1";', "zzz": 'Acquire::http::Proxy "http://b:1";'},
)
GIT_FILES = (
    {".gitconfig": "[user]\n\tproxy = no\n[http]\n\tproxy = http://a:1 # x\n", "/etc/gitconfig": "[http]proxy=http://b:1"},
    {".gitconfig": "[http] proxy = http://a:1\n[http \"https://h\"]\nproxy = http://b:1"},
    {".gitconfig": '[HTTP]\nPROXY = http:"//a;":\\\n1 ; x\n[https]\nproxy = no\n'},
    {".gitconfig": "[http] proxy = http://a:1\n[include]\npath = more\n", "more": "[http] proxy = http://b:1\n"},
    {".config/git/config": "[http] proxy = http://a:1\n", "/etc/gitconfig": "[http] proxy = http://b:1\n"},
    {".gitconfig": '\ufeff[http "x.y"] proxy = no\n[http]proxy="http://a:1"'},
)
NPM_FILES = (
    "proxy=http://a:1\nhttps-proxy = \"http://b:1\" \n[section]\nhttps-proxy=http://c:1\n",
    "https-proxy=http://a:1;x\n;https-proxy=no\n # https-proxy=no\n",
    "'https-proxy'='http://a:1'\r\nproxy=http://b:1\r\n",
    "[a]\nproxy=http://a:1\n",
)


class SameReading(unittest.TestCase):
    def has_now(self, target):
        """What `setup --check` says, without a slash or port of its own."""
        done = subprocess.run([os.environ["CULVERT"], "setup", target, "--check"], capture_output=True, text=True, timeout=30, check=False)
        row = done.stdout.splitlines()[1]
        found = re.match(rf"{target} +(no proxy|\S+) ", row)
        assert found, done.stdout + done.stderr
        return "" if found[1] == "no proxy" else found[1]

    def write(self, folder, files):
        for name, text in files.items():
            path = Path(os.path.normpath(Path(folder, name)))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            self.addCleanup(path.unlink, missing_ok=True)

    def ask(self, *command):
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()

    @harness.needs("apt-config")
    def test_apt(self):
        for files in APT_FILES:
            with self.subTest(files=files):
                self.write("/etc/apt/apt.conf.d", files)
                shown = self.ask("apt-config", "shell", "HTTPS", "Acquire::https::Proxy", "HTTP", "Acquire::http::Proxy")
                values = dict(re.findall(r"(\w+)='(.*)'", shown))
                self.assertEqual(self.has_now("apt"), values.get("HTTPS") or values["HTTP"])
                self.doCleanups()

    def test_git(self):
        for files in GIT_FILES:
            with self.subTest(files=files):
                self.write(os.environ["HOME"], files)
                self.assertEqual(self.has_now("git"), self.ask("git", "config", "--get-urlmatch", "http.proxy", "https://other"))
                self.doCleanups()

    @harness.needs("npm")
    def test_npm(self):
        for text in NPM_FILES:
            with self.subTest(text=text):
                self.write(os.environ["HOME"], {".npmrc": text})
                https, http = (self.ask("npm", "config", "get", name) for name in ("https-proxy", "proxy"))
                self.assertEqual(self.has_now("npm"), (https if https != "null" else http).replace("null", ""))
                self.doCleanups()

    def test_git_config_writes_into_the_lines_of_setup(self):
        path = Path("/etc/gitconfig")
        self.write("/etc", {"gitconfig": "[user]\n\tname = x"})
        for command, rest in (
            (("http.sslVerify", "false"), "[http]\n\tsslVerify = false\n"),
            (("http.proxy", "http://own:1"), "[http]\n\tproxy = http://own:1\n"),
            (("--unset", "http.proxy"), ""),
            (("--remove-section", "http"), ""),
        ):
            with self.subTest(command=command):
                path.write_text("[user]\n\tname = x\n", encoding="utf-8")
                setup("git", "--install")
                self.ask("git", "config", "--file", path, *command)
                setup("git", "--uninstall")
                self.assertEqual(path.read_text(encoding="utf-8"), "[user]\n\tname = x\n" + rest)

    @harness.needs("npm")
    def test_npm_writes_its_file_anew(self):
        self.write(os.environ["HOME"], {".npmrc": "fund=false\n[section]\na=1\n"})
        setup("npm", "--install")
        subprocess.run(["npm", "config", "set", "audit=false"], timeout=60, check=True, capture_output=True)
        setup("npm", "--uninstall")
        text = Path(os.environ["HOME"], ".npmrc").read_text(encoding="utf-8")
        self.assertEqual(text.split(), ["fund=false", "audit=false", "[section]", "a=1"])


@harness.needs("systemd-analyze")
class Units(unittest.TestCase):
    def test_systemd_has_nothing_to_say(self):
        with tempfile.TemporaryDirectory() as root:
            setup(*UNITS, "systemd", "--no-proxy", ODD, "--listen", "127.0.0.1:3129", "--root", root, "--install")
            folder = Path(root, "etc/systemd/system")
            for unit in UNITS.values():
                Path(folder, f"{unit}.service").write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
            service = Path(folder, "culvert.service")
            text = service.read_text(encoding="utf-8")
            service.write_text(text.replace("/usr/local/bin/culvert", os.environ["CULVERT"]), encoding="utf-8")
            units = [folder / f"{unit}.service" for unit in (*UNITS.values(), "culvert")]
            self.verify([*units, folder / "culvert.socket"])

    def test_systemd_has_nothing_to_say_about_other_listeners(self):
        for listeners in (
            (tls_listen,),
            ("https://10.0.0.5:3129" + tls_listen[tls_listen.index("?"):], "127.0.0.1:3130"),
            ("unix:/run/culvert.sock?mode=0660&group=root", ":3131"),
            ("127.0.0.1:3132?proxy-protocol=on", "systemd:name"),
        ):
            with self.subTest(listeners=listeners), tempfile.TemporaryDirectory() as root:
                setup("systemd", "--root", root, "--load-balancer", "10.0.0.1", "--allow-client", "10.0.0.0/8",
                      *(word for text in listeners for word in ("--listen", text)), "--install")
                folder = Path(root, "etc/systemd/system")
                service = Path(folder, "culvert.service")
                text = service.read_text(encoding="utf-8")
                service.write_text(text.replace("/usr/local/bin/culvert", os.environ["CULVERT"]), encoding="utf-8")
                self.verify(sorted(folder.glob("culvert.*")))

    def verify(self, units):
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_unit_is_read_as_systemd_reads_it(self):
        """systemd-analyze prints what a unit sets, after all that overrides it."""
        etc, run, lib = "etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system"
        drop_in = "docker.service.d"
        for files in (
            {f"{etc}/{drop_in}/b.conf": "a", f"{lib}/{drop_in}/zz.conf": "b", f"{run}/{drop_in}/c.conf": "c"},
            {f"{lib}/{drop_in}/b.conf": "a", f"{run}/{drop_in}/b.conf": "b", f"{etc}/service.d/a.conf": "c"},
            {f"{etc}/{drop_in}/.z.conf": "a", f"{etc}/{drop_in}/z.conf~": "b", f"{etc}/{drop_in}/B.conf": "c"},
            {f"{lib}/{drop_in}/b.conf": "a", f"{etc}/{drop_in}/b.conf": ""},
            {f"{lib}/{drop_in}/b.conf": "a", f"{etc}/{drop_in}/c.conf": "[Service]\nEnvironment=\n"},
            {f"{etc}/{drop_in}/b.conf": "\ufeff[Service]\nEnvironment=X=\"1 2\" \\\n# no\n 'HTTPS_PROXY=\\x68ttp://\\u0061:1'\n"},
            {f"{etc}/{drop_in}/b.conf": "[Service]\nEnvironment=HTTPS_PROXY=http://a:1 B=\\y HTTPS_PROXY=http://b:1\n[Unit]\nEnvironment=\n"},
        ):
            with self.subTest(files=files), tempfile.TemporaryDirectory() as root:
                Path(root, etc).mkdir(parents=True)
                unit = Path(root, etc, "docker.service")
                unit.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
                for name, text in files.items():
                    Path(root, name).parent.mkdir(parents=True, exist_ok=True)
                    line = f"[Service]\nEnvironment=HTTPS_PROXY=http://{text}:1\n" if len(text) == 1 else text
                    Path(root, name).write_text(line, encoding="utf-8")
                folders = ":".join(f"{root}/{folder}" for folder in (etc, run, lib))
                env = {**os.environ, "SYSTEMD_LOG_LEVEL": "debug", "SYSTEMD_UNIT_PATH": folders}
                done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], env=env, capture_output=True, text=True, timeout=60, check=False)
                wanted = re.findall(r"(?m)^\s*Environment: HTTPS_PROXY=(.*)$", done.stdout)
                shown = subprocess.run([os.environ["CULVERT"], "setup", "docker", "--check", "--root", root],
                                       capture_output=True, text=True, timeout=30, check=False).stdout
                row = re.search(r"(?m)^dockerd +(no proxy|\S+)", shown)
                self.assertEqual(row[1] if row else shown, wanted[0] if wanted else "no proxy")

    def test_systemd_would_have_something_to_say(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = Path(folder, "x.service")
            unit.write_text('[Service]\nExecStart=/bin/true\nEnvironment="NO_PROXY=50%Q.example"\n', encoding="utf-8")
            with self.assertRaises(AssertionError):
                self.verify([unit])


class CommandLine(unittest.TestCase):
    def test_a_difference_is_one_for_patch(self):
        with tempfile.TemporaryDirectory() as root:
            Path(root, "etc").mkdir()
            Path(root, "etc/gitconfig").write_text("[user]\n\tname = x", encoding="utf-8")
            difference = setup("git", "docker", "--root", root, "--dry-run").stdout
            self.assertEqual(len(list(Path(root).rglob("*"))), 2)
            setup("git", "docker", "--root", root, "--install")
            installed = {path: path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}
            self.assertEqual(setup("git", "docker", "--root", root, "--dry-run").stdout, "")
            setup("git", "docker", "--root", root, "--uninstall")
            if shutil.which("patch"):
                subprocess.run(["patch", "-s", "-p1", "-d", root], input=difference, text=True, check=True, timeout=30)
                self.assertEqual({path: path.read_bytes() for path in installed}, installed)

    def test_a_password_is_in_no_output(self):
        with tempfile.TemporaryDirectory() as root:
            options = ("systemd", "--root", root, "--upstream", "socks5://u:hush@127.0.0.1:1")
            for action in ((), ("--dry-run",), ("--install",), ("--uninstall",)):
                done = setup(*options[:3], *(options[3:] if action != ("--uninstall",) else ()), *action)
                self.assertNotIn("hush", done.stdout + done.stderr)
                if action == ("--install",):
                    config = Path(root, "etc/culvert/culvert.toml")
                    self.assertIn("hush", config.read_text(encoding="utf-8"))
                    self.assertEqual(config.stat().st_mode & 0o777, 0o600)

    def test_systemd_writes_a_configuration_that_culvert_reads(self):
        install(self, "systemd", "--upstream", "a=socks5://127.0.0.1:1080", "--upstream", "direct://", "--route", ".x=direct")
        done = subprocess.run(
            [os.environ["CULVERT"], "check", "--route", "https://y", "--config", "/etc/culvert/culvert.toml"],
            capture_output=True, text=True, timeout=30, check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_files_of_a_service_are_those_of_its_root(self):
        with tempfile.TemporaryDirectory() as root, tempfile.NamedTemporaryFile(prefix="/etc/") as here:
            # On this machine it is no file of users; there it is one, behind a link that stays there.
            users = Path(root + here.name)
            users.parent.mkdir(parents=True)
            users.symlink_to("/users")
            options = ("systemd", "--root", root, "--auth-file", here.name, "--listen", "0.0.0.0:3128", "--install")
            self.assertIn("No such file", setup(*options, status=2).stderr)
            Path(root, "users").write_text("alice:{SHA}x\n", encoding="utf-8")
            self.assertIn("line 1", setup(*options, status=2).stderr)
            Path(root, "users").write_text("alice:$6$salt$" + "x" * 86 + "\n", encoding="utf-8")
            Path(root, "users").chmod(0o600)
            setup(*options)
            unit = Path(root, "etc/systemd/system/culvert.service").read_text(encoding="utf-8")
            self.assertIn(f":{here.name}\n", unit)
            # Who has to sign in is told, and nothing is written that could not work.
            for more in (("--install",), ("--dry-run",), ()):
                done = setup("docker", "--root", root, *more, status=1)
                self.assertIn("http://USER:PASSWORD@127.0.0.1:3128", done.stdout + done.stderr)
            self.assertFalse(Path(root, "etc/systemd/system/docker.service.d").exists())

    def test_a_service_over_tls_is_installed_again_and_found(self):
        with tempfile.TemporaryDirectory() as root:
            listen = ("--listen", "https://127.0.0.1:3129?cert=/etc/c.crt&key=/etc/c.key", "--listen", "unix:/run/c.sock?mode=0666")
            setup("systemd", "--root", root, *listen, "--install")
            files = {path: path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}
            self.assertIn(b"key=/run/credentials/culvert.service/c.key", files[Path(root, "etc/culvert/culvert.toml")])
            done = setup("systemd", "docker", "--root", root, "--install").stdout
            self.assertIn("https://127.0.0.1:3129, not unix:/run/c.sock", done)
            self.assertIn("the CA that issued it must be one of the system's", done)
            for path, content in files.items():
                self.assertEqual(path.read_bytes(), content)
            self.assertRegex(setup("docker", "--check", "--root", root).stdout, r"(?m)^dockerd +https://127.0.0.1:3129 +yes ")
            # What systemd held, the service binds now.
            setup("systemd", "--root", root, *listen[:2], "--install")
            self.assertFalse(Path(root, "etc/systemd/system/culvert.socket").exists())
            setup("systemd", "docker", "--root", root, "--uninstall")
            self.assertEqual([path for path in Path(root).rglob("*") if path.is_file()], [])

    def test_an_address_that_nobody_gave_is_nowhere(self):
        with tempfile.TemporaryDirectory() as root:
            for action in ((), ("--dry-run",), ("--install",), ("--check",)):
                done = setup("docker", "shell", "--listen", "unix:/run/c.sock", "--root", root, *action, status=1)
                lines = (done.stdout + done.stderr).splitlines()
                self.assertTrue(any("clients can use none of the listeners: unix:/run/c.sock" in line for line in lines), lines)
                # One is the example of what to give.
                self.assertEqual([line for line in lines if "3128" in line and "give one more, as in" not in line], [])
                self.assertEqual(os.listdir(root), [])
            # Where a shell evaluates the lines, it shows no comments.
            done = setup("shell", "--listen", "unix:/run/c.sock", "--root", root, status=1)
            self.assertIn("clients can use none", done.stderr)
            self.assertTrue(all(line.startswith("#") for line in done.stdout.splitlines()), done.stdout)

    def test_a_second_installation_keeps_the_options_of_the_first(self):
        with tempfile.TemporaryDirectory() as root:
            first = ("--upstream", "socks5://u:pw@127.0.0.1:1080", "--allow-client", "10.0.0.0/8", "--listen", "127.0.0.1:3999")
            setup("systemd", "docker", "--root", root, *first, "--install")
            config = Path(root, "etc/culvert/culvert.toml")
            before = config.read_bytes()
            setup("systemd", "docker", "--root", root, "--install")
            self.assertEqual(config.read_bytes(), before)
            setup("systemd", "--bridge", "--root", root, "--install")
            text = config.read_text(encoding="utf-8")
            for part in ("socks5://u:pw@127.0.0.1:1080", "10.0.0.0/8", "172.16.0.0/12"):
                self.assertIn(part, text)
            socket = Path(root, "etc/systemd/system/culvert.socket").read_text(encoding="utf-8")
            self.assertIn("ListenStream=127.0.0.1:3999\n# --bridge 172.17.0.1\nListenStream=172.17.0.1:3999\n", socket)
            table = setup("docker", "--check", "--root", root).stdout
            self.assertRegex(table, r"(?m)^dockerd +http://127.0.0.1:3999 +yes ")
            setup("docker", "--root", root, "--install")
            self.assertEqual(setup("docker", "--check", "--root", root).stdout, table)

    def test_a_service_at_the_bridge_is_set_up_again_with_tls_alone(self):
        with tempfile.TemporaryDirectory() as root:
            setup("systemd", "--bridge", "--root", root, "--install")
            config = Path(root, "etc/culvert/culvert.toml")
            self.assertIn("172.16.0.0/12", config.read_text(encoding="utf-8"))
            done = setup("systemd", "--listen", "https://127.0.0.1:3129?cert=/etc/c.crt&key=/etc/c.key", "--root", root, "--install").stdout
            self.assertIn("the plain listener that --bridge added at 172.17.0.1 is left out", done)
            self.assertNotIn("172.16.0.0/12", config.read_text(encoding="utf-8"))
            self.assertFalse(Path(root, "etc/systemd/system/culvert.socket").exists())

    def test_a_user_without_rights_is_told(self):
        program = shutil.copy(os.environ["CULVERT"], f"{isolate.STATE}/tmp/culvert")
        self.addCleanup(os.unlink, program)
        done = setup("docker", "--install", status=1, program=program, user=1500, group=1500, extra_groups=[])
        self.assertEqual(done.stdout, "")
        self.assertIn("/etc/systemd/system/docker.service.d/zz-culvert.conf: Permission denied", done.stderr)
        self.assertIn("sudo", done.stderr)

    def test_sudo_leaves_files_in_a_home_folder_to_their_user(self):
        os.makedirs(f"{isolate.STATE}/home/.config", exist_ok=True)
        install_env = {**os.environ, "SUDO_UID": "1500", "SUDO_GID": "1500"}
        setup("docker-rootless", "--install", env=install_env)
        path = Path(isolate.STATE, "home/.config/systemd/user/docker.service.d/zz-culvert.conf")
        self.assertEqual((path.stat().st_uid, path.parent.stat().st_uid), (1500, 1500))
        setup("docker-rootless", "--uninstall", env=install_env)
        self.assertFalse(Path(isolate.STATE, "home/.config/systemd").exists())


if __name__ == "__main__":
    harness.main()
