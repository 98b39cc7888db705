"""The old name of `gevent.resolver.thread`."""

from gevent.resolver.thread import Resolver

__all__ = ["Resolver"]
