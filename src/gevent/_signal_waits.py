"""Waiting for signals without stopping the other greenlets: what patching puts in the place of the `signal` module's.

Signals belong to the main thread, and to those that have blocked others: a native thread waits natively.
"""

import os
import signal
from time import monotonic

from gevent._hub_local import get_hub
from gevent._hub_primitives import wait_read
from gevent._native.hub import sleep
from gevent._native.signal import signal_descriptor, wait_handled

__all__ = ["pause", "sigtimedwait", "sigwait", "sigwaitinfo"]

_native_pause, _native_sigwait, _native_sigwaitinfo, _native_sigtimedwait = (
    getattr(signal, name, None) for name in ("pause", "sigwait", "sigwaitinfo", "sigtimedwait")
)

# Where the kernel has no descriptors for signals: how often to look.
_LOOK_INTERVAL_S = 0.01


def _may_park():
    return get_hub().main_hub


def pause():
    """Wait until a signal has come whose handler is a Python function, and that has run. From `signal`."""
    if not _may_park():
        return _native_pause()
    loop = get_hub().loop
    loop.ref()
    try:
        wait_handled()
    finally:
        loop.unref()


def _wait_pending(sigset, seconds):
    """Park until one of the blocked signals `sigset` is pending; False after `seconds` (None: no limit)."""
    try:
        fd = signal_descriptor(sigset)
    except OSError:
        fd = -1
    if fd < 0:
        sleep(_LOOK_INTERVAL_S if seconds is None else min(_LOOK_INTERVAL_S, seconds))
        return True
    try:
        wait_read(fd, seconds)
    except TimeoutError:
        return False
    finally:
        os.close(fd)
    return True


def _take_pending(sigset, seconds):
    end = None if seconds is None else monotonic() + seconds
    while True:
        if _native_sigtimedwait is not None:
            info = _native_sigtimedwait(sigset, 0)
            if info is not None:
                return info
        elif not signal.sigpending().isdisjoint(sigset):
            return _native_sigwait(sigset)
        left = None if end is None else end - monotonic()
        if left is not None and left <= 0:
            return None
        _wait_pending(sigset, left)


def sigwait(sigset, /):
    """Wait until one of the blocked signals `sigset` is pending; take it and return its number. From `signal`."""
    if not _may_park():
        return _native_sigwait(sigset)
    sigset = tuple(sigset)
    taken = _take_pending(sigset, None)
    return signal.Signals(getattr(taken, "si_signo", taken))


def sigwaitinfo(sigset, /):
    """As `sigwait`, but return all that is known of the signal. From `signal`."""
    return _take_pending(tuple(sigset), None) if _may_park() else _native_sigwaitinfo(sigset)


def sigtimedwait(sigset, timeout, /):
    """As `sigwaitinfo`; None after `timeout` seconds. From `signal`."""
    sigset = tuple(sigset)
    if not _may_park() or timeout <= 0:
        return _native_sigtimedwait(sigset, timeout)
    return _take_pending(sigset, timeout)
