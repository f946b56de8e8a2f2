"""Runs a test module inside its own namespaces."""

import os
import shutil
import sys
import unittest

import isolate

# The testbed of the running module, for the report on a failure.
reported = None


def report_on(testbed):
    """The output of this testbed's programs is shown with a failure."""
    global reported
    reported = testbed
    return testbed


def needs(program):
    """Skips a test that cannot run without this program. CI has it, so there the test fails instead."""
    is_there = shutil.which(program) is not None or os.environ.get("CI") == "true"
    return unittest.skipUnless(is_there, f"SKIP: there is no {program} here")


class Result(unittest.TextTestResult):
    """Adds the output of the testbed's programs to the first failures."""

    def _explain(self):
        if reported and len(self.failures) + len(self.errors) <= 3:
            self.stream.writeln(reported.describe())

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._explain()

    def addError(self, test, error):
        super().addError(test, error)
        self._explain()

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self._explain()


def main():
    isolate.enter()
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result)
    program = unittest.main(module="__main__", testRunner=runner, exit=False)
    if reported:
        reported.close()
    # Threads of servers may still wait in the kernel; pid 1 takes all of them along.
    sys.stdout.flush()
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun else 1)
