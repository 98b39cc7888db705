from collections.abc import Callable, Iterable, MutableMapping, Sequence
from types import ModuleType
from typing import Any, Generic, TypeVar, overload

from typing_extensions import Self

_T = TypeVar("_T")

WRAPPER_ASSIGNMENTS: tuple[str, ...]
WRAPPER_UPDATES: tuple[str, ...]

def update_wrapper(wrapper: _T, wrapped: object, assigned: Sequence[str] = ..., updated: Sequence[str] = ...) -> _T: ...
def copy_globals(
    source: ModuleType,
    globs: MutableMapping[str, Any],
    only_names: Iterable[str] | None = None,
    ignore_missing_names: bool = False,
    names_to_ignore: Sequence[str] = (),
    dunder_names_to_keep: Sequence[str] = ("__implements__", "__all__", "__imports__"),
    cleanup_globs: bool = True,
) -> list[str]: ...
def gmctime() -> str: ...

class _ComputedAttribute(Generic[_T]):
    def __init__(
        self: _ComputedAttribute[_T],  # pyright: ignore[reportInvalidTypeVarUse]
        func: Callable[[Any], _T],
    ) -> None: ...
    def __set_name__(self, owner: type[object], name: str) -> None: ...

# Computed when first asked for, then an attribute; `readproperty` computes again until it is assigned to.
class Lazy(_ComputedAttribute[_T]):
    @overload
    def __get__(self, inst: None, class_: type[object]) -> Self: ...
    @overload
    def __get__(self, inst: object, class_: type[object]) -> _T: ...

class readproperty(_ComputedAttribute[_T]):
    @overload
    def __get__(self, inst: None, class_: type[object]) -> Self: ...
    @overload
    def __get__(self, inst: object, class_: type[object]) -> _T: ...

class LazyOnClass(Generic[_T]):
    @classmethod
    def lazy(cls, cls_dict: MutableMapping[str, Any], func: Callable[[Any], _T]) -> None: ...
    def __init__(self, func: Callable[[Any], _T], name: str | None = None) -> None: ...
    @overload
    def __get__(self, inst: None, klass: type[object]) -> Self: ...
    @overload
    def __get__(self, inst: object, klass: type[object]) -> _T: ...
