#!/usr/bin/env python3
"""Run CPython's own tests of multiprocessing and of process pools under ``patch_all(multiprocessing=True)``.

Usage: run_cpython.py [--python PYTHON] [--only REGEX] [--jobs N] [--plain]

The tests are those of the interpreter's own `test` package; where it lacks the executors' (pyenv's builds of 3.11 and
3.12), a system Python's of the same version. Each class runs in a process of its own, with a deadline, in a session of
its own. What does not pass is run once more, alone, and then on the plain standard library, here and now: what that
does not pass either is nobody's difference. What is left must be in `differences.toml`, and what is listed there must
not pass. ``--plain`` runs everything on the plain standard library instead, and compares with nothing.

The last line counts tests: "N passed, N failed, N skipped". Listed differences count as skipped.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["SUITES", "differences", "main"]

HERE = Path(__file__).resolve().parent
METHODS = ("fork", "forkserver", "spawn")
SUITES = (*METHODS, "main_handling", "executors")
#: A class takes 70 s at most on a quiet machine; this is for one on which five others are busy.
CLASS_DEADLINE_S = 400
#: Tests that are listed as hanging get less: they have shown what they do.
HANG_DEADLINE_S = 20
LOGS = HERE.parent.parent / "build" / "reports" / "cpython"

STARTUP = """\
import os
import sys
from _frozen_importlib_external import spec_from_file_location


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "test.test_concurrent_futures" and PATH:
            return spec_from_file_location(name, PATH)


PATH = @PATH@
sys.meta_path.append(Finder)
if os.environ.pop("GEVENT_CPYTHON_SCRIPT", None):
    from gevent import monkey

    monkey.patch_all(multiprocessing=True)
"""

Result = collections.namedtuple("Result", "outcome details")
_shown = threading.Lock()


class Suites:
    """The folder that makes CPython's tests importable under one name each, whatever the interpreter has of them."""

    def __init__(self, python, folder, world):
        self.python, self.folder, self.world = python, Path(folder), world
        self.missing = {}
        for method in METHODS:
            (self.folder / f"cpython_{method}.py").write_text(
                "from test._test_multiprocessing import install_tests_in_module_dict\n\n"
                f"install_tests_in_module_dict(globals(), {method!r})\n"
            )
        self._find_executor_tests()

    def _find_executor_tests(self):
        """The executors' tests are one module, or from 3.12 on a package."""
        source = "import sys, test; print(test.__path__[0]); print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([self.python, "-c", source], capture_output=True, text=True)
        if done.returncode:
            self.missing = dict.fromkeys(SUITES, f"{self.python} has no package test: {done.stderr.strip()[-200:]}")
            return
        own, version = done.stdout.split()
        for folder in (own, f"/usr/lib/python{version}/test", f"/usr/local/lib/python{version}/test"):
            for path in (
                Path(folder, "test_concurrent_futures", "__init__.py"),
                Path(folder, "test_concurrent_futures.py"),
            ):
                if path.exists():
                    self._write_startup(path)
                    if folder != own:
                        print(f"executors: the tests are those of {folder}; {own} has none")
                    return
        self._write_startup("")
        self.missing["executors"] = f"neither {own} nor a system Python {version} has test_concurrent_futures"

    def _write_startup(self, executor_tests):
        """What each process begins with: where the executors' tests are, and patching, in scripts that shall be."""
        (self.folder / "sitecustomize.py").write_text(STARTUP.replace("@PATH@", repr(str(executor_tests))))

    def environment(self):
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONWARNINGS")}
        return dict(environment, PYTHONPATH=str(self.folder), PYTHONDONTWRITEBYTECODE="1")

    def classes(self, suite):
        """Return the names of the suite's tests by class; none, with a note in `missing`, if they are not there."""
        if suite in self.missing:
            return {}
        command = [self.python, str(HERE / "one_class.py"), self.world, suite, "list"]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=CLASS_DEADLINE_S)
        if done.returncode:
            self.missing[suite] = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            return {}
        return json.loads(done.stdout.splitlines()[-1])

    def run(self, world, suite, name, tests, deadline_s=CLASS_DEADLINE_S):
        """Run `tests` of one class; return a `Result` for each. One that hangs does not stop the others."""
        results = {}
        left = list(tests)
        while left:
            outcomes, log = self._run_once(world, suite, name, left, deadline_s)
            results.update((test, outcome) for test, outcome in outcomes.items() if test in left)
            unfinished = [test for test in left if results.get(test, Result("started", "")).outcome == "started"]
            begun = [test for test in unfinished if test in results]
            for test in begun or unfinished:
                results[test] = Result("hung" if log.timed_out else "crashed", log.last_line)
            if not begun:
                break
            left = [test for test in unfinished if test not in begun]
        return results

    def _run_once(self, world, suite, name, tests, deadline_s):
        LOGS.mkdir(parents=True, exist_ok=True)
        log = Log(LOGS / f"{suite}.{name}.{world}.log")
        with tempfile.TemporaryDirectory(prefix="cpython-", ignore_cleanup_errors=True) as folder:
            report = Path(folder, "report.tsv")
            work = Path(folder, "work")
            work.mkdir()
            command = [self.python, "-W", "ignore", str(HERE / "one_class.py"), world, suite, "run", name, str(report)]
            log.run([*command, *tests], work, self.environment(), deadline_s)
            outcomes = {}
            for line in report.read_text(errors="replace").splitlines() if report.exists() else ():
                outcome, test, details = line.split("\t", 2)
                # A test that failed in one of its parts does not pass afterwards.
                if outcomes.get(test, Result("started", "")).outcome == "started":
                    outcomes[test] = Result(outcome, details)
        return outcomes, log


class Log:
    """A process and what it writes."""

    def __init__(self, path):
        self.path = path
        self.timed_out = False

    def run(self, command, folder, environment, deadline_s):
        with open(self.path, "ab") as sink:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                process.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self.timed_out = True
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()

    @property
    def last_line(self):
        lines = self.path.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else ""


def differences(version):
    """Return the entries of `differences.toml` for a version such as "3.11", by (suite, class, test)."""
    with open(HERE / "differences.toml", "rb") as source:
        entries = tomllib.load(source).get("difference", [])
    mine = [entry for entry in entries if version in entry.get("pythons", [version])]
    return {(entry["suite"], *entry["test"].split(".")): entry for entry in mine}


def run_everything(suites, wanted, listed, jobs):
    """Run each class, the hanging tests each alone; return a `Result` by (suite, class, test). Most tests first."""
    tasks = []
    for (suite, name), tests in wanted.items():
        hanging = [test for test in tests if listed.get((suite, name, test), {}).get("hangs")]
        tasks += [(suite, name, [test], HANG_DEADLINE_S) for test in hanging]
        rest = [test for test in tests if test not in hanging]
        if rest:
            tasks.append((suite, name, rest, CLASS_DEADLINE_S))
    tasks.sort(key=lambda task: -len(task[2]))
    return run_tasks(suites, suites.world, tasks, jobs)


def run_tasks(suites, world, tasks, jobs):
    results = {}

    def one(task):
        suite, name, tests, deadline_s = task
        started = time.monotonic()
        outcomes = suites.run(world, suite, name, tests, deadline_s)
        count = collections.Counter(result.outcome for result in outcomes.values())
        words = ", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items()))
        with _shown:
            print(f"{world} {suite} {name}: {words} ({time.monotonic() - started:.1f} s)", flush=True)
        return {(suite, name, test): result for test, result in outcomes.items()}

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for outcomes in pool.map(one, tasks):
            results.update(outcomes)
    return results


def by_class(keys):
    """Return tasks for `keys`, the tests of one class together."""
    grouped = {}
    for suite, name, test in keys:
        grouped.setdefault((suite, name), []).append(test)
    return [(suite, name, tests, CLASS_DEADLINE_S) for (suite, name), tests in grouped.items()]


def judge(suites, results, listed, jobs):
    """Return (keys lost without a reason, keys that the plain standard library passes neither)."""
    open_keys = [key for key, result in results.items() if result.outcome != "passed" and key not in listed]
    again = [key for key in open_keys if results[key].outcome != "skipped"]
    for key, result in run_tasks(suites, "patched", by_class(again), jobs).items():
        if result.outcome == "passed":
            results[key] = Result("passed", "at the second time")
            open_keys.remove(key)
    plain = run_tasks(suites, "plain", by_class(open_keys), jobs)
    lost = [key for key in open_keys if plain[key].outcome == "passed"]
    return lost, [key for key in open_keys if key not in lost]


def show_counts(wanted, results, lost, equal):
    for suite in SUITES:
        mine = {key: result for key, result in results.items() if key[0] == suite}
        if mine:
            passed = sum(result.outcome == "passed" for result in mine.values())
            print(
                f"{suite}: {passed} of {len(mine)} tests in {sum(key[0] == suite for key in wanted)} classes pass; "
                f"{sum(key[0] == suite for key in equal)} are not passed on the plain standard library either, "
                f"{sum(key[0] == suite for key in lost)} are lost without a reason"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--only", default="", help="a regular expression for SUITE.CLASS")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    # A shell's background job starts with SIGINT ignored, which every child would inherit; some tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    started = time.monotonic()
    for log in LOGS.glob("*.log"):
        log.unlink()
    with tempfile.TemporaryDirectory(prefix="cpython-suites-") as folder:
        suites = Suites(options.python, folder, "plain" if options.plain else "patched")
        wanted = {}
        for suite in SUITES:
            for name, tests in suites.classes(suite).items():
                if re.search(options.only, f"{suite}.{name}"):
                    wanted[suite, name] = tests
        source = "import sys; print('%d.%d' % sys.version_info[:2])"
        version = subprocess.run(
            [options.python, "-c", source], capture_output=True, text=True, check=True
        ).stdout.strip()
        listed = {} if options.plain else differences(version)
        listed = {key: entry for key, entry in listed.items() if re.search(options.only, ".".join(key[:2]))}
        results = run_everything(suites, wanted, listed, options.jobs)
        lost, equal = ([], []) if options.plain else judge(suites, results, listed, options.jobs)
    return close(suites.missing, wanted, listed, results, lost, equal, started)


def close(missing, wanted, listed, results, lost, equal, started):
    """Show what came out; return the exit status."""
    print()
    show_counts(wanted, results, lost, equal)
    for suite, reason in missing.items():
        print(f"{suite}: not there: {reason}")
    for key in equal:
        if results[key].outcome != "skipped":
            print(f"as on the plain standard library, not passed: {'.'.join(key)}: {results[key].details}")
    lines = [f"{'.'.join(key)}\t{result.outcome}\t{result.details}\n" for key, result in sorted(results.items())]
    (LOGS / "results.tsv").write_text("".join(lines))
    gone = [key for key in listed if key not in results and key[0] not in missing]
    healed = [key for key in listed if key in results and results[key].outcome == "passed"]
    for key in lost:
        print(f"FAILED, and not in differences.toml: {'.'.join(key)}: {results[key].outcome}: {results[key].details}")
    for key in gone:
        print(f"FAILED: listed in differences.toml, but there is no such test: {'.'.join(key)}")
    for key in healed:
        if not listed[key].get("flaky"):
            print(f"FAILED: listed in differences.toml, but passes: {'.'.join(key)}")
    failed = len(lost) + len(gone) + sum(not listed[key].get("flaky") for key in healed)
    passed = sum(result.outcome == "passed" for result in results.values())
    skipped = len(results) - passed - len(lost) + len(missing)
    print(f"{len(listed)} differences listed, {time.monotonic() - started:.0f} s; logs in {LOGS}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
