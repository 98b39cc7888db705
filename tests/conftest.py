"""How a test that hangs is ended: by the C library's thread of `faulthandler`, which Python does not know of.

A thread of Python's, as pytest-timeout would start one, counts as somebody who may yet wake a greenlet; tests of what
happens when nobody can (LoopExit) would wait for it.
"""

import faulthandler

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key


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
