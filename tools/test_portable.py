"""Run the multiprocessing tests where gevent-mp is built as for a kernel without eventfd, memfd, pidfd and RWF_NOWAIT.

Usage: .venv/bin/python tools/test_portable.py [PYTEST ARGUMENTS]. The build is of a copy of the sources, in
build/portable.
"""

import subprocess
import sys

from source_copy import build_copy
from test import ROOT

__all__ = ["main"]

FOLDER = ROOT / "build" / "portable"


def main(arguments):
    if status := build_copy(FOLDER, "-DGEVENT_PORTABLE=ON -DGEVENT_KQUEUE=OFF"):
        return status
    tests = [".venv/bin/python", "-m", "pytest", "-q", "-ra", *arguments, "tests/python/multiprocessing"]
    return subprocess.run(tests, cwd=FOLDER, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
