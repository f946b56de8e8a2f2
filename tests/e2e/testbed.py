"""The testbed: three hosts, connected so that home can reach the outside only through the border.

    home    10.77.1.2  docker, registries, curl and culvert; knows only the border, has no default route
    border  10.77.1.1  the far ends of the tunnels: sshd, dante, microsocks, squid; routes nothing
            10.77.2.1
    outside 10.77.2.x  gcr.io and the other targets

Each host is a network namespace with a mount namespace, so that it has an /etc/resolv.conf of its own.
Home's DNS server knows no name. The culvert under test shares home's network, but has a DNS server of its own,
so that its queries cannot be taken for docker's.
"""

import itertools
import os
import socket
import subprocess
import threading
import time

import isolate
from certs import Authority
from dns import DnsServer

HOME = "10.77.1.2"
BORDER = "10.77.1.1"
BORDER_ABROAD = "10.77.2.1"
GCR = "10.77.2.10"
TARGET = "10.77.2.20"
TARGET6 = "fd77:2::20"
# Its neighbour entry has a MAC address that no interface has, so all packets are lost.
BLACKHOLE = "10.77.1.66"

NAMES = {
    "gcr.io": [GCR],
    "registry.k8s.io": [TARGET],
    "files.world": [TARGET],
    "plain.world": [TARGET],
    "target.world": [TARGET],
    "six.world": [TARGET6],
}


def wait_for(condition, seconds, what):
    """Polls until the condition is true and returns its value. `what` is the message of the timeout, or makes it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)


def wait_until_steady(value, seconds=20, still=0.5):
    """Waits until the value has not changed for a while, and returns it."""
    seen, since = value(), time.monotonic()

    def steady():
        nonlocal seen, since
        now = value()
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > still

    wait_for(steady, seconds, "the value goes on changing")
    return seen


class Host:
    """A network namespace with mounts of its own, kept alive by a process that sleeps in it."""

    def __init__(self, name, nameserver, network_of=None):
        self.name = name
        resolv_conf = f"{isolate.STATE}/resolv.conf.{name}"
        isolate.write(resolv_conf, f"nameserver {nameserver}\noptions timeout:5 attempts:1\n")
        enter = ["nsenter", f"--net=/proc/{network_of.pid}/ns/net", "unshare"] if network_of else ["unshare", "--net"]
        script = f"mount --bind {resolv_conf} /etc/resolv.conf && echo ready && exec sleep infinity"
        self._keeper = subprocess.Popen(
            [*enter, "--mount", "--propagation", "private", "sh", "-c", script], stdout=subprocess.PIPE, text=True
        )
        self.pid = self._keeper.pid
        if self._keeper.stdout.readline() != "ready\n":
            isolate.skip(f"the namespaces for {name} cannot be made")

    def command(self, argv):
        """The command line that runs argv on this host. The process that it starts is argv's own."""
        # Entering mounts leads out of a chroot, so its root is entered too.
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--root", "--", *map(str, argv)]

    def run(self, *argv, check=True, **options):
        """Runs a program to its end and returns its exit status, stdout and stderr."""
        done = subprocess.run(self.command(argv), capture_output=True, text=True, timeout=options.pop("timeout", 120), **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ip(self, *lines):
        self.run("ip", "-batch", "-", input="\n".join(lines) + "\n")

    def socket(self, *kind):
        """A socket in this host's network. A socket stays in the namespace in which it was made, so a thread enters it."""
        made = []

        def make():
            with open(f"/proc/{self.pid}/ns/net", "rb") as namespace:
                isolate.check(isolate.libc.setns(namespace.fileno(), isolate.CLONE_NEWNET), "setns")
            made.append(socket.socket(*kind))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        return made[0]

    def listens(self, port, address=None):
        """Whether something listens on the port. Asks the kernel, as connecting would be noticed."""
        return any(
            state == "0A" and local[1] == port and address in (None, kernel_address(local[0]))
            for local, _, state in self._tcp_sockets()
        )

    def connections_to(self, port):
        """How many connections there are from here to the port."""
        return sum(state == "01" and remote[1] == port for _, remote, state in self._tcp_sockets())

    def _tcp_sockets(self):
        """Local end, remote end and state of each, the ends as the kernel's text for the address and a port number."""
        found = []
        for table in ("tcp", "tcp6"):
            try:
                with open(f"/proc/{self.pid}/net/{table}", encoding="ascii") as lines:
                    next(lines)
                    for line in lines:
                        ends = [end.split(":") for end in line.split()[1:3]]
                        found.append((*((host, int(port, 16)) for host, port in ends), line.split()[3]))
            except FileNotFoundError:
                continue
        return found

    def received_bytes(self, device):
        with open(f"/proc/{self.pid}/net/dev", encoding="ascii") as lines:
            for line in lines:
                name, _, counters = line.partition(":")
                if name.strip() == device:
                    return int(counters.split()[0])
        raise KeyError(device)


def kernel_address(text):
    """The address that /proc/net/tcp writes as host-order hexadecimal words."""
    raw_words = bytes.fromhex(text)
    raw = b"".join(raw_words[at : at + 4][::-1] for at in range(0, len(raw_words), 4))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


class Programs:
    """Those that run until close()."""

    def __init__(self):
        self.processes = []

    def start(self, process):
        """Starts a Program and keeps it until close()."""
        self.processes.append(process)
        process.start()
        return process

    def close(self):
        for process in reversed(self.processes):
            process.kill()

    def describe(self):
        """The last output of the programs, for the report on a failure."""
        return "\n".join(process.tail() for process in self.processes)


class Testbed(Programs):
    """The three hosts, their networks and DNS servers and the certificate authority that home trusts."""

    def __init__(self):
        super().__init__()
        self.home = Host("home", "127.0.0.53")
        self.border = Host("border", "127.0.0.53")
        self.outside = Host("outside", "127.0.0.53")
        self.culvert_host = Host("culvert", "127.0.0.54", network_of=self.home)
        self._join()
        self.home_dns = DnsServer(self.home, "127.0.0.53")
        self.culvert_dns = DnsServer(self.home, "127.0.0.54")
        self.border_dns = DnsServer(self.border, "127.0.0.53", NAMES)
        self.ca = Authority("testbed")

    def _join(self):
        for pair in (("home0", self.home, "border1", self.border), ("border2", self.border, "outside0", self.outside)):
            one, one_host, other, other_host = pair
            subprocess.run(["ip", "link", "add", one, "type", "veth", "peer", "name", other], check=True)
            subprocess.run(["ip", "link", "set", one, "netns", str(one_host.pid)], check=True)
            subprocess.run(["ip", "link", "set", other, "netns", str(other_host.pid)], check=True)
        self.home.ip(
            "link set lo up", "link set home0 up", f"address add {HOME}/24 dev home0",
            f"neighbour add {BLACKHOLE} lladdr 02:00:00:00:00:66 dev home0 nud permanent",
        )
        self.border.ip(
            "link set lo up", "link set border1 up", "link set border2 up", f"address add {BORDER}/24 dev border1",
            f"address add {BORDER_ABROAD}/24 dev border2", "address add fd77:2::1/64 dev border2 nodad",
        )
        self.outside.ip(
            "link set lo up", "link set outside0 up", f"address add {GCR}/24 dev outside0", f"address add {TARGET}/24 dev outside0",
            f"address add {TARGET6}/64 dev outside0 nodad",
        )


class Program:
    """A program that runs on a host until it is stopped, its stdout and stderr in files."""

    pass_fds = ()  # descriptors that it has, too
    # One step, as several threads may make programs.
    numbers = itertools.count(1)

    def __init__(self, name, host, argv, env=None, separate_stdout=False):
        self.name = name
        self.host = host
        self.argv = argv
        self.env = {**os.environ, **(env or {})}
        stem = f"{isolate.STATE}/log/{next(self.numbers):02}-{name}"
        self.stderr_path = f"{stem}.log"
        self.stdout_path = f"{stem}.out" if separate_stdout else self.stderr_path
        self.process = None

    def start(self):
        with open(self.stderr_path, "ab") as log, open(self.stdout_path, "ab") as out:
            self.process = subprocess.Popen(
                self.host.command(self.argv), stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=self.env, pass_fds=self.pass_fds
            )

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_until(self, ready, seconds=20):
        """Waits until the program is ready, or fails with how it ended instead."""
        was_ready = False

        def settled():
            nonlocal was_ready
            # In this order, as it may become ready and end in between.
            running = self.running()
            was_ready = ready()
            return was_ready or not running

        try:
            wait_for(settled, seconds, f"{self.name} is not ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None
        if not was_ready:
            raise AssertionError(f"{self.name} ended with {self.process.poll()}\n{self.tail()}")

    def wait_listening(self, port, address=None):
        self.wait_until(lambda: self.host.listens(port, address))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {seconds} s\n{self.tail()}") from None

    def kill(self):
        if self.running():
            self.process.kill()
            self.process.wait()

    def stop(self, seconds=10):
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def output(self):
        """All of stderr and stdout."""
        text = ""
        for path in dict.fromkeys((self.stderr_path, self.stdout_path)):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text

    def tail(self, lines=15):
        state = "running" if self.running() else f"ended {self.process.poll()}" if self.process else "not started"
        output = self.output().splitlines() if self.process else []
        return f"--- {self.name} ({state})\n" + "\n".join(output[-lines:])
