"""A task of a process pool, and what may go wrong with it."""

import pickle

from gevent.event import AsyncResult

__all__ = ["RemoteTraceback", "Task", "TaskCancelled", "TaskTimeout", "WorkerLost", "exception_of"]


class WorkerLost(RuntimeError):
    """The process that had this task ended without a result: it was killed, or left by itself."""


class TaskTimeout(TimeoutError):
    """The task ran for longer than it may, and the process that had it was killed."""


class TaskCancelled(RuntimeError):
    """The task was taken back by its result's `cancel`."""


class RemoteTraceback(Exception):
    """The cause of an exception that a task raised: its traceback in the worker, as text."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    def __str__(self):
        return f"\n{self.text}"


def exception_of(payload):
    """Return the exception that a worker has sent as ``(pickled, text of its traceback)``."""
    data, text = payload
    try:
        error = pickle.loads(data)
    except Exception as failure:  # noqa: BLE001 - a class that is not here: its text is what can be told
        error = WorkerLost(f"the task failed, and its exception cannot be read here: {failure!r}")
    error.__cause__ = RemoteTraceback(text)
    return error


class Task(AsyncResult):
    """The result of a task, now or later: an `AsyncResult` (`get`, `ready`, links) that can be cancelled."""

    def __init__(self, pool, function, args, kwargs, timeout_s):
        super().__init__()
        self.pool = pool
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.timeout_s = timeout_s
        self.worker = None  # that was sent it
        self.number = 0  # with that worker
        self.stream_bytes = 0  # of its arguments or of its result, whichever are more
        self.on_settled = None  # called before anybody who waits is told

    def cancel(self):
        """Take the task back, or kill the process that runs it; return False if it has its result already.

        `get` raises `TaskCancelled` then. Does not wait.
        """
        if self.ready():
            return False
        self.settle(None, TaskCancelled("this task was cancelled"))
        self.pool._in_hub(self.pool._crew.cancelled, self)
        return True

    def settle(self, value, error=None):
        """Set the value or the exception `error`, once; what comes later is nobody's any more."""
        if self.ready():
            return
        if self.on_settled is not None:
            self.on_settled()
        if error is None:
            self.set(value)
        else:
            self.set_exception(error, (type(error), error, error.__traceback__))
        # What the program gave may be large, and this result may live for long.
        self.function = self.args = self.kwargs = None
