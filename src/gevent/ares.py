"""The old name of `gevent.resolver.cares`."""

from gevent.resolver.cares import channel

__all__ = ["channel"]
