from collections.abc import Callable, Collection, Iterable, Iterator
from queue import Full as QueueFull
from typing import Any, ParamSpec, TypeVar, overload

from gevent._imap import IMap, IMapUnordered
from gevent._types import Throwable
from gevent.greenlet import Greenlet

__all__ = ["Group", "Pool", "PoolFull"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_R = TypeVar("_R")
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_D = TypeVar("_D")
_E = TypeVar("_E")

class GroupMappingMixin:
    __slots__ = ()
    def spawn(self, func: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Greenlet[_P, _T]: ...
    # `args` and `kwds` as a tuple and a dict cannot be checked against a ParamSpec.
    def apply(
        self, func: Callable[..., _T], args: tuple[Any, ...] | None = None, kwds: dict[str, Any] | None = None
    ) -> _T: ...
    def apply_cb(
        self,
        func: Callable[..., _T],
        args: tuple[Any, ...] | None = None,
        kwds: dict[str, Any] | None = None,
        callback: Callable[[_T], object] | None = None,
    ) -> _T: ...
    def apply_async(
        self,
        func: Callable[..., _T],
        args: tuple[Any, ...] | None = None,
        kwds: dict[str, Any] | None = None,
        callback: Callable[[_T], object] | None = None,
    ) -> Greenlet[..., _T]: ...
    def map(self, func: Callable[[_T], _R], iterable: Iterable[_T]) -> list[_R]: ...
    def map_cb(
        self, func: Callable[[_T], _R], iterable: Iterable[_T], callback: Callable[[list[_R]], object] | None = None
    ) -> list[_R]: ...
    def map_async(
        self, func: Callable[[_T], _R], iterable: Iterable[_T], callback: Callable[[list[_R]], object] | None = None
    ) -> Greenlet[..., list[_R]]: ...
    @overload
    def imap(self, func: Callable[[_A], _R], _as: Iterable[_A], /, *, maxsize: int | None = None) -> IMap[[_A], _R]: ...
    @overload
    def imap(
        self, func: Callable[[_A, _B], _R], _as: Iterable[_A], _bs: Iterable[_B], /, *, maxsize: int | None = None
    ) -> IMap[[_A, _B], _R]: ...
    @overload
    def imap(
        self,
        func: Callable[[_A, _B, _C], _R],
        _as: Iterable[_A],
        _bs: Iterable[_B],
        _cs: Iterable[_C],
        /,
        *,
        maxsize: int | None = None,
    ) -> IMap[[_A, _B, _C], _R]: ...
    @overload
    def imap(
        self,
        func: Callable[[_A, _B, _C, _D], _R],
        _as: Iterable[_A],
        _bs: Iterable[_B],
        _cs: Iterable[_C],
        _ds: Iterable[_D],
        /,
        *,
        maxsize: int | None = None,
    ) -> IMap[[_A, _B, _C, _D], _R]: ...
    @overload
    def imap(
        self,
        func: Callable[[_A, _B, _C, _D, _E], _R],
        _as: Iterable[_A],
        _bs: Iterable[_B],
        _cs: Iterable[_C],
        _ds: Iterable[_D],
        _es: Iterable[_E],
        /,
        *,
        maxsize: int | None = None,
    ) -> IMap[[_A, _B, _C, _D, _E], _R]: ...
    @overload
    def imap(
        self,
        func: Callable[_P, _R],
        _as: Iterable[Any],
        _bs: Iterable[Any],
        _cs: Iterable[Any],
        _ds: Iterable[Any],
        _es: Iterable[Any],
        _fs: Iterable[Any],
        /,
        *more: Iterable[Any],
        maxsize: int | None = None,
    ) -> IMap[_P, _R]: ...
    @overload
    def imap_unordered(
        self, func: Callable[[_A], _R], _as: Iterable[_A], /, *, maxsize: int | None = None
    ) -> IMapUnordered[[_A], _R]: ...
    @overload
    def imap_unordered(
        self, func: Callable[[_A, _B], _R], _as: Iterable[_A], _bs: Iterable[_B], /, *, maxsize: int | None = None
    ) -> IMapUnordered[[_A, _B], _R]: ...
    @overload
    def imap_unordered(
        self,
        func: Callable[[_A, _B, _C], _R],
        _as: Iterable[_A],
        _bs: Iterable[_B],
        _cs: Iterable[_C],
        /,
        *,
        maxsize: int | None = None,
    ) -> IMapUnordered[[_A, _B, _C], _R]: ...
    @overload
    def imap_unordered(
        self,
        func: Callable[[_A, _B, _C, _D], _R],
        _as: Iterable[_A],
        _bs: Iterable[_B],
        _cs: Iterable[_C],
        _ds: Iterable[_D],
        /,
        *,
        maxsize: int | None = None,
    ) -> IMapUnordered[[_A, _B, _C, _D], _R]: ...
    @overload
    def imap_unordered(
        self,
        func: Callable[[_A, _B, _C, _D, _E], _R],
        _as: Iterable[_A],
        _bs: Iterable[_B],
        _cs: Iterable[_C],
        _ds: Iterable[_D],
        _es: Iterable[_E],
        /,
        *,
        maxsize: int | None = None,
    ) -> IMapUnordered[[_A, _B, _C, _D, _E], _R]: ...
    @overload
    def imap_unordered(
        self,
        func: Callable[_P, _R],
        _as: Iterable[Any],
        _bs: Iterable[Any],
        _cs: Iterable[Any],
        _ds: Iterable[Any],
        _es: Iterable[Any],
        _fs: Iterable[Any],
        /,
        *more: Iterable[Any],
        maxsize: int | None = None,
    ) -> IMapUnordered[_P, _R]: ...

class Group(GroupMappingMixin):
    greenlet_class: type[Greenlet[..., Any]]
    greenlets: set[Greenlet[..., Any]]
    dying: set[Greenlet[..., Any]]
    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(self, greenlets: Collection[Greenlet[..., object]], /) -> None: ...
    def add(self, greenlet: Greenlet[..., object]) -> None: ...
    def start(self, greenlet: Greenlet[..., object]) -> None: ...
    def discard(self, greenlet: Greenlet[..., object]) -> None: ...
    def join(self, timeout: float | None = None, raise_error: bool = False) -> bool: ...
    def kill(self, exception: Throwable = ..., block: bool = True, timeout: float | None = None) -> None: ...
    def killone(
        self,
        greenlet: Greenlet[..., object],
        exception: Throwable = ...,
        block: bool = True,
        timeout: float | None = None,
    ) -> None: ...
    def full(self) -> bool: ...
    def wait_available(self, timeout: float | None = None) -> int | None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Greenlet[..., object]]: ...
    def __contains__(self, item: Greenlet[..., object]) -> bool: ...

class Pool(Group):
    size: int | None
    def __init__(self, size: int | None = None, greenlet_class: type[Greenlet[..., object]] | None = None) -> None: ...
    def free_count(self) -> int: ...
    def wait_available(self, timeout: float | None = None) -> int: ...
    def add(self, greenlet: Greenlet[..., object], blocking: bool = True, timeout: float | None = None) -> None: ...
    def start(self, greenlet: Greenlet[..., object], blocking: bool = True, timeout: float | None = None) -> None: ...

class PoolFull(QueueFull): ...
