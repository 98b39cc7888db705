# cython: language_level=3, binding=True, embedsignature=False, auto_pickle=False
"""Timeout: an exception with an alarm clock, which throws it into the greenlet that set it.

The class is an ordinary one with BaseException's own layout, so that programs can combine it with other exceptions.
Only its methods are native; where its data is, says cpp/python/wait/timeout_clock.h. What else is promised about
time limits is in gevent/timeout.py.
"""
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

from bridge cimport CoreLoop, current_hub

cdef extern from "greenlet/greenlet.h":
    ctypedef class greenlet.greenlet [object PyGreenlet, check_size ignore]:
        pass

cdef extern from "loop/watcher.h" namespace "gevent":
    ctypedef void* WatcherCallback "gevent::Watcher::Callback"

cdef extern from "sync/alarm.h" namespace "gevent":
    cdef cppclass Alarm:
        void set(CoreLoop&, double after_s, int priority, bint ref, WatcherCallback, void* owner)
        bint pending()

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    cdef cppclass HubState:
        CoreLoop* loop
        bint loop_stands_in
    HubState* hub_state()
    HubState* require_hub_state() except NULL
    object current_greenlet()
    bint is_active(greenlet)
    object throw_into(greenlet target, PyObject* type, PyObject* value, PyObject* traceback)

cdef extern from "python/wait/timeout_clock.h" namespace "gevent":
    cdef cppclass TimeoutClock:
        Alarm alarm
        PyObject* seconds
        PyObject* exception
        PyObject* greenlet
        PyObject* outer
        PyObject* owner
        double after_s
        int priority
        bint ref
        bint closed
        bint one_shot
        bint given
        void silence()
    void put(PyObject*& place, object value)
    double as_seconds(object number) except? -1
    TimeoutClock* find_clock(object, object key)
    int give_clock(object, object key, object no_arguments) except -1
    object bare_timeout(object no_arguments)
    void forget_arguments(object, object no_arguments)

cdef extern from *:
    """
    using MakeTimeout = PyObject* (*)(PyObject*, PyObject**, size_t, PyObject*);
    static MakeTimeout make_timeout = nullptr;
    static PyObject* timeout_vectorcall(PyObject* type, PyObject* const* args, size_t nargsf, PyObject* names) {
      return make_timeout(type, const_cast<PyObject**>(args), PyVectorcall_NARGS(nargsf), names);
    }
    static void (*expire_timeout)(PyObject*) = nullptr;
    static void ring(gevent::Watcher& watcher, int) noexcept {
      expire_timeout(static_cast<PyObject*>(watcher.owner));
    }
    static void prepare_class(PyObject* type, MakeTimeout make) {
      make_timeout = make;
      reinterpret_cast<PyTypeObject*>(type)->tp_vectorcall = &timeout_vectorcall;
      gevent::HiddenClock::install(reinterpret_cast<PyTypeObject*>(type));
    }
    """
    void forget "Py_CLEAR" (PyObject*& place)
    void (*expire_timeout)(PyObject*) noexcept
    WatcherCallback ring
    void prepare_class(object type, PyObject* (*make)(PyObject*, PyObject**, size_t, PyObject*) except NULL)

cdef extern from "python/object/type_version.h" namespace "gevent":
    unsigned int version_of(object type)


cdef object _clock_key = "_gevent_clock"


cdef TimeoutClock* clock_of(timeout) except NULL:
    cdef TimeoutClock* clock = find_clock(timeout, _clock_key)
    if clock == NULL or clock.seconds == NULL:
        # Its class has an __init__() that does not call ours, or that of another base came first.
        raise AttributeError(f"{type(timeout).__name__!r} object has no attribute 'timer'")
    return clock


cdef int set_seconds(TimeoutClock* clock, seconds) except -1:
    if seconds is not None:
        clock.after_s = as_seconds(seconds)  # TypeError now, not when it is started
    put(clock.seconds, seconds)
    return 0


cdef int set_up(TimeoutClock* clock, seconds, exception, bint ref, int priority, bint one_shot) except -1:
    set_seconds(clock, seconds)
    put(clock.exception, exception)
    clock.ref = ref
    clock.priority = priority
    clock.one_shot = one_shot
    clock.closed = False
    return 0


cdef bint is_pending(TimeoutClock* clock):
    if clock.alarm.pending():
        return True
    if clock.outer == NULL:
        return False
    outer = <object>clock.outer
    return outer.pending or outer.active


cdef int start(timeout, TimeoutClock* clock) except -1:
    cdef HubState* state
    if is_pending(clock):
        raise AssertionError(f"{timeout!r} is already started; to restart it, cancel it first")
    if <object>clock.seconds is None:
        return 0
    if clock.closed:
        raise AssertionError(f"{timeout!r} was closed; it cannot be started again")
    state = hub_state()
    if state == NULL or state.loop == NULL:
        state = require_hub_state()
    put(clock.greenlet, current_greenlet())
    if clock.given or state.loop_stands_in:
        if not clock.given:
            put(clock.outer, current_hub().loop.timer(
                <object>clock.seconds or 0.0, ref=clock.ref, priority=clock.priority))
        outer = <object>clock.outer
        outer.start(TimeoutTimer(timeout)._ring, update=True)
    else:
        put(clock.owner, timeout)
        clock.alarm.set(
            state.loop[0], clock.after_s if clock.after_s > 0 else 0.0, clock.priority, clock.ref, ring,
            <void*>timeout)
    return 0


cdef int stop(TimeoutClock* clock) except -1:
    # Whoever calls this keeps the Timeout.
    if clock.outer != NULL:
        outer = <object>clock.outer
        if clock.given:
            outer.stop()
        else:
            forget(clock.outer)
            outer.stop()
            outer.close()
    clock.silence()
    return 0


cdef int close(TimeoutClock* clock) except -1:
    stop(clock)
    clock.closed = True
    if clock.given:
        (<object>clock.outer).close()
    return 0


cdef object expire(timeout):
    cdef TimeoutClock* clock = clock_of(timeout)
    if clock.greenlet == NULL:
        stop(clock)
        return
    target = <object>clock.greenlet
    if clock.one_shot:
        close(clock)
    else:
        stop(clock)
    plain = is_plain(type(timeout))
    exception = <object>clock.exception if plain else timeout.exception
    if exception is None or exception is False or isinstance(exception, str):
        exception = timeout
    if plain:
        throw(target, exception)
    else:
        timeout._on_expiration(target, exception)


cdef int throw(greenlet target, exception) except -1:
    # Greenlets that ended have nobody to catch it: it would come back to the hub.
    if is_active(target):
        throw_into(target, <PyObject*>exception, NULL, NULL)
    return 0


class Timeout(BaseException):
    """Timeout(seconds=None, exception=None, ref=True, priority=-1)

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

    __module__ = "gevent.timeout"

    def __init__(self, seconds=None, exception=None, ref=True, priority=-1, _one_shot=False):
        cdef TimeoutClock* clock = find_clock(self, _clock_key)
        if clock != NULL:
            stop(clock)
            forget(clock.outer)
            clock.given = False
        elif isinstance(self, BaseException):
            give_clock(self, _clock_key, ())
            clock = find_clock(self, _clock_key)
        else:
            raise TypeError(f"{type(self).__name__!r} object is no exception")
        forget_arguments(self, ())
        set_up(clock, seconds, exception, ref, priority, _one_shot)
        if not is_plain(type(self)):
            # Where a class has attributes of these names.
            self.seconds = seconds
            self.exception = exception

    @property
    def seconds(self):
        """How long from `start`; None: never."""
        return <object>clock_of(self).seconds

    @seconds.setter
    def seconds(self, value):
        set_seconds(clock_of(self), value)

    @property
    def exception(self):
        """What is raised instead of the Timeout itself."""
        return <object>clock_of(self).exception

    @exception.setter
    def exception(self, value):
        put(clock_of(self).exception, value)

    @property
    def timer(self):
        """What counts the time: has `pending`, `active`, `ref`, `priority`, `stop()` and `close()`.

        A watcher of the program's may be put in its place. It is given the call that ends the time when the Timeout is
        started, as ``start(callback, update=True)``, and stopped and closed with it.
        """
        cdef TimeoutClock* clock = clock_of(self)
        return <object>clock.outer if clock.outer != NULL else TimeoutTimer(self)

    @timer.setter
    def timer(self, value):
        cdef TimeoutClock* clock = clock_of(self)
        if isinstance(value, TimeoutTimer) and (<TimeoutTimer>value).timeout is self:
            return
        stop(clock)
        put(clock.outer, value)
        clock.given = True

    # -- running --

    def start(self):
        """Let the time begin. Does not wait.

        AssertionError when it is pending already, or was closed.
        """
        start(self, clock_of(self))

    def _on_expiration(self, prev_greenlet, ex):
        """Called in the hub when the time is over: raises `ex` in `prev_greenlet`. A subclass may do more."""
        throw(prev_greenlet, ex)

    @classmethod
    def start_new(cls, timeout=None, exception=None, ref=True, _one_shot=False):
        """Return a started Timeout: a new one of `timeout` seconds, or `timeout` itself if that is a Timeout."""
        cdef TimeoutClock* clock
        if isinstance(timeout, Timeout):
            if not timeout.pending:
                timeout.start()
            return timeout
        if cls is _class and is_plain(_class):
            made = bare_timeout(())
            clock = find_clock(made, _clock_key)
            set_up(clock, timeout, exception, ref, -1, _one_shot)
            start(made, clock)
        else:
            made = cls(timeout, exception, ref=ref, _one_shot=_one_shot)
            made.start()
        return made

    @staticmethod
    def _start_new_or_dummy(timeout, exception=None, ref=True):
        # The same, but cheap for None.
        if timeout is None:
            return _no_limit
        return Timeout.start_new(timeout, exception, ref, True)

    # -- ending --

    @property
    def pending(self):
        """Whether it was started, has not expired and was not cancelled."""
        return is_pending(clock_of(self))

    def cancel(self):
        """Make sure that it does not expire; it may be started again. Does nothing when it is not pending."""
        cdef TimeoutClock* clock = clock_of(self)
        stop(clock)
        if clock.one_shot:
            self.close()

    def close(self):
        """Cancel it for good."""
        close(clock_of(self))

    def __enter__(self):
        cdef TimeoutClock* clock
        if is_plain(type(self)):
            clock = clock_of(self)
            if not is_pending(clock):
                start(self, clock)
        elif not self.pending:
            self.start()
        return self

    def __exit__(self, typ, value, tb):
        cdef TimeoutClock* clock = clock_of(self)
        if is_plain(type(self)):
            close(clock)
        else:
            self.close()
        if value is self and self.exception is False:
            return True

    # -- order --

    def __lt__(self, other):
        # By `seconds`, and with a bare number of them as well.
        seconds = self.seconds
        try:
            limit = other.seconds
        except AttributeError:
            try:
                return seconds < other
            except TypeError:
                return NotImplemented
        return seconds < limit

    # -- words --

    def __repr__(self):
        words = [type(self).__name__, f"at {hex(id(self))}", f"seconds={self.seconds}"]
        if self.exception is not None:
            words.append(f"exception={self.exception!r}")
        if self.pending:
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

    def __reduce__(self):
        # A copy has a clock of its own, which nobody has started.
        found = super().__reduce__()
        if find_clock(self, _clock_key) == NULL:
            return found
        attributes = dict(found[2] or {}) if len(found) > 2 else {}
        attributes.pop(_clock_key, None)
        attributes.update(seconds=self.seconds, exception=self.exception)
        return (*found[:2], attributes)


include "timeout_timer.pxi"
include "timeout_running.pxi"


class NoLimit:
    """In place of a Timeout where there is no limit: never pending, never expires."""

    __slots__ = ()
    pending = active = False
    seconds = exception = timer = None

    def cancel(self):
        """Does nothing."""

    start = stop = close = cancel

    def __enter__(self):
        return self

    def __exit__(self, typ, value, tb):
        return None


cdef object _no_limit = NoLimit()


# -- short ways --
# Where nobody has overridden or patched the methods of a Timeout, they need not be called through Python.

cdef object _class = Timeout
cdef object _written_init = Timeout.__init__
cdef dict _written = {name: getattr(Timeout, name) for name in (
    "_on_expiration", "close", "exception", "pending", "seconds", "start")}
# Python numbers the versions of a class; 0: this one has no number. What was found out about Timeout itself, and about
# the subclass that was last asked for.
cdef unsigned int _plain_version = 0
cdef PyObject* _subclass = NULL  # compared only
cdef unsigned int _subclass_version = 0
cdef bint _subclass_plain = False


cdef bint is_plain(cls):
    cdef unsigned int version = version_of(cls)
    if version != 0:
        if cls is _class and version == _plain_version:
            return True
        if <PyObject*>cls == _subclass and version == _subclass_version:
            return _subclass_plain
    return look_whether_plain(cls)


cdef bint look_whether_plain(cls):
    global _plain_version, _subclass, _subclass_version, _subclass_plain
    plain = all([getattr(cls, name, None) is value for name, value in _written.items()])
    if cls is not _class:
        _subclass = <PyObject*>cls
        _subclass_version = version_of(cls)
        _subclass_plain = plain
    elif plain and cls.__init__ is _written_init:
        _plain_version = version_of(cls)
        return True
    return plain and cls is not _class


cdef void _expire_now(PyObject* owner) noexcept:
    # In the hub, on the loop's thread.
    timeout = <object>owner
    try:
        expire(timeout)
    except BaseException as error:
        current_hub().handle_error(timeout, type(error), error, error.__traceback__)


cdef PyObject* _make(PyObject* cls, PyObject** args, size_t count, PyObject* names) except NULL:
    # Timeout(...) itself, without a tuple of arguments. Subclasses take the ordinary way.
    cdef Py_ssize_t index
    made = bare_timeout(())
    if names == NULL and count <= 2 and is_plain(_class):
        set_up(
            find_clock(made, _clock_key), <object>args[0] if count > 0 else None,
            <object>args[1] if count > 1 else None, True, -1, False)
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
prepare_class(Timeout, _make)

__all__ = ["NoLimit", "Running", "Timeout", "TimeoutTimer"]
