"""Running a command to its end or its deadline, in a process group of its own that ends with it."""

import os
import signal
import subprocess
import sys
import time

__all__ = ["run"]

#: The exit status of a command that was stopped.
TIMED_OUT = 124


def run(command, folder, deadline_s, log=None, patience_s=10, **environment):
    """Run `command` in `folder`, without standard input; return its exit status, 124 if it had to be stopped.

    :param log: A file that its output goes to, and is shown from as it comes; None: it writes where this program does.
    :param patience_s: How long what is left of the group may take to end after SIGINT, before it is killed.
    """
    sink = open(log, "wb") if log else None  # noqa: SIM115 - closed below, when the command has it
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT if sink else None,
            start_new_session=True,
        )
    finally:
        if sink:
            sink.close()
    shown = _Shown(log)
    try:
        status = _wait(process, deadline_s, shown)
    finally:
        # Also after a regular end: nothing that it left behind may disturb what comes next.
        _end_group(process, patience_s)
    shown.go_on()
    if status == TIMED_OUT:
        print(f"stopped after its deadline of {deadline_s} s", flush=True)
    return status


def _wait(process, deadline_s, shown):
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        try:
            return process.wait(0.5)
        except subprocess.TimeoutExpired:
            shown.go_on()
    return TIMED_OUT


def _end_group(process, patience_s):
    # Asked first, if there is patience: tools/test.py then ends the part that it runs, which has a group of its own.
    for ending in (signal.SIGINT, signal.SIGKILL) if patience_s else (signal.SIGKILL,):
        try:
            os.killpg(process.pid, ending)
            process.wait(patience_s or None)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


class _Shown:
    """How much of a log was shown."""

    def __init__(self, log):
        self._log = log
        self._size = 0

    def go_on(self):
        """Show what has come since."""
        if self._log is None:
            return
        with open(self._log, "rb") as source:
            source.seek(self._size)
            data = source.read()
        self._size += len(data)
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
