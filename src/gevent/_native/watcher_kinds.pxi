# The kinds of watchers, part of loop.pyx. What they have in common is in watchers.pxi.
@cython.no_gc
cdef class io(watcher):
    """A descriptor is ready for READ, WRITE or either.

    `native_waits` is for the socket whose public watcher this is: a weak reference to it, since its own calls wait
    without this watcher. Ours.
    """
    cdef uint64_t room[kWatcherWords]
    cdef public object native_waits

    def __init__(self, Loop loop, int fd, int events, ref=True, priority=None):
        cdef CoreLoop* core_loop = self.core_loop(loop)
        self.check(fd, events)
        self.own(make_io(self.room, core_loop[0], fd, events & ~kIoFdSet, on_event, <void*>self), ref, priority)
        self.stop_on_error = True

    def close(self):
        """The same as `stop`; the descriptor may then be closed."""
        self.stop()
        if self.core != NULL:
            (<CoreIo*>self.core).forget()

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
    def descriptor_closed(self):
        """Whether the descriptor was closed, or found closed, since this was last started. Ours."""
        return bool((<CoreIo*>self.made()).fresh)

    @property
    def events(self):
        """READ, WRITE or both; on libev, before the first start, or after a change, also its _IOFDSET."""
        cdef CoreIo* core = <CoreIo*>self.made()
        return core.events() | (self.loop.io_mark if core.fresh else 0)

    @events.setter
    def events(self, int value):
        cdef CoreIo* core = self.changeable("events")
        self.check(0, value)
        core.set(core.fd(), value & ~kIoFdSet)

    @property
    def _watcher_ref(self):
        # From gevent's loop on libuv: what all watchers of one descriptor share.
        return _Descriptor(self)

    @property
    def events_str(self):
        """`events` in words."""
        return _events_to_str(self.events)

    def _format(self):
        return f" fd={self.fd} events={self.events_str}"


@cython.final
cdef class _Descriptor:
    cdef Loop loop
    cdef readonly int fd

    def __init__(self, io watcher):
        self.loop = watcher.loop
        self.fd = watcher.fd

    @property
    def events(self):
        """What the active watchers of this descriptor watch together."""
        return self.loop.usable().awaited_events(self.fd)


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
        """Start, or start over, with `repeat` seconds to the first call; stop if that is 0. `update`: see `start`."""
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
            forget_eventfd(self.core[0])
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
        if self.core != NULL:
            forget_eventfd(self.core[0])
        self.close_fd()

    @property
    def value(self):
        """What was taken from the counter last."""
        return 0 if self.core == NULL else eventfd_value(self.core[0])

    def _format(self):
        return f" fd={self.fd}"
