"""gevent-mp: gevent, written anew, in which `multiprocessing` works.

The names here are gevent's: greenlets, the hub, waiting. Sockets, servers, locks, queues and the rest are in the
modules of this package; `gevent.monkey` makes the standard library's own modules cooperative.
"""

import os as _os
import sys as _sys
from collections import namedtuple as _namedtuple

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

# The release of gevent whose interface this is, and our own.
__version__ = "26.9.0"
__mp_version__ = "0.1.0"

# Frozen by gevent at this value; clients take it apart by index and by name.
_version_info = _namedtuple("version_info", ("major", "minor", "micro", "releaselevel", "serial"))
version_info = _version_info(20, 0, 0, "dev", 0)

from gevent import _installed  # noqa: E402

# Before anything that could be somebody else's.
_installed.check(__mp_version__)

from gevent._config import config  # noqa: E402
from gevent._hub_local import get_hub  # noqa: E402
from gevent._hub_primitives import (
    iwait_on_objects as iwait,  # noqa: E402
    wait_on_objects as wait,  # noqa: E402
)
from gevent.greenlet import Greenlet, joinall, killall  # noqa: E402
from gevent.hub import (  # noqa: E402
    GreenletExit,
    getcurrent,
    idle,
    kill,
    reinit,
    signal as signal_handler,
    sleep,
    spawn_raw,
)
from gevent.timeout import Timeout, with_timeout  # noqa: E402

spawn = Greenlet.spawn
spawn_later = Greenlet.spawn_later
getswitchinterval = _sys.getswitchinterval
setswitchinterval = _sys.setswitchinterval

# Attributes from the beginning, as gevent's users are accustomed to. There is no `__getattr__` for others here, which
# would make finding each of these dearer.
from gevent import event, lock, monkey  # noqa: E402, F401
from gevent.os import fork  # noqa: E402

if _os.environ.get("GEVENT_TOP", "0") not in ("", "0"):
    from gevent.util import serve_top as _serve_top

    _serve_top()
