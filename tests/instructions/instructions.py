"""Counts the instructions that culvert runs for one CONNECT, one echo and one GET, and compares with the baseline.

    instructions.py PROGRAM BASELINE MADE_WITH...            fails if one of them has grown by more than 1 %
    instructions.py --update PROGRAM BASELINE MADE_WITH...   writes the baseline
    instructions.py --self-test                              proves that the comparison can fail

MADE_WITH is what decides how the same source counts, as KEY=VALUE: the compiler, its flags, what is compiled in. Only
a baseline with the same values can be compared with.
"""

import json
import os
import shutil
import sys
import tempfile

import callgrind

SKIPPED = 77
# Ten runs of the same program differ by less than 0.1 %; on a busy machine, by less than 0.6 % of the calls.
MOST = 0.01
UPDATE = "cmake --build --preset release --target update_instructions"
# What a round has less than once in a hundred times is chance, such as the clock's next second.
LEAST = 0.01
SHOWN = 20


def skip(why):
    """As tests/e2e/isolate.py has it: CI has what it takes, so there it is a failure."""
    print(f"SKIP: {why}", flush=True)
    sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)


def described(profile):
    """A profile as the baseline keeps it."""

    def rounded(counts):
        return {name: round(count, 2) for name, count in sorted(counts.items()) if abs(count) >= LEAST}

    return {
        "instructions": round(sum(profile.instructions.values())),
        "library_calls": round(sum(profile.calls.values()), 2),
        "instructions_of": rounded(profile.instructions),
        "calls_of": rounded(profile.calls),
    }


def changes(before, after):
    """The functions whose count has changed, as lines of a table: what grew, most first, then what shrank."""
    names = sorted(before | after, key=lambda name: before.get(name, 0) - after.get(name, 0))
    rows = [(before.get(name, 0), after.get(name, 0), name) for name in names]
    grown = [row for row in rows if row[1] - row[0] >= LEAST][:SHOWN]
    shrunk = [row for row in reversed(rows) if row[0] - row[1] >= LEAST][: SHOWN // 4]
    lines = [f"  {'before':>10} {'now':>10} {'change':>10}  a round"]
    return lines + [f"  {old:10.2f} {new:10.2f} {new - old:+10.2f}  {name}" for old, new, name in grown + shrunk]


def compare(name, before, after):
    """Whether the case may pass, and what is to be said about it."""
    fine, lines = True, []
    for total, parts, unit in (
        ("instructions", "instructions_of", "instructions of our own"),
        ("library_calls", "calls_of", "calls into libraries"),
    ):
        old, new = before[total], after[total]
        growth = new / old - 1
        lines.append(f"{name}: {new:,} {unit} a round, the baseline has {old:,} ({growth:+.2%})")
        if growth > MOST:
            fine = False
            lines += [f"{name}: more than {MOST:.0%} have been added:", *changes(before[parts], after[parts])]
        elif growth < -MOST:
            lines.append(f"{name}: that is less than it was. Keep it so:  {UPDATE}")
    return fine, lines


def differences(baseline, made_with):
    """Why the baseline is none for this program; empty if it is."""
    old = baseline["made_with"]
    return [f"{key} is {made_with.get(key)!r} here and {old.get(key)!r} there"
            for key in sorted(old | made_with) if old.get(key) != made_with.get(key)]


def judge(baseline, cases):
    """Compares all cases; says whether all may pass."""
    all_fine = True
    for name in sorted(baseline["cases"] | cases):
        if name not in baseline["cases"] or name not in cases:
            print(f"{name}: only {'measured' if name in cases else 'in the baseline'}:  {UPDATE}")
            all_fine = False
            continue
        fine, lines = compare(name, baseline["cases"][name], cases[name])
        print("\n".join(lines), flush=True)
        all_fine = all_fine and fine
    if not all_fine:
        print(f"If it has to be so, say why in the commit that has the new baseline:  {UPDATE}")
    return all_fine


def measure(program):
    import rounds  # not needed by the self-test, nor there on a machine without /proc

    with tempfile.TemporaryDirectory(prefix="culvert-instructions-") as folder:
        return {name: described(rounds.measure(program, name, folder)) for name in rounds.CASES}


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        import self_test

        sys.exit(self_test.main())
    update = arguments[:1] == ["--update"]
    if len(arguments) < 3 + update:
        sys.exit(__doc__)
    program, path, *pairs = arguments[update:]
    made_with = dict(pair.split("=", 1) for pair in pairs)
    if not shutil.which("valgrind"):
        skip("valgrind is not installed")
    if update:
        text = json.dumps({"made_with": made_with, "cases": measure(program)}, indent=1, ensure_ascii=False)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        return
    with open(path, encoding="utf-8") as file:
        baseline = json.load(file)
    if different := differences(baseline, made_with):
        skip("the baseline counts another build: " + "; ".join(different))
    sys.exit(0 if judge(baseline, measure(program)) else 1)


if __name__ == "__main__":
    main()
