"""The `_thread` module for greenlets: a "thread" is a greenlet, and a lock parks greenlets.

Everything of `_thread` that is not about starting, locking or telling apart is the standard library's.
"""

import _thread as __thread__
import os
import sys
from weakref import WeakKeyDictionary

from greenlet import GreenletExit, getcurrent

from gevent import _helper_threads
from gevent._native.greenlet import bind_to_process
from gevent._native.hub import fork_generation, looked_in_vain, running_greenlet
from gevent._native.semaphore import ThreadLock
from gevent._util import copy_globals
from gevent.greenlet import Greenlet
from gevent.local import local as _local  # noqa: F401 - one of __implements__
from gevent.lock import Semaphore

__target__ = "_thread"

__implements__ = [
    "allocate_lock",
    "get_ident",
    "exit",
    "LockType",
    "stack_size",
    "start_new_thread",
    "_local",
]
__imports__ = [
    "error",
    "TIMEOUT_MAX",
    "allocate",
    "exit_thread",
    "interrupt_main",
    "start_new",
    "get_native_id",
    "RLock",
]
__imports__ += [name for name in ("daemon_threads_allowed",) if hasattr(__thread__, name)]
__implements__ += [name for name in ("set_name", "_get_name") if hasattr(__thread__, name)]
if sys.version_info >= (3, 13):
    __implements__ += ["lock", "start_joinable_thread", "_ThreadHandle", "_make_thread_handle"]

copy_globals(__thread__, globals(), only_names=__imports__)
_native_stack_size = __thread__.stack_size

__all__ = [name for name in __implements__ + __imports__ if not name.startswith("_")]


# The native idents of threads that ran when this took the place of `_thread`. They keep them: they hold locks, of
# modules above all, that know their owner by ident, and `threading` has them in its list under it.
_native_idents = set()
_native_get_ident = __thread__.get_ident


def get_ident(gr=None):
    """Return a number that no other living greenlet has: of `gr`, or of the caller.

    A native thread that ran before patching keeps the one it had, but for greenlets that it starts.
    """
    try:
        greenlet = getcurrent() if gr is None else gr
    except RuntimeError:
        # The interpreter exits: finalizers still import, log and lock.
        return id(running_greenlet())
    if _native_idents and gr is None and greenlet.parent is None and (native := _native_get_ident()) in _native_idents:
        return native
    return id(greenlet)


def native_ident(ident):
    """Return the ident that the operating system knows the thread by in which `ident` runs, which `get_ident` gave.

    What is no ident of ours is returned as it is. A thread that is a greenlet counts as the main thread's unless it is
    the caller: so are nearly all, and there Python's handlers of signals run.
    """
    if ident == get_ident():
        return _native_get_ident()
    threading = sys.modules.get("threading")
    if threading is None or ident not in threading._active or ident in sys._current_frames():
        return ident
    from gevent import hub

    return hub.MAIN_THREAD_IDENT


if hasattr(__thread__, "set_name"):
    # The operating system would give the name to the thread that all greenlets share, and to the process.
    _names = WeakKeyDictionary()
    _native_get_name = getattr(__thread__, "_get_name", lambda: "")

    def set_name(name):
        """Name the running greenlet, as much of it as the operating system keeps of the name of a thread."""
        encoded = name.encode(sys.getfilesystemencoding(), "replace").split(b"\0", 1)[0]
        _names[getcurrent()] = os.fsdecode(encoded[: getattr(__thread__, "_NAME_MAXLEN", None)])

    def _get_name():
        """Return the name that `set_name` gave to the running greenlet; that of the native thread if it did not."""
        name = _names.get(getcurrent())
        return _native_get_name() if name is None else name


class LockType(ThreadLock):
    """What `allocate_lock` returns: a lock like `threading.Lock` that parks greenlets, in any number of threads.

    Not meant to be subclassed, as the standard library's is not.
    """

    _OVER_RELEASE_ERROR = __thread__.error
    _TIMEOUT_MAX = __thread__.TIMEOUT_MAX

    def acquire(self, blocking=True, timeout=-1):
        """Take the lock; return whether that was possible.

        With `blocking`, waits until it is free, at most `timeout` seconds (-1: any time). Without, does not wait; but
        who has tried in vain a few hundred times in a row lets others run for a turn, so that such a loop ends.
        """
        # In Python, so that trace functions see it.
        return _acquire(self, blocking, timeout)

    def __init_subclass__(cls):
        raise TypeError("type 'gevent.thread.LockType' is not an acceptable base type")

    def __repr__(self):
        return f"<{'locked' if self.counter < 1 else 'unlocked'} gevent.thread.LockType object at {id(self):#x}>"


_acquire = ThreadLock.acquire

allocate_lock = lock = LockType


def exit():
    """Raise `GreenletExit`, which ends the calling greenlet, a thread to the program, silently."""
    raise GreenletExit


def stack_size(size=None):
    """Return the stack size of new native threads, having made it at least `size` bytes.

    It is never made smaller: all of a thread's greenlets share its stack.
    """
    if size is not None and size > _native_stack_size():
        return _native_stack_size(size)
    return _native_stack_size()


def start_new_thread(function, args=(), kwargs=None):
    """Call ``function(*args, **kwargs)`` in a new greenlet, in the next turn; return its ident. Does not wait.

    Some threads of `multiprocessing`'s own are native: gevent._helper_threads tells which.
    """
    kind = _helper_threads.kind_of(function)
    if kind == _helper_threads.NATIVE:
        return _helper_threads.start(function, args, kwargs or {})
    greenlet = Greenlet.spawn(function, *args) if kwargs is None else Greenlet.spawn(function, *args, **kwargs)
    if kind == _helper_threads.BOUND:
        bind_to_process(greenlet)
    return id(greenlet)


class _ThreadHandle:
    """What Python 3.13 knows a thread by: when it is done, and how to wait for that. Any thread may wait.

    A new one belongs to nothing until `start_joinable_thread` gets it.
    """

    __slots__ = ("ident", "_end", "_state", "_generation", "__weakref__")

    def __init__(self):
        self.ident = 0
        self._state = "not started"
        # One unit once the thread is done, which those who join see without taking it.
        self._end = Semaphore(0)

    def __repr__(self):
        return f"<{type(self).__name__} object: ident={self.ident}, {self._state}>"

    def _begin(self, ident):
        if self._state != "not started":
            raise RuntimeError("thread already started")
        self.ident = ident
        self._generation = fork_generation()
        self._state = "running"

    def _set_done(self):
        """Let everybody who joins go on. Does not wait."""
        if self._state == "not started":
            raise RuntimeError("thread not started")
        if self._state == "running":
            self._state = "done"
            self._end.release()

    def _is_inherited(self):
        """Whether the thread was begun by a process that has forked this one."""
        return self._state != "not started" and self._generation != fork_generation()

    def is_done(self):
        """Whether the thread does not run: it has ended, or (this is gevent's way) has not begun."""
        if self._state == "running":
            looked_in_vain()
        return self._state != "running"

    def join(self, timeout=-1):
        """Park the caller until the thread has ended, or `timeout` seconds are over (None or negative: any time).

        Raises `RuntimeError` for a thread that has not begun, and for the caller's own.
        """
        if self._state == "not started":
            raise RuntimeError("thread not started")
        if self._state == "running":
            if self.ident == get_ident():
                raise RuntimeError("Cannot join current thread")
            self._end.wait(None if timeout is None or timeout < 0 else timeout)


# The handles of threads that the interpreter waits for at its end.
_awaited_at_exit = set()


def _make_thread_handle(ident):
    """Return the handle of a thread that runs already, and is not ended by its greenlet's end."""
    handle = _ThreadHandle()
    handle._begin(ident)
    return handle


def start_joinable_thread(function, handle=None, daemon=True):
    """Call ``function()`` in a new greenlet, in the next turn; return its handle. Does not wait.

    :param handle: The new `_ThreadHandle` to use, instead of one made here.
    :param daemon: Unless true, the interpreter does not end before the greenlet does.

    Raises `RuntimeError` if the handle has been used before.
    """
    if not callable(function):
        raise TypeError("thread function must be callable")
    if handle is None:
        handle = _ThreadHandle()
    elif not isinstance(handle, _ThreadHandle):
        raise TypeError("'handle' must be a _ThreadHandle")
    kind = _helper_threads.kind_of(function)
    if kind == _helper_threads.NATIVE:
        _start_joinable_natively(function, handle, daemon)
        return handle
    greenlet = Greenlet(function)
    handle._begin(id(greenlet))
    if daemon:
        greenlet.rawlink(lambda _: handle._set_done())
    else:
        _awaited_at_exit.add(handle)
        greenlet.rawlink(lambda _: _end_awaited(handle))
    if kind == _helper_threads.BOUND:
        bind_to_process(greenlet)
    greenlet.start()
    return handle


def _end_awaited(handle):
    _awaited_at_exit.discard(handle)
    handle._set_done()


def _start_joinable_natively(function, handle, daemon):
    def run():
        handle.ident = get_ident()
        try:
            function()
        finally:
            _end_awaited(handle)

    handle._begin(0)
    if not daemon:
        _awaited_at_exit.add(handle)
    try:
        _helper_threads.start(run, (), {})
    except BaseException:
        _awaited_at_exit.discard(handle)
        handle._state = "not started"
        raise
