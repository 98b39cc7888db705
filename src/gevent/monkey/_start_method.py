"""How `multiprocessing` starts processes by default in a program that is patched, but for `multiprocessing` itself."""

import importlib.util
import sys

from gevent.monkey._state import PATCH_ALL_ARGUMENTS, saved

__all__ = ["keep_fork"]

_MODULE = "multiprocessing.context"


def keep_fork():
    """Make "fork" the default start method, as it always was on Linux; what the program chooses counts. From gevent.

    Without `patch_multiprocessing`, a fork server cannot be talked to: what is read there from a patched socket does
    not wait. And what macOS does instead of forking, the hub does not hear of.
    """
    if saved.get(PATCH_ALL_ARGUMENTS, {}).get("multiprocessing"):
        return
    if sys.version_info < (3, 14) and sys.platform != "darwin":
        return
    module = sys.modules.get(_MODULE)
    if module is not None:
        _change(module)
    elif _WhenImported not in sys.meta_path:
        sys.meta_path.insert(0, _WhenImported)


def _change(module):
    # Not set_start_method(): that is the program's, and works once.
    module._default_context._default_context = module._concrete_contexts["fork"]


class _WhenImported:
    """Finds the module like everybody else, once, and changes it after it was loaded: few programs need it at all."""

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
                _change(module)

            spec.loader.exec_module = exec_and_change
        return spec
