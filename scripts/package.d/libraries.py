"""The Debian packages that are linked into culvert: versions, licences, and what their authors want to be passed on."""

import dataclasses
import pathlib
import re
import subprocess

from common import SOURCE

# The packages of one library under the names that they have had, and its licence as SPDX has it.
IN_EVERY_CULVERT = [
    ("libllhttp-dev node-llhttp", "MIT"),
    ("libfmt-dev", "MIT"),
    ("libcli11-dev", "BSD-3-Clause"),
    ("libjansson-dev", "MIT"),
    ("libstdc++-14-dev libstdc++-13-dev libstdc++-12-dev", "GPL-3.0-or-later WITH GCC-exception-3.1"),
]
IN_THE_STATIC_ONE = [
    ("libc-ares-dev", "MIT"),
    ("libcrypt-dev", "LGPL-2.1-or-later"),
    ("libssl-dev", "Apache-2.0"),
    ("libuv1-dev", "MIT"),
    ("libc6-dev", "LGPL-2.1-or-later"),
]


@dataclasses.dataclass
class Library:
    package: str
    version: str
    source: str  # the name of its source package
    licence: str
    copyright: str  # the text


def unpacked(package, folders):
    """A package that is not installed but unpacked, beside its file, in one of the folders."""
    for folder in folders:
        for deb in sorted(pathlib.Path(folder).glob(f"{package}_*.deb")):
            done = subprocess.run(["dpkg-deb", "-f", deb, "Version", "Source"], check=True, capture_output=True, text=True)
            fields = dict(line.split(": ", 1) for line in done.stdout.splitlines())
            return fields["Version"], fields.get("Source", package).split()[0], pathlib.Path(folder)
    return None


def installed(package):
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version} ${source:Package}\n", package]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        status, version, source = line.split()
        if status == "installed":
            return version, source, pathlib.Path("/")
    return None


def find(names, licence, folders):
    for package in names.split():
        found = unpacked(package, folders) or installed(package)
        if found:
            version, source, root = found
            text = (root / "usr/share/doc" / package / "copyright").read_text(encoding="utf-8")
            return Library(package, version, source, licence, text)
    raise SystemExit(f"none of these packages is here: {names}")


def libraries(static, sysroot=None):
    """Of a program that was linked here, or with what is unpacked in the sysroot, and the libraries of the cross compiler."""
    folders = [SOURCE / "build/deps"]
    rows = IN_EVERY_CULVERT + (IN_THE_STATIC_ONE if static else [])
    if sysroot:
        folders.insert(0, sysroot)
        rows = [(re.sub(r"(libstdc\S*|libc6-dev)", r"\1-arm64-cross", names), licence) for names, licence in rows]
    return sorted((find(*row, folders) for row in rows), key=lambda library: library.package)


def licences(linked):
    """One text of all that they want to go with the program."""
    text = "culvert contains the libraries below, as Debian has them; its source packages are their source code.\n"
    for library in linked:
        title = f"{library.package} {library.version} (source package {library.source})"
        text += f"\n{'=' * len(title)}\n{title}\n{'=' * len(title)}\n\n{library.copyright.strip()}\n"
    return re.sub(r"[ \t]+\n", "\n", text)
