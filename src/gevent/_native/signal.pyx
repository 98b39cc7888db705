# cython: language_level=3, binding=True, auto_pickle=False
"""What stands in Python's table of signal handlers, in front of the program's own; and signals as descriptors.

Where a handler runs is told in cpp/python/hub/signal_delivery.h; which ones are wrapped is policy, in gevent/signal.py.
"""
from cpython.exc cimport PyErr_SetFromErrno

from bridge cimport CoreWaitQueue, park_in


cdef extern from "python/hub/signal_delivery.h" namespace "gevent":
    object deliver_signal(object handler, object signalnum, object frame)
    CoreWaitQueue& waiting_for_signal_handlers()
    bint hold_handlers_back "gevent::hold_handlers" ()
    list release_handlers_held "gevent::release_handlers" ()
    bint call_kept_handlers_now "gevent::call_kept_handlers" () except 0
    void forget_held_handlers() noexcept

cdef extern from "python/hub/fork_reset.h" namespace "gevent":
    void call_when_abandoned(void (*function)() noexcept)

cdef extern from "<csignal>":
    ctypedef struct sigset_t:
        pass
    int sigemptyset(sigset_t*)
    int sigaddset(sigset_t*, int signalnum)

cdef extern from "loop/signal_descriptor.h" namespace "gevent":
    int open_signal_descriptor(const sigset_t&)
    bint restarts_calls(int signalnum)


def note_handled():
    """Let those go on who wait in `wait_handled`."""
    waiting_for_signal_handlers().wake_all()


def wait_handled():
    """Park until the handler of some signal has run, or `note_handled` is called."""
    park_in(waiting_for_signal_handlers(), -1, NULL)


def hold_handlers():
    """Have handlers that would interrupt the calling greenlet wait for `release_handlers`, as long as it does not wait
    itself; return whether they will. Not if they do already, or would not interrupt it: then it does not release them.

    Written so that no handler comes in between, ``held = hold_handlers()`` is the first statement of its block.
    """
    return hold_handlers_back()


def call_kept_handlers():
    """Run the handlers that have waited so far, as if the caller waited here. Raises what they raise."""
    call_kept_handlers_now()


def release_handlers():
    """Run the handlers that have waited. Raises what they raise."""
    cdef list due = release_handlers_held()
    if due:
        _run_all(due)


def call_uninterrupted(function, *args, **kwargs):
    """Return ``function(*args, **kwargs)``, which handlers interrupt only where it waits. The others run at its end.

    So it is between its waits as if no signal had come. Raises what the function does, or what such a handler does.
    """
    if not hold_handlers_back():
        return function(*args, **kwargs)
    try:
        return function(*args, **kwargs)
    finally:
        release_handlers()


def _run_all(due):
    handler, signalnum, frame = due.pop(0)
    try:
        SignalHandler(handler)(signalnum, frame)
    finally:
        if due:
            _run_all(due)


cdef class SignalHandler:
    """SignalHandler(handler)

    Calls ``handler(signalnum, frame)`` where it may wait.
    """
    cdef readonly object handler

    def __cinit__(self, handler):
        self.handler = handler

    def __repr__(self):
        return f"<{type(self).__name__} of {self.handler!r}>"

    def __call__(self, signalnum, frame):
        return deliver_signal(self.handler, signalnum, frame)


def signal_descriptor(signals):
    """Return a new descriptor that is readable while one of the blocked `signals` is pending; OSError where there is
    no such thing.
    """
    cdef sigset_t wanted
    sigemptyset(&wanted)
    for signalnum in signals:
        sigaddset(&wanted, signalnum)
    cdef int fd = open_signal_descriptor(wanted)
    if fd < 0:
        PyErr_SetFromErrno(OSError)
    return fd


def interrupts_calls(int signalnum):
    """Whether `signalnum` interrupts system calls, as `signal.siginterrupt` sets it."""
    return not restarts_calls(signalnum)


# In a child that has a new hub, those who held handlers back do not exist.
call_when_abandoned(forget_held_handlers)

__all__ = [
    "SignalHandler",
    "call_kept_handlers",
    "call_uninterrupted",
    "hold_handlers",
    "interrupts_calls",
    "note_handled",
    "release_handlers",
    "signal_descriptor",
    "wait_handled",
]
