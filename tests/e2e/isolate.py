"""Takes the test process into namespaces of its own, so that the machine stays as it was.

The process forks a child that is pid 1 of a private pid namespace, with a private network and private mounts.
When it ends, however it ends, the kernel ends everything that the test has started and drops its mounts.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

SKIPPED = 77
STATE = "/run/testbed"

libc = ctypes.CDLL(None, use_errno=True)


def skip(why):
    """Ends a test that cannot run here. CI has what it takes, so there it is a failure."""
    print(f"SKIP: {why}", flush=True)
    sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)


def check(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def enter():
    """Forks into the namespaces. Only the child returns; the parent leaves with the child's exit status."""
    binary = required_file("CULVERT", "the culvert binary")
    peers = os.path.join(os.path.realpath(os.environ.get("CULVERT_PEERS", "")), "root")
    if os.geteuid() != 0:
        skip("namespaces and mounts need root")
    if not os.path.isdir(os.path.join(peers, "usr")):
        skip("CULVERT_PEERS names no folder that scripts/peers has filled")
    for tool in ("mount", "nsenter", "unshare", "prlimit"):
        if not shutil.which(tool):
            skip(f"{tool} is missing (Debian packages mount and util-linux)")
    try:
        check(libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET), "unshare")
    except OSError as error:
        skip(f"no private namespaces to be had: {error}")

    alive_read, alive_write = os.pipe()
    child = os.fork()
    if child:
        os.close(alive_read)
        os.write(alive_write, b".")
        # A Ctrl-C reaches the child too, which then cleans up and reports.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)

    # Pid 1 goes when its parent goes, and takes the whole pid namespace with it.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.close(alive_write)
    if os.read(alive_read, 1) != b".":
        os._exit(1)
    os.close(alive_read)
    try:
        lay_out_files(peers)
    except (OSError, subprocess.CalledProcessError) as error:
        skip(f"no private mounts to be had: {error}")
    if not os.access(binary, os.X_OK):
        skip(f"{binary} is hidden by the test's own mounts")
    clean_environment(binary)


def required_file(variable, what):
    path = os.environ.get(variable)
    if not path:
        skip(f"the environment variable {variable} has to name {what}")
    if not os.access(path, os.X_OK):
        skip(f"{variable}={path} is not there")
    return os.path.realpath(path)


def mount(*arguments):
    subprocess.run(("mount",) + arguments, check=True)


def lay_out_files(peers):
    """Lays the unpacked packages over the machine's own files and hides what daemons would write."""
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    # The name of an overlay's layer may hold no comma or colon, so the layers get plain names below /run.
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    os.mkdir("/run/peers")
    mount("--bind", peers, "/run/peers")
    mount("-t", "overlay", "-o", "lowerdir=/run/peers/usr:/usr", "overlay", "/usr")
    for folder in ("etc", "var", "opt"):
        upper, work = f"/run/over/{folder}/upper", f"/run/over/{folder}/work"
        os.makedirs(upper)
        os.makedirs(work)
        packaged = f"/run/peers/{folder}"
        lower = f"{packaged}:/{folder}" if os.path.isdir(packaged) else f"/{folder}"
        mount("-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", "overlay", f"/{folder}")
    if os.path.isdir("/dev/shm"):
        mount("-t", "tmpfs", "tmpfs", "/dev/shm")
    provide_cgroups()
    for folder in (STATE, f"{STATE}/tmp", f"{STATE}/home", f"{STATE}/log", "/run/sshd", "/run/lock"):
        os.makedirs(folder, exist_ok=True)
    os.chmod(f"{STATE}/tmp", 0o1777)
    write_etc()


def provide_cgroups():
    """dockerd insists on cgroups. A bare chroot has none mounted."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        points = [line.split()[4] for line in mounts]
    if any(point.startswith("/sys/fs/cgroup") for point in points):
        return
    if not os.path.isdir("/sys/fs/cgroup"):
        mount("-t", "sysfs", "sysfs", "/sys")
    mount("-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")


def write_etc():
    """Names come from the test's own DNS servers, and the peers find the users that they run as."""
    write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n")
    write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    users = {
        "root": "root:x:0:0:root:/root:/bin/sh",
        "proxy": "proxy:x:13:13:proxy:/bin:/usr/sbin/nologin",
        "sshd": "sshd:x:110:65534::/run/sshd:/usr/sbin/nologin",
        "nobody": "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
        "traveller": f"traveller:x:1500:1500::{STATE}/home:/bin/sh",
    }
    write("/etc/passwd", "\n".join(users.values()) + "\n")
    write("/etc/group", "root:x:0:\nproxy:x:13:\nshadow:x:42:\nnogroup:x:65534:\ntraveller:x:1500:\n")
    write("/etc/shadow", "".join(f"{name}:*:19000:0:99999:7:::\n" for name in users), 0o640)
    os.makedirs("/etc/docker", exist_ok=True)


def write(path, text, mode=0o644):
    # A symbolic link, as resolv.conf often is one, must be replaced and not followed.
    if os.path.lexists(path):
        os.unlink(path)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)


def clean_environment(binary):
    """Nothing of the machine's proxy settings or home may leak into the test."""
    keep = {name: value for name, value in os.environ.items() if name == "CI" or name.endswith("SAN_OPTIONS")}
    os.environ.clear()
    os.environ.update(keep)
    os.environ.update(
        CULVERT=binary,
        PATH="/usr/sbin:/usr/bin:/sbin:/bin",
        HOME=f"{STATE}/home",
        TMPDIR=f"{STATE}/tmp",
        LC_ALL="C.UTF-8",
    )
    os.chdir(STATE)
