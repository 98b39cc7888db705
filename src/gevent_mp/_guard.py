"""Called by ``patch_all()`` of whichever gevent a program has imported; speaks when that is not gevent-mp's.

gevent's own ``patch_all()`` takes ``multiprocessing=True`` without a word and does nothing about it. It calls the
plugins that are installed, of which this is one, outside the folder ``gevent`` and so safe from whoever writes there.
"""

import os
import sys
import warnings

__all__ = ["on_will_patch_all"]


def on_will_patch_all(event):
    """Warn that the gevent at work is not gevent-mp's; raise RuntimeError if multiprocessing was to be patched."""
    gevent = sys.modules["gevent"]
    if hasattr(gevent, "__mp_version__"):
        return
    from gevent_mp._mending import mend_other_gevent

    found = f"gevent-mp is installed, but this program has imported gevent {gevent.__version__} from {gevent.__file__}"
    mend = f"To mend it, type: {mend_other_gevent(gevent.__file__)}"
    if _asks_for_multiprocessing(event):
        raise RuntimeError(f"{found}, where patch_all(multiprocessing=True) does nothing. {mend}")
    warnings.warn(f"{found}. {mend}", RuntimeWarning, stacklevel=2)


def _asks_for_multiprocessing(event):
    if os.environ.get("GEVENT_PATCH_MULTIPROCESSING", "").lower() in ("1", "true", "yes", "on"):
        return True
    return bool({**event.patch_all_arguments, **event.patch_all_kwargs}.get("multiprocessing"))
