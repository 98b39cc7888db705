"""`concurrent.futures.ProcessPoolExecutor`: it waits through `multiprocessing` and `threading`, so it is green already.

What is left is handing in work: it never waits, so that handing in very much of it would keep everybody else from
running. The module is expensive to import, and changed when somebody else imports it.
"""

from functools import wraps

from gevent._native.connection import yield_if_turn_is_over
from gevent.multiprocessing._stdlib import changes_of_module

__all__ = ["changes"]

_MODULE = "concurrent.futures.process"


def _make_submit(original):
    @wraps(original)
    def submit(self, fn, /, *args, **kwargs):
        yield_if_turn_is_over()
        return original(self, fn, *args, **kwargs)

    return submit


def _changes_of(module):
    executor = module.ProcessPoolExecutor
    yield executor, "submit", _make_submit(executor.submit)


def changes(mp):
    """Yield (owner, name, value) for the executor, if it is there and uses `mp`."""
    return changes_of_module(_MODULE, _changes_of) if mp.is_stdlib else ()
