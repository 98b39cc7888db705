import concurrent.futures
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from gevent._types import OptExcInfo, Outcome, _AsyncWatcher, _Watcher
from gevent.event import AsyncResult
from gevent.greenlet import Greenlet
from gevent.hub import Hub
from gevent.pool import GroupMappingMixin

__all__ = ["ThreadPool", "ThreadPoolExecutor", "ThreadResult"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Receiver: TypeAlias = Callable[[Outcome[_T]], object]

class ThreadPool(GroupMappingMixin):
    hub: Hub
    pid: int
    manager: Greenlet[..., Any] | None
    task_queue: Any
    fork_watcher: _Watcher
    #: How many threads there may be, and how many there are. Both may be set.
    maxsize: int
    size: int
    def __init__(self, maxsize: int, hub: Hub | None = None, idle_task_timeout: int = -1) -> None: ...
    def __len__(self) -> int: ...
    def adjust(self) -> None: ...
    def join(self) -> None: ...
    def kill(self) -> None: ...
    def spawn(  # type: ignore[override]
        self, func: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> AsyncResult[_T]: ...

class ThreadResult(Generic[_T]):
    receiver: _Receiver[_T]
    hub: Hub
    context: object | None
    value: _T | None
    exc_info: OptExcInfo | tuple[()]
    async_watcher: _AsyncWatcher
    def __init__(self, receiver: _Receiver[_T], hub: Hub, call_when_ready: Callable[[], object]) -> None: ...
    @property
    def exception(self) -> BaseException | None: ...
    def successful(self) -> bool: ...
    def set(self, value: _T) -> None: ...
    def handle_error(self, context: object, exc_info: OptExcInfo) -> None: ...
    def destroy_in_main_thread(self) -> None: ...

class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    kill = concurrent.futures.ThreadPoolExecutor.shutdown
