"""Waiting for several objects, for one watcher, and for a bare descriptor."""

from gevent._hub_local import get_hub_noargs
from gevent._native.hub import WaitOperationsGreenlet, wait_fd
from gevent._native.waiter import _WaitIterator
from gevent._util import _NONE as _UNSET
from gevent.exceptions import ConcurrentObjectUseError

__all__ = ["WaitOperationsGreenlet", "iwait_on_objects", "wait_on_objects", "wait_read", "wait_readwrite", "wait_write"]

_READ, _WRITE = 1, 2
_timeout_error = TimeoutError


def set_default_timeout_error(e):
    """Make `e` what a wait raises that runs out of time and was not told what to raise."""
    global _timeout_error
    _timeout_error = e


def iwait_on_objects(objects, timeout=None, count=None):
    """Yield the given objects as they become ready, until all have, or `count`, or `timeout` seconds are over.

    objects
        whatever has `rawlink` and `unlink`: greenlets, events, semaphores, results, processes. None: wait for the whole
        hub, as `wait`.

    Each step parks the caller until there is one. Use it as a context manager when not all will be taken. From gevent.
    """
    hub = get_hub_noargs()
    if objects is None:
        return [hub.join(timeout=timeout)]
    return _WaitIterator(list(objects), hub, timeout, count)


def wait_on_objects(objects=None, timeout=None, count=None):
    """Park until all the given objects (or `count`) are ready or `timeout` seconds are over; return those that are.

    Without objects: until the hub has nothing left to do; returns whether that was so in time. Only the main greenlet
    may wait for that. From gevent.
    """
    if objects is None:
        return get_hub_noargs().join(timeout=timeout)
    with _WaitIterator(list(objects), get_hub_noargs(), timeout, count) as iterator:
        return list(iterator)


def _in_time(timeout, timeout_exc):
    # Whether waiting is worth beginning; a limit of 0 still has a look at the descriptor.
    if timeout_exc is _UNSET:
        timeout_exc = _timeout_error("timed out")
    return timeout_exc


def wait_on_watcher(watcher, timeout=None, timeout_exc=_UNSET, hub=None):
    """Park until `watcher` fires; raise `timeout_exc` (None: return quietly) after `timeout` seconds.

    ConcurrentObjectUseError when another greenlet waits for the same watcher. From gevent.
    """
    from gevent.timeout import Timeout

    if watcher.callback is not None:
        raise ConcurrentObjectUseError(f"This socket is already used by another greenlet: {watcher.callback!r}")
    hub = get_hub_noargs() if hub is None else hub
    if timeout is None:
        return hub.wait(watcher)
    error = _in_time(timeout, timeout_exc)
    with Timeout(timeout, False if error is None else error):
        hub.wait(watcher)


def wait_on_socket(socket, watcher, timeout_exc=None):
    """`wait_on_watcher` with the timeout of `socket`."""
    if socket is None or watcher is None:
        raise ValueError("the socket is closed: there is nothing to wait for")
    wait_on_watcher(watcher, socket.timeout, _UNSET if timeout_exc is None else timeout_exc, socket.hub)


def _wait_for(fileno, events, timeout, timeout_exc):
    error = _in_time(timeout, timeout_exc)
    if not wait_fd(fileno, events, -1 if timeout is None else timeout) and error is not None:
        raise error


def wait_read(fileno, timeout=None, timeout_exc=_UNSET):
    """Park until descriptor `fileno` is readable; raise `timeout_exc` (a TimeoutError) after `timeout` seconds.

    From gevent.
    """
    _wait_for(fileno, _READ, timeout, timeout_exc)


def wait_write(fileno, timeout=None, timeout_exc=_UNSET, event=_UNSET):
    """Park until descriptor `fileno` is writable; raise `timeout_exc` (a TimeoutError) after `timeout` seconds.

    From gevent.
    """
    _wait_for(fileno, _WRITE, timeout, timeout_exc)


def wait_readwrite(fileno, timeout=None, timeout_exc=_UNSET, event=_UNSET):
    """Park until descriptor `fileno` is readable or writable; raise `timeout_exc` after `timeout` seconds.

    From gevent.
    """
    _wait_for(fileno, _READ | _WRITE, timeout, timeout_exc)
