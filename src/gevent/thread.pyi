import sys
from _thread import (
    TIMEOUT_MAX as TIMEOUT_MAX,
    allocate as allocate,
    error as error,
    exit_thread as exit_thread,
    get_native_id as get_native_id,
    interrupt_main as interrupt_main,
    start_new as start_new,
)
from collections.abc import Callable
from threading import RLock as RLock
from typing import Any, final

from greenlet import greenlet
from typing_extensions import Never

from gevent.lock import BoundedSemaphore

__all__ = [
    "TIMEOUT_MAX",
    "LockType",
    "RLock",
    "allocate",
    "allocate_lock",
    "error",
    "exit",
    "exit_thread",
    "get_ident",
    "get_native_id",
    "interrupt_main",
    "stack_size",
    "start_new",
    "start_new_thread",
]

if sys.version_info >= (3, 12):
    from _thread import daemon_threads_allowed as daemon_threads_allowed

    __all__ += ["daemon_threads_allowed"]

if sys.version_info >= (3, 14):
    def set_name(name: str) -> None: ...

    __all__ += ["set_name"]

@final
class LockType(BoundedSemaphore):
    # -1 for `timeout`: as long as it takes.
    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...  # type: ignore[override]

allocate_lock = LockType

def get_ident(gr: greenlet | None = None) -> int: ...
def exit() -> Never: ...
def stack_size(size: int | None = None) -> int: ...
def start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
) -> int: ...

if sys.version_info >= (3, 13):
    lock = LockType

    def start_joinable_thread(function: Any, handle: Any = None, daemon: bool = True) -> Any: ...

    __all__ += ["lock", "start_joinable_thread"]
