"""The blocks of README.md and README.zh-CN.md, and the commands in them."""

import dataclasses
import pathlib
import re

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FILES = ("README.md", "README.zh-CN.md")


@dataclasses.dataclass(frozen=True)
class Block:
    """What stands between two fences, and which language it is in."""

    where: str
    language: str
    text: str


def blocks(name):
    """Those of a file, in their order."""
    found, begin = [], None
    lines = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("```"):
            continue
        if begin is None:
            begin = number
        else:
            text = "\n".join(lines[begin : number - 1]) + "\n"
            found.append(Block(f"{name}:{begin}", lines[begin - 1].strip("` "), text))
            begin = None
    if begin is not None:
        raise AssertionError(f"{name}:{begin}: the block does not end")
    return found


def commands(block):
    """The commands of a shell block, one a line, without comments."""
    text = block.text.replace("\\\n", " ")
    lines = (re.sub(r"(^|\s)# .*", "", line).strip() for line in text.splitlines())
    return [re.sub(r"\s+", " ", line) for line in lines if line]


def sentences(name):
    """The first cells of the table of what docker says: the words in code."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    table = re.search(r"^\| docker .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)[1]
    return [words for row in table.splitlines() for words in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
