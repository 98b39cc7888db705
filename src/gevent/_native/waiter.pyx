# cython: language_level=3, binding=True, auto_pickle=False
"""Waiter: a low-level meeting point of one greenlet and the hub, for those who build their own waiting on it."""
from gevent.exceptions import ConcurrentObjectUseError, LoopExit
from gevent._native.greenlet import Greenlet

from cpython.object cimport PyObject

from bridge cimport current_hub


cdef extern from "python/wait/spinning.h" namespace "gevent":
    void take_back_look()

cdef extern from "greenlet/greenlet.h":
    ctypedef class greenlet.greenlet [object PyGreenlet, check_size ignore]:
        pass

cdef extern from "python/object/thrown.h" namespace "gevent":
    object exception_of(PyObject* throw_args)

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    cdef cppclass HubState:
        PyObject* hub()
    HubState* hub_state()
    PyObject* running_greenlet()
    bint in_hub()
    object current_greenlet()
    object switch_to(greenlet target, object value)

cdef extern from "python/wait/parked_greenlet.h" namespace "gevent":
    object switch_away_to_hub(HubState& hub)

cdef object _UNSET = object()


cdef class Waiter:
    """Waiter(hub=None)
--

Carries one value or exception from the hub to the one greenlet that waits in `get`.

    Cheaper and less safe than `gevent.event.AsyncResult`: `switch` and `throw` may be called from the hub only (a
    loop's callback), and switch at once. What comes before anybody waits is kept for the next `get`. From gevent.
    """
    cdef readonly object hub
    cdef readonly object greenlet
    cdef object _value
    cdef object _exception
    cdef object __weakref__

    __slots__ = ["hub", "greenlet", "value", "_exception"]

    def __init__(self, hub=None):
        self.hub = current_hub() if hub is None else hub
        self.greenlet = None
        self._value = None
        self._exception = _UNSET

    def clear(self):
        """Forget the value or exception that came."""
        self._value = None
        self._exception = _UNSET

    def __str__(self):
        if self._exception is _UNSET:
            return f"<{type(self).__name__} greenlet={self.greenlet}>"
        if self._exception is None:
            return f"<{type(self).__name__} greenlet={self.greenlet} value={self._value}>"
        return f"<{type(self).__name__} greenlet={self.greenlet} exc_info={self.exc_info}>"

    def ready(self):
        """Whether something came."""
        return self._exception is not _UNSET

    def successful(self):
        """Whether a value came, not an exception."""
        return self._exception is None

    @property
    def value(self):
        """The value that came; None before, and for an exception."""
        return self._value if self._exception is None else None

    @property
    def exc_info(self):
        """What `throw` was given, or None."""
        return self._exception if self._exception is not _UNSET else None

    cdef inline _check_caller(self, str what):
        # When its hub has ended, the next one goes on with the loop.
        if running_greenlet() != <PyObject*>self.hub and not (self.hub.dead and in_hub()):
            raise AssertionError(f"Can only use Waiter.{what} method from the Hub greenlet")

    cpdef switch(self, value):
        """Switch to the greenlet in `get`, which returns `value`; keep it when nobody waits. From the hub only."""
        if self.greenlet is None:
            self._value = value
            self._exception = None
            return
        self._check_caller("switch")
        waiting = self.greenlet
        try:
            # A one-tuple arrives as its item, and so even a tuple arrives as itself.
            switch_to(waiting, (value,))
        except BaseException as error:
            self.hub.handle_error(waiting.switch, type(error), error, error.__traceback__)

    def switch_args(self, *args):
        """`switch` with the tuple of all arguments."""
        return self.switch(args)

    def throw(self, *throw_args):
        """Raise in the greenlet in `get`, as `greenlet.throw` would; keep it when nobody waits. From the hub only."""
        if self.greenlet is None:
            self._exception = throw_args
            return
        self._check_caller("throw")
        waiting = self.greenlet
        try:
            waiting.throw(*throw_args)
        except BaseException as error:
            self.hub.handle_error(waiting.throw, type(error), error, error.__traceback__)

    cpdef get(self):
        """Return the value that came or raise the exception; park the calling greenlet until there is one.

        ConcurrentObjectUseError when another greenlet waits here already.
        """
        if self._exception is not _UNSET:
            if self._exception is None:
                return self._value
            raise exception_of(<PyObject*>self._exception)
        if self.greenlet is not None:
            raise ConcurrentObjectUseError(f"This Waiter is already used by {self.greenlet!r}")
        self.greenlet = current_greenlet()
        try:
            if hub_state() != NULL and hub_state().hub() == <PyObject*>self.hub:
                return switch_away_to_hub(hub_state()[0])
            return self.hub.switch()
        finally:
            self.greenlet = None

    def __call__(self, source):
        """Take over the outcome of `source`, something with `exception` and `value`: a callback for `rawlink`."""
        if source.exception is None:
            self.switch(source.value)
        else:
            self.throw(source.exception)


cdef class MultipleWaiter(Waiter):
    """MultipleWaiter(hub=None)
--

A Waiter whose values queue up: each `get` takes the next one. They may come from other threads."""
    cdef list _values

    __slots__ = ["_values"]

    def __init__(self, hub=None):
        Waiter.__init__(self, hub)
        self._values = []

    cpdef switch(self, value):
        """Append `value`, and let the waiting greenlet have the first of all."""
        self._values.append(value)
        cdef HubState* here = hub_state()
        if self.greenlet is None or (here != NULL and here.hub() == <PyObject*>self.hub) or self.hub.dead:
            Waiter.switch(self, True)
        else:
            self.hub.loop.run_callback_threadsafe(self._wake)

    def _wake(self):
        Waiter.switch(self, True)

    cpdef get(self):
        """Return the next value; park the calling greenlet until there is one."""
        while not self._values:
            Waiter.clear(self)  # of what came while nobody waited
            Waiter.get(self)
        return self._values.pop(0)


cdef extern from "python/wait/parking.h" namespace "gevent":
    bint has_no_time(double timeout_s)


cdef object _EXPIRED = object()  # what the timer of an iteration puts among the finished objects


cdef class _WaitIterator:
    """Yields objects as they become ready. Inside a `with` block, leaving it early forgets the rest."""
    cdef object _hub
    cdef MultipleWaiter _waiter
    cdef object _deliver
    cdef Py_ssize_t _left
    cdef object _objects
    cdef object _timeout
    cdef object _timer
    cdef bint _linked

    def __init__(self, objects, hub, timeout, count):
        self._hub = hub
        self._waiter = MultipleWaiter(hub)
        self._deliver = self._waiter.switch
        self._left = len(objects) if count is None else min(count, len(objects))
        self._objects = objects
        self._timeout = timeout

    cdef int _begin(self) except -1:
        self._linked = True
        cdef double seconds = 1.0 if self._timeout is None else getattr(self._timeout, "seconds", self._timeout)
        if has_no_time(max(0.0, seconds)):
            # In the hub, whom nobody can call back meanwhile: what is ready now.
            for each in self._objects:
                ready = getattr(each, "ready", None)
                if ready is not None and ready():
                    self._deliver(each)
            self._deliver(_EXPIRED)
            return 0
        if self._timeout is not None:
            self._timer = self._hub.loop.timer(seconds, priority=-1)
            self._timer.start(self._deliver, _EXPIRED)
        for each in self._objects:
            # A greenlet that has ended comes at once, before anybody else runs. What is ready now and may not be in a
            # moment, such as a semaphore, takes its turn.
            if isinstance(each, Greenlet):
                if each.ready():
                    self._deliver(each)
                    continue
                take_back_look()
            each.rawlink(self._deliver)
        return 0

    def __iter__(self):
        return self

    def __next__(self):
        if self._left == 0:
            self._end()
            raise StopIteration
        if not self._linked:
            self._begin()
        try:
            item = self._waiter.get()
        except BaseException as error:
            if isinstance(error, LoopExit):
                error.waiting_for = self._objects
            self._end()
            raise
        self._left -= 1
        if item is _EXPIRED:
            self._end()
            raise StopIteration
        return item

    def next(self):
        """As ``next()`` of the iterator."""
        return self.__next__()

    cdef int _end(self) except -1:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.close()
        objects, self._objects = self._objects, ()
        self._left = 0
        if self._linked:
            for each in objects:
                # An object that has called its links, or was never able to, has nothing to unlink.
                unlink = getattr(each, "unlink", None)
                if unlink is not None:
                    unlink(self._deliver)
        return 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self._end()


__all__ = ["MultipleWaiter", "Waiter"]
