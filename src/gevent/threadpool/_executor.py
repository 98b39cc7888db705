"""`concurrent.futures` over a thread pool of gevent's; `gevent.threadpool` hands it on."""

from concurrent import futures

from greenlet import getcurrent

from gevent._util import Lazy
from gevent.hub import linkproxy
from gevent.timeout import Timeout

__all__ = ["ThreadPoolExecutor"]


class ThreadPoolExecutor(futures.ThreadPoolExecutor):
    """A `concurrent.futures` executor on a `ThreadPool`, whose futures are waited for as gevent waits.

    Takes the arguments of `concurrent.futures.ThreadPoolExecutor`. Its futures are not `concurrent.futures.Future`s:
    they may be waited for with `gevent.wait`, and with `concurrent.futures.wait` and `as_completed` where `threading`
    is patched. Like the pool, it is for the thread that made it. From gevent.
    """

    def __init__(self, *args, **kwargs):
        from gevent.threadpool import ThreadPool

        # It makes no threads of its own before something is submitted to it.
        futures.ThreadPoolExecutor.__init__(self, *args, **kwargs)
        size = self._max_workers
        self._pool = ThreadPool(size)
        given = dict(zip(("max_workers", "thread_name_prefix", "initializer", "initargs"), args), **kwargs)
        self._initialize = given.get("initializer")
        self._initialize_with = given.get("initargs", ())

    def submit(self, fn, *args, **kwargs):
        """Have ``fn(*args, **kwargs)`` called in a thread and return its future. Waits while the pool is full."""
        # Not under the executor's lock, which is no lock between greenlets and would be held while waiting.
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if self._initialize is not None:
            return _FutureProxy(self._pool.spawn(self._run_initialized, fn, args, kwargs))
        return _FutureProxy(self._pool.spawn(fn, *args, **kwargs))

    def _run_initialized(self, fn, args, kwargs):
        # The one greenlet of this thread in which all its tasks run.
        worker = getcurrent()
        if not getattr(worker, "is_initialized", False):
            self._initialize(*self._initialize_with)
            worker.is_initialized = True
        return fn(*args, **kwargs)

    def shutdown(self, wait=True, **kwargs):
        """Accept nothing more; have the threads end after what was submitted, and wait for that if `wait`."""
        super().shutdown(wait, **kwargs)
        tasks = self._pool.task_queue
        if wait:
            self._pool.kill()
        elif not tasks.inherited:
            tasks.dismiss(tasks.staying)

    kill = shutdown  # as pools call it

    def _adjust_thread_count(self):
        """The pool has its own threads."""


class _FutureProxy:
    """Makes an `AsyncResult` look like a `concurrent.futures.Future`."""

    def __init__(self, outcome):
        self._outcome = outcome

    # What concurrent.futures.wait() and as_completed() use of a future.

    @Lazy
    def _condition(self):
        from threading import Condition

        from gevent import monkey

        if not monkey.is_module_patched("threading") and not self.done():
            raise AttributeError("concurrent.futures can wait for this only where threading is patched")
        return Condition()

    @Lazy
    def _waiters(self):
        self._outcome.rawlink(self._tell_waiters)
        return []

    @property
    def _state(self):
        return futures._base.FINISHED if self.done() else futures._base.RUNNING

    def _tell_waiters(self, _result):
        with self._condition:
            for waiter in self._waiters:
                if self._outcome.successful():
                    waiter.add_result(self)
                else:
                    waiter.add_exception(self)

    def set_running_or_notify_cancel(self):
        """Nothing to do: a task cannot be called back."""

    # What users of futures use.

    def result(self, timeout=None):
        """Return what the function returned, or raise what it raised. Waits for it, `timeout` seconds at most."""
        try:
            return self._outcome.result(timeout=timeout)
        except Timeout:
            raise futures.TimeoutError() from None

    def exception(self, timeout=None):
        """Return what the function raised, None if it did not. Waits as `result` does."""
        try:
            self._outcome.get(timeout=timeout)
        except Timeout:
            if not self.done():
                raise futures.TimeoutError() from None
        except BaseException:  # noqa: B036 - the answer, not an error of this method's
            pass
        return self._outcome.exception

    def done(self):
        """Whether there is a result."""
        return self._outcome.ready()

    def add_done_callback(self, fn):
        """Have ``fn(future)`` called when it is done: at once if it is already. What it raises is logged."""
        if not self.done():
            self._outcome.rawlink(lambda _result: self._call_back(fn))
            return
        fn(self)

    def _call_back(self, fn):
        try:
            fn(self)
        except Exception:  # noqa: BLE001 - as concurrent.futures has it: a callback's failure is nobody's but its own
            futures._base.LOGGER.exception("exception calling callback for %r", self)

    def rawlink(self, callback):
        """Have ``callback(future)`` called in the hub when it is done, for `gevent.wait`."""
        self._outcome.rawlink(linkproxy(callback, self))

    def unlink(self, callback):
        """Undo `rawlink`."""
        self._outcome.unlink(linkproxy(callback, self))

    def __str__(self):
        return f"<_FutureProxy {self._outcome}>"

    def __getattr__(self, name):
        return getattr(self._outcome, name)
