from typing import Any

from gevent.hub import Hub
from gevent.resolver import AbstractResolver

__all__ = ["Resolver"]

class Resolver(AbstractResolver):
    def __init__(self, hub: Hub | None = None) -> None: ...
    # dnspython's own.
    @property
    def resolver(self) -> Any: ...
