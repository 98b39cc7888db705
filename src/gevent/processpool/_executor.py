"""`concurrent.futures` over a `ProcessPool`."""

from concurrent import futures

from gevent.event import Event
from gevent.hub import linkproxy
from gevent.lock import RLock

__all__ = ["ProcessPoolExecutor"]


class _Condition:
    """What a future waits on, whoever waits: a greenlet here, in another thread, patched or not."""

    def __init__(self):
        self._lock = RLock()
        self._told = Event()

    def __enter__(self):
        return self._lock.__enter__()

    def __exit__(self, *exc_info):
        return self._lock.__exit__(*exc_info)

    def notify_all(self):
        self._told.set()

    def wait(self, timeout=None):
        self._lock.release()
        try:
            return self._told.wait(timeout)
        finally:
            self._lock.acquire()


class _Future(futures.Future):
    """A future whose `result` lets other greenlets run, and that `gevent.wait` takes."""

    def __init__(self):
        super().__init__()
        self._condition = _Condition()
        self._task = None

    def cancel(self):
        # As the standard library's: only what no process has begun.
        task = self._task
        if task is not None and not self.done() and task.worker is None and task.cancel():
            super().cancel()
            self.set_running_or_notify_cancel()
            return True
        return self.cancelled()

    def rawlink(self, callback):
        """Have ``callback(future)`` called when it is done, for `gevent.wait`."""
        self.add_done_callback(linkproxy(callback, self))

    def unlink(self, callback):
        """Undo `rawlink`."""
        link = linkproxy(callback, self)
        with self._condition:
            if link in self._done_callbacks:
                self._done_callbacks.remove(link)

    def ready(self):
        """Whether there is a result, as gevent asks."""
        return self.done()

    def _take(self, task):
        if self.cancelled():
            return
        if task.successful():
            self.set_result(task.value)
        else:
            self.set_exception(task.exception)


class ProcessPoolExecutor(futures.Executor):
    """A `concurrent.futures` executor on a `ProcessPool`, whose futures are waited for as gevent waits.

    Takes the arguments of `concurrent.futures.ProcessPoolExecutor`. Its futures may be waited for with `gevent.wait`,
    and with `concurrent.futures.wait` and `as_completed` where `threading` is patched. From gevent-mp.
    """

    def __init__(self, max_workers=None, mp_context=None, initializer=None, initargs=(), *, max_tasks_per_child=None):
        from gevent.processpool import ProcessPool

        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._pool = ProcessPool(
            max_workers,
            start_method=mp_context.get_start_method() if mp_context is not None else None,
            initializer=initializer,
            initargs=initargs,
            max_tasks_per_child=max_tasks_per_child,
        )
        self._futures = set()

    def submit(self, fn, /, *args, **kwargs):
        """Have ``fn(*args, **kwargs)`` called in a process and return its future. Never waits.

        RuntimeError after `shutdown`.
        """
        if self._pool._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = _Future()
        future._task = task = self._pool.apply_async(fn, args, kwargs)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        task.rawlink(future._take)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Accept nothing more; wait until what was submitted is done, if `wait`.

        With `cancel_futures`, what no process was given yet is cancelled.
        """
        if cancel_futures:
            for future in tuple(self._futures):
                future.cancel()
        self._pool.close()
        if wait:
            self._pool.join()
