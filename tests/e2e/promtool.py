"""promtool, which comes with Prometheus: what it says of metrics and of alert rules."""

import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
# Where scripts/test unpacks it, as the package would install a server as well.
UNPACKED = pathlib.Path(__file__).parents[2] / "build/prometheus/usr/bin/promtool"


def find():
    """Its path; None if it is not there."""
    if found := shutil.which("promtool"):
        return found
    return str(UNPACKED) if UNPACKED.exists() else None


def skip_unless_there():
    """For a program that is a test of ctest."""
    if find():
        return
    print("SKIP: there is no promtool (Debian's package prometheus)", flush=True)
    sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)


def run(arguments, text=None):
    """Its lines, if it complains. It calls some complaints advice and is content with its exit status then."""
    done = subprocess.run([find(), *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).splitlines()
    return done.returncode, [line for line in said if line.strip()]


def complaints_about_metrics(text):
    """About a text of Prometheus' format: mistakes, and names that are not as they use to be."""
    status, lines = run(["check", "metrics"], text)
    return lines or ([f"exit status {status}"] if status else [])


def complaints_about_rules(path):
    """What fails of the tests of rules at `path`."""
    status, lines = run(["test", "rules", str(path)])
    return (lines or [f"exit status {status}"]) if status else []
