#!/usr/bin/env python3
"""Asks culvert whether it would start as the examples say.

    check_examples.py CULVERT EXAMPLES_FOLDER    exits 1 if one of them would not

Each configuration file and each command of a systemd unit is read by `culvert check`, which binds nothing. Where there is
systemd-analyze, it has nothing to say about the units; a shell can read the scripts, and shellcheck, where it is, has nothing to
say about them; what README files link to is there.
"""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

UNITS = (".service", ".socket")


def commands(path):
    """The options of each culvert that the file starts."""
    if path.suffix == ".toml":
        yield ["--config", str(path)]
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


def main():
    culvert, folder = sys.argv[1:]
    read, bad = 0, 0
    for path in sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file()):
        if complaints := complaints_about_script(path) + complaints_about_links(path):
            bad += 1
            print(f"{path}: {complaints}")
        for options in commands(path):
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
