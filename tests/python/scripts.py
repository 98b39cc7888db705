"""Running pieces of Python in processes of their own, which tests that patch or fork need."""

import os
import subprocess
import sys
import textwrap

__all__ = ["run_script"]


def run_script(code, *arguments, deadline_s=60, env=None, check=True):
    """Run `code` (dedented) in a fresh interpreter; return the CompletedProcess with text output.

    With `check`, a status other than 0 fails the test and shows what the script wrote. The script and whatever it left
    behind in its process group is killed after `deadline_s` seconds.
    """
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1", **(env or {})}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, errors = process.communicate()
        raise AssertionError(f"still running after {deadline_s} s\nstdout: {output}\nstderr: {errors}") from None
    result = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
    if check and result.returncode != 0:
        raise AssertionError(f"status {result.returncode}\nstdout: {output}\nstderr: {errors}")
    return result
