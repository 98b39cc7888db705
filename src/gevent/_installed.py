"""What ``import gevent`` says where its files do not belong together, and the line that mends it.

gevent's own distribution and another version of ours have files of the same names. A wheel of gevent-mp keeps its own
apart from theirs (`gevent_mp`); a folder that was copied, a build that is named gevent and a checkout do not.

What gevent's own left beside ours is harmless: wherever it has a native module of a name that is ours, ours is a
folder, which Python prefers. So modules named ``NAME/__init__.py`` here are folders for a reason.
"""

import os
import sys
from _imp import extension_suffixes

__all__ = ["check", "mixed"]

_FOLDER = os.path.dirname(os.path.abspath(__file__))
# Modules and folders at the top of gevent's own distribution that ours has not, or has as folders. Not its tests.
_THEIRS = {"_ffi", "events.py", "fileobject.py", "hub.py", "pywsgi.py", "threadpool.py"}
# System packages with the libraries that a build without libraries of its own links: Debian's, Fedora's.
_LIBRARIES = {"libev": ("libev4", "libev"), "libuv": ("libuv1", "libuv"), "libcares": ("libc-ares2", "c-ares")}


def check(version):
    """Raise ImportError unless this folder holds one gevent: ours, of this `version`, built for this interpreter.

    Warns of files of gevent's own that are in nobody's way. Costs one look at a folder, and the import of what every
    program imports.
    """
    theirs = sorted(name for name in os.listdir(_FOLDER) if _is_theirs(name))
    if theirs:
        _judge(theirs)
    try:
        from gevent._native.hub import VERSION
    except ImportError as error:
        raise _cannot_load(error, version) from error
    if VERSION != version:
        raise _two_versions(f"native modules of {VERSION}", version)


def mixed(what):
    """Return an ImportError that says `what` happened to this folder, where it is, and how to mend it."""
    return _broken(what, _mend())


def missing_library(error):
    """Return the name of the system's library that `error`, an ImportError, says is missing, and the line; or None."""
    library = str(error).partition(".so")[0].rpartition("/")[2].strip()
    if library not in _LIBRARIES or "cannot open shared object file" not in str(error):
        return None
    debian, fedora = _LIBRARIES[library]
    installs = f"apt-get install {debian}" if os.path.exists("/etc/debian_version") else f"dnf install {fedora}"
    return library, installs


def _is_theirs(name):
    return name in _THEIRS or (name.startswith("_gevent_c") and name.endswith((".so", ".pyd")))


def _judge(theirs):
    """Somebody has written gevent's own files here: are they in the place of ours?"""
    found = f"{len(theirs)} files of gevent's own distribution lie among those of gevent-mp, such as {theirs[0]}"
    replaced = _replaced()
    if replaced is None:
        raise mixed(found)
    if replaced:
        raise mixed(f"{found}; {len(replaced)} of ours are missing or changed, such as {replaced[0]}")
    import warnings

    warnings.warn(
        f"{found}, in {_FOLDER}; they are not used. To remove them, type: {sys.executable} -m gevent_mp.repair",
        RuntimeWarning,
        stacklevel=3,
    )


def _replaced():
    """Return which files of ours have other bytes than were installed; None where nobody wrote down what was."""
    try:
        from gevent_mp._installation import changed_files, own_record
    except ModuleNotFoundError:
        return None
    record = own_record()
    return changed_files(record) if record else None


def _cannot_load(error, version):
    text = str(error)
    if "gevent_mp_of_version_" in text:
        return _two_versions(f"native modules of {text.rpartition('gevent_mp_of_version_')[2].strip()}", version)
    name = getattr(error, "name", None)
    if name == "greenlet":
        return _broken(f"it needs greenlet, which is not here ({text})", _installer() + " install 'greenlet>=3.2.2'")
    library = missing_library(error)
    if library:
        return _broken(f"this build of gevent-mp uses the system's {library[0]}, which is not here", library[1])
    native = os.path.join(_FOLDER, "_native")
    built = sorted(each for each in os.listdir(native) if each.startswith("libgevent")) if os.path.isdir(native) else []
    if f"libgevent_native{extension_suffixes()[0]}" not in built:
        here = f"{sys.implementation.cache_tag} on {sys.platform}"
        for_whom = f"only {', '.join(built)}" if built else "none"
        return _broken(f"there is no native library for this interpreter, {here}: {for_whom}", _mend())
    return _broken(f"its native modules cannot be loaded: {text}", _mend())


def _two_versions(what, version):
    return mixed(f"{what} and modules of {version} lie together")


def _broken(what, mend):
    error = ImportError(f"gevent-mp cannot be used: {what}. It is in {_FOLDER}. To mend it, type: {mend}")
    error.mend = mend
    return error


def _mend():
    try:
        from gevent_mp._mending import mend_whole
    except ModuleNotFoundError:
        # Its folder is gone, and with it all it knows: this is right for most.
        return "pip uninstall -y gevent-mp gevent && pip install gevent-mp"
    return mend_whole()


def _installer():
    try:
        from gevent_mp._mending import installer
    except ModuleNotFoundError:
        return "pip"
    return installer()
