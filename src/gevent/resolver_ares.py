"""The old name of `gevent.resolver.ares`."""

from gevent.resolver.ares import Resolver

__all__ = ["Resolver"]
