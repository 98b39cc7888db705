"""Short runs of the soaks of processes that serve and compute: `tests/soak/README.md`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAKS = Path(__file__).parents[1] / "soak"
DEADLINE_S = 110


def soak(name, *arguments):
    done = subprocess.run(
        [sys.executable, str(SOAKS / name), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only /proc tells of somebody else's children")
def test_reloads_and_killed_workers_cost_no_request_but_those_in_them():
    assert ", 0 others; " in soak("reloads.py", "--reloads", "6", "--seed", "14", "--disturbances", "0.5")


def test_each_task_of_killed_processes_has_a_result_or_is_lost():
    assert soak("lost_tasks.py", "--tasks", "3000", "--kills", "15", "--seed", "14").splitlines()[1].startswith("3000")
