"""Speaks when the gevent that a program imports is not gevent-mp's, which is installed: at the import, and at patching.

It is outside the folder ``gevent``, and so safe from whoever writes there. What calls it:

- the watcher of `gevent_mp._path`, at the first import of gevent, wherever ``.pth`` files are read;
- the plugins of gevent's own ``patch_all()``, of which this is one, wherever gevent-mp's metadata is on the path.
  That ``patch_all()`` takes ``multiprocessing=True`` without a word and does nothing about it.
"""

import os
import sys
import warnings
from importlib.machinery import ExtensionFileLoader

__all__ = ["on_found", "on_will_patch_all"]

# The code of each __init__ of ours has one of these; that of gevent's own none.
_OURS = "__mp_version__", "gevent_mp"


def on_found(spec, stacklevel):
    """Warn, on behalf of the frame at `stacklevel`, unless `spec`, what an import of gevent has found, is ours.

    None is nothing at all.
    """
    if spec is not None and _is_ours(spec):
        return
    if spec is None or spec.origin is None:
        from gevent_mp._mending import mend_whole

        what = f"an empty folder ({', '.join(spec.submodule_search_locations or ())})" if spec else "nothing"
        found, mend = f"gevent-mp is installed, but `import gevent` finds {what}", mend_whole()
    else:
        found, mend = _found_and_mend(f"gevent {_version_in(spec)}", spec.origin)
    warnings.warn(f"{found}. To mend it, type: {mend}", RuntimeWarning, stacklevel=stacklevel + 1)


def on_will_patch_all(event):
    """Warn that the gevent at work is not gevent-mp's; raise RuntimeError if multiprocessing was to be patched."""
    gevent = sys.modules["gevent"]
    if hasattr(gevent, "__mp_version__"):
        return
    found, mend = _found_and_mend(f"gevent {gevent.__version__}", gevent.__file__)
    if _asks_for_multiprocessing(event):
        raise RuntimeError(f"{found}, where patch_all(multiprocessing=True) does nothing. To mend it, type: {mend}")
    warnings.warn(f"{found}. To mend it, type: {mend}", RuntimeWarning, stacklevel=2)


def _found_and_mend(which, file):
    from gevent_mp._mending import mend_other_gevent

    return f"gevent-mp is installed, but this program has imported {which} from {file}", mend_other_gevent(file)


def _is_ours(spec):
    if isinstance(spec.loader, ExtensionFileLoader):
        return True  # gevent's own is Python, and ours, in a wheel, may be led to by a native module
    return any(name in _source(spec) for name in _OURS)


def _version_in(spec):
    version = _source(spec).partition("\n__version__ = ")[2].partition("\n")[0]
    return version.strip("'\"") or "of an unknown version"


def _source(spec):
    try:
        return spec.loader.get_source(spec.name) or ""
    except (AttributeError, ImportError, OSError):
        return ""  # a folder without code, or nobody can read it


def _asks_for_multiprocessing(event):
    if os.environ.get("GEVENT_PATCH_MULTIPROCESSING", "").lower() in ("1", "true", "yes", "on"):
        return True
    return bool({**event.patch_all_arguments, **event.patch_all_kwargs}.get("multiprocessing"))
