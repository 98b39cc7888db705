"""`patch_thread`: new primitives for `threading`, and mending what was made with the old ones.

The primitives are in gevent.thread and gevent.threading. Most of the work is about objects that exist already when
patching begins:

* the main thread's object, which is known under, and joined by, what the operating system calls its thread;
* other threads that run already: they stay native;
* locks held or waited for by both worlds: those of the import system, of logging, of concurrent.futures;
* the end of the interpreter, which joins threads;
* functions that others have called around a fork, where nobody may wait.

An exception in the midst of it would leave a program that cannot even end: signals wait until all is done.
"""

import _thread
import sys
from types import FunctionType

from greenlet import getcurrent

from gevent._held_signals import ALL, hold
from gevent._native.thread_list import Shutdown, ThreadList
from gevent.monkey._futures import mend_futures
from gevent.monkey._notices import notify, queue_warning
from gevent.monkey._postponed import do_now_or_when_imported
from gevent.monkey._shutdown import HAS_HANDLES, ThreadsEnd, handle_name
from gevent.monkey._state import is_object_patched
from gevent.monkey.api import _patch_standard, get_original, patch_item

__all__ = ["ThreadPatch"]


def _root_greenlet():
    """The greenlet that the native thread began with."""
    greenlet = getcurrent()
    while greenlet.parent is not None:
        greenlet = greenlet.parent
    return greenlet


class ThreadPatch:
    """One call of `gevent.monkey.patch_thread`."""

    def __init__(self, threading, threading_local, event, logging, existing_locks, warnings):
        self.patches_threading = threading
        self.patches_threading_local = threading_local
        self.patches_event = event
        self.patches_logging = logging
        self.patches_existing_locks = existing_locks
        self.warnings = warnings

    def apply(self):
        """Patch. Raises `DoNotPatch` if a subscriber does so before anything was changed."""
        with hold(ALL):
            self._apply()

    def _apply(self):
        import threading

        # All imports come first: they should not meet a half patched threading.
        from gevent import events, thread as green_thread, threading as green_threading
        from gevent._threading_classes import mend_classes

        _import_loop()

        native_ident = get_original("_thread", "get_ident")()
        first_time = not is_object_patched("_thread", "get_ident")
        if first_time:
            green_thread._native_idents.update(sys._current_frames())
            green_thread._native_idents.discard(native_ident)

        patched = _patch_standard("thread", _warnings=self.warnings, _notify_did_subscribers=False)[2]
        if not patched:
            raise events.DoNotPatch
        if self.patches_threading:
            _patch_standard("threading", _warnings=self.warnings, _notify_did_subscribers=False)
            if self.patches_event:
                from gevent.event import Event

                patch_item(threading, "Event", Event)
            if getattr(threading, "_set_name", None) is not None:
                # The original names threads of the operating system, of which a greenlet has none to itself.
                threading._set_name = green_thread.set_name
        if self.patches_threading_local:
            do_now_or_when_imported("_threading_local", _patch_threading_local)

        threads = ThreadList(threading)
        if first_time:
            if self.patches_existing_locks:
                _mend_module_locks(native_ident)
                _mend_executors()
            mend_futures()
            _mend_fork_hooks()
            _mend_takers_of_idents()
            if self.patches_threading:
                _hasten_after_fork(threading, threads)
            if HAS_HANDLES:
                _end_threads_in_children(threading, threads)
        if self.patches_logging:
            _mend_logging()
        if self.patches_threading:
            mend_classes(vars(threading))
            self._mend_threads(threading, native_ident)
        if not is_object_patched("threading", "_shutdown"):
            patch_item(threading, "_shutdown", Shutdown(threads, ThreadsEnd(threading)))

        notify(events.GeventDidPatchModuleEvent("thread", green_thread, _thread))
        if self.patches_threading:
            notify(events.GeventDidPatchModuleEvent("threading", green_threading, threading))

    def _mend_threads(self, threading, native_ident):
        main = threading.main_thread()
        native_main = _native_main_ident(main)
        if native_ident == native_main:
            _adopt_main_thread(threading, main)
        elif main._ident != id(_root_greenlet()):
            queue_warning(
                "Monkey-patching outside the main native thread. Some APIs will not be available. "
                "Expect a KeyError to be printed at shutdown.",
                self.warnings,
            )
            queue_warning(
                "Monkey-patching not on the main thread; threading.main_thread().join() will hang from a greenlet",
                self.warnings,
            )
        for thread in list(threading._active.values()):
            if thread is not main:
                _keep_native(threading, thread)


# --- threads -----------------------------------------------------------------------------------------------------


def _native_main_ident(main):
    if HAS_HANDLES:
        return get_original("_thread", "_get_main_thread_ident")()
    # Until it is adopted, its object has the ident of the operating system.
    return getattr(main, "_native_ident", main._ident)


def _adopt_main_thread(threading, main):
    """Have the object of the main thread stand for the main greenlet."""
    from gevent.thread import LockType, _make_thread_handle

    root = _root_greenlet()
    if main._ident == id(root):
        return
    threading._active.pop(main._ident, None)
    main._native_ident, main._ident = main._ident, id(root)
    threading._active[main._ident] = main
    if HAS_HANDLES:
        setattr(main, handle_name(main), _make_thread_handle(main._ident))
        return
    # The interpreter's end releases this one for those who join the main thread. The old lock goes out of the list
    # of those to wait for: nobody will release it before the very end.
    threading._shutdown_locks.discard(main._tstate_lock)
    main._tstate_lock = LockType()
    main._tstate_lock.acquire()


def _keep_native(threading, thread):
    """See that `thread`, which runs natively, can be joined without stopping everybody, and is known by its ident."""
    from gevent.thread import _native_idents

    def join(timeout=None):
        """Wait until the thread has ended, or `timeout` seconds are over, as `threading.Thread.join` does."""
        from time import monotonic

        from gevent.hub import sleep

        if thread is threading.current_thread():
            raise RuntimeError("cannot join current thread")
        end = None if timeout is None else monotonic() + timeout
        pause = 0.001
        # Its end makes no event that a greenlet could wait for.
        while thread.is_alive():
            left = pause if end is None else min(pause, end - monotonic())
            if left <= 0:
                break
            sleep(left)
            pause = min(pause * 2, 0.02)

    thread.join = join
    _native_idents.add(thread._ident)


def _mend_takers_of_idents():
    """Have what takes a thread's ident down to the operating system take that of the thread the greenlet runs in.

    Theirs would be no thread at all there, and what happens then is undefined.
    """
    import signal
    import time
    from functools import wraps

    from gevent.thread import native_ident

    def taking_ours(call):
        @wraps(call)
        def wrapped(thread_id, *args):
            return call(native_ident(thread_id), *args)

        return wrapped

    # Not by patch_item(): whether these modules count as patched is for others to decide.
    for module, name in ((signal, "pthread_kill"), (time, "pthread_getcpuclockid")):
        if hasattr(module, name):
            setattr(module, name, taking_ours(getattr(module, name)))


# --- the first hub -----------------------------------------------------------------------------------------------


def _import_loop():
    """Import what a thread's first hub is made of.

    From now on the locks of the import system park greenlets, for which they need a hub: two threads that imported this
    at the same time would each wait in a hub that cannot be made.
    """
    from gevent._config import config

    setting = config.settings["loop"]
    try:
        setting.validate(setting._default())
    except ImportError:
        # Whoever makes a hub will be told; until then the program may choose another one.
        return


# --- locks that exist already ------------------------------------------------------------------------------------


class _Wakeup:
    """In the place of a module lock's native `wakeup` for which native threads wait: wakes those, and greenlets.

    It is locked from the beginning, as the native one is. Who is woken looks at the module lock again, so that once too
    often does no harm.
    """

    def __init__(self, native):
        from gevent.thread import allocate_lock

        self._native, self._lock = native, allocate_lock()
        self._lock.acquire()

    def acquire(self, blocking=True):
        """Wait until the module lock may be free; return whether it may."""
        return self._lock.acquire(blocking)

    def release(self):
        """Wake one of each kind. Does not wait."""
        for lock in (self._native, self._lock):
            if lock.locked():
                lock.release()


def _mend_module_locks(native_ident):
    """Let modules that are being imported now be finished, and be waited for, by greenlets and by native threads.

    The import system's locks know their owner by ident, which the caller just changed for its own thread, and only
    for that. In each, `lock` is held for moments in which nobody switches; a native one will do.
    """
    from gevent.thread import allocate_lock, get_ident

    ident = get_ident()
    for reference in list(sys.modules["_frozen_importlib"]._module_locks.values()):
        lock = reference()
        if not hasattr(lock, "wakeup"):
            continue
        with lock.lock:
            if lock.owner == native_ident:
                lock.owner = ident
            lock.wakeup = _Wakeup(lock.wakeup) if lock.waiters else allocate_lock()


def _patch_threading_local():
    import _threading_local

    from gevent.thread import _local

    patch_item(_threading_local, "local", _local)


def _mend_executors():
    """Mend executors of threads, if there may be any."""
    module = sys.modules.get("concurrent.futures.thread")
    if module is not None:
        from gevent.monkey._executors import mend_executors

        mend_executors(module)


def _mend_logging():
    """Give `logging`, and all handlers there are, locks that cooperate."""
    logging = sys.modules.get("logging")
    if logging is None or not hasattr(logging, "_lock"):
        return
    from gevent.thread import LockType, _native_idents
    from gevent.threading import _CRLock

    class _Successor(_CRLock):
        # Other threads may hold the native lock at this moment, or wait for it, and will release its successor.
        __slots__ = ("_native",)

        def __init__(self, native):
            self._native = native

        def release(self):
            if not self._is_owned() and self._native._is_owned():
                self._native.release()
            else:
                super().release()

    def successor(native):
        return _Successor(native) if _native_idents and hasattr(native, "_is_owned") else _CRLock()

    def cooperates(lock):
        return isinstance(getattr(lock, "_block", None), LockType)

    if not cooperates(logging._lock):
        patch_item(logging, "_lock", successor(logging._lock))
    for reference in list(logging._handlerList):
        handler = reference()
        if getattr(handler, "lock", None) is not None and not cooperates(handler.lock):
            handler.lock = successor(handler.lock)


# --- forks -------------------------------------------------------------------------------------------------------


def _after_fork(begin_in_child, in_full):
    # As code only: see below.
    if not begin_in_child():
        in_full()


def _hasten_after_fork(threading, threads):
    """Have `threading` do little in a forked child where it knows of the main thread only, as most programs do.

    It looks through its threads, of which each costs the child the copies of some pages, only to find out that there is
    nothing to do. The function itself is registered already, so it gets other code.
    """
    after_fork = threading._after_fork
    if not isinstance(after_fork, FunctionType) or after_fork.__defaults__ or after_fork.__code__.co_freevars:
        return  # it is no longer Python's own
    in_full = FunctionType(after_fork.__code__, after_fork.__globals__, after_fork.__name__)
    after_fork.__code__, after_fork.__defaults__ = _after_fork.__code__, (threads.begin_in_child, in_full)


def _end_threads_in_children(threading, threads):
    """See that in a forked child all threads but the one that forked count as ended.

    Their greenlets go on, but nobody shall wait for them. Those that others have started in the child already, in their
    own hooks, run. Until Python 3.12 `threading` does this itself; now it leaves it to the handles.
    """
    import os

    from gevent.thread import _awaited_at_exit, _ThreadHandle

    def end_all_but_current():
        # Also the handle of the thread that forked: that is the main thread now.
        _awaited_at_exit.difference_update([handle for handle in _awaited_at_exit if handle._is_inherited()])
        if threads.is_main_alone():
            return
        current = threading.current_thread()
        for thread in list(threading._dangling):
            handle = getattr(thread, handle_name(thread), None)
            if thread is current or not isinstance(handle, _ThreadHandle) or not handle._is_inherited():
                continue
            if not handle.is_done():
                handle._set_done()

    os.register_at_fork(after_in_child=end_all_but_current)


def _mend_fork_hooks():
    """Keep locks that park greenlets out of what happens around a fork.

    Registered there, a native lock ensures that no other thread holds it in the child, which has no other thread.
    Greenlets go on in the child, with what they hold. And switching greenlets in the midst of a fork is what others
    rely on not to happen.
    """
    import os

    from gevent._hub_local import register_after_abandon
    from gevent.lock import RLock, Semaphore

    native_register = os.register_at_fork

    def parks(function):
        return isinstance(getattr(function, "__self__", None), (Semaphore, RLock))

    def register_at_fork(**functions):
        """Have functions called around each `os.fork`: ``before``, ``after_in_parent``, ``after_in_child``."""
        kept = {when: function for when, function in functions.items() if not parks(function)}
        if functions.get("after_in_child") is not kept.get("after_in_child"):
            # A child that starts over has lost whoever may hold the lock.
            register_after_abandon(functions["after_in_child"])
        if kept or not functions:
            native_register(**kept)

    # Not by patch_item(): whether `os` counts as patched is for patch_os() to decide.
    register_at_fork.__wrapped__ = native_register
    os.register_at_fork = register_at_fork
