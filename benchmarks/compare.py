"""This tree beside gevent 26.9.0, in one run: `make bench`, or `make bench ARGS="--only socket --rounds 5"`.

Both run the same cases (`cases.py`) in turns, so that whatever else the machine does hits both. gevent is installed
into an environment of its own under build/, once. The table has microseconds of CPU time per operation, the best of all
rounds, and how many times better this tree is by wall time and by CPU time; the latter is what counts, as neighbours
disturb it least.

Exit status: 0 if no case is below 1.0 by CPU time, 1 if one is (also after further rounds for the doubtful ones), 2 if
something is missing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import report
from cases import CASES

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
CASES_FILE = Path(__file__).with_name("cases.py")
REFERENCE = "gevent==26.9.0"
CASE_DEADLINE_S = 120
_SECOND_CHANCES = 2


def reference_python():
    """Return the interpreter of the environment with the released gevent, making it if it is not there."""
    version = "{}.{}".format(*sys.version_info[:2])
    home = ROOT / "build" / "bench" / f"{REFERENCE.replace('==', '-')}-py{version}"
    python = home / "bin" / "python"
    check = [python, "-c", "import gevent; assert gevent.__version__ == '26.9.0'"]
    if python.exists() and subprocess.run(check, capture_output=True).returncode == 0:
        return python
    print(f"installing {REFERENCE} into {home.relative_to(ROOT)}", file=sys.stderr)
    venv.create(home, with_pip=True, clear=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REFERENCE]
    if subprocess.run(pip).returncode != 0 or subprocess.run(check).returncode != 0:
        raise SystemExit(_missing(f"{REFERENCE} cannot be installed; --against PYTHON names one that has it"))
    return python


def _missing(what):
    print(what, file=sys.stderr)
    return 2


def run_case(python, name):
    """Run the case `name` with `python`; return a dict with "unit", "wall_us" and "cpu_us"."""
    # Nothing of the caller's environment may choose another loop or another gevent.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GEVENT", "PYTHON"))}
    done = subprocess.run(
        [python, CASES_FILE, name], capture_output=True, text=True, env=environment, timeout=CASE_DEADLINE_S
    )
    if done.returncode != 0:
        raise SystemExit(f"{name} failed with {python}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class Comparison:
    """The best times of one case with both interpreters."""

    def __init__(self, name):
        self.name = name
        self.best = {}

    def round(self, pythons):
        """Run the case once with each of `pythons`."""
        for python in pythons:
            result = run_case(python, self.name)
            best = self.best.setdefault(python, result)
            for key in ("wall_us", "cpu_us"):
                best[key] = min(best[key], result[key])

    def ratio(self, ours, theirs, key):
        """How many times less than `theirs` `ours` takes."""
        return self.best[theirs][key] / self.best[ours][key]

    def figures(self, ours, theirs):
        """What `report.write` takes."""
        return {
            "name": self.name,
            "unit": self.best[ours]["unit"],
            "theirs_us": self.best[theirs]["cpu_us"],
            "ours_us": self.best[ours]["cpu_us"],
            "wall": self.ratio(ours, theirs, "wall_us"),
            "cpu": self.ratio(ours, theirs, "cpu_us"),
        }

    def row(self, ours, theirs):
        """A line of the table."""
        times = "".join(f"{self.best[python]['cpu_us']:12.3f}" for python in (theirs, ours))
        ratios = "".join(f"{self.ratio(ours, theirs, key):8.2f}" for key in ("wall_us", "cpu_us"))
        return f"{self.name:24}{self.best[ours]['unit']:>12}{times}{ratios}"


def main(arguments=None):
    """Compare; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="REGEX", help="the cases whose name matches")
    parser.add_argument("--rounds", type=int, default=3, help="how often each case runs on each side (%(default)s)")
    parser.add_argument("--against", type=Path, metavar="PYTHON", help="an interpreter with a gevent to compare with")
    parser.add_argument(
        "--page", metavar="FOLDER", help="write table and chart for the documentation (docs/performance)"
    )
    parser.add_argument("--list", action="store_true", help="name the cases")
    options = parser.parse_args(arguments)
    names = [name for name in CASES if re.search(options.only, name)]
    if options.list:
        print(*names, sep="\n")
        return 0
    if not names:
        return _missing(f"no case matches {options.only!r}: {', '.join(CASES)}")
    ours, theirs = sys.executable, str(options.against or reference_python())
    print(f"{'case':24}{'per':>12}{'gevent us':>12}{'ours us':>12}{'wall x':>8}{'CPU x':>8}")
    slower, rows = [], []
    for name in names:
        comparison = Comparison(name)
        for number in range(options.rounds):
            comparison.round((theirs, ours) if number % 2 else (ours, theirs))
        for _ in range(_SECOND_CHANCES):
            if comparison.ratio(ours, theirs, "cpu_us") >= 1:
                break
            comparison.round((ours, theirs))
        print(comparison.row(ours, theirs), flush=True)
        rows.append(comparison.figures(ours, theirs))
        if comparison.ratio(ours, theirs, "cpu_us") < 1:
            slower.append(name)
    if options.page:
        report.write(rows, options.page)
    if slower:
        print(f"slower than gevent: {', '.join(slower)}")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
