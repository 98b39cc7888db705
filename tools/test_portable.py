"""Run the multiprocessing tests where gevent-mp is built as for a kernel without eventfd, memfd, pidfd and RWF_NOWAIT.

Usage: .venv/bin/python tools/test_portable.py [PYTEST ARGUMENTS]. The build is of a copy of the sources, in
build/portable.
"""

import os
import subprocess
import sys

from source_copy import copy_sources
from test import ROOT

__all__ = ["main"]

FOLDER = ROOT / "build" / "portable"


def main(arguments):
    copy_sources(FOLDER)
    options = {"PYTHON": sys.executable, "GEVENT_CMAKE_OPTIONS": "-DGEVENT_PORTABLE=ON -DGEVENT_KQUEUE=OFF"}
    built = subprocess.run(["tools/build.sh"], cwd=FOLDER, env={**os.environ, **options}, stdin=subprocess.DEVNULL)
    if built.returncode:
        return built.returncode
    tests = [".venv/bin/python", "-m", "pytest", "-q", "-ra", *arguments, "tests/python/multiprocessing"]
    return subprocess.run(tests, cwd=FOLDER, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
