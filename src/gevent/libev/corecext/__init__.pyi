from collections.abc import Sequence

from gevent._native.loop import (
    Loop,
    async_ as async_,
    callback as callback,
    check as check,
    child as child,
    eventfd as eventfd,
    fork as fork,
    idle as idle,
    io as io,
    prepare as prepare,
    signal as signal,
    stat as stat,
    timer as timer,
    watcher as watcher,
)

__all__ = [
    "embeddable_backends",
    "get_header_version",
    "get_version",
    "loop",
    "recommended_backends",
    "supported_backends",
    "time",
]

def get_version() -> str: ...
def get_header_version() -> str: ...
def supported_backends() -> list[str | int]: ...
def recommended_backends() -> list[str | int]: ...
def embeddable_backends() -> list[str | int]: ...
def time() -> float: ...

class loop(Loop):
    def __init__(
        self, flags: Sequence[str] | str | int | None = None, default: bool | None = None, ptr: int = 0
    ) -> None: ...
    @property
    def backend(self) -> str | int: ...
    @property
    def origflags(self) -> list[str | int]: ...
