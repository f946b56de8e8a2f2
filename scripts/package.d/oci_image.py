#!/usr/bin/env python3
"""Writes a container image, without a docker daemon, as one tar file: an OCI image layout that "docker load" takes, too.

    oci_image.py --name culvert/culvert:0.1.0 --root FOLDER --entrypoint '["/usr/bin/culvert"]' [OPTION...] IMAGE.tar

Each --root is the content of one layer, in this order. The same content gives the same bytes, whatever the folders' names,
times, owners and file modes: files are root's, those that anybody may execute and folders have mode 0755, others 0644,
unless --owner and --mode say otherwise, and the time of everything is --created, or SOURCE_DATE_EPOCH, in seconds since 1970.

A Python program may call write_image() instead.
"""

import argparse
import contextlib
import dataclasses
import gzip
import hashlib
import json
import os
import pathlib
import re
import stat
import sys
import tarfile
import tempfile
import time

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"
NANOSECONDS = 1_000_000_000


@dataclasses.dataclass
class Image:
    """What there is to say about an image. Paths of owners and modes are those in the image, as in /var/lib/registry."""

    name: str  # as docker shows it: culvert/culvert:0.1.0
    roots: list  # folders, one a layer
    created: int = 0
    architecture: str = "amd64"
    entrypoint: list = dataclasses.field(default_factory=list)
    cmd: list = dataclasses.field(default_factory=list)
    env: list = dataclasses.field(default_factory=list)  # of NAME=VALUE
    user: str = ""
    ports: list = dataclasses.field(default_factory=list)  # as in 3128/tcp
    volumes: list = dataclasses.field(default_factory=list)
    labels: dict = dataclasses.field(default_factory=dict)
    workdir: str = "/"
    stop_signal: str = ""
    health: list = dataclasses.field(default_factory=list)  # a command line; docker calls it in the container
    health_interval: int = 30  # in seconds, as the next two
    health_timeout: int = 5
    health_start: int = 5
    owners: dict = dataclasses.field(default_factory=dict)  # path: (user, group), as numbers
    modes: dict = dataclasses.field(default_factory=dict)  # path: a number

    def config(self, diff_ids):
        """The image's configuration, as the OCI image specification has it; Healthcheck is docker's addition."""
        settings = {
            "User": self.user,
            "ExposedPorts": {port if "/" in port else f"{port}/tcp": {} for port in self.ports},
            "Env": self.env,
            "Entrypoint": self.entrypoint,
            "Cmd": self.cmd,
            "Volumes": {path: {} for path in self.volumes},
            "WorkingDir": self.workdir,
            "Labels": self.labels,
            "StopSignal": self.stop_signal,
        }
        if self.health:
            settings["Healthcheck"] = {
                "Test": ["CMD", *self.health],
                "Interval": self.health_interval * NANOSECONDS,
                "Timeout": self.health_timeout * NANOSECONDS,
                "StartPeriod": self.health_start * NANOSECONDS,
                "Retries": 3,
            }
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.created))
        return {
            "architecture": self.architecture,
            "os": "linux",
            "created": created,
            "config": {name: value for name, value in settings.items() if value},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created": created, "created_by": "oci_image.py"} for _ in diff_ids],
        }


class HashedFile:
    """A file that is written from its beginning to its end, and hashed."""

    def __init__(self, file):
        self._file = file
        self._size = 0
        self.sha256 = hashlib.sha256()

    def write(self, data):
        self.sha256.update(data)
        self._size += len(data)
        return self._file.write(data)

    def flush(self):
        pass

    def tell(self):
        return self._size

    def digest(self):
        return f"sha256:{self.sha256.hexdigest()}"


def entries_below(folder):
    """Everything below the folder, as (path in the image, path here), each folder before what is in it."""
    for here, folders, files in os.walk(folder):
        # In this order it goes on walking, too.
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(here, name)
            yield "/" + os.path.relpath(path, folder), path


def tar_entry(image, name, path):
    entry = tarfile.TarInfo(name.lstrip("/"))
    entry.mtime = image.created
    entry.uid, entry.gid = image.owners.get(name, (0, 0))
    mode = os.lstat(path).st_mode
    entry.mode = 0o755 if stat.S_ISDIR(mode) or mode & stat.S_IXOTH else 0o644
    if stat.S_ISLNK(mode):
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
    elif stat.S_ISDIR(mode):
        entry.type = tarfile.DIRTYPE
    elif stat.S_ISREG(mode):
        entry.size = os.path.getsize(path)
    else:
        raise ValueError(f"{path} is neither a file nor a folder nor a link")
    entry.mode = image.modes.get(name, entry.mode)
    return entry


def write_layer(image, folder, file):
    """The content of the folder as a compressed tar. Returns the digest of that tar, and of what it is before compression."""
    blob = HashedFile(file)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=blob, mtime=0) as compressed:
        plain = HashedFile(compressed)
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, path in entries_below(folder):
                entry = tar_entry(image, name, path)
                if entry.isreg():
                    with open(path, "rb") as content:
                        tar.addfile(entry, content)
                else:
                    tar.addfile(entry)
    return blob.digest(), plain.digest()


def as_json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Layout:
    """A folder that becomes an OCI image layout."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self._blobs = self.folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)

    def add(self, kind, data):
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    def add_layer(self, image, folder):
        """Its descriptor, and the digest of the tar in it."""
        new = self._blobs / "new"
        with open(new, "wb") as file:
            digest, diff_id = write_layer(image, folder, file)
        size = new.stat().st_size
        new.rename(self.path(digest))
        return {"mediaType": LAYER, "digest": digest, "size": size}, diff_id

    def path(self, digest):
        return self._blobs / digest.removeprefix("sha256:")

    def write(self, name, value):
        (self.folder / name).write_bytes(as_json(value))


def full_name(name):
    """With the registry, as containerd has names: docker.io where there is none."""
    first, slash, _ = name.partition("/")
    if slash and (set(".:") & set(first) or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def fill_layout(layout, image):
    """Returns the digest of the manifest, by which a registry would know the image."""
    known = set(path for root in image.roots for path, _ in entries_below(root))
    missing = sorted({*image.owners, *image.modes} - known)
    if missing:
        raise ValueError(f"not in the image: {' '.join(missing)}")
    layers = [layout.add_layer(image, root) for root in image.roots]
    config = layout.add(CONFIG, as_json(image.config([diff_id for _, diff_id in layers])))
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer for layer, _ in layers]}
    described = layout.add(MANIFEST, as_json(manifest))
    described["platform"] = {"architecture": image.architecture, "os": "linux"}
    # The first is what containerd and docker go by, the second is the layout's own.
    tag = image.name.rpartition(":")[2]
    described["annotations"] = {"io.containerd.image.name": full_name(image.name), "org.opencontainers.image.ref.name": tag}
    layout.write("oci-layout", {"imageLayoutVersion": "1.0.0"})
    layout.write("index.json", {"schemaVersion": 2, "mediaType": INDEX, "manifests": [described]})
    # For "docker load" before Docker 25, and podman.
    place = [f"blobs/sha256/{digest.removeprefix('sha256:')}" for digest in (config["digest"], *(layer["digest"] for layer, _ in layers))]
    layout.write("manifest.json", [{"Config": place[0], "RepoTags": [image.name], "Layers": place[1:]}])
    return described["digest"]


def write_image(image, target):
    """Writes the tar file `target`. Returns the digest of the image's manifest."""
    target = pathlib.Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        layout = Layout(os.path.join(folder, "layout"))
        digest = fill_layout(layout, image)
        new = os.path.join(folder, "tar")
        plain = dataclasses.replace(image, owners={}, modes={})
        with tarfile.open(new, "w", format=tarfile.GNU_FORMAT) as tar:
            for name, path in entries_below(layout.folder):
                entry = tar_entry(plain, name, path)
                with open(path, "rb") if entry.isreg() else contextlib.nullcontext() as content:
                    tar.addfile(entry, content)
        os.replace(new, target)
    return digest


# ---- the command line


def command_of(text):
    command = json.loads(text)
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise ValueError("no list of strings")
    return command


def owner_of(text):
    path, _, ids = text.partition("=")
    user, _, group = ids.partition(":")
    return path, (int(user), int(group))


def mode_of(text):
    path, _, mode = text.partition("=")
    return path, int(mode, 8)


def pair_of(text):
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError("no NAME=VALUE")
    return name, value


def folder_of(text):
    if not os.path.isdir(text):
        raise ValueError("no folder")
    return text


def name_of(text):
    if not re.fullmatch(r"[a-z0-9][a-z0-9._/-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise ValueError("no NAME:TAG")
    return text


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("image", metavar="IMAGE.tar")
    parser.add_argument("--name", type=name_of, required=True, metavar="NAME:TAG")
    parser.add_argument("--root", type=folder_of, action="append", required=True, dest="roots", metavar="FOLDER", help="a layer; repeatable")
    parser.add_argument("--architecture", default="amd64", help="amd64 (the default), arm64")
    parser.add_argument("--entrypoint", type=command_of, default=[], metavar="JSON", help="a list of words")
    parser.add_argument("--cmd", type=command_of, default=[], metavar="JSON")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="repeatable")
    parser.add_argument("--user", default="", metavar="USER[:GROUP]")
    parser.add_argument("--port", action="append", default=[], dest="ports", metavar="PORT[/tcp]", help="repeatable")
    parser.add_argument("--volume", action="append", default=[], dest="volumes", metavar="PATH", help="repeatable")
    parser.add_argument("--label", type=pair_of, action="append", default=[], dest="labels", metavar="NAME=VALUE", help="repeatable")
    parser.add_argument("--workdir", default="/", metavar="PATH")
    parser.add_argument("--stop-signal", default="", metavar="SIGNAL")
    parser.add_argument("--health", type=command_of, default=[], metavar="JSON", help="HEALTHCHECK, as a list of words")
    parser.add_argument("--health-interval", type=int, default=30, metavar="SECONDS")
    parser.add_argument("--health-timeout", type=int, default=5, metavar="SECONDS")
    parser.add_argument("--health-start", type=int, default=5, metavar="SECONDS", help="failures so soon after the start do not count")
    parser.add_argument("--owner", type=owner_of, action="append", default=[], dest="owners", metavar="PATH=UID:GID", help="repeatable")
    parser.add_argument("--mode", type=mode_of, action="append", default=[], dest="modes", metavar="PATH=MODE", help="octal; repeatable")
    parser.add_argument("--created", type=int, default=int(os.environ.get("SOURCE_DATE_EPOCH", "0")), metavar="SECONDS")
    return parser.parse_args()


def main():
    given = vars(arguments())
    target = given.pop("image")
    for name in ("labels", "owners", "modes"):
        given[name] = dict(given[name])
    try:
        digest = write_image(Image(**given), target)
    except (ValueError, OSError) as error:
        sys.exit(f"oci_image.py: {error}")
    print(f"{target}  {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
