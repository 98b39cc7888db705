# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, auto_pickle=False
"""Timeout: an exception with an alarm clock, which throws it into the greenlet that set it.

The clock is cpp/sync/alarm.h. What else is promised about time limits is in gevent/timeout.py.
"""
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF

from bridge cimport CoreLoop, current_hub

cdef extern from "python/type_name.h" namespace "gevent":
    void publish(PyObject* type, const char* name)

cdef extern from "greenlet/greenlet.h":
    ctypedef class greenlet.greenlet [object PyGreenlet, check_size ignore]:
        pass

cdef extern from "loop/watcher.h" namespace "gevent":
    ctypedef void* WatcherCallback "gevent::Watcher::Callback"

cdef extern from "sync/alarm.h" namespace "gevent":
    cdef cppclass Alarm:
        void set(CoreLoop&, double after_s, int priority, bint ref, WatcherCallback, void* owner)
        void cancel()
        bint pending()

cdef extern from "python/hub_state.h" namespace "gevent":
    cdef cppclass HubState:
        CoreLoop* loop
        bint loop_stands_in
    HubState* hub_state()
    HubState* require_hub_state() except NULL
    object current_greenlet()
    bint is_active(greenlet)
    object throw_into(greenlet target, PyObject* type, PyObject* value, PyObject* traceback)

cdef extern from *:
    """
    // What BaseException.__init__() does when called without arguments.
    static inline void forget_arguments(PyObject* exception, PyObject* empty) {
      PyObject* old = reinterpret_cast<PyBaseExceptionObject*>(exception)->args;
      reinterpret_cast<PyBaseExceptionObject*>(exception)->args = Py_NewRef(empty);
      Py_XDECREF(old);
    }
    using MakeTimeout = PyObject* (*)(PyObject*, PyObject**, size_t, PyObject*);
    static MakeTimeout make_timeout = nullptr;
    static PyObject* timeout_vectorcall(PyObject* type, PyObject* const* args, size_t nargsf, PyObject* names) {
      return make_timeout(type, const_cast<PyObject**>(args), PyVectorcall_NARGS(nargsf), names);
    }
    static void (*expire_timeout)(PyObject*) = nullptr;
    static void ring(gevent::Watcher& watcher, int) noexcept {
      expire_timeout(static_cast<PyObject*>(watcher.owner));
    }
    static void set_vectorcall(PyObject* type, MakeTimeout make) {
      make_timeout = make;
      reinterpret_cast<PyTypeObject*>(type)->tp_vectorcall = &timeout_vectorcall;
    }
    """
    void forget_arguments(PyObject* exception, PyObject* empty)
    void (*expire_timeout)(PyObject*) noexcept
    WatcherCallback ring
    void set_vectorcall(PyObject* type, PyObject* (*make)(PyObject*, PyObject**, size_t, PyObject*) except NULL)


cdef class Timeout(BaseException):
    """Timeout(seconds=None, exception=None, ref=True, priority=-1, _one_shot=False)
--

Raised in the greenlet that started it when `seconds` are over and nobody cancelled it. Also a context manager.

    seconds
        how long from `start`; None: never
    exception
        what to raise instead of the Timeout itself, a class or an instance. False: raise the Timeout, and let the
        `with` block swallow it. A string: raise the Timeout, and mention that in its message.
    ref
        whether the waiting alone keeps the event loop running
    priority
        which expires first of those that are due at the same turn of the loop

        with Timeout(2.5):
            ...

    Time passes only while the loop runs: it cannot interrupt a greenlet that never waits. The class derives from
    BaseException, so that `except Exception` does not swallow it. A greenlet that has ended meanwhile is left alone.
    From gevent.
    """
    cdef public object seconds
    cdef public object exception
    cdef object _greenlet  # who gets it; None unless pending
    cdef object _outer     # the timer where hub.loop is not our own
    cdef Alarm _alarm
    cdef int _priority
    cdef bint _ref
    cdef bint _closed
    cdef bint _one_shot
    cdef object __weakref__

    def __init__(self, seconds=None, exception=None, ref=True, priority=-1, _one_shot=False):
        forget_arguments(<PyObject*>self, <PyObject*>())
        self._init(seconds, exception, ref, priority, _one_shot)

    cdef int _init(self, seconds, exception, bint ref, int priority, bint one_shot) except -1:
        if seconds is not None:
            <double>seconds  # TypeError now, not when it is started
        self._stop()
        self.seconds = seconds
        self.exception = exception
        self._ref = ref
        self._priority = priority
        self._one_shot = one_shot
        self._closed = False
        return 0

    # -- running --

    cpdef start(self):
        """Let the time begin. Does not wait.

        AssertionError when it is pending already, or was closed.
        """
        cdef HubState* state
        if self._is_pending():
            raise AssertionError(f"{self!r} is already started; to restart it, cancel it first")
        if self.seconds is None:
            return
        if self._closed:
            raise AssertionError(f"{self!r} was closed; it cannot be started again")
        state = hub_state()
        if state == NULL or state.loop == NULL:
            state = require_hub_state()
        self._greenlet = current_greenlet()
        if state.loop_stands_in:
            self._outer = current_hub().loop.timer(self.seconds or 0.0, ref=self._ref, priority=self._priority)
            self._outer.start(self._ring_outside, update=True)
        else:
            self._alarm.set(state.loop[0], max(<double>self.seconds, 0.0), self._priority, self._ref, ring, <void*>self)
            # Nobody else needs to keep what the loop is going to ring.
            Py_INCREF(self)

    cdef bint _is_pending(self):
        if self._alarm.pending():
            return True
        return self._outer is not None and (self._outer.pending or self._outer.active)

    cdef void _stop(self):
        outer = self._outer
        if outer is not None:
            self._outer = None
            outer.stop()
            outer.close()
        if self._alarm.pending():
            self._alarm.cancel()
            self._greenlet = None
            Py_DECREF(self)
        else:
            self._greenlet = None

    cdef object _expire(self):
        cdef greenlet target = self._greenlet
        self._stop()
        if self._one_shot:
            self._closed = True
        if target is None:
            return
        exception = self.exception
        if exception is None or exception is False or isinstance(exception, str):
            exception = self
        if type(self) is Timeout:
            _throw(target, exception)
        else:
            self._on_expiration(target, exception)

    def _ring_outside(self):
        self._expire()

    def _on_expiration(self, prev_greenlet, ex):
        """Called in the hub when the time is over: raises `ex` in `prev_greenlet`. A subclass may do more."""
        _throw(prev_greenlet, ex)

    @classmethod
    def start_new(cls, timeout=None, exception=None, ref=True, _one_shot=False):
        """Return a started Timeout: a new one of `timeout` seconds, or `timeout` itself if that is a Timeout."""
        if isinstance(timeout, Timeout):
            if not (<Timeout>timeout)._is_pending():
                timeout.start()
            return timeout
        made = cls(timeout, exception, ref=ref, _one_shot=_one_shot)
        made.start()
        return made

    @staticmethod
    def _start_new_or_dummy(timeout, exception=None, ref=True):
        # The same, but cheap for None.
        if timeout is None:
            return _no_limit
        return Timeout.start_new(timeout, exception, ref)

    # -- ending --

    @property
    def pending(self):
        """Whether it was started, has not expired and was not cancelled."""
        return self._is_pending()

    @property
    def timer(self):
        """What counts the time: has `pending`, `active`, `ref`, `priority`, `stop()` and `close()`."""
        return self._outer if self._outer is not None else TimeoutTimer(self)

    def cancel(self):
        """Make sure that it does not expire; it may be started again. Does nothing when it is not pending."""
        self._stop()
        if self._one_shot:
            self._closed = True

    def close(self):
        """Cancel it for good."""
        self._stop()
        self._closed = True

    def __enter__(self):
        if not self._is_pending():
            self.start()
        return self

    def __exit__(self, typ, value, tb):
        self._stop()
        self._closed = True
        if value is self and self.exception is False:
            return True

    # -- order --

    def __lt__(self, other):
        # By `seconds`, and with a bare number of them as well.
        return self.seconds < getattr(other, "seconds", other)

    def __hash__(self):
        # Which a native type loses by being ordered.
        return BaseException.__hash__(self)

    # -- words --

    def __repr__(self):
        words = [type(self).__name__, f"at {hex(id(self))}", f"seconds={self.seconds}"]
        if self.exception is not None:
            words.append(f"exception={self.exception!r}")
        if self._is_pending():
            words.append("pending")
        return f"<{' '.join(words)}>"

    def __str__(self):
        if self.seconds is None:
            return ""
        told = f"{self.seconds} second{'' if self.seconds == 1 else 's'}"
        if self.exception is None:
            return told
        if self.exception is False:
            return told + " (silent)"
        return f"{told}: {self.exception}"


cdef class TimeoutTimer:
    """The clock of a `Timeout`, as its attribute `timer`."""
    cdef Timeout _timeout

    def __cinit__(self, Timeout timeout not None):
        self._timeout = timeout

    @property
    def pending(self):
        return self._timeout._is_pending()

    @property
    def active(self):
        return self._timeout._is_pending()

    @property
    def ref(self):
        return self._timeout._ref

    @property
    def priority(self):
        return self._timeout._priority

    def stop(self):
        """Cancel the timeout."""
        self._timeout.cancel()

    def close(self):
        """Cancel the timeout for good."""
        self._timeout.close()

    def __repr__(self):
        return f"<timer of {self._timeout!r}>"


cdef class NoLimit:
    """In place of a Timeout where there is no limit: never pending, never expires."""

    @property
    def pending(self):
        return False

    @property
    def active(self):
        return False

    @property
    def seconds(self):
        return None

    def start(self):
        """Does nothing."""

    def stop(self):
        """Does nothing."""

    def cancel(self):
        """Does nothing."""

    def close(self):
        """Does nothing."""

    def __enter__(self):
        return self

    def __exit__(self, typ, value, tb):
        return None


cdef NoLimit _no_limit = NoLimit()


cdef int _throw(greenlet target, exception) except -1:
    # Greenlets that ended have nobody to catch it: it would come back to the hub.
    if is_active(target):
        throw_into(target, <PyObject*>exception, NULL, NULL)
    return 0


cdef void _expire_now(PyObject* timeout) noexcept:
    # In the hub, on the loop's thread.
    cdef Timeout self = <Timeout>timeout
    try:
        self._expire()
    except BaseException as error:
        current_hub().handle_error(self, type(error), error, error.__traceback__)


cdef PyObject* make(PyObject* cls, PyObject** args, size_t count, PyObject* names) except NULL:
    # Timeout(...) itself, without a tuple of arguments. Subclasses take the ordinary way.
    cdef Timeout made = Timeout.__new__(Timeout)
    cdef Py_ssize_t index
    if names == NULL and count <= 2:
        made._init(<object>args[0] if count > 0 else None, <object>args[1] if count > 1 else None, True, -1, False)
    else:
        given = [<object>args[index] for index in range(<Py_ssize_t>count)]
        named = {}
        if names != NULL:
            for index, name in enumerate(<tuple>names):
                named[name] = <object>args[<Py_ssize_t>count + index]
        made.__init__(*given, **named)
    Py_INCREF(made)
    return <PyObject*>made

expire_timeout = _expire_now
set_vectorcall(<PyObject*>Timeout, make)

publish(<PyObject*>Timeout, "gevent.timeout.Timeout")

__all__ = ["NoLimit", "Timeout", "TimeoutTimer"]
