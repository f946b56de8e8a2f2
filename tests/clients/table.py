"""The table in README.md: read for the test, and written from a run.

    table.py README.md < ROWS      replaces the rows of the clients in ROWS, which matrix.py has printed
"""

import dataclasses
import json
import sys

BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
COLUMNS = (
    "client", "version", "https", "http", "with the upstream down its user sees", "exit status", "attempts", "in these words",
)


@dataclasses.dataclass
class Row:
    """What was measured of a client, as the table has it."""

    name: str
    version: str
    https: str
    http: str
    sees: str
    status: str
    attempts: str
    words: str

    def behaviour(self):
        """What a test compares: versions and words differ between systems that behave alike."""
        return {field: getattr(self, field) for field in ("https", "http", "sees", "status", "attempts")}

    def line(self):
        words = self.words.replace("`", "")
        cells = (*dataclasses.astuple(self)[:-1], f"`{words}`" if words else "")
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def read(text):
    """{name: Row} of the table in a README."""
    rows = {}
    for line in _between(text)[1].splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in line.removeprefix("| ").removesuffix("|").split(" | ")]
        if line.startswith("| ") and len(cells) == len(COLUMNS) and cells[0] != COLUMNS[0]:
            rows[cells[0]] = Row(*cells[:-1], cells[-1].strip("`"))
    return rows


def written(text, rows):
    """The README with these rows in its table, and below it who shows the reason."""
    before, _, after = _between(text)
    rows = sorted(rows.values(), key=lambda row: row.name.lower())
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|", *(row.line() for row in rows), ""]
    passed_on = [row.name for row in rows if row.sees.startswith("the reason")]
    lost = [row.name for row in rows if not row.sees.startswith("the reason")]
    lines.append(f"The reason reaches the user of {len(passed_on)}: {', '.join(passed_on)}.\n")
    lines.append(f"For {len(lost)} only the access log has it: {', '.join(lost)}.\n")
    return before + BEGIN + "\n".join(lines) + END + after


def _between(text):
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the README has no place for the table")
    return before, table, after


def main(path):
    rows = [Row(**row) for row in json.load(sys.stdin)]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(written(text, {**read(text), **{row.name: row for row in rows}}))


if __name__ == "__main__":
    main(sys.argv[1])
