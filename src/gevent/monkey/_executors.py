"""Executors of `concurrent.futures.thread` that were made before patching: their lock, their queues.

Their workers of that time stay native threads, which take jobs from a native queue; those that they start from now on
are greenlets, which must not stop everybody while they wait for one. Imported only where that module is.
"""

from _queue import Empty, SimpleQueue as NativeQueue

from gevent.event import Event
from gevent.thread import LockType

__all__ = ["mend_executors"]


def mend_executors(module):
    """Give `module`, `concurrent.futures.thread`, a lock that cooperates; executors a queue for both kinds of workers.

    The old lock stays where it was registered for forks, which is what is wanted: nobody holds it any more.
    """
    if not isinstance(module._global_shutdown_lock, LockType):
        module._global_shutdown_lock = LockType()
    native_adjust = module.ThreadPoolExecutor._adjust_thread_count

    def _adjust_thread_count(self):
        if type(self._work_queue) is NativeQueue:
            self._work_queue = _SharedQueue(self._work_queue)
        native_adjust(self)

    module.ThreadPoolExecutor._adjust_thread_count = _adjust_thread_count


class _SharedQueue:
    """A native queue from which native threads take directly, and greenlets by this."""

    def __init__(self, native):
        self._native = native
        self._getters = 0
        self._put = Event()
        self.empty, self.qsize, self.get_nowait = native.empty, native.qsize, native.get_nowait

    def put(self, item):
        """Add `item`. Does not wait."""
        self._native.put(item)
        if item is None:
            # A native worker puts the one it has found back without our hearing of it: enough of them for all.
            for _ in range(self._getters):
                self._native.put(None)
        self._put.set()

    def get(self, block=True, timeout=None):
        """Take the next item, parking the greenlet until there is one. As an executor's worker asks for it."""
        if not block:
            return self._native.get_nowait()
        self._getters += 1
        try:
            while True:
                self._put.clear()
                try:
                    return self._native.get_nowait()
                except Empty:
                    self._put.wait()
        finally:
            self._getters -= 1
