# cython: language_level=3, binding=True, auto_pickle=False
"""What every task of a thread pool goes through: to a worker thread, and back as a result.

How jobs wait and how results come home is in cpp/thread. How many threads there are, and what gevent promises of its
pools, is in gevent/threadpool/__init__.py. Native because a task's whole price is otherwise these few steps.

Everything here is guarded by the GIL. `TaskQueue.serve` alone gives it up, while its thread sleeps.
"""
import sys
import threading

from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cython.operator cimport dereference
from libc.stdint cimport int64_t, uint64_t
from libcpp.memory cimport unique_ptr

from gevent._native.hub import get_hub_if_exists

from bridge cimport CoreLoop, CoreWaitQueue, call_soon, current_loop, loop_of, park_in


cdef extern from "base/fork_generation.h" namespace "gevent" nogil:
    uint64_t fork_generation()

cdef extern from "thread/job_queue.h" namespace "gevent" nogil:
    cdef cppclass Job:
        Job()
        void* owner

    cdef cppclass CoreJobQueue "gevent::JobQueue":
        CoreJobQueue()
        void push(Job& job) except +
        Job* try_take() except +
        size_t size() except +

cdef extern from "thread/task_counts.h" namespace "gevent" nogil:
    cdef cppclass TaskCounts:
        TaskCounts(int64_t limit) except +
        CoreWaitQueue room
        CoreWaitQueue idle
        CoreWaitQueue left
        bint try_reserve()
        void offer_room()
        void finish()
        void set_limit(int64_t)
        int64_t unfinished()
        void note_asked()
        void note_parted(bint asked)
        int64_t staying(int64_t threads)

cdef extern from "python/wait/job_wait.h" namespace "gevent":
    Job* wait_for_job(CoreJobQueue& queue, double timeout_s) except? NULL
    bint hub_is_inhabited_natively "gevent::hub_is_inhabited" ()

cdef extern from "thread/completions.h" namespace "gevent":
    cdef cppclass CoreCompletions "gevent::Completions":
        void expect()
        void give_up()
        bint post(Job& job) except +
        void notify()
        void disconnect()
        bint alive()

cdef extern from *:
    """
    // Cython's noexcept is not C++'s.
    static inline gevent::Completions* make_completions(gevent::Loop& loop, void (*deliver)(void*, gevent::Job&),
                                                        void* owner) {
      return new gevent::Completions(loop, reinterpret_cast<gevent::Completions::Deliver>(deliver), owner);
    }
    static inline void hold(gevent::Loop& loop) {
      loop.hold();
      ++loop.idle_holds;
    }
    static inline void release(gevent::Loop& loop) {
      --loop.idle_holds;
      if (!loop.abandoned()) loop.release();
    }
    """
    void hold(CoreLoop& loop)
    void release(CoreLoop& loop)
    CoreCompletions* make_completions(CoreLoop& loop, void (*deliver)(void*, Job&) noexcept, void* owner) except +


cdef class Results:
    """The way home of results to one hub."""

    cdef CoreCompletions* core
    cdef uint64_t generation
    cdef readonly object hub

    def __cinit__(self, hub):
        self.core = make_completions(loop_of(hub.loop)[0], deliver, <void*>self)
        self.generation = fork_generation()
        self.hub = hub

    def __dealloc__(self):
        del self.core

    cdef inline bint usable(self):
        return self.generation == fork_generation() and self.core.alive()


cdef void deliver(void* owner, Job& job) noexcept:
    cdef ThreadResult result = <ThreadResult>job.owner
    Py_DECREF(result)  # posting held it
    result.expected = False
    try:
        result._on_async()
    except BaseException as error:
        result.hub.handle_error(result, type(error), error, error.__traceback__)


def _nobody(result):
    """Stands in for the receiver of a result that was delivered."""


cdef class ThreadResult:
    """ThreadResult(receiver, hub, call_when_ready)
--

Brings what a worker thread found out to the hub that asked.

    The worker calls `set` or `handle_error`, once; the hub then calls ``call_when_ready()`` and ``receiver(result)``.
    Until that has happened the hub's loop goes on. From gevent.
    """

    cdef public object receiver
    cdef public object hub
    cdef public object context
    cdef public object value
    cdef public object exc_info
    cdef object call_when_ready
    cdef object func
    cdef tuple args
    cdef dict kwargs
    cdef Results results
    cdef TaskQueue queue
    cdef bint expected
    cdef Job job

    __slots__ = ("exc_info", "async_watcher", "_call_when_ready", "value", "context", "hub", "receiver")

    def __init__(self, receiver, hub, call_when_ready):
        self.prepare(receiver, Results(hub))
        self.call_when_ready = call_when_ready

    cdef void prepare(self, receiver, Results results):
        self.receiver = receiver
        self.results = results
        self.hub = results.hub
        self.exc_info = ()
        self.job.owner = <void*>self
        if not self.expected:
            self.expected = True
            results.core.expect()

    def __dealloc__(self):
        if self.expected and self.results is not None and self.results.usable():
            self.results.core.give_up()

    @property
    def async_watcher(self):
        """What wakes the hub up; None once the result was delivered. One object for all results of a pool."""
        return self.results if self.expected else None

    @property
    def exception(self):
        """The exception that the task raised, or None."""
        return self.exc_info[1] if self.exc_info else None

    def successful(self):
        """Whether the task did not raise."""
        return self.exception is None

    def set(self, value):
        """Send `value` home. Any thread; does not wait."""
        self.value = value
        if self.post():
            self.results.core.notify()

    def handle_error(self, context, exc_info):
        """Send an exception home, which the hub will report as of `context`. Any thread; does not wait."""
        self.context = context
        self.exc_info = exc_info
        if self.post():
            self.results.core.notify()

    def destroy_in_main_thread(self):
        """Let go of everything without delivering. Only the hub's own thread may call this."""
        if self.expected:
            self.expected = False
            if self.results.usable():
                self.results.core.give_up()
        self.forget()

    cdef bint post(self):
        if not self.expected or not self.results.usable():
            return False  # nobody is left to tell
        Py_INCREF(self)
        return self.results.core.post(self.job)

    cdef void forget(self):
        self.context = self.value = self.call_when_ready = None
        self.exc_info = ()
        self.receiver = _nobody

    def _on_async(self):
        try:
            if self.queue is not None:
                self.queue.counts.get().finish()
            if self.call_when_ready is not None:
                self.call_when_ready()
            self.receiver(self)
            if self.exc_info:
                self.hub.handle_error(self.context, *self.exc_info)
        finally:
            self.forget()


cdef class TaskQueue:
    """The tasks of one pool, and the count of its threads: see cpp/thread/task_counts.h for their limits.

    Belongs to one process: a forked child must make another.
    """

    cdef CoreJobQueue* core
    cdef uint64_t generation
    cdef Results results
    cdef unique_ptr[TaskCounts] counts
    cdef readonly set workers
    cdef bint untold  # the hub does not know yet that results have come

    def __cinit__(self, hub, Py_ssize_t limit):
        self.core = new CoreJobQueue()
        self.generation = fork_generation()
        self.results = Results(hub)
        self.workers = set()
        self.counts.reset(new TaskCounts(limit))

    def __dealloc__(self):
        # In a forked child its lock may be held by a thread that is not there.
        if self.generation == fork_generation():
            del self.core

    def __len__(self):
        return self.qsize()

    def qsize(self):
        """How many tasks no thread has begun."""
        return 0 if self.inherited else self.core.size()

    @property
    def inherited(self):
        """Whether this came with a fork, so that the threads it counts do not exist here."""
        return self.generation != fork_generation()

    def leave_behind(self):
        """In a forked child: do not wait for results any more that nobody is there to bring."""
        self.results.core.disconnect()

    # -- the hub's side --

    def reserve(self):
        """Take a place for one task; park until there is one."""
        while not self.counts.get().try_reserve():
            try:
                park_in(self.counts.get().room, -1, NULL)
            except BaseException:
                # The place may have been offered to this greenlet already.
                self.counts.get().offer_room()
                raise

    def submit(self, receiver, func, tuple args, dict kwargs):
        """Put ``func(*args, **kwargs)`` in line, on a reserved place; `receiver(result)` is called when it is done."""
        cdef ThreadResult result = ThreadResult.__new__(ThreadResult)
        result.prepare(receiver, self.results)
        result.queue = self
        result.func = func
        result.args = args
        result.kwargs = kwargs
        Py_INCREF(result)
        self.core.push(result.job)

    @property
    def unfinished_tasks(self):
        """How many tasks have a place: they wait, run, or bring their results home."""
        return self.counts.get().unfinished()

    def set_limit(self, Py_ssize_t limit):
        """Change how many threads there may be, and with it how many tasks may be under way."""
        self.counts.get().set_limit(limit)

    def wait_idle(self):
        """Park until no task is left."""
        while self.counts.get().unfinished():
            park_in(self.counts.get().idle, -1, NULL)

    def wait_left(self):
        """Park until some thread has ended."""
        cdef CoreLoop* loop = current_loop()
        # No watcher tells the loop that somebody will come.
        hold(loop[0])
        try:
            park_in(self.counts.get().left, -1, NULL)
        finally:
            release(loop[0])

    @property
    def staying(self):
        """How many threads there are that have not been asked to end."""
        return self.counts.get().staying(len(self.workers))

    def dismiss(self, Py_ssize_t count):
        """Ask `count` threads to end, each after the tasks that are in line now. Does not wait."""
        cdef Job* farewell  # the one without an owner
        for _ in range(count):
            self.counts.get().note_asked()
            farewell = new Job()
            self.core.push(dereference(farewell))

    # -- the worker's side --

    def serve(self, worker, double idle_timeout):
        """Run tasks in the calling thread until it is dismissed.

        worker
            whose ``_before_run_task`` and ``_after_run_task`` are called around each.
        idle_timeout
            seconds without a task after which ``worker._on_idle()`` is called, and again as long as that leaves a hub;
            negative: never.
        """
        cdef Job* job
        cdef bint hooked = not worker._has_no_hooks
        cdef double timeout = idle_timeout
        while True:
            job = self.core.try_take()
            if job == NULL:
                # A frame of Python's, by which whoever prints stacks sees that this thread sleeps.
                job = <Job*><size_t>worker._wait_for_task(timeout)
                if job == NULL:
                    worker._on_idle()
                    if get_hub_if_exists() is None:
                        timeout = -1
                    continue
            else:
                self.tell()
            if job.owner == NULL:
                del job
                return
            timeout = idle_timeout
            self.run(worker, <PyObject*>job.owner, hooked)

    def sleep(self, double timeout):
        """Wait until there is a task; return where, for `serve`, or 0 after `timeout` seconds.

        Blocks the calling thread, unless something lives in its hub: that runs meanwhile.
        """
        # At the last moment: as soon as the hub's thread wakes it wants the GIL.
        self.tell()
        return <size_t>wait_for_job(dereference(self.core), timeout)

    cdef inline void tell(self):
        if self.untold:
            self.untold = False
            if self.results.usable():
                self.results.core.notify()

    cdef run(self, worker, PyObject* owner, bint hooked):
        cdef ThreadResult result = <ThreadResult>owner
        Py_DECREF(result)  # being in line held it
        func, args, kwargs = result.func, result.args, result.kwargs
        result.func = result.args = result.kwargs = None
        try:
            try:
                if hooked:
                    worker._before_run_task(func, args, kwargs, result)
                elif threading._profile_hook is not None or threading._trace_hook is not None:
                    worker._before_run_task(func, args, kwargs, result)
                result.value = func(*args, **kwargs)
            finally:
                if hooked or sys.getprofile() is not None or sys.gettrace() is not None:
                    worker._after_run_task(func, args, kwargs, result)
        except BaseException as error:
            result.value = None
            result.handle_error((worker, func), (type(error), error, error.__traceback__))
        else:
            if result.post():
                self.untold = True

    def joined(self, worker):
        """Count `worker`, whose thread is about to start."""
        self.workers.add(worker)

    def parted(self, worker, bint asked):
        """Strike `worker` out, whose thread is about to end, because it was `asked` to or not. Any thread."""
        self.workers.discard(worker)
        self.counts.get().note_parted(asked)


def hub_is_inhabited():
    """Whether anything lives in the calling thread's hub: something waits there, or is about to run."""
    return hub_is_inhabited_natively()


def call_in_hub(hub, function, argument):
    """Have ``function(argument)`` called in `hub`, soon. Any thread; does not wait."""
    call_soon(loop_of(hub.loop)[0], function, <PyObject*>argument)


__all__ = ["Results", "TaskQueue", "ThreadResult", "call_in_hub", "hub_is_inhabited"]
