import sys
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar, overload

from gevent import event as event, lock as lock, monkey as monkey, pool as pool, queue as queue
from gevent._config import config as config
from gevent._hub_local import get_hub as get_hub
from gevent._hub_primitives import iwait_on_objects as iwait, wait_on_objects as wait
from gevent.greenlet import Greenlet as Greenlet, joinall as joinall, killall as killall
from gevent.hub import (
    GreenletExit as GreenletExit,
    getcurrent as getcurrent,
    idle as idle,
    kill as kill,
    reinit as reinit,
    signal as signal_handler,
    sleep as sleep,
    spawn_raw as spawn_raw,
)
from gevent.os import fork as fork
from gevent.timeout import Timeout as Timeout, with_timeout as with_timeout

__all__ = [
    "Greenlet",
    "GreenletExit",
    "Timeout",
    "config",
    "fork",
    "get_hub",
    "getcurrent",
    "getswitchinterval",
    "idle",
    "iwait",
    "joinall",
    "kill",
    "killall",
    "reinit",
    "setswitchinterval",
    "signal_handler",
    "sleep",
    "spawn",
    "spawn_later",
    "spawn_raw",
    "wait",
    "with_timeout",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")

class _version_info(NamedTuple):
    major: int
    minor: int
    micro: int
    releaselevel: str
    serial: int

#: The release of gevent whose interface this is.
__version__: str
#: gevent-mp's own release.
__mp_version__: str
version_info: _version_info

# Greenlet's class methods, of Greenlet itself.
@overload
def spawn(run: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Greenlet[_P, _T]: ...
@overload
def spawn() -> Greenlet[[], None]: ...
@overload
def spawn_later(seconds: float, run: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Greenlet[_P, _T]: ...
@overload
def spawn_later(seconds: float) -> Greenlet[[], None]: ...

getswitchinterval = sys.getswitchinterval
setswitchinterval = sys.setswitchinterval
