"""State that CPython keeps for each thread, or guards against other threads, and that is each greenlet's here.

The objects on which CPython registered its at-fork handlers stay; only a lock in them may be another.
"""

import os
import posix
import signal

from gevent.local import local
from gevent.multiprocessing._view import View

__all__ = ["changes"]


def _make_fork_aware_local(mp):
    def forget(self):
        self.__dict__.clear()

    class ForkAwareLocal(local):
        """Attributes that are each greenlet's own and that a forked child begins without."""

        def __new__(cls):
            self = super().__new__(cls)
            mp.util.register_after_fork(self, forget)  # once, where __init__ would be called for each greenlet
            return self

        def __reduce__(self):
            return type(self), ()

    return ForkAwareLocal


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that greenlets keep apart what threads do."""
    # The process that is being started: pickling its arguments may run code that waits.
    starting = local()
    yield mp.context, "_tls", starting
    if not mp.is_stdlib:
        # Objects of the standard library's ask there whether they are being sent to a new process.
        yield mp.stdlib.context, "_tls", starting
    # A proxy's connection to its manager.
    yield mp.util, "ForkAwareLocal", _make_fork_aware_local(mp)
    yield from mp.changes_when_imported("resource_sharer", _changes_of_sharer)
    yield from mp.changes_when_imported("resource_tracker", _changes_of_tracker)


def _changes_of_sharer(resource_sharer):
    from gevent.thread import allocate_lock

    # Starting the sharer's thread waits, in its lock; and the thread is a greenlet, so that the signals it blocks would
    # be everybody's.
    yield resource_sharer._resource_sharer, "_lock", allocate_lock()
    yield resource_sharer, "signal", View(signal, absent=("pthread_sigmask",))


def _changes_of_tracker(resource_tracker):
    from gevent.monkey.api import get_original

    # The tracker is told of resources by finalizers too, which run in any greenlet and in the hub: it never waits, so
    # that its lock is one for threads.
    native_lock, native_rlock = get_original("_thread", ["LockType", "RLock"])
    tracker = resource_tracker._resource_tracker
    if not isinstance(tracker._lock, (native_lock, native_rlock)):
        yield tracker, "_lock", native_rlock()
    yield resource_tracker, "os", View(os, waitpid=posix.waitpid)
