#!/usr/bin/env python3
"""Checks the README files and the manual.

    check_documents.py CULVERT REPOSITORY    exits 1 if something is wrong
    check_documents.py --self-test           shows that mistakes are found

README.md fits in 200 lines. Each link within the repository leads to a file, and to a heading in it. README.md names every chapter
of the manual, and the chapter on options has each option of `culvert --help`, and no other.
"""

import pathlib
import re
import subprocess
import sys

import tree_check

MOST_LINES = 200
MANUAL = "proxy/manual"


def slug(heading):
    """The name of a heading in a link, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).strip().lower()).replace(" ", "-")


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(path):
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)}


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


def option_mistakes(told, chapter):
    real = set(re.findall(r"^  --([\w-]+)", told, re.MULTILINE)) - {"help", "version"}
    rows = re.findall(r"^\| (`--[^|]+?) \|", chapter, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`--([\w-]+)", row)}
    yield from (f"{MANUAL}/options.md: there is no row for --{name}" for name in sorted(real - named))
    yield from (f"{MANUAL}/options.md: there is no option --{name}" for name in sorted(named - real))


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
    yield from option_mistakes(told, (root / MANUAL / "options.md").read_text(encoding="utf-8"))


def self_test():
    told = "  --listen A    where\n  --threads N  how many\n  --help, -h\n"
    files = {
        "README.md": "[gone](gone.md)\n```\n# none\n```\n" + "\n" * 197,
        "README.zh-CN.md": "# A `b` c\n[a](#a-b-c) [b](README.md#none) [c](https://a.example/#b)\n",
        "proxy/README.md": "[here](#here)\n",
        f"{MANUAL}/options.md": "| option | |\n| `--listen A`, `--gone` | |\n",
    }
    expected = [
        ("README.md", "201 lines"), ("README.md", "no link to proxy/manual/options.md"), ("README.md", "gone.md leads nowhere"),
        ("README.zh-CN.md", "README.md#none: there is no such heading"), ("proxy/README.md", "#here: there is no such heading"),
        ("options.md", "no row for --threads"), ("options.md", "no option --gone"),
    ]
    return tree_check.self_test(lambda root: (len(files), list(mistakes(told, root.resolve()))), files, expected)[1]


def main():
    if sys.argv[1:] == ["--self-test"]:
        found = self_test()
    else:
        culvert, root = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
        told = subprocess.run([culvert, "--help"], capture_output=True, text=True, check=True, timeout=30).stdout
        found = list(mistakes(told, root))
    print("\n".join([*found, f"{len(found)} mistakes"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
