"""Where an import of gevent ends up that found gevent-mp's folder and not its tree: no .pth file was read."""

import importlib.util
import os
import sys

from gevent_mp._path import go_first

__all__ = ["become_gevent"]


def become_gevent():
    """Import gevent from the tree, and let it be what `import` has found; raise ImportError where there is no tree."""
    tree = go_first()
    if tree is None or not os.path.isfile(f"{tree}/gevent/__init__.py"):
        raise _no_tree(__file__.rpartition("/")[0])
    spec = importlib.util.spec_from_file_location(
        "gevent", f"{tree}/gevent/__init__.py", submodule_search_locations=[f"{tree}/gevent"]
    )
    itself = sys.modules["gevent"]
    sys.modules["gevent"] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules["gevent"] = itself
        raise


def _no_tree(package):
    if not os.path.isdir(package):
        return ImportError(
            f"gevent-mp's modules are not in {package}: they cannot be loaded from an archive. To mend it, unpack the "
            "archive into a folder and put that on the path"
        )
    from gevent_mp._mending import mend_whole

    missing = f"gevent-mp's modules are not in {package}: its folder `tree` is missing, or what is in it"
    return ImportError(f"{missing}. To mend it, type: {mend_whole()}")
