#!/usr/bin/env python3
"""Asks culvert whether it would understand the commands of the README files, the manual and the examples.

    check_commands.py CULVERT REPOSITORY     exits 1 if it would not
    check_commands.py --self-test CULVERT    shows that mistakes are found

Each `culvert ...` of a block of shell commands, or within a sentence, is given to the real program with one option more, which it does
not know: so it reads all, tells each mistake, and starts nothing. Files that are not on this machine are no mistake. In a sentence, and
where a word stands for something (ADDR:PORT, ...), only names of commands and options count.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import tree_check

# The option that nothing knows.
MISTAKE = "--mistake"
# Of the reader's own, and what fits there.
OWN = {
    "HOST": "registry.example", "IMAGE": "nginx", "USER": "user", "PASSWORD": "hush",
    "COMMAND": "serve", "NAME": "docker", "名字": "docker", "TARGET": "docker",
}
NAMES = re.compile(r"unknown (flag|target|command)|no such (shell|page)")


def documents(root):
    return [*root.glob("README*.md"), root / "proxy/README.md", *sorted((root / "proxy/manual").glob("*.md")),
            *sorted((root / "examples").rglob("*.md"))]


def words_of(text):
    """Those of each command in a line of a shell. A quote that is not closed is a word."""
    text = re.sub(r"<?\$?\([^()]*\)", "1", text)
    reader = shlex.shlex(text, posix=True, punctuation_chars=True)
    reader.whitespace_split, reader.commenters = True, ""
    commands = [[]]
    try:
        for word in reader:
            if re.fullmatch(r"[();<>|&]+", word):
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError:
        return [text.split()]
    return commands


def arguments(words):
    """What culvert gets, or None: by itself, or as the program of its image."""
    words = words[1:] if words[:1] == ["sudo"] else words
    if words[:1] == ["culvert"]:
        return words[1:]
    for number, word in enumerate(words):
        if words[0] in ("docker", "podman") and re.fullmatch(r"culvert/culvert(:[\w.]+)?", word):
            return words[number + 1 :]
    return None


def commands(path):
    """(line, arguments, whether it is a whole command) of each in a document."""
    language, begun, prose = None, "", ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = line.lstrip().startswith("```")
        # A blank line for each of code, so that lines count and nothing in code reaches from one paragraph to the next.
        prose += f"{line if language is None and not fence else ''}\n"
        if fence:
            language = line.strip("` ") or "shown" if language is None else None
            continue
        if language is None:
            continue
        # What a command prints is not one.
        if language == "sh" or line.startswith("$ culvert "):
            begun += re.sub(r"(^|\s)# .*", "", line.removeprefix("$ "))
            if begun.endswith("\\"):
                begun = begun[:-1]
                continue
            for words in words_of(begun):
                if (given := arguments(words)) is not None:
                    yield number, given, True
        begun = ""
    for span in re.finditer(r"`((?:[^`\n]|\n(?!\n))+)`", prose):
        for words in words_of(span[1].replace("\n", " ")):
            if (given := arguments(words)) is not None:
                yield prose.count("\n", 0, span.start()) + 1, given, False


def complaints(culvert, folder, given, whole):
    given = [word.removesuffix("...") for word in given if word not in ("...", "[options]")]
    given = [re.sub(rf"\b({'|'.join(OWN)})\b", lambda match: OWN[match[0]], word) for word in given]
    helps = "--help" in given
    # The last one, as it might take a word behind it for its value; but of run the first, as all behind a word is for another program.
    end = 1 if given[:1] == ["run"] else len(given)
    command = [culvert, *given[:end], *([] if helps else [MISTAKE]), *given[end:]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CULVERT_")}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    found = [line.removeprefix("culvert: ") for line in done.stderr.splitlines()]
    if helps and done.returncode == 0:
        return []
    if done.returncode != 2 or not found:
        return [f"exit status {done.returncode}, {done.stdout[:80]!r}"]
    found = [line for line in found if not line.startswith(f"{MISTAKE}: ") and "No such file or directory" not in line]
    stands_for = any(re.search(r"\b[A-Z]{2,}\b|\.\.\.|…", word) for word in given)
    return found if whole and not stands_for else [line for line in found if NAMES.search(line)]


def mistakes(culvert, root):
    count = 0
    found = []
    for path in documents(root):
        for number, given, whole in commands(path):
            count += 1
            where = f"{path.relative_to(root)}:{number}: culvert {shlex.join(given)}"
            found += [f"{where}: {line}" for line in complaints(culvert, path.parent, given, whole)]
    return count, found


def self_test(culvert):
    files = {
        "README.md": "`culvert status --onec`, `culvert setup dcoker --install`, `culvert --hold`, `sudo culvert check --pid $(pidof dockerd) IMAGE`\n"
                     "```sh\nculvert check --config no-file gcr.io && culvert run --upstream socks9://a:1 -- culvert --gone   # culvert --not\n```\n",
        "proxy/README.md": "```\nculvert --gone\n$ culvert --hold 99h ...\n```\n`culvert` `culvert: --gone` `--gone` `culvert serv`\n",
        "proxy/manual/a.md": "```sh\n# culvert --gone\nculvert --hold 1s \\\n   --probe 'a\nculvert --stall-after \\\n  2h | culvert completion bsh\n```\n"
                             "`culvert COMMAND --help` `culvert\n--gone` culvert `a b`\n",
        "examples/a/README.md": "```sh\ndocker run -v /a:/b culvert/culvert:0.1.0 --listen 1.2.3.4.5:6\nculvert --config a.toml\n```\n",
        "examples/a/a.toml": "holds = 1\n",
    }
    expected = [
        ("README.md:1: culvert status", "--onec: unknown flag"), ("README.md:1: culvert setup", "dcoker: unknown target"),
        ("README.md:3: culvert run", "unknown scheme 'socks9'"), ("proxy/README.md:3", "--hold 99h: not between"),
        ("proxy/README.md:5", "serv: unknown command"), ("a.md:6", "--stall-after 2h: not between"), ("a.md:6", "bsh: no such shell"), ("a.md:4", "--probe"), ("a.md:8", "--gone"),
        ("examples/a/README.md:2", "--listen 1.2.3.4.5:6"), ("examples/a/README.md:3", "a.toml:1: holds"),
    ]
    return tree_check.self_test(lambda root: mistakes(culvert, root.resolve()), files, expected)


def main():
    if sys.argv[1] == "--self-test":
        count, found = self_test(os.path.abspath(sys.argv[2]))
    else:
        count, found = mistakes(os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve())
        if count < 50:
            found.append("there have to be more")
    print("\n".join([*found, f"{count} commands, {len(found)} mistakes"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
