"""gevent's own test suite passes here, but for the differences that `differences.toml` gives a reason for.

The suite is downloaded by pip (never committed) into build/upstream and run by `run_upstream.py`, one process per file.
What counts is each single test that gevent itself passes (`reference/`), less `exclusions.tsv`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from losses import SHORT, differences, entries, losses

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "build" / "upstream"
DEADLINE_S = 700
KEYS = {"file", "test", "reason", "flaky", "only"}

#: (suite, loop, resolver) of each run.
RUNS = [
    ("wheel", "libev", "thread"),
    ("wheel", "libuv", "thread"),
    ("wheel", "libev", "ares"),
    ("sdist", "libev", "thread"),
]


def run_suite(run):
    """Run one part of the suite; return (its output, its summary, {(file, test): how it ended} of the tests lost)."""
    suite, loop, resolver = run
    results = CACHE / "results" / "-".join((SHORT, *run))
    command = [sys.executable, str(HERE / "run_upstream.py"), "--python", sys.executable, "--suite", suite, "-q", "-j2"]
    command += ["--loop", loop] if loop != "libev" else []
    command += ["--resolver", resolver] if resolver != "thread" else []
    command += ["--cache", str(CACHE), "--out", str(results)]
    summary = results / "summary.json"
    summary.unlink(missing_ok=True)
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=DEADLINE_S,
        env={key: value for key, value in os.environ.items() if not key.startswith("GEVENT")},
    )
    assert summary.exists(), f"the suite could not be run:\n{done.stdout}"
    numbers = json.loads(summary.read_text())
    assert numbers["reference"], f"no reference results for {run} on {SHORT}"
    return done.stdout, numbers, asked_of_this_python(losses(results), Path(numbers["reference"]).name)


def asked_of_this_python(lost, reference):
    """Return those of `lost` that gevent passes on this version of Python, if `reference` is of another one.

    For libuv and c-ares there are results of one version only, and gevent skips some tests on others.
    """
    own = HERE / "reference" / f"{SHORT}.tests.tsv"
    if reference.startswith(SHORT) or not own.exists():
        return lost
    outcomes = (line.split("\t") for line in own.read_text().splitlines())
    passing = {(file, test) for file, test, outcome, *_reason in outcomes if outcome == "ok"}
    return {key: end for key, end in lost.items() if key in passing}


def test_every_difference_names_one_test_and_gives_a_reason():
    for entry in entries():
        assert set(entry) <= KEYS and {"file", "test", "reason"} <= set(entry), entry
        assert len(entry["reason"]) > 20 and not set("*?") & set(entry["file"] + entry["test"]), entry


@pytest.mark.timeout(DEADLINE_S + 20)
@pytest.mark.parametrize("run", RUNS, ids="-".join)
def test_it_passes_what_gevent_itself_passes(run, capsys):
    if run[0] == "sdist" and not (HERE / "reference" / f"{SHORT}-sdist.tests.tsv").exists():
        pytest.skip(f"the sdist part differs with the version of Python, and has no reference results for {SHORT}")
    output, numbers, lost = run_suite(run)
    listed = differences(run)
    with capsys.disabled():
        print(
            f"\n{'-'.join(run)}: {numbers['reference_passed']} of {numbers['reference_passing']} "
            f"reference-passing tests pass, {len(listed)} differences listed ({numbers['tests']} run, "
            f"{numbers['passed']} passed, {numbers['skipped']} skipped; reference "
            f"{Path(numbers['reference']).name}; {numbers['seconds']} s)"
        )
    unlisted = [f"{file}::{test}: {end}" for (file, test), end in lost.items() if (file, test) not in listed]
    healed = ["::".join(key) for key in listed if key not in lost and not listed[key].get("flaky")]
    assert not unlisted, "not passed, and not in differences.toml:\n" + "\n".join(unlisted) + "\n\n" + output
    assert not healed, "listed in differences.toml, but passed or not in the reference:\n" + "\n".join(healed)
