"""The end of the program's threads: in the place of `threading._shutdown`, joins both kinds of them."""

import sys
from functools import partial

from gevent._hub_local import get_hub
from gevent.hub import sleep
from gevent.monkey._state import is_object_patched
from gevent.monkey.api import get_original

__all__ = ["HAS_HANDLES", "ThreadsEnd", "handle_name", "have_hub_turn_to_the_end"]

HAS_HANDLES = sys.version_info >= (3, 13)

#: How often to look whether a thread has ended, where none can be started that waits for it.
_LOOK_S = 0.01

_hub_turns_to_the_end = False
#: Called when the end begins.
_first = []


def handle_name(thread):
    """Return which attribute of `thread` is its handle: 3.13 and 3.14 call it differently."""
    return "_os_thread_handle" if "_os_thread_handle" in vars(thread) else "_handle"


def have_hub_turn_to_the_end(threading, first):
    """From now on the main thread's hub turns while, at the program's end, its native threads are waited for.

    They may need what lives in it. The function `first` is called when that begins. Works in programs that are not
    patched, too. Again does nothing.
    """
    global _hub_turns_to_the_end
    _hub_turns_to_the_end = True
    if first not in _first:
        _first.append(first)
    if not is_object_patched("threading", "_shutdown") and not isinstance(threading._shutdown, ThreadsEnd):
        threading._shutdown = ThreadsEnd(threading)


class ThreadsEnd:
    """Called by the interpreter when the main thread has ended: joins all others but daemons, greenlets first."""

    def __init__(self, threading):
        self._threading = threading

    def __call__(self):
        if self._main_is_done():
            return
        threading = self._threading
        for call in _first:
            call()
        threading._SHUTTING_DOWN = True
        # Before joining: there are threads that only end because one of these tells them to.
        for call in reversed(threading._threading_atexits):
            _do(call)
        self._let_main_end()
        self._join_greenlets()
        if _hub_turns_to_the_end:
            self._join_native_threads()
        if HAS_HANDLES:
            threading._thread_shutdown()
        else:
            self._take_locks(green=False)

    def _main_is_done(self):
        main = self._threading._main_thread
        return getattr(main, handle_name(main)).is_done() if HAS_HANDLES else main._is_stopped

    def _let_main_end(self):
        main = self._threading._main_thread
        if HAS_HANDLES:
            done = getattr(getattr(main, handle_name(main)), "_set_done", None)
            if done is not None:
                done()
            return
        # What _stop() does beside that is for locks of threads that have ended, which are looked through below.
        lock, main._tstate_lock, main._is_stopped = main._tstate_lock, None, True
        if lock is not None and lock.locked():
            lock.release()

    def _join_greenlets(self):
        from gevent.exceptions import LoopExit
        from gevent.thread import _awaited_at_exit

        try:
            if HAS_HANDLES:
                while _awaited_at_exit:
                    handle = next(iter(_awaited_at_exit))
                    handle.join()
                    _awaited_at_exit.discard(handle)
            else:
                self._take_locks(green=True)
        except LoopExit:
            # They wait for something that cannot happen any more. A native thread would hang the process here.
            return

    def _join_native_threads(self):
        threading = self._threading
        while True:
            others = [each for each in threading.enumerate() if not each.daemon and each is not threading._main_thread]
            if not others:
                return
            for thread in others:
                _do(partial(_join, thread))

    def _take_locks(self, green):
        from gevent.thread import LockType

        threading = self._threading
        while threading._shutdown_locks:
            with threading._shutdown_locks_lock:
                mine = {lock for lock in threading._shutdown_locks if isinstance(lock, LockType) == green}
                threading._shutdown_locks -= mine
            if not mine:
                return
            for lock in mine:
                lock.acquire()
                lock.release()


def _join(thread):
    thread.join()  # by the method of the moment


def _do(call):
    """Call something that waits, while the hub turns if it has to."""
    if not _hub_turns_to_the_end or is_object_patched("threading", "_shutdown"):
        call()
    elif _can_start_threads():
        get_hub().threadpool.apply(call)
    else:
        _do_here(call)


def _can_start_threads():
    try:
        get_original("_thread", "start_new_thread")(int, ())
    except RuntimeError:
        return False  # in Python 3.12, the program ends when its main thread does
    return True


def _do_here(call):
    """Call something that waits for threads, if for anything: the main thread's hub turns until each has ended."""
    import threading

    join = threading.Thread.join

    def join_aside(thread, timeout=None):
        while timeout is None and thread.is_alive() and threading.current_thread() is threading.main_thread():
            sleep(_LOOK_S)
        join(thread, timeout)

    threading.Thread.join = join_aside
    try:
        call()
    finally:
        threading.Thread.join = join
