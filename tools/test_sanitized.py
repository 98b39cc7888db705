"""Run tests where all that is ours is built with the sanitizers for addresses and for undefined behaviour.

Usage: .venv/bin/python tools/test_sanitized.py bridge|python [ARGUMENTS of doctest or pytest]. The build is of a copy
of the sources, in build/sanitized. What greenlet and Python do with their memory is not watched, ours in the heap is.
"""

import os
import subprocess
import sys

from source_copy import build_copy
from test import ROOT

__all__ = ["main"]

FOLDER = ROOT / "build" / "sanitized"

# Python frees little when it ends. And its own allocator would hide from the sanitizer what is done with freed memory.
SETTINGS = {
    "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=0:halt_on_error=1:color=never",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:color=never",
    "PYTHONMALLOC": "malloc",
}
# The interpreter itself is built without, so that who runs it loads them first; exceptions are caught by one of them.
PRELOADED = ("libasan.so", "libstdc++.so")


def preloaded():
    """Return the shared libraries that an interpreter must have loaded before ours."""
    compiler = os.environ.get("CXX", "c++")
    found = [subprocess.check_output([compiler, f"-print-file-name={name}"], text=True).strip() for name in PRELOADED]
    return " ".join(found)


def main(kind, *arguments):
    if status := build_copy(FOLDER, "-DGEVENT_SANITIZE=address,undefined"):
        return status
    if kind == "bridge":
        settings, command = SETTINGS, ["tools/test_cpp.sh", "bridge", *arguments]
    else:
        settings = {**SETTINGS, "LD_PRELOAD": preloaded()}
        command = [".venv/bin/python", "-m", "pytest", "-q", "-ra", *(arguments or ["tests/python"])]
    return subprocess.run(command, cwd=FOLDER, env={**os.environ, **settings}, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
