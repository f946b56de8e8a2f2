"""Pulls that are interrupted in the middle of a layer: the programs that pull, and the case that all of them share."""

import hashlib
import os
import shutil
import socket
import threading
import time

import isolate
import peers
from layers import MIB
from testbed import Program


class Puller:
    """A program that pulls, each time through the proxy at the port that is given."""

    # The config is fetched while the layers are, or else once they are here.
    config_comes_beside_layers = True

    def __init__(self, testbed, scheme="http", trusted=None):
        """`trusted`: the certificates that it trusts instead of those of the testbed."""
        self._testbed, self._scheme = testbed, scheme
        self._trusted = trusted or testbed.ca.certificate

    def prepare(self, port):
        """Starts what has to run before the pull."""

    def pull(self, image, port):
        """The command that pulls, not started yet."""
        raise NotImplementedError

    def reader(self, pull):
        """The process that reads the layers."""
        return pull

    def assert_pulled(self, image):
        """All of the image is there as it was made."""
        raise NotImplementedError

    def discard(self, image):
        """Gives back the memory in which the image is, as all files of a test are in memory."""
        raise NotImplementedError

    def _proxy(self, port):
        return f"{self._scheme}://127.0.0.1:{port}"

    def _command(self, argv, port=None):
        environment = None
        if port:
            environment = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), self._proxy(port))
            environment.update(NO_PROXY="127.0.0.1,localhost", SSL_CERT_FILE=self._trusted)
        return Program(self.name, self._testbed.home, argv, environment)


class Containerd(Program):
    """Stores what is pulled. The fetching is done by ctr, so this one needs no proxy."""

    def __init__(self, testbed):
        at = peers.folder("containerd")
        self.socket, self._content = f"{at}/containerd.sock", f"{at}/root/io.containerd.content.v1.content/blobs"
        config = peers.put(f"{at}/config.toml", "version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n")
        argv = ["/usr/bin/containerd", "--config", config, "--address", self.socket, "--root", f"{at}/root", "--state", f"{at}/state"]
        super().__init__("containerd", testbed.home, argv)

    def wait_ready(self):
        self.wait_until(lambda: os.path.exists(self.socket))

    def fetch(self, *arguments):
        """The command, which leaves out the unpacking: what comes after the fetching makes no difference here."""
        return ["/usr/bin/ctr", "--address", self.socket, "content", "fetch", *arguments]

    def path(self, digest):
        return f"{self._content}/{digest.replace(':', '/')}"


class Ctr(Puller):
    name = "ctr"

    def __init__(self, testbed, containerd, **more):
        super().__init__(testbed, **more)
        self._containerd = containerd

    def pull(self, image, port):
        return self._command(self._containerd.fetch(image.reference), port)

    def assert_pulled(self, image):
        for digest in (image.digest, image.config_digest, *(layer.digest for layer in image.layers)):
            assert_digest(self._containerd.path(digest), digest)

    def discard(self, image):
        for layer in image.layers:
            os.unlink(self._containerd.path(layer.digest))


class Docker(Puller):
    """dockerd with its graphdriver store: one for each pull, as it has one proxy."""

    name = "docker"

    def prepare(self, port):
        # As many attempts as it makes by default.
        self._dockerd = peers.start_dockerd(self._testbed, self._proxy(port), download_attempts=5, trusted=self._trusted)

    def pull(self, image, port):
        return self._command(self._dockerd.command_line("pull", image.reference))

    def reader(self, pull):
        return self._dockerd

    def assert_pulled(self, image):
        shown = self._dockerd.docker("inspect", "--format", "{{index .RepoDigests 0}}", image.reference).stdout.strip()
        assert shown == f"{image.reference.rpartition(':')[0]}@{image.digest}", shown

    def discard(self, image):
        self._dockerd.docker("rmi", image.reference)
        self._dockerd.stop()


class Skopeo(Puller):
    name = "skopeo"
    config_comes_beside_layers = False

    @staticmethod
    def _folder(image):
        return f"{isolate.STATE}/skopeo-{image.repository}"

    def pull(self, image, port):
        argv = ["/usr/bin/skopeo", "--insecure-policy", "copy", "--retry-times", "3", f"docker://{image.reference}"]
        return self._command([*argv, f"dir:{self._folder(image)}"], port)

    def assert_pulled(self, image):
        for layer in image.layers:
            assert_digest(f"{self._folder(image)}/{layer.digest.partition(':')[2]}", layer.digest)

    def discard(self, image):
        shutil.rmtree(self._folder(image))


class Podman(Puller):
    name = "podman"
    config_comes_beside_layers = False

    @staticmethod
    def _folder(image):
        # Each with a store of its own, as a store is locked while a layer is put in place.
        return peers.folder(f"podman-{image.repository}")

    def _podman(self, image, *arguments):
        at = self._folder(image)
        return ["/usr/bin/podman", "--root", f"{at}/root", "--runroot", f"{at}/run", "--tmpdir", f"{at}/tmp",
                "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none", *arguments]

    def pull(self, image, port):
        return self._command(self._podman(image, "pull", image.reference), port)

    def assert_pulled(self, image):
        inspect = self._podman(image, "image", "inspect", "--format", "{{.Digest}}", image.reference)
        shown = self._testbed.home.run(*inspect).stdout.strip()
        assert shown == image.digest, shown

    def discard(self, image):
        shutil.rmtree(self._folder(image))


def read_by(pid):
    """All bytes that a process has read so far, from files and sockets; none if it is gone."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as counters:
            return int(counters.readline().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def assert_digest(path, digest):
    with open(path, "rb") as file:
        seen = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    assert seen == digest, f"{path} is {seen}"


def listening_socket(host, port):
    listener = host.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


# Pulls that have not come to their interruption yet: a few at a time, or all would be slow.
_started = threading.Semaphore(4)


class Interrupted:
    """A pull through the proxy at `port` that `interrupt` disturbs once each layer is well on its way, in a thread.

    `interrupt` returns when what it broke works again: that is the time from which the first new byte is awaited. Of a
    pull that succeeds, all is checked to be as it was made.
    """

    def __init__(self, client, image, port, interrupt):
        self.client, self.image = client, image
        self._port, self._interrupt = port, interrupt
        self.pull = self.code = self.first_byte = self.error = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            self._pull()
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def _pull(self):
        try:
            with _started:
                self.client.prepare(self._port)
                self.pull = self.client.pull(self.image, self._port)
                self.pull.start()
                reader = self.client.reader(self.pull).pid
                before = read_by(reader) if reader != self.pull.pid else 0
                self.pull.wait_until(lambda: self._in_the_middle(read_by(reader) - before), 90)
            cut_at = time.monotonic()
            self._interrupt()
            back_at = time.monotonic()
            self.code = self.pull.wait(120)
            if self.code == 0:
                self.client.assert_pulled(self.image)
                self.client.discard(self.image)
        finally:
            if self.pull:
                self.pull.kill()
        began = [request.began for request in self.image.later_requests() if request.began > cut_at]
        if began:
            self.first_byte = max(0.0, min(began) - back_at)

    def _in_the_middle(self, received):
        """Whether all layers are behind their marks, and next to nothing is still on its way to the client."""
        if self.client.config_comes_beside_layers and not self.image.config_is_there():
            # No client asks again for what has no answer yet.
            return False
        return self.image.behind_the_marks() and received > self.image.fetched() - MIB

    def finish(self, seconds=200):
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"{self.image.repository}: the pull goes on for ever"
        if self.error:
            raise self.error
        return self

    def report(self):
        """One line for a table."""
        if self.code is None:
            return f"{self.image.repository:<24} not finished"
        twice = f"{self.image.fetched_twice() / MIB:.1f} MiB twice" if self.code == 0 else "lost"
        first = "" if self.first_byte is None else f", first new byte after {self.first_byte:.2f} s"
        return f"{self.image.repository:<24} {twice}{first}"
