"""Futures, and executors of `concurrent.futures.thread` that were made before patching: their lock, their queues.

The executors' workers of that time stay native threads, which take jobs from a native queue; those that they start from
now on are greenlets, which must not stop everybody while they wait for one.
"""

import sys
from _queue import Empty, SimpleQueue as NativeQueue
from functools import wraps

from gevent._native.hub import looked_in_vain
from gevent.monkey._import_hook import change_when_imported

__all__ = ["mend_executors", "mend_futures"]


def mend_futures():
    """See that asking a future again and again how far it is lets those run who will do it."""
    name = "concurrent.futures._base"
    if name in sys.modules:
        _mend_questions(sys.modules[name])
    else:
        change_when_imported(name, _mend_questions)


def _mend_questions(module):
    future = module.Future
    # What an answer may be that whoever asks again and again waits to see the end of.
    for name, in_vain in (("done", {False}), ("cancelled", {False}), ("running", {False, True})):
        setattr(future, name, _asking(getattr(future, name), in_vain))


def _asking(ask, in_vain):
    @wraps(ask)
    def asking(self):
        answer = ask(self)
        if answer in in_vain:
            looked_in_vain()
            answer = ask(self)
        return answer

    return asking


def mend_executors():
    """Give `concurrent.futures.thread` a lock that cooperates, and executors a queue for both kinds of workers.

    The old lock stays where it was registered for forks, which is what is wanted: nobody holds it any more.
    """
    module = sys.modules.get("concurrent.futures.thread")
    if module is None:
        return
    from gevent.thread import LockType

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
        from gevent.event import Event

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
