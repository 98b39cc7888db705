"""Puts gevent-mp's tree in front of the folder it is installed in.

Run by ``gevent-mp.pth`` at the start of every interpreter of an environment, so it imports nothing.
"""

import sys

__all__ = ["go_first"]


def go_first():
    """Let ``import gevent`` find gevent-mp, whoever else has a gevent in the same folder; return the tree's folder.

    Returns None in a developer's checkout and an editable install, which have no tree of their own.
    """
    package = __file__.rpartition("/")[0]
    installed_in = package.rpartition("/")[0]
    tree = package + "/tree"
    if tree in sys.path:
        return tree
    try:
        __import__("posix").stat(tree)
    except OSError:
        return None
    where = sys.path.index(installed_in) if installed_in in sys.path else len(sys.path)
    sys.path.insert(where, tree)
    return tree
