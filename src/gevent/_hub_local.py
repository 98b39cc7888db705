"""Which hub and which loop a thread has.

The work is done in gevent._native.hub; this is where everybody else looks for it.
"""

import os
import sys

from gevent._native.hub import (
    abandon_hub,
    get_hub,
    get_hub_class,
    get_hub_if_exists,
    get_hub_noargs,
    get_loop,
    home_greenlet,
    leave_loop,
    register_after_abandon,
    set_default_hub_class,
    set_hub,
    set_loop,
    take_former_hub,
    tell_of_abandoned_hub,
)

__all__ = ["get_hub", "get_hub_if_exists", "get_hub_noargs"]

if not hasattr(sys.modules["gevent"], "__mp_version__"):
    from gevent._installed import mixed

    raise mixed("gevent/__init__.py is that of gevent's own distribution")

# Before the hooks of those who import gevent first.
os.register_at_fork(after_in_child=tell_of_abandoned_hub)


def abandon_hub_after_fork():
    """In a forked child, start over: no greenlet, timer or watcher of the parent's will ever run here.

    They stay in memory untouched, so no `finally` block of theirs runs either. The calling greenlet goes on, and gets a
    new hub when it next needs one. For `multiprocessing`'s children; after a bare `os.fork` gevent's promise is the
    opposite, that everything goes on. Ours.
    """
    abandon_hub()
    tell_of_abandoned_hub()


def __getattr__(name):
    # gevent keeps it under this name. To change it, call set_default_hub_class().
    if name == "Hub":
        return get_hub_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
