"""A Debian system with a real systemd as its process 1, in namespaces of its own: what is written there is gone afterwards."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import artefacts  # noqa: F401  Where the next ones are.
import isolate
from testbed import Host, wait_for

# boot STATE SYSTEM...: of the systems below these folders, the first wins.
BOOT = r"""
set -e
mount --make-rprivate /
state=$1
shift
mount -t tmpfs -o mode=755 tmpfs "$state"
mkdir "$state/root" "$state/over"
mount -t tmpfs -o mode=755 tmpfs "$state/root"
for folder in etc usr var; do
  lower=
  for system in "$@"; do
    if [ -d "$system/$folder" ]; then lower="$lower${lower:+:}$system/$folder"; fi
  done
  mkdir "$state/root/$folder" "$state/over/$folder" "$state/over/$folder/upper" "$state/over/$folder/work"
  mount -t overlay -o "lowerdir=$lower,upperdir=$state/over/$folder/upper,workdir=$state/over/$folder/work" overlay "$state/root/$folder"
done
cd "$state/root"
for link in bin sbin lib lib64; do ln -s "usr/$link" $link; done
mkdir dev home mnt proc root run sys tmp
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for folder in run dev; do mount -t tmpfs -o mode=755 tmpfs $folder; done
mount -t tmpfs -o mode=1777 tmpfs tmp
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
: > etc/machine-id
: > etc/fstab
chroot . ip link set lo up 2> /dev/null || ip link set lo up
mkdir over
mount --bind "$state/over" over
pivot_root . mnt
umount -l /mnt
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=basic.target --log-target=null
"""


class Machine(Host):
    """Of the files of this machine and those that scripts/peers has fetched, or of another system's below `root`."""

    def __init__(self, root=None):
        self.name = "machine"
        if os.geteuid() != 0:
            isolate.skip("namespaces and mounts need root")
        peers = pathlib.Path(os.environ.get("CULVERT_PEERS", ""), "root").resolve()
        if not (peers / "usr").is_dir():
            isolate.skip("CULVERT_PEERS names no folder that scripts/peers has filled")
        self._state = tempfile.mkdtemp(prefix="culvert-machine-")
        self._join_cgroup()
        self._systems = [root] if root else [str(peers), ""]
        self._keeper = subprocess.Popen(
            ["sh", "-c", 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"', "sh", self._cgroup,
             "unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc", "--cgroup",
             "sh", "-c", BOOT, "sh", self._state, *self._systems],
            stdin=subprocess.DEVNULL,
        )
        wait_for(self._find_first, 20, "nothing runs in the namespaces")
        wait_for(self._is_systemd, 20, "systemd does not start")
        wait_for(self._is_up, 60, "systemd does not come up")

    def _join_cgroup(self):
        self._cgroups = tempfile.mkdtemp(prefix="culvert-cgroup-")
        isolate.mount("-t", "cgroup2", "cgroup2", self._cgroups)
        self._cgroup = tempfile.mkdtemp(prefix="culvert-", dir=self._cgroups)

    def _find_first(self):
        if self._keeper.poll() is not None:
            raise AssertionError(f"the machine ended with {self._keeper.returncode}")
        with open(f"/proc/{self._keeper.pid}/task/{self._keeper.pid}/children", encoding="ascii") as children:
            first = children.read().split()
        self.pid = int(first[0]) if first else 0
        return self.pid

    def _is_systemd(self):
        with open(f"/proc/{self.pid}/comm", encoding="ascii") as comm:
            return comm.read() == "systemd\n" and self.path("/run/systemd/private").exists()

    def _is_up(self):
        return self.run("systemctl", "is-system-running", "--wait", check=False).stdout in ("running\n", "degraded\n")

    def command(self, argv):
        variables = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]
        return ["nsenter", f"--target={self.pid}", "--all", "--", *variables, *map(str, argv)]

    def path(self, path):
        """Of a file there, for this process."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}")

    def changed(self):
        """The paths of all files that are not as they were at the beginning, and of folders that were not there."""
        for folder in ("etc", "usr", "var"):
            top = self.path(f"/over/{folder}/upper")
            for here, folders, files in os.walk(top):
                where = f"/{folder}/{os.path.relpath(here, top)}/".replace("/./", "/")
                yield from (where + name for name in files)
                yield from (where + name for name in folders if not any(os.path.isdir(system + where + name) for system in self._systems))

    def close(self):
        self._keeper.kill()
        self._keeper.wait()
        for folder, _, _ in os.walk(self._cgroup, topdown=False):
            wait_for(lambda folder=folder: _remove(folder), 10, f"{folder} is in use")
        subprocess.run(["umount", self._cgroups], check=False)
        os.rmdir(self._cgroups)
        shutil.rmtree(self._state, ignore_errors=True)


def _remove(folder):
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True
