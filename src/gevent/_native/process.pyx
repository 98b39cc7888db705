# cython: language_level=3, binding=True, auto_pickle=False
"""gevent::ChildProcess for Python: conversion, parking, and callbacks in the hub.

How the end of a process is noticed is in cpp/process; which processes are looked after is in gevent/os.py.
"""
from time import monotonic
from weakref import ref as weak_reference

from cpython.object cimport PyObject

from bridge cimport CoreLoop, CoreWaitQueue, call_soon, current_hub, current_loop, loop_of, park_named_in, park_in


cdef extern from "process/child_process.h" namespace "gevent":
    cdef cppclass CoreChildProcess "gevent::ChildProcess":
        void watch(CoreLoop& loop, bint ref) except +
        bint poll()
        void end(int status)
        void lose()
        void reap()
        int pid()
        bint ended()
        bint lost()
        int status()
        CoreWaitQueue waiters

cdef extern from *:
    """
    // Cython's noexcept is not C++'s.
    static inline gevent::ChildProcess* make_child_process(int pid, void (*on_end)(void*), void* owner) {
      return new gevent::ChildProcess(pid, reinterpret_cast<gevent::ChildProcess::OnEnd>(on_end), owner);
    }
    """
    CoreChildProcess* make_child_process(int pid, void (*on_end)(void*) noexcept, void* owner) except +


cdef class _Ends:
    """A line of those who wait for the end of whichever child comes first."""
    cdef CoreWaitQueue line


cdef _Ends _any_end = _Ends()


def wait_any_end(double timeout):
    """Park until some `ChildProcess` ends, `timeout` seconds at most; return whether one did."""
    return park_in(_any_end.line, timeout, NULL) > 0


cdef void note_end(void* owner) noexcept:
    cdef ChildProcess child = <ChildProcess>owner
    child.ended_at = monotonic()
    links, child.links = child.links, None
    _any_end.line.wake_all()
    popen = None if child.popen is None else child.popen()
    if popen is not None and popen.returncode is None:
        popen._handle_exitstatus(child.rstatus)
    if links is not None:
        for link in links:
            child.call(link)


cdef class ChildProcess:
    """One child process, until its end and after it: what `fork_and_watch` hands to its callback.

    pid
        of a child of this process that nobody has reaped.

    It is reaped by `reap`, by whoever waits for it, and at the end of this object.

    Looks like a loop's child watcher as far as one can look at it: `pid`, `rpid`, `rstatus`.
    """

    cdef CoreChildProcess* core
    cdef list links
    cdef object popen  # weakly
    cdef bint keeps_loop
    cdef readonly double ended_at  # on the monotonic clock
    cdef object __weakref__

    def __cinit__(self, int pid):
        self.core = make_child_process(pid, note_end, <void*>self)
        self.keeps_loop = True

    def __dealloc__(self):
        del self.core

    def __repr__(self):
        state = f"rstatus={self.rstatus}" if self.ended else "running"
        return f"<{type(self).__name__} pid={self.pid} {state}>"

    @property
    def pid(self):
        """The process's number."""
        return self.core.pid()

    @property
    def rpid(self):
        """0 while it runs, then its number."""
        return self.core.pid() if self.core.ended() else 0

    @property
    def rstatus(self):
        """How it ended, as `os.waitpid` says it; 0 while it runs."""
        return self.core.status()

    @property
    def ended(self):
        """Whether it has ended, as far as has been noticed."""
        return self.core.ended()

    @property
    def lost(self):
        """Whether it has ended without telling how, because somebody else reaped it."""
        return self.core.lost()

    def watch(self, loop, ref=True):
        """Have `loop` notice its end, and keep running until then if `ref`."""
        self.keeps_loop = ref
        self.core.watch(loop_of(loop)[0], ref)

    def poll(self):
        """Ask the system whether it has ended. Does not wait, and does not reap it."""
        return self.core.poll()

    def reap(self):
        """If it has ended, let the system forget it, unless somebody has seen to that. Does not wait."""
        self.core.reap()

    def end(self, int status):
        """Note that it was reaped with `status`."""
        self.core.end(status)

    def lose(self):
        """Note that it is no child of this process's."""
        self.core.lose()

    def wait(self, timeout=None):
        """Park until it has ended, `timeout` seconds at most (None: no limit); return whether it has."""
        cdef CoreLoop* loop
        if self.core.ended():
            return True
        loop = current_loop()
        # Whoever waits must not be told that nothing is left to wait for.
        self.core.watch(loop[0], True)
        try:
            park_named_in(self, self.core.waiters, -1 if timeout is None else max(0, timeout), NULL)
        finally:
            if not self.core.ended() and self.core.waiters.empty():
                self.core.watch(loop[0], self.keeps_loop)
        return self.core.ended()

    def report_to(self, popen):
        """Have ``popen.returncode`` set at its end. Holds no reference."""
        self.popen = weak_reference(popen)

    def rawlink(self, callback, argument):
        """Have ``callback(argument)`` called in this thread's hub once it has ended. Does not wait."""
        link = (callback, argument, current_hub())
        if self.core.ended():
            self.call(link)
        elif self.links is None:
            self.links = [link]
        else:
            self.links.append(link)

    def unlink(self, callback):
        """Undo `rawlink`; nothing happens if there is no such callback."""
        if self.links is not None:
            self.links = [link for link in self.links if link[0] != callback]

    cdef call(self, tuple link):
        callback, argument, hub = link
        if hub.loop is not None:
            call_soon(loop_of(hub.loop)[0], callback, <PyObject*>argument)


__all__ = ["ChildProcess", "wait_any_end"]
