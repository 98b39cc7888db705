"""A `multiprocessing` that waits by letting other greenlets run, for programs that do not patch.

    from gevent import multiprocessing

    with multiprocessing.Pool() as pool:
        pool.map(work, items)      # the hub goes on

Names, modules (such as ``gevent.multiprocessing.pool``) and behaviour are the standard library's own: the modules are
its source, run a second time with gevent's threads, sockets and queues in view, so that their "threads" are greenlets.
The standard library's `multiprocessing` stays as it is, beside it. Children know this package by the same name, with
any start method.

In a program that called ``gevent.monkey.patch_all(multiprocessing=True)`` there is only one `multiprocessing`, and
this is another name for it.

Importing this loads nothing; the first use does. The modules whose names begin with an underscore are the work itself.
"""

import sys

__all__ = [
    "Array",
    "AuthenticationError",
    "Barrier",
    "BoundedSemaphore",
    "BufferTooShort",
    "Condition",
    "Event",
    "JoinableQueue",
    "Lock",
    "Manager",
    "Pipe",
    "Pool",
    "Process",
    "ProcessError",
    "Queue",
    "RLock",
    "RawArray",
    "RawValue",
    "Semaphore",
    "SimpleQueue",
    "TimeoutError",
    "Value",
    "active_children",
    "allow_connection_pickling",
    "cpu_count",
    "current_process",
    "freeze_support",
    "get_all_start_methods",
    "get_context",
    "get_logger",
    "get_start_method",
    "log_to_stderr",
    "parent_process",
    "reducer",
    "set_executable",
    "set_forkserver_preload",
    "set_start_method",
]

SUBDEBUG = 5
SUBWARNING = 25


class _Finder:
    """Finds the standard library's modules under this package's name. Asked after everybody else."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        package, _, module = name.rpartition(".")
        if package.startswith(__name__) and not module.startswith("_"):
            from gevent.multiprocessing import _copy

            return _copy.find_spec(name)
        return None


sys.meta_path.append(_Finder)


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gevent.multiprocessing import _copy

    return _copy.public_name(name)


def __dir__():
    return sorted({*globals(), *__all__})
