#!/usr/bin/env python3
"""Asks culvert whether it would start as the examples say.

    check_examples.py CULVERT EXAMPLES_FOLDER    exits 1 if one of them would not

Each configuration file and each command of a systemd unit is read by `culvert check`, which binds nothing. Where there is
systemd-analyze, it has nothing to say about the units.
"""

import pathlib
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
        return
    if path.suffix == ".png":
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


def main():
    culvert, folder = sys.argv[1:]
    read, bad = 0, 0
    for path in sorted(pathlib.Path(folder).rglob("*.*")):
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
