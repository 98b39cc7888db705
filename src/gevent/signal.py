"""The `signal` module, whose handlers interrupt the main greenlet, and may wait.

Python calls a handler between two instructions of whatever greenlet runs in the main thread, most often the hub, which
must never wait. A handler that is set here runs as in a program without greenlets, where it interrupts the main thread:
the main greenlet calls it, in the middle of its wait. It may wait, start processes, take locks; what it raises comes
out there. (While the main greenlet does not wait in gevent but in something that was made of bare greenlets, a handler
runs in a greenlet of its own, or in the one that was interrupted.)

Handlers for SIGCHLD run in a greenlet of their own, and the hub reports what they raise: so gevent has it, and many
programs rely on it. Children that gevent watches are watched without this signal.

While a Python handler is set, a wait that only a signal could end is no error: the hub waits for one.

Patching also has `pause`, `sigwait` and its like let other greenlets run, by gevent._signal_waits.
"""

import _signal as __native_signal__
import signal as __signal__
import threading as _threading

from gevent._hub_local import get_hub
from gevent._native.hub import spawn_raw
from gevent._native.signal import SignalHandler, interrupts_calls, note_handled
from gevent._util import copy_globals

__implements__ = ["signal", "getsignal", "set_wakeup_fd"]
__extensions__ = []
__all__ = ["getsignal", "set_wakeup_fd", "signal"]

__imports__ = copy_globals(__signal__, globals(), names_to_ignore=__implements__)

# Below the standard library's functions, which look these up when they are called.
_install = __native_signal__.signal
_installed = __native_signal__.getsignal
_native_set_wakeup_fd = __signal__.set_wakeup_fd
_SIGCHLD = getattr(__signal__, "SIGCHLD", None)
_default_int_handler = __signal__.default_int_handler


# -- handlers --


class _InAGreenlet:
    """What is installed for SIGCHLD: calls the program's handler in a new greenlet, without a frame."""

    def __init__(self, handler):
        self.handler = handler

    def __call__(self, signalnum, frame):
        spawn_raw(self._run, signalnum)

    def _run(self, signalnum):
        try:
            self.handler(signalnum, None)
        finally:
            note_handled()


def _wrapped(signalnum, handler):
    if not callable(handler) or isinstance(handler, (SignalHandler, _InAGreenlet)):
        return handler
    if signalnum == _SIGCHLD:
        # Now, because a signal may come while a hub is being made, and would find half of it.
        get_hub()
        return _InAGreenlet(handler)
    return SignalHandler(handler)


def _unwrapped(handler):
    return handler.handler if isinstance(handler, (SignalHandler, _InAGreenlet)) else handler


def _set_wrapped(signalnum, handler, /):
    """In the place of `_signal.signal`."""
    return _unwrapped(_install(signalnum, _wrapped(signalnum, handler)))


def _get_unwrapped(signalnum, /):
    """In the place of `_signal.getsignal`."""
    return _unwrapped(_installed(signalnum))


def _number(value):
    # Members of the enumerations that Python shows, as the numbers that it works with.
    return int(value) if isinstance(value, int) else value


def _shown(handler):
    # Asked of numbers only: in refusing anything else the enumeration would have its repr() first.
    try:
        return __signal__.Handlers(handler) if isinstance(handler, int) else handler
    except ValueError:
        return handler


def getsignal(signalnum):
    """Return the handler that `signal` installed for `signalnum`, as `signal.getsignal` does."""
    return _shown(_get_unwrapped(signalnum))


def signal(signalnum, handler):
    """Install `handler` for `signalnum` and return the one before it. From the main thread only.

    A function interrupts the main greenlet, and may wait. One for SIGCHLD gets None for the frame. Anything else is up
    to `signal.signal`.
    """
    return _shown(_set_wrapped(_number(signalnum), _number(handler)))


def set_wakeup_fd(fd, /, *, warn_on_full_buffer=True):
    """Have the number of each signal that arrives written to `fd`, as `signal.set_wakeup_fd` does."""
    return _native_set_wakeup_fd(fd, warn_on_full_buffer=warn_on_full_buffer)


def _python_handler_installed():
    """Whether a signal may yet call a function of the program's."""
    for signalnum in range(1, __signal__.NSIG):
        handler = _unwrapped(_installed(signalnum))
        if callable(handler) and handler is not _default_int_handler:
            return True
    return False


def _gevent_did_monkey_patch(target_module, items, warn):
    """Patch what gevent has not; have functions that others hold already, and handlers set already, do as ours."""
    from gevent import _signal_waits
    from gevent.monkey.api import patch_item

    if "signal" not in items or "getsignal" not in items:
        return
    for name in _signal_waits.__all__:
        if hasattr(target_module, name):
            patch_item(target_module, name, getattr(_signal_waits, name))
    patch_item(__native_signal__, "signal", _set_wrapped)
    patch_item(__native_signal__, "getsignal", _get_unwrapped)
    if _threading.current_thread() is not _threading.main_thread():
        return  # only the main thread may set handlers
    for signalnum in range(1, __signal__.NSIG):
        handler = _installed(signalnum)
        if callable(handler) and signalnum != _SIGCHLD:
            interrupts = interrupts_calls(signalnum)
            _install(signalnum, _wrapped(signalnum, handler))
            if not interrupts:
                __signal__.siginterrupt(signalnum, False)
