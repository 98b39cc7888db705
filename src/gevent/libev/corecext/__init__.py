"""libev's side of `gevent.core`: its loop class, its flags by name, its constants.

The loop and the watchers themselves are in gevent._native.loop and know nothing of flags.
"""

from time import time

from gevent._engine import *  # noqa: F403 - names of this module too, for those who know where to look
from gevent._engine import READ, WRITE, interfaces_of
from gevent._native import loop as _native

__all__ = [
    "embeddable_backends",
    "get_header_version",
    "get_version",
    "loop",
    "recommended_backends",
    "supported_backends",
    "time",
]

# Events.
UNDEF = -1
NONE = 0
READWRITE = READ | WRITE
TIMER = 0x100
PERIODIC = 0x200
SIGNAL = 0x400
CHILD = 0x800
STAT = 0x1000
IDLE = 0x2000
PREPARE = 0x4000
CHECK = 0x8000
EMBED = 0x10000
FORK = 0x20000
CLEANUP = 0x40000
ASYNC = 0x80000
CUSTOM = 0x1000000
ERROR = -0x80000000

MINPRI = -2
MAXPRI = 2

BACKEND_SELECT = 0x01
BACKEND_POLL = 0x02
BACKEND_EPOLL = 0x04
BACKEND_KQUEUE = 0x08
BACKEND_DEVPOLL = 0x10
BACKEND_PORT = 0x20
BACKEND_LINUXAIO = 0x40
BACKEND_IOURING = 0x80

NOINOTIFY = 0x100000
SIGNALFD = 0x200000
NOSIGMASK = 0x400000
NOENV = 0x1000000
FORKCHECK = 0x2000000

# Whether a loop can tell the descriptor it sleeps on. (In gevent: whether libev was compiled in.)
LIBEV_EMBED = True

_BACKENDS = {
    "port": BACKEND_PORT,
    "kqueue": BACKEND_KQUEUE,
    "linux_iouring": BACKEND_IOURING,
    "linux_aio": BACKEND_LINUXAIO,
    "epoll": BACKEND_EPOLL,
    "poll": BACKEND_POLL,
    "select": BACKEND_SELECT,
}
_FLAGS = {
    **_BACKENDS,
    "noenv": NOENV,
    "forkcheck": FORKCHECK,
    "noinotify": NOINOTIFY,
    "signalfd": SIGNALFD,
    "nosigmask": NOSIGMASK,
}
_ANY_BACKEND = 0xFF
# Always on, and without libev's help: the generation of forks is counted (cpp/base/fork_generation.h).
_OUR_BUSINESS = FORKCHECK

_facts = _native.libev_facts()


def _version(key):
    return "libev-{}.{:02}".format(*_facts[key])


def get_version():
    """Return the version of the libev in use, as ``libev-4.33``."""
    return _version("version")


def get_header_version():
    """Return the version of libev that gevent was compiled for, as ``libev-4.33``."""
    return _version("header_version")


def _flags_to_list(flags):
    names = []
    for name, bit in _FLAGS.items():
        if flags & bit:
            names.append(name)
            flags &= ~bit
    return [*names, flags] if flags else names


def _flags_to_int(flags):
    # None, a number, names separated by commas, or an iterable of names and numbers.
    if not flags:
        return 0
    if isinstance(flags, int):
        return flags
    result = 0
    for flag in flags.split(",") if isinstance(flags, str) else flags:
        if isinstance(flag, str):
            bit = _FLAGS.get(flag.strip().lower())
            if bit is None:
                raise ValueError(f"libev has no backend or flag named {flag!r}; it has {', '.join(sorted(_FLAGS))}")
            result |= bit
        else:
            result |= flag
    return result


def _check_flags(flags):
    # An int, as from _flags_to_int. Raises ValueError when none of the backends it names is to be had.
    asked = flags & _ANY_BACKEND
    if asked and not asked & _facts["supported"]:
        raise ValueError(
            f"this libev has no backend {', '.join(map(str, _flags_to_list(asked)))}; it has "
            f"{', '.join(supported_backends())}"
        )


def _named(backends):
    return [name for name, bit in _BACKENDS.items() if backends & bit]


def supported_backends():
    """Return the names of the backends that the libev in use was built with."""
    return _named(_facts["supported"])


def recommended_backends():
    """Return the names of the backends that libev thinks good on this system."""
    return _named(_facts["recommended"])


def embeddable_backends():
    """Return the names of the backends whose loops can be watched by other loops."""
    return _named(_facts["embeddable"])


class loop(_native.Loop):
    """An event loop on libev.

    flags
        backends and options: a number, a string of names with commas between, or an iterable of names; None: the best.
    default
        whether to be the process's default loop, sharing it with the loop object that is it already; None: yes.

    ptr
        0. In gevent, the address of a loop that a C program made; nobody has loops of the libev in here.

    ValueError for a name or backend that is not to be had and for another `ptr`, TypeError for flags of another kind.
    From gevent.
    """

    __slots__ = ()

    def __init__(self, flags=None, default=None, ptr=0):
        if ptr:
            raise ValueError("a loop cannot be made from the address of another one: nobody shares this libev")
        number = _flags_to_int(flags)
        _check_flags(number)
        self._open_libev(number & ~_OUR_BUSINESS, default is None or bool(default))

    @property
    def backend(self):
        """The name of the system call it waits with."""
        number = self.backend_int
        return next((name for name, bit in _BACKENDS.items() if number == bit), number)

    @property
    def origflags_int(self):
        """The flags it was made with, as a number."""
        return super().origflags_int | _OUR_BUSINESS

    @property
    def origflags(self):
        """The names of the flags it was made with."""
        return _flags_to_list(self.origflags_int)


__getattr__ = interfaces_of(__name__)
