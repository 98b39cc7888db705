"""Functions that compute, in processes; their results, in greenlets. The sibling of `gevent.threadpool`.

    with ProcessPool(4) as pool:
        for page in pool.imap_unordered(render, documents):
            ...                       # the hub goes on meanwhile

Works with and without patching, by every start method, and from greenlets of any thread. From gevent-mp; gevent has no
such thing.
"""

import contextlib
import weakref
from functools import partial
from time import monotonic

from gevent._hub_local import get_hub
from gevent.lock import Semaphore
from gevent.processpool import _mapping
from gevent.processpool._crew import Crew
from gevent.processpool._executor import ProcessPoolExecutor
from gevent.processpool._last_threads import serve_last_threads
from gevent.processpool._parcel import wrap_arguments
from gevent.processpool._tasks import RemoteTraceback, Task, TaskCancelled, TaskTimeout, WorkerLost
from gevent.processpool._worker import run_calls

__all__ = [
    "ProcessPool",
    "ProcessPoolExecutor",
    "RemoteTraceback",
    "Task",
    "TaskCancelled",
    "TaskTimeout",
    "WorkerLost",
]

#: So many tasks of a map are under way for each worker, unless the caller says otherwise.
UNDER_WAY_PER_WORKER = 64


class _Options:
    """What tasks are begun with: a pool itself, or what its `with_options` returns."""

    def spawn(self, function, *args, **kwargs):
        """Have ``function(*args, **kwargs)`` called in a worker and return its `Task`.

        Waits while `maxsize` tasks that were begun this way are under way. Raises RuntimeError when the pool is closed.
        """
        self.pool._be_of_this_process()
        places = self.pool._places
        places.acquire()
        try:
            task = self._task(function, args, kwargs)
            task.on_settled = places.release
            self.pool._submit(task)
        except BaseException:
            places.release()
            raise
        return task

    def apply_async(self, function, args=None, kwds=None, callback=None):
        """Have ``function(*args, **kwds)`` called and return its `Task`. Does not wait.

        `callback` is called with the value, in the hub, if there is one; it must not wait.
        """
        task = self._begin(function, args or (), kwds or {})
        if callback is not None:
            task.rawlink(lambda done: callback(done.value) if done.successful() else None)
        return task

    def apply(self, function, args=None, kwds=None):
        """Return ``function(*args, **kwds)``, called in a worker. Waits for it; raises what it raises."""
        return self.apply_async(function, args, kwds).get()

    def map(self, function, *iterables):
        """Return the list of ``function(*items)`` for the items of `iterables`, in order. Waits for all of it.

        Raises the first exception of a task, in that order; the others go on.
        """
        import gevent

        calls, total = zip(*iterables), _mapping.total_of(iterables)
        values, kills = [], self.pool.kills
        if self.timeout is None and self.pool.max_tasks_per_child is None:
            results, take = self._bundled(function, calls, total), values.extend
        else:
            results, take = self._many(_mapping.InOrder, function, calls, None, total), values.append
        try:
            for each in results:
                take(each)
        except Exception:
            gevent.spawn(results.finish, lambda: self.pool.kills == kills)
            raise
        return values

    def _bundled(self, function, calls, total):
        def begin(bundle):
            return self._begin(run_calls, (function, [wrap_arguments(args, {})[0] for args in bundle]), {})

        return _mapping.Bundled(begin, calls, self.pool.maxsize, total, self.progress)

    def map_async(self, function, *iterables):
        """Return a greenlet that does `map`."""
        import gevent

        return gevent.spawn(self.map, function, *iterables)

    def imap(self, function, *iterables, maxsize=None):
        """Return an iterator over what `map` returns, each as soon as it and all before it are there.

        At most `maxsize` (None: a multiple of the pool's) are under way or wait to be taken.
        """
        return self._many(_mapping.InOrder, function, zip(*iterables), maxsize, _mapping.total_of(iterables))

    def imap_unordered(self, function, *iterables, maxsize=None):
        """As `imap`, each as soon as it is there."""
        return self._many(_mapping.Unordered, function, zip(*iterables), maxsize, _mapping.total_of(iterables))

    def _many(self, kind, function, calls, under_way_max, total):
        if under_way_max is None:
            under_way_max = UNDER_WAY_PER_WORKER * self.pool.maxsize
        elif under_way_max < 1:
            raise ValueError(f"maxsize must be at least 1, not {under_way_max}")
        return kind(lambda args: self._begin(function, args, {}), calls, under_way_max, total, self.progress)

    def _begin(self, function, args, kwargs):
        task = self._task(function, args, kwargs)
        self.pool._submit(task)
        return task

    def _task(self, function, args, kwargs):
        return Task(self.pool, function, tuple(args), dict(kwargs), self.timeout)


class _WithOptions(_Options):
    def __init__(self, pool, timeout, progress):
        self.pool, self.timeout, self.progress = pool, timeout, progress


class ProcessPool(_Options):
    """At most `maxsize` processes that call functions, one at a time each.

    maxsize
        how many processes; None: as many as this process may use processors. They are started when there is work.
    start_method
        of `multiprocessing`; None: the default.
    initializer, initargs
        called in each process before its first task.
    max_tasks_per_child
        a process is replaced after so many tasks; None: never.
    timeout
        the most seconds that a task may run: then its process, and only that, is killed, another takes its place, and
        the task raises `TaskTimeout`. None: no limit.
    hub
        where the pool's own greenlets run; None: the current thread's. It must turn: other threads wait in vain while
        that thread blocks, but for the main thread at the end of the program.

    A process that ends before its task is done makes that task, and no other, raise `WorkerLost`. Exceptions of tasks
    have their traceback in the process as their cause.

    In a forked child the pool is one without processes, which starts its own; tasks of before are the parent's alone.
    """

    progress = None

    def __init__(
        self,
        maxsize=None,
        *,
        start_method=None,
        initializer=None,
        initargs=(),
        max_tasks_per_child=None,
        timeout=None,
        hub=None,
    ):
        if maxsize is None:
            from gevent.supervisor import processors

            maxsize = processors()
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, not {maxsize!r}")
        if max_tasks_per_child is not None and max_tasks_per_child < 1:
            raise ValueError(f"max_tasks_per_child must be at least 1, not {max_tasks_per_child!r}")
        from gevent import multiprocessing

        self.hub = hub or get_hub()
        serve_last_threads(self.hub)
        self.timeout = timeout
        self.pool = self
        self._maxsize = maxsize
        self._places = Semaphore(maxsize)
        context = multiprocessing.get_context(start_method)
        self._make_crew = partial(Crew, context, initializer, tuple(initargs), max_tasks_per_child, maxsize)
        self._have_crew()
        self.max_tasks_per_child = max_tasks_per_child
        self.kills = 0  # how often `kill` was called
        self._closed = False

    def __repr__(self):
        state = "closed" if self._closed else f"size={self.size}"
        return f"<{type(self).__name__} at {id(self):#x} {state} maxsize={self._maxsize}>"

    @property
    def maxsize(self):
        """How many processes there may be."""
        return self._maxsize

    @property
    def size(self):
        """How many processes there are, or are about to be."""
        return len(self._crew.members) + self._crew.starting

    def with_options(self, *, timeout=None, progress=None):
        """Return something that begins tasks as this pool does, but with these options.

        `timeout` is as for the pool. `progress` is called as ``progress(done, total)`` for each task of a `map` or
        `imap` that has ended, in the hub; total is None where it is not known. It must not wait.
        """
        return _WithOptions(self, self.timeout if timeout is None else timeout, progress)

    def join(self, timeout=None):
        """Wait until nothing is under way, at most `timeout` seconds; return whether it is so."""
        deadline = None if timeout is None else monotonic() + timeout
        crew = self._crew
        while crew.has_work():
            left_s = None if deadline is None else deadline - monotonic()
            if left_s is not None and left_s <= 0:
                return False
            crew.idle.wait(left_s)
        return True

    def kill(self):
        """End all processes at once: what waits or runs raises `WorkerLost`.

        A `map` begins no more of its calls. The pool can be used again. Does not wait.
        """
        self.kills += 1
        self._in_hub(self._crew.kill)

    def close(self):
        """Accept nothing more; processes end when they have nothing to do. Again does nothing. Does not wait."""
        if not self._closed:
            self._closed = True
            self._in_hub(self._crew.close)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.kill()
        self.join()
        self.close()

    def _submit(self, task):
        if self._closed:
            raise RuntimeError("this pool is closed")
        self._be_of_this_process()
        crew = self._crew
        if crew.broken is not None:
            raise crew.unusable()
        if get_hub() is self.hub:
            crew.add(task)
        else:
            crew.announce(task)
            self.hub.loop.run_callback_threadsafe(crew.take_announced)

    def _in_hub(self, function, *args):
        if self._crew.abandoned:
            return  # the processes are those of the parent
        if get_hub() is self.hub:
            function(*args)
        else:
            self.hub.loop.run_callback_threadsafe(function, *args)

    def _be_of_this_process(self):
        # A forked child has none of the workers, and perhaps another hub: its pool begins anew.
        if self._crew.abandoned:
            self.hub = get_hub()
            self._places = Semaphore(self._maxsize)
            self._have_crew()

    def _have_crew(self):
        self._crew = self._make_crew()
        # Tasks refer to the pool: when it goes, nobody waits, and processes would wait for nothing.
        weakref.finalize(self, _dismiss, self.hub.loop, self._crew).atexit = False


def _dismiss(loop, crew):
    if not crew.abandoned:
        with contextlib.suppress(ValueError):  # the loop was destroyed
            loop.run_callback_threadsafe(crew.close)
