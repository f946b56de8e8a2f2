#!/usr/bin/env python3
"""Runs clang-tidy over source files; a warning is a failure.

    check_tidy.py BUILD_FOLDER FILE...    BUILD_FOLDER has a compile_commands.json

Each file is looked at by itself, as it has to compile, even if the build compiles the files of a folder together.

A file that was found clean is not looked at again while nothing changes that its verdict depends on: BUILD_FOLDER/tidy
keeps a stamp for each such state.
"""

import hashlib
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def find_clang_tidy():
    for name in ("clang-tidy-14", "clang-tidy"):
        if path := shutil.which(name):
            return path
    sys.exit("clang-tidy is missing (Debian package clang-tidy)")


def with_headers(path, seen):
    """Adds to `seen` the file and all our own headers that it includes, however indirectly."""
    if path in seen:
        return
    text = path.read_bytes()
    seen[path] = text
    for name in INCLUDE.findall(text.decode()):
        header = ROOT / "proxy" / name
        if header.is_file():
            with_headers(header, seen)


def state_of(path, command, tool):
    """A digest of all that the verdict on the file depends on; of the system's headers it knows the compiler's flags only."""
    files = {}
    with_headers(path, files)
    digest = hashlib.sha256()
    for part in (tool.encode(), command.encode(), (ROOT / ".clang-tidy").read_bytes(), *(files[key] for key in sorted(files))):
        digest.update(b"%d " % len(part) + part)
    return digest.hexdigest()


def flags_of(command):
    """Those of a compile command that say how to read the source: macros, folders, language, warnings."""
    words = iter(shlex.split(command))
    flags = []
    for word in words:
        if word in ("-I", "-isystem", "-include", "-D"):
            flags += [word, next(words)]
        elif re.match("-(I|D|U|W|std=)", word):
            flags.append(word)
    return flags


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    files = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    commands = {pathlib.Path(entry["file"]).resolve(): flags_of(entry["command"]) for entry in entries}
    # Of the files that are compiled together; they have the same flags.
    core = next((flags_of(entry["command"]) for entry in entries if "culvert_core.dir" in entry["command"]), None)
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    clang_tidy = find_clang_tidy()
    tool = subprocess.run([clang_tidy, "--version"], check=True, capture_output=True, text=True).stdout

    looked_at = bad = 0
    for path in files:
        flags = commands.get(path, core)
        if flags is None:
            sys.exit(f"{path} is not in {build}/compile_commands.json")
        stamp = stamps / state_of(path, " ".join(flags), tool)
        if stamp.exists():
            continue
        looked_at += 1
        command = [clang_tidy, "--quiet", "--warnings-as-errors=*", path, "--", *flags]
        done = subprocess.run(command, cwd=build, capture_output=True, text=True)
        if done.returncode == 0 and "warning:" not in done.stdout:
            stamp.touch()
        else:
            bad += 1
            # What it says on stderr is noise, unless it has failed itself.
            print(done.stdout or done.stderr, flush=True)
    print(f"{len(files)} files, {looked_at} looked at, {bad} with warnings")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
