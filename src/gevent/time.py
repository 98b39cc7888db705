"""The `time` module with a `sleep` that parks the greenlet instead of stopping the thread."""

import time as __time__

from gevent._util import copy_globals
from gevent.hub import sleep

__implements__ = ["sleep"]
__all__ = ["sleep"]

__imports__ = copy_globals(__time__, globals(), names_to_ignore=__implements__)
