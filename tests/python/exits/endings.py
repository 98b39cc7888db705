"""Programs that end while something is alive in them: each in every world, strictest settings, against a clock.

The world "plain" is the standard library alone, so what a program of it is expected to do is known to be right. Every
warning is an error (`-X dev -W error`), and a word on standard error fails the test.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

__all__ = ["GREEN", "WORLDS", "check_ending", "endings"]

# A world: what a program of it begins with, and the loop it runs on.
WORLDS = {
    "plain": ("", ""),
    "unpatched": ("import gevent; gevent.sleep(0)\n", "libev"),
    "patched": ("from gevent import monkey; monkey.patch_all()\n", "libev"),
    "all patched": ("from gevent import monkey; monkey.patch_all(multiprocessing=True)\n", "libev"),
    "all patched on libuv": ("from gevent import monkey; monkey.patch_all(multiprocessing=True)\n", "libuv"),
}
GREEN = tuple(name for name in WORLDS if name != "plain")  # for programs that use gevent by name
FOOTER = """
if __name__ == "__main__":
    import sys
    main(*sys.argv[1:])
"""
DEADLINE_S = 30


def _run(folder, world, code, arguments):
    beginning, loop = WORLDS[world]
    program = Path(folder) / "program.py"
    code = textwrap.dedent(code)
    program.write_text(beginning + code + (FOOTER if "def main(" in code else ""), encoding="utf-8")
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1", "PYTHONUNBUFFERED": "", "GEVENT_LOOP": loop}
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", str(program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, errors = process.communicate()
        raise AssertionError(f"still running after {DEADLINE_S} s\nstdout: {output}\nstderr: {errors}") from None
    try:
        os.killpg(process.pid, 9)  # what a program of these may leave on purpose
    except ProcessLookupError:
        pass
    return process.returncode, output, errors


def check_ending(folder, world, code, output, status=0, last_line=None, arguments=()):
    """Run `code` in `world`; it has to end in time, with `status`, having written the lines `output`, in any order.

    Nothing may be on standard error; or, with `last_line`, a traceback that ends with that.
    """
    returned, written, errors = _run(folder, world, code, arguments)
    shown = f"status {returned}\nstdout: {written}\nstderr: {errors}"
    assert returned == status, shown
    assert sorted(written.split()) == sorted(output.split()), shown
    if last_line is None:
        assert errors == "", shown
    else:
        assert errors.count("Traceback") == 1 and errors.endswith(last_line + "\n"), shown


def endings(programs, worlds=tuple(WORLDS)):
    """Parameters `program` and `world` for a test: each of `programs` in each of `worlds`."""
    cells = [pytest.param(name, world, id=f"{name} - {world}") for name in programs for world in worlds]
    return pytest.mark.parametrize("program, world", cells)
