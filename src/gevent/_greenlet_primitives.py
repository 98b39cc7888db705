"""Greenlets below the level of `gevent.Greenlet`, where gevent's users look for them."""

import gc

from greenlet import getcurrent, greenlet

from gevent._config import config
from gevent._native.hub import SwitchOutGreenletWithLoop, set_raw_greenlet_factory
from gevent._native.raw_greenlet import TrackedRawGreenlet, raw_greenlet, track_greenlet_tree

__all__ = ["SwitchOutGreenletWithLoop", "TrackedRawGreenlet"]

set_raw_greenlet_factory(raw_greenlet)
track_greenlet_tree(bool(config.track_greenlet_tree))


def get_reachable_greenlets():
    """Return a list of every greenlet the garbage collector knows of. Runs in time proportional to all objects."""
    return [found for found in gc.get_objects() if isinstance(found, greenlet)]


def get_memory(data):
    """Return a byte-wise memoryview of `data`, whatever the shape and item size of its buffer.

    TypeError without one.
    """
    view = memoryview(data)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")
