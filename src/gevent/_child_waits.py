"""`os.wait`, `wait3`, `wait4` and `waitid`, letting other greenlets run: what patching puts in their place.

A child that gevent watches is left for the system to tell of, so asking is the system's own call; how to wait in
between is in gevent.os.
"""

import os

from gevent._hub_primitives import wait_read

__all__ = ["wait", "wait3", "wait4", "waitid"]

# Of gevent.os, which puts them here before it hands these functions out.
ask_until_told = note_reaped = None

_WNOHANG = os.WNOHANG
_native_wait4 = getattr(os, "wait4", None)
_native_waitid = getattr(os, "waitid", None)
_native_waitpid = os.waitpid
_ENDED = {getattr(os, name) for name in ("CLD_EXITED", "CLD_KILLED", "CLD_DUMPED") if hasattr(os, name)}


def wait():
    """Wait for any child to end; return (its pid, its status). From `os`."""

    def ask():
        pid, status = _native_waitpid(-1, _WNOHANG)
        note_reaped(pid, status)
        return (pid, status) if pid else None

    return ask_until_told(ask, -1, 0)


def wait4(pid, options):
    """As `os.waitpid`, and return what the child has used of the system as well. From `os`."""
    none_yet = None

    def ask():
        nonlocal none_yet
        told = _native_wait4(pid, options | _WNOHANG)
        note_reaped(*told[:2])
        if told[0]:
            return told
        none_yet = told
        return None

    return ask_until_told(ask, pid, options) or none_yet


def wait3(options):
    """`wait4` for any child. From `os`."""
    return wait4(-1, options)


def waitid(idtype, id, options, /):
    """Wait for children by number, group or pidfd, until they end, stop or go on as `options` says. From `os`."""
    only_end = options == os.WEXITED

    def ask():
        info = _native_waitid(idtype, id, options | _WNOHANG)
        if info is not None and info.si_code in _ENDED and not options & os.WNOWAIT:
            status = info.si_status << 8 if info.si_code == os.CLD_EXITED else info.si_status
            note_reaped(info.si_pid, status)
        elif info is None and only_end and idtype == getattr(os, "P_PIDFD", None):
            wait_read(id)
        return info

    # An end alone is an event, of a child whose number is known.
    return ask_until_told(ask, id if idtype == os.P_PID else -1, 0 if only_end else options)
