"""Queues between greenlets.

The same as the standard library's `queue`, with three more: a `peek`, queues that can be filled when they are made and
iterated, and `Channel`, which hands items over without keeping any. All are native, in gevent._native.queue and
gevent._native.channel; exceptions are the standard library's own.
"""

import queue as _stdlib_queue

from gevent._native.channel import Channel  # noqa: F401
from gevent._native.queue import (  # noqa: F401
    Empty,
    Full,
    LifoQueue,
    PriorityQueue,
    Queue,
    ShutDown,
    SimpleQueue,
    UnboundQueue,
)

__implements__ = ["LifoQueue", "PriorityQueue", "Queue", "SimpleQueue"]
__imports__ = ["Empty", "Full"]
__extensions__ = ["Channel", "JoinableQueue"]
# The standard library has it from 3.13 on.
(__imports__ if hasattr(_stdlib_queue, "ShutDown") else __extensions__).append("ShutDown")
__all__ = __implements__ + __imports__ + __extensions__

JoinableQueue = Queue
