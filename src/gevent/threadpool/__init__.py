"""Pools of native threads, for what would stop the hub: blocking calls of C libraries, files, the system's resolver.

    result = gevent.get_hub().threadpool.apply(zlib.compress, (data,))

A `ThreadPool` belongs to the hub of the thread that made it. The greenlets of that thread give it functions and wait
for the results as for anything else; the functions run in threads that know nothing of each other.

How tasks and results travel is in gevent._native.threadpool; what is decided here is how many threads there are.
"""

import os
import sys
import traceback
import weakref
from _thread import get_ident

from greenlet import getcurrent, greenlet as RawGreenlet

from gevent._config import config
from gevent._hub_local import get_hub, get_hub_if_exists
from gevent._native.hub import looked_in_vain
from gevent._native.threadpool import TaskQueue, ThreadResult, call_in_hub, hub_is_inhabited
from gevent.event import AsyncResult
from gevent.exceptions import InvalidThreadUseError
from gevent.pool import GroupMappingMixin

__all__ = ["ThreadPool", "ThreadPoolExecutor", "ThreadResult"]  # noqa: F822 - __getattr__ has one of them


def _get_thread_profile(_sys=sys):
    """The profile function that new threads are to run under, or None."""
    threading = _sys.modules.get("threading")
    return None if threading is None else threading._profile_hook


def _get_thread_trace(_sys=sys):
    """The trace function that new threads are to run under, or None."""
    threading = _sys.modules.get("threading")
    return None if threading is None else threading._trace_hook


def _describe_hub(hub):
    if hub is None:
        return "<missing>"
    return f"<{type(hub).__name__} at {hex(id(hub))} thread_ident={hex(hub.thread_ident or 0)}>"


class _WorkerGreenlet(RawGreenlet):
    """The one greenlet of a worker thread in which all its tasks run.

    A subclass may override `_before_run_task` and `_after_run_task`, which are called around each task, in its thread.
    """

    # Looked at by gevent.util, which prints each thread's greenlets as a tree.
    greenlet_tree_is_root = True
    spawn_tree_locals = None
    spawning_greenlet = None
    spawning_stack = None

    _thread_ident = 0
    _stderr = None  # where a failure of the thread itself is reported; None: sys.stderr

    def __init__(self, threadpool):
        RawGreenlet.__init__(self)
        # Not the pool itself: when the last user lets go of it, its threads are to end.
        self._tasks = threadpool.task_queue
        self._pool = weakref.ref(threadpool)
        self._hub = threadpool.hub
        self._idle_task_timeout = threadpool._idle_task_timeout
        self._tasks.joined(self)

    @property
    def _has_no_hooks(self):
        """Whether the hooks around tasks are the ones below, which matter only to profilers and tracers."""
        kind = type(self)
        return (
            kind._before_run_task is _WorkerGreenlet._before_run_task
            and kind._after_run_task is _WorkerGreenlet._after_run_task
        )

    def _begin(self):
        """What the new thread runs. A greenlet that has not begun may still move to another thread."""
        self.parent = getcurrent()
        self._thread_ident = get_ident()
        self.switch()

    def run(self):
        """Do tasks until dismissed. Whenever there is none, blocks the thread, or runs what lives in its hub."""
        asked = False
        try:
            self._tasks.serve(self, self._idle_task_timeout)
            asked = True
        except BaseException as error:  # noqa: B036 - the thread ends here, and nobody else could be told
            stream = self._stderr or sys.stderr
            if stream is not None:
                print("Failed to run worker thread", repr(self), file=stream)
                traceback.print_exception(type(error), error, error.__traceback__, file=stream)
        finally:
            self._on_idle()
            self._tasks.parted(self, asked)
            pool = self._pool()
            if pool is not None and not asked:
                # Its tasks may have nobody to do them now.
                call_in_hub(self._hub, type(pool).adjust, pool)
            del pool
            self._leave_hub()

    def _wait_for_task(self, timeout):
        # gevent.util.is_idle_threadpool_worker() knows this name.
        return self._tasks.sleep(timeout)

    def _before_run_task(
        self,
        func,
        args,
        kwargs,
        thread_result,
        _sys=sys,
        _get_thread_profile=_get_thread_profile,
        _get_thread_trace=_get_thread_trace,
    ):
        """Called in the thread before ``func(*args, **kwargs)``. An exception takes the place of the task's."""
        # Setting even None is an event for audit hooks: only where there is something to set.
        profile, trace = _get_thread_profile(), _get_thread_trace()
        if profile is not None:
            _sys.setprofile(profile)
        if trace is not None:
            _sys.settrace(trace)

    def _after_run_task(self, func, args, kwargs, thread_result, _sys=sys):
        """Called in the thread after the task, however it ended."""
        if _sys.getprofile() is not None:
            _sys.setprofile(None)
        if _sys.gettrace() is not None:
            _sys.settrace(None)

    def _on_idle(self):
        """Give back what tasks have left behind in this thread: its hub, if one of them used gevent.

        It stays while anything lives there, such as a greenlet that a task has started as a thread.
        """
        hub = get_hub_if_exists()
        if hub is not None and not hub_is_inhabited():
            hub.destroy(True)

    def _leave_hub(self):
        """The pool needs this thread no more; what lives in its hub may do so to its end, as a thread would."""
        hub = get_hub_if_exists()
        if hub is not None:
            if hub.parent is getcurrent() and hub_is_inhabited():
                # Until nobody waits there, for another thread either, or none is left that could wake them.
                hub._join(None, hub_is_inhabited)
            hub.destroy(True)

    def __repr__(self):
        return (
            f"<ThreadPoolWorker at {hex(id(self))} thread_ident={hex(self._thread_ident)} "
            f"threadpool-hub={_describe_hub(self._hub)}>"
        )


class _EndOfPool:
    """What becomes of a pool's threads and watcher once nobody has the pool any more."""

    __slots__ = ("tasks", "watcher")

    def __init__(self):
        self.tasks = self.watcher = None

    def __del__(self):
        # After a fork the threads are not there.
        if self.tasks is not None and not self.tasks.inherited:
            self.tasks.dismiss(self.tasks.staying)
        if self.watcher is not None:
            self.watcher.close()


class ThreadPool(GroupMappingMixin):
    """At most `maxsize` native threads, started when they are needed, that call functions for this thread's greenlets.

    maxsize
        how many threads there may be.
    hub
        whose thread may use the pool, and where results arrive; None: the calling thread's.
    idle_task_timeout
        seconds without a task after which a thread destroys the hub that a task may have made in it; -1: as
        `gevent.config.threadpool_idle_task_timeout` says; other negative numbers: never.

    ``len(pool)`` is the number of tasks that are not done. From gevent.
    """

    _WorkerGreenlet = _WorkerGreenlet

    __slots__ = (
        "hub",
        "manager",
        "task_queue",
        "fork_watcher",
        "pid",
        "_maxsize",
        "_idle_task_timeout",
        "_end_of_pool",
        "__weakref__",
    )

    def __init__(self, maxsize, hub=None, idle_task_timeout=-1):
        self._maxsize = _checked_size(maxsize, "maxsize")
        self.hub = get_hub() if hub is None else hub
        if idle_task_timeout == -1:
            idle_task_timeout = config.threadpool_idle_task_timeout
        self._idle_task_timeout = -1 if idle_task_timeout is None else idle_task_timeout
        self.manager = None
        self._end_of_pool = _EndOfPool()
        self._open()
        self.fork_watcher = self._end_of_pool.watcher = self.hub.loop.fork(ref=False)
        # Weakly: a loop lives longer than most of its pools.
        self.fork_watcher.start(_revive, weakref.ref(self))

    def _open(self):
        self.task_queue = self._end_of_pool.tasks = TaskQueue(self.hub, self._maxsize)
        self.pid = os.getpid()

    def __repr__(self):
        return (
            f"<{type(self).__name__} at {hex(id(self))} tasks={len(self)} size={self.size} maxsize={self.maxsize} "
            f"hub={_describe_hub(self.hub)}>"
        )

    def __len__(self):
        tasks = 0 if self.task_queue.inherited else self.task_queue.unfinished_tasks
        if tasks:
            looked_in_vain()
        return tasks

    # -- how many threads --

    @property
    def maxsize(self):
        """How many threads there may be. Lowering it lets threads that are too many end after the tasks in line."""
        return self._maxsize

    @maxsize.setter
    def maxsize(self, maxsize):
        self._maxsize = _checked_size(maxsize, "maxsize")
        self._revive()
        self.task_queue.set_limit(maxsize)
        self.adjust()

    @property
    def size(self):
        """How many threads there are. Setting it starts threads, or waits until enough of them have ended."""
        return 0 if self.task_queue.inherited else len(self.task_queue.workers)

    @size.setter
    def size(self, size):
        if not 0 <= size <= self._maxsize:
            raise ValueError(f"the size of this pool must be from 0 to {self._maxsize}, not {size!r}")
        self._revive()
        tasks = self.task_queue
        while tasks.staying < size:
            self._add_thread()
        while len(tasks.workers) > size:
            # Tasks that come meanwhile may have started new ones.
            if tasks.staying > size:
                tasks.dismiss(tasks.staying - size)
            hub = get_hub_if_exists()
            if hub is not None and (hub.dead or getcurrent() is hub):
                break  # nobody can wait there; they end by themselves
            tasks.wait_left()

    def adjust(self):
        """Start threads as far as tasks wait for them and `maxsize` allows, or dismiss some. Does not wait."""
        tasks = self.task_queue
        while tasks.staying < min(self._maxsize, tasks.unfinished_tasks):
            self._add_thread()
        if tasks.staying > self._maxsize:
            tasks.dismiss(tasks.staying - self._maxsize)

    def _add_thread(self):
        from gevent._threading import start_new_thread

        worker = self._WorkerGreenlet(self)
        try:
            start_new_thread(worker._begin, ())
        except BaseException:
            self.task_queue.parted(worker, False)
            raise

    # -- fork --

    def _revive(self):
        """In a forked child, begin anew without threads and tasks: neither came along."""
        if self.task_queue.inherited:
            # The hub may have been abandoned with the parent's greenlets, or be that of a thread which is not here.
            self.hub = get_hub()
            self.task_queue.leave_behind()
            self._open()

    _on_fork = _revive

    # -- tasks --

    def spawn(self, func, *args, **kwargs):
        """Have ``func(*args, **kwargs)`` called in a thread; return an `AsyncResult` for what it returns or raises.

        Waits while as many tasks as the pool has room for are under way. InvalidThreadUseError in any thread but the
        pool's own, because results come back to that one's hub.
        """
        tasks = self.task_queue
        if tasks.inherited:
            self._revive()
            tasks = self.task_queue
        if get_hub_if_exists() is not self.hub:
            raise InvalidThreadUseError(f"{self!r} belongs to another thread than this one")
        tasks.reserve()
        result = AsyncResult()
        tasks.submit(result, func, args, kwargs)
        if tasks.staying < self._maxsize and tasks.staying < tasks.unfinished_tasks:
            self._add_thread_if_possible()
        return result

    def _add_thread_if_possible(self):
        try:
            self._add_thread()
        except RuntimeError as error:
            # Those that are there will do the task too.
            if self.task_queue.workers:
                return
            # Either the system has no more threads to give, or this is Python 3.12 or later and the program ends.
            if "interpreter shutdown" not in str(error):
                raise
            self._work_here()

    def _work_here(self):
        """Do the tasks in line in the calling thread: hooks at exit, too, may look up a name."""
        tasks = self.task_queue
        worker = self._WorkerGreenlet(self)
        tasks.dismiss(1)
        try:
            tasks.serve(worker, -1)
        finally:
            tasks.parted(worker, True)

    def join(self):
        """Wait until no task is left, neither running nor in line. Threads stay for later ones."""
        if len(self):
            self.task_queue.wait_idle()

    def kill(self):
        """Have all threads end after the tasks in line, and wait for that. A later `spawn` starts new ones."""
        self.size = 0

    def _apply_immediately(self):
        # A task that uses its own pool: it may be the last thread, which would wait for itself.
        return not self.task_queue.inherited and get_hub_if_exists() is not self.hub

    def _apply_async_cb_spawn(self, callback, result):
        callback(result)

    def _apply_async_use_greenlet(self):
        return True


def __getattr__(name):
    # When first asked for: its base class cannot be imported any more once the interpreter ends, pools are used there.
    if name == "ThreadPoolExecutor":
        from gevent.threadpool._executor import ThreadPoolExecutor

        globals()[name] = ThreadPoolExecutor
        return ThreadPoolExecutor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _revive(pool):
    pool = pool()
    if pool is not None:
        pool._on_fork()


def _checked_size(size, name):
    if not isinstance(size, int):
        raise TypeError(f"{name} must be an integer, not {size!r}")
    if size < 0:
        raise ValueError(f"{name} must not be negative, but is {size!r}")
    return size
