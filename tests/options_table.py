"""The tables of proxy/manual/options.md, made from what `culvert --help` tells of each option.

For each group of options a heading and a table: the option, its default, and the whole of its help, where a table becomes a list within
the cell. `SEE` says which chapter has more.
"""

import dataclasses
import pathlib
import re

# Which heading of which chapter tells more.
SEE = {
    "listen": "listeners.md",
    "allow-client": "access.md#who-may-reach-what",
    "auth-file": "access.md#who-may-use-it-sign-in",
    "load-balancer": "listeners.md#behind-a-load-balancer",
    "take-over": "restart.md#a-restart-that-nobody-notices",
    "lost-tunnel": "tunnels.md#when-a-tunnel-is-lost",
    "upstream": "upstreams.md",
    "route": "upstreams.md#presets",
    "balance": "tunnels.md#balance",
    "no-proxy": "upstreams.md#a-second-way-out",
    "tunnel-command": "tunnels.md#a-tunnel-that-culvert-looks-after",
    "tunnels": "tunnels.md#several-tunnels-by-one-command",
    "admin": "status.md",
    "admin-actions": "status.md",
    "hold": "upstreams.md#before-the-answer",
    "hold-resumed": "tunnels.md#when-a-tunnel-is-lost",
    "hedge": "upstreams.md#before-the-answer",
    "probe": "upstreams.md#a-success-that-is-reported-too-early",
    "probe-tls": "upstreams.md#a-success-that-is-reported-too-early",
    "stall-after": "tunnels.md#a-tunnel-that-stalls",
    "reset-stalled": "tunnels.md#when-a-tunnel-is-lost",
    "max-lifetime": "access.md#limits",
    "drain-timeout": "restart.md#signals",
    "max-connections-per-client": "access.md#limits",
    "max-connections-per-user": "access.md#limits",
    "max-requests-per-second": "access.md#limits",
    "max-accepts-per-second": "access.md#limits",
    "bandwidth": "access.md#limits",
    "bandwidth-per-client": "access.md#limits",
    "bandwidth-per-user": "access.md#limits",
    "threads": "listeners.md",
    "no-sandbox": "restart.md#what-it-cannot-do-any-more",
    "log-level": "status.md#the-log",
    "log-format": "status.md#the-log",
    "trace-target": "status.md#one-session-step-by-step",
    "access-log": "status.md#the-access-log",
    "config": "restart.md#a-change-without-a-cut",
    "check-config": "options.md#before-a-start-or-a-reload",
    "print-config": "options.md#before-a-start-or-a-reload",
    "explain-config": "options.md#before-a-start-or-a-reload",
}
# These have no place in a file or variable.
NO_OPTIONS = ("help", "version")

# What stands in code within a sentence: words in quotes, commands, flags, URLs, options behind '?', paths, variables, arrays, {port}.
CODE = re.compile(
    r"(?<!\w)'[^']+'(?!\w)|culvert \w+ --[\w-]+|(?<![\w-])--[a-z][\w-]*|\w[\w=+]*://[^\s,;)]*|unix:/\w+"
    r"|[^\s'(]*\?[\w-]+=[^\s;:)]+|(?<!\w)[/%][a-z][\w/.]*|[A-Za-z]+_\w+|\[\"[^\]]*(?:\]:[^\]]*)?\]|\{\w+\}"
)


@dataclasses.dataclass
class Option:
    name: str
    placeholder: str
    lines: list


def slug(heading):
    """The name of a heading in a link, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).strip().lower()).replace(" ", "-")


def groups(told):
    """[(title, [Option])] of what `culvert --help` prints."""
    found = []
    for line in told.splitlines():
        if re.match(r"\w", line):
            found.append((line, []))
        elif match := re.match(r"  --([\w-]+)(?:,? (\S+))?(?: {2,}(.*)| *$)", line):
            found[-1][1].append(Option(match[1], match[2] or "", [match[3]] if match[3] else []))
        elif found and found[-1][1] and line.startswith(" " * 28):
            found[-1][1][-1].lines.append(line[28:])
    known = [(title, [option for option in options if option.name not in NO_OPTIONS]) for title, options in found]
    return [group for group in known if group[1]]


def escape(text):
    return re.sub(r"([*_<`|\\])", r"\\\1", text)


def in_code(text):
    return f"`{text.replace('|', chr(92) + '|')}`"


def sentence(text):
    """Prose in Markdown."""
    out, end = "", 0
    for match in CODE.finditer(text):
        out += escape(text[end : match.start()]) + in_code(match[0].strip("'"))
        end = match.end()
    return out + escape(text[end:])


def item(left, right):
    """A row of a table in the help."""
    names = " or ".join(in_code(name) for name in left.split(" or "))
    # Of what a value is for, in parentheses; all else explains it.
    return f"• {names}" + (f" {sentence(right)}" if right.startswith("(") else f": {sentence(right)}" if right else "")


def pieces(lines):
    """The help on an option as sentences and rows: ("", TEXT) or (LEFT, RIGHT)."""
    found = []
    for line in lines:
        if row := re.match(r"  (\S.*?)(?: {2,}(.*))?$", line):
            found.append([row[1], row[2] or ""])
        elif found and (line.startswith("  ") or not found[-1][0]):
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
        else:
            found.append(["", line])
    return found


def default_of(option, text):
    """The last one that a sentence names; of a switch `off`."""
    found = re.findall(r"\(default: ([^;)]*)", text)
    if found:
        return found[-1].partition(", ")[0]
    # What a command prints is not in effect at all.
    return "" if option.placeholder or option.name.endswith("-config") else "off"


def link(folder, target):
    name, _, anchor = target.partition("#")
    text = (folder / name).read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    if not anchor:
        return f"[{titles[0].partition(':')[0]}]({name})"
    for title in titles:
        if slug(title) == anchor:
            return f"[{title}]({'' if name == 'options.md' else name}#{anchor})"
    raise ValueError(f"{target}: there is no such heading")


def row(folder, option):
    parts = pieces(option.lines)
    prose = " ".join(right for left, right in parts if not left)
    default = default_of(option, prose)
    cells = []
    for left, right in parts:
        # The column has it.
        cells.append(item(left, right) if left else sentence(right.replace(f" (default: {default})", "")))
    meaning = "<br>".join(cells)
    if option.name in SEE:
        meaning += f"{'<br>see' if len(parts) > 1 else '; see'} {link(folder, SEE[option.name])}"
    name = in_code(f"--{option.name} {option.placeholder}".strip())
    return f"| {name} | {escape(default)} | {meaning} |\n"


def tables(told, folder):
    """In Markdown, from one heading of third order to the next. `folder` has the chapters."""
    text = ""
    known = set()
    for title, options in groups(told):
        text += f"### {title}\n\n| option | default | meaning |\n|---|---|---|\n"
        text += "".join(row(folder, option) for option in options) + "\n"
        known.update(option.name for option in options)
    if unknown := sorted(SEE.keys() - known):
        raise ValueError(f"there is no option {', '.join(unknown)}")
    return text.rstrip("\n") + "\n"


def chapter(told, path):
    """What the chapter has to be: all before its first table is written by hand."""
    text = path.read_text(encoding="utf-8")
    head, found, _ = text.partition("\n### ")
    if not found:
        raise ValueError(f"{path}: no heading of third order, where tables begin")
    return f"{head}\n{tables(told, pathlib.Path(path).parent)}"
