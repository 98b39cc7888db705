# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, auto_pickle=False
"""RLock: a lock that its owner may take again.

Made of a Semaphore of one unit, which it only asks for Python's help when somebody has to wait. As with that one, no
Python frame runs in here.
"""
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer

from gevent._native.semaphore import Semaphore

from bridge cimport current_hub

cdef extern from "python/object/type_name.h" namespace "gevent":
    void publish(PyObject* type, const char* name)

cdef extern from "sync/semaphore.h" namespace "gevent":
    cdef cppclass CoreSemaphore "gevent::Semaphore":
        bint try_acquire()
        void release()

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    object whoever_calls()


cdef class RLock:
    """RLock(hub=None)
--

A mutual exclusion lock that the greenlet which holds it can take again; it is free after as many releases.

    hub
        as for `Semaphore`

    Two greenlets of one thread exclude each other, as do two threads. From gevent.
    """
    cdef readonly object _block  # the Semaphore; public enough to be looked at
    cdef readonly object _owner
    cdef readonly Py_ssize_t _count
    cdef CoreSemaphore* core     # of _block
    cdef object __weakref__

    __slots__ = ("_block", "_owner", "_count", "__weakref__")

    def __cinit__(self):
        # Not in __init__: a subclass may have arguments of its own, and forget the one of its base.
        self._stand_on(Semaphore(1))

    def __init__(self, hub=None):
        if hub is not None:
            self._stand_on(Semaphore(1, hub))

    cdef int _stand_on(self, block) except -1:
        self._block = block
        self.core = <CoreSemaphore*>PyCapsule_GetPointer(block._core, "gevent.Semaphore")
        return 0

    def __repr__(self):
        return (f"<{type(self).__name__} at {hex(id(self))} _block={self._block} _count={self._count} "
                f"_owner={self._owner!r}>")

    cdef bint _take(self, blocking, timeout) except -1:
        me = whoever_calls()
        if self._owner is me:
            self._count += 1
            return True
        if not self.core.try_acquire() and not self._wait(blocking, timeout):
            return False
        self._owner = me
        self._count = 1
        return True

    cdef bint _wait(self, blocking, timeout) except -1:
        if blocking and getattr(self._owner, "dead", False):
            # No thread will give it back; the main greenlet is to hear of that.
            hub = current_hub()
            if hub.parent is whoever_calls():
                with hub._expecting_nobody():
                    return self._block.acquire(blocking, timeout)
        return self._block.acquire(blocking, timeout)

    cdef int _give(self) except -1:
        me = whoever_calls()
        if self._owner is not me:
            raise RuntimeError(f"cannot release un-acquired lock. Owner: {self._owner!r} Current: {me!r}")
        self._count -= 1
        if self._count == 0:
            self._owner = None
            self.core.release()
        return 0

    def acquire(self, blocking=True, timeout=None):
        """Take the lock, or take it once more; return whether that was possible.

        Arguments and exceptions are those of `Semaphore.acquire`; -1 is no limit either.
        """
        if timeout is not None and timeout == -1:
            timeout = None
        return self._take(blocking, timeout)

    def release(self):
        """Undo one `acquire`. RuntimeError when the caller does not own the lock. Never waits."""
        self._give()

    def locked(self):
        """Whether anybody owns it."""
        return self._count > 0

    def __enter__(self):
        if type(self) is RLock:
            return self._take(True, None)
        return self.acquire()

    def __exit__(self, kind, value, traceback):
        if type(self) is RLock:
            self._give()
        else:
            self.release()

    # -- for threading.Condition and for a forked child --

    def _is_owned(self):
        return self._owner is not None and self._owner is whoever_calls()

    def _recursion_count(self):
        return self._count if self._owner is not None and self._owner is whoever_calls() else 0

    def _release_save(self):
        state = (self._count, self._owner)
        self._count = 0
        self._owner = None
        self.core.release()
        return state

    def _acquire_restore(self, count_owner):
        count, owner = count_owner
        thrown = None
        if not self.core.try_acquire():
            thrown = self._block._acquire_whatever_comes()
        self._count = count
        self._owner = owner
        if thrown is not None:
            raise thrown

    def _at_fork_reinit(self):
        self._block._at_fork_reinit()
        self._owner = None
        self._count = 0


cdef class ThreadRLock(RLock):
    """ThreadRLock()
--

`RLock` as `threading` has it: `acquire` takes and refuses what that of `_thread.RLock` does.

    Abstract: a subclass names in `_block_class` the lock it is made of, a `Semaphore` of one unit whose `acquire` has
    those arguments.
    """
    _block_class = None

    def __cinit__(self):
        self._stand_on(self._block_class())

    def __init__(self):
        pass  # as the standard library's, without arguments

    def __repr__(self):
        state = "locked" if self._count else "unlocked"
        owner = 0 if self._owner is None else id(self._owner)
        return f"<{state} {type(self).__name__} object owner={owner} count={self._count} at {hex(id(self))}>"

    def acquire(self, blocking=True, timeout=-1):
        """Take the lock, or take it once more; return whether that was possible.

        Waits as long as it takes, or `timeout` seconds; not at all unless `blocking`. ValueError and OverflowError for
        a `timeout` that makes no sense.
        """
        if timeout is not None and timeout != -1:
            if not blocking:
                raise ValueError("can't specify a timeout for a non-blocking call")
            if timeout < 0:
                raise ValueError("timeout value must be strictly positive")
            if timeout > self._block._TIMEOUT_MAX:
                raise OverflowError("timeout value is too large")
        return self._take(blocking, timeout)

    def __enter__(self):
        return self._take(True, -1)

    def __exit__(self, kind, value, traceback):
        self._give()

    def _release_save(self):
        if self._count == 0:
            raise RuntimeError("cannot release un-acquired lock")
        return RLock._release_save(self)


publish(<PyObject*>RLock, "gevent.lock.RLock")

__all__ = ["RLock", "ThreadRLock"]
