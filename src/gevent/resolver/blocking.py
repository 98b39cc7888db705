"""The resolver that does not cooperate: the system's functions, called where they are asked for."""

import _socket

__all__ = ["Resolver"]


class Resolver:
    """Stops the hub for as long as an answer takes: for tests, and where all names are in a file. From gevent."""

    def __init__(self, hub=None):
        pass

    def close(self):
        """Nothing to give back."""

    for method in ("gethostbyname", "gethostbyname_ex", "getaddrinfo", "gethostbyaddr", "getnameinfo"):
        locals()[method] = staticmethod(getattr(_socket, method))
