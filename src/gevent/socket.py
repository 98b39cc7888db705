"""The standard library's `socket` module, with sockets and name look-ups that let other greenlets run while they wait.

Everything of the original is here. `wait_read`, `wait_write`, `wait_readwrite` and `cancel_wait` are gevent's own
additions.
"""

import socket as __socket__
import sys
from errno import (  # noqa: F401 - the standard library's module has some of these, and gevent's programs look for the rest
    EAGAIN,
    EALREADY,
    EBADF,
    ECONNREFUSED,
    EHOSTUNREACH,
    EINPROGRESS,
    EINVAL,
    EISCONN,
    EWOULDBLOCK,
)

from gevent import _socket3, _socketcommon
from gevent._hub_local import get_hub
from gevent._socket3 import SocketType, create_server, fromfd, socket, socketpair
from gevent._socketcommon import (
    SocketMixin,
    cancel_wait,
    cancel_wait_ex,
    getaddrinfo,
    getfqdn,
    gethostbyaddr,
    gethostbyname,
    gethostbyname_ex,
    getnameinfo,
    timeout_default,
    wait,
    wait_read,
    wait_readwrite,
    wait_write,
)
from gevent.timeout import Timeout

__implements__ = ["create_connection", *_socket3._implemented]
__extensions__ = _socketcommon.__extensions__
# CAPI is C's way into _socket, of no use to Python programs.
__imports__ = [name for name in __socket__.__all__ if name not in (*__implements__, "CAPI")]
__all__ = __implements__ + __extensions__ + __imports__

globals().update((name, getattr(__socket__, name)) for name in __imports__)


def create_connection(address, timeout=timeout_default, source_address=None, *, all_errors=False):
    """Connect to the pair `address`, trying each address of the host in turn, and return the socket.

    timeout
        in seconds, for each attempt and for the socket afterwards; by default `getdefaulttimeout()`.
    source_address
        a local address to bind to first.
    all_errors
        raise an ExceptionGroup of all attempts' errors (Python 3.11 and later) instead of the last one.

    Waits for the resolver and for the connection. As socket.create_connection.
    """
    host, port = address
    errors = []
    for family, kind, proto, _name, target in getaddrinfo(host, port, 0, __socket__.SOCK_STREAM):
        sock = None
        try:
            sock = socket(family, kind, proto)
            if timeout is not timeout_default:
                sock.settimeout(timeout)
            if source_address:
                sock.bind(source_address)
            sock.connect(target)
            return sock
        except BaseException as error:
            if sock is not None:
                sock.close()
            if not isinstance(error, OSError):
                raise  # a Timeout or GreenletExit is about the caller, not about this address
            errors.append(error)
    try:
        if not errors:
            raise OSError("getaddrinfo returns an empty list")
        if all_errors and sys.version_info >= (3, 11):
            raise ExceptionGroup("create_connection failed", errors)  # noqa: F821 - there since 3.11
        raise errors[-1]
    finally:
        errors.clear()  # an exception that holds its own traceback would outlive the call
