"""How patching talks: warnings, which wait until all is done, and events, which may forbid it.

Warnings wait because a warning may import modules, or stop the program when it is turned into an error, and neither
should happen while the process is half patched.
"""

import sys
from functools import wraps

from gevent.monkey._errors import MonkeyPatchWarning

__all__ = ["is_watched", "notify", "process_warnings", "queue_warning", "unless_forbidden"]


_OWN_MODULES = ("gevent.monkey", "gevent.events")


def queue_warning(message, warnings):
    """Append the text `message` to the list `warnings`; or issue it now if there is no list."""
    if warnings is None:
        process_warnings([message])
    else:
        warnings.append(message)


def process_warnings(warnings):
    """Issue each text in the list `warnings`, in the name of whoever called into gevent.monkey."""
    if not warnings:
        return
    import warnings as stdlib_warnings

    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OWN_MODULES):
        frame, level = frame.f_back, level + 1
    for message in warnings:
        stdlib_warnings.warn(message, MonkeyPatchWarning, stacklevel=level)


def notify(event):
    """Tell subscribers and plugins of `event`. Raises what they raise, `DoNotPatch` among others."""
    from gevent.events import notify_and_call_entry_points

    notify_and_call_entry_points(event)


def is_watched():
    """Return whether anybody but gevent itself is told of events, as a subscriber or a plugin."""
    from gevent.events._entry_points import is_any_foreign

    module = sys.modules.get("zope.event")
    return bool(module and module.subscribers) or is_any_foreign()


def unless_forbidden(function):
    """Decorate a function that patches: when a subscriber raises `DoNotPatch`, it returns False."""

    @wraps(function)
    def patch(*args, **kwargs):
        from gevent.events import DoNotPatch

        try:
            return function(*args, **kwargs)
        except DoNotPatch:
            return False

    return patch
