"""`culvert check` as a process: what it prints, and what that says."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import culvert

HERE = os.path.dirname(os.path.abspath(__file__))
ORDER = ("config", "environment", "listener", "route", "upstream", "request", "tls", "http", "registry", "token", "manifest",
         "blob", "clock", "cache")
# What the machine has of the test's own proxies may be slow under a sanitizer; what hangs gets a limit of its own.
SECONDS = 60


def command_line(*arguments):
    return [os.environ["CULVERT"], "check", *map(str, arguments)]


def environment(testbed, more=()):
    """The test's authority is the one that this machine trusts."""
    return {**os.environ, "SSL_CERT_FILE": testbed.ca.certificate, **dict(more)}


def run(testbed, *arguments, env=()):
    done = testbed.culvert_host.run(
        *command_line(*arguments), check=False, timeout=SECONDS, env=environment(testbed, env), errors="replace"
    )
    if re.search("Sanitizer|runtime error:|Assertion|terminate called", done.stderr):
        raise AssertionError(done.stderr)
    culvert.assert_no_secret(done.stdout + done.stderr)
    return done


class Schema:
    """A schema of this folder, by Debian's python3-jsonschema."""

    def __init__(self, name="check.schema.json"):
        self._name = name
        # The testbed lays the package below /usr, so it is not there before.
        sys.path.append("/usr/lib/python3/dist-packages")
        import jsonschema

        with open(f"{HERE}/{name}", encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft202012Validator.check_schema(schema)
        self._validator = jsonschema.Draft202012Validator(schema)

    def validate(self, value):
        problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in self._validator.iter_errors(value)]
        if problems:
            raise AssertionError(f"not as in {self._name}:\n" + "\n".join(problems))


@dataclasses.dataclass
class Report:
    """What `--json` says."""

    status: int
    value: dict
    text: str

    @classmethod
    def of(cls, done, schema):
        try:
            value = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"exit {done.returncode}, and this is no JSON:\n{done.stdout}\n{done.stderr}") from None
        schema.validate(value)
        report = cls(done.returncode, value, json.dumps(value, indent=1, ensure_ascii=False) + done.stderr)
        report.assert_sound()
        return report

    def targets(self):
        return self.value["targets"]

    def steps(self):
        return [step for target in self.targets() for step in target["steps"]]

    def names(self):
        return [step["step"] for step in self.steps()]

    def step(self, name):
        """The only one of the name."""
        [found] = [step for step in self.steps() if step["step"] == name]
        return found

    def failed(self):
        return [step for step in self.steps() if not step["ok"]]

    def assert_sound(self):
        """What no schema can say: the summaries and the exit status fit the steps, and these are in order."""
        for target in self.targets():
            oks = [step["ok"] for step in target["steps"]]
            if target["ok"] != all(oks):
                raise AssertionError(f"the target is not as its steps are:\n{self.text}")
            assert_in_order(target["steps"], self.text)
        if self.value["ok"] != all(target["ok"] for target in self.targets()):
            raise AssertionError(f"the whole is not as its targets are:\n{self.text}")
        for step in self.steps():
            assert_well_worded(step)
        if self.status != (0 if self.value["ok"] else 1):
            raise AssertionError(f"exit {self.status}:\n{self.text}")


def assert_well_worded(step):
    """Texts have no gaps where something was to be filled in, and a shell takes what is to be pasted."""
    for name in ("subject", "detail", "cause", "fix"):
        text = step.get(name, "")
        words = text.replace("  # ", " # ")
        if re.search(r"[\x00-\x1f\x7f]|[{}]|^\s|\s$| [ ,;:]|\(\)|''|\"\"", words):
            raise AssertionError(f"{step['step']}: {name} is not well worded: {text!r}")
    if step["ok"] == ("cause" in step) or step["ok"] == ("fix" in step):
        raise AssertionError(f"{step['step']}: cause and fix belong to a failure, and to each: {step}")
    parsed = subprocess.run(["sh", "-n"], input=step.get("fix", ""), capture_output=True, text=True, check=False)
    if parsed.returncode != 0:
        raise AssertionError(f"{step['step']}: sh does not take {step['fix']!r}: {parsed.stderr}")


def assert_in_order(steps, text):
    """An image is fetched from several hosts, so the way and what is behind it come again, in their order each time."""
    before = [ORDER.index(step["step"]) for step in steps if step["step"] in ("config", "environment", "listener")]
    if before != sorted(before):
        raise AssertionError(f"steps out of order:\n{text}")
    asked = [step["step"] for step in steps if step["step"] in ("registry", "token", "manifest", "blob")]
    first = list(dict.fromkeys(asked))
    if first != sorted(first, key=ORDER.index):
        raise AssertionError(f"steps out of order:\n{text}")


@dataclasses.dataclass
class Line:
    """A step of the output for people."""

    mark: str
    step: str
    rest: str
    cause: str = ""
    fix: str = ""


def lines_of(text):
    """The steps of the output for people; colours are left out."""
    plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", text)
    found = []
    for line in plain.splitlines():
        step = re.match(r"\s*(\S+)\s+(" + "|".join(ORDER) + r")\b(.*)", line)
        reason = re.match(r"\s+(cause|fix):\s+(\S.*)", line)
        if step and len(step[1]) <= 6:
            found.append(Line(step[1], step[2], step[3]))
        elif reason and found:
            setattr(found[-1], reason[1], reason[2])
    return found
