"""What `gevent.monkey.patch_thread` puts into the `threading` module.

`threading` is written in Python, in terms of a few primitives: starting, locking, telling apart, noticing the end.
With gevent's put in their place its own classes work on greenlets, and so do classes that were derived from
`threading.Thread` long before. What is here is those primitives, and the "dummy" thread that stands for a greenlet
which `threading` did not start.

Patching itself, with all there is to mend in objects made before, is in gevent/monkey/_threads.py.
"""

import sys
import threading as __threading__

from greenlet import getcurrent

from gevent._helper_threads import call_at_end
from gevent._native.rlock import ThreadRLock as _ThreadRLock
from gevent._util import LazyOnClass  # noqa: F401 - gevent has it here too
from gevent.event import Event
from gevent.greenlet import Greenlet
from gevent.hub import sleep as _sleep  # noqa: F401 - gevent's suite looks for it
from gevent.local import local
from gevent.lock import RLock
from gevent.thread import (  # noqa: F401 - some are wanted by some versions of Python only
    LockType as Lock,
    _make_thread_handle,
    _ThreadHandle,
    allocate_lock,
    get_ident,
    start_joinable_thread,
    start_new_thread,
)

PY313 = sys.version_info >= (3, 13)

__implements__ = [
    "local",
    "_allocate_lock",
    "Lock",
    "_DummyThread",
    "Thread",
    "Timer",
    "get_ident",
    "_CRLock",
]
if PY313:
    __implements__ += ["_start_joinable_thread", "_ThreadHandle", "_make_thread_handle", "_get_main_thread_ident"]
else:
    __implements__ += ["_start_new_thread", "_set_sentinel"]
__extensions__ = []

__all__ = [
    "Lock",
    "RLock",
    "Thread",
    "Timer",
    "allocate_lock",
    "get_ident",
    "local",
    "main_native_thread",
    "start_joinable_thread",
    "start_new_thread",
]

_allocate_lock = allocate_lock
_start_new_thread = start_new_thread
_start_joinable_thread = start_joinable_thread
# Asked for by the thread object that a forked child makes if it is not in one of the parent's.
_get_main_thread_ident = get_ident


class _CRLock(_ThreadRLock):
    """What `threading.RLock()` makes."""

    __slots__ = ()
    _block_class = Lock


_Thread = __threading__.Thread
_DummyThread_ = __threading__._DummyThread
_MainThread_ = __threading__._MainThread


def main_native_thread():
    """Return the thread object of the main thread of the operating system."""
    for thread in __threading__._active.values():
        if isinstance(thread, _MainThread_):
            return thread
    return __threading__.main_thread()


def _when_done(greenlet, function):
    """Have ``function()`` called when `greenlet` has ended, without keeping the greenlet alive."""
    if isinstance(greenlet, Greenlet):
        greenlet.rawlink(lambda _: function())
        return None
    from weakref import ref

    # A bare greenlet tells nobody; whoever started it lets go of it in the end.
    return ref(greenlet, lambda _: function())


def _set_sentinel():
    """Return a new lock that is released when the calling greenlet has ended, if it is taken then.

    Until Python 3.12, a thread is joined by taking such a lock.
    """
    sentinel = Lock()

    def release(_=None):
        if sentinel.locked():
            sentinel.release()

    current = getcurrent()
    if isinstance(current, Greenlet):
        current.rawlink(release)
    else:
        call_at_end(release)
    return sentinel


class Thread(_Thread):
    """`threading.Thread`, by a name that tells whose it is.

    A thread object runs as a greenlet if `threading` was patched before it is started, whatever its class.
    """


class Timer(Thread, __threading__.Timer):
    """`threading.Timer`, likewise."""


class _DummyThread(_DummyThread_):
    """Stands for a greenlet that `threading` did not start, until that greenlet ends.

    Cheap, since asking for the current thread (as `logging` does) makes one. It has in its own dictionary all that
    `threading` looks for: a forked child may turn it into the object of the main thread.
    """

    # Whether this version of Python turns the object of the greenlet that forked into the child's main thread by
    # assigning its class.
    _NEEDS_CLASS_FORK_FIXUP = PY313 or any(
        "_DummyThread" in function.__code__.co_names for function in (__threading__._after_fork, _DummyThread_.__init__)
    )

    def __init__(self):
        greenlet = getcurrent()
        ident = get_ident()
        native_id = __threading__.get_native_id()
        started = Event()
        started.set()
        attributes = self.__dict__
        attributes |= {
            "_name": __threading__._newname("Dummy-%d"),
            "_ident": ident,
            "_native_id": native_id,
            "_daemonic": True,
            "_started": started,
            "_initialized": True,
            "_target": None,
            "_args": (),
            "_kwargs": {},
            "_stderr": sys.stderr,
            "_invoke_excepthook": _report_unhandled,
            **_dummy_state(ident),
        }
        active = __threading__._active
        active[ident] = self

        def end():
            if active.get(ident) is self:
                del active[ident]
            _end_dummy(attributes)

        attributes["_greenlet_ref"] = _when_done(greenlet, end)

    if not PY313:

        def is_alive(self):
            """Whether the greenlet has not ended."""
            return not self._is_stopped


def _report_unhandled(thread):
    __threading__._make_invoke_excepthook()(thread)


if PY313:

    def _dummy_state(ident):
        handle = _make_thread_handle(ident)
        # 3.13 and 3.14 call it differently, for the same purpose.
        return {"_handle": handle, "_os_thread_handle": handle, "_context": None}

    def _end_dummy(attributes):
        attributes["_handle"]._set_done()

else:

    def _dummy_state(ident):
        return {"_is_stopped": False, "_tstate_lock": None}

    def _end_dummy(attributes):
        attributes["_is_stopped"] = True
