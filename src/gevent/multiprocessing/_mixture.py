"""What `gevent.multiprocessing` and the standard library's `multiprocessing` have in common, where both are used.

A program that patches nothing may hand a context of gevent's to code that knows the standard library's only, such as
`concurrent.futures.ProcessPoolExecutor`; then objects of both go to one child. Each package knows which of its objects
may be sent, and when a process is being started; here they tell each other. And each does something of its own when a
process begins and ends: a child of one is a child of the other.
"""

import copyreg
import sys

from gevent.multiprocessing._stdlib import STDLIB_NAME

__all__ = ["changes"]


class _Reducers:
    """What a `ForkingPickler` begins with: everybody's reducers, and those of the other package."""

    def __init__(self, other):
        self._other = other

    def copy(self):
        return {**copyreg.dispatch_table, **self._other._extra_reducers}


def _make_bootstrap(mp):
    original = mp.process.BaseProcess._bootstrap

    def _bootstrap(self, parent_sentinel=None):
        """Run this process, in it; return its exit code."""
        util, process = (sys.modules.get(f"{STDLIB_NAME}.{name}") for name in ("util", "process"))
        if util is None or process is None:
            return original(self, parent_sentinel)
        process._children = set()
        before, process._current_process = process._current_process, self
        process._parent_process = mp.process._ParentProcess(self._parent_name, self._parent_pid, parent_sentinel)
        if self._start_method != "spawn":
            util._finalizer_registry.clear()
            util._run_after_forkers()
        del before  # finalized only now, as there
        try:
            return original(self, parent_sentinel)
        finally:
            util._exit_function()

    return _bootstrap


def _begin_and_end_with(mp, stdlib):
    # The other way round: what a process of the standard library's does.
    def begin(util):
        process, of_stdlib = mp.process, stdlib.process
        process._children = set()
        process._current_process, process._parent_process = of_stdlib._current_process, of_stdlib._parent_process
        util._finalizer_registry.clear()
        util._run_after_forkers()
        stdlib.util.Finalize(None, util._exit_function, exitpriority=-1)

    stdlib.util.register_after_fork(mp.util, begin)
    stdlib.util.Finalize(None, mp.util._exit_function, exitpriority=-1)


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp`, and of the standard library's, that they share."""
    if mp.is_stdlib:
        return
    stdlib = mp.stdlib
    yield mp.process.BaseProcess, "_bootstrap", _make_bootstrap(mp)
    here, there = (each.reduction.ForkingPickler for each in (mp, stdlib))
    yield here, "_copyreg_dispatch_table", _Reducers(there)
    yield there, "_copyreg_dispatch_table", _Reducers(here)
    _begin_and_end_with(mp, stdlib)
