from gevent.resolver.ares import Resolver as Resolver

__all__ = ["Resolver"]
