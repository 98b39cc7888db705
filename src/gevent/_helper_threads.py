"""Threads of `multiprocessing` and of executors, where a greenlet would not last: as threads of the operating system.

A greenlet lives in the hub of the thread that has started it, runs when that one waits, and ends with it. A queue's
feeder, or the workers of a pool of threads, are everybody's, and whoever happens to be the first to use a queue may be
a thread that has no hub, or ends next. So only the main thread's are greenlets. The others are native threads, which
wait as such: they have no hub either.

Both kinds are `threading.Thread` objects; what is here is the start of one that is native, and what is called at its
end, by which others join it.
"""

from _thread import get_ident as _native_ident, start_new_thread as _start_natively
from sys import modules
from types import MethodType

from gevent._hub_local import get_hub_if_exists

__all__ = ["BOUND", "NATIVE", "ORDINARY", "call_at_end", "kind_of", "start"]

#: A greenlet like any other.
ORDINARY = 0
#: A greenlet which no child of a bare `os.fork` may continue.
BOUND = 1
#: It would not last as a greenlet of the caller's thread.
NATIVE = 2

# By the native ident of a thread that `start` has made: what to call at its end.
_calls_at_end = {}


def kind_of(function):
    """Return which kind of thread begins with `function` here: `ORDINARY`, `BOUND` or `NATIVE`."""
    thread = function.__self__ if type(function) is MethodType else None
    if getattr(thread, "_stays_in_its_process", False):
        return BOUND if _in_main_thread() else NATIVE
    # A pool of threads runs the program's own functions, which may count on the hub that the program has there.
    if get_hub_if_exists() is not None:
        return ORDINARY
    is_of_pool = getattr(thread, "_belongs_to_pool", False) or _works_for_executor(thread)
    return NATIVE if is_of_pool and not _in_main_thread() else ORDINARY


def _works_for_executor(thread):
    module = modules.get("concurrent.futures.thread")
    return module is not None and getattr(thread, "_target", None) is module._worker


def _in_main_thread():
    from gevent import hub

    return _native_ident() == hub.MAIN_THREAD_IDENT


def start(function, args, kwargs):
    """Call ``function(*args, **kwargs)`` in a new native thread. Does not wait. Raises `RuntimeError` if there is none.

    Returns the thread's native ident.
    """
    return _start_natively(_run, (function, args, kwargs))


def _run(function, args, kwargs):
    ident = _native_ident()
    calls = _calls_at_end[ident] = []
    try:
        function(*args, **kwargs)
    finally:
        del _calls_at_end[ident]
        for call in calls:
            call()


def call_at_end(function):
    """Call ``function()`` when the calling thread ends, if `start` has made it; return whether it has."""
    calls = _calls_at_end.get(_native_ident())
    if calls is None:
        return False
    calls.append(function)
    return True
