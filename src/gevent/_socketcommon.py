"""What all green sockets and the functions of `gevent.socket` share: looking up names, and ending a wait.

The calls that wait are native: see gevent/_native/socket.pyx.
"""

import _socket
import socket as __socket__
from _socket import AF_INET, AF_INET6, inet_pton
from errno import EBADF
from socket import AddressFamily, SocketKind

from gevent._hub_local import get_hub_noargs as get_hub
from gevent._hub_primitives import wait_on_watcher as wait, wait_read, wait_readwrite, wait_write
from gevent._native import socket as _native

__all__ = [
    "SocketMixin",
    "cancel_wait",
    "cancel_wait_ex",
    "getaddrinfo",
    "getfqdn",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname_ex",
    "getnameinfo",
    "wait",
    "wait_read",
    "wait_readwrite",
    "wait_write",
]

# Of gevent.socket; see gevent/_patcher.py for what the three kinds of names mean.
__dns__ = ["getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "getfqdn"]
__extensions__ = ["cancel_wait", "wait_read", "wait_write", "wait_readwrite"]

timeout_default = __socket__._GLOBAL_DEFAULT_TIMEOUT

_FAMILIES = AddressFamily._value2member_map_
_KINDS = SocketKind._value2member_map_


# ---- ending a wait --------------------------------------------------------------------------------------------------


class cancel_wait_ex(OSError):
    """Raised in a greenlet that waits for a descriptor when another one closes it. Its `errno` is EBADF.

    From gevent.
    """

    def __init__(self):
        super().__init__(EBADF, "File descriptor was closed in another greenlet")


def cancel_wait(watcher, error=cancel_wait_ex):
    """Make whoever waits for the public `watcher` raise `error`, soon. Does not wait. From gevent."""
    hub = get_hub()
    hub.cancel_wait(watcher, error)


def _end_watch(watcher, error):
    # At once, unlike cancel_wait(): the watcher's descriptor is about to be closed, and the loop must not meet it
    # again.
    callback = watcher.callback if watcher.active else None
    watcher.close()
    waiter = getattr(callback, "__self__", None)
    if hasattr(waiter, "throw"):
        get_hub().loop.run_callback(waiter.throw, error)


# ---- names and numbers ----------------------------------------------------------------------------------------------


def _resolver():
    return get_hub().resolver


def gethostbyname(hostname):
    """Return an IPv4 address of `hostname`, as text. Waits for the hub's resolver. As socket.gethostbyname."""
    return _resolver().gethostbyname(hostname)


def gethostbyname_ex(hostname):
    """Return the name, aliases and IPv4 addresses of `hostname`. Waits for the hub's resolver.

    As socket.gethostbyname_ex.
    """
    return _resolver().gethostbyname_ex(hostname)


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """Return the addresses to try for `host` and `port`. Waits for the hub's resolver. As socket.getaddrinfo."""
    found = _resolver().getaddrinfo(host, port, family, type, proto, flags)
    return [
        (_FAMILIES.get(family, family), _KINDS.get(kind, kind), proto, name, address)
        for family, kind, proto, name, address in found
    ]


def gethostbyaddr(ip_address):
    """Return the name, aliases and addresses of `ip_address`. Waits for the hub's resolver. As socket.gethostbyaddr."""
    return _resolver().gethostbyaddr(ip_address)


def getnameinfo(sockaddr, flags):
    """Return a host and a service for the address `sockaddr`. Waits for the hub's resolver. As socket.getnameinfo."""
    return _resolver().getnameinfo(sockaddr, flags)


def getfqdn(name=""):
    """Return the first name with a dot in it that the resolver knows for `name` (this host's by default).

    `name` itself if it knows none. Waits for the hub's resolver. As socket.getfqdn.
    """
    name = name.strip()
    if name in ("", "0.0.0.0", "::"):
        name = __socket__.gethostname()
    try:
        official, aliases, _addresses = gethostbyaddr(name)
    except OSError:
        return name
    return next((each for each in (official, *aliases) if "." in each), official)


def _is_number(family, host):
    try:
        inet_pton(family, host)
    except (OSError, TypeError, ValueError):
        return False
    return True


def _resolve_addr(sock, address):
    """Return `address` for `sock` with a number in the place of the host's name; may wait for the resolver.

    What is not a name, or not an address at all, is returned as it is: the system call will judge it.
    """
    family = sock.family
    if family not in (AF_INET, AF_INET6) or not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port = address[:2]
    if not host or host == "<broadcast>" or not isinstance(port, int) or _is_number(family, host):
        return address
    # Port 0, so that one out of range reaches the system call as it is.
    found = getaddrinfo(host, 0, family, sock.type, sock.proto)[0][-1]
    # The caller's flow and scope, where given, count more than the resolver's.
    return (found[0], port, *address[2:], *(found[len(address) :] if family == AF_INET6 else ()))


# ---- what is known of a socket's numbers -----------------------------------------------------------------------------


class _stdlib_socket(_socket.socket):
    # What a green socket's `_sock` is. The standard library's base class itself cannot be weakly referenced.
    __slots__ = ("__weakref__",)


class SocketMixin(_native.NativeSocket):
    """The descriptor and the calls that wait; `gevent.socket.socket` adds what goes with files and closing.

    From gevent.
    """

    __slots__ = ()

    # What `_sock` is made of; called like _socket.socket.
    _gevent_sock_class = _stdlib_socket

    @property
    def family(self):
        """The socket's family, as an AddressFamily where it is known."""
        return _FAMILIES.get(self._family, self._family)

    @property
    def type(self):
        """The socket's type, as a SocketKind where it is known, without the bits that are no type."""
        return _KINDS.get(self._type, self._type)


_native.configure(closed_error=cancel_wait_ex, resolve=_resolve_addr, cancel_watcher=_end_watch)
