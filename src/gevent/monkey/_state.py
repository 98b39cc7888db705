"""What has been patched in this process, and what was there before."""

import sys
import time

from gevent.monkey._postponed import finish, finish_all

__all__ = ["is_anything_patched", "is_module_patched", "is_object_patched", "saved"]


class _Saved(dict):
    """What was replaced. Whoever looks for what was postponed has it done first."""

    def __contains__(self, name):
        finish(name)
        return super().__contains__(name)

    def __getitem__(self, name):
        finish(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        finish(name)
        return super().get(name, default)

    def __iter__(self):
        finish_all()
        return super().__iter__()

    def keys(self):
        finish_all()
        return super().keys()

    def values(self):
        finish_all()
        return super().values()

    def items(self):
        finish_all()
        return super().items()

    def __len__(self):
        finish_all()
        return super().__len__()

    def __bool__(self):
        return super().__len__() > 0


# What programs import early, and what then keeps the standard library's own in places that patching does not reach.
_TELLING = ("ssl", "threading", "multiprocessing", "concurrent.futures", "asyncio", "requests", "urllib3", "aiohttp")

_first = None


def first_patching():
    """Return {"at", "seconds", "after"} of the first patching, or None.

    Which line of the program asked for it, how much processor time the process had then used, and which of some
    telling modules were imported already. From gevent-mp; gevent has no such thing.
    """
    return _first


def note_patching():
    """Called before anything is patched; only the first call is remembered."""
    global _first
    if _first is not None:
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("gevent."):
        frame = frame.f_back
    _first = {
        "at": f"{frame.f_code.co_filename}:{frame.f_lineno}",
        "seconds": round(time.process_time(), 3),
        "after": [name for name in _TELLING if name in sys.modules],
    }


#: ``saved[module name][attribute]`` is what patching replaced or removed. Also under the key `PATCH_ALL_ARGUMENTS`
#: what `gevent.monkey.patch_all` was given.
saved = _Saved()

PATCH_ALL_ARGUMENTS = "_gevent_saved_patch_all_module_settings"


def is_anything_patched():
    """Return whether gevent patched anything in this process."""
    return bool(saved)


def is_module_patched(mod_name):
    """Return whether gevent patched anything in the module called `mod_name`."""
    return mod_name in saved


def is_object_patched(mod_name, item_name):
    """Return whether gevent patched the attribute `item_name` of the module called `mod_name`."""
    return item_name in saved.get(mod_name, ())
