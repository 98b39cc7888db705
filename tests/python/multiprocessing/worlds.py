"""Running programs that use `multiprocessing`: as files, since children of two start methods import them again."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

__all__ = ["run_program"]

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
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1", "PYTHONPATH": here, **(env or {})}
    process = subprocess.Popen(
        [sys.executable, *flags, str(program), start_method],
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
    if check and (result.returncode != 0 or errors or not output.endswith("done\n")):
        raise AssertionError(f"status {result.returncode}\nstdout: {output}\nstderr: {errors}")
    return result
