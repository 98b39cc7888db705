"""Threads of the operating system, whatever was patched: what gevent's own native threads are made of.

`Lock`, `start_new_thread` and `get_thread_ident` are the ones `_thread` had when Python started. `Queue` hands
objects from one native thread to another.
"""

from _queue import Empty as _ChannelEmpty, SimpleQueue as _Channel

from gevent.monkey.api import get_original

__all__ = ["EmptyTimeout", "Lock", "Queue"]

start_new_thread, Lock, get_thread_ident = get_original("_thread", ["start_new_thread", "allocate_lock", "get_ident"])

_KILLED = object()


class EmptyTimeout(Exception):
    """`Queue.get` found nothing within its time."""


def acquire_with_timeout(lock, timeout=-1):
    """Take the native `lock`, waiting up to `timeout` seconds (-1: any time); return whether that worked."""
    return lock.acquire(True, timeout)


class Queue:
    """A queue without a limit, between native threads; whoever waits for it stops their whole thread.

    It counts tasks: `put` adds one to `unfinished_tasks`, `task_done` takes one away.
    """

    __slots__ = ("_channel", "_mutex", "unfinished_tasks", "__weakref__")

    def __init__(self):
        self._channel = _Channel()
        self._mutex = Lock()
        self.unfinished_tasks = 0

    def allocate_cookie(self):
        """Return what `get` wants from each thread that calls it."""
        return Lock()

    def qsize(self):
        """Return how many items there are at the moment."""
        return self._channel.qsize()

    def empty(self):
        """Whether there is no item at the moment."""
        return self._channel.empty()

    def full(self):
        """False: there is no limit."""
        return False

    def put(self, item):
        """Add `item`, and a task. Does not wait."""
        with self._mutex:
            self.unfinished_tasks += 1
        self._channel.put(item)

    def get(self, cookie, timeout=-1):
        """Take an item, stopping the thread until there is one or `timeout` seconds are over (-1: any time).

        Raises `EmptyTimeout`. Returns None at once after `kill`.
        """
        try:
            item = self._channel.get(timeout=None if timeout < 0 else timeout)
        except _ChannelEmpty:
            raise EmptyTimeout from None
        if item is _KILLED:
            self._channel.put(_KILLED)  # for the next one who waits
            return None
        return item

    def task_done(self):
        """Count one task less. Raises `ValueError` if there is none."""
        with self._mutex:
            if self.unfinished_tasks < 1:
                raise ValueError("task_done() called more often than put()")
            self.unfinished_tasks -= 1

    def kill(self):
        """Send everybody away who waits now or later. For the end of what the queue served."""
        self._channel.put(_KILLED)
