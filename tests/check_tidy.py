#!/usr/bin/env python3
"""Checks the source files of a folder: clang-tidy has no warning.

    check_tidy.py BUILD_FOLDER FILE...    BUILD_FOLDER has a compile_commands.json

clang-tidy reads them together, as the build does: most of its time goes into the system's headers.

What was found clean is not looked at again while nothing changes that its verdict depends on: BUILD_FOLDER/tidy keeps
a stamp for each such state.

Another clang-tidy than 14 has other checks by the same names: it says SKIP and ends with 77.
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
SKIPPED = 77
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def find_clang_tidy():
    for name in ("clang-tidy-14", "clang-tidy"):
        if path := shutil.which(name):
            return path
    sys.exit("clang-tidy is missing (Debian package clang-tidy)")


def flags_of(build):
    """How proxy/ is compiled, as far as it decides how a source is read: macros, folders, language, warnings."""
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    command = next((entry["command"] for entry in entries if "culvert_core.dir" in entry["command"]), None)
    if command is None:
        sys.exit(f"{build}/compile_commands.json does not say how proxy/ is compiled")
    words = iter(shlex.split(command))
    flags = []
    for word in words:
        if word == "-include":
            # Of what is precompiled, a source may not count on more than base/whole_numbers.h.
            name = next(words)
            flags += [word, str(ROOT / "proxy/base/whole_numbers.h") if name.endswith("cmake_pch.hxx") else name]
        elif word in ("-I", "-isystem", "-D"):
            flags += [word, next(words)]
        elif re.match("-(I|D|U|W|std=)", word):
            flags.append(word)
    return flags


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


def state_of(paths, command):
    """A digest of all that a verdict depends on; of the system's headers it knows the compiler's flags only."""
    files = {}
    for path in paths:
        with_headers(path, files)
    return digest(*map(str.encode, command), *(files[key] for key in sorted(files)))


def digest(*parts):
    """Of byte strings, each of which counts by itself."""
    sum_of_all = hashlib.sha256()
    for part in parts:
        sum_of_all.update(b"%d " % len(part) + part)
    return sum_of_all.hexdigest()


def passes(stamp, command, folder):
    if stamp.exists():
        return True
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode == 0 and "warning:" not in done.stdout:
        stamp.touch()
        return True
    # What clang-tidy says on stderr is noise, unless it has failed itself.
    print(done.stdout or done.stderr, flush=True)
    return False


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    files = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    # The build has fmt's functions, which take a third of the time.
    flags = [flag for flag in flags_of(build) if not flag.startswith("-DFMT_HEADER_ONLY")]

    clang_tidy = find_clang_tidy()
    tool = subprocess.run([clang_tidy, "--version"], check=True, capture_output=True, text=True).stdout
    if not re.search(r"version 14\.", tool):
        print(f"SKIP: .clang-tidy is for clang-tidy 14, and here is {re.search('version ([0-9.]+)', tool)[1]}", flush=True)
        sys.exit(SKIPPED)
    together = stamps / (files[0].parent.name + ".cc")
    together.write_text("".join(f'#include "{path}"\n' for path in files), encoding="utf-8")
    command = [clang_tidy, "--quiet", "--warnings-as-errors=*", "--checks=-bugprone-suspicious-include", str(together),
               "--", *flags]
    state = state_of(files, [tool, (ROOT / ".clang-tidy").read_text(encoding="utf-8"), *command])
    good = passes(stamps / state, command, build)

    print(f"{len(files)} files" + ("" if good else ", not good"))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
