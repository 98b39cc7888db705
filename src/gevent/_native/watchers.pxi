# The watchers, part of loop.pyx.
#
# A watcher's Python object owns its C++ half, `core`. While the core is active, or has an event for which the callback is
# still to come, the object keeps itself alive: nobody else need hold it.
#
# Which is why the garbage collector does not look at watchers (no_gc), of which there may be very many: one that is kept is
# no garbage, and one that is not has forgotten its callback and refers to nothing but its loop.
cdef extern from "loop/watcher.h" namespace "gevent" nogil:
    const int kRead
    const int kWrite
    const int kIoFdSet

    cdef cppclass CoreIo "gevent::Io" (CoreWatcher):
        int fd()
        int events()
        void set(int fd, int events)
        cbool fresh

    cdef cppclass CoreTimer "gevent::Timer" (CoreWatcher):
        void again()
        double at()
        cbool from_loop_time

    cdef cppclass CoreSignal "gevent::Signal" (CoreWatcher):
        CoreSignal(CoreLoop& loop, int signum, WatcherCallback callback, void* owner)

    cdef cppclass CoreAsync "gevent::Async" (CoreWatcher):
        CoreAsync(CoreLoop& loop, WatcherCallback callback, void* owner)
        void send()
        cbool sent()

    cdef cppclass CoreChild "gevent::Child" (CoreWatcher):
        CoreChild(CoreLoop& loop, int pid, WatcherCallback callback, void* owner)
        const int pid
        int rpid
        int rstatus

    cdef cppclass CoreFork "gevent::Fork" (CoreWatcher):
        CoreFork(CoreLoop& loop, WatcherCallback callback, void* owner)

    cdef cppclass CorePrepare "gevent::Prepare" (CoreWatcher):
        CorePrepare(CoreLoop& loop, WatcherCallback callback, void* owner)

    cdef cppclass CoreCheck "gevent::Check" (CoreWatcher):
        CoreCheck(CoreLoop& loop, WatcherCallback callback, void* owner)

    cdef cppclass CoreIdle "gevent::Idle" (CoreWatcher):
        CoreIdle(CoreLoop& loop, WatcherCallback callback, void* owner)

    cdef cppclass c_stat "struct stat":
        pass

    cdef cppclass CoreStat "gevent::Stat" (CoreWatcher):
        CoreStat(CoreLoop& loop, string path, double interval_s, WatcherCallback callback, void* owner) except +
        double interval_s
        c_stat attributes
        c_stat previous

cdef extern from "python/python_watchers.h" namespace "gevent":
    const int kWatcherWords
    CoreWatcher* make_io(uint64_t* room, CoreLoop& loop, int fd, int events, WatcherCallback callback, void* owner)
    CoreWatcher* make_timer(uint64_t* room, CoreLoop& loop, double after_s, double repeat_s, WatcherCallback callback,
                            void* owner)
    void delete_watcher(CoreWatcher* core)
    list owners_of_watchers(CoreLoop& loop, WatcherCallback callback)
    object stat_result(c_stat& attributes)
    int make_eventfd(unsigned initial, cbool semaphore) except -1
    CoreWatcher* make_eventfd_watcher(CoreLoop& loop, int fd, WatcherCallback callback, void* owner) except NULL
    uint64_t eventfd_value(CoreWatcher& core)
    int add_to_eventfd(int fd, uint64_t amount) except -1

cdef extern from "<csignal>":
    const int NSIG


cdef class _EventsMarker:
    def __repr__(self):
        return "gevent.core.EVENTS"


# As a watcher's first argument: to be replaced by the events that happened.
EVENTS = _EventsMarker()
cdef object events_marker = EVENTS

_EVENT_NAMES = {
    0x01: "READ", 0x02: "WRITE", 0x80: "_IOFDSET", 0x200: "PERIODIC", 0x400: "SIGNAL", 0x800: "CHILD", 0x1000: "STAT",
    0x2000: "IDLE", 0x4000: "PREPARE", 0x8000: "CHECK", 0x10000: "EMBED", 0x20000: "FORK", 0x40000: "CLEANUP",
    0x80000: "ASYNC", 0x1000000: "CUSTOM", 0x80000000: "ERROR",
}


def _events_to_str(events):
    remaining = events & 0xffffffff
    names = []
    for bit, name in _EVENT_NAMES.items():
        if remaining & bit:
            names.append(name)
            remaining &= ~bit
    if remaining:
        names.append(hex(remaining))
    return "|".join(names)


cdef void call_back(CoreWatcher& core, int revents) noexcept:
    cdef watcher self = <watcher>core.owner
    if not call_with(self._callback, self.current_arguments(revents)):
        report_to_loop(<PyObject*>self.loop, <PyObject*>self)
        if self.stop_on_error:
            # The descriptor is still ready, and the callback would fail again and again.
            self.stop()
    self.settle()


python_on_event = call_back


@cython.no_gc
cdef class watcher:
    """What all watchers have in common.

    start(callback, *args), stop() and close() begin and end watching; used in a `with` statement, a watcher is closed at
    the end. `ref`, `priority`, `active`, `pending`, `callback` and `args` are as in gevent.
    """
    cdef readonly Loop loop
    cdef CoreWatcher* core
    cdef object _callback
    cdef object _args
    cdef cbool kept          # holds a reference to itself
    cdef cbool stop_on_error

    def __init__(self, *args, **kwargs):
        if type(self) is watcher:
            raise TypeError("a plain watcher watches nothing: make one with a method of the loop, such as loop.timer()")

    def __dealloc__(self):
        if self.core != NULL:
            delete_watcher(self.core)

    cdef CoreLoop* core_loop(self, Loop loop) except NULL:
        # For set_up() of each kind, which may run twice: __init__ can be called by anybody.
        if loop is None:
            raise TypeError("a watcher needs a loop")
        if self.core != NULL:
            raise TypeError(f"{self!r} is set up already")
        self.loop = loop
        return loop.usable()

    cdef int own(self, CoreWatcher* core, ref, priority) except -1:
        self.core = core
        if not ref:
            core.set_ref(False)
        if priority is not None:
            self.priority = priority
        return 0

    cdef tuple current_arguments(self, int revents):
        cdef tuple arguments = <tuple>self._args
        if arguments is None:
            return ()
        if arguments and arguments[0] is events_marker:
            return (revents & (kRead | kWrite),) + arguments[1:]
        return arguments

    cdef CoreWatcher* made(self) except NULL:
        if self.core == NULL:
            raise TypeError(f"{type(self).__name__}.__init__ was not called")
        return self.core

    cdef int usable(self) except -1:
        self.made()
        self.loop.usable()
        return 0

    cdef int begin(self, callback, tuple args) except -1:
        if not callable(callback):
            raise TypeError(f"a watcher calls its callback: it must be callable, not {callback!r}")
        self.usable()
        self._callback = callback
        self._args = args
        return 0

    cdef void keep(self) noexcept:
        if not self.kept:
            self.kept = True
            Py_INCREF(self)

    cdef void settle(self) noexcept:
        # After a callback, which may have been the last.
        if not self.core.active() and not self.core.pending():
            self.ended()

    cdef void ended(self) noexcept:
        self._callback = None
        self._args = None
        if self.kept:
            self.kept = False
            Py_DECREF(self)

    def start(self, callback, *args):
        """Call `callback(*args)` each time it happens. TypeError if that cannot be called."""
        self.begin(callback, args)
        self.core.start()
        self.keep()

    def stop(self):
        """Watch no more, and forget the callback. Never fails."""
        if self.kept:
            self.core.stop()
        self.ended()

    def close(self):
        """The same as `stop`."""
        self.stop()

    def feed(self, revents, callback, *args):
        """Act as if `revents` had happened: call `callback(*args)` in the next round."""
        cdef int events = <int>(revents & 0xffffffff)
        self.usable()
        self._callback = callback
        self._args = args
        self.core.feed(events)
        self.keep()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def callback(self):
        """What is called; None when the watcher is stopped."""
        return self._callback

    @callback.setter
    def callback(self, value):
        if value is not None and not callable(value):
            raise TypeError(f"a watcher calls its callback: it must be callable or None, not {value!r}")
        self._callback = value

    @property
    def args(self):
        """The arguments of the next call, a tuple; None: no arguments."""
        return self._args

    @args.setter
    def args(self, value):
        if value is not None and type(value) is not tuple:
            raise TypeError(f"args must be a tuple or None, not {type(value).__name__}")
        self._args = value

    @property
    def active(self):
        """Whether it was started and has not ended."""
        return self.core != NULL and self.core.active()

    @property
    def pending(self):
        """Whether its event happened, and the callback is still to come."""
        return self.core != NULL and self.core.pending()

    @property
    def ref(self):
        """Whether it keeps `loop.run()` from returning while it is active."""
        return self.core != NULL and self.core.ref()

    @ref.setter
    def ref(self, value):
        self.usable()
        self.core.set_ref(bool(value))

    @property
    def priority(self):
        """-2 to 2: within one round, higher is called earlier. AttributeError when set while active."""
        return 0 if self.core == NULL else self.core.priority()

    @priority.setter
    def priority(self, value):
        self.usable()
        if self.core.active() or self.core.pending():
            raise AttributeError(f"{self!r} has its place already: stop it before giving it another priority")
        self.core.set_priority(min(max(value, -2), 2))

    def __repr__(self):
        if self.core == NULL:
            return f"<{type(self).__name__} at {id(self):#x}>"
        text = f"<{type(self).__name__} at {id(self):#x} native={<uintptr_t>self.core:#x}{self._format()}"
        for state in ("active", "pending"):
            if getattr(self, state):
                text = f"{text} {state}"
        if self._callback is not None:
            text = f"{text} callback={self._callback!r}"
        if self._args is not None:
            text = f"{text} args={self._args!r}"
        return text + ">"

    def _format(self):
        return ""


@cython.no_gc
cdef class io(watcher):
    """A descriptor is ready for READ, WRITE or either."""
    cdef uint64_t room[kWatcherWords]

    def __init__(self, Loop loop, int fd, int events, ref=True, priority=None):
        cdef CoreLoop* core_loop = self.core_loop(loop)
        self.check(fd, events)
        self.own(make_io(self.room, core_loop[0], fd, events & ~kIoFdSet, on_event, <void*>self), ref, priority)
        self.stop_on_error = True

    cdef int check(self, int fd, int events) except -1:
        if fd < 0:
            raise ValueError(f"a descriptor is 0 or above, not {fd}")
        if events & ~(kRead | kWrite | kIoFdSet):
            raise ValueError(f"io watches READ and WRITE, not {_events_to_str(events)}")
        return 0

    def start(self, callback, *args, pass_events=False):
        """Call `callback(*args)` each time the descriptor is ready.

        pass_events
            call `callback(events, *args)`, where events are those of READ and WRITE that happened.
        """
        if pass_events:
            args = (events_marker,) + args
        self.begin(callback, args)
        self.core.start()
        self.keep()

    cdef CoreIo* changeable(self, str name) except NULL:
        self.usable()
        if self.core.active():
            raise AttributeError(f"'io' watcher attribute {name!r} is read-only while watcher is active")
        return <CoreIo*>self.core

    @property
    def fd(self):
        """The descriptor. AttributeError when set while active."""
        return (<CoreIo*>self.made()).fd()

    @fd.setter
    def fd(self, int value):
        cdef CoreIo* core = self.changeable("fd")
        self.check(value, 0)
        core.set(value, core.events())

    @property
    def events(self):
        """READ, WRITE or both; before the first start, or after a change, also libev's _IOFDSET."""
        cdef CoreIo* core = <CoreIo*>self.made()
        return core.events() | (kIoFdSet if core.fresh else 0)

    @events.setter
    def events(self, int value):
        cdef CoreIo* core = self.changeable("events")
        self.check(0, value)
        core.set(core.fd(), value & ~kIoFdSet)

    @property
    def events_str(self):
        """`events` in words."""
        return _events_to_str(self.events)

    def _format(self):
        return f" fd={self.fd} events={self.events_str}"


@cython.no_gc
cdef class timer(watcher):
    """Some time has passed."""
    cdef uint64_t room[kWatcherWords]

    def __init__(self, Loop loop, double after=0.0, double repeat=0.0, ref=True, priority=None):
        self.set_up(loop, after, repeat, ref, priority)

    cdef int set_up(self, Loop loop, double after, double repeat, ref, priority) except -1:
        cdef CoreLoop* core_loop = self.core_loop(loop)
        if not repeat >= 0.0:
            raise ValueError(f"a timer repeats after 0 seconds (not at all) or more, not {repeat}")
        if after != after:
            raise ValueError("a timer cannot wait for NaN seconds")
        return self.own(make_timer(self.room, core_loop[0], after, repeat, on_event, <void*>self), ref, priority)

    def start(self, callback, *args, update=None):
        """Call `callback(*args)` when the time has passed, counted from now.

        update
            False: count from `loop.now()`, when the loop last looked at the clock.
        """
        self.begin(callback, args)
        (<CoreTimer*>self.core).from_loop_time = update is not None and not update
        self.core.start()
        self.keep()

    def again(self, callback, *args, update=True):
        """Start, or start over, with `repeat` seconds until the first call; stop if that is 0. `update` as in `start`."""
        self.begin(callback, args)
        (<CoreTimer*>self.core).from_loop_time = not update
        (<CoreTimer*>self.core).again()
        if self.core.active():
            self.keep()
        else:
            self.settle()

    @property
    def at(self):
        """When it fires, or was to fire, on the engine's own clock; before the first start: after how many seconds."""
        return (<CoreTimer*>self.made()).at()


@cython.no_gc
cdef class signal(watcher):
    """This process has received a signal."""

    def __init__(self, Loop loop, int signalnum, ref=True, priority=None):
        cdef CoreLoop* core_loop = self.core_loop(loop)
        if not 0 < signalnum < NSIG:
            raise ValueError(f"illegal signal number: {signalnum} is not between 1 and {NSIG - 1}")
        self.own(new CoreSignal(core_loop[0], signalnum, on_event, <void*>self), ref, priority)

    def start(self, callback, *args):
        """Call `callback(*args)` each time. RuntimeError if another loop watches this signal."""
        self.begin(callback, args)
        self.core.start()
        if not self.core.active():
            self.ended()
            raise RuntimeError(f"{self!r} cannot be had: another loop watches that signal")
        self.keep()


@cython.no_gc
cdef class idle(watcher):
    """There is nothing else to do."""

    def __init__(self, Loop loop, ref=True, priority=None):
        self.own(new CoreIdle(self.core_loop(loop)[0], on_event, <void*>self), ref, priority)


@cython.no_gc
cdef class prepare(watcher):
    """The loop is about to wait for events."""

    def __init__(self, Loop loop, ref=True, priority=None):
        self.own(new CorePrepare(self.core_loop(loop)[0], on_event, <void*>self), ref, priority)


@cython.no_gc
cdef class check(watcher):
    """The loop has waited for events."""

    def __init__(self, Loop loop, ref=True, priority=None):
        self.own(new CoreCheck(self.core_loop(loop)[0], on_event, <void*>self), ref, priority)


@cython.no_gc
cdef class fork(watcher):
    """This is a forked child."""

    def __init__(self, Loop loop, ref=True, priority=None):
        self.own(new CoreFork(self.core_loop(loop)[0], on_event, <void*>self), ref, priority)


@cython.no_gc
cdef class async_(watcher):
    """Somebody, in any thread, has called `send()`."""

    def __init__(self, Loop loop, ref=True, priority=None):
        self.own(new CoreAsync(self.core_loop(loop)[0], on_event, <void*>self), ref, priority)

    def send(self):
        """Have the callback called in the loop's thread. Several calls may end in one. Any thread; does not wait."""
        self.usable()
        (<CoreAsync*>self.core).send()

    def send_ignoring_arg(self, _ignored):
        """The same as `send`, for use where a callback gets an argument."""
        self.send()

    @property
    def pending(self):
        """Whether `send()` was called, and the callback is still to come."""
        return self.core != NULL and (self.core.pending() or (<CoreAsync*>self.core).sent())


@cython.no_gc
cdef class child(watcher):
    """A child process has ended; it is reaped. Calls back once."""

    def __init__(self, Loop loop, int pid, trace=0, ref=True):
        self.own(new CoreChild(self.core_loop(loop)[0], pid, on_event, <void*>self), ref, None)

    @property
    def pid(self):
        """Whose end is awaited."""
        return (<CoreChild*>self.made()).pid

    @property
    def rpid(self):
        """`pid` once the process has ended, 0 before."""
        return (<CoreChild*>self.made()).rpid

    @rpid.setter
    def rpid(self, int value):
        (<CoreChild*>self.made()).rpid = value

    @property
    def rstatus(self):
        """How it ended, as from `os.waitpid`; 0 when somebody else has reaped it."""
        return (<CoreChild*>self.made()).rstatus

    @rstatus.setter
    def rstatus(self, int value):
        (<CoreChild*>self.made()).rstatus = value

    def _format(self):
        return f" pid={self.pid} rstatus={self.rstatus}"


@cython.no_gc
cdef class stat(watcher):
    """A file's attributes have changed."""
    cdef readonly object path
    cdef readonly bytes _paths

    def __init__(self, Loop loop, path, double interval=0.0, ref=True, priority=None):
        import os
        cdef CoreLoop* core_loop = self.core_loop(loop)
        self._paths = os.fsencode(path)
        if b"\0" in self._paths:
            raise ValueError("a path has no NUL in it")
        self.own(new CoreStat(core_loop[0], self._paths, interval, on_event, <void*>self), ref, priority)
        self.path = path

    @property
    def attr(self):
        """The `os.stat_result` of the last change (at first: of the start); None when there is no such file."""
        return stat_result((<CoreStat*>self.made()).attributes)

    @property
    def prev(self):
        """`attr` before the last change."""
        return stat_result((<CoreStat*>self.made()).previous)

    @property
    def interval(self):
        """Seconds between looks; once started, at least what the engine can do."""
        return (<CoreStat*>self.made()).interval_s


@cython.no_gc
cdef class eventfd(watcher):
    """An eventfd's counter is above zero. `callback(value, *args)` gets what was taken from it. Ours."""
    cdef readonly int fd
    cdef cbool own_fd

    def __cinit__(self):
        self.fd = -1

    def __init__(self, Loop loop, fd=None, unsigned initial=0, bint semaphore=False, ref=True, priority=None):
        cdef CoreLoop* core_loop = self.core_loop(loop)
        self.own_fd = fd is None
        self.fd = make_eventfd(initial, semaphore) if fd is None else fd
        if self.fd < 0:
            raise ValueError(f"a descriptor is 0 or above, not {fd}")
        self.own(make_eventfd_watcher(core_loop[0], self.fd, on_event, <void*>self), ref, priority)

    def __dealloc__(self):
        # Runs before the base class's: the kernel must not hear of a closed descriptor.
        if self.core != NULL:
            self.core.stop()
        self.close_fd()

    cdef close_fd(self):
        if self.own_fd and self.fd >= 0:
            close_descriptor(self.fd)
            self.fd = -1

    cdef tuple current_arguments(self, int revents):
        return (eventfd_value(self.core[0]),) + watcher.current_arguments(self, revents)

    def send(self, uint64_t amount=1):
        """Add to the counter. Any thread; never waits: BlockingIOError when it would pass its maximum."""
        self.usable()
        add_to_eventfd(self.fd, amount)

    def close(self):
        """Watch no more; close the descriptor if it came with the watcher."""
        self.stop()
        self.close_fd()

    @property
    def value(self):
        """What was taken from the counter last."""
        return 0 if self.core == NULL else eventfd_value(self.core[0])

    def _format(self):
        return f" fd={self.fd}"
