"""How a test that hangs is ended: by the C library's thread of `faulthandler`, which Python does not know of.

A thread of Python's, as pytest-timeout would start one, counts as somebody who may yet wake a greenlet; tests of what
happens when nobody can (LoopExit) would wait for it.

And no test leaves a signal held: all that later ones start would be born so. However the tests were started, Ctrl-C
means to them what it means at a terminal; a shell's background job is started with SIGINT ignored.
"""

import faulthandler
import signal

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

signal.pthread_sigmask(signal.SIG_SETMASK, [])
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def no_signal_is_left_held():
    """Fails where a test has left the thread with signals that do not reach it."""
    yield
    held = signal.pthread_sigmask(signal.SIG_SETMASK, [])
    assert held == set()


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item, settings):
    """Have the process end, with the stacks of all threads, if `item` takes longer than it may."""
    stderr = item.config.stash[fault_handler_stderr_fd_key]
    faulthandler.dump_traceback_later(settings.timeout, exit=True, file=stderr)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_cancel_timer(item):
    """`item` has ended in time."""
    faulthandler.cancel_dump_traceback_later()
    return True
