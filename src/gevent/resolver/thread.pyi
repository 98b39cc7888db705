from gevent._types import _Resolver
from gevent.hub import Hub
from gevent.threadpool import ThreadPool

__all__ = ["Resolver"]

class Resolver(_Resolver):
    pool: ThreadPool
    def __init__(self, hub: Hub | None = None) -> None: ...
