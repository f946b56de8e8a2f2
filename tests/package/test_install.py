"""The Debian package under a real systemd: installed, configured, upgraded under load, removed, purged."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from artefacts import DEB, VERSION
from machine import Machine

import wire
from culvert import PORT
from testbed import wait_for

CONFIG = "/etc/culvert/culvert.toml"
UNIT = "culvert.service"
NEWER = f"{VERSION}+upgrade"
# What every package changes.
CHANGED_BY_DPKG = ("/var/lib/dpkg", "/var/log/", "/var/cache/")


def setUpModule():
    global machine, echo_port, folder
    machine = Machine(os.environ.get("CULVERT_SYSTEM"))
    # Images for containers forbid packages to start what they bring.
    machine.run("rm", "-f", "/usr/sbin/policy-rc.d")
    know_few_packages()
    folder = tempfile.mkdtemp(prefix="culvert-test-", dir=machine.path("/tmp"))
    echo_port = wire.serve_in_threads(machine, wire.echo)


def tearDownModule():
    machine.close()


def know_few_packages():
    """Those that ours depends on alone, as dpkg reads the lists of files of all that it knows, which takes it seconds each time."""
    depends = subprocess.run(["dpkg-deb", "--field", DEB, "Depends"], check=True, capture_output=True, text=True).stdout
    names = {text.split()[0] for text in depends.split(",")} | {"init-system-helpers"}
    status = machine.path("/var/lib/dpkg/status")
    entries = status.read_text(encoding="utf-8").split("\n\n")
    kept = [entry for entry in entries if re.match(r"Package: (\S+)", entry) and entry.split()[1] in names]
    status.write_text("\n\n".join(kept) + "\n\n", encoding="utf-8")


def put(deb):
    """Brings the package there. Returns its path there."""
    shutil.copy(deb, folder)
    return f"/tmp/{pathlib.Path(folder).name}/{pathlib.Path(deb).name}"


def newer_package():
    """The same with a later version."""
    unpacked = pathlib.Path(folder, "newer")
    subprocess.run(["dpkg-deb", "--raw-extract", DEB, unpacked], check=True)
    control = unpacked / "DEBIAN/control"
    control.write_text(control.read_text(encoding="utf-8").replace(f"Version: {VERSION}\n", f"Version: {NEWER}\n"), encoding="utf-8")
    target = pathlib.Path(folder, "newer.deb")
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", "-Znone", unpacked, target], check=True, stdout=subprocess.DEVNULL)
    return f"/tmp/{pathlib.Path(folder).name}/newer.deb"


def dpkg(*arguments):
    return machine.run("dpkg", "--force-confold", *arguments)


def unit(what):
    return machine.run("systemctl", "show", UNIT, "--property", what, "--value").stdout.strip()


def journal():
    return machine.run("journalctl", "--unit", UNIT, "--output", "cat").stdout


def files():
    """Everything that is not as it was when the machine started, but for what every package changes."""
    return {path for path in machine.changed() if not path.startswith(CHANGED_BY_DPKG)}


class Load:
    """Clients that never stop: one tunnel after the other, and one tunnel that goes on all the time."""

    def __init__(self):
        self.failures = []
        self.count = 0
        self._stop = threading.Event()
        self._long = wire.tunnel(machine, f"127.0.0.1:{echo_port}")
        self._threads = [threading.Thread(target=self._run, args=(work,)) for work in (self._open_tunnels, self._use_long_one)]

    def _run(self, work):
        while not self._stop.is_set():
            try:
                work()
            except (OSError, AssertionError) as error:
                self.failures.append(f"{work.__name__}: {error!r}")
                return

    def _open_tunnels(self):
        with contextlib.closing(wire.tunnel(machine, f"127.0.0.1:{echo_port}", early=b"ping")) as client:
            if wire.receive_exactly(client, 4) != b"ping":
                raise AssertionError("other bytes")
        self.count += 1
        time.sleep(0.005)

    def _use_long_one(self):
        self._long.sendall(b"x" * 1000)
        wire.receive_exactly(self._long, 1000)
        time.sleep(0.01)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def end(self):
        self._long.close()


class Package(unittest.TestCase):
    """One life of a package, in the order of the tests' names."""

    def serves(self):
        wire.tunnel(machine, f"127.0.0.1:{echo_port}", early=b"ping").close()

    def configure(self, text):
        path = machine.path(CONFIG)
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")

    def reload(self):
        # With systemd 252 it is over before culvert has read the file.
        before = journal().count(" reloaded ")
        machine.run("systemctl", "reload", UNIT)
        wait_for(lambda: journal().count(" reloaded ") > before, 20, journal)

    def test_1_installed_it_serves_and_says_what_to_do(self):
        type(self).before = files()
        dpkg("--install", put(DEB))
        self.assertEqual((unit("ActiveState"), unit("UnitFileState")), ("active", "enabled"), journal())
        self.serves()
        self.assertIn(f"no upstream in {CONFIG}: connecting directly", journal())
        self.assertIn('write upstream = ["socks5://127.0.0.1:1080"]', journal())
        listening = machine.run("ss", "-Hltn", f"sport = :{PORT}").stdout.split("\n")
        self.assertEqual({line.split()[3] for line in listening if line}, {f"127.0.0.1:{PORT}", f"[::1]:{PORT}"})
        self.assertIn("serving, ready", machine.run("culvert", "status", "--once").stdout)

    def test_2_configured_it_goes_its_way(self):
        self.configure('upstream = ["tunnel=socks5://127.0.0.1:9"]\nhold = 0\n')
        self.reload()
        client, reply = wire.connect(machine, f"127.0.0.1:{echo_port}")
        client.close()
        self.assertEqual(reply.status, 502)
        self.assertIn("upstream socks5://127.0.0.1:9 refused", reply.reason)
        self.configure('route = ["127.0.0.0/8=direct"]\n')
        self.reload()
        self.serves()

    def test_3_an_upgrade_under_load_cuts_nothing(self):
        before = unit("MainPID")
        with Load() as load:
            wait_for(lambda: load.count > 20 or load.failures, 20, "no load")
            dpkg("--install", newer_package())
            self.assertNotEqual(unit("MainPID"), before, journal())
            reached = load.count
            wait_for(lambda: load.count > reached + 20 or load.failures, 20, "no load after the upgrade")
        self.assertEqual(load.failures, [])
        # The old one has the tunnel yet.
        self.assertTrue(os.path.isdir(machine.path(f"/proc/{before}")))
        load.end()
        wait_for(lambda: not os.path.isdir(machine.path(f"/proc/{before}")), 20, "the old process does not end")
        self.assertEqual(os.readlink(machine.path(f"/proc/{unit('MainPID')}/exe")), "/usr/bin/culvert")
        self.assertIn("status:", machine.run("dpkg", "-s", "culvert").stdout.lower())

    def test_4_an_upgrade_leaves_a_stopped_service_alone(self):
        machine.run("systemctl", "stop", UNIT)
        dpkg("--install", put(DEB))
        self.assertEqual(unit("ActiveState"), "inactive")
        machine.run("systemctl", "start", UNIT)
        self.serves()

    def test_5_systemd_can_hold_the_port(self):
        """As the comment in culvert.socket says."""
        self.configure('listen = ["systemd"]\ndrain-timeout = "2s"\n')
        machine.run("sh", "-c", "systemctl stop culvert && systemctl enable --now culvert.socket && systemctl start culvert")
        with Load() as load:
            machine.run("systemctl", "restart", UNIT)
            reached = load.count
            wait_for(lambda: load.count > reached + 20 or load.failures, 20, "no load after the restart")
        load.end()
        self.assertEqual([text for text in load.failures if "_open_tunnels" in text], [])
        machine.run("systemctl", "disable", "--now", "culvert.socket")
        path = machine.path(CONFIG)
        path.write_text(path.read_text(encoding="utf-8").replace('\nlisten = ["systemd"]', ""), encoding="utf-8")
        machine.run("systemctl", "restart", UNIT)

    def test_6_removed_and_installed_again_it_has_its_configuration(self):
        dpkg("--remove", "culvert")
        self.assertEqual(machine.run("systemctl", "is-active", UNIT, check=False).stdout, "inactive\n")
        self.assertFalse(machine.listens(PORT))
        self.assertFalse(machine.path("/usr/bin/culvert").exists())
        self.assertIn("127.0.0.0/8=direct", machine.path(CONFIG).read_text(encoding="utf-8"))
        dpkg("--install", put(DEB))
        self.serves()
        self.assertIn("127.0.0.0/8=direct", machine.path(CONFIG).read_text(encoding="utf-8"))
        dpkg("--install", put(DEB))
        self.serves()

    def test_7_purged_it_leaves_nothing(self):
        dpkg("--purge", "culvert")
        self.assertFalse(machine.listens(PORT))
        self.assertEqual(files() - self.before, set())
        self.assertEqual(machine.run("sh", "-c", "systemctl list-unit-files | grep culvert", check=False).stdout, "")
        self.assertEqual(machine.run("dpkg", "-s", "culvert", check=False).returncode, 1)

    def test_8_its_unit_is_as_hardened_as_the_example(self):
        def limits(path):
            lines = path.read_text(encoding="utf-8").splitlines()
            return {line for line in lines if re.match(r"(?!Exec|Timeout)[A-Z]\w+=", line)}

        source = pathlib.Path(__file__).parents[2]
        ours, example = limits(source / "scripts/package.d/culvert.service"), limits(source / "examples/systemd/culvert.service")
        self.assertEqual(example - ours, {"After=network.target culvert.socket", "Requires=culvert.socket", "Also=culvert.socket"})


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
