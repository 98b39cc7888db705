"""One class of CPython's tests, run in this process, each outcome noted in a file as it comes.

Usage: one_class.py WORLD SUITE list
       one_class.py WORLD SUITE run CLASS REPORT [TEST ...]      without tests: all of the class

WORLD is "patched" or "plain". A line of REPORT: outcome, a tab, the test's name, a tab, details. "started" is
noted first, so that whoever stops this process knows what it was about. The runner's folder is on `sys.path`.
"""

import sys

if __name__ == "__main__" and sys.argv[1] == "patched":
    from gevent import monkey

    monkey.patch_all(multiprocessing=True)

import functools
import importlib
import json
import os
import unittest

__all__ = ["main"]


def modules_of(suite):
    """Return the modules of CPython's that the suite consists of; raises `ImportError` if they are not there."""
    if suite == "main_handling":
        return [importlib.import_module("test.test_multiprocessing_main_handling")]
    if suite != "executors":
        return [importlib.import_module(f"cpython_{suite}")]
    package = importlib.import_module("test.test_concurrent_futures")
    if not hasattr(package, "__path__"):
        return [package]
    stems = sorted(name[:-3] for name in os.listdir(package.__path__[0]) if name.startswith("test_"))
    return [importlib.import_module(f"{package.__name__}.{stem}") for stem in stems]


def classes_of(suite):
    """Return the classes of the suite that have tests, by name, in the order of their modules."""
    classes = {}
    for module in modules_of(suite):
        for name, value in vars(module).items():
            if not isinstance(value, type) or not issubclass(value, unittest.TestCase) or name.startswith("_"):
                continue
            # Of the executors, those of processes; a base class has no method of starting them.
            if suite == "executors" and not (name.startswith("ProcessPool") and hasattr(value, "executor_type")):
                continue
            if unittest.defaultTestLoader.getTestCaseNames(value):
                classes[name] = value
    return classes


class Report(unittest.TestResult):
    """Notes outcomes in a file, in the process that began, and shows tracebacks."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.pid = os.getpid()

    def note(self, outcome, test, details=""):
        if os.getpid() != self.pid:
            return
        name = getattr(test, "_testMethodName", None) or str(test)
        line = "\t".join((outcome, name, " ".join(str(details).split())[:300])) + "\n"
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, line.encode("utf-8", "backslashreplace"))
        finally:
            os.close(fd)

    def _failed(self, outcome, test, error):
        print(f"{outcome}: {test}\n{self._exc_info_to_string(error, test)}", file=sys.stderr, flush=True)
        self.note(outcome, test, repr(error[1]))

    def startTest(self, test):
        super().startTest(test)
        self.note("started", test)

    def addSuccess(self, test):
        self.note("passed", test)

    def addExpectedFailure(self, test, err):
        self.note("passed", test)

    def addUnexpectedSuccess(self, test):
        self.note("failed", test, "unexpected success")

    def addSkip(self, test, reason):
        self.note("skipped", test, reason)

    def addError(self, test, err):
        self._failed("failed", test, err)

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._failed("failed", test, err)


def hand_on_the_world(module, world):
    """Have the scripts that tests start begin in the world `world`, and find what this process finds."""
    if hasattr(module, "assert_python_ok"):
        # Variables of PYTHON's are read because some are given. What is in the folder patches, once (see the runner).
        variables = {"PYTHONPATH": os.environ["PYTHONPATH"]}
        if world == "patched":
            variables["GEVENT_CPYTHON_SCRIPT"] = "1"
        module.assert_python_ok = functools.partial(module.assert_python_ok, **variables)


def main(world, suite, action, *arguments):
    classes = classes_of(suite)
    if action == "list":
        names = {name: list(unittest.defaultTestLoader.getTestCaseNames(each)) for name, each in classes.items()}
        print(json.dumps(names))
        return
    name, report, *tests = arguments
    for module in modules_of(suite):
        hand_on_the_world(module, world)
    case = classes[name]
    unittest.TestSuite(map(case, tests or unittest.defaultTestLoader.getTestCaseNames(case))).run(Report(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
