"""The threads that multiprocessing starts for itself: they stay in the process that has started them.

After a plain `os.fork` greenlets go on in the child, the program's threads among them. Those which feed queues, handle
a pool's workers and results, or serve a manager's clients do not, as no thread does in the standard library: their
business is with other processes, and a copy of them would take and send what belongs to the parent. What becomes of
them is told in cpp/python/bound_greenlets.h.
"""

import sys

from gevent.multiprocessing._package import STDLIB_NAME, changes_of_module
from gevent.multiprocessing._view import View

__all__ = ["changes"]

_EXECUTOR = "concurrent.futures.process"


def _helper_class(threading):
    class Thread(threading.Thread):
        """A thread of which no child of `os.fork` has a copy."""

        _stays_in_its_process = True

    return Thread


def _view_for_pools(threading, helper_class):
    def Thread(*args, **kwargs):
        # A pool of threads has to do with this process only; what it does in a child is what the program's threads do.
        maker = sys._getframe(1)
        pool, module = maker.f_locals.get("self"), maker.f_globals
        return (threading.Thread if isinstance(pool, module["ThreadPool"]) else helper_class)(*args, **kwargs)

    return View(threading, Thread=Thread)


def _threading_for(view):
    def changes_of(module):
        yield module, "threading", view

    return changes_of


def _mark_manager_thread(module):
    yield module._ExecutorManagerThread, "_stays_in_its_process", True


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that its helpers stay in their process."""
    threading = mp.util.threading
    helper_class = _helper_class(threading)
    ordinary = _threading_for(View(threading, Thread=helper_class))
    for name in "queues", "managers", "resource_sharer":
        yield from changes_of_module(f"{mp.name}.{name}", ordinary)
    for_pools = _threading_for(_view_for_pools(threading, helper_class))
    yield from changes_of_module(f"{mp.name}.pool", for_pools)
    if mp.name == STDLIB_NAME:
        yield from changes_of_module(_EXECUTOR, _mark_manager_thread)
