# The watchers, part of loop.pyx.
#
# A watcher's Python object owns its C++ half, `core`. While the core is active, or has an event for which the callback
# is still to come, the object keeps itself alive: nobody else need hold it.
#
# Which is why the garbage collector does not look at watchers (no_gc), of which there may be very many: one that is
# kept is no garbage, and one that is not has forgotten its callback and refers to nothing but its loop.
cdef extern from "loop/watcher.h" namespace "gevent" nogil:
    const int kRead
    const int kWrite
    const int kIoFdSet

    cdef cppclass CoreIo "gevent::Io" (CoreWatcher):
        int fd()
        int events()
        void set(int fd, int events)
        void forget()
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

cdef extern from "python/hub/python_watchers.h" namespace "gevent":
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
    void forget_eventfd(CoreWatcher& core)
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

    start(callback, *args), stop() and close() begin and end watching; used in a `with` statement, a watcher is closed
    at the end. `ref`, `priority`, `active`, `pending`, `callback` and `args` are as in gevent.
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

    @property
    def _watcher(self):
        # From gevent's loop on libuv: what stands for it in the engine. Here the address of its C++ half.
        return <uintptr_t>self.core

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
