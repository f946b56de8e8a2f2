"""Proves that the comparison can fail: grown profiles, in the words of callgrind, are given to it."""

import contextlib
import io

import callgrind
import instructions

# Two of our functions, one of them inlined code of another file and a copy; calls to ourselves and into a library; a
# function of the library.
OUTPUT = """\
# callgrind format
events: Ir
ob=(1) /usr/bin/culvert
fl=(1) ???
fn=(1) culvert::parse(std::basic_string_view<char, std::char_traits<char> >)
0 {parse}
fi=(2) other.h
+3 100
cfn=(2) culvert::route() [clone .constprop.0]
calls=10 0
* 4000
cob=(2) /lib/libc.so.6
cfi=(3) ???
cfn=(3) malloc
calls={malloc} 0
0 70000
+1 0

fn=(2)
0 1000

ob=(2)
fl=(3)
fn=(3)
0 65000
ob=(1)
fl=(1)
fn=(4) culvert::parse(std::basic_string_view<char, std::char_traits<char> >)'2
0 900
"""


def profile(parse=1000, malloc=100):
    return callgrind.read(OUTPUT.format(parse=parse, malloc=malloc).splitlines(keepends=True), "/usr/bin/culvert")


class Checks:
    def __init__(self):
        self.made = 0
        self.failed = []

    def that(self, fact, what):
        self.made += 1
        if not fact:
            self.failed.append(what)


def judged(before, after, names=("connect", "connect")):
    """What is made of two costs of a round, and what is said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        fine = instructions.judge({"cases": {names[0]: instructions.described(before)}},
                                  {names[1]: instructions.described(after)})
    return fine, said.getvalue()


def main():
    checks = Checks()
    read = profile()
    checks.that(read.instructions == {"culvert::parse(std::string_view)": 2000, "culvert::route()": 1000},
                f"own functions: {read.instructions}")
    checks.that(read.calls == {"malloc": 100}, f"calls: {read.calls}")
    a_round = profile(parse=3000, malloc=140).minus(read, 10)
    checks.that(a_round.instructions == {"culvert::parse(std::string_view)": 200}, f"a round: {a_round.instructions}")
    checks.that(a_round.calls == {"malloc": 4}, f"a round's calls: {a_round.calls}")

    fine, said = judged(profile(), profile())
    checks.that(fine and "+0.00%" in said, f"the same: {said}")
    fine, said = judged(profile(), profile(parse=1029))
    checks.that(fine, f"0.97 % more: {said}")
    fine, said = judged(profile(), profile(parse=1031))
    checks.that(not fine and "+31.00  culvert::parse(std::string_view)" in said, f"1.03 % more: {said}")
    checks.that("culvert::route" not in said and "malloc" not in said, f"what has not grown: {said}")
    fine, said = judged(profile(), profile(malloc=106))
    checks.that(not fine and "+6.00  malloc" in said, f"6 % more calls: {said}")
    fine, said = judged(profile(), profile(parse=500))
    checks.that(fine and instructions.UPDATE in said, f"less: {said}")
    fine, said = judged(profile(), profile(), ("connect", "get"))
    checks.that(not fine, f"other cases: {said}")

    made_with = {"compiler": "GNU 12.2.0", "flags": "-O2"}
    baseline = {"made_with": made_with}
    checks.that(not instructions.differences(baseline, dict(made_with)), "the same build")
    checks.that(instructions.differences(baseline, {**made_with, "flags": "-O3"}), "other flags")
    checks.that(instructions.differences(baseline, {"compiler": "GNU 12.2.0"}), "flags unknown")

    print("\n".join(checks.failed + [f"{checks.made} checks, {len(checks.failed)} failed"]))
    return 1 if checks.failed else 0
