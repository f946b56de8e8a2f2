#!/usr/bin/env python3
"""Checks that each file of proxy/ compiles by itself: that it includes all that it uses.

    check_alone.py BUILD_FOLDER    BUILD_FOLDER has a compile_commands.json
    check_alone.py --self-test     shows that a missing #include is found

The build compiles the files of a folder together, so it would not miss an #include that another file brings.

Most of a compiler's work on one file is what that includes, so what many files include is precompiled: a header of ours with all
that it includes, or some of the system's. A file gets nothing precompiled that it does not include in any case, however
indirectly. So it sees what it includes and no more, only in another order. That makes no difference: all #includes come before
the code, or nothing is precompiled; and each header is itself checked in this way, in front of the source of its name or alone.

Half of a compiler's time for one file would be its own start, so libclang, which belongs to clang, reads one after the other. Where it
finds an error the compiler itself is asked, and tells it.

What was found good is not looked at again while nothing changes that the verdict depends on: BUILD_FOLDER/alone keeps a stamp for
each such state.
"""

import ctypes
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import check_tidy
import tree_check

SYSTEM_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<([^>\n]+)>", re.MULTILINE)
# About how long a compiler takes for some of the system's headers beside others, in hundredths of a second.
HEAVY = {
    "<algorithm>": 5, "<atomic>": 6, "<chrono>": 12, "<fmt/format.h>": 25, "<functional>": 8, "<map>": 4, "<memory>": 14, "<mutex>": 5,
    "<openssl/ssl.h>": 8, "<random>": 12, "<set>": 3, "<string>": 10, "<unordered_map>": 5, "<variant>": 4, "<vector>": 4,
}
# Precompiling is slower than reading.
COST_OF_PRECOMPILING = 1.5


def find_clang():
    for name in ("clang++-14", "clang++"):
        if path := shutil.which(name):
            return path
    sys.exit("clang++ is missing (Debian package clang)")


class Library:
    """libclang, of the same version as the compiler `clang`."""

    SEVERITY_OF_ERRORS = 3

    def __init__(self, clang):
        resources = subprocess.run([clang, "-print-resource-dir"], check=True, capture_output=True, text=True).stdout.strip()
        self._library = library = ctypes.CDLL(pathlib.Path(resources).parents[1] / "libclang.so.1")
        pointer, number = ctypes.c_void_p, ctypes.c_uint
        library.clang_createIndex.argtypes, library.clang_createIndex.restype = [ctypes.c_int, ctypes.c_int], pointer
        library.clang_parseTranslationUnit2FullArgv.argtypes = [
            pointer, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, pointer, number, number, ctypes.POINTER(pointer)]
        library.clang_getNumDiagnostics.argtypes = library.clang_disposeTranslationUnit.argtypes = [pointer]
        library.clang_getDiagnostic.argtypes, library.clang_getDiagnostic.restype = [pointer, number], pointer
        library.clang_getDiagnosticSeverity.argtypes = library.clang_disposeDiagnostic.argtypes = [pointer]
        self._index = library.clang_createIndex(0, 0)

    def accepts(self, command):
        """Whether there is no error in the file that the compiler would read with this command line."""
        words = (ctypes.c_char_p * len(command))(*(word.encode() for word in command))
        unit = ctypes.c_void_p()
        if self._library.clang_parseTranslationUnit2FullArgv(
                self._index, None, words, len(command), None, 0, 0, ctypes.byref(unit)) != 0:
            return False
        worst = 0
        for i in range(self._library.clang_getNumDiagnostics(unit)):
            diagnostic = self._library.clang_getDiagnostic(unit, i)
            worst = max(worst, self._library.clang_getDiagnosticSeverity(diagnostic))
            self._library.clang_disposeDiagnostic(diagnostic)
        self._library.clang_disposeTranslationUnit(unit)
        return worst < self.SEVERITY_OF_ERRORS


class Tree:
    """The files of a folder like proxy/, and what each of them includes: names as "base/text.h" and "<string>"."""

    def __init__(self, root):
        self.root = root
        files = sorted(path for path in root.rglob("*") if path.suffix in (".h", ".cc"))
        self.texts = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in files}
        self._includes = {}

    def own_includes(self, name):
        return [included for included in check_tidy.INCLUDE.findall(self.texts[name]) if included in self.texts]

    def includes(self, name):
        """All that the file includes, however indirectly, and itself if it is a header."""
        if name not in self._includes:
            found = {f"<{system}>" for system in SYSTEM_INCLUDE.findall(self.texts[name])}
            if name.endswith(".h"):
                found.add(name)
            self._includes[name] = found  # for headers that include each other
            self._includes[name] = frozenset(found.union(*map(self.includes, self.own_includes(name))))
        return self._includes[name]

    def state(self, name):
        return [self.texts[one].encode() for one in (name, *sorted(self.includes(name) & self.texts.keys()))]

    def begins_with_includes(self, name):
        """Whether nothing precedes an #include in the file, which might matter for what it includes."""
        seen_other = False
        for line in re.sub(r"/\*.*?\*/", "", self.texts[name], flags=re.DOTALL).splitlines():
            line = line.partition("//")[0].strip()
            if re.match(r"#\s*include\b", line):
                if seen_other:
                    return False
            elif line and not re.match(r"#\s*pragma\s+once\b", line):
                seen_other = True
        return True

    def allowed(self, name):
        """Of what may be precompiled for the file: nothing if an order matters."""
        own = self.includes(name) & self.texts.keys()
        return self.includes(name) if all(map(self.begins_with_includes, {name, *own})) else frozenset()

    def units(self):
        """What is to be compiled, {file: that of which something may be precompiled}. A source that has its own header first
        stands for that as well."""
        units, done = {}, set()
        for source in self.texts:
            if not source.endswith(".cc"):
                continue
            own = source[:-3] + ".h"
            first = own if self.own_includes(source)[:1] == [own] else source
            done.add(first)
            units[source] = self.allowed(first) if self.begins_with_includes(source) else frozenset()
        units |= {header: self.allowed(header) for header in self.texts if header.endswith(".h") and header not in done}
        return units


def weight(names):
    """The same for these headers, our own among them."""
    return 4 + sum(HEAVY.get(name, 1) for name in names)


def choose(tree, units):
    """What to precompile, as sets of names: one of our headers with all that it includes, or headers of the system. Each saves
    more time than it costs. Those that others include come first."""
    candidates = {tree.allowed(name) for name in tree.texts if name.endswith(".h")}
    candidates |= {frozenset(allowed - tree.texts.keys()) for allowed in units.values()}
    weights = {names: weight(names) for names in candidates}
    users = {names: [unit for unit, allowed in units.items() if names <= allowed] for names in candidates}
    chosen, saved = [], dict.fromkeys(units, 0)

    def gain(names):
        return sum(max(0, weights[names] - saved[unit]) for unit in users[names]) - COST_OF_PRECOMPILING * weights[names]

    while candidates and gain(best := max(sorted(candidates, key=sorted), key=gain)) > 0:
        chosen.append(best)
        candidates.remove(best)
        for unit in users[best]:
            saved[unit] = max(saved[unit], weights[best])
    return sorted(chosen, key=lambda names: (len(names), sorted(names)))


def check(root, flags, stamps):
    """Returns (number of files, list of what is wrong)."""
    tree = Tree(root)
    units = tree.units()
    command = [find_clang(), "-w", "-fpch-instantiate-templates", *flags, f"-I{root}"]
    version = subprocess.run([command[0], "--version"], check=True, capture_output=True).stdout
    stamp_of = {unit: stamps / check_tidy.digest(version, *map(str.encode, (unit, *command)), *tree.state(unit)) for unit in units}
    units = {unit: allowed for unit, allowed in units.items() if not stamp_of[unit].exists()}
    if not units:
        return len(tree.texts), []
    library = Library(command[0])
    wrong, precompiled = [], {}
    with tempfile.TemporaryDirectory() as folder:
        def run(path, *more):
            return subprocess.run([*command, *more, str(path)], cwd=folder, capture_output=True, text=True)

        def including(names, file):
            path = pathlib.Path(folder, file)
            lines = (f"#include {name}\n" if name[0] == "<" else f'#include "{name}"\n' for name in sorted(names))
            path.write_text("".join(lines), encoding="utf-8")
            return path

        for names in choose(tree, units):
            target = f"{folder}/{len(precompiled)}.pch"
            # If it fails, one of the units will say why.
            if run(including(names, f"{len(precompiled)}.h"), "-x", "c++-header", "-o", target).returncode == 0:
                precompiled[names] = target
        for unit, allowed in units.items():
            best = max((names for names in precompiled if names <= allowed), key=weight, default=None)
            more = ["-fsyntax-only", *(["-include-pch", precompiled[best]] if best else [])]
            path = root / unit if unit.endswith(".cc") else including([unit], "unit.cc")
            if library.accepts([*command, *more, str(path)]) or (done := run(path, *more)).returncode == 0:
                stamp_of[unit].touch()
            else:
                wrong.append(f"{unit} does not compile by itself:\n{done.stderr}")
    return len(tree.texts), wrong


def check_build(build):
    stamps = build / "alone"
    stamps.mkdir(exist_ok=True)
    # The build has fmt's functions, which take a third of the time, and the warnings.
    flags = [flag for flag in check_tidy.flags_of(build) if not flag.startswith(("-DFMT_HEADER_ONLY", "-W"))]
    return check(check_tidy.ROOT / "proxy", flags, stamps)


# Enough that is right for "base/list.h", and <string>, to be precompiled.
SAMPLE = {
    "base/list.h": "#pragma once\n#include <string>\n#include <vector>\nusing List = std::vector<std::string>;\n",
    **{f"base/good{i}.h": '#pragma once\n#include "base/list.h"\nList f();\n' for i in range(8)},
    **{f"base/good{i}.cc": f'#include "base/good{i}.h"\n\n#include <map>\nstd::map<int, List> some;\n' for i in range(8)},
    **{f"base/text{i}.cc": "#include <string>\nstd::string text;\n" for i in range(8)},
    "base/macro.cc": '#define LISTS 1\n#include "base/list.h"\nList some[LISTS];\n',
    # What only others include.
    "base/system.cc": '#include "base/list.h"\nstd::map<int, List> some;\n',
    "base/indirect.cc": "#include <string>\nstd::vector<std::string> some;\n",
    "base/ours.cc": "#include <string>\n#include <vector>\nList some;\n",
    # What the source includes after its header, or before another one.
    "base/own.h": "#pragma once\nstd::string f();\n",
    "base/own.cc": '#include "base/own.h"\n\n#include <string>\n',
    "base/bare.h": "#pragma once\nextern List some;\n",
    "base/user.cc": '#include "base/list.h"\n#include "base/bare.h"\n',
}
MISTAKES = ("base/system.cc", "base/indirect.cc", "base/ours.cc", "base/own.cc", "base/bare.h")


def self_test():
    used = []

    def check_sample(root):
        tree = Tree(root)
        used.extend(choose(tree, tree.units()))
        with tempfile.TemporaryDirectory() as stamps:
            return check(root, ["-std=c++20"], pathlib.Path(stamps))

    files, wrong = tree_check.self_test(check_sample, SAMPLE, [(name, f"{name} does not compile by itself") for name in MISTAKES])
    if not any("base/list.h" in names for names in used) or {"<string>"} not in used:
        wrong.append(f"the wrong headers are precompiled: {used}")
    return files, wrong


if __name__ == "__main__":
    tree_check.main(__doc__, check_build, self_test)
