"""What the modules of both engines have, beside a loop of their own: watchers, and names of events.

The loop and the watchers are in gevent._native.loop; here are only the names under which programs look for them.
"""

from gevent._native.loop import (
    EVENTS,
    _events_to_str,
    async_,
    callback,
    check,
    child,
    eventfd,
    fork,
    idle,
    io,
    prepare,
    signal,
    stat,
    timer,
    watcher,
)
from gevent.exceptions import HubDestroyed

__all__ = [
    "EVENTS",
    "READ",
    "WRITE",
    "HubDestroyed",
    "_events_to_str",
    "async",  # noqa: F822 - set below, as no statement can name it
    "async_",
    "callback",
    "check",
    "child",
    "eventfd",
    "fork",
    "idle",
    "interfaces_of",
    "io",
    "prepare",
    "signal",
    "stat",
    "timer",
    "watcher",
]

READ = 0x01
WRITE = 0x02

# gevent keeps this name, which has been a keyword since Python 3.7.
globals()["async"] = async_


def interfaces_of(module_name):
    """Return a ``__getattr__`` for that module, which finds the interfaces that loops and watchers have in gevent."""

    def __getattr__(name):
        if name in ("ILoop", "ICallback", "IWatcher"):
            # Not before somebody asks: they cost the import of zope.interface.
            from gevent import _interfaces

            return getattr(_interfaces, name)
        raise AttributeError(f"module {module_name!r} has no attribute {name!r}")

    return __getattr__
