"""Queues, where a greenlet may be interrupted in the middle of a message.

What it had begun to take stays with this process, whose next `get` returns it: without the queue's lock, which nobody
has to have for that. All else is the standard library's.
"""

import sys
import time
from functools import wraps

from gevent._import_hook import change_when_imported
from gevent._native import connection as native

__all__ = ["changes"]


def _make_reset(original):
    @wraps(original)
    def _reset(self, *args, **kwargs):
        original(self, *args, **kwargs)
        # A count of places; a queue of one place has one unit of it, and is still no lock.
        self._sem._semlock.guards = False

    return _reset


def _make_get(original, loads):
    @wraps(original)
    def get(self, block=True, timeout=None):
        if not native.messages_are_kept() or self._closed:
            return original(self, block, timeout)
        start = time.monotonic()
        message = native.take_kept(self._reader.fileno(), block, timeout)
        if message is not None:
            self._sem.release()
            return loads(message)
        if timeout is not None:
            timeout = max(0.0, timeout - (time.monotonic() - start))
        return original(self, block, timeout)

    return get


def _make_simple_get(original, loads):
    @wraps(original)
    def get(self):
        message = native.take_kept(self._reader.fileno()) if native.messages_are_kept() else None
        return original(self) if message is None else loads(message)

    return get


def _changes_of(queues):
    loads = queues._ForkingPickler.loads
    yield queues.Queue, "_reset", _make_reset(queues.Queue._reset)
    yield queues.Queue, "get", _make_get(queues.Queue.get, loads)
    yield queues.SimpleQueue, "get", _make_simple_get(queues.SimpleQueue.get, loads)


def _set_changes(queues):
    for change in _changes_of(queues):
        setattr(*change)


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that its queues survive interruptions."""
    name = f"{mp.name}.queues"
    module = sys.modules.get(name)
    if module is not None:
        yield from _changes_of(module)
    else:
        change_when_imported(name, _set_changes)
