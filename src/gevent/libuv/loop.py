"""libuv's side of `gevent.core`: its loop class and its constants.

There is nothing to choose: libuv has no backends or flags. The loop and the watchers themselves are in
gevent._native.loop; what sets this engine apart is in cpp/loop/libuv/README.md.
"""

from gevent import libuv  # noqa: F401 - by this name of the module gevent's own suite knows the engine
from gevent._native import loop as _native
from gevent._native.loop import (  # noqa: F401 - names of this module too, for those who know where to look
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
from gevent.exceptions import HubDestroyed  # noqa: F401 - as in gevent

__all__ = []

READ = 0x01
WRITE = 0x02

# Whether there are backends to choose from. (In gevent: whether libev was compiled in.)
LIBEV_EMBED = False

_facts = _native.libuv_facts()


def get_version():
    """Return the version of the libuv in use, as ``libuv-1.44.2``."""
    return f"libuv-{_facts['version']}"


def get_header_version():
    """Return the version of libuv that gevent was compiled for, as ``libuv-1.44.2``."""
    return f"libuv-{_facts['header_version']}"


def supported_backends():
    """Return the names of the backends that a loop can be asked for: none. libuv takes the system's best."""
    return []


class loop(_native.Loop):
    """An event loop on libuv.

    flags
        libev's flags, for programs that give them to any loop: ignored.
    default
        whether to be the process's default loop, sharing it with the loop object that is it already; None: yes.

    From gevent.
    """

    __slots__ = ()

    backend = "default"

    def __init__(self, flags=None, default=None):
        self._open_libuv(default is None or bool(default))


# gevent keeps this name, which has been a keyword since Python 3.7.
globals()["async"] = async_


def __getattr__(name):
    if name in ("ILoop", "ICallback", "IWatcher"):
        # Not before somebody asks: they cost the import of zope.interface.
        from gevent import _interfaces

        return getattr(_interfaces, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
