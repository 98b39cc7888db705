"""The resolver that does not cooperate: the system's functions, called where they are asked for."""

import _socket

__all__ = ["Resolver"]


class Resolver:
    """Stops the hub for as long as an answer takes: for tests, and where all names are in a file. From gevent.

    hub
        not needed.
    """

    getaddrinfo = staticmethod(_socket.getaddrinfo)
    getnameinfo = staticmethod(_socket.getnameinfo)
    gethostbyname = staticmethod(_socket.gethostbyname)
    gethostbyname_ex = staticmethod(_socket.gethostbyname_ex)
    gethostbyaddr = staticmethod(_socket.gethostbyaddr)

    def __init__(self, hub=None):
        """Need nothing."""

    def close(self):
        """Give nothing back."""
