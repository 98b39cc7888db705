"""What the classes of `threading`, which are written in Python, do otherwise where greenlets are their threads.

A greenlet is interrupted where it waits: by a Timeout, by `kill`. In a program of threads that happens to the main one
only, by signals, and the classes bear it badly: a notification, or with it a semaphore's permit, goes to a waiter that
has just been told to leave, and is lost; a thread counts as ended because joining it was interrupted. And nobody
interrupts a greenlet that only looks, again and again.

The methods here take the place of the ones of the classes themselves, so that they are right for objects and subclasses
that exist already. They work on native locks as well, which objects from before patching have.
"""

from functools import wraps

from gevent._native.hub import looked_in_vain
from gevent._native.semaphore import ThreadLock, enter_by_lock, leave_by_lock
from gevent._native.signal import call_uninterrupted
from gevent.exceptions import BlockingSwitchOutError
from gevent.thread import allocate_lock

__all__ = ["mend_classes", "wait_on_condition"]


def mend_classes(names):
    """Mend the classes in `names`, the dictionary of `threading` or of a copy of it. Does nothing the second time."""
    condition, semaphore, thread = names["Condition"], names["Semaphore"], names["Thread"]
    if condition.wait is not wait_on_condition:
        condition.wait = wait_on_condition
        condition.__enter__ = enter_by_lock
        condition.__exit__ = leave_by_lock
        semaphore.acquire = semaphore.__enter__ = _looking_acquire(semaphore.acquire)
        if hasattr(thread, "_wait_for_tstate_lock"):
            thread._wait_for_tstate_lock = _looking_wait_for_lock(thread._wait_for_tstate_lock)
        thread.start, thread._delete = _start_anywhere(thread.start, names), _delete_if_there(names)
        for name in ("enumerate", "active_count"):
            names[name] = _counted(names[name])
        barrier = names["Barrier"]
        for name in ("n_waiting", "broken"):
            setattr(barrier, name, property(_counted(vars(barrier)[name].fget)))


def _start_anywhere(start, names):
    @wraps(start)
    def start_anywhere(self):
        try:
            start(self)
        except BlockingSwitchOutError:
            # The hub cannot wait until the thread has begun; it will.
            if self not in names["_limbo"]:
                raise

    return start_anywhere


def _delete_if_there(names):
    def _delete(self):
        # In a forked child only the thread that forked counts, but the others' greenlets go on, and end.
        ident, active = self._ident, names["_active"]
        with names["_active_limbo_lock"]:
            if active.get(ident) is self:
                del active[ident]

    return _delete


def _counted(look):
    # Whoever asks this again and again waits for something to change, which is said by no answer in itself.
    @wraps(look)
    def counted(*args):
        looked_in_vain()
        return look(*args)

    return counted


def wait_on_condition(self, timeout=None):
    """Let go of the lock until notified, or `timeout` seconds are over; return which, having taken it again.

    RuntimeError if the caller does not have the lock. A waiter to whom a notification comes while it is being killed,
    or raises for another reason, passes it on to the next.
    """
    if not self._is_owned():
        raise RuntimeError("the lock of a condition must be acquired by whoever waits for it")
    return call_uninterrupted(_wait_in_line, self, timeout)


def _wait_in_line(condition, timeout):
    call = allocate_lock()
    call.acquire()
    condition._waiters.append(call)
    depth = condition._release_save()
    heard = undisturbed = False
    try:
        heard = _hear(call, timeout)
        undisturbed = True
    finally:
        try:
            condition._acquire_restore(depth)
        except BaseException:
            undisturbed = False
            raise
        finally:
            if not undisturbed or not heard:
                heard = _was_called(condition._waiters, call)
                if heard and not undisturbed and condition._is_owned():
                    condition.notify()
    return heard


def _hear(call, timeout):
    # Whether somebody has released the lock `call`, within `timeout` seconds.
    if timeout is None:
        return call.acquire()
    return call.acquire(False) if timeout <= 0 else call.acquire(True, timeout)  # which refuses what is no number


def _was_called(waiters, call):
    # Whoever is called is no longer in line; that may have happened after the time was over, and counts.
    try:
        waiters.remove(call)
    except ValueError:
        return True
    return False


def _looking_acquire(acquire):
    def looking_acquire(self, blocking=True, timeout=None):
        """Take a permit; return whether there was one. Waits if `blocking`, at most `timeout` seconds.

        Without `blocking`, who has tried in vain a few hundred times in a row lets others run for a turn.
        """
        taken = acquire(self, blocking, timeout)
        if not taken and not blocking:
            looked_in_vain()
        return taken

    looking_acquire.__name__ = looking_acquire.__qualname__ = "acquire"
    return looking_acquire


def _looking_wait_for_lock(wait_for_native_lock):
    def _wait_for_tstate_lock(self, block=True, timeout=-1):
        # Looks at the lock rather than taking it: nothing is to be undone when the wait is interrupted.
        lock = self._tstate_lock
        if not isinstance(lock, ThreadLock):
            wait_for_native_lock(self, block, timeout)
            if not block and not self._is_stopped:
                looked_in_vain()
            return
        if lock.ready() or (block and lock.wait(None if timeout < 0 else timeout)):
            self._stop()

    return _wait_for_tstate_lock
