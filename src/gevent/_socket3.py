"""The class behind `gevent.socket.socket`, and the functions that make sockets of it.

A green socket behaves as the standard library's and shares its methods where these do not wait. What waits is in
gevent/_native/socket.pyx.
"""
import _socket
import os
import socket as __socket__
from io import DEFAULT_BUFFER_SIZE

from gevent import _socketcommon
from gevent._native import socket as _native
from gevent._socketcommon import SocketMixin

__all__ = ["SocketType", "create_server", "fromfd", "socket", "socketpair"]

_original = __socket__.socket
_original_create_server = __socket__.create_server
_GiveupOnSendfile = __socket__._GiveupOnSendfile
_SENDFILE_CHUNK = 2**30


class socket(SocketMixin):
    """A socket whose calls let other greenlets run while they wait.

    Arguments, methods and exceptions are the standard library's, whose `socket.socket` it replaces when `socket` is
    patched. The descriptor is in O_NONBLOCK mode, whatever `gettimeout()` says. One greenlet at a time may wait to receive
    and one to send. From gevent.
    """

    __slots__ = ()

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if fileno is None:
            if family == -1:
                family = _socket.AF_INET
            if type == -1:
                type = _socket.SOCK_STREAM
            if proto == -1:
                proto = 0
        self._open(family, type, proto, fileno)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if not self._closed:
            self.close()

    def __repr__(self):
        cls = type(self)
        state = " [closed]" if self._closed else ""
        return f"<{cls.__module__}.{cls.__qualname__}{state} at {id(self):#x} object{self._extra_repr()}>"

    def _extra_repr(self):
        fd = self.fileno()
        if fd < 0:
            return ""
        return f", fd={fd}, family={int(self.family)}, type={int(self.type)}, proto={self.proto}"

    def __getstate__(self):
        raise TypeError(f"cannot pickle {type(self).__name__!r} object: a socket belongs to its process")

    # -- closing --

    @property
    def closed(self):
        """Whether `close` or `detach` was called. Files made by `makefile` may keep the descriptor open for longer."""
        return self._closed

    def _decref_socketios(self):
        if self._io_refs > 0:
            self._io_refs -= 1
        if self._closed:
            self.close()

    def _real_close(self):
        self._drop_events_and_close()

    def close(self):
        """Close the socket, as soon as no file made by `makefile` needs it any more. Does not wait.

        Greenlets that wait on it get `cancel_wait_ex`, an OSError (EBADF).
        """
        self._closed = True
        if self._io_refs <= 0:
            self._real_close()

    def detach(self):
        """Return the descriptor and forget it without closing it; -1 if already closed.

        Greenlets that wait on it get `cancel_wait_ex`. The descriptor of a socket without a timeout is handed over in
        blocking mode, as the standard library's is, so that anybody can go on with it (`multiprocessing` does).
        """
        self._closed = True
        return self._detach()

    # -- more of the same --

    makefile = _original.makefile
    get_inheritable = _original.get_inheritable
    set_inheritable = _original.set_inheritable

    def dup(self):
        """Return another socket of the same kind for the same connection, with a descriptor and a timeout of its own."""
        copy = type(self)(self.family, self.type, self.proto, fileno=_socket.dup(self.fileno()))
        copy.settimeout(self.gettimeout())
        return copy

    if hasattr(_original, "sendmsg_afalg"):

        def sendmsg_afalg(self, *args, **kwargs):
            """As the standard library's; does not wait."""
            return self._sock.sendmsg_afalg(*args, **kwargs)

    # -- whole files --

    def sendfile(self, file, offset=0, count=None):
        """Send `file`, opened in binary mode, from `offset` on, `count` bytes at most; return how many were sent.

        The system copies a regular file by itself (`os.sendfile`); anything else is read and sent piece by piece. Leaves
        the file's position behind what was sent. The timeout is for each piece. As socket.socket.sendfile.
        """
        try:
            return self._sendfile_use_sendfile(file, offset, count)
        except _GiveupOnSendfile:
            return self._sendfile_use_send(file, offset, count)

    _check_sendfile_params = _original._check_sendfile_params

    def _sendfile_use_sendfile(self, file, offset=0, count=None):
        self._check_sendfile_params(file, offset, count)
        try:
            source = file.fileno()
            size = os.fstat(source).st_size
        except (AttributeError, OSError) as error:
            raise _GiveupOnSendfile(error) from error  # not a file of the system's
        if not size:
            return 0
        if self.gettimeout() == 0:
            raise ValueError("non-blocking sockets are not supported")
        sent = 0
        try:
            while count is None or sent < count:
                chunk = _SENDFILE_CHUNK if count is None else min(_SENDFILE_CHUNK, count - sent)
                try:
                    done = os.sendfile(self.fileno(), source, offset + sent, chunk)
                except BlockingIOError:
                    self._wait_writable()
                    continue
                except OSError as error:
                    if sent == 0:
                        raise _GiveupOnSendfile(error) from error  # cannot be copied that way
                    raise
                if done == 0:
                    break
                sent += done
            return sent
        finally:
            if sent and hasattr(file, "seek"):
                file.seek(offset + sent)

    def _sendfile_use_send(self, file, offset=0, count=None):
        self._check_sendfile_params(file, offset, count)
        if self.gettimeout() == 0:
            raise ValueError("non-blocking sockets are not supported")
        if offset:
            file.seek(offset)
        sent = 0
        try:
            while count is None or sent < count:
                piece = memoryview(file.read(DEFAULT_BUFFER_SIZE if count is None else min(DEFAULT_BUFFER_SIZE, count - sent)))
                if not piece:
                    break
                while piece:
                    done = self.send(piece)
                    sent += done
                    piece = piece[done:]
            return sent
        finally:
            if sent and hasattr(file, "seek"):
                file.seek(offset + sent)


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
