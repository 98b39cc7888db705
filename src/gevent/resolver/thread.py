"""The default resolver: the system's own functions, in threads of the hub's pool."""

import _socket

from gevent._hub_local import get_hub_noargs as get_hub
from gevent.resolver import is_numeric_getnameinfo
from gevent.resolver._addresses import is_ipv4_addr, numeric_getaddrinfo

__all__ = ["Resolver"]


class Resolver:
    """Answers like the system, errors included, and lets other greenlets run meanwhile. From gevent.

    hub
        whose thread pool to use; default: the current one's.

    The methods take what the functions of the same name in `socket` take. Where nothing has to be looked up, they
    answer without a thread.
    """

    def __init__(self, hub=None):
        hub = get_hub() if hub is None else hub
        # An unknown name is an answer, to whoever asked; nobody else needs to hear of it.
        for error in (_socket.gaierror, _socket.herror):
            if error not in hub.NOT_ERROR:
                hub.NOT_ERROR += (error,)
        self.pool = hub.threadpool

    def __repr__(self):
        return f"<{type(self).__module__}.{type(self).__name__} at {hex(id(self))} pool={self.pool!r}>"

    def close(self):
        """Nothing to give back: the pool is the hub's."""

    def _ask(self, function, *args, **kwargs):
        return self.pool.apply(function, args, kwargs)

    def getaddrinfo(self, *args, **kwargs):
        """As `socket.getaddrinfo`, with plain integers for families and kinds. May wait."""
        try:
            found = numeric_getaddrinfo(*args, **kwargs)
        except TypeError:
            found = None  # wrong arguments: the system says so in its own words
        if found is not None:
            return found
        return self._ask(_socket.getaddrinfo, *args, **kwargs)

    def gethostbyaddr(self, *args, **kwargs):
        """As `socket.gethostbyaddr`. Waits."""
        return self._ask(_socket.gethostbyaddr, *args, **kwargs)

    def gethostbyname(self, *args):
        """As `socket.gethostbyname`. May wait."""
        if len(args) == 1 and is_ipv4_addr(args[0]):
            return _socket.gethostbyname(*args)
        return self._ask(_socket.gethostbyname, *args)

    def gethostbyname_ex(self, *args):
        """As `socket.gethostbyname_ex`. May wait."""
        if len(args) == 1 and is_ipv4_addr(args[0]):
            return _socket.gethostbyname_ex(*args)
        return self._ask(_socket.gethostbyname_ex, *args)

    def getnameinfo(self, *args, **kwargs):
        """As `socket.getnameinfo`. May wait."""
        if len(args) == 2 and is_numeric_getnameinfo(args[1]):
            return _socket.getnameinfo(*args)
        return self._ask(_socket.getnameinfo, *args, **kwargs)
