#!/usr/bin/env python3
"""Checks the README files and the manual.

    check_documents.py CULVERT REPOSITORY            exits 1 if something is wrong
    check_documents.py --renew CULVERT REPOSITORY    writes the tables of proxy/manual/options.md anew
    check_documents.py --self-test                   shows that mistakes are found

README.md fits in 200 lines. Each link within the repository leads to a file, and to a heading in it. README.md names every chapter
of the manual, and the tables of the chapter on options are those that options_table.py makes of `culvert --help`.
"""

import itertools
import pathlib
import re
import subprocess
import sys

import options_table
import tree_check

MOST_LINES = 200
MANUAL = "proxy/manual"
OPTIONS = f"{MANUAL}/options.md"


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(path):
    return {options_table.slug(heading) for heading in re.findall(r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)}


def bad_links(root, path):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text(encoding="utf-8"))):
        if re.match(r"\w+:", target):
            continue
        file, _, heading = target.partition("#")
        other = (path.parent / file).resolve() if file else path
        if not other.exists():
            yield f"{path.relative_to(root)}: {target} leads nowhere"
        elif heading and heading not in headings(other):
            yield f"{path.relative_to(root)}: {target}: there is no such heading"


def option_mistakes(told, path):
    """The first line that is another one than is made."""
    try:
        made = options_table.chapter(told, path).splitlines()
    except ValueError as error:
        yield f"{OPTIONS}: {error}"
        return
    written = path.read_text(encoding="utf-8").splitlines()
    for number, (one, other) in enumerate(itertools.zip_longest(written, made), 1):
        if one != other:
            yield (
                f"{OPTIONS}:{number}: culvert --help makes another line, {other!r}\n"
                "    python3 tests/check_documents.py --renew CULVERT . writes it anew"
            )
            return


def mistakes(told, root):
    readme = (root / "README.md").read_text(encoding="utf-8")
    if (lines := readme.count("\n")) > MOST_LINES:
        yield f"README.md: {lines} lines, more than {MOST_LINES}"
    chapters = sorted((root / MANUAL).glob("*.md"))
    for chapter in chapters:
        if f"({MANUAL}/{chapter.name})" not in readme:
            yield f"README.md: no link to {MANUAL}/{chapter.name}"
    for path in [*root.glob("README*.md"), root / "proxy/README.md", *chapters, *sorted((root / "examples").rglob("*.md"))]:
        yield from bad_links(root, path)
    yield from option_mistakes(told, root / OPTIONS)


# What a --help has, and the tables that are made of it.
TOLD = """Usage: culvert [options]

Clients
  --listen ADDR:PORT        where clients connect (default:
                            127.0.0.1:3128)
                              PORT or :PORT   both, or
                                              all
                              *|direct
                            see 'a b' of NO_PROXY, --threads and
                            socks5://HOST
  --some-words WORD,...
                            some_words * (default: a, as b); c
  --open                    all may
  --help, -h                print this text

Examples
"""
TABLES = """### Clients

| option | default | meaning |
|---|---|---|
| `--listen ADDR:PORT` | 127.0.0.1:3128 | where clients connect<br>• `PORT` or `:PORT`: both, or all<br>• `*\\|direct`<br>\
see `a b` of `NO_PROXY`, `--threads` and `socks5://HOST`<br>see [Listeners](listeners.md) |
| `--some-words WORD,...` | a | `some_words` \\* (default: a, as b); c |
| `--open` | off | all may |
"""


def self_test():
    files = {
        "README.md": f"[gone](gone.md)\n[l]({MANUAL}/listeners.md)\n```\n# none\n```\n" + "\n" * 196,
        "README.zh-CN.md": "# A `b` c\n[a](#a-b-c) [b](README.md#none) [c](https://a.example/#b)\n",
        "proxy/README.md": "[here](#here)\n",
        f"{MANUAL}/listeners.md": "# Listeners: where\n",
        OPTIONS: f"# Options\n\n{TABLES}",
    }
    expected = [
        ("README.md", "201 lines"), ("README.md", "no link to proxy/manual/options.md"), ("README.md", "gone.md leads nowhere"),
        ("README.zh-CN.md", "README.md#none: there is no such heading"), ("proxy/README.md", "#here: there is no such heading"),
    ]
    options_table.SEE = {"listen": "listeners.md"}

    def wrong(told, expected):
        return tree_check.self_test(lambda root: (len(files), list(mistakes(told, root.resolve()))), files, expected)[1]

    found = wrong(TOLD, expected)
    found += wrong(TOLD.replace("all may", "none may"), [*expected, ("options.md:9", "none may")])
    found += wrong(TOLD.replace("  --open ", "  --shut "), [*expected, ("options.md:9", "--shut")])
    found += wrong(TOLD.replace("--listen ", "--listened "), [*expected, ("options.md", "there is no option listen")])
    options_table.SEE = {"open": "listeners.md#gone"}
    return found + wrong(TOLD, [*expected, ("options.md", "listeners.md#gone: there is no such heading")])


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        found = self_test()
    else:
        culvert, root = arguments[-2], pathlib.Path(arguments[-1]).resolve()
        told = subprocess.run([culvert, "--help"], capture_output=True, text=True, check=True, timeout=30).stdout
        if arguments[0] == "--renew":
            (root / OPTIONS).write_text(options_table.chapter(told, root / OPTIONS), encoding="utf-8")
        found = list(mistakes(told, root))
    print("\n".join([*found, f"{len(found)} mistakes"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
