"""Programs that end while something is alive in them: each in every world, strictest settings, against a clock.

The world "plain" is the standard library alone, so what a program of it is expected to do is known to be right. Every
warning is an error (`-X dev -W error`), and a word on standard error fails the test.

Without `-X dev` on 3.10, where a native thread that outlives the program crashes the plain interpreter in that mode.
"""

import sys
import textwrap
from pathlib import Path

import pytest
from scripts import run_command

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
_STRICT = ("-X", "dev") if sys.version_info >= (3, 11) else ()


def _run(folder, world, code, arguments):
    beginning, loop = WORLDS[world]
    program = Path(folder) / "program.py"
    code = textwrap.dedent(code)
    program.write_text(beginning + code + (FOOTER if "def main(" in code else ""), encoding="utf-8")
    command = [sys.executable, *_STRICT, "-W", "error", str(program), *arguments]
    return run_command(command, {"PYTHONUNBUFFERED": "", "GEVENT_LOOP": loop}, DEADLINE_S)


def check_ending(folder, world, code, output, status=0, last_line=None, arguments=()):
    """Run `code` in `world`; it has to end in time, with `status`, having written the lines `output`, in any order.

    Nothing may be on standard error; or, with `last_line`, a traceback that ends with that.
    """
    result = _run(folder, world, code, arguments)
    written, errors = result.stdout, result.stderr
    shown = f"status {result.returncode}\nstdout: {written}\nstderr: {errors}"
    assert result.returncode == status, shown
    assert sorted(written.split()) == sorted(output.split()), shown
    if last_line is None:
        assert errors == "", shown
    else:
        assert errors.count("Traceback") == 1 and errors.endswith(last_line + "\n"), shown


def endings(programs, worlds=tuple(WORLDS)):
    """Parameters `program` and `world` for a test: each of `programs` in each of `worlds`."""
    cells = [pytest.param(name, world, id=f"{name} - {world}") for name in programs for world in worlds]
    return pytest.mark.parametrize("program, world", cells)
