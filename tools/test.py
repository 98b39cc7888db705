"""Run every part of the test suite that exists, count each, and close with one line of the form "N passed, N failed".

Usage: .venv/bin/python tools/test.py [PART ...], parts as in PARTS below; without one, all but those in SLOW.

Parts run one after another, each with no standard input and a deadline, and go on after a part has failed. A part that
ends without a count (it crashed, hung or did not build) counts as one failure.

A few failed tests of pytest's parts are run once more, by themselves. What passes then depends on something it should
not depend on, usually a busy machine: it counts as passed, and is named above the closing line, to be mended.
"""

import json
import re
import signal
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import process

__all__ = ["PARTS", "ROOT", "SLOW", "counts_of", "main", "totals"]

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "reports"


class CppTests:
    """A doctest program: plain, under a sanitizer, without what only Linux has, or the one with an interpreter."""

    def __init__(self, kind, deadline_s):
        self.kind = kind
        self.deadline_s = deadline_s

    def exists(self):
        pattern = {"tsan": "threads_*_test.cc", "bridge": "python/*_test.cc"}.get(self.kind, "*_test.cc")
        return any((ROOT / "tests" / "cpp").rglob(pattern))

    def command(self):
        return ["tools/test_cpp.sh", self.kind]

    def count(self, output):
        found = re.search(r"test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped", output)
        return tuple(int(found.group(i)) for i in (2, 3, 4)) if found else None


class CrossTests(CppTests):
    """The doctest program on another processor, under qemu; and Darwin's linked as a whole."""

    def __init__(self, deadline_s):
        super().__init__("cross", deadline_s)

    def command(self):
        return ["tools/cross.sh", "run"]


class SanitizedBridgeTests(CppTests):
    """The program with an interpreter, where the bridge and the bindings are under sanitizers."""

    def __init__(self, deadline_s):
        super().__init__("bridge", deadline_s)

    def command(self):
        return [sys.executable, "tools/test_sanitized.py", "bridge"]


class PythonTests:
    """One folder of pytest tests."""

    can_run_some = True

    def __init__(self, folder, deadline_s):
        self.folder = folder
        self.deadline_s = deadline_s
        self.report = REPORTS / (folder.replace("/", "-") + ".xml")

    def exists(self):
        return any((ROOT / self.folder).rglob("test_*.py"))

    def command(self):
        self.report.unlink(missing_ok=True)
        return [sys.executable, "-m", "pytest", "-q", "-ra", f"--junitxml={self.report}", self.folder]

    def command_for(self, failed):
        """Return the command that runs these tests alone."""
        return [sys.executable, "-m", "pytest", "-q", "-ra", *failed]

    def count(self, output):
        if not self.report.exists():
            return None
        suite = ElementTree.parse(self.report).getroot()
        suite = suite if suite.tag == "testsuite" else suite.find("testsuite")
        ran, failed, broken, skipped = (int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped"))
        return ran - failed - broken - skipped, failed + broken, skipped


class PythonTestsElsewhere(PythonTests):
    """One folder of pytest tests, run by a program that first builds a copy of the sources in another way."""

    can_run_some = False

    def __init__(self, folder, deadline_s, *program):
        super().__init__(folder, deadline_s)
        self.program = program

    def command(self):
        self.report.unlink(missing_ok=True)
        return [sys.executable, *self.program, f"--junitxml={self.report}"]


class CPythonTests:
    """CPython's own tests of multiprocessing, patched: a program that counts them itself."""

    deadline_s = 2400

    def exists(self):
        return (ROOT / "tests" / "cpython" / "run_cpython.py").exists()

    def command(self):
        return [sys.executable, "tests/cpython/run_cpython.py"]

    def count(self, output):
        found = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.MULTILINE)
        return tuple(map(int, found.groups())) if found else None


class Soak:
    """Thirty seconds of the soak, which counts as one test."""

    deadline_s = 900

    def exists(self):
        return (ROOT / "tests" / "soak" / "soak.py").exists()

    def command(self):
        return [sys.executable, "tests/soak/soak.py", "--seconds", "30", "--seed", "1"]

    def count(self, output):
        return (1, 0, 0) if "soak: nothing lost, doubled, torn or hung, nothing left" in output else (0, 1, 0)


# Deadlines are several times what a part takes on two busy cores; together they stay under CI's own limit.
PARTS = {
    "cpp": CppTests("plain", 600),
    "cpp-bridge": CppTests("bridge", 600),
    "cpp-asan": CppTests("asan", 900),
    "cpp-bridge-asan": SanitizedBridgeTests(1500),
    "cpp-tsan": CppTests("tsan", 600),
    "cpp-portable": CppTests("portable", 900),
    "cross": CrossTests(2400),
    "tidy": PythonTests("tests/tidy", 300),
    "types": PythonTests("tests/types", 600),
    "python": PythonTests("tests/python", 1500),
    "upstream": PythonTests("tests/upstream", 1800),
    "cpython": CPythonTests(),
    "python-portable": PythonTestsElsewhere("tests/python/multiprocessing", 2400, "tools/test_portable.py"),
    "python-asan": PythonTestsElsewhere("tests/python", 3600, "tools/test_sanitized.py", "python", "tests/python"),
    "soak": Soak(),
    "packaging": PythonTests("tests/packaging", 3600),
    "install": PythonTests("tests/install", 3600),
}
# Minutes long, and about installing or other systems rather than about gevent: only when asked for.
SLOW = {"packaging", "install", "cpp-portable", "cross", "python-portable", "python-asan"}
# More failures than this in one part are no accident.
MOST_AGAIN = 3


def failed_tests(output):
    """Return the names of the tests that a summary of pytest calls failed or broken, each once."""
    return list(dict.fromkeys(re.findall(r"^(?:FAILED|ERROR) (\S+\.py::.+?)(?: - .*)?$", output, re.MULTILINE)))


def run_again(part, failed, output):
    """Run the `failed` tests that `output` names once more; return the names of those that pass now.

    None is run again if they are many, or not all named: then something is broken.
    """
    names = failed_tests(output)
    if not getattr(part, "can_run_some", False) or not 0 < failed == len(names) <= MOST_AGAIN:
        return []
    print(f"=== once more: {', '.join(names)}", flush=True)
    status, output = run(part.command_for(names), part.deadline_s)
    again = failed_tests(output)
    return [name for name in names if name not in again] if status in (0, 1) else []


def run(command, deadline_s):
    """Run `command`; return (exit status, output), the output also shown as it comes."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    log = REPORTS / "output.log"
    status = process.run(command, ROOT, deadline_s, log, patience_s=0, NO_COLOR="1", PYTHONUNBUFFERED="1")
    return status, log.read_text(errors="replace")


def counts_of(folder):
    """Return the file where a run in the tree `folder` leaves its rows: part, passed, failed, skipped, seconds."""
    return folder / "build" / "reports" / "counts.json"


def totals(rows):
    """Return (the closing line, how many failed) of such rows."""
    passed, failed, skipped = (sum(row[i] for row in rows) for i in (1, 2, 3))
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), failed


def main(names):
    # A shell's background job starts with SIGINT ignored, which every child would inherit; some tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    counts_of(ROOT).unlink(missing_ok=True)
    rows, unsure = [], []
    for name in names or [name for name in PARTS if name not in SLOW]:
        part = PARTS[name]
        if not part.exists():
            print(f"=== {name}: no such tests yet", flush=True)
            continue
        print(f"=== {name}", flush=True)
        started = time.monotonic()
        status, output = run(part.command(), part.deadline_s)
        passed, failed, skipped = part.count(output) or (0, 0, 0)
        # pytest's 5: everything deselected or nothing collected.
        if status not in (0, 5) and not failed:
            failed = 1
        passed_now = run_again(part, failed, output)
        unsure += passed_now
        passed, failed = passed + len(passed_now), failed - len(passed_now)
        rows.append((name, passed, failed, skipped, time.monotonic() - started))

    print(f"\n{'part':<16}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name, passed, failed, skipped, seconds in rows:
        print(f"{name:<16}{passed:>8}{failed:>8}{skipped:>9}{seconds:>9.1f}")
    REPORTS.mkdir(parents=True, exist_ok=True)
    counts_of(ROOT).write_text(json.dumps(rows))
    for name in unsure:
        print(f"failed at first, passed when it was run once more: {name}")
    line, failed = totals(rows)
    print(f"\n{line}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(PARTS)
    if unknown:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    sys.exit(main(sys.argv[1:]))
