# The standard library's module, whose socket and functions let other greenlets run while they wait. To a type checker
# the two sockets are one: each is taken where the other is.
from socket import *

from gevent._hub_primitives import (
    wait_on_watcher,
    wait_read as wait_read,
    wait_readwrite as wait_readwrite,
    wait_write as wait_write,
)
from gevent._types import Throwable, _Watcher

wait = wait_on_watcher

def cancel_wait(watcher: _Watcher, error: Throwable = ...) -> None: ...
