"""The `builtins` module, unchanged.

gevent replaced ``__import__`` here as long as imports were guarded by one lock; today's are guarded by a lock per
module, which `gevent.thread` makes cooperative. The module stays because programs name it.
"""

import builtins as __builtins_module__

from gevent._util import copy_globals
from gevent.lock import RLock  # noqa: F401 - gevent has it here too

__target__ = "builtins"
__implements__ = []
__all__ = []

__imports__ = copy_globals(__builtins_module__, globals())
