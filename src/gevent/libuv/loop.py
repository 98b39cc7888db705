"""libuv's side of `gevent.core`: its loop class and its constants.

There is nothing to choose: libuv has no backends or flags. The loop and the watchers themselves are in
gevent._native.loop; what sets this engine apart is in cpp/loop/libuv/README.md.
"""

from gevent import libuv  # noqa: F401 - by this name of the module gevent's own suite knows the engine
from gevent._engine import *  # noqa: F403 - names of this module too, for those who know where to look
from gevent._engine import interfaces_of
from gevent._native import loop as _native

__all__ = []

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


__getattr__ = interfaces_of(__name__)
