#!/usr/bin/env python3
"""Checks the metrics, and the examples that use them.

    check_metrics.py CULVERT_UNIT EXAMPLES_FOLDER    exits 1 if something is wrong
    check_metrics.py --self-test EXAMPLES_FOLDER     shows that mistakes are found

The text of all metrics comes from culvert_unit. The rules and the dashboard name only metrics that are in it; promtool of
Prometheus has nothing to say about it, and runs the tests of the rules.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "e2e"))
import promtool  # noqa: E402

SUFFIX = re.compile(r"_(bucket|sum|count)$")
# A metric of ours, or of any process, in an expression.
NAME = re.compile(r"\b((?:culvert|process)_\w+)")


def sample(unit):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "metrics")
        subprocess.run(
            [unit, "[#metrics_text_test]", "-#"], env={**os.environ, "METRICS_SAMPLE": str(path)}, check=True,
            stdout=subprocess.DEVNULL, timeout=60,
        )
        return path.read_text(encoding="utf-8")


def names_in(text):
    """Of all series, as they are asked for."""
    return {re.match(r"\w+", line)[0] for line in text.splitlines() if line and not line.startswith("#")}


def rule_expressions(path):
    """What of a rule file is not said to people. No YAML parser comes with Python."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not re.match(r"\s*(summary|description|#)", line)]


def dashboard_expressions(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def unknown_names(expressions, known):
    used = {name for expression in expressions for name in NAME.findall(expression)}
    return sorted(name for name in used if name not in known and SUFFIX.sub("", name) not in known)


def layout_mistakes(dashboard):
    """Panels that lie upon each other, beyond the edge, or have one number."""
    mistakes = []
    taken = {}
    numbers = [panel["id"] for panel in dashboard["panels"]]
    if len(set(numbers)) != len(numbers):
        mistakes.append("two panels have the same id")
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            mistakes.append(f"{panel['title']}: beyond the right edge")
        for column in range(place["x"], place["x"] + place["w"]):
            for line in range(place["y"], place["y"] + place["h"]):
                if other := taken.setdefault((column, line), panel["title"]):
                    if other != panel["title"]:
                        mistakes.append(f"{panel['title']} lies upon {other}")
    return sorted(set(mistakes))


def check_examples(folder, known):
    mistakes = []
    for path in sorted(folder.glob("prometheus/*.rules.yml")):
        mistakes += [f"{path}: there is no {name}" for name in unknown_names(rule_expressions(path), known)]
    for path in sorted(folder.glob("grafana/*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        mistakes += [f"{path}: there is no {name}" for name in unknown_names(dashboard_expressions(dashboard), known)]
        mistakes += [f"{path}: {mistake}" for mistake in layout_mistakes(dashboard)]
    return mistakes


def check(unit, folder):
    text = sample(unit)
    mistakes = check_examples(folder, names_in(text))
    tests = sorted(folder.glob("prometheus/*_test.yml"))
    if not tests:
        mistakes.append("there are no tests of rules")
    promtool.skip_unless_there()
    mistakes += promtool.complaints_about_metrics(text)
    for path in tests:
        mistakes += promtool.complaints_about_rules(path)
    return mistakes


def self_test(folder):
    """Each mistake is found."""
    known = {"culvert_tunnels", "culvert_connect_seconds_bucket"}
    assert unknown_names(["sum(culvert_tunnels{a=\"b\"}) / culvert_tunnels_total"], known) == ["culvert_tunnels_total"]
    assert unknown_names(["rate(culvert_connect_seconds_bucket[5m])"], known) == []
    panel = {"id": 1, "title": "a", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 2}}
    beside = {"id": 2, "title": "b", "gridPos": {"x": 12, "y": 0, "w": 12, "h": 2}}
    upon = {"id": 2, "title": "c", "gridPos": {"x": 11, "y": 1, "w": 14, "h": 2}}
    assert layout_mistakes({"panels": [panel, beside]}) == []
    assert layout_mistakes({"panels": [panel, upon]}) == ["c lies upon a", "c: beyond the right edge"]
    assert layout_mistakes({"panels": [panel, {**beside, "id": 1}]}) == ["two panels have the same id"]
    promtool.skip_unless_there()
    fine = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"
    assert promtool.complaints_about_metrics(fine) == []
    assert promtool.complaints_about_metrics(fine.replace("a_total", "a"))
    assert promtool.complaints_about_metrics(fine + 'a_total{b="c"d"} 1\n')
    with tempfile.TemporaryDirectory() as copies:
        for path in folder.glob("prometheus/*"):
            shutil.copy(path, copies)
        tests = next(pathlib.Path(copies).glob("*_test.yml"))
        rules = next(pathlib.Path(copies).glob("*.rules.yml"))
        assert promtool.complaints_about_rules(tests) == []
        # Each rule matters to some test.
        text = rules.read_text(encoding="utf-8")
        expressions = re.findall(r"^ +expr: (?!\|)(.*)$", text, re.M)
        assert len(expressions) > 5
        for expression in expressions:
            rules.write_text(text.replace(f"expr: {expression}\n", "expr: vector(0) > 0\n", 1), encoding="utf-8")
            assert promtool.complaints_about_rules(tests), f"nothing is tested of {expression}"


def main():
    folder = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "--self-test":
        return self_test(folder)
    mistakes = check(sys.argv[1], folder)
    for mistake in mistakes:
        print(mistake)
    return sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
