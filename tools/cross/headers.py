"""Gather the headers that a cross compiler may take from this machine: Python's, greenlet's and doctest's.

Usage: headers.py FOLDER. Python's are of this interpreter, and pyconfig.h of this system: enough to see that the bridge
compiles, as all targets of tools/cross.sh have pointers and longs of 64 bits.
"""

import shutil
import sys
import sysconfig
from pathlib import Path

import greenlet

__all__ = ["gather"]


def gather(folder):
    include = Path(sysconfig.get_path("include"))
    shutil.copytree(include, folder, dirs_exist_ok=True)
    # Debian has another pyconfig.h for each architecture, and in its place one that chooses.
    multiarch = sysconfig.get_config_var("MULTIARCH")
    if multiarch:
        own = include.parent / multiarch / include.name / "pyconfig.h"
        if own.exists():
            shutil.copy(own, folder / "pyconfig.h")
    (folder / "greenlet").mkdir(exist_ok=True)
    shutil.copy(Path(greenlet.__file__).parent / "greenlet.h", folder / "greenlet")
    places = [Path(place) / "doctest" / "doctest.h" for place in ("/usr/include", "/usr/local/include")]
    shutil.copy(next(place for place in places if place.exists()), folder / "doctest")


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
