"""The class behind `gevent.socket.socket`, and the functions that make sockets of it.

A green socket behaves as the standard library's and shares its methods where these do not wait. What waits is in
gevent/_native/socket.pyx.
"""

import _socket
import os
import socket as __socket__

from gevent import _socketcommon
from gevent._native import socket as _native
from gevent._socketcommon import SocketMixin

__all__ = ["SocketType", "create_server", "fromfd", "socket", "socketpair"]

_original = __socket__.socket
_original_create_server = __socket__.create_server
_GiveupOnSendfile = __socket__._GiveupOnSendfile
_SENDFILE_CHUNK = 2**30


@_native.owns_methods
class socket(SocketMixin):
    """A socket whose calls let other greenlets run while they wait.

    Arguments, methods and exceptions are the standard library's, whose `socket.socket` it replaces when `socket` is
    patched. The descriptor is in O_NONBLOCK mode, whatever `gettimeout()` says. One greenlet at a time may wait to
    receive and one to send. From gevent.
    """

    __slots__ = ()

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        # -1 means TCP over IPv4 for a new socket, and what the descriptor tells otherwise.
        self._open(family, type, proto, fileno)

    def __repr__(self):
        kind = f"{type(self).__module__}.{type(self).__qualname__}"
        return f"<{kind}{' [closed]' if self._closed else ''} at {id(self):#x} object{self._extra_repr()}>"

    def _extra_repr(self):
        fd = self.fileno()
        if fd < 0:
            return ""
        return f", fd={fd}, family={int(self.family)}, type={int(self.type)}, proto={self.proto}"

    def __getstate__(self):
        raise TypeError(f"a socket belongs to its process: cannot pickle {type(self).__name__!r} object")

    # -- closing --

    __enter__ = _original.__enter__
    __exit__ = _original.__exit__
    _decref_socketios = _original._decref_socketios

    @property
    def closed(self):
        """Whether `close` or `detach` was called. Files made by `makefile` may keep the descriptor open for longer."""
        return bool(self._closed)

    def detach(self):
        """Return the descriptor and forget it without closing it; -1 if already closed.

        Greenlets that wait on it get `cancel_wait_ex`. The descriptor of a socket without a timeout is handed over in
        blocking mode, as the standard library's is, so that anybody can go on with it (`multiprocessing` does).
        """
        fd, self._closed = self._detach(), True
        return fd

    # -- more of the same --

    makefile = _original.makefile
    get_inheritable = _original.get_inheritable
    set_inheritable = _original.set_inheritable

    def dup(self):
        """Return another socket of this kind for the same connection, with a descriptor and a timeout of its own."""
        fd = _socket.dup(self.fileno())
        copy = type(self)(self.family, self.type, self.proto, fd)
        copy.timeout = self.timeout
        return copy

    if hasattr(_original, "sendmsg_afalg"):

        def sendmsg_afalg(self, *args, **kwargs):
            """As the standard library's; does not wait."""
            return self._sock.sendmsg_afalg(*args, **kwargs)

    # -- whole files --
    # The timeout is for each piece.

    sendfile = _original.sendfile
    _sendfile_use_send = _original._sendfile_use_send
    _check_sendfile_params = _original._check_sendfile_params

    def _sendfile_use_sendfile(self, file, offset=0, count=None):
        # The system copies a regular file by itself. Whatever is not one, or cannot be copied that way, is given up
        # before anything was sent.
        self._check_sendfile_params(file, offset, count)
        try:
            source = file.fileno()
            if os.fstat(source).st_size == 0:
                return 0
        except (AttributeError, OSError) as error:
            raise _GiveupOnSendfile(error) from error
        if not self.getblocking():
            raise ValueError("non-blocking sockets are not supported")
        self._ensure_nonblocking()
        position = offset
        end = float("inf") if count is None else offset + count
        try:
            while position < end:
                try:
                    done = os.sendfile(self.fileno(), source, position, int(min(_SENDFILE_CHUNK, end - position)))
                except BlockingIOError:
                    self._wait_writable()
                    continue
                except OSError as error:
                    if position > offset:
                        raise
                    raise _GiveupOnSendfile(error) from error
                if done == 0:
                    break
                position += done
            return position - offset
        finally:
            if position > offset and hasattr(file, "seek"):
                file.seek(position)


SocketType = socket
_native.configure(socket_class=socket)


def fromfd(fd, family, type, proto=0):
    """Return a socket for a copy of the descriptor `fd`, which stays open. As socket.fromfd."""
    return socket(family, type, proto, fileno=_socket.dup(fd))


if hasattr(_socket, "socketpair"):

    def socketpair(family=None, type=__socket__.SOCK_STREAM, proto=0):
        """Return two sockets that are connected with each other; by default of family AF_UNIX. As socket.socketpair."""
        return _native.native_socketpair(_socket.AF_UNIX if family is None else family, type, proto)

else:
    socketpair = __socket__.socketpair


def create_server(address, *, family=__socket__.AF_INET, backlog=None, reuse_port=False, dualstack_ipv6=False):
    """Return a TCP socket that listens at `address`. As socket.create_server."""
    made = _original_create_server(
        address, family=family, backlog=backlog, reuse_port=reuse_port, dualstack_ipv6=dualstack_ipv6
    )
    # As it is when the standard library is patched already.
    if isinstance(made, socket):
        return made
    return socket(made.family, made.type, made.proto, fileno=made.detach())


_implemented = ["socket", "SocketType", "fromfd", "socketpair", "create_server", *_socketcommon.__dns__]
