# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, auto_pickle=False
"""gevent::Semaphore for Python: who waits for a unit, and how.

The counter and its line are in cpp/sync/semaphore.h. The public names are in gevent.lock.

These classes are what locks are made of, so nothing in them runs a Python frame: a trace function may take a lock, and
`threading` relies on it.
"""
cimport cython
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t
from libcpp cimport bool as cbool

from gevent._native.timeout import Running, Timeout
from gevent.exceptions import BlockingSwitchOutError, HubDestroyed, InvalidSwitchError, LoopExit

from bridge cimport CoreWaitQueue, current_hub, should_park_thread
from line cimport Line

cdef extern from "python/object/type_name.h" namespace "gevent":
    void publish(PyObject* type, const char* name)

cdef extern from "sync/semaphore.h" namespace "gevent":
    cdef cppclass CoreSemaphore "gevent::Semaphore":
        int64_t count()
        void set_count(int64_t)
        bint try_acquire()
        void release()
        void pass_on()
        Line line

cdef extern from "python/wait/semaphore_wait.h" namespace "gevent":
    int draw_unit(PyObject* source, CoreSemaphore&, double limit_s, bint takes) except -1

cdef extern from "python/wait/callback_link.h" namespace "gevent":
    object hub_for_link(PyObject* callback, PyObject* own_hub)
    int add_link(PyObject* links, PyObject* source, PyObject* callback, PyObject* hub,
                 CoreWaitQueue&, bint soon, cbool (*still_there)(PyObject*) noexcept) except -1
    int remove_link(PyObject* links, PyObject* callback) except -1
    Py_ssize_t links_on_their_way(PyObject* links)

cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1

# As threading.TIMEOUT_MAX: what fits a lock of the operating system.
cdef double _TIMEOUT_MAX = 9223372036.0


cdef class Semaphore:
    """Semaphore(value=1, hub=None)
--

A counter of units: `acquire` takes one, waiting until there is one; `release` gives one back.

    value
        the units there are at the beginning, >= 0
    hub
        which hub calls the links; by default that of whoever links first

    Waiters are served in the order in which they came, except that who finds a unit takes it without having waited. May
    be shared between threads, whether or not they have hubs: a thread with a hub parks the calling greenlet, a thread
    without one sleeps. Making one makes no hub. From gevent.
    """
    cdef CoreSemaphore core
    cdef object _hub
    cdef list _links
    cdef bint _overridden  # a subclass has its own acquire() or release(), which `with` shall use
    cdef object __weakref__

    __slots__ = ("counter", "_multithreaded")

    def __cinit__(self, *args, **kwargs):
        kind = type(self)
        if kind is not Semaphore and kind is not BoundedSemaphore and not issubclass(kind, ThreadLock):
            self._overridden = kind.acquire not in _own_acquires or kind.release not in _own_releases

    def __init__(self, value=1, hub=None):
        cdef int64_t count = value
        if count < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self.core.set_count(count)
        self._hub = hub

    def __str__(self):
        return f"<{type(self).__name__} at {hex(id(self))} counter={self.core.count()} _links[{self.linkcount()}]>"

    @property
    def counter(self):
        """How many units there are to take now: 0 while `acquire` would wait. May be set."""
        return self.core.count()

    @counter.setter
    def counter(self, int64_t value):
        self.core.set_count(value)

    @property
    def hub(self):
        """The hub of the first who waited or linked; None before."""
        return self._hub

    @property
    def _core(self):
        # gevent::Semaphore*, for locks made of this one; valid as long as this object lives.
        return PyCapsule_New(&self.core, "gevent.Semaphore", NULL)

    def locked(self):
        """Return whether there is no unit, so that `acquire` would have to wait. Never waits."""
        if self.core.count() > 0:
            return False
        looked_in_vain()
        return self.core.count() <= 0

    def ready(self):
        """Return whether there is a unit to take, the opposite of `locked`. Never waits."""
        return not self.locked()

    # -- taking and giving --

    cdef bint _draw(self, double seconds, bint takes) except -1:
        # Waits until there is a unit, and takes it if `takes`; False when the time is over.
        if self._hub is None and not should_park_thread():
            self._hub = current_hub()
        return draw_unit(<PyObject*>self, self.core, seconds, takes)

    cdef bint _draw_in_time(self, timeout, bint takes) except -1:
        if timeout is None:
            return self._draw(-1.0, takes)
        if isinstance(timeout, Timeout):
            return self._draw_running(timeout, takes)
        return self._draw(max(<double>timeout, 0.0), takes)

    # Apart: what it needs on the stack would be copied with every greenlet that waits.
    cdef bint _draw_running(self, timeout, bint takes) except -1:
        with Running(timeout, quiet=True):
            return self._draw(-1.0, takes)
        return False

    cdef bint _look(self) except -1:
        # Who comes here again and again lets others run for once, and looks once more.
        looked_in_vain()
        return self.core.try_acquire()

    def acquire(self, blocking=True, timeout=None):
        """Take one unit; return whether it was taken.

        blocking
            whether to wait for one
        timeout
            how long to wait at most: seconds, a `gevent.Timeout`, or None for as long as it takes. A Timeout with an
            exception of its own raises that instead of returning False.

        Raises LoopExit when nothing is left that could release it.
        """
        if self.core.try_acquire():
            return True
        if not blocking:
            return self._look()
        return self._draw_in_time(timeout, True)

    def _py3k_acquire(self, blocking=True, timeout=-1):
        """`acquire` with the arguments of `_thread.lock.acquire`: -1 is no limit, and nonsense is refused."""
        return self._acquire_as_lock(blocking, timeout)

    cdef bint _acquire_as_lock(self, bint blocking, timeout) except -1:
        cdef double seconds = -1.0
        if timeout is not None and timeout != -1:
            if not blocking:
                raise ValueError("can't specify a timeout for a non-blocking call")
            seconds = timeout
            if seconds < 0:
                raise ValueError("timeout value must be strictly positive")
            if seconds > _TIMEOUT_MAX:
                raise OverflowError("timeout value is too large")
        elif timeout is None and not blocking:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if self.core.try_acquire():
            return True
        if not blocking:
            return self._look()
        return self._draw(seconds, True)

    cdef int _give_back(self) except -1:
        self.core.release()
        return 0

    def release(self):
        """Give one unit back and wake the first in line. Never waits. Returns the units there are."""
        self.core.release()
        return self.core.count()

    def wait(self, timeout=None):
        """Park until there is a unit or `timeout` is over, without taking it. Returns the units there are."""
        if self.core.count() <= 0:
            self._draw_in_time(timeout, False)
        return self.core.count()

    def __enter__(self):
        if self._overridden:
            self.acquire()
        elif not self.core.try_acquire():
            self._draw(-1.0, True)

    def __exit__(self, kind, value, traceback):
        if self._overridden:
            self.release()
        else:
            self._give_back()

    # -- links --

    def linkcount(self):
        """Return how many wait for a unit: greenlets, threads and links. Never waits."""
        return self.core.line.waiting() + (0 if self._links is None else links_on_their_way(<PyObject*>self._links))

    def rawlink(self, callback, /):
        """Have `callback(self)` called once, in the hub, when there is a unit; soon, if there is one now.

        It stands in line with those who wait, must not wait itself, and takes no unit. If the unit is gone when its
        turn comes, it is called for the next one.
        """
        hub = hub_for_link(<PyObject*>callback, <PyObject*>self._hub)
        if self._hub is None:
            self._hub = hub
        if self._links is None:
            self._links = []
        add_link(<PyObject*>self._links, <PyObject*>self, <PyObject*>callback, <PyObject*>hub,
                 self.core.line.queue, self.core.count() > 0, has_units)

    def unlink(self, callback, /):
        """Forget one link to `callback`; nothing happens if there is none."""
        if self._links is not None:
            remove_link(<PyObject*>self._links, <PyObject*>callback)

    def _acquire_whatever_comes(self):
        """Take one unit, for a caller who has promised to hold it. Returns what was thrown in meanwhile, or None.

        Raises only when there will be no unit.
        """
        thrown = None
        for _ in range(100):  # more often nobody is killed; rather it is this hub that is broken
            try:
                if self.core.try_acquire() or self._draw(-1.0, True):
                    return thrown
            except (BlockingSwitchOutError, HubDestroyed, InvalidSwitchError, LoopExit):
                raise
            except BaseException as error:
                thrown = error
        raise thrown

    def _at_fork_reinit(self):
        # In the child, for locks that a thread of the parent may have held: free.
        if self.core.count() < 1:
            self.core.set_count(1)
        self.core.pass_on()


cdef cbool has_units(PyObject* source) noexcept:
    return (<Semaphore>source).core.count() > 0


cdef class BoundedSemaphore(Semaphore):
    """BoundedSemaphore(value=1, hub=None)
--

A `Semaphore` that cannot have more units than at the beginning: one release too many raises ValueError."""
    cdef readonly int64_t _initial_value

    __slots__ = ("_initial_value",)

    # What one release too many raises; for subclasses.
    _OVER_RELEASE_ERROR = ValueError

    def __init__(self, *args, **kwargs):
        Semaphore.__init__(self, *args, **kwargs)
        self._initial_value = self.core.count()

    def release(self):
        """Give one unit back and wake the first in line. Never waits. Returns the units there are.

        Raises ValueError when it has all its units.
        """
        self._give_back()
        return self.core.count()

    cdef int _give_back(self) except -1:
        if self.core.count() >= self._initial_value:
            raise self._OVER_RELEASE_ERROR("Semaphore released too many times")
        self.core.release()
        return 0

    def _at_fork_reinit(self):
        self.core.set_count(self._initial_value)
        self.core.pass_on()


cdef class ThreadLock(BoundedSemaphore):
    """ThreadLock()
--

    A lock as `_thread` has it: a `BoundedSemaphore` of one unit, with that module's arguments, and with what
    `threading.Condition` asks of its lock. Anybody may release it. `with` does not call what a subclass overrides.
    """

    __slots__ = ()

    def __init__(self):
        BoundedSemaphore.__init__(self, 1)

    def acquire(self, blocking=True, timeout=-1):
        """Take the lock; return whether that was possible. As `threading.Lock.acquire`."""
        return self._acquire_as_lock(blocking, timeout)

    def release(self):
        """Give the lock back and wake the first in line. Never waits. Raises RuntimeError if it is not held."""
        self._give_back()

    def __enter__(self):
        if not self.core.try_acquire():
            self._draw(-1.0, True)
        return True

    def _is_owned(self):
        # Nobody knows by whom; as threading has it.
        return self.core.count() <= 0

    def _release_save(self):
        self._give_back()

    def _acquire_restore(self, state):
        thrown = self._acquire_whatever_comes()
        if thrown is not None:
            raise thrown


# Methods of the standard library's classes: no handler of a signal runs between the lock's call and their own end.
@cython.binding(True)
def enter_by_lock(self):
    """Take the lock of `self`, a condition."""
    return self._lock.__enter__()


@cython.binding(True)
def leave_by_lock(self, *exc_info):
    """Give it back."""
    return self._lock.__exit__(*exc_info)


cdef tuple _own_acquires = (Semaphore.acquire, Semaphore._py3k_acquire, ThreadLock.acquire)
cdef tuple _own_releases = (Semaphore.release, BoundedSemaphore.release)

publish(<PyObject*>Semaphore, "gevent._gevent_c_semaphore.Semaphore")
publish(<PyObject*>BoundedSemaphore, "gevent._gevent_c_semaphore.BoundedSemaphore")

__all__ = ["BoundedSemaphore", "Semaphore", "ThreadLock", "enter_by_lock", "leave_by_lock"]
