"""What is installed where this module lies, read from its files: gevent may be missing, broken, another's."""

import base64
import csv
import hashlib
import importlib.machinery
import re
import sys
from pathlib import Path

__all__ = [
    "PACKAGE",
    "SITE",
    "changed_files",
    "digest_of",
    "distributions",
    "foreign_files",
    "gevent_found",
    "is_checkout",
    "own_record",
    "requirement",
    "tree",
]

PACKAGE = Path(__file__).parent.resolve()  # the file itself may be a link into what uv keeps
SITE = PACKAGE.parent  # where this distribution is installed

_VERSION = re.compile(r"""^__(mp_)?version__\s*=\s*["']([^"']+)["']""", re.MULTILINE)


def tree():
    """Return the folder that has our ``gevent``: the one of a wheel, else the sources or a build named gevent."""
    own = PACKAGE / "tree"
    return own if own.is_dir() else SITE


def is_checkout():
    """Return whether this is a developer's checkout: run in place, or installed from there with ``pip install -e``."""
    return not (PACKAGE / "tree").is_dir() and (SITE.parent / "CMakeLists.txt").exists()


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
    leads_on = _tree_led_to_by(spec)
    if leads_on:
        spec = importlib.machinery.PathFinder.find_spec("gevent", [str(leads_on)])
    if spec is None or spec.origin is None:
        # A folder that an uninstall has left, without anything that could be run.
        return {"file": None, "version": None, "mp_version": None}
    versions = {name or "": number for name, number in _VERSION.findall(Path(spec.origin).read_text(encoding="utf-8"))}
    return {"file": spec.origin, "version": versions.get(""), "mp_version": versions.get("mp_")}


def _tree_led_to_by(spec):
    """Return the tree that the module of `spec` leads to: ``gevent.py``, or the native one in a folder; or None."""
    if spec.origin is None:
        return None
    file = Path(spec.origin)
    if isinstance(spec.loader, importlib.machinery.ExtensionFileLoader):
        return file.parent.parent / "gevent_mp" / "tree"
    return file.parent / "gevent_mp" / "tree" if file.name == "gevent.py" else None


def distributions(name):
    """Return the metadata folders of all distributions called `name` in `SITE`, sorted."""
    normal = re.compile(re.escape(name).replace(r"\-", "[-_.]") + r"-[^-]+\.dist-info", re.IGNORECASE)
    return sorted(folder for folder in SITE.glob("*.dist-info") if normal.fullmatch(folder.name))


def own_record():
    """Return {path relative to `SITE`: "sha256=..." or ""} of what this distribution installed; {} for a checkout."""
    return _own()[1]


def requirement():
    """Return what to ask an installer for to get this distribution: another one if this is a build named gevent."""
    name, _, version = (_own()[0] or "gevent_mp-").removesuffix(".dist-info").partition("-")
    return f"{name}=={version}" if name == "gevent" else "gevent-mp"


def _own():
    """Return (the name of the folder of metadata, what is in its RECORD) of what has installed this; (None, {})."""
    for name in ("gevent-mp", "gevent"):
        for folder in distributions(name):
            rows = _read_record(folder)
            if "gevent_mp/_installation.py" in rows:
                return folder.name, rows
    return None, {}


def _read_record(folder):
    # pex keeps a wheel's own RECORD, where the metadata in gevent's name still has its place in the wheel.
    try:
        with open(folder / "RECORD", encoding="utf-8", newline="") as file:
            return {row[0]: row[1] for row in csv.reader(file) if row and ".data/" not in row[0]}
    except OSError:
        return {}


def changed_files(record):
    """Return the paths of `record` that are missing or have other bytes than were installed."""
    return [path for path, digest in record.items() if digest and _digest(SITE / path) != digest]


def _digest(path):
    try:
        return digest_of(path.read_bytes())
    except OSError:
        return None


def digest_of(content):
    """Return what a RECORD has for a file with the bytes `content`."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def foreign_files(record):
    """Return what lies in our ``gevent`` folder, or in one beside it, and was not installed by us."""
    folders = {tree() / "gevent", SITE / "gevent"} if record else set()
    return sorted(
        path.relative_to(SITE)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.relative_to(SITE).as_posix() not in record
    )
