# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, auto_pickle=False
"""Event and AsyncResult: things that happen once to all who wait for them.

The line of waiters is cpp/sync/broadcast.h; links are cpp/python/wait/callback_link.h.
"""
from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from types import GenericAlias

from gevent._native.timeout import Running, Timeout

from bridge cimport CoreWaitQueue, current_hub, park_named_in, park_thread_named_in, should_park_thread, sleep_for

cdef extern from "python/object/type_name.h" namespace "gevent":
    void publish(PyObject* type, const char* name)

cdef extern from "python/object/thrown.h" namespace "gevent":
    object exception_of(PyObject* throw_args)

cdef extern from "loop/ready_queue.h" namespace "gevent":
    cdef cppclass ReadyQueue:
        pass

cdef extern from "sync/broadcast.h" namespace "gevent":
    cdef cppclass Broadcast:
        CoreWaitQueue queue
        void wake_all(const ReadyQueue*)
        bint catching_up(const ReadyQueue*)
        int64_t waiting()

cdef extern from "loop/loop.h" namespace "gevent":
    cdef cppclass CoreLoop "gevent::Loop":
        ReadyQueue ready

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    cdef cppclass HubState:
        CoreLoop* loop
    HubState* hub_state()
    object current_greenlet()

cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1

cdef extern from "python/wait/callback_link.h" namespace "gevent":
    object hub_for_link(PyObject* callback, PyObject* own_hub)
    int add_link(PyObject* links, PyObject* source, PyObject* callback, PyObject* hub,
                 CoreWaitQueue&, bint soon) except -1
    int remove_link(PyObject* links, PyObject* callback) except -1
    Py_ssize_t links_on_their_way(PyObject* links)


cdef inline const ReadyQueue* ready_here():
    cdef HubState* state = hub_state()
    if state == NULL or state.loop == NULL:
        return NULL
    return &state.loop.ready


cdef class AbstractLinkable:
    """AbstractLinkable(hub=None)
--

What can be waited for and linked to: the base of `Event` and `AsyncResult`.

    hub
        which hub calls the links; by default that of whoever links first
    """
    cdef Broadcast core
    cdef object _hub
    cdef list _links
    cdef object __weakref__

    __slots__ = ("hub", "_links", "_notifier", "_notify_all", "__weakref__")

    def __init__(self, hub=None):
        self._hub = hub

    @property
    def hub(self):
        """The hub of the first who waited or linked; None before."""
        return self._hub

    def ready(self):
        """Return whether it has happened: False here, for subclasses to say. Never waits."""
        return False

    cdef bint _has_happened(self) except -1:
        return self.ready()

    def linkcount(self):
        """Return how many wait for it: greenlets, and links that are still to be called. Never waits."""
        return self.core.waiting() + (0 if self._links is None else links_on_their_way(<PyObject*>self._links))

    def rawlink(self, callback, /):
        """Have `callback(self)` called once, in the hub, when this is ready; soon, if it is now.

        It stands in line with the greenlets that wait, and must not wait itself.
        """
        hub = hub_for_link(<PyObject*>callback, <PyObject*>self._hub)
        if self._hub is None:
            self._hub = hub
        if self._links is None:
            self._links = []
        add_link(<PyObject*>self._links, <PyObject*>self, <PyObject*>callback, <PyObject*>hub,
                 self.core.queue, self._has_happened())

    def unlink(self, callback, /):
        """Forget one link to `callback`; nothing happens if there is none."""
        if self._links is not None:
            remove_link(<PyObject*>self._links, <PyObject*>callback)

    # -- for subclasses --

    cdef bint _park(self, timeout) except -1:
        # Waits for wake_all(); False when the time is over.
        cdef double seconds = -1.0
        if timeout is not None:
            if isinstance(timeout, Timeout):
                return self._park_in_time(timeout)
            seconds = max(<double>timeout, 0.0)
        if should_park_thread():
            return park_thread_named_in(self, self.core.queue, seconds, NULL)
        if self._hub is None:
            self._hub = current_hub()
        return park_named_in(self, self.core.queue, seconds, NULL)

    # Apart: what it needs on the stack would be copied with every greenlet that waits.
    cdef bint _park_in_time(self, timeout) except -1:
        with Running(timeout, quiet=True):
            return self._park(None)
        return False

    cdef int _let_earlier_go_first(self) except -1:
        # Somebody who need not wait; those who did may still be on their way.
        if self.core.catching_up(ready_here()) and current_greenlet() is not current_hub():
            sleep_for(0, True)
        return 0

    cdef inline void _wake_all(self):
        if not self.core.queue.empty():
            self.core.wake_all(ready_here())

    def _at_fork_reinit(self):
        # For threading, in the child. Waiters of other threads are gone with their loops.
        pass


cdef class Event(AbstractLinkable):
    """Event()
--

A flag to wait for: `wait` parks until somebody calls `set`. From gevent, as `threading.Event`.

    `set` wakes all who wait at that moment, and they return True even if it is cleared before they run.
    """
    cdef bint _flag

    __slots__ = ("_flag",)

    def __init__(self):
        pass

    def __str__(self):
        return (f"<{type(self).__name__} at {hex(id(self))} {'set' if self._flag else 'clear'} "
                f"_links[{self.linkcount()}]>")

    cdef bint _has_happened(self) except -1:
        return self._flag

    def ready(self):
        """Return whether the flag is set. Never waits."""
        if not self._flag:
            looked_in_vain()
        return self._flag

    def is_set(self):
        """Return whether the flag is set. Never waits."""
        if not self._flag:
            looked_in_vain()
        return self._flag

    def isSet(self):
        """Return whether the flag is set. Never waits."""
        return self.is_set()

    def set(self):
        """Set the flag and wake all who wait; nothing happens if it is set already. Never waits."""
        self._flag = True
        self._wake_all()

    def clear(self):
        """Take the flag back: from now on `wait` waits. Whoever was woken before returns True. Never waits."""
        self._flag = False

    def wait(self, timeout=None):
        """Park until the flag is set; return at once when it is.

        timeout
            how long at most: seconds, or a `gevent.Timeout`

        Returns True, or False when the time was over first. Raises LoopExit when nothing is left that could set it.
        """
        if self._flag:
            self._let_earlier_go_first()
            return True
        return self._park(timeout) or self._flag

    def _reset_internal_locks(self):
        # threading.Thread calls it in a child.
        pass


cdef object _UNSET = object()


cdef class AsyncResult(AbstractLinkable):
    """AsyncResult()
--

A value or an exception that is handed over once to all who wait for it.

    `set` or `set_exception` bring it, `get` returns or raises it. Like an `Event` that carries something; a valid
    callback for `Greenlet.link`, whose outcome it then takes over. From gevent.
    """
    cdef object _value
    cdef tuple _error  # (type, value, traceback) or None
    cdef public object _imap_task_index

    __slots__ = ("_value", "_exc_info", "_imap_task_index")
    __class_getitem__ = classmethod(GenericAlias)

    def __cinit__(self):
        self._value = _UNSET

    def __init__(self):
        pass

    def __str__(self):
        if self._error is not None:
            state = f"exception={self._error[1]!r} "
        elif self._value is not _UNSET:
            state = f"value={self._value!r} "
        else:
            state = "unset "
        return f"<{type(self).__name__} {state}_links[{self.linkcount()}]>"

    # -- looking --

    cdef bint _has_happened(self) except -1:
        return self._value is not _UNSET or self._error is not None

    cdef bint _look(self) except -1:
        if self._value is _UNSET and self._error is None:
            looked_in_vain()
        return self._value is not _UNSET or self._error is not None

    def ready(self):
        """Return whether it holds a value or an exception. Never waits."""
        return self._look()

    def done(self):
        """Return whether it holds a value or an exception: `ready` under the name that futures have. Never waits."""
        return self._look()

    def successful(self):
        """Return whether it holds a value, True, or an exception or nothing yet, False. Never waits."""
        self._look()
        return self._value is not _UNSET

    @property
    def value(self):
        """The value that `set` brought; None before, and when an exception came instead."""
        return None if self._value is _UNSET else self._value

    @property
    def exception(self):
        """The exception that `set_exception` brought; None before, and when a value came instead."""
        return None if self._error is None else self._error[1]

    @property
    def exc_info(self):
        """(type, exception, traceback) as `set_exception` had them; () when there is no exception."""
        return () if self._error is None else self._error

    def cancel(self):
        """Does nothing and returns False: whoever is at work cannot be stopped from here. As futures have it."""
        return False

    def cancelled(self):
        """Return False: nothing is ever cancelled, see `cancel`. As futures have it."""
        return False

    # -- bringing --

    def set(self, value=None):
        """Bring `value` and wake all who wait in `get` and `wait`. Once more brings another. Never waits."""
        self._value = value
        self._wake_all()

    def set_result(self, value=None):
        """Bring `value`: `set`, under the name that futures have. Never waits."""
        self._value = value
        self._wake_all()

    def set_exception(self, exception, exc_info=None):
        """Bring an exception and wake all who wait. Never waits.

        exc_info
            (type, exception, traceback) as `sys.exc_info()` gives it: `get` then shows where it was raised
        """
        if exc_info:
            self._error = tuple(exc_info)
        else:
            self._error = (type(exception), exception, None)
        self._wake_all()

    def __call__(self, source):
        """Take over the outcome of `source`, a finished Greenlet or AsyncResult: for its `link` and `rawlink`."""
        if source.successful():
            self.set(source.value)
        else:
            self.set_exception(source.exception, getattr(source, "exc_info", None))

    # -- taking --

    cdef object _outcome(self):
        if self._value is not _UNSET:
            return self._value
        # From the traceback it came with: each get() would otherwise lengthen that of the one before.
        raise exception_of(<PyObject*>self._error).with_traceback(self._error[2])

    def get(self, block=True, timeout=None):
        """Return the value or raise the exception; park until there is one.

        block
            False: raise a `gevent.Timeout` at once when there is neither
        timeout
            how long to wait at most: seconds, or a `gevent.Timeout` to be raised when it is over

        Raises LoopExit when nothing is left that could bring it.
        """
        if self._value is _UNSET and self._error is None:
            if not block:
                return self.get_nowait()
            if isinstance(timeout, Timeout):
                with Running(timeout):
                    self._park(None)
            elif not self._park(timeout) and not self._has_happened():
                raise Timeout(timeout)
        else:
            self._let_earlier_go_first()
        return self._outcome()

    def get_nowait(self):
        """Return the value or raise the exception; raise a `gevent.Timeout` when there is neither. Never waits."""
        if not self._look():
            raise Timeout()
        return self._outcome()

    def result(self, timeout=None):
        """Return the value or raise the exception: `get` with `timeout`, under the name that futures have. Waits."""
        return self.get(True, timeout)

    def wait(self, timeout=None):
        """Park until there is a value or an exception, or `timeout` is over. Returns the value, or None."""
        if self._has_happened():
            self._let_earlier_go_first()
        else:
            self._park(timeout)
        return None if self._value is _UNSET else self._value

publish(<PyObject*>AbstractLinkable, "gevent.event.AbstractLinkable")
publish(<PyObject*>Event, "gevent.event.Event")
publish(<PyObject*>AsyncResult, "gevent.event.AsyncResult")

__all__ = ["AbstractLinkable", "AsyncResult", "Event"]
