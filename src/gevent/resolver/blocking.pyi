from gevent._types import _Resolver
from gevent.hub import Hub

__all__ = ["Resolver"]

class Resolver(_Resolver):
    def __init__(self, hub: Hub | None = None) -> None: ...
