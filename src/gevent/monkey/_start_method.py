"""How `multiprocessing` starts processes by default in a program that is patched, but for `multiprocessing` itself."""

from gevent.monkey._import_hook import change_module
from gevent.monkey._state import PATCH_ALL_ARGUMENTS, saved

__all__ = ["keep_fork"]


def keep_fork():
    """Make "fork" the default start method, as it always was on Linux; what the program chooses counts. From gevent.

    Without `patch_multiprocessing`, a fork server cannot be talked to: what is read there from a patched socket does
    not wait. And what macOS does instead of forking, the hub does not hear of.
    """
    if not saved.get(PATCH_ALL_ARGUMENTS, {}).get("multiprocessing"):
        change_module("multiprocessing.context", _change)  # few programs need it at all


def _change(module):
    # Not set_start_method(): that is the program's, and works once.
    module._default_context._default_context = module._concrete_contexts["fork"]
