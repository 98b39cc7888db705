import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar, overload

from typing_extensions import Self

from gevent.event import AsyncResult
from gevent.greenlet import Greenlet
from gevent.hub import Hub

__all__ = [
    "ProcessPool",
    "ProcessPoolExecutor",
    "RemoteTraceback",
    "Task",
    "TaskCancelled",
    "TaskTimeout",
    "WorkerLost",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_A = TypeVar("_A")
_B = TypeVar("_B")
#: Called with how many tasks are done, and of how many, if that is known.
_Progress: TypeAlias = Callable[[int, int | None], object]
_StartMethod: TypeAlias = Literal["fork", "forkserver", "spawn"]

class WorkerLost(RuntimeError): ...
class TaskTimeout(TimeoutError): ...
class TaskCancelled(RuntimeError): ...

class RemoteTraceback(Exception):
    text: str
    def __init__(self, text: str) -> None: ...

class Task(AsyncResult[_T]):
    pool: ProcessPool
    timeout_s: float | None
    def __init__(
        self,
        pool: ProcessPool,
        function: Callable[..., _T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        timeout_s: float | None,
    ) -> None: ...
    # A task, unlike other results, can be taken back.
    def cancel(self) -> bool: ...  # type: ignore[override]
    def get(self, block: bool = True, timeout: float | None = None) -> _T: ...
    def settle(self, value: _T | None, error: BaseException | None = None) -> None: ...

# What a pool and its `with_options` have in common.
class _Options:
    timeout: float | None
    progress: _Progress | None
    pool: ProcessPool
    def spawn(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Task[_T]: ...
    def apply(
        self, function: Callable[..., _T], args: Iterable[Any] | None = None, kwds: dict[str, Any] | None = None
    ) -> _T: ...
    def apply_async(
        self,
        function: Callable[..., _T],
        args: Iterable[Any] | None = None,
        kwds: dict[str, Any] | None = None,
        callback: Callable[[_T], object] | None = None,
    ) -> Task[_T]: ...
    @overload
    def map(self, function: Callable[[_A], _T], items: Iterable[_A], /) -> list[_T]: ...
    @overload
    def map(self, function: Callable[[_A, _B], _T], items: Iterable[_A], more: Iterable[_B], /) -> list[_T]: ...
    @overload
    def map(self, function: Callable[..., _T], *iterables: Iterable[Any]) -> list[_T]: ...
    @overload
    def map_async(self, function: Callable[[_A], _T], items: Iterable[_A], /) -> Greenlet[..., list[_T]]: ...
    @overload
    def map_async(self, function: Callable[..., _T], *iterables: Iterable[Any]) -> Greenlet[..., list[_T]]: ...
    @overload
    def imap(
        self, function: Callable[[_A], _T], items: Iterable[_A], /, *, maxsize: int | None = None
    ) -> Iterator[_T]: ...
    @overload
    def imap(
        self, function: Callable[..., _T], *iterables: Iterable[Any], maxsize: int | None = None
    ) -> Iterator[_T]: ...
    @overload
    def imap_unordered(
        self, function: Callable[[_A], _T], items: Iterable[_A], /, *, maxsize: int | None = None
    ) -> Iterator[_T]: ...
    @overload
    def imap_unordered(
        self, function: Callable[..., _T], *iterables: Iterable[Any], maxsize: int | None = None
    ) -> Iterator[_T]: ...

class ProcessPool(_Options):
    hub: Hub
    def __init__(
        self,
        maxsize: int | None = None,
        *,
        start_method: _StartMethod | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        max_tasks_per_child: int | None = None,
        timeout: float | None = None,
        hub: Hub | None = None,
    ) -> None: ...
    @property
    def maxsize(self) -> int: ...
    @property
    def size(self) -> int: ...
    def with_options(self, *, timeout: float | None = None, progress: _Progress | None = None) -> _Options: ...
    def join(self, timeout: float | None = None) -> bool: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

class ProcessPoolExecutor(concurrent.futures.Executor):
    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: BaseContext | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        max_tasks_per_child: int | None = None,
    ) -> None: ...
