#!/usr/bin/env python3
"""Checks the layers of proxy/: who may include whom, and who may see which system header.

    check_layers.py PROXY_FOLDER    prints every violation; exits 1 if there is one
    check_layers.py --self-test     shows that each kind of violation is found
"""

import re

import tree_check

# A folder may include itself and the folders named here. main.cc may include all of them.
BELOW = {
    "base": [],
    "codec": ["base"],
    "policy": ["base"],
    "config": ["policy", "base"],
    "net": ["base"],
    "dial": ["net", "config", "policy", "codec", "base"],
    "session": ["dial", "net", "config", "policy", "codec", "base"],
    "server": ["session", "dial", "net", "config", "policy", "codec", "base"],
    "options": ["config", "policy", "base"],
    "host": ["policy", "base"],
    "check": ["host", "server", "session", "dial", "net", "config", "policy", "codec", "base"],
    "setup": ["host", "config", "policy", "base"],
    "admin": ["server", "session", "dial", "net", "config", "policy", "codec", "base"],
    "status": ["dial", "net", "config", "policy", "codec", "base"],
    "commands": ["options", "check", "setup", "status", "host", "admin", "server", "session", "dial", "net", "config", "policy", "codec",
                 "base"],
}

# Headers from outside that only some folders may see.
RESERVED = [
    (re.compile(r"uv\.h|ares\.h|openssl/.*|crypt\.h"), ["net"]),
    (re.compile(r"sys/(socket|epoll|un)\.h|netinet/.*|netdb\.h"), ["net"]),
    (re.compile(r"llhttp\.h"), ["codec"]),
    (re.compile(r"CLI/.*"), ["options", "commands"]),
    (re.compile(r"jansson\.h"), ["base"]),
]

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# At the margin: of the namespace.
DEFINITION = re.compile(r"^(?:class|struct|enum class|enum) (\w+)(?: final)?(?: : [^;{]*)? \{", re.MULTILINE)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)


def check_file(root, path):
    """Yields what is wrong with one file."""
    name = path.relative_to(root)
    folder = name.parts[0] if len(name.parts) > 1 else "main"
    if folder == "main":
        below = list(BELOW)
    elif folder in BELOW:
        below = [folder] + BELOW[folder]
    else:
        yield f"folder {folder} has no place in the layers"
        return

    code = COMMENT.sub("", path.read_text(encoding="utf-8"))
    includes = [match.groups() for match in INCLUDE.finditer(code)]

    for ours, system in includes:
        if ours:
            target = ours.partition("/")[0]
            if not (root / ours).is_file():
                yield f'"{ours}" is no file of proxy/ (write "folder/file.h")'
            elif target not in below:
                yield f'"{ours}" points upward: {folder} may not include {target}'
            continue
        for pattern, owners in RESERVED:
            if pattern.fullmatch(system) and folder not in owners:
                yield f"<{system}> belongs to {' and '.join(owners)}"

    if path.suffix == ".h":
        if not code.lstrip().startswith("#pragma once"):
            yield "does not begin with #pragma once"
    elif folder != "main":
        own = str(name.with_suffix(".h"))
        if (root / own).is_file():
            if not includes or includes[0][0] != own:
                yield f'does not include its own header "{own}" first'
        elif not any(ours and ours.startswith(folder + "/") for ours, _ in includes):
            yield f"has no header of its own, and includes none of {folder}/"


def check_names(root, headers):
    """Yields what has a name twice. Two classes of one name are one for the linker, which takes either's functions."""
    places = {}
    for path in headers:
        code = COMMENT.sub("", path.read_text(encoding="utf-8"))
        for name in set(DEFINITION.findall(code)):
            places.setdefault(name, []).append(str(path.relative_to(root)))
    for name, files in places.items():
        for other in files[1:]:
            yield f"{other}: {name} is defined in {files[0]}, too"


def check(root):
    """Returns (number of files, list of violations)."""
    files = sorted(path for path in root.rglob("*") if path.suffix in (".h", ".cc"))
    wrong = [f"{path.relative_to(root)}: {text}" for path in files for text in check_file(root, path)]
    return len(files), wrong + list(check_names(root, [path for path in files if path.suffix == ".h"]))


# A tree with one violation of each kind: {file: (text, the complaint or None)}.
SAMPLE = {
    "main.cc": ('#include <cstdio>\n#include "commands/serve.h"\n', None),
    "commands/serve.h": ("#pragma once\n#include <CLI/CLI.hpp>\n", None),
    "commands/serve.cc": ('#include "commands/serve.h"\n#include "server/server.h"\n', None),
    "server/server.h": ('// The server.\n\n/* Many\n   lines. */\n#pragma once\n'
                        '#include "session/session.h"\n', None),
    "session/session.h": ('#pragma once\n// #include "server/server.h"\n', None),
    "net/loop.h": ("#pragma once\n#include <uv.h>\n#include <sys/socket.h>\n", None),
    "net/loop.cc": ('#include "net/loop.h"\n#include "base/error.h"\n', None),
    "net/loop_linux.cc": ('#include <sys/epoll.h>\n#include "net/loop.h"\n', None),
    "base/error.h": ("#pragma once\n", None),
    "codec/head.h": ("#pragma once\n#include <llhttp.h>\n", None),
    "base/up.h": ('#pragma once\n#include "net/loop.h"\n', "points upward"),
    "codec/up.h": ('#pragma once\n#  include "net/loop.h"\n', "points upward"),
    "net/codec.h": ('#pragma once\n#include "codec/head.h"\n', "points upward"),
    "session/up.h": ('#pragma once\n#include "server/server.h"\n', "points upward"),
    "server/uv.h": ("#pragma once\n#include <uv.h>\n", "<uv.h> belongs to net"),
    "dial/tls.h": ("#pragma once\n#include <openssl/ssl.h>\n", "belongs to net"),
    "dial/socket.h": ("#pragma once\n#include <netinet/tcp.h>\n", "belongs to net"),
    "server/epoll.h": ("#pragma once\n#include <sys/epoll.h>\n", "belongs to net"),
    "session/llhttp.h": ("#pragma once\n#include <llhttp.h>\n", "belongs to codec"),
    "server/cli.h": ("#pragma once\n#include <CLI/CLI.hpp>\n", "belongs to options and commands"),
    "net/once.h": ("#include <string>\n#pragma once\n", "#pragma once"),
    "net/late.h": ("#pragma once\n", None),
    "net/late.cc": ('#include <string>\n#include "net/late.h"\n', "own header"),
    "net/orphan.cc": ('#include "base/error.h"\n', "no header of its own"),
    "net/bare.cc": ('#include "net/loop.h"\n#include "loop.h"\n', "no file of proxy/"),
    "util/misc.h": ("#pragma once\n", "no place in the layers"),
    "base/facts.h": ("#pragma once\nclass Other;\nstruct Facts {\n  struct Inner {};\n};\n", None),
    "net/facts.h": ("#pragma once\nclass Facts final : private Other {\n  struct Inner {};\n};\n", "Facts is defined in base/facts.h, too"),
}


def self_test():
    files = {name: text for name, (text, _) in SAMPLE.items()}
    expected = [(name, complaint) for name, (_, complaint) in SAMPLE.items() if complaint]
    return tree_check.self_test(check, files, expected)


if __name__ == "__main__":
    tree_check.main(__doc__, check, self_test)
