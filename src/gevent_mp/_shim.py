"""gevent, which gevent-mp has in a folder of its own.

Read only where ``.pth`` files are not: they put that folder in front of this one.
"""

import importlib.util
import sys

from gevent_mp._path import go_first


def _become_gevent():
    tree = go_first()
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


_become_gevent()
