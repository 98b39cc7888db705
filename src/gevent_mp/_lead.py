"""Where an import of gevent ends up that found gevent-mp's folder and not its tree: no .pth file was read."""

import importlib.util
import sys

from gevent_mp._path import go_first

__all__ = ["become_gevent"]


def become_gevent():
    """Import gevent from the tree, and let it be what `import` has found; raise ImportError where there is no tree."""
    tree = go_first()
    if tree is None:
        package = __file__.rpartition("/")[0]
        raise ImportError(
            f"gevent-mp's modules are not in {package}: they cannot be loaded from an archive, nor without the folder "
            "`tree` beside this one. To mend it, unpack the archive, or type: pip install --force-reinstall gevent-mp"
        )
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
