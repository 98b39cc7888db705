"""The lines that mend an installation, as they are to be typed in this environment.

Short where ``pip`` or ``uv`` on PATH is this environment's; else with the interpreter named.
"""

import importlib.util
import os
import shlex
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
    asks_nobody = "" if installer() == "uv pip" else " -y"
    return f"{installer()} uninstall{_for_whom()}{asks_nobody} {name}"


def upgrades(requirement):
    """Return the line that installs the newest release that `requirement` allows."""
    return f"{installer()} install{_for_whom()} -U {requirement}"


def mend_two_owners():
    """Return the line that makes gevent-mp the only gevent of an environment, whatever state that is in."""
    name = installer()
    if name != "uv pip":
        return f"{name} uninstall -y gevent-mp gevent && {name} install {requirement()}"
    # One by one: uv removes neither if one of two is not there, as gevent may not be once gevent-mp is gone.
    steps = ("uninstall", "gevent-mp"), ("uninstall", "gevent"), ("install", requirement())
    return " && ".join(f"uv pip {step}{_for_whom()} {what}" for step, what in steps)


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
    """Return the line that lets ``import gevent`` find ours in place of the one at `file`.

    To be typed in the shell, and the folder, in which the program is started.
    """
    folder = Path(file).parent.parent
    if folder.resolve() == SITE:
        # Both in one folder, and no .pth file was read: nothing but that folder's own files helps.
        return repair_line()
    if _can_uninstall_from(folder):
        return uninstalls("gevent")
    if _comes_after_pythonpath(folder):
        return f"export PYTHONPATH={shlex.quote(str(tree()))}${{PYTHONPATH:+:$PYTHONPATH}}"
    # The program's own folder, or one that the program itself puts first: only what lies there can be moved.
    theirs = shlex.quote(str(folder / "gevent"))
    return f"mv {theirs} {theirs}.aside"


def _can_uninstall_from(folder):
    """Return whether an installer of this environment would remove the gevent in `folder`, and no other."""
    return (
        _is_environments(folder)
        and any(folder.glob("gevent-*.dist-info/RECORD"))
        and (sys.prefix != sys.base_prefix or not Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists())
    )


def _comes_after_pythonpath(folder):
    """Return whether what PYTHONPATH has first comes before `folder`."""
    if sys.flags.ignore_environment or _same(folder, sys.path[0] or os.curdir):
        return False
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return any(_same(folder, each) for each in [*filter(None, named), *_behind_the_standard_library()])


def _behind_the_standard_library():
    """Return what comes after the folders of PYTHONPATH: packages, and what ``.pth`` files have added."""
    places = [os.path.realpath(each) for each in sys.path]
    library = os.path.realpath(sysconfig.get_path("stdlib"))
    return places[places.index(library) :] if library in places else []


def repair_line():
    """Return the line that removes what gevent's own distribution left."""
    path = "" if _is_environments() else f"PYTHONPATH={SITE} "
    return f"{path}{sys.executable} -m gevent_mp.repair"


def _is_environments(folder=SITE):
    """Return whether `folder` is where this environment's installer puts packages, and not one on PYTHONPATH."""
    return any(_same(folder, each) for each in _packages())


def _packages():
    return sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages()


def _for_whom():
    """Return the option with which uv takes this environment; it takes the active one, else a .venv where it is run."""
    active = os.environ.get("VIRTUAL_ENV")
    if installer() != "uv pip" or (active is not None and _same(active, sys.prefix)):
        return ""
    return f" -p {shlex.quote(sys.executable)}"


def _same_folder(one, other):
    return _same(os.path.dirname(one), os.path.dirname(other))


def _same(one, other):
    return os.path.realpath(one) == os.path.realpath(other)
