from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, overload, type_check_only

from typing_extensions import Self

from gevent._types import Throwable, _TimerWatcher

__all__ = ["Timeout", "with_timeout"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Instead = TypeVar("_Instead")
_TimeoutT = TypeVar("_TimeoutT", bound=Timeout)

@type_check_only
class _HasSeconds(Protocol):
    @property
    def seconds(self) -> float | int: ...

class Timeout(BaseException):
    seconds: float | None
    exception: Throwable | None
    timer: _TimerWatcher
    def __init__(
        self,
        seconds: float | None = None,
        exception: Throwable | Literal[False] | None = None,
        ref: bool = True,
        priority: int = -1,
    ) -> None: ...
    @overload
    @classmethod
    def start_new(
        cls,
        timeout: float | None = None,
        exception: Throwable | Literal[False] | None = None,
        ref: bool = True,
    ) -> Self: ...
    @overload
    @classmethod
    def start_new(cls, timeout: _TimeoutT) -> _TimeoutT: ...
    @property
    def pending(self) -> bool: ...
    def start(self) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    # True for this timeout itself, when `exception` is False.
    def __exit__(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> Literal[True] | None: ...
    def __lt__(self, other: _HasSeconds | float) -> bool: ...

# A ParamSpec admits no further keyword, so that arguments are checked without `timeout_value` only.
@overload
def with_timeout(
    seconds: float | None, function: Callable[..., _T], *args: Any, timeout_value: _Instead, **kwds: Any
) -> _T | _Instead: ...
@overload
def with_timeout(seconds: float | None, function: Callable[_P, _T], *args: _P.args, **kwds: _P.kwargs) -> _T: ...
