import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from _typeshed.wsgi import WSGIApplication
from typing_extensions import Unpack

from gevent.baseserver import BaseServer
from gevent.event import Event

__all__ = [
    "EXIT_CONFIGURATION",
    "EXIT_FAILING",
    "EXIT_STOPPED",
    "Record",
    "Supervisor",
    "Worker",
    "processors",
    "serve_with_processes",
]

EXIT_STOPPED: int
EXIT_CONFIGURATION: int
EXIT_FAILING: int

_Listener: TypeAlias = socket.socket | tuple[str, int] | str

@dataclass(frozen=True)
class Record:
    number: int
    pid: int
    exitcode: int | None = None
    reason: str | None = None

class Worker:
    number: int
    generation: int
    listeners: list[socket.socket]
    stopping: Event
    stop_timeout: float
    is_ready: bool
    meter: Any
    #: Each is called when logs are to be opened again.
    reopen: list[Callable[[], object]]
    def __init__(self, setup: Any) -> None: ...
    def ready(self) -> None: ...
    def count(self, application: WSGIApplication) -> WSGIApplication: ...
    def retire(self, reason: str) -> None: ...
    def changed(self, file: str) -> None: ...
    def stop(self, timeout: float | None = None) -> None: ...

class Supervisor:
    target: Callable[[Worker], BaseServer[Unpack[tuple[Any, ...]]] | None]
    processes: int
    graceful_timeout: float
    hang_timeout: float
    listeners: list[socket.socket]
    restarts: int
    past: dict[int, dict[str, Any]]
    worker_ready: list[Callable[[Record], object]]
    worker_exit: list[Callable[[Record], object]]
    reloaded: list[Callable[[list[Record]], object]]
    def __init__(
        self,
        target: Callable[[Worker], BaseServer[Unpack[tuple[Any, ...]]] | None],
        processes: int | None = None,
        listeners: Iterable[_Listener] = (),
        start_method: Literal["fork", "forkserver", "spawn"] | None = None,
        graceful_timeout: float = 30,
        hang_timeout: float = 30,
        preload: Callable[[], object] | None = None,
        *,
        reuse_port: bool = False,
        say: Callable[[str], object] | None = None,
    ) -> None: ...
    @property
    def members(self) -> tuple[Any, ...]: ...
    @property
    def addresses(self) -> list[str]: ...
    def start(self) -> None: ...
    def wait_ready(self, timeout: float | None = None) -> bool: ...
    def run(self, signals: bool = True) -> int: ...
    def stop(self, timeout: float | None = None) -> None: ...
    def reload(self) -> None: ...
    def interrupt(self) -> None: ...
    def resize(self, by: int) -> None: ...
    def ask_all(self, timeout: float) -> None: ...
    def reopen_logs(self) -> None: ...
    def give_up(self, status: int, why: str) -> None: ...

def processors() -> int: ...
def serve_with_processes(
    server: BaseServer[Unpack[tuple[Any, ...]]], processes: int, stop_timeout: float | None = None
) -> None: ...
