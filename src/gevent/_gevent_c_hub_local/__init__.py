"""Where gevent's own `_hub_local` looks for its native half. Use `gevent._hub_local`.

A folder, as Python prefers that to a native module beside it: so the modules of gevent's own distribution, written over
these, find ours and cannot be imported without a word.
"""

from gevent import _hub_local

__all__ = ["get_hub", "get_hub_if_exists", "get_hub_noargs"]

if not hasattr(_hub_local, "abandon_hub_after_fork"):
    from gevent._installed import mixed

    raise mixed("modules of gevent's own distribution were written over those of gevent-mp")

get_hub = _hub_local.get_hub
get_hub_if_exists = _hub_local.get_hub_if_exists
get_hub_noargs = _hub_local.get_hub_noargs
