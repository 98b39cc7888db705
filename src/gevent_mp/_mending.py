"""The lines that mend an installation, as they are to be typed in this environment.

Short where ``pip`` or ``uv`` on PATH is this environment's; else with the interpreter named.
"""

import importlib.util
import os
import shutil
import site
import sys
import sysconfig
from pathlib import Path

from gevent_mp._installation import PACKAGE, SITE, is_checkout, requirement, tree

__all__ = ["installer", "mend_other_gevent", "mend_two_owners", "mend_whole", "repair_line", "uninstalls", "upgrades"]


def has_pip():
    """Return whether this environment has pip; one made by uv has not."""
    return importlib.util.find_spec("pip") is not None


def installer():
    """Return what installs here, such as ``pip``; ``uv pip`` in an environment without pip."""
    if has_pip():
        found = shutil.which("pip")
        return "pip" if found and _same_folder(found, sys.executable) else f"{sys.executable} -m pip"
    return "uv pip"


def uninstalls(name):
    """Return the line that removes the distribution `name`."""
    return f"{installer()} uninstall {'' if installer() == 'uv pip' else '-y '}{name}"


def upgrades(requirement):
    """Return the line that installs the newest release that `requirement` allows."""
    return f"{installer()} install -U {requirement}"


def mend_two_owners():
    """Return the line that makes gevent-mp the only gevent of an environment, whatever state that is in."""
    name = installer()
    if name != "uv pip":
        return f"{name} uninstall -y gevent-mp gevent && {name} install {requirement()}"
    where = "" if _uv_finds_this() else f" -p {sys.executable}"
    # One by one: uv removes neither if one of two is not there, as gevent may not be once gevent-mp is gone.
    steps = ("uninstall", "gevent-mp"), ("uninstall", "gevent"), ("install", requirement())
    return " && ".join(f"uv pip {step}{where} {what}" for step, what in steps)


def mend_whole():
    """Return the line that makes gevent-mp's files whole again where they are mixed with others, or missing."""
    if is_checkout():
        checkout = PACKAGE.parent.parent
        return f"cd {checkout} && git checkout -- src && git clean -fdxq src && make build"
    if _is_environments():
        return mend_two_owners()
    if has_pip():
        return f"{installer()} install --target {SITE} --upgrade {requirement()}"
    return f"uv pip install --target {SITE} --reinstall {requirement()} && {repair_line()}"


def mend_other_gevent(file):
    """Return the line that lets ``import gevent`` find ours in place of the one at `file`."""
    if Path(file).resolve().is_relative_to(SITE / "gevent"):
        # Both in one folder, and no .pth file was read: nothing but that folder's own files helps.
        return repair_line()
    return f"export PYTHONPATH={tree()}"


def repair_line():
    """Return the line that removes what gevent's own distribution left."""
    path = "" if _is_environments() else f"PYTHONPATH={SITE} "
    return f"{path}{sys.executable} -m gevent_mp.repair"


def _is_environments():
    """Return whether `SITE` is where this environment's installer puts packages, and not a folder on PYTHONPATH."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages()}
    return str(SITE) in map(os.path.realpath, folders)


def _uv_finds_this():
    """uv takes the environment that is active, else a .venv where it is run."""
    active = os.environ.get("VIRTUAL_ENV")
    return active is not None and os.path.realpath(active) == os.path.realpath(sys.prefix)


def _same_folder(one, other):
    return os.path.realpath(os.path.dirname(one)) == os.path.realpath(os.path.dirname(other))
