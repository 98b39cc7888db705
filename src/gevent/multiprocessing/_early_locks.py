"""Locks between processes that are the system's own semaphores: from before patching, or from an unpatched process.

They work, and who waits for one lets other greenlets run; but nothing tells a loop when such a semaphore is posted, so
a greenlet that waits looks again and again, every 20 ms in the end. Locks made after patching know better.
"""

import gc
import sys
from _multiprocessing import SemLock as _OriginalSemLock
from time import monotonic

from greenlet import getcurrent

from gevent._hub_local import get_hub_if_exists
from gevent.hub import sleep

__all__ = ["EarlySemLock", "adopt", "rebuild"]

_RECURSIVE_MUTEX = 0
_FIRST_PAUSE_S = 0.0005
_LONGEST_PAUSE_S = 0.02


class EarlySemLock:
    """Stands before a `SemLock` of CPython's `_multiprocessing`; has its interface.

    A recursive mutex belongs to a greenlet here, too.
    """

    def __init__(self, original):
        self._original = original
        self._owner = None  # for a mutex that was taken before, the thread that CPython knows
        self.handle, self.kind, self.maxvalue, self.name = (
            original.handle,
            original.kind,
            original.maxvalue,
            original.name,
        )
        self.SEM_VALUE_MAX = original.SEM_VALUE_MAX
        self._is_mutex = self.kind == _RECURSIVE_MUTEX

    def acquire(self, block=True, timeout=None):
        """Take a unit (or the mutex); return whether it was taken, at most after `timeout` seconds.

        Waits, letting other greenlets run.
        """
        if self._take():
            return True
        if not block:
            return False
        if get_hub_if_exists() is None:
            taken = self._original.acquire(True, timeout)  # a thread with nobody else in it
            if taken:
                self._owner = getcurrent()
            return taken
        deadline = None if timeout is None else monotonic() + timeout
        pause = _FIRST_PAUSE_S
        while deadline is None or (left := deadline - monotonic()) > 0:
            sleep(pause if deadline is None else min(pause, left))
            if self._take():
                return True
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        return False

    def _take(self):
        # To CPython, the greenlets of a thread are one owner.
        if self._is_mutex and self._original._count() and not self._is_mine():
            return False
        if not self._original.acquire(False):
            return False
        self._owner = getcurrent()
        return True

    def release(self):
        """Give a unit back, or leave the mutex once. Does not wait. Raises what CPython's does."""
        if self._is_mutex and not self._is_mine():
            raise AssertionError("attempt to release recursive lock not owned by thread")
        self._original.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *exc_info):
        self.release()

    def _count(self):
        """How often this process holds it: taken less released."""
        return self._original._count()

    def _is_mine(self):
        """Whether the calling greenlet took it last, and it is held."""
        return bool(self._original._is_mine() and self._owner in (None, getcurrent()))

    def _get_value(self):
        """The units there are now."""
        return self._original._get_value()

    def _is_zero(self):
        """Whether there is no unit now."""
        return self._original._is_zero()

    def _after_fork(self):
        """In a forked child: nobody here holds it."""
        self._original._after_fork()


def rebuild(*state):
    """Return the lock that an unpatched process has sent. In the place of `SemLock._rebuild`, for such."""
    return EarlySemLock(_OriginalSemLock._rebuild(*state))


def adopt(mp):
    """Make the locks, shared values and queues cooperative that the modules of `mp` have made already.

    Costs as much as there are objects in the program. Does not wait.
    """
    ways = [
        (mp.synchronize.SemLock, _adopt_lock),  # first: the others have their locks' methods
        (mp.synchronize.Condition, _adopt_condition),
    ]
    for module_name, class_name, way in (
        ("sharedctypes", "SynchronizedBase", _adopt_shared),
        ("queues", "Queue", _adopt_queue),
        ("queues", "SimpleQueue", _adopt_simple_queue),
    ):
        module = sys.modules.get(f"{mp.name}.{module_name}")
        if module is not None:
            ways.append((getattr(module, class_name), way))
    found = _objects_of_classes([cls for cls, _ in ways])
    for cls, way in ways:
        for each in found[cls]:
            way(each)


def _objects_of_classes(classes):
    found = {cls: [] for cls in classes}
    place = {}  # by the object's class
    for each in gc.get_objects():
        kind = type(each)
        if kind not in place:
            place[kind] = next((found[cls] for cls in classes if issubclass(kind, cls)), None)
        if place[kind] is not None:
            place[kind].append(each)
    return found


# An object may be found half made, by another thread: what it has not got yet, it will get from the changed modules.


def _adopt_lock(lock):
    original = vars(lock).get("_semlock")
    if isinstance(original, _OriginalSemLock):
        lock._semlock = EarlySemLock(original)
        lock._make_methods()


def _adopt_condition(condition):
    if "_lock" in vars(condition):
        condition._make_methods()


def _adopt_shared(value):
    if "_lock" in vars(value):
        value.acquire, value.release = value._lock.acquire, value._lock.release


def _adopt_queue(queue):
    # One that feeds its pipe already has a thread for that, of the system's, and goes on with it.
    if vars(queue).get("_thread", queue) is None and not queue._closed:
        queue._reset()


def _adopt_simple_queue(queue):
    if "_poll" in vars(queue):
        queue._poll = queue._reader.poll
