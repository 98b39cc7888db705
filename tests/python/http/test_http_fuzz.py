"""A minute of fuzzing, half of it in C++ and half in Python. `make fuzz` goes on for longer."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(*command):
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_no_bytes_break_what_reads_http_or_are_read_in_two_ways():
    output = run("tools/fuzz.sh", "25")
    assert "tried" in output or "stat::number_of_executed_units" in output


@pytest.mark.timeout(300)
def test_no_request_comes_to_something_else_for_being_cut_or_for_the_way_a_handler_is_used():
    assert "tried" in run(sys.executable, "tests/fuzz/http_fuzz.py", "25")
