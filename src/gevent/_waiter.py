"""Waiter, where gevent's users look for it. See gevent._native.waiter."""

from gevent._native.hub import set_waiter_class
from gevent._native.waiter import MultipleWaiter, Waiter

__all__ = ["Waiter"]

set_waiter_class(Waiter)
