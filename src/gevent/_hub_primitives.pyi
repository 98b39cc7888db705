from collections.abc import Callable, Collection, Iterable
from types import TracebackType
from typing import Generic, TypeVar, overload

from _typeshed import FileDescriptor
from typing_extensions import Self, TypeVarTuple, Unpack, disjoint_base

from gevent._greenlet_primitives import SwitchOutGreenletWithLoop
from gevent._types import Throwable, Waitable, _Loop, _Watcher
from gevent.hub import Hub
from gevent.socket import socket as _Socket

__all__ = [
    "WaitOperationsGreenlet",
    "iwait_on_objects",
    "wait_on_objects",
    "wait_read",
    "wait_readwrite",
    "wait_write",
]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_WaitableT = TypeVar("_WaitableT", bound=Waitable)

class WaitOperationsGreenlet(SwitchOutGreenletWithLoop):
    loop: _Loop
    def wait(self, watcher: _Watcher) -> None: ...
    def cancel_wait(self, watcher: _Watcher, error: Throwable, close_watcher: bool = False) -> None: ...
    def cancel_waits_close_and_then(
        self,
        watchers: Iterable[_Watcher],
        exc_kind: Throwable,
        then: Callable[[Unpack[_Ts]], object],
        *then_args: Unpack[_Ts],
    ) -> None: ...

@disjoint_base
class _WaitIterator(Generic[_T]):
    def __init__(self, objects: Collection[_T], hub: Hub, timeout: float, count: int | None) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _T: ...
    def next(self) -> _T: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

@overload
def wait_on_objects(objects: None = None, timeout: float | None = None, count: int | None = None) -> bool: ...
@overload
def wait_on_objects(
    objects: Collection[_WaitableT], timeout: float | None = None, count: int | None = None
) -> list[_WaitableT]: ...
@overload
def iwait_on_objects(objects: None, timeout: float | None = None, count: int | None = None) -> list[bool]: ...
@overload
def iwait_on_objects(
    objects: Collection[_WaitableT], timeout: float | None = None, count: int | None = None
) -> _WaitIterator[_WaitableT]: ...
def set_default_timeout_error(e: type[BaseException]) -> None: ...
def wait_on_watcher(
    watcher: _Watcher, timeout: float | None = None, timeout_exc: Throwable = ..., hub: Hub | None = None
) -> None: ...
def wait_on_socket(socket: _Socket, watcher: _Watcher, timeout_exc: Throwable | None = None) -> None: ...
def wait_read(fileno: FileDescriptor, timeout: float | None = None, timeout_exc: Throwable = ...) -> None: ...
def wait_write(
    fileno: FileDescriptor, timeout: float | None = None, timeout_exc: Throwable = ..., event: object = ...
) -> None: ...
def wait_readwrite(
    fileno: FileDescriptor, timeout: float | None = None, timeout_exc: Throwable = ..., event: object = ...
) -> None: ...
