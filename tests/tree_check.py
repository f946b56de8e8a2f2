"""What the checks of the source tree share: the command line, and the self-test that shows that they can fail."""

import pathlib
import sys
import tempfile


def self_test(check, files, expected):
    """Lets `check(root)` look at a tree of `files`, {name: text}, in which exactly the mistakes of `expected` are made:
    pairs (what one line names, what it says of that)."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        _, found = check(root)
    return len(files), differences(found, expected)


def differences(found, expected):
    wrong, unexpected = [], list(found)
    for name, complaint in expected:
        lines = [line for line in unexpected if name in line and complaint in line]
        if len(lines) != 1:
            wrong.append(f"{name}: expected one complaint with '{complaint}', got {lines}")
        unexpected = [line for line in unexpected if line not in lines]
    return wrong + [f"false alarm: {line}" for line in unexpected]


def main(usage, check, test):
    """`check(root)` and `test()`, which --self-test runs, return (number of files, list of what is wrong)."""
    if len(sys.argv) != 2:
        sys.exit(usage)
    if sys.argv[1] == "--self-test":
        files, wrong = test()
    else:
        files, wrong = check(pathlib.Path(sys.argv[1]))
        if files == 0:
            wrong = [f"{sys.argv[1]}: no source file there"]
    print("\n".join(wrong + [f"{files} files, {len(wrong)} mistakes"]))
    sys.exit(1 if wrong else 0)
