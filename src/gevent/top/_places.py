"""Where a greenlet or a thread is: in the program's own words, and whether it is the program's at all."""

import os
import sys

__all__ = ["is_ours", "place_of"]

#: Whoever waits in these waits for gevent, whoever has called them.
_KEEPERS = {"supervisor", "serve", "top"}
#: In these, only where no code of the program is on the stack.
_SERVANTS = {"pywsgi", "server", "baseserver", "hub", "threadpool", "resolver", "processpool"}
#: What a program calls rather than is.
_PASSED_OVER = {"gevent", *sys.stdlib_module_names} - {"__main__"}


def _module(frame):
    return frame.f_globals.get("__name__", "")


def place_of(frame):
    """Return where the program is, as text, rather than gevent or the standard library within it."""
    innermost = frame
    while frame is not None and _module(frame).partition(".")[0] in _PASSED_OVER:
        frame = frame.f_back
    frame = frame or innermost
    return f"{frame.f_code.co_name} ({os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno})"


def is_ours(frame):
    """Return whether a greenlet that waits in `frame` does so for gevent, and for nothing of the program's."""
    parts = set()
    while frame is not None:
        package, _, rest = _module(frame).partition(".")
        if package not in _PASSED_OVER:
            return not parts.isdisjoint(_KEEPERS)
        if package == "gevent":
            parts.add(rest.partition(".")[0])
        frame = frame.f_back
    return not parts.isdisjoint(_KEEPERS | _SERVANTS)
