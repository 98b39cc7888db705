"""Looking into a running program: what every thread and greenlet is doing, who spawned whom, who does not switch.

`print_run_info` is for people; it works from signal handlers and from a `gevent.backdoor`. `assert_switches` is for
tests. `GreenletTree` is what the report is made from.
"""

import sys
from time import perf_counter

from greenlet import getcurrent

from gevent._compat import PYPY  # noqa: F401 - a name of gevent's here
from gevent._run_report import GreenletTree, dump_stacks, format_run_info  # noqa: F401 - the second's name of old
from gevent._util import _NONE

__all__ = [
    "GreenletTree",
    "assert_switches",
    "format_run_info",
    "print_run_info",
    "wrap_errors",
]


# --- the report -------------------------------------------------------------------------------------------------------


def print_run_info(thread_stacks=True, greenlet_stacks=True, limit=_NONE, file=None):
    """Print what `format_run_info` returns to `file`, by default to standard error."""
    lines = format_run_info(thread_stacks, greenlet_stacks, limit)
    print(*lines, sep="\n", file=sys.stderr if file is None else file)


def serve_top():
    """Let ``python -m gevent top`` and ``stacks`` look into this process and its children, from now on.

    Starts a thread that answers on a UNIX socket which only this user can open. ``GEVENT_TOP=1`` in the environment
    does the same at the start. Again does nothing. Raises OSError where no socket can be made. From gevent-mp.
    """
    from gevent.top import _server

    _server.serve()


def is_idle_threadpool_worker(frame):
    """Whether `frame`, the innermost one of a thread, belongs to a thread pool's worker that waits for a task."""
    while frame is not None and frame.f_globals.get("__name__") != "gevent.threadpool":
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "_wait_for_task"


def clear_stack_frames(frame):
    """Clear the local variables of `frame` and of all its callers that are not running, so that objects can go."""
    while frame is not None:
        try:
            frame.clear()
        except RuntimeError:
            pass  # still running, so its variables are still needed
        frame = frame.f_back


# --- smaller tools ----------------------------------------------------------------------------------------------------


class wrap_errors:
    """A function that returns the exceptions which `func` raises, if they are of a class in `errors`.

    So they can be the result of a greenlet without being reported as its failure. Everything else about it is like
    `func`. `errors` is an exception class or a tuple of them.
    """

    def __init__(self, errors, func):
        self.__errors, self.__func = errors, func

    def __call__(self, *args, **kwargs):
        try:
            return self.__func(*args, **kwargs)
        except self.__errors as error:
            return error

    def __getattr__(self, name):
        return getattr(self.__func, name)

    def __repr__(self):
        return repr(self.__func)

    def __str__(self):
        return str(self.__func)


class _FailedToSwitch(AssertionError):
    """Raised by `assert_switches`."""


class assert_switches:
    """A context manager for code that must let other greenlets run.

    Without arguments, the block has to switch at least once. With `max_blocking_time` seconds, it may not take longer
    than that without switching, and with `hub_only`, without switching to the hub. Otherwise leaving the block raises
    an AssertionError that says what the program was doing; an exception of the block itself is never replaced.
    """

    hub = None
    tracer = None

    def __init__(self, max_blocking_time=None, hub_only=False):
        self.max_blocking_time = max_blocking_time
        self.hub_only = hub_only

    def __enter__(self):
        from gevent import _tracer
        from gevent._hub_local import get_hub

        self.hub = get_hub()
        if self.max_blocking_time is None:
            self.tracer = _tracer.GreenletTracer()
            # No switch yet, but whoever runs now is the one to blame.
            self.tracer.monitor_current_greenlet_blocking()
        else:
            kind = _tracer.HubSwitchTracer if self.hub_only else _tracer.MaxSwitchTracer
            self.tracer = kind(self.hub, self.max_blocking_time)
        self._entered = perf_counter()
        return self

    def __exit__(self, t, v, tb):
        hub, tracer = self.hub, self.tracer
        took = perf_counter() - self._entered
        self.hub = self.tracer = None
        blocked = t is None and tracer.did_block_hub(hub)
        tracer.kill()
        if blocked:
            target = "To the hub" if self.hub_only else "To any greenlet"
            allowed = "" if self.max_blocking_time is None else f" (max allowed {self.max_blocking_time:.4f} seconds)"
            report = tracer.did_block_hub_report(hub, blocked[1] or getcurrent(), {})
            raise _FailedToSwitch("\n".join([f"{target} in {took:.4f} seconds{allowed}", *report]))
