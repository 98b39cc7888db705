"""Running pieces of Python in processes of their own, which tests that patch or fork need."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager

__all__ = ["connected", "free_port", "run_command", "run_script", "running"]


def run_command(arguments, environment, deadline_s):
    """Run `arguments` with what `environment` adds to this process's; return the CompletedProcess with text output.

    The command and whatever it left behind in its process group is killed after `deadline_s` seconds.
    """
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONFAULTHANDLER": "1", **environment},
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, errors = process.communicate()
        raise AssertionError(f"still running after {deadline_s} s\nstdout: {output}\nstderr: {errors}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def run_script(code, *arguments, deadline_s=60, env=None, check=True):
    """Run `code` (dedented) in a fresh interpreter, as `run_command` does.

    With `check`, a status other than 0 fails the test and shows what the script wrote.
    """
    program = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    result = run_command(program, env or {}, deadline_s)
    if check and result.returncode != 0:
        raise AssertionError(f"status {result.returncode}\nstdout: {result.stdout}\nstderr: {result.stderr}")
    return result


@contextmanager
def running(*command, **options):
    """The process of `command`, whose output is one pipe, until the block ends; killed then with all it has started."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **options,
    )
    try:
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.communicate()


def free_port():
    """Return a port that nobody has now, for a program that is told where to listen."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def connected(port, process, deadline_s=60):
    """Return a socket that is connected to `port`, where `process` is going to listen."""
    deadline = time.monotonic() + deadline_s
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=deadline_s)
        except ConnectionRefusedError:
            assert process.poll() is None and time.monotonic() < deadline, "it does not serve"
            time.sleep(0.05)  # nothing tells when another program begins to listen
