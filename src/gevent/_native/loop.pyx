# cython: language_level=3, binding=True, auto_pickle=False
# tidy: long because loop is one class of the API of gevent, with forty methods and properties of three lines each
"""gevent::Loop and its callbacks for Python.

What a loop does is in cpp/loop/loop.h, the GIL's part in cpp/python/hub/loop_client.h; the watchers are in
watchers.pxi and watcher_kinds.pxi, parts of this module because a loop makes watchers and a watcher needs its loop.
What users import is in gevent/libev/corecext/ and gevent/libuv/loop.py: the engine, flags, names and constants.
"""
from greenlet import getcurrent

from gevent._native.hub import get_hub_if_exists

cimport cython
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint64_t, uintptr_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr, weak_ptr
from libcpp.string cimport string

cdef extern from "loop/libev/libev_facts.h" namespace "gevent" nogil:
    cdef cppclass LibevFacts:
        int major, minor, header_major, header_minor
        unsigned supported, recommended, embeddable
    LibevFacts facts_of_libev "gevent::libev_facts" ()

cdef extern from "loop/libuv/libuv_facts.h" namespace "gevent" nogil:
    cdef cppclass LibuvFacts:
        const char* version
        int header_major, header_minor, header_patch
    LibuvFacts facts_of_libuv "gevent::libuv_facts" ()

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()

cdef extern from "sync/waiter.h" namespace "gevent" nogil:
    void note_loss "gevent::Losses::note" ()

cdef extern from "<unistd.h>" nogil:
    int close_descriptor "close" (int fd)

cdef extern from "loop/loop.h" namespace "gevent" nogil:
    cdef cppclass CoreWatcher "gevent::Watcher":
        void* owner
        CoreLoop* loop()
        void start()
        void stop()
        cbool active()
        cbool pending()
        void feed(int revents)
        cbool ref()
        void set_ref(cbool ref)
        int priority()
        void set_priority(int priority)

    ctypedef void* WatcherCallback "gevent::Watcher::Callback"
    ctypedef void* EntryRun "gevent::ReadyEntry::Run"

    cdef struct LoopFacts:
        void* native
        unsigned flags
        unsigned backend
        int descriptor
        int active
        unsigned pending
        unsigned iterations
        unsigned depth
        const char* wakeup

    enum Mode "gevent::Loop::Mode":
        kDefault "gevent::Loop::Mode::kDefault"
        kOnce "gevent::Loop::Mode::kOnce"
        kNowait "gevent::Loop::Mode::kNowait"

    cdef cppclass CoreLoop "gevent::Loop":
        void stop(cbool everything)
        cbool running()
        cbool abandoned()
        void abandon()
        double now()
        void update_now()
        void reinit()
        void hold()
        void release()
        void verify()
        void wake_up_if_blocked()
        cbool closing_fd(int fd)
        int awaited_events(int fd)
        LoopFacts facts()

cdef extern from "python/hub/loop_client.h" namespace "gevent":
    cdef cppclass PythonLoop:
        CoreLoop* core()
        void join()
        cbool leave()
        void close()
        void run(PyObject* loop_object, Mode mode)
        PyObject* running_for()
    shared_ptr[PythonLoop] make_libev_python_loop(unsigned flags) except *
    shared_ptr[PythonLoop] make_libuv_python_loop() except *
    void report_to_loop(PyObject* loop_object, PyObject* context)
    cbool call_with(object function, object arguments)
    void push_object(PythonLoop& loop, EntryRun run, object thing)
    list take_objects(CoreLoop& loop, EntryRun run)


cdef extern from "python/hub/thread_end.h" namespace "gevent":
    void sleep_instead_of_terminating_at_exit()

cdef extern from *:
    """
    // C++ wants functions whose type says that they do not throw; what Cython makes does not say so.
    static void (*python_on_event)(gevent::Watcher&, int);
    static void (*python_run_queued)(void*, void*);
    static void on_event(gevent::Watcher& watcher, int revents) noexcept { python_on_event(watcher, revents); }
    static void run_queued(void* target, void* argument) noexcept { python_run_queued(target, argument); }
    """
    void (*python_on_event)(CoreWatcher& watcher, int revents) noexcept
    void (*python_run_queued)(void* target, void* argument) noexcept
    WatcherCallback on_event
    EntryRun run_queued


# The one loop that everybody who asks for "the default" of that engine shares, while there is one.
cdef weak_ptr[PythonLoop] default_on_libev
cdef weak_ptr[PythonLoop] default_on_libuv


# What was running when it was destroyed, and who ran it.
cdef list never_run_again = []


cdef shared_ptr[PythonLoop] usable_default(weak_ptr[PythonLoop] default_loop) noexcept:
    cdef shared_ptr[PythonLoop] found = default_loop.lock()
    # Closed, or inherited in a forked child that started over: of no use.
    if found.get() != NULL and found.get().core().abandoned():
        found.reset()
    return found


def forget_default_loops():
    """Have the next who asks for a default loop get a new one, whoever has the old one."""
    default_on_libev.reset()
    default_on_libuv.reset()


@cython.no_gc  # what is queued is no garbage, and what has run or was stopped refers to nothing
@cython.freelist(256)
cdef class callback:
    """A call that `loop.run_callback` has queued.

    True, and `pending`, until it has begun to run or was stopped. From gevent.
    """
    cdef public object callback
    cdef public tuple args

    def __init__(self, callback, args):
        self.callback = callback
        self.args = args

    def stop(self):
        """Do not make the call, if it has not begun. Does not wait."""
        self.callback = None
        self.args = None

    close = stop

    @property
    def pending(self):
        """Whether the call is still to come."""
        return self.callback is not None

    def __bool__(self):
        return self.callback is not None

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x}{self._format()}>"

    def _format(self):
        if self.callback is None and self.args is None:
            return " stopped"
        text = "" if self.callback is None else f" pending callback={self.callback!r}"
        return text if self.args is None else f"{text} args={self.args!r}"


cdef void make_queued_call(void* target, void* python_loop) noexcept:
    cdef callback self = <callback>target
    Py_DECREF(self)  # the queue's reference
    cdef object function = self.callback
    if function is None:
        return
    # From here on it is not pending; the arguments stay, for error reports.
    self.callback = None
    cdef tuple arguments = self.args
    if not call_with(function, () if arguments is None else arguments):
        report_to_loop((<PythonLoop*>python_loop).running_for(), <PyObject*>self)
    self.args = None


python_run_queued = make_queued_call
sleep_instead_of_terminating_at_exit()


cdef class Loop:
    """An event loop. Use `gevent.libev.corecext.loop` or `gevent.libuv.loop.loop`: this one has no engine yet.

    One thread runs a loop; only `run_callback`, `run_callback_threadsafe` and `async_.send` may be called from others.
    Everything raises ValueError after `destroy`, except stopping watchers.
    """
    cdef shared_ptr[PythonLoop] shared
    cdef CoreLoop* core  # shared's, or NULL
    cdef cbool is_default
    cdef cbool destroy_after_run
    cdef int io_mark  # what is shown in io.events of a watcher that the engine has not seen yet
    cdef public object error_handler

    # Seconds. Nothing is promised below this.
    approx_timer_resolution = 0.00001
    MINPRI = -2
    MAXPRI = 2

    def _open_libev(self, unsigned flags, default):
        # This or _open_libuv is called once, by the constructors of public classes.
        global default_on_libev
        cdef shared_ptr[PythonLoop] found
        if default:
            found = usable_default(default_on_libev)
        if found.get() == NULL:
            found = make_libev_python_loop(flags)
            if default:
                default_on_libev = weak_ptr[PythonLoop](found)
        self.io_mark = kIoFdSet
        self.take(found, default)

    def _open_libuv(self, default):
        global default_on_libuv
        cdef shared_ptr[PythonLoop] found
        if default:
            found = usable_default(default_on_libuv)
        if found.get() == NULL:
            found = make_libuv_python_loop()
            if default:
                default_on_libuv = weak_ptr[PythonLoop](found)
        self.take(found, default)

    cdef void take(self, shared_ptr[PythonLoop] found, cbool default) noexcept:
        self.shared = found
        found.get().join()
        self.core = found.get().core()
        self.is_default = default

    cdef CoreLoop* usable(self) except NULL:
        if self.core == NULL:
            raise ValueError(f"{self!r} cannot be used any more")
        return self.core

    # ---- running --------------------------------------------------------------------------------------------------

    def run(self, nowait=False, once=False):
        """Run callbacks and watchers until nothing that has `ref` is active and no callback is queued.

        nowait
            go round once, without waiting for events.
        once
            go round once, waiting for an event if no callback is queued.

        Waits, in the operating system. Exceptions of callbacks go to `handle_error`. From gevent.
        """
        self.usable()
        cdef shared_ptr[PythonLoop] shared = self.shared  # stays, whatever the callbacks do
        shared.get().run(<PyObject*>self, kNowait if nowait else kOnce if once else kDefault)
        if self.destroy_after_run and self.core != NULL and not self.core.running():
            self._close()

    def break_(self, how=1):
        """Make the innermost `run` return after the callbacks of this round; with `how` 2, those around it as well."""
        self.usable().stop(how == 2)

    def run_callback(self, func, *args):
        """Queue `func(*args)`, to be called by `run` after what is queued already; return the `callback`."""
        if self.core == NULL:
            self.usable()
        cdef callback queued = callback.__new__(callback)
        queued.callback = func
        queued.args = args
        push_object(self.shared.get()[0], run_queued, queued)
        return queued

    def run_callback_threadsafe(self, func, *args):
        """The same as `run_callback`, which any thread may call here. From gevent, where it needs this one."""
        return self.run_callback(func, *args)

    def destroy(self):
        """Give the loop up: no watcher or callback of it will run any more. Does not wait.

        A loop that is running ends its round first; one that a hub was running whose place another has taken, as after
        `gevent.hub.set_hub(None)` in a forked child, is left as it is and never runs again. The process's default loop
        lives as long as another object stands for it. From gevent.
        """
        if self.core == NULL:
            return
        self.is_default = False
        if self.core.running() and self._left_behind():
            # Nobody will come back to run it, so nothing of it can be ended; that it never runs again does as well.
            never_run_again.append((self, self.error_handler))
            self.core.abandon()
            note_loss()
            self.core = NULL
        elif self.core.running():
            self.destroy_after_run = True
            self.core.stop(True)
            self.core.wake_up_if_blocked()
        else:
            self._close()

    cdef bint _left_behind(self):
        # The hub that is in the middle of running it is this thread's, but has been replaced.
        hub = self.error_handler
        if hub is None or hub is get_hub_if_exists() or hub is getcurrent():
            return False
        return getattr(hub, "thread_ident", None) == PyThread_get_thread_ident()

    cdef _close(self):
        self.destroy_after_run = False
        self.is_default = False
        if self.shared.get().leave() and not self.core.abandoned():
            for queued in take_objects(self.core[0], run_queued):
                (<callback>queued).stop()
            for kept in owners_of_watchers(self.core[0], on_event):
                (<watcher>kept).stop()
            self.shared.get().close()
        # Not `shared`: greenlets that wait in it point to the core for as long as they live.
        self.core = NULL

    def __dealloc__(self):
        if self.core != NULL and self.shared.get().leave() and not self.core.abandoned():
            for queued in take_objects(self.core[0], run_queued):
                (<callback>queued).stop()
            self.shared.get().close()

    # ---- errors ---------------------------------------------------------------------------------------------------

    def handle_error(self, context, type, value, tb):
        """Called with each exception that a callback raised: passes it to `error_handler.handle_error`, or prints it.

        context
            the watcher or `callback` that failed; None: a signal handler of Python's.
        """
        if self.error_handler is not None:
            return self.error_handler.handle_error(context, type, value, tb)
        import traceback
        traceback.print_exception(type, value, tb)

    # ---- time -----------------------------------------------------------------------------------------------------

    def now(self):
        """The time, in seconds since the epoch, as of the last round or `update_now`."""
        return self.usable().now()

    def update_now(self):
        """Let `now` be the real time."""
        self.usable().update_now()

    update = update_now

    # ---- fork, references, descriptors ------------------------------------------------------------------------------

    def reinit(self):
        """In a forked child: make the loop independent of the parent's. `run` does so by itself. From gevent."""
        if self.core != NULL:
            self.core.reinit()

    def ref(self):
        """Keep `run` from returning until as many `unref` were called."""
        self.usable().hold()

    def unref(self):
        """Take back one `ref`."""
        self.usable().release()

    def closing_fd(self, fd):
        """Tell that `fd` is about to be closed: its watchers are called once more, and stopped.

        Returns whether there are any. From gevent.
        """
        return bool(self.usable().closing_fd(fd))

    def fileno(self):
        """The descriptor that the loop sleeps on; None when there is none or it cannot be known."""
        if self.core == NULL:
            return None
        fd = self.core.facts().descriptor
        return fd if fd >= 0 else None

    def install_sigchld(self):
        """Does nothing: children are watched without SIGCHLD, which stays its owner's. From gevent, which needs it."""

    reset_sigchld = install_sigchld

    # ---- what it is -----------------------------------------------------------------------------------------------

    @property
    def _core(self):
        # For the bindings: `gevent::Loop*`. Valid as long as this loop is neither destroyed nor collected.
        return PyCapsule_New(<void*>self.usable(), "gevent.Loop", NULL)

    @property
    def default(self):
        """Whether this is the process's default loop, the main thread's."""
        return bool(self.is_default)

    @property
    def ptr(self):
        """The address of the engine's loop; 0 when destroyed."""
        return 0 if self.core == NULL else <uintptr_t>self.core.facts().native

    @property
    def backend_int(self):
        """The engine's number for the system call it waits with."""
        return self.usable().facts().backend

    @property
    def wakeup(self):
        """What another thread ends this loop's sleep with: eventfd, kqueue or pipe; None when it is destroyed. Ours."""
        if self.core == NULL:
            return None
        cdef const char* name = self.core.facts().wakeup
        return None if name == NULL else name.decode()

    @property
    def origflags_int(self):
        """The engine's flags that the loop was made with."""
        return self.usable().facts().flags

    @property
    def activecnt(self):
        """How many watchers and references keep `run` from returning. Costs time in proportion to all watchers."""
        return self.usable().facts().active

    @property
    def pendingcnt(self):
        """How many events wait for their callbacks."""
        return self.usable().facts().pending

    @property
    def iteration(self):
        """How many rounds there have been."""
        return self.usable().facts().iterations

    @property
    def depth(self):
        """How many calls of `run` are going on, one within the other."""
        return self.usable().facts().depth

    @property
    def sig_pending(self):
        """0. From gevent, where it is a detail of libev's."""
        self.usable()
        return 0

    @property
    def sigfd(self):
        """AttributeError: signals are not read from a descriptor. From gevent, where this is a detail of libev's."""
        raise AttributeError("sigfd")

    @property
    def _keepaliveset(self):
        # From gevent's loop on libuv, where its tests look at it: the watchers that nobody else need hold.
        return _KeptWatchers(self)

    @property
    def WatcherType(self):
        """What all watchers of this loop are instances of."""
        return watcher

    def verify(self):
        """Stop the process if the engine finds its own data damaged. For debugging."""
        self.usable().verify()

    def debug(self):
        """Return lines of text about the loop and each active watcher that Python code made."""
        lines = [repr(self)]
        if self.core != NULL and not self.core.abandoned():
            lines += [repr(found) for found in owners_of_watchers(self.core[0], on_event) if found.active]
        return lines

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x} {self._format()}>"

    def _format(self):
        if self.core == NULL:
            return "destroyed"
        facts = self.core.facts()
        default = " default" if self.is_default else ""
        return f"{self.backend}{default} pending={facts.pending} ref={facts.active}{self._format_details()}"

    def _format_details(self):
        fd = self.fileno()
        return "" if fd is None else f" fileno={fd}"

    # ---- watchers -------------------------------------------------------------------------------------------------
    # `ref`: whether it keeps run() from returning while active. `priority`: -2 to 2; higher is called earlier.

    def io(self, fd, events, ref=True, priority=None):
        """Watch a descriptor. `events`: READ, WRITE or both. ValueError for a negative `fd` or other events."""
        return io(self, fd, events, ref, priority)

    def timer(self, after, repeat=0.0, ref=True, priority=None):
        """Fire `after` seconds after the start, then every `repeat` seconds if that is above 0."""
        cdef timer made = timer.__new__(timer)
        made.set_up(self, after, repeat, ref, priority)
        return made

    def signal(self, signum, ref=True, priority=None):
        """Watch a signal of this process. Takes it from whoever has it, while active."""
        return signal(self, signum, ref, priority)

    def idle(self, ref=True, priority=None):
        """Fire again and again, as long as there is nothing else of its priority or above to do."""
        return idle(self, ref, priority)

    def prepare(self, ref=True, priority=None):
        """Fire each time the loop is about to wait for events."""
        return prepare(self, ref, priority)

    def check(self, ref=True, priority=None):
        """Fire each time the loop has waited for events."""
        return check(self, ref, priority)

    def fork(self, ref=True, priority=None):
        """Fire in each forked child, once it runs the loop."""
        return fork(self, ref, priority)

    def async_(self, ref=True, priority=None):
        """Fire after `send()`, which any thread may call."""
        return async_(self, ref, priority)

    # gevent keeps this name, which has been a keyword since Python 3.7.
    async = async_

    def child(self, pid, trace=0, ref=True):
        """Watch for the end of a child process, and reap it. Any loop will do. `trace` has no meaning any more."""
        return child(self, pid, trace, ref)

    def stat(self, path, interval=0.0, ref=True, priority=None):
        """Watch a file's attributes. `interval`: seconds between looks where the system tells nothing; 0: about 5."""
        return stat(self, path, interval, ref, priority)

    def eventfd(self, fd=None, initial=0, semaphore=False, ref=True, priority=None):
        """Watch an eventfd, and take its counter each time it is above zero. Ours; OSError where there is no eventfd.

        fd
            an eventfd with O_NONBLOCK, which stays the caller's; None: a new one, closed with the watcher.
        initial, semaphore
            of the new one: its first count; whether each callback takes 1 instead of everything.
        """
        return eventfd(self, fd, initial, semaphore, ref, priority)


include "watchers.pxi"
include "watcher_kinds.pxi"


@cython.final
cdef class _KeptWatchers:
    cdef Loop loop

    def __init__(self, Loop loop):
        self.loop = loop

    def __contains__(self, one):
        return isinstance(one, watcher) and (<watcher>one).loop is self.loop and (<watcher>one).kept


loop = Loop


def libev_facts():
    """What gevent.libev.corecext needs to know of libev, as a dict: versions are (major, minor), backends are flags."""
    cdef LibevFacts facts = facts_of_libev()
    return {
        "version": (facts.major, facts.minor),
        "header_version": (facts.header_major, facts.header_minor),
        "supported": facts.supported,
        "recommended": facts.recommended,
        "embeddable": facts.embeddable,
    }


def libuv_facts():
    """What gevent.libuv.loop needs to know of libuv, as a dict of its versions."""
    cdef LibuvFacts facts = facts_of_libuv()
    return {
        "version": facts.version.decode(),
        "header_version": f"{facts.header_major}.{facts.header_minor}.{facts.header_patch}",
    }
