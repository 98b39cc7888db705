"""`concurrent.futures.ProcessPoolExecutor`: it waits through `multiprocessing` and `threading`, so it is green already.

What is left is handing in work: it never waits, so that handing in very much of it would keep everybody else from
running. The module is expensive to import, and changed when somebody else imports it.
"""

import importlib.util
import sys
from functools import wraps

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


class _WhenImported:
    """Finds the module like everybody else, once, and changes it after it was loaded."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != _MODULE:
            return None
        sys.meta_path.remove(cls)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            exec_module = spec.loader.exec_module

            def exec_and_change(module):
                exec_module(module)
                setattr(*_change(module))

            spec.loader.exec_module = exec_and_change
        return spec


def changes(mp):
    """Yield (owner, name, value) for the executor, if it is there and uses `mp`."""
    if mp.name != STDLIB_NAME:
        return
    module = sys.modules.get(_MODULE)
    if module is not None:
        yield _change(module)
    elif _WhenImported not in sys.meta_path:
        sys.meta_path.insert(0, _WhenImported)
