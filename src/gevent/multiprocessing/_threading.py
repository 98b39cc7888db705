"""The `threading` that the modules of `gevent.multiprocessing` see: its threads are greenlets, patched or not.

The standard library's source, run in this module with gevent's primitives for those of `_thread`. A module of its own,
because managers send classes of it to other processes by name.
"""

import _thread
import builtins
import sys as _sys
import threading as _stdlib

from gevent import local as _local, thread as _green_thread, threading as _green_threading
from gevent._threading_classes import mend_classes as _mend_classes
from gevent.multiprocessing._copy import builtins_with as _builtins_with
from gevent.multiprocessing._view import View as _View

__all__ = []  # and then threading's


def _primitives():
    names = {name: getattr(_green_thread, name) for name in _green_thread.__implements__}
    for name in _green_threading.__implements__:
        if name.startswith("_") and name != "_CRLock" and hasattr(_thread, name):
            names[name] = getattr(_green_threading, name)
    # Without RLock in C, threading uses the one it has in Python, which is made of the other names.
    return _View(_thread, absent=("RLock",), **{"_local": _local.local, **names})


# threading overwrites whatever it has a name for, but not these two.
_gevent_primitives = _primitives()
_gevent_import = builtins.__import__


def _import_for_threading(name, *args, **kwargs):
    return _gevent_primitives if name == "_thread" else _gevent_import(name, *args, **kwargs)


__builtins__ = _builtins_with(_import_for_threading)
exec(_stdlib.__spec__.loader.get_code("threading"), globals())
_mend_classes(globals())


def _mend_end_of_dummies(names):
    # In newer Pythons an object in a thread's locals takes its dummy thread out of the table when it goes. A greenlet
    # that never ends keeps its locals longer than this module keeps its names.
    remove = names["_DeleteDummyThreadOnDel"].__del__

    def remove_while_there_is_a_table(self):
        if names["_active_limbo_lock"] is not None:
            remove(self)

    names["_DeleteDummyThreadOnDel"].__del__ = remove_while_there_is_a_table


def _mend_forks(thread_class):
    # From 3.13 on the interpreter marks the handles of threads that are not in a forked child; it has none of these.
    name = "_os_thread_handle" if _sys.version_info >= (3, 14) else "_handle"
    after_fork = thread_class._after_fork

    def _after_fork(self, new_ident=None):
        after_fork(self, new_ident)
        if new_ident is None:
            getattr(self, name)._set_done()

    thread_class._after_fork = _after_fork


if "_DeleteDummyThreadOnDel" in globals():
    _mend_end_of_dummies(globals())
if _sys.version_info >= (3, 13):
    _mend_forks(Thread)  # noqa: F821 - threading's
