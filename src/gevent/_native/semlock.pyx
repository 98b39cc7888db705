# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, auto_pickle=False
"""gevent::SharedSemaphore for Python, in the shape of `_multiprocessing.SemLock`.

How a semaphore is shared, taken and waited for is in cpp/ipc/shared_arena.h and cpp/python/wait/shared_wait.h. How it
is sent to another process is policy: gevent/multiprocessing/_synchronize.py.
"""
cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport uint32_t, uint64_t
from libcpp.memory cimport shared_ptr, unique_ptr
from libcpp.optional cimport optional
from libcpp.utility cimport move
from libcpp.vector cimport vector

import errno as _errno
import os as _os
from collections import deque as _deque


cdef extern from "base/owned_fd.h" namespace "gevent":
    cdef cppclass OwnedFd:
        OwnedFd()
        OwnedFd(int)

cdef extern from "base/result.h" namespace "gevent":
    cdef cppclass Error:
        int code()
        const char* what()
    cdef cppclass ArenaResult "gevent::Result<std::unique_ptr<gevent::SharedArena>>":
        bint ok()
        unique_ptr[CoreArena]& value()
        Error& error()

cdef extern from "ipc/shared_arena.h" namespace "gevent":
    cdef cppclass Place "gevent::SharedArena::Place":
        uint32_t slot
        uint32_t generation
    cdef cppclass CoreArena "gevent::SharedArena":
        @staticmethod
        ArenaResult create()
        @staticmethod
        ArenaResult attach(vector[OwnedFd])
        uint64_t* id_data "id().data" ()
        vector[int] descriptors()
        bint made_here()
        optional[Place] allocate(uint32_t)
        bint join(Place)
        uint32_t slots_in_use()

cdef extern from "ipc/shared_semaphore.h" namespace "gevent":
    cdef cppclass CoreSemaphore "gevent::SharedSemaphore":
        CoreSemaphore(shared_ptr[CoreArena], Place)
        bint try_acquire()
        bint release(uint32_t)
        uint32_t value()
        uint32_t slot()
        uint32_t generation()

cdef extern from "python/wait/shared_wait.h" namespace "gevent":
    int wait_for_unit(CoreSemaphore&, double timeout_s) except -1
    void forget_lane_watches() noexcept

cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1

cdef extern from "python/wait/message_exchange.h" namespace "gevent":
    int yield_if_turn_is_over() except -1

cdef extern from "python/wait/message_errand.h" namespace "gevent":
    uint64_t next_taking()
    bint locks_may_be_kept()
    int send_or_leave(int fd, const void* data, size_t size, CoreSemaphore&, uint32_t maximum,
                      PyObject* keeper) except -1
    bint keep_lock(CoreSemaphore&, uint32_t maximum, PyObject* keeper, const void* owner, uint64_t taken_at)

cdef extern from "python/hub/fork_reset.h" namespace "gevent":
    void call_when_abandoned(void (*function)() noexcept)

cdef extern from "Python.h":
    int Py_AtExit(void (*)() noexcept)

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    PyObject* running_greenlet()

cdef extern from "python/wait/known_arenas.h" namespace "gevent":
    void remember_arena(const shared_ptr[CoreArena]&) except +
    void arenas_before_fork()
    void arenas_in_parent()
    void arenas_in_child()
    void leave_all_arenas() noexcept
    void forget_all_lines() noexcept

cdef enum:
    _RECURSIVE_MUTEX = 0
    _SEMAPHORE = 1

# As CPython's on every system that it shares with us.
cdef int _VALUE_MAX = 0x7fffffff


cdef object _raise_error(const Error& error):
    raise OSError(error.code(), f"{_os.strerror(error.code())} ({error.what().decode()})")


cdef class Arena:
    """The shared memory that semaphores of one process live in, with the descriptors that wake their sleepers.

    `Arena.of_this_process()` or `Arena.attached(id, descriptors)`.
    """
    cdef shared_ptr[CoreArena] core
    cdef readonly bytes id
    cdef object __weakref__

    def __init__(self):
        raise TypeError("Arena.of_this_process() or Arena.attached()")

    @staticmethod
    def of_this_process():
        """The one in which this process makes its semaphores; made if there is none yet. Does not wait."""
        global _own_arena
        if _own_arena is None or not _own_arena.core.get().made_here():
            _own_arena = _adopt_arena(CoreArena.create())
        return _own_arena

    @staticmethod
    def find(bytes id):
        """The arena of that id, if this process knows it already, or None."""
        return _arenas.get(id)

    @staticmethod
    def attached(descriptors):
        """The arena behind `descriptors`, made from another process's. Takes them over, whatever happens.

        Raises OSError.
        """
        cdef vector[OwnedFd] owned
        cdef int fd
        for fd in descriptors:
            owned.emplace_back(fd)
        return _adopt_arena(CoreArena.attach(move(owned)))

    @property
    def descriptors(self):
        """What another process needs; they stay this arena's."""
        return list(self.core.get().descriptors())

    def slots_in_use(self):
        """How many semaphores there are, of all living processes that use this arena. Costs as much."""
        return self.core.get().slots_in_use()


cdef Arena _adopt_arena(ArenaResult result):
    cdef Arena arena
    if not result.ok():
        _raise_error(result.error())
    arena = Arena.__new__(Arena)
    arena.core = shared_ptr[CoreArena](result.value().release())
    arena.id = (<char*>arena.core.get().id_data())[:16]
    known = _arenas.get(arena.id)
    if known is not None:
        return known
    remember_arena(arena.core)
    _arenas[arena.id] = arena
    return arena


from weakref import WeakValueDictionary as _WeakValueDictionary

cdef object _arenas = _WeakValueDictionary()
cdef Arena _own_arena = None


cdef class SharedCounter:
    """One process's stand-in for a slot of an arena: what `SemLock.handle` is, and what is sent to other processes."""
    cdef readonly Arena arena
    cdef unique_ptr[CoreSemaphore] core

    def __init__(self, Arena arena not None, uint32_t slot, uint32_t generation):
        cdef Place place
        place.slot = slot
        place.generation = generation
        if not arena.core.get().join(place):
            # As the standard library when a semaphore's name is gone.
            raise FileNotFoundError(_errno.ENOENT, "this lock is gone: nobody had it any more")
        self._stand_for(arena, place)

    cdef _stand_for(self, Arena arena, Place place):
        self.arena = arena
        self.core.reset(new CoreSemaphore(arena.core, place))

    @property
    def slot(self):
        """Its number in the arena."""
        return self.core.get().slot()

    @property
    def generation(self):
        """Which of the semaphores it is that have had this number, one after the other."""
        return self.core.get().generation()

    def __repr__(self):
        return f"<{type(self).__name__} {self.slot} of {self.arena.id.hex()[:8]}>"


cdef SharedCounter _new_counter(uint32_t value):
    global _own_arena
    cdef SharedCounter counter = SharedCounter.__new__(SharedCounter)
    cdef Arena arena = Arena.of_this_process()
    cdef optional[Place] place = arena.core.get().allocate(value)
    if not place.has_value():
        # Full; those who have something in it keep it.
        _own_arena = None
        arena = Arena.of_this_process()
        place = arena.core.get().allocate(value)
    if not place.has_value():
        raise OSError(_errno.ENOSPC, _os.strerror(_errno.ENOSPC))
    counter._stand_for(arena, place.value())
    return counter


cdef class SemLock:
    """A semaphore or recursive lock between processes whose waiters park their greenlet.

    kind
        RECURSIVE_MUTEX (0) or SEMAPHORE (1)
    value, maxvalue
        the units at the beginning, and the most there can be
    name, unlink
        kept for the interface: nothing has a name, so there is nothing to unlink

    A recursive mutex belongs to the greenlet (of one thread of one process) that took it. The interface is that of
    CPython's `_multiprocessing.SemLock`.
    """
    SEM_VALUE_MAX = _VALUE_MAX

    cdef readonly SharedCounter handle
    cdef readonly int kind
    cdef readonly int maxvalue
    cdef readonly object name
    cdef CoreSemaphore* core
    cdef int count
    cdef PyObject* owner  # only compared
    cdef uint64_t taken_at  # a number for the last taking: which was before which
    cdef public bint guards  # False: its unit counts something, and says nothing of who may do what
    cdef object __weakref__

    def __init__(self, int kind, int value, int maxvalue, name=None, unlink=True):
        if kind != _RECURSIVE_MUTEX and kind != _SEMAPHORE:
            raise ValueError("unrecognized kind")
        if value < 0 or maxvalue < value:
            raise OSError(_errno.EINVAL, _os.strerror(_errno.EINVAL))
        self._stand_for(_new_counter(value), kind, maxvalue)

    cdef _stand_for(self, SharedCounter handle, int kind, int maxvalue):
        self.handle = handle
        self.core = handle.core.get()
        self.kind = kind
        self.maxvalue = maxvalue
        self.guards = maxvalue == 1

    @classmethod
    def _rebuild(cls, handle, int kind, int maxvalue, name=None):
        cdef SemLock self
        if not isinstance(handle, SharedCounter):
            return _rebuild_early(handle, kind, maxvalue, name)
        self = cls.__new__(cls)
        self._stand_for(handle, kind, maxvalue)
        return self

    def acquire(self, block=True, timeout=None):
        """Take a unit (or the mutex); return whether it was taken.

        block
            False: return False at once where there is none
        timeout
            the most seconds to wait; None: no limit; less than 0 counts as 0

        Waits, letting other greenlets run; also without having to wait once the caller has had the loop's turn for
        long, so that who fills a queue does not keep everybody else from running.
        """
        cdef PyObject* me = running_greenlet()
        cdef double seconds = -1.0
        if self.kind == _RECURSIVE_MUTEX and self.count > 0 and self.owner == me:
            self.count += 1
            return True
        if block:
            yield_if_turn_is_over()
        if not self.core.try_acquire():
            if not block:
                looked_in_vain()
                return False
            if timeout is not None:
                seconds = timeout
                if seconds <= 0:
                    return False
            if wait_for_unit(self.core[0], seconds) == 0:
                return False
        self.count += 1
        self.owner = me
        self.taken_at = next_taking()
        return True

    def send_under(self, int fd, bytes message, list done=None):
        """Send `message` to `fd` with this lock taken for it. Does not wait: what cannot be done at once is done aside.

        When it is on its way, `done` has one item more: so a caller knows whom a signal's handler interrupts just then.
        Raises OSError if it fails at once.
        """
        send_or_leave(fd, <char*>message, len(message), self.core[0], self.maxvalue, <PyObject*>self.handle)
        if done is not None:
            done.append(True)

    def release(self):
        """Give a unit back, or leave the mutex once.

        Raises ValueError if there would be more than `maxvalue`, AssertionError if the mutex is not the caller's. Does
        not wait.
        """
        if self.kind == _RECURSIVE_MUTEX:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self.count > 1:
                self.count -= 1
                return
        if locks_may_be_kept() and self._is_kept():
            return
        if not self.core.release(self.maxvalue):
            raise ValueError("semaphore or lock released too many times")
        self.count -= 1

    cdef bint _is_kept(self):
        # Its owner was interrupted in the middle of a message that this lock guards: that keeps it (ipc/courier.h).
        if not self.guards or self.count <= 0:
            return False
        if not keep_lock(self.core[0], self.maxvalue, <PyObject*>self.handle, self.owner, self.taken_at):
            return False
        self.count -= 1
        return True

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *exc_info):
        self.release()

    cpdef int _count(self):
        """How often this process holds it: taken less released."""
        return self.count

    cpdef bint _is_mine(self):
        """Whether the calling greenlet took it last, and it is held."""
        return self.count > 0 and self.owner == running_greenlet()

    def _get_value(self):
        """The units there are now. Who asks hundreds of times in a row lets others run."""
        looked_in_vain()
        return self.core.value()

    def _is_zero(self):
        """Whether there is no unit now. Who hears so hundreds of times in a row lets others run."""
        if self.core.value() == 0:
            looked_in_vain()
        return self.core.value() == 0

    def _after_fork(self):
        """In a forked child: nobody here holds it."""
        self.count = 0


def register_rebuild_of_early(function):
    """Have `function` called, as `SemLock._rebuild`, for a lock that is not one of ours: from an unpatched process."""
    global _rebuild_early
    _rebuild_early = function


cdef object _rebuild_early = None


def sem_unlink(name):
    """In the place of `_multiprocessing.sem_unlink`; nothing here has a name."""


def leave_all():
    """Say that this process, which is about to end without destroying its objects, uses no semaphore any more."""
    leave_all_arenas()


# In a child whose hub was abandoned, nobody waits any more.
call_when_abandoned(forget_all_lines)
call_when_abandoned(forget_lane_watches)


def _before_fork():
    arenas_before_fork()


def _in_parent():
    arenas_in_parent()


def _in_child():
    arenas_in_child()


_os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
Py_AtExit(leave_all_arenas)


# Methods of the standard library's classes: no handler of a signal runs between the lock's call and their own end.
@cython.binding(True)
def enter_by_semlock(self):
    """Take the lock that `self`, a lock of `multiprocessing`, is made of."""
    return self._semlock.__enter__()


@cython.binding(True)
def leave_by_semlock(self, *exc_info):
    """Give it back."""
    return self._semlock.__exit__(*exc_info)


cdef object _append = _deque.append


def put_into(buffer, obj, tasks, list done):
    """Append `obj` to the deque `buffer`, give a unit to the semaphore `tasks`, unless None, and append to `done`.

    No handler of a signal runs in between, so that all of it has happened or nothing. Raises what `tasks` raises.
    """
    if tasks is not None:
        tasks.release()
    _append(buffer, obj)
    done.append(True)
