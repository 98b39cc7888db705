from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar

from _typeshed import SupportsWrite
from greenlet import greenlet as _greenlet
from typing_extensions import Self

from gevent.hub import Hub

__all__ = ["GreenletTree", "assert_switches", "format_run_info", "print_run_info", "wrap_errors"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

class wrap_errors(Generic[_P, _T]):
    def __init__(self, errors: tuple[type[BaseException], ...], func: Callable[_P, _T]) -> None: ...
    # Or what was raised, if it is one of `errors`.
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...
    def __getattr__(self, name: str) -> Any: ...

def format_run_info(
    thread_stacks: bool = True,
    greenlet_stacks: bool = True,
    limit: int | None = ...,
    current_thread_ident: int | None = None,
) -> list[str]: ...
def print_run_info(
    thread_stacks: bool = True,
    greenlet_stacks: bool = True,
    limit: int | None = ...,
    file: SupportsWrite[str] | None = None,
) -> None: ...

class GreenletTree:
    DEFAULT_DETAILS: dict[str, Any]
    greenlet: _greenlet | None
    child_trees: list[GreenletTree]
    is_current_tree: bool
    def __init__(self, greenlet: _greenlet | None) -> None: ...
    @property
    def root(self) -> bool: ...
    def add_child(self, tree: GreenletTree) -> None: ...
    def format(self, details: bool | dict[str, Any] = True) -> str: ...
    def format_lines(self, details: bool | dict[str, Any] = True) -> str: ...
    @classmethod
    def forest(cls) -> list[GreenletTree]: ...
    @classmethod
    def current_tree(cls) -> GreenletTree: ...
    # The greenlet's.
    def __getattr__(self, name: str) -> Any: ...

class assert_switches:
    hub: Hub | None
    tracer: object | None
    max_blocking_time: float | None
    hub_only: bool
    def __init__(self, max_blocking_time: float | None = None, hub_only: bool = False) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, t: type[BaseException] | None, v: BaseException | None, tb: TracebackType | None) -> None: ...
