from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, ParamSpec, Protocol, TextIO, TypeVar, overload, type_check_only

import greenlet as _greenlet
from greenlet import GreenletExit as GreenletExit, getcurrent as getcurrent

from gevent._hub_local import get_hub as get_hub
from gevent._hub_primitives import WaitOperationsGreenlet
from gevent._ident import IdentRegistry
from gevent._monitor import PeriodicMonitoringThread
from gevent._types import Throwable, _Loop, _Watcher
from gevent._waiter import Waiter as Waiter
from gevent.greenlet import Greenlet
from gevent.resolver import AbstractResolver
from gevent.threadpool import ThreadPool

__all__ = [
    "GreenletExit",
    "Hub",
    "Waiter",
    "get_hub",
    "getcurrent",
    "kill",
    "reinit",
    "signal",
    "sleep",
    "spawn_raw",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Made when it is first asked for; None, assigned, makes the hub ask for another.
@type_check_only
class _Part(Protocol[_T]):
    @overload
    def __get__(self, hub: None, owner: type[object] | None = None) -> property: ...
    @overload
    def __get__(self, hub: object, owner: type[object] | None = None) -> _T: ...
    def __set__(self, hub: object, value: _T | None) -> None: ...
    def __del__(self) -> None: ...

class Hub(WaitOperationsGreenlet):
    SYSTEM_ERROR: tuple[type[BaseException], ...]
    NOT_ERROR: tuple[type[BaseException], ...]
    name: str
    thread_ident: int
    minimal_ident: int
    threadpool_size: int
    loop: _Loop
    periodic_monitoring_thread: PeriodicMonitoringThread | None
    format_context: Callable[[object], str]
    exception_stream: TextIO | None
    ident_registry: IdentRegistry
    resolver: _Part[AbstractResolver]
    threadpool: _Part[ThreadPool]

    @overload
    def __init__(self, loop: _Loop, default: None = None) -> None: ...
    @overload
    def __init__(self, loop: None = None, default: bool | None = None) -> None: ...
    @property
    def main_hub(self) -> bool: ...
    @property
    def backend(self) -> int | str: ...
    @property
    def loop_class(self) -> type[_Loop]: ...
    @property
    def resolver_class(self) -> type[AbstractResolver]: ...
    @property
    def threadpool_class(self) -> type[ThreadPool]: ...
    def run(self) -> None: ...  # pyright: ignore[reportIncompatibleMethodOverride]
    def join(self, timeout: float | None = None) -> bool: ...
    def destroy(self, destroy_loop: bool | None = None) -> None: ...
    def start_periodic_monitoring_thread(self) -> PeriodicMonitoringThread: ...
    def handle_error(
        self,
        context: object | None,
        type: type[BaseException] | None,
        value: BaseException | str | None,
        tb: TracebackType | None,
    ) -> None: ...
    def handle_system_error(
        self, type: type[BaseException], value: BaseException | None, tb: TracebackType | None = None
    ) -> None: ...
    def print_exception(
        self,
        context: object | None,
        t: type[BaseException] | None,
        v: BaseException | str | None,
        tb: TracebackType | None,
    ) -> None: ...

class signal(Generic[_P]):
    greenlet_class: type[Greenlet[..., Any]] | None
    hub: Hub
    watcher: _Watcher
    handler: Callable[_P, object]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    ref: bool
    def __init__(self, signalnum: int, handler: Callable[_P, object], *args: _P.args, **kwargs: _P.kwargs) -> None: ...
    def cancel(self) -> None: ...
    def handle(self) -> None: ...

class linkproxy:
    __slots__ = ["callback", "obj"]
    callback: Callable[[object], object]
    obj: object
    def __init__(self, callback: Callable[[_T], object], obj: _T) -> None: ...
    def __call__(self, *args: object) -> None: ...

def sleep(seconds: float = 0, ref: bool = True) -> None: ...
def idle(priority: int = 0) -> None: ...
def kill(greenlet: _greenlet.greenlet, exception: Throwable = ...) -> None: ...
def spawn_raw(function: Callable[..., object], *args: object, **kwargs: object) -> _greenlet.greenlet: ...
def reinit(hub: Hub | None = None) -> None: ...
