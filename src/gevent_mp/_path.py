"""Puts gevent-mp's tree in front of the folder it is installed in.

Run by ``gevent-mp.pth`` at the start of every interpreter of an environment, so it imports nothing.
"""

import sys

__all__ = ["go_first"]


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
        while tree in sys.path:
            sys.path.remove(tree)
        where = min([len(sys.path), *(index for index, entry in enumerate(sys.path) if _is_for_packages(entry))])
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
