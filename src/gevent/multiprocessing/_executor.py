"""`concurrent.futures.ProcessPoolExecutor`: it waits through `multiprocessing` and `threading`, so it is green already.

What is left is handing in work: it never waits, so that handing in very much of it would keep everybody else from
running. The module is expensive to import, and changed when somebody else imports it.
"""

import sys
from functools import wraps

from gevent._import_hook import change_when_imported
from gevent._native.connection import yield_if_turn_is_over
from gevent.multiprocessing._package import STDLIB_NAME

__all__ = ["changes"]

_MODULE = "concurrent.futures.process"


def _make_submit(original):
    @wraps(original)
    def submit(self, fn, /, *args, **kwargs):
        yield_if_turn_is_over()
        return original(self, fn, *args, **kwargs)

    return submit


def _change(module):
    executor = module.ProcessPoolExecutor
    return executor, "submit", _make_submit(executor.submit)


def _set_change(module):
    setattr(*_change(module))


def changes(mp):
    """Yield (owner, name, value) for the executor, if it is there and uses `mp`."""
    if mp.name != STDLIB_NAME:
        return
    module = sys.modules.get(_MODULE)
    if module is not None:
        yield _change(module)
    else:
        change_when_imported(_MODULE, _set_change)
