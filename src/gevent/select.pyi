from collections.abc import Iterable
from select import error as error
from typing import Any

from _typeshed import FileDescriptorLike

__all__ = ["error", "poll", "select"]

def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]: ...

class poll:
    def register(self, fd: FileDescriptorLike, eventmask: int = ...) -> None: ...
    def modify(self, fd: FileDescriptorLike, eventmask: int) -> None: ...
    def unregister(self, fd: FileDescriptorLike) -> None: ...
    # In milliseconds.
    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]: ...
