"""Puts gevent-mp's tree in front of the folder it is installed in, and watches what an import of gevent finds.

Run by ``gevent-mp.pth`` at the start of every interpreter of an environment, so it imports nothing.
"""

import sys

__all__ = ["go_first", "start"]


def start():
    """Go first, and speak up when a program imports another gevent all the same, from a folder earlier on its path."""
    tree = go_first()
    _Watcher.expected = tree and tree + "/gevent/__init__.py"
    if _Watcher not in sys.meta_path:
        sys.meta_path.insert(0, _Watcher)
    # Another .pth file may have imported it before this one was read, or a program before it added this folder.
    imported = getattr(sys.modules.get("gevent"), "__spec__", None)
    if imported is not None:
        _Watcher.look_at(imported, stacklevel=2)


class _Watcher:
    """A finder that hands on what the others find for ``gevent``, having looked at it, and finds no other module."""

    expected = None  # the file that is found where all is well

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "gevent":
            return None
        spec = _found(name, path, target)
        cls.look_at(spec, stacklevel=2)
        return spec

    @classmethod
    def look_at(cls, spec, stacklevel):
        """Warn, on behalf of the frame at `stacklevel`, if `spec` is not what is found where all is well."""
        if spec is not None and spec.origin == cls.expected:
            return
        try:
            from gevent_mp._guard import on_found
        except ImportError:
            return  # gevent-mp has been uninstalled since this program began
        on_found(spec, stacklevel + 1)


def _found(*what):
    for finder in sys.meta_path:
        if finder is not _Watcher and hasattr(finder, "find_spec"):
            spec = finder.find_spec(*what)
            if spec is not None:
                return spec
    return None


def go_first():
    """Let ``import gevent`` find gevent-mp, whoever else has a gevent in the same folder; return the tree's folder.

    Returns None where there is no folder with it, as in an archive.
    """
    package = __file__.rpartition("/")[0]
    installed_in = package.rpartition("/")[0]
    tree = package + "/tree"
    if tree in sys.path:
        return tree
    if _exists(tree):
        where = sys.path.index(installed_in) if installed_in in sys.path else len(sys.path)
    elif _exists(installed_in + "/gevent/_native"):
        # A checkout, used where it is (pip install -e): before the first folder that packages are installed in.
        tree = installed_in
        where = min([len(sys.path), *(index for index, entry in enumerate(sys.path) if _is_for_packages(entry))])
        if tree in sys.path[:where]:
            return tree
        sys.path[:] = [entry for entry in sys.path if entry != tree]
    else:
        return None
    sys.path.insert(where, tree)
    return tree


def _exists(path):
    try:
        __import__("posix").stat(path)
    except OSError:
        return False
    return True


def _is_for_packages(entry):
    return entry.rpartition("/")[2] in ("site-packages", "dist-packages")
