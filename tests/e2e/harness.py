"""Runs a test module inside its own namespaces."""

import sys
import unittest

import isolate

# The world of the running module, for the report on a failure.
stage = None


def set_stage(world):
    global stage
    stage = world
    return world


class Result(unittest.TextTestResult):
    """Adds to the first failures what the programs of the world have said."""

    def _explain(self):
        if stage and len(self.failures) + len(self.errors) <= 3:
            self.stream.writeln(stage.describe())

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
    if stage:
        stage.close()
    # Threads of servers may still wait in the kernel; pid 1 takes all of them along.
    sys.stdout.flush()
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun else 1)
