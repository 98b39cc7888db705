# cython: language_level=3, binding=False, embedsignature=False, auto_pickle=False
"""gevent::ThreadList for Python: what `threading` knows, and what is to be done where it knows of one thread only.

What it looks at is in cpp/python/object/thread_list.h. Native, because whatever runs in a new child in Python costs it
the copies of several pages.
"""
from cpython.object cimport PyObject
from cpython.ref cimport Py_XINCREF
from libcpp.memory cimport unique_ptr

cdef extern from "python/object/thread_list.h" namespace "gevent":
    cdef cppclass CoreThreadList "gevent::ThreadList":
        CoreThreadList(PyObject* module, PyObject* dangling, PyObject* references)
        bint is_only_main_thread(PyObject* current)
        bint has_exit_calls()
        bint has_locks_of_threads()

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    object current_greenlet()


cdef class ThreadList:
    """The threads that the module `threading` knows, once it was patched."""

    cdef dict module
    cdef object dangling
    cdef set references
    cdef unique_ptr[CoreThreadList] core

    def __cinit__(self, threading):
        self.module = vars(threading)
        self.dangling = threading._dangling
        self.references = self.dangling.data
        self.core.reset(new CoreThreadList(
            <PyObject*>self.module, <PyObject*>self.dangling, <PyObject*>self.references))

    def is_main_alone(self):
        """Return whether it knows of no thread but the main one, which is the caller."""
        current = current_greenlet()
        return self.core.get().is_only_main_thread(<PyObject*>current)

    def begin_in_child(self):
        """In a forked child: if the main thread is alone, make the module's locks free.

        Returns whether that was all that there is to do.
        """
        current = current_greenlet()
        if not self.core.get().is_only_main_thread(<PyObject*>current):
            return False
        self.module["_active_limbo_lock"]._at_fork_reinit()
        if self.core.get().has_locks_of_threads():
            self.module["_shutdown_locks_lock"]._at_fork_reinit()
        return True

    cdef bint end_alone(self) except -1:
        # Until Python 3.12, what `threading` does at the process's end where the main thread is alone: that has ended,
        # for whoever is going to join it. Later there are handles. Returns whether it is done.
        current = current_greenlet()
        if not self.core.get().is_only_main_thread(<PyObject*>current):
            return False
        if not self.core.get().has_locks_of_threads() or self.core.get().has_exit_calls():
            return False
        main = self.module["_main_thread"]
        if not main._is_stopped:
            self.module["_SHUTTING_DOWN"] = True
            # Nobody waits for it, and to free it would cost more than it takes.
            Py_XINCREF(<PyObject*>main._tstate_lock)
            main._tstate_lock = None
            main._is_stopped = True
        return True


cdef class Shutdown:
    """In the place of `threading._shutdown`: calls `in_full` only if the main thread is not alone."""

    cdef ThreadList threads
    cdef object in_full

    def __cinit__(self, ThreadList threads, in_full):
        self.threads, self.in_full = threads, in_full

    def __call__(self):
        if not self.threads.end_alone():
            self.in_full()
