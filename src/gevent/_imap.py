"""The iterators behind ``imap`` and ``imap_unordered`` of groups, pools and thread pools, where gevent has them.

They are native, with the greenlet that each of them is. Tools that trace greenlets subclass them and `Greenlet`, and
put their own in their place here and in `gevent.pool`.
"""

from gevent._native.greenlet import IMap, IMapUnordered
from gevent.greenlet import Greenlet  # noqa: F401 - for tracers

__all__ = ["IMap", "IMapUnordered"]
