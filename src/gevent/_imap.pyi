from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from typing_extensions import Self, disjoint_base

from gevent.greenlet import Greenlet
from gevent.queue import UnboundQueue

__all__ = ["IMap", "IMapUnordered"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

@disjoint_base
class IMapUnordered(Greenlet[_P, _T]):
    finished: bool
    @property
    def queue(self) -> UnboundQueue[_T | object]: ...
    def __init__(
        self, func: Callable[_P, _T], iterable: Iterable[Any], spawn: Callable[_P, Greenlet[_P, _T]]
    ) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _T: ...
    def next(self) -> _T: ...

@disjoint_base
class IMap(IMapUnordered[_P, _T]): ...
