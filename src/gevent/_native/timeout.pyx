# cython: language_level=3, binding=True, embedsignature=False, auto_pickle=False
"""Timeout: an exception with an alarm clock, which throws it into the greenlet that set it.

The class is an ordinary one with BaseException's own layout, so that programs can combine it with other exceptions.
Only its methods are native; where its data is, and what becomes of it, says cpp/python/wait/timeout_clock.h. What else
is promised about time limits is in gevent/timeout.py.
"""
from cpython.object cimport PyObject
cdef extern from "sync/time_limit.h" namespace "gevent":
    cdef cppclass TimeLimit:
        bint ref()
        int priority()
        bint one_shot()

cdef extern from "python/wait/timeout_clock.h" namespace "gevent":
    cdef cppclass TimeoutClock:
        bint is_set_up()
        int set_up(object seconds, object exception, bint ref, int priority, bint one_shot) except -1
        int start(object timeout) except -1
        int stop() except -1
        int close() except -1
        int pending() except -1
        int expire(object timeout) except -1
        PyObject* seconds()
        PyObject* exception()
        int set_seconds(object) except -1
        void set_exception(object)
        TimeLimit& limit()
        PyObject* other_timer()
        int give_timer(object) except -1
    const char* kClockKey
    TimeoutClock* find_clock(object)
    int give_clock(object) except -1
    object bare_timeout()
    void forget_arguments(object)
    int prepare_timeout_class(object) except -1
    bint is_as_written "gevent::is_timeout_as_written" (object)
    int raise_in(object greenlet, object exception) except -1


cdef TimeoutClock* clock_of(timeout) except NULL:
    cdef TimeoutClock* clock = find_clock(timeout)
    if clock == NULL or not clock.is_set_up():
        # Its class has an __init__() that does not call ours, or that of another base came first.
        raise AttributeError(f"{type(timeout).__name__!r} object has no attribute 'timer'")
    return clock


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
        cdef TimeoutClock* clock = find_clock(self)
        if clock == NULL:
            if not isinstance(self, BaseException):
                raise TypeError(f"{type(self).__name__!r} object is no exception")
            give_clock(self)
            clock = find_clock(self)
        forget_arguments(self)
        clock.set_up(seconds, exception, ref, priority, _one_shot)
        if not is_as_written(type(self)):
            # Where a class has attributes of these names.
            self.seconds = seconds
            self.exception = exception

    @property
    def seconds(self):
        """How many seconds it is from `start` until it expires; None: never. May be set before."""
        return <object>clock_of(self).seconds()

    @seconds.setter
    def seconds(self, value):
        clock_of(self).set_seconds(value)

    @property
    def exception(self):
        """What is raised instead of the Timeout itself, as the constructor was given it. May be set."""
        return <object>clock_of(self).exception()

    @exception.setter
    def exception(self, value):
        clock_of(self).set_exception(value)

    @property
    def timer(self):
        """What counts the time: has `pending`, `active`, `ref`, `priority`, `stop()` and `close()`.

        A watcher of the program's may be put in its place. It is given the call that ends the time when the Timeout is
        started, as ``start(callback, update=True)``, and stopped and closed with it.
        """
        cdef TimeoutClock* clock = clock_of(self)
        return <object>clock.other_timer() if clock.other_timer() != NULL else TimeoutTimer(self)

    @timer.setter
    def timer(self, value):
        cdef TimeoutClock* clock = clock_of(self)
        if isinstance(value, TimeoutTimer) and (<TimeoutTimer>value).timeout is self:
            return
        clock.give_timer(value)

    # -- running --

    def start(self):
        """Let the time begin. Does not wait.

        AssertionError when it is pending already, or was closed.
        """
        clock_of(self).start(self)

    def _on_expiration(self, prev_greenlet, ex):
        """Called in the hub when the time is over: raises `ex` in `prev_greenlet`. A subclass may do more."""
        raise_in(prev_greenlet, ex)

    @classmethod
    def start_new(cls, timeout=None, exception=None, ref=True, _one_shot=False):
        """Return a started Timeout: a new one of `timeout` seconds, or `timeout` itself if that is a Timeout."""
        cdef TimeoutClock* clock
        if isinstance(timeout, Timeout):
            if not timeout.pending:
                timeout.start()
            return timeout
        if cls is _class and is_as_written(_class):
            made = bare_timeout()
            clock = find_clock(made)
            clock.set_up(timeout, exception, ref, -1, _one_shot)
            clock.start(made)
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
        return clock_of(self).pending() == 1

    def cancel(self):
        """Make sure that it does not expire; it may be started again. Does nothing when it is not pending."""
        cdef TimeoutClock* clock = clock_of(self)
        clock.stop()
        if clock.limit().one_shot():
            self.close()

    def close(self):
        """Cancel it for good: unlike after `cancel`, it cannot be started again. Does not wait."""
        clock_of(self).close()

    def __enter__(self):
        cdef TimeoutClock* clock
        if is_as_written(type(self)):
            clock = clock_of(self)
            if not clock.pending():
                clock.start(self)
        elif not self.pending:
            self.start()
        return self

    def __exit__(self, typ, value, tb):
        cdef TimeoutClock* clock = clock_of(self)
        if is_as_written(type(self)):
            clock.close()
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
        if find_clock(self) == NULL:
            return found
        attributes = dict(found[2] or {}) if len(found) > 2 else {}
        attributes.pop(kClockKey.decode(), None)
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


cdef object _class = Timeout
prepare_timeout_class(Timeout)

__all__ = ["NoLimit", "Running", "Timeout", "TimeoutTimer"]
