#!/usr/bin/env python3
"""Asks culvert whether it would start as the examples say.

    check_examples.py CULVERT EXAMPLES_FOLDER    exits 1 if one of them would not

Each configuration file, each command of a systemd unit and the arguments of each container of Kubernetes' are read by `culvert check`,
which binds nothing. Where there is
systemd-analyze, it has nothing to say about the units; a shell can read the scripts, and shellcheck, where it is, has nothing to
say about them; what README files link to is there.
"""

import itertools
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

UNITS = (".service", ".socket")
# The files that an example names, as a machine would have them: certificates, or a line that is a password.
NAMED = re.compile(r"/etc/(?:culvert|upstream)/([\w.-]+)")
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")


def copy_of_configuration(path, folder):
    """The files that it names are made in the folder, too."""
    text = "".join(line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if not line.startswith("#"))
    for name in NAMED.findall(text):
        content = CERTIFICATES.read_text(encoding="utf-8") if name.endswith(".pem") else "a password\n"
        pathlib.Path(folder, name).write_text(content, encoding="utf-8")
    copy = pathlib.Path(folder, path.name)
    copy.write_text(NAMED.sub(rf"{folder}/\1", text), encoding="utf-8")
    return copy


def containers(path):
    """The arguments of each container of culvert's image that a manifest has, one a line."""
    for container in re.split(r"^ +- name: ", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
        if re.search("^ +image: culvert/culvert$", container, flags=re.MULTILINE):
            lines = (line.strip() for line in container.partition(" args:\n")[2].splitlines())
            lines = itertools.takewhile(lambda line: line.startswith(("#", "- --")), lines)
            yield [line.removeprefix("- ") for line in lines if line.startswith("-")]


def commands(path, folder):
    """The options of each culvert that the file starts. The files that a configuration names are made in the folder."""
    if path.suffix == ".toml":
        yield ["--config", str(copy_of_configuration(path, folder))]
    if path.suffix == ".yaml":
        for arguments in containers(path):
            # The base has the configuration of all of them. Without a single argument nothing is checked.
            copy_of_configuration(path.parent.parent / "base/culvert.toml", folder)
            yield [NAMED.sub(rf"{folder}/\1", argument) for argument in arguments] or ["--no-arguments-found"]
    if path.suffix not in UNITS:
        return
    for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        # A commented line is meant to be used some day; what it names is not there yet.
        words = shlex.split(line, comments=True)
        if words and words[0].startswith("ExecStart=") and words[0].endswith("/culvert"):
            yield words[1:]


def complaints_about_units(culvert, folder):
    """Of systemd. The program is not where the units have it."""
    if not shutil.which("systemd-analyze"):
        return ""
    with tempfile.TemporaryDirectory() as copies:
        for path in pathlib.Path(folder).rglob("*.*"):
            if path.suffix in UNITS:
                text = path.read_text(encoding="utf-8").replace("/usr/local/bin/culvert", culvert).replace("/usr/bin/ssh", "/bin/true")
                pathlib.Path(copies, path.name).write_text(text, encoding="utf-8")
        units = sorted(map(str, pathlib.Path(copies).iterdir()))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60, check=False
        )
    return done.stdout + done.stderr


def output_of(*command):
    """What it says, if it fails or says anything at all."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr or (f"{command[0]} fails\n" if done.returncode else "")


def complaints_about_script(path):
    """Of the shell that would run it, and of shellcheck."""
    with open(path, "rb") as file:
        first = file.readline()
    if not first.startswith(b"#!"):
        return ""
    shell = first.split(b"/")[-1].split()[-1].decode()
    if shell not in ("sh", "bash"):
        return ""
    if not path.stat().st_mode & 0o100:
        return "it cannot be executed\n"
    shellcheck = output_of("shellcheck", str(path)) if shutil.which("shellcheck") else ""
    return output_of(shell, "-n", str(path)) or shellcheck


def complaints_about_links(path):
    if path.suffix != ".md":
        return ""
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    return "".join(f"{link} is not there\n" for link in links if "://" not in link and not (path.parent / link).exists())


def folders_that_are_not_listed(folder):
    """In the README file of all of them."""
    listed = pathlib.Path(folder, "README.md").read_text(encoding="utf-8")
    inside = [path for path in sorted(pathlib.Path(folder).iterdir()) if path.is_dir() and not any(path.glob("*.png"))]
    return "".join(f"README.md does not name {path.name}\n" for path in inside if f"]({path.name}/" not in listed)


def main():
    culvert, folder = sys.argv[1:]
    read, bad = 0, 0
    if complaints := folders_that_are_not_listed(folder):
        bad += 1
        print(complaints)
    for path in sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file()):
        if complaints := complaints_about_script(path) + complaints_about_links(path):
            bad += 1
            print(f"{path}: {complaints}")
        with tempfile.TemporaryDirectory() as named:
            for options in commands(path, named):
                read += 1
                done = subprocess.run(
                    [culvert, "check", "--route", "https://gcr.io", *options], capture_output=True, text=True, timeout=30, check=False
                )
                if done.returncode != 0 or done.stderr:
                    bad += 1
                    print(f"{path}: exit status {done.returncode}\n{done.stderr}")
    if complaints := complaints_about_units(culvert, folder):
        bad += 1
        print(complaints)
    print(f"{read} read, {bad} bad")
    return 0 if read >= 2 and not bad else 1


if __name__ == "__main__":
    sys.exit(main())
