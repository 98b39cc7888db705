import threading
from threading import RLock as RLock
from typing import Any

from gevent.local import local as local
from gevent.thread import (
    LockType as Lock,
    allocate_lock as allocate_lock,
    get_ident as get_ident,
    start_new_thread as start_new_thread,
)

__all__ = [
    "Lock",
    "RLock",
    "Thread",
    "Timer",
    "allocate_lock",
    "get_ident",
    "local",
    "main_native_thread",
    "start_joinable_thread",
    "start_new_thread",
]

class Thread(threading.Thread): ...
class Timer(Thread, threading.Timer): ...

def main_native_thread() -> Any: ...
def start_joinable_thread(function: Any, handle: Any = None, daemon: bool = True) -> Any: ...
