"""Locks between processes whose waiters are greenlets.

The classes of `multiprocessing.synchronize` stay as they are. What they are made of, `_multiprocessing.SemLock`, is
replaced by a counter in shared memory; what is told here is how one gets to a process that was not forked from this.
"""

import os
import sys
import time

from gevent._native import semlock
from gevent._native.semaphore import enter_by_lock, leave_by_lock
from gevent._native.signal import call_uninterrupted
from gevent.multiprocessing._view import View

__all__ = ["changes"]

#: How long `notify`, once interrupted, waits for those whom it has called.
_WAKES_WITHIN_S = 1.0


def _rebuild_early(*state):
    from gevent.multiprocessing._early_locks import rebuild  # whose module of CPython's each fork would copy

    return rebuild(*state)


semlock.register_rebuild_of_early(_rebuild_early)


def attach_arena(arena_id, descriptors):
    """Return the arena that another process sent: `descriptors` have a ``detach()`` each. Raises `OSError`."""
    fds = [each.detach() for each in descriptors]
    for fd in fds:
        os.set_inheritable(fd, False)
    known = semlock.Arena.find(arena_id)
    if known is None:
        return semlock.Arena.attached(fds)
    for fd in fds:
        os.close(fd)
    return known


def receive_counter(arena, slot, generation):
    """Return the `SharedCounter` that another process sent. Raises `FileNotFoundError` if nobody has it any more.

    Raises `RuntimeError` in a process whose `multiprocessing` could not use it.
    """
    from gevent.monkey._state import is_module_patched

    if not is_module_patched("multiprocessing") and "gevent.multiprocessing.synchronize" not in sys.modules:
        raise RuntimeError(
            "this lock was made under gevent's patch_all(multiprocessing=True), which this process must call, too, "
            "before it receives the lock"
        )
    return semlock.SharedCounter(arena, slot, generation)


def _reduce_counter(counter, spawning):
    # On its way it is this process's, for as long as the receiver is about; that one says that it uses it, too.
    if spawning is not None:
        spawning.__dict__.setdefault("_sent_locks", []).append(counter)
    return receive_counter, (counter.arena, counter.slot, counter.generation)


def _cannot_wait():
    # What says that a lock cannot be waited for: another attempt would end the same way.
    from gevent.exceptions import BlockingSwitchOutError, LoopExit

    return BlockingSwitchOutError, LoopExit, OSError


def _take_back(lock, count):
    """Enter `lock` `count` times, as it was before a wait, even when thrown at meanwhile; that is raised afterwards.

    Whoever is inside ``with condition:`` has the lock when he leaves, whichever way.
    """
    hopeless = _cannot_wait()
    thrown = None
    while True:
        try:
            lock.acquire()
            break
        except BaseException as error:
            if isinstance(error, hopeless):
                raise
            thrown = error
    for _ in range(count - 1):
        lock.acquire()  # it is ours already
    if thrown is not None:
        raise thrown


def _wait(self, timeout=None):
    """Leave the condition's lock, wait for `notify`, and take the lock again; return whether there was a `notify`.

    :param timeout: The most seconds to wait for it; None for no limit.

    Whoever is killed meanwhile, once or more often, has the lock back before the exception goes on.
    """
    semlock = self._lock._semlock
    assert semlock._is_mine(), "must acquire() condition before using wait()"
    return call_uninterrupted(_sleep, self, semlock._count(), timeout)


def _sleep(self, count, timeout):
    self._sleeping_count.release()
    for _ in range(count):
        self._lock.release()
    try:
        return self._wait_semaphore.acquire(True, timeout)
    finally:
        self._woken_count.release()
        _take_back(self._lock, count)


def _notify(self, n=1):
    """Wake `n` of those who wait, or all if they are fewer, and return when they have woken.

    Interrupted meanwhile, it raises when they have woken, or after a second: those who have not (stopped, perhaps) go
    on waiting as if nobody had called them, and the condition goes on counting right.
    """
    assert self._lock._semlock._is_mine(), "must acquire() condition before using notify()"
    call_uninterrupted(_call_sleepers, self, n)


def _call_sleepers(self, n):
    assert not self._wait_semaphore.acquire(False), "whoever notified before has left a call behind"
    while self._woken_count.acquire(False):
        # Each of these was not called, and has left.
        assert self._sleeping_count.acquire(False), "more have woken than were sleeping"
    called = 0
    try:
        while called < n and self._sleeping_count.acquire(False):
            called += 1
            self._wait_semaphore.release()
        while called > 0:
            self._woken_count.acquire()
            called -= 1
    except BaseException as thrown:
        called -= _have_woken_soon(self._woken_count, called, thrown)
        for _ in range(called):
            self._sleeping_count.release()
        raise
    finally:
        # Calls for those whose time was over, and for those of whom it is not known.
        while not self._wait_semaphore._semlock._is_zero():
            self._wait_semaphore.acquire(False)


def _have_woken_soon(woken_count, number, thrown):
    # How many of `number` sleepers have woken within a second; what is thrown in meanwhile is dropped for `thrown`.
    hopeless = _cannot_wait()
    deadline = time.monotonic() + _WAKES_WITHIN_S
    woken = 0
    while woken < number and not isinstance(thrown, hopeless):
        try:
            if not woken_count.acquire(True, max(0.0, deadline - time.monotonic())):
                break
            woken += 1
        except BaseException as error:
            thrown = error
    return woken


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that locks let others run."""

    def reduce_arena(arena):
        return attach_arena, (arena.id, [mp.reduction.DupFd(fd) for fd in arena.descriptors])

    def reduce_counter(counter):
        return _reduce_counter(counter, mp.context.get_spawning_popen())

    mp.reduction.register(semlock.SharedCounter, reduce_counter)
    mp.reduction.register(semlock.Arena, reduce_arena)
    yield from mp.changes_when_imported("synchronize", _changes_of_module)


def _changes_of_module(synchronize):
    primitives = View(synchronize._multiprocessing, SemLock=semlock.SemLock, sem_unlink=semlock.sem_unlink)
    yield synchronize, "_multiprocessing", primitives
    yield synchronize.SemLock, "__enter__", semlock.enter_by_semlock
    yield synchronize.SemLock, "__exit__", semlock.leave_by_semlock
    yield synchronize.Condition, "__enter__", enter_by_lock
    yield synchronize.Condition, "__exit__", leave_by_lock
    yield synchronize.Condition, "wait", _wait
    yield synchronize.Condition, "notify", _notify
