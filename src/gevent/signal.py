"""The `signal` module, where a Python handler for SIGCHLD may wait.

Python calls a handler between two instructions of whatever greenlet runs in the main thread, most often the hub,
which must never wait. Handlers for SIGCHLD are known to wait (they call ``waitpid``), so theirs run in a greenlet of
their own. All other signals are handled as ever. Children that gevent watches are watched without this signal.
"""

import signal as __signal__

from gevent._hub_local import get_hub
from gevent._util import copy_globals
from gevent.hub import spawn_raw

__implements__ = ["signal", "getsignal", "set_wakeup_fd"]
__extensions__ = []
__all__ = ["getsignal", "set_wakeup_fd", "signal"]

__imports__ = copy_globals(__signal__, globals(), names_to_ignore=__implements__)

_native_signal = __signal__.signal
_native_getsignal = __signal__.getsignal
_native_set_wakeup_fd = __signal__.set_wakeup_fd
_SIGCHLD = getattr(__signal__, "SIGCHLD", None)


class _InAGreenlet:
    """What is installed for SIGCHLD: calls the program's handler in a new greenlet, without a frame."""

    def __init__(self, handler):
        self.handler = handler

    def __call__(self, signalnum, frame):
        spawn_raw(self.handler, signalnum, None)


def getsignal(signalnum):
    """Return the handler that `signal` installed for `signalnum`, as `signal.getsignal` does."""
    handler = _native_getsignal(signalnum)
    return handler.handler if isinstance(handler, _InAGreenlet) else handler


def signal(signalnum, handler):
    """Install `handler` for `signalnum` and return the one before it. From the main thread only.

    A function for SIGCHLD will be called in a greenlet of its own, with None for the frame, so it may wait; what it
    raises is reported by the hub. Anything else is up to `signal.signal`.
    """
    previous = getsignal(signalnum)
    if signalnum == _SIGCHLD and callable(handler):
        # Now, because a signal may come while a hub is being made, and would find half of it.
        get_hub()
        handler = _InAGreenlet(handler)
    _native_signal(signalnum, handler)
    return previous


def set_wakeup_fd(fd, /, *, warn_on_full_buffer=True):
    """Have the number of each signal that arrives written to `fd`, as `signal.set_wakeup_fd` does."""
    return _native_set_wakeup_fd(fd, warn_on_full_buffer=warn_on_full_buffer)
