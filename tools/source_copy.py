"""A copy of the sources elsewhere, to be built in another way: nothing of what a developer has built here changes."""

import os
import shutil
import subprocess
import sys

from test import ROOT

__all__ = ["build_copy", "copy_sources"]


def copy_sources(target, shares_downloads=True):
    """Bring `target` up to date with the files that git has or would add; unchanged ones keep their times."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    names = sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())
    record = target / "build" / "sources.txt"
    before = record.read_text().splitlines() if record.exists() else []
    for name in set(before) - set(names):
        (target / name).unlink(missing_ok=True)
    for name in names:
        source, copy = ROOT / name, target / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text("\n".join(names))
    # One download of gevent's suite serves all.
    cache = target / "build" / "upstream"
    if shares_downloads and not cache.is_symlink():
        (ROOT / "build" / "upstream").mkdir(exist_ok=True)
        cache.symlink_to(os.path.relpath(ROOT / "build" / "upstream", cache.parent))


def build_copy(target, cmake_options):
    """Copy the sources to `target` and build them there, for this interpreter; return the exit status."""
    copy_sources(target)
    environment = {**os.environ, "PYTHON": sys.executable, "GEVENT_CMAKE_OPTIONS": cmake_options}
    return subprocess.run(["tools/build.sh"], cwd=target, env=environment, stdin=subprocess.DEVNULL).returncode
