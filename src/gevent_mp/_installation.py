"""What is installed where this module lies, read from its files: gevent may be missing, broken, another's."""

import base64
import csv
import hashlib
import importlib.machinery
import importlib.util
import re
import sys
from pathlib import Path

__all__ = [
    "PACKAGE",
    "SITE",
    "changed_files",
    "distributions",
    "foreign_files",
    "gevent_found",
    "has_pip",
    "mend_other_gevent",
    "mend_two_owners",
    "own_record",
    "tree",
]

PACKAGE = Path(__file__).resolve().parent
SITE = PACKAGE.parent  # where this distribution is installed

_VERSION = re.compile(r"""^__(mp_)?version__\s*=\s*["']([^"']+)["']""", re.MULTILINE)


def tree():
    """Return the folder that has our ``gevent``: the one of a wheel, else the sources or a build named gevent."""
    own = PACKAGE / "tree"
    return own if own.is_dir() else SITE


def gevent_found():
    """Return what ``import gevent`` finds, without importing it: file, version, mp_version; None if there is none.

    `mp_version` is None for gevent's own, and `file` is where it is.
    """
    loaded = sys.modules.pop("gevent", None)
    try:
        spec = importlib.machinery.PathFinder.find_spec("gevent", sys.path)
    finally:
        if loaded is not None:
            sys.modules["gevent"] = loaded
    if spec is None:
        return None
    if spec.origin == str(SITE / "gevent.py"):
        spec = importlib.machinery.PathFinder.find_spec("gevent", [str(tree())])
    if spec is None or spec.origin is None:
        # A folder that an uninstall has left, without anything that could be run.
        return {"file": None, "version": None, "mp_version": None}
    versions = {name or "": number for name, number in _VERSION.findall(Path(spec.origin).read_text(encoding="utf-8"))}
    return {"file": spec.origin, "version": versions.get(""), "mp_version": versions.get("mp_")}


def distributions(name):
    """Return the metadata folders of all distributions called `name` in `SITE`, sorted."""
    normal = re.compile(re.escape(name).replace(r"\-", "[-_.]") + r"-[^-]+\.dist-info", re.IGNORECASE)
    return sorted(folder for folder in SITE.glob("*.dist-info") if normal.fullmatch(folder.name))


def own_record():
    """Return {path relative to `SITE`: "sha256=..." or ""} of what this distribution installed; {} for a checkout."""
    for name in ("gevent-mp", "gevent"):
        for folder in distributions(name):
            rows = _read_record(folder)
            if any(path.startswith("gevent_mp/") for path in rows):
                return rows
    return {}


def _read_record(folder):
    try:
        with open(folder / "RECORD", encoding="utf-8", newline="") as file:
            return {row[0]: row[1] for row in csv.reader(file) if row}
    except OSError:
        return {}


def changed_files(record):
    """Return the paths of `record` that are missing or have other bytes than were installed."""
    return [path for path, digest in record.items() if digest and _digest(SITE / path) != digest]


def _digest(path):
    try:
        raw = hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def foreign_files(record):
    """Return what lies in our ``gevent`` folder, or in one beside it, and was not installed by us."""
    folders = {tree() / "gevent", SITE / "gevent"} if record else set()
    return sorted(
        path.relative_to(SITE)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.relative_to(SITE).as_posix() not in record
    )


def has_pip():
    """Return whether this environment has pip; one made by uv has not."""
    return importlib.util.find_spec("pip") is not None


def mend_two_owners():
    """Return the line that makes gevent-mp the only gevent of an environment, whatever state that is in."""
    if has_pip():
        return "pip uninstall -y gevent-mp gevent && pip install gevent-mp"
    return "uv pip uninstall gevent-mp && uv pip uninstall gevent && uv pip install gevent-mp"


def mend_other_gevent(file):
    """Return the line that lets ``import gevent`` find ours in place of the one at `file`."""
    if Path(file).resolve().is_relative_to(SITE / "gevent"):
        # Both in one folder, and no .pth file was read: nothing but that folder's own files helps.
        return f"{sys.executable} -m gevent_mp.repair"
    return f"export PYTHONPATH={tree()}"
