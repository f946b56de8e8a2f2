"""Tables, the raw samples, and the comparison with a stored run."""

import datetime
import json
import math
import os
import platform
import statistics

import rows

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, "baseline.json")
# Costs that a row tells besides its CPU time, and that must not grow either.
COSTS = ("p99_ms", "max_ms")


def good(samples):
    return [sample for sample in samples if "cost" in sample and not sample["failed"]]


def median(samples, figure):
    found = [sample[figure] for sample in good(samples) if figure in sample]
    return statistics.median(found) if found else None


def number(value):
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def markdown(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    out += ["| " + " | ".join(str(word) for word in line) + " |" for line in lines]
    return "\n".join(out)


def verdict(samples):
    """What came of the integrity checks."""
    bad = {}
    for sample in samples:
        for name, (_, failed) in sample.get("checks", {}).items():
            if failed:
                bad[name.replace("_", "-")] = bad.get(name, 0) + failed
    if not samples or any("checks" not in sample for sample in samples):
        return "fails"
    return "loses: " + ", ".join(bad) if bad else "all pass"


def cell(row, samples):
    if row.work == "check":
        return verdict(samples)
    cost = median(samples, "cost")
    if cost is None:
        failures = [why for sample in samples for why in sample.get("failures", {})]
        return f"fails: {failures[0][:50]}" if failures else ""
    words = [number(cost * row.factor)]
    for figure in row.also:
        value = median(samples, figure)
        if figure == "resumed":
            words.append("" if value is None else f"{value:.0%} resumed")
        else:
            words.append(number(value))
    partly = len(samples) - len(good(samples))
    return " / ".join(word for word in words if word) + (f" ({partly} of {len(samples)} failed)" if partly else "")


def table(bench, results):
    columns = list(bench.columns)
    by_row = ratios(results)
    lines = []
    for name, samples in results.items():
        row = rows.ROWS[name]
        cells = {column: cell(row, samples[column]) if column in samples else "" for column in columns}
        ratio = by_row.get(name, {}).get("floor")
        line = [row.title]
        for column in columns:
            line.append(f"**{cells[column]}**" if column == "culvert" and cells[column] else cells[column])
            if column == "floor":
                line.append(f"{ratio:.2f}" if ratio else "")
        lines.append(line)
    head = [""]
    for column in columns:
        head.append("the floor" if column == "floor" else column)
        if column == "floor":
            head.append("culvert / floor")
    notes = [f"not here: {name}: {why}" for name, why in bench.missing.items()]
    if bench.cipher:
        notes.append(f"AES-128-GCM alone takes {bench.cipher:.3f} s/GiB here, which is in the floor of the HTTPS rows")
    return markdown(head, lines) + "\n" + "".join(f"\n{note}" for note in notes)


def ratios(results):
    """{row: {column: culvert's cost over the column's}}; ROW.FIGURE for the other costs."""
    found = {}
    for name, samples in results.items():
        row = rows.ROWS[name]
        if row.work == "check":
            continue
        for figure in ("cost", *(figure for figure in row.also if figure in COSTS)):
            ours = median(samples.get("culvert", []), figure)
            key = name if figure == "cost" else f"{name}.{figure}"
            for column, theirs in samples.items():
                value = median(theirs, figure)
                if column != "culvert" and ours is not None and value and value > 0:
                    found.setdefault(key, {})[column] = round(ours / value, 4)
    return found


def save(bench, results, by_row):
    path = bench.options.samples or os.path.join(bench.build, datetime.datetime.now().strftime("bench-%Y-%m-%d-%H%M%S.json"))
    with open(path, "w", encoding="utf-8") as file:
        json.dump({
            "kernel": platform.release(), "cores": os.cpu_count(), "load": os.getloadavg(),
            "rounds": bench.options.rounds, "scale": bench.options.scale, "cipher_seconds_per_gib": bench.cipher,
            "ratios": by_row, "rows": results,
        }, file, indent=1)
        file.write("\n")
    print(f"\nsamples: {os.path.relpath(path)}")


def save_baseline(by_row):
    stored = {"tolerance": 0.2, "tolerances": {}, "ratios": {}}
    if os.path.exists(BASELINE):
        with open(BASELINE, encoding="utf-8") as file:
            stored = json.load(file)
    for name, columns in by_row.items():
        stored["ratios"].setdefault(name, {}).update(columns)
    with open(BASELINE, "w", encoding="utf-8") as file:
        json.dump(stored, file, indent=1, sort_keys=True)
        file.write("\n")


def compare(by_row, tolerance):
    """What has grown since the baseline was stored, in words. Some rows vary more than others, and have tolerances of
    their own; tails vary most, and may double."""
    if not os.path.exists(BASELINE):
        return ["there is no baseline.json; --save-baseline writes one"]
    with open(BASELINE, encoding="utf-8") as file:
        stored = json.load(file)
    allowed = stored["tolerance"]
    grown, compared = [], 0
    for name, columns in by_row.items():
        limit = 1.0 if "." in name else stored["tolerances"].get(name, allowed) if tolerance is None else tolerance
        for column, ratio in columns.items():
            before = stored["ratios"].get(name, {}).get(column)
            if before is None:
                continue
            compared += 1
            if ratio > before * (1 + limit):
                grown.append(f"{name}: culvert / {column} was {before:.2f} and is {ratio:.2f}")
    if not compared:
        return ["the baseline has none of these rows"]
    print(f"compared {compared} ratios with the baseline; {len(grown)} have grown")
    return grown


def growth(lines):
    # Memory comes in pages, so a few tunnels tell nothing about it.
    head = ["", "open tunnels", "opening one, us", "bytes each", "CONNECT + echo + close, us", "1 byte there and back, us"]
    return markdown(head, [[line["column"], f"{line['tunnels']:,}", number(line["open_us"]), number(line["bytes"]) if line["tunnels"] >= 1000 else "",
                            number(line["churn_us"]), number(line["ping_us"])] for line in lines])


def workers(lines):
    out = []
    for row, samples in lines:
        rate = {threads: median(taken, "rate") for threads, taken in samples.items()}
        gain = f"{rate[2] / rate[1]:.2f}" if rate[1] and rate[2] else ""
        out.append([row.title, *(cell(row, samples[threads]) for threads in samples), *(number(rate[threads]) for threads in rate), gain])
    head = ["", "1 worker", "2 workers", "1: done a second", "2: done a second", "gain"]
    return markdown(head, out) + "\n\nClient and servers need cores as well: with two in all, the gain is a lower bound."


def host_size(lines, wanted):
    head = ["", "workers", "idle tunnels", "bytes each", "active tunnels", "100 bytes there and back, ms", "99 % within, ms", "longest, ms",
            "CPU us a message", "longest turn of a loop, ms"]

    def turn(value):
        return "" if value is None else number(value) if value else "under 2"

    text = markdown(head, [[line["column"], line["workers"], f"{line['idle']:,}", number(line["bytes"]), line["active"],
                            number(line["p50_ms"]), number(line["p99_ms"]), number(line["max_ms"]),
                            number(None if line["cost"] is None else line["cost"] * 1e6), turn(line["longest_turn_ms"])]
                           for line in lines])
    most = max(line["idle"] for line in lines)
    if most < wanted:
        text += f"\n\nDescriptors end at {most:,} idle tunnels here; {wanted:,} were to be opened."
    return text


def admin(lines):
    out = []
    for row, threads, pairs in lines:
        costs = [(alone["cost"], watched["cost"]) for alone, watched in pairs if "cost" in alone and "cost" in watched]
        if not costs:
            continue
        growth = sorted(watched / alone - 1 for alone, watched in costs)
        quarter = len(growth) // 4
        low, high = median_bounds(growth)
        out.append([row.title, threads, *(number(statistics.median(column) * row.factor) for column in zip(*costs)),
                    f"{statistics.median(growth):+.1%}", f"{low:+.1%} to {high:+.1%}",
                    f"{growth[quarter]:+.1%} to {growth[-1 - quarter]:+.1%}"])
    head = ["", "workers", "alone", "with Prometheus and a page", "growth", "which lies in (19 of 20 times)", "half of the pairs are within"]
    return markdown(head, out)


def median_bounds(ordered):
    """Between which of the samples the median of all that one could ever take lies, 19 times of 20: the order
    statistics about a standard deviation of the binomial distribution, doubled, from the middle."""
    off = len(ordered) ** 0.5
    middle = (len(ordered) - 1) / 2
    return ordered[max(0, int(middle - off))], ordered[min(len(ordered) - 1, math.ceil(middle + off))]


def start(lines):
    head = ["", "first accept after, ms", "resident, MiB", "of that its own (PSS), MiB", "stripped, KiB"]
    return markdown(head, [[line["column"], number(line["ms"]), number(line["rss_mib"]), number(line["pss_mib"]),
                            number(line["stripped"] / 1024)] for line in lines])
