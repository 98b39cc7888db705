"""Run the tests on every supported Python that is found, and close with one table and one line "N passed, N failed".

Usage: .venv/bin/python tools/test_all.py [3.X ...] [PART ...], parts as in tools/test.py; without one, all of them.

An interpreter is found as python3.X on PATH, in pyenv's folder of versions, or, when run by root, in another Debian: a
folder in /srv, or those that GEVENT_ROOTS names, separated by colons; tests/README.md says how to make one. The one
that .venv is made of uses this tree as it is. Each other one has a copy of the sources (tools/source_copy.py), in
build/pythons/3.X or in the other Debian's srv/gevent-mp, with a .venv and native modules of its own. What does not
depend on the interpreter (C++) runs once, and so does what makes its environments itself (packaging): with the first.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from process import run
from source_copy import copy_sources
from test import PARTS, ROOT, counts_of, totals

__all__ = ["main"]

VERSIONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
ONCE = {
    "cpp",
    "cpp-asan",
    "cpp-bridge-asan",
    "cpp-tsan",
    "cpp-portable",
    "cross",
    "python-portable",
    "python-asan",
    "packaging",
}
BUILD_DEADLINE_S = 1800
OWN = "{}.{}".format(*sys.version_info[:2])

# What an interpreter says of itself; `lacks` is why nothing could be built with it.
ABOUT = """
import importlib.util, json, os, sys, sysconfig
lacks = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    lacks.append("Python.h")
print(json.dumps({
    "path": sys.executable, "version": sys.version.split()[0], "kind": sys.implementation.name, "lacks": lacks}))
"""


def pyenv_versions():
    """Return pyenv's folder of versions, or None."""
    root = os.environ.get("PYENV_ROOT")
    if root is None and shutil.which("pyenv"):
        asked = subprocess.run(["pyenv", "root"], capture_output=True, text=True, timeout=30)
        root = asked.stdout.strip() or None
    folder = Path(root) / "versions" if root else None
    return folder if folder and folder.is_dir() else None


def other_roots():
    """Return the folders that may hold another Debian, which only root can enter."""
    if os.geteuid() != 0:
        return []
    named = os.environ.get("GEVENT_ROOTS")
    return [Path(name) for name in named.split(":")] if named else sorted(Path("/srv").glob("*"))


def candidates(version):
    """Yield (root folder or None, path there) where an interpreter of `version` may be: PATH, pyenv's, others."""
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield None, on_path
    folder = pyenv_versions()
    if folder:
        # Names such as 3.12.1: not 3.12-dev, not pypy3.10.
        found = [path for path in folder.glob(f"{version}.*") if path.name.removeprefix(f"{version}.").isdigit()]
        for path in sorted(found, key=lambda path: int(path.name.rpartition(".")[2]), reverse=True):
            yield None, str(path / "bin" / "python3")
    for root in other_roots():
        if (root / "usr" / "bin" / f"python{version}").exists():
            yield root, f"/usr/bin/python{version}"


def within(root, command):
    """Return `command` for the system whose root folder `root` is; None is this one."""
    return [str(ROOT / "tools" / "in_root.sh"), str(root), *command] if root else command


def find(version):
    """Return (what an interpreter of `version` says of itself or None, a remark or None)."""
    remark = None
    for root, path in candidates(version):
        try:
            asked = subprocess.run(within(root, [path, "-c", ABOUT]), capture_output=True, text=True, timeout=30)
            about = json.loads(asked.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            # A pyenv shim whose version is not chosen is on PATH and runs nothing.
            continue
        if about["kind"] != "cpython" or not about["version"].startswith(version):
            continue
        if not about["lacks"]:
            return {**about, "root": root}, None
        remark = f"{root or ''}{path} is left out: it has no {' and no '.join(about['lacks'])}"
    return None, remark


def test_one(about, parts):
    """Build with one interpreter and run `parts`; return its rows as tools/test.py makes them, or that it failed."""
    version = ".".join(about["version"].split(".")[:2])
    root = about["root"]
    folder = ROOT
    if version != OWN:
        folder = root / "srv" / "gevent-mp" if root else ROOT / "build" / "pythons" / version
        copy_sources(folder, shares_downloads=not root)
        if run(within(root, ["tools/build.sh"]), folder, BUILD_DEADLINE_S, PYTHON=about["path"]):
            return [("build", 0, 1, 0, 0.0)]
    deadline_s = 60 + sum(PARTS[name].deadline_s for name in parts)
    counts_of(folder).unlink(missing_ok=True)
    run(within(root, [".venv/bin/python", "tools/test.py", *parts]), folder, deadline_s)
    # Without a count it did not come to its end.
    return json.loads(counts_of(folder).read_text()) if counts_of(folder).exists() else [("tests", 0, 1, 0, 0.0)]


def main(words):
    versions = [word for word in words if word in VERSIONS]
    chosen = [word for word in words if word in PARTS]
    parts = chosen or list(PARTS)
    found, remarks = [], []
    for version in versions or VERSIONS:
        # Never another 3.X than the one .venv is made of: the tree is built for that.
        about, remark = ({"version": sys.version.split()[0], "root": None}, None) if version == OWN else find(version)
        if about:
            found.append(about)
        elif remark or versions:
            remarks.append(remark or f"Python {version} is not found")

    table = []
    # The one of this tree goes first, and with it what runs once.
    found.sort(key=lambda about: not about["version"].startswith(OWN + "."))
    for number, about in enumerate(found):
        mine = [name for name in parts if number == 0 or name not in ONCE]
        print(f"\n##### Python {about['version']}", flush=True)
        if mine:
            table += [(about["version"], *row) for row in test_one(about, mine)]

    print(f"\n{'python':<10}{'part':<16}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for version, name, passed, failed, skipped, seconds in table:
        print(f"{version:<10}{name:<16}{passed:>8}{failed:>8}{skipped:>9}{seconds:>9.1f}")
    for remark in remarks:
        print(remark)
    line, failed = totals([row[1:] for row in table])
    print(f"\n{line}", flush=True)
    # A version that was asked for by name and is not here was not tested.
    return 1 if failed or (versions and remarks) or not table else 0


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - {*PARTS, *VERSIONS}
    if unknown:
        sys.exit(
            f"neither a part nor a version: {', '.join(sorted(unknown))}; there are {', '.join([*PARTS, *VERSIONS])}"
        )
    sys.exit(main(sys.argv[1:]))
