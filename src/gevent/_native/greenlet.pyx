# cython: language_level=3, binding=True, auto_pickle=False
# tidy: long because Greenlet is one class, whose methods share its phase and the line of those who wait for its end
"""Greenlet: a greenlet that can be joined, linked, killed, and asked for its result.

Starting is in cpp/python/hub/start_entry.h, waiting in cpp/python/wait/parking.h, links in cpp/python/wait/link.h.
joinall, killall and whatever works on several of them is in gevent/greenlet.py.
"""
cimport cython
from cpython.object cimport PyObject
from cpython.weakref cimport PyWeakref_NewRef
from libcpp.memory cimport unique_ptr
from types import GenericAlias as _GenericAlias

from greenlet import GreenletExit as _GreenletExit

from gevent.exceptions import LoopExit as _LoopExit
from gevent._native.raw_greenlet import spawning_frames as _spawning_frames
from gevent._native.spawned_link import FailureSpawnedLink as _FailureSpawnedLink
from gevent._native.spawned_link import SpawnedLink as _SpawnedLink
from gevent._native.spawned_link import SuccessSpawnedLink as _SuccessSpawnedLink

from bridge cimport CoreLoop, CoreWaitQueue, current_hub, park_named_in


cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1
    void take_back_look()

cdef extern from "greenlet/greenlet.h":
    ctypedef class greenlet.greenlet [object PyGreenlet, check_size ignore]:
        pass


cdef extern from "python/hub/hub_state.h" namespace "gevent":
    cdef cppclass HubState:
        CoreLoop* loop
        PyObject* hub()
    HubState* require_hub_state() except NULL
    object current_greenlet()
    int set_parent(greenlet child, greenlet parent) except -1
    bint is_started(greenlet)
    bint is_active(greenlet)
    object throw_into(greenlet target, PyObject* type, PyObject* value, PyObject* traceback)
    object switch_to(greenlet target, object value)

cdef extern from "python/hub/start_entry.h" namespace "gevent":
    unsigned long long start_soon(CoreLoop& loop, greenlet g)
    void cancel_start(CoreLoop& loop, unsigned long long position, greenlet g)
    void notify_soon(CoreLoop& loop, object target, void (*notify)(PyObject*) noexcept)

cdef extern from "sync/life.h" namespace "gevent":
    cdef enum Phase "gevent::Life::Phase":
        NEW "gevent::Life::Phase::kNew"
        QUEUED "gevent::Life::Phase::kQueued"
        DELAYED "gevent::Life::Phase::kDelayed"

    cdef cppclass Life:
        CoreWaitQueue line
        Phase phase()
        bint goes_on()
        bint is_over()
        void queue()
        void delay()
        void begin()
        void end()
        bint has_to_tell()
        void tell()

cdef extern from "python/object/thrown.h" namespace "gevent":
    object exception_of(PyObject* throw_args)

cdef extern from "python/wait/link.h" namespace "gevent":
    cdef cppclass Link:
        @staticmethod
        void add(CoreWaitQueue& queue, PyObject* source, object callback)
        @staticmethod
        int remove(CoreWaitQueue& queue, object callback) except -1
        @staticmethod
        void remove_all(CoreWaitQueue& queue)
        @staticmethod
        Py_ssize_t count(CoreWaitQueue& queue)

cdef extern from "python/object/spawning_stack.h" namespace "gevent":
    bint spawning_is_tracked()
    cdef cppclass SpawningStackCore "gevent::SpawningStack":
        void capture(int depth_max)
        object describe()

cdef extern from "python/wait/join_set.h" namespace "gevent":
    cdef cppclass JoinSet:
        JoinSet(PyObject* done) except +
        void add(CoreWaitQueue& queue, PyObject* object) except +
        int wait(size_t needed, double timeout_s) except -1


cdef extern from "python/hub/bound_greenlets.h" namespace "gevent":
    void bind_to_process_of "gevent::bind_to_process" (greenlet g, void (*left_behind)(PyObject*) noexcept)
    void unbind_from_process(greenlet g)


cdef object _timeout_class = None
cdef list _spawn_callbacks = []


cdef double _seconds(object timeout) except? -2:
    # None, a number, or a gevent.Timeout of which only the time counts here.
    global _timeout_class
    if timeout is None:
        return -1
    if type(timeout) is float or type(timeout) is int:
        return max(<double>timeout, 0.0)
    if _timeout_class is None:
        from gevent.timeout import Timeout
        _timeout_class = Timeout
    if isinstance(timeout, _timeout_class):
        return _seconds(timeout.seconds)
    return max(<double>timeout, 0.0)


cdef void _notify(PyObject* target) noexcept:
    # In the hub.
    (<Greenlet>target).life.tell()
    (<Greenlet>target)._tell_soon()


cdef class Greenlet(greenlet):
    """Greenlet(run=None, *args, **kwargs)

    A greenlet with an outcome.

    `Greenlet(run, *args, **kwargs)` calls `run(*args, **kwargs)` once started (`start`, `start_later`; `Greenlet.spawn`
    makes and starts one). Subclasses may override `_run` instead. It ends with a value or an exception, which `get` and
    `join` wait for and links are told. From gevent.

    args, kwargs
        what `run` will be called with; emptied when it has ended.
    value
        what `run` returned; None before, and after an exception. A GreenletExit counts as a value.
    spawning_greenlet, spawning_stack, spawn_tree_locals
        who made this greenlet (a weak reference), where (frames without their contents), and a dictionary that all
        of one tree share; unless `gevent.config.track_greenlet_tree` is off.
    """
    cdef readonly object value
    cdef public object args
    cdef dict _kwargs
    cdef object _target
    cdef object _error        # the exception instance it ended with
    cdef object _timer        # of start_later
    cdef object _name
    cdef object _described
    cdef public object spawning_greenlet
    cdef object _tree_locals  # None: not made yet, or not tracked
    cdef bint _tracked
    cdef SpawningStackCore _stack
    cdef Life life            # how far it is; who waits for its end: joiners and links, in order
    cdef CoreLoop* _start_loop
    cdef unsigned long long _start_position
    cdef bint _bound          # bind_to_process()

    __class_getitem__ = classmethod(_GenericAlias)

    spawning_stack_limit = 10

    def __init__(self, run=None, *args, **kwargs):
        self._set_up(run, args, kwargs)

    cdef int _set_up(self, run, tuple args, dict kwargs) except -1:
        cdef HubState* state = require_hub_state()
        spawner = current_greenlet()
        if <PyObject*>spawner != state.hub():  # greenlets begin below who makes them
            set_parent(self, <greenlet>state.hub())
        if run is not None:
            if not callable(run):
                raise TypeError("The run argument or self._run must be callable")
            self._target = run
        elif not callable(self._run):
            raise TypeError("The run argument or self._run must be callable")
        self.args = args
        if kwargs:
            self._kwargs = kwargs
        if spawning_is_tracked():
            self.spawning_greenlet = PyWeakref_NewRef(spawner, None)
            self._tracked = True
            if isinstance(spawner, Greenlet):
                self._tree_locals = (<Greenlet>spawner)._locals_of_tree()
            else:
                self._tree_locals = getattr(spawner, "spawn_tree_locals", None)
            self._stack.capture(10 if type(self) is Greenlet else self.spawning_stack_limit)
        return 0

    def __dealloc__(self):
        if self._bound:
            unbind_from_process(self)
        Link.remove_all(self.life.line)

    # -- what it is --

    @property
    def kwargs(self):
        """The keyword arguments `run` will be called with."""
        if self._kwargs is None:
            self._kwargs = {}
        return self._kwargs

    @kwargs.setter
    def kwargs(self, value):
        self._kwargs = value

    @property
    def _run(self):
        return self._target if self._target is not None else self._nothing_to_run

    @_run.setter
    def _run(self, value):
        self._target = value

    def _nothing_to_run(self, *args, **kwargs):
        return None

    @property
    def loop(self):
        """The event loop of the hub this belongs to; None when it has no parent hub."""
        return getattr(self.parent, "loop", None)

    @property
    def spawning_stack(self):
        """The innermost frames of the call that made this greenlet, linked by f_back; None when not tracked."""
        return _spawning_frames(self._stack.describe())

    @property
    def spawn_tree_locals(self):
        """A dictionary that this greenlet shares with the one that spawned it, and with all that it spawns."""
        return self._locals_of_tree()

    @spawn_tree_locals.setter
    def spawn_tree_locals(self, value):
        self._tree_locals = value
        self._tracked = False

    cdef object _locals_of_tree(self):
        # Who begins a tree makes it when somebody asks or joins: most never have it.
        if self._tree_locals is None and self._tracked:
            self._tree_locals = {}
        return self._tree_locals

    @property
    def minimal_ident(self):
        """A small integer of its own among the living greenlets of the hub."""
        return self.parent.ident_registry.get_ident(self)

    @property
    def name(self):
        """What it is called in reports: "Greenlet-" and its minimal_ident, unless set."""
        if self._name is None:
            self._name = f"{type(self).__name__}-{self.minimal_ident}"
        return self._name

    @name.setter
    def name(self, value):
        self._name = value

    def __bool__(self):
        return self.life.goes_on()

    @property
    def started(self):
        """Whether it was started and has not ended; also while its first turn has not come."""
        return self.life.goes_on()

    @property
    def dead(self):
        """Whether it will never run (again): it has ended, or was killed before it began."""
        if not is_over(self):
            looked_in_vain()
        return is_over(self)

    cpdef bint ready(self) except -1:
        """Return whether it has ended, with a value or an exception. Never waits."""
        if not is_over(self):
            looked_in_vain()
        return is_over(self)

    cpdef bint successful(self):
        """Return whether it has ended with a value; a GreenletExit is one, and not an exception. Never waits."""
        return self.life.is_over() and self._error is None

    @property
    def exception(self):
        """The exception it ended with; None before, and after a value."""
        return self._error

    @property
    def exc_info(self):
        """(type, value, traceback) of the exception it ended with, or None."""
        if self._error is None:
            return None
        return type(self._error), self._error, self._error.__traceback__

    def __repr__(self):
        name = "" if self._name is None else f' "{self._name}"'
        return f"<{type(self).__name__}{name} at {hex(id(self))}: {self._formatinfo()}>"

    def _formatinfo(self):
        # What it runs is kept only in words once it has ended.
        if self._described is None:
            run = self._run
            if self._target is None and getattr(run, "__func__", run) is _nothing:
                run_name = "_run"
            elif getattr(run, "__self__", None) is self:
                run_name = run.__name__
            elif getattr(run, "__self__", None) is not None or not hasattr(run, "__name__"):
                run_name = repr(run)
            else:
                run_name = run.__name__
            given = [repr(arg) for arg in self.args or ()]
            given += [f"{key}={value!r}" for key, value in (self._kwargs or {}).items()]
            self._described = run_name + (f"({', '.join(given)})" if given else "")
        return self._described

    # -- starting --

    cpdef start(self):
        """Run it in the next turn of the loop. Does nothing when it was started before. Does not wait."""
        self._start_soon()

    cdef _start_soon(self):
        cdef HubState* state
        if self.life.phase() != NEW:
            return
        state = require_hub_state()
        self.life.queue()
        self._start_loop = state.loop
        self._start_position = start_soon(state.loop[0], self)
        if _spawn_callbacks:
            _announce_spawn(self)

    def start_later(self, seconds):
        """Run it in `seconds` seconds at the earliest. Does nothing when it was started before. Does not wait."""
        if self.life.phase() != NEW:
            return
        timer = current_hub().loop.timer(seconds)
        timer.start(self._start_delayed)
        self._timer = timer
        self.life.delay()
        if _spawn_callbacks:
            _announce_spawn(self)

    def _start_delayed(self):
        if self.life.phase() == DELAYED:
            switch_to(self, ())

    @staticmethod
    def add_spawn_callback(callback):
        """Have `callback(greenlet)` called for each Greenlet that is started from now on."""
        if callback not in _spawn_callbacks:
            _spawn_callbacks.append(callback)

    @staticmethod
    def remove_spawn_callback(callback):
        """Undo one `add_spawn_callback` of `callback`; nothing happens if there was none."""
        if callback in _spawn_callbacks:
            _spawn_callbacks.remove(callback)

    @classmethod
    def spawn(cls, *args, **kwargs):
        """Make a greenlet of this class with these arguments, start it and return it. Does not wait."""
        if cls is Greenlet and args:
            return _spawn(args[0], args[1:], kwargs)  # as below, but it is known what will be called
        made = cls(*args, **kwargs)
        made.start()
        return made

    @classmethod
    def spawn_later(cls, seconds, *args, **kwargs):
        """As `spawn`, to be started in `seconds` seconds at the earliest. Returns the greenlet; does not wait."""
        if cls is Greenlet and not args:
            raise TypeError("spawn_later needs what to run: spawn_later(seconds, function, ...)")
        made = cls(*args, **kwargs)
        made.start_later(seconds)
        return made

    cdef _take_start_back(self):
        if self.life.phase() == QUEUED:
            cancel_start(self._start_loop[0], self._start_position, self)
        elif self.life.phase() == DELAYED:
            timer = self._timer
            self._timer = None
            timer.stop()
            timer.close()

    # -- running and ending --

    @cython.binding(False)
    def run(self):
        """run($self)
--

Call what there is to run. For greenlet, not for users: use `start`."""
        if self.life.is_over():
            return
        if self.life.phase() == DELAYED:  # QUEUED: the queue's entry lets go of it by itself when it finds it running
            self._take_start_back()
        self.life.begin()
        try:
            target = self._target if self._target is not None else self._run
            if self._kwargs is None:
                result = target(*self.args)
            else:
                result = target(*self.args, **self._kwargs)
        except BaseException as error:
            self._report_error(error)
        else:
            self._report_result(result)
        finally:
            self._target = None
            self.args = ()
            self._kwargs = None

    cdef _report_result(self, result):
        self.value = result
        self._end()

    cdef _report_error(self, error):
        if isinstance(error, _GreenletExit):
            self._report_result(error)
            return
        self._error = error
        self._end()
        handle_error = getattr(self.parent, "handle_error", None)
        if handle_error is None:  # somebody has put it below another greenlet than a hub
            handle_error = current_hub().handle_error
        handle_error(self, type(error), error, error.__traceback__)

    cdef _end(self):
        self.life.end()
        if self._bound:
            unbind_from_process(self)
        self._tell_soon()

    cdef _tell_soon(self):
        cdef HubState* state
        if not self.life.line.empty():
            state = require_hub_state()
            if self.life.has_to_tell():
                notify_soon(state.loop[0], self, _notify)

    cdef _end_before_start(self, tuple throw_args):
        # The greenlet underneath stays unstarted: a stray switch() to it finds its life over and returns.
        if self.life.is_over():
            return
        error = exception_of(<PyObject*>throw_args)
        self._target = None
        self.args = ()
        self._kwargs = None
        self._report_error(error)

    def throw(self, *args):
        """Raise an exception in the greenlet at once, as `greenlet.throw` does: switches to it.

        One that has not begun never will, and has the exception as its outcome. Use `kill` unless in the hub.
        """
        self._take_start_back()
        if not is_started(self) and not self.life.is_over():
            self._end_before_start(args)
            return
        if not has_ended(self):
            return greenlet.throw(self, *args)

    def _maybe_kill_before_start(self, exception):
        # Whether it had not begun, and now never will.
        if self.life.is_over() or is_started(self):
            return False
        self._take_start_back()
        self._end_before_start((exception,))
        return True

    def kill(self, exception=_GreenletExit, block=True, timeout=None):
        """Raise `exception` (a class or an instance) in the greenlet, in the next turn of the loop.

        block
            whether to wait, at most `timeout` seconds, until it has ended.

        One that has not begun never will. Nothing happens to one that has ended. From gevent.
        """
        if self.life.is_over() or self._maybe_kill_before_start(exception):
            return
        hub = current_hub()
        loop = getattr(self.parent, "loop", None)
        if loop is not None and loop is not hub.loop:
            # Its own thread has to do it.
            loop.run_callback_threadsafe(_kill_now, self, exception, None)
            if block:
                self.join(timeout)
            return
        waiter = _new_waiter(hub) if block else None
        hub.loop.run_callback(_kill_now, self, exception, waiter)
        if block:
            # What is thrown has arrived before anybody may join: that can be overridden, and fail.
            waiter.get()
            self.join(timeout)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        # The block ends with the greenlet: joined after a good end, killed with the error of a bad one.
        try:
            if kind is None:
                self.join()
            else:
                self.kill(kind if error is None else error)
        except BaseException:
            self.kill()
            raise

    # -- waiting for the end --

    def get(self, block=True, timeout=None):
        """Return what it returned, or raise what it raised. Parks the caller until it has ended.

        `timeout`: seconds or a `gevent.Timeout`; raises that, or a Timeout, when the time is over. `block=False`: do
        not wait, raise Timeout at once.
        """
        if not self.ready():
            if not block:
                _raise_timeout(None)
            if not park_named_in(self, self.life.line, _seconds(timeout), NULL):
                _raise_timeout(timeout)
        if self._error is not None:
            raise self._error
        return self.value

    def join(self, timeout=None):
        """Park the caller until this has ended, or `timeout` (seconds, or a `gevent.Timeout`) is over. Returns None."""
        if not has_ended(self):
            park_named_in(self, self.life.line, _seconds(timeout), NULL)

    # -- links --

    cpdef rawlink(self, callback):
        """Have `callback(self)` called in the hub when this has ended; soon, if it has already. It must not wait."""
        if not callable(callback):
            raise TypeError(f"Expected callable: {callback!r}")
        Link.add(self.life.line, <PyObject*>self, callback)
        if has_ended(self):
            self._tell_soon()

    def link(self, callback, SpawnedLink=_SpawnedLink):
        """Have `callback(self)` run in a greenlet of its own when this has ended."""
        self.rawlink(SpawnedLink(callback))

    def link_value(self, callback, SpawnedLink=_SuccessSpawnedLink):
        """As `link`, for an end with a value only: `callback` is not called if the greenlet raises."""
        self.rawlink(SpawnedLink(callback))

    def link_exception(self, callback, SpawnedLink=_FailureSpawnedLink):
        """As `link`, for an end with an exception only: `callback` is not called if the greenlet returns."""
        self.rawlink(SpawnedLink(callback))

    def unlink(self, callback):
        """Forget one link to `callback`; nothing happens if there is none."""
        Link.remove(self.life.line, callback)

    def unlink_all(self):
        """Forget all links. Those who wait in `get` and `join` go on waiting."""
        Link.remove_all(self.life.line)

    def has_links(self):
        """Return how many links are still to be called, 0 if there is none. Never waits."""
        return Link.count(self.life.line)


@cython.binding(False)
def spawn_call(run, tuple args):
    """`Greenlet.spawn(run, *args)` for a caller that has a tuple `args` anyway, and spawns often."""
    return _spawn(run, args, None)


cdef Greenlet _spawn(run, tuple args, dict kwargs):
    cdef Greenlet fresh = Greenlet.__new__(Greenlet)
    fresh._set_up(run, args, kwargs)
    fresh._start_soon()
    return fresh


cdef void _leave_behind(PyObject* made) noexcept:
    (<Greenlet>made).life.end()


def bind_to_process(Greenlet made):
    """In children of a bare `os.fork`, have `made` left behind: see cpp/python/hub/bound_greenlets.h."""
    if not made.life.is_over() and not made._bound:
        made._bound = True
        bind_to_process_of(made, _leave_behind)


cdef object _nothing = Greenlet._nothing_to_run


cdef _announce_spawn(Greenlet made):
    for callback in tuple(_spawn_callbacks):
        callback(made)


cdef object _waiter_class = None


cdef object _new_waiter(hub):
    global _waiter_class
    if _waiter_class is None:
        from gevent._waiter import Waiter
        _waiter_class = Waiter
    return _waiter_class(hub)


def _kill_now(Greenlet victim, exception, waiter):
    try:
        victim.throw(exception)
    except BaseException as error:
        current_hub().handle_error(victim, type(error), error, error.__traceback__)
    if waiter is not None:
        waiter.switch(None)


cdef _raise_timeout(timeout):
    from gevent.timeout import Timeout
    if isinstance(timeout, Timeout):
        exception = timeout.exception
        raise timeout if exception is None or exception is True or exception is False else exception
    raise Timeout(timeout)


cdef inline bint is_over(Greenlet each):
    return each.life.is_over() or (is_started(each) and not is_active(each))


cdef inline bint has_ended(Greenlet each) except -1:
    # ready(), without looking for another one where there is none.
    if type(each) is Greenlet:
        return is_over(each)
    if each.ready():
        return True
    take_back_look()
    return False


def join_greenlets(greenlets, timeout, count):
    """Park until `count` (None: all) of the given Greenlets have ended or `timeout` is over.

    Returns those that have ended, first ended first.
    """
    cdef list done = []
    cdef Greenlet each
    cdef double seconds = _seconds(timeout)
    cdef unique_ptr[JoinSet] waiting
    cdef size_t needed
    for each in greenlets:
        if has_ended(each):
            done.append(each)
    needed = len(greenlets) if count is None else min(<size_t>count, <size_t>len(greenlets))
    if <size_t>len(done) >= needed:
        return done
    needed -= <size_t>len(done)
    waiting.reset(new JoinSet(<PyObject*>done))
    for each in greenlets:
        if not has_ended(each):
            waiting.get().add(each.life.line, <PyObject*>each)
    try:
        waiting.get().wait(needed, seconds)
    except _LoopExit as error:
        error.waiting_for = [each for each in greenlets if not each.ready()]
        raise
    return done


include "imap.pxi"

__all__ = ["Greenlet", "IMap", "IMapUnordered"]
