"""Running programs that use `multiprocessing`: as files, since children of two start methods import them again."""

import os
import sys
import textwrap
from pathlib import Path

from scripts import run_command

__all__ = ["FORKS_AMONG_THREADS", "run_program"]

#: Flags of a program that forks while it has threads: from 3.12 on Python warns of them, where nothing is patched.
FORKS_AMONG_THREADS = ("-W", "ignore:This process:DeprecationWarning")

HEADERS = {
    "patched": "from gevent import monkey; monkey.patch_all(multiprocessing=True)\nimport multiprocessing\n",
    "green": "from gevent import multiprocessing\n",
    "stdlib": "import multiprocessing\n",
}
FOOTER = """
if __name__ == "__main__":
    import sys
    main(multiprocessing.get_context(sys.argv[1]))
    print("done")
"""


def run_program(folder, world, start_method, code, *, deadline_s=60, flags=(), env=None, check=True):
    """Run `code`, which defines ``main(context)``, in `world`; return the CompletedProcess with text output.

    With `check`, the program has to come to its end, with status 0 and without a word on standard error. It and all it
    left behind is killed after `deadline_s` seconds.
    """
    program = Path(folder) / "program.py"
    program.write_text(HEADERS[world] + textwrap.dedent(code) + FOOTER, encoding="utf-8")
    here = os.path.dirname(__file__)
    command = [sys.executable, *flags, str(program), start_method]
    result = run_command(command, {"PYTHONPATH": here, **(env or {})}, deadline_s)
    if check and (result.returncode != 0 or result.stderr or not result.stdout.endswith("done\n")):
        raise AssertionError(f"status {result.returncode}\nstdout: {result.stdout}\nstderr: {result.stderr}")
    return result
