"""Locks that park greenlets instead of stopping threads.

`Semaphore`, `BoundedSemaphore` and `RLock` are native, in gevent._native.semaphore and gevent._native.rlock.
`DummySemaphore` looks like one and never makes anybody wait.
"""

from gevent._native.rlock import RLock
from gevent._native.semaphore import BoundedSemaphore, Semaphore

__all__ = ["BoundedSemaphore", "DummySemaphore", "RLock", "Semaphore"]


class DummySemaphore:
    """A semaphore that always has a unit to give, for code that can do without a limit.

    `value` is accepted, and ignored, so that it can stand in for the others. From gevent.
    """

    def __init__(self, value=None):
        pass

    def __str__(self):
        return f"<{type(self).__name__}>"

    def locked(self):
        """Return False: there is always a unit, so `acquire` never has to wait."""
        return False

    def ready(self):
        """Return True: there is always a unit to take, as `acquire` does."""
        return True

    def acquire(self, blocking=True, timeout=None):
        """Take a unit and return True. `blocking` and `timeout` mean nothing, as it never waits."""
        return True

    def release(self):
        """Give a unit back, which nobody counts: does nothing and returns None."""

    def wait(self, timeout=None):
        """Return the number of units there are to take: 1. `timeout` means nothing, as it never waits."""
        return 1

    def rawlink(self, callback):
        """Do nothing, and never call `callback`: there is no release to tell of."""

    def unlink(self, callback):
        """Do nothing: `callback` was never linked, see `rawlink`."""

    def __enter__(self):
        pass

    def __exit__(self, kind, value, traceback):
        pass
