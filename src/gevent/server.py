"""TCP, TLS and UDP servers: one greenlet for each connection or message."""

from _socket import AF_INET, SO_REUSEADDR, SOCK_DGRAM, SOL_SOCKET
from errno import EWOULDBLOCK  # noqa: F401 - gevent's module has it
from functools import partial

from gevent._native.greenlet import spawn_call
from gevent._native.socket import NativeSocket, handle_connection
from gevent.baseserver import BaseServer, closing_unless_done
from gevent.greenlet import Greenlet
from gevent.lock import Semaphore
from gevent.socket import socket as GeventSocket

__all__ = ["DatagramServer", "StreamServer"]

DEFAULT_REUSE_ADDR = 1


def _checked_processes(number):
    if number is not None and (not isinstance(number, int) or number < 1):
        raise ValueError(f"processes must be at least 1, not {number!r}")
    return number


class StreamServer(BaseServer):
    """A TCP server. `handle(socket, address)` is called for each connection, which is closed when it returns.

    backlog
        how many connections may wait to be accepted; only together with an address.
    ssl_args
        make it a TLS server: `ssl_context`, or `keyfile`, `certfile` and whatever else `gevent.ssl.wrap_socket` takes.
        The handshake happens in the connection's greenlet.
    processes
        among the same keyword arguments: `serve_forever` serves with so many forked processes. From gevent-mp.

    Everything else as `BaseServer`. From gevent.
    """

    # Of listeners that this class opens.
    reuse_addr = DEFAULT_REUSE_ADDR
    backlog = 128

    # What wrap_socket() is called with; None for TCP without TLS.
    ssl_args = None

    def __init__(self, listener, handle=None, backlog=None, spawn="default", **ssl_args):
        if backlog is not None:
            if hasattr(listener, "accept"):
                raise TypeError("backlog must be None when a socket instance is passed")
            self.backlog = backlog
        if "processes" in ssl_args:
            self.processes = _checked_processes(ssl_args.pop("processes"))
        super().__init__(listener, handle, spawn)
        if ssl_args:
            with closing_unless_done(self):
                self._enable_tls(ssl_args)

    def _enable_tls(self, ssl_args):
        from gevent import ssl

        ssl_args.setdefault("server_side", True)
        context = ssl_args.pop("ssl_context", None)
        if context is None:
            self.wrap_socket = ssl.wrap_socket
        else:
            self.wrap_socket = ssl._green_wrapper(context)
        self.ssl_args = ssl_args
        self._handle = self.wrap_socket_and_handle

    @property
    def ssl_enabled(self):
        """Whether connections are wrapped in TLS, as arguments for it were given."""
        return bool(self.ssl_args)

    def set_handle(self, handle):
        """Have `handle(socket, address)` called for each connection; None keeps what there is."""
        super().set_handle(handle)
        if self.ssl_enabled:
            self._handle = self.wrap_socket_and_handle

    def init_socket(self):
        """Open the listener if there is only an address; raises OSError where that is taken. Does not wait."""
        _open_listener(self, self.backlog)
        if not isinstance(self.socket, NativeSocket):
            # The standard library's: its accept() would stop the hub.
            self.socket.setblocking(False)

    @classmethod
    def get_listener(cls, address, backlog=None, family=None):
        """Return a new socket that listens at `address`, with `backlog` as of `socket.listen`. Raises OSError."""
        listener = _bound_socket(GeventSocket(AF_INET if family is None else family), address, cls.reuse_addr)
        listener.listen(cls.backlog if backlog is None else backlog)
        return listener

    def do_read(self):
        """Accept a connection: (socket, address), or None if there is none. Does not wait."""
        listener = self.socket
        if isinstance(listener, NativeSocket):
            return listener._accept_now()
        try:
            if hasattr(listener, "_accept"):
                fd, address = listener._accept()
                return GeventSocket(listener.family, listener.type, listener.proto, fileno=fd), address
            return listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None

    def _arrivals(self):
        # Without a frame for each, unless do_read() is somebody else's.
        do_read = self.do_read
        if isinstance(self.socket, NativeSocket):
            if getattr(do_read, "__func__", None) is StreamServer.do_read:
                do_read = self.socket._accept_now
            return self.socket._begin_accepting, do_read
        return None, do_read

    def _delivery(self):
        deliver = super()._delivery()
        if deliver is not None and getattr(self.do_close, "__func__", None) is StreamServer.do_close:
            return partial(self._spawn, handle_connection, self._handle)
        return deliver

    def _find_way(self):
        methods = (getattr(self, name) for name in ("do_read", "do_handle", "do_close", "full"))
        plain = all(getattr(method, "__func__", None) in _PLAIN for method in methods)
        if not plain or self.pool is not None or self._spawn is None or not isinstance(self.socket, NativeSocket):
            return super()._find_way()
        spawn = spawn_call if self._spawn == Greenlet.spawn else partial(_spread, self._spawn)
        self.socket._accept_for(self, spawn, self._handle, self.max_accept)
        return self._accept_natively

    # _take_in(), where nobody does any of it otherwise.

    def _accept_natively(self):
        accept_all = self.socket._accept_all
        if accept_all():
            self.delay = self.min_delay
            if self._watcher is not None:
                self._watcher.callback = accept_all  # until something changes, or fails

    def _accepting_failed(self, error, count, undelivered):
        if count:
            self.delay = self.min_delay
        if undelivered is None:
            self._arrival_failed(error)
        else:
            self._delivery_failed(undelivered, error)

    def do_close(self, sock, *args):
        """Close the connection `sock`, whose handler has returned or failed. Does not wait."""
        sock.close()

    def wrap_socket_and_handle(self, client_socket, address):
        """Make a TLS connection of `client_socket` and handle that. Waits for the handshake, unless told not to."""
        with self.wrap_socket(client_socket, **self.ssl_args) as encrypted:
            return self.handle(encrypted, address)


class DatagramServer(BaseServer):
    """A UDP server. `handle(data, address)` is called for each message. From gevent."""

    # The largest message that is received whole, in bytes.
    _message_size_max = 8192
    reuse_addr = DEFAULT_REUSE_ADDR

    def __init__(self, *args, **kwargs):
        self._writelock = Semaphore()
        super().__init__(*args, **kwargs)

    def init_socket(self):
        """Open the socket if there is only an address; raises OSError where that is taken. Does not wait."""
        _open_listener(self)

    @classmethod
    def get_listener(cls, address, family=None):
        """Return a new UDP socket that is bound to `address`. Raises OSError where that is taken."""
        return _bound_socket(GeventSocket(AF_INET if family is None else family, SOCK_DGRAM), address, cls.reuse_addr)

    def do_read(self):
        """Receive a message: (data, address), or None if there is none. Does not wait."""
        listener = self.socket
        if isinstance(listener, NativeSocket):
            return listener._recvfrom_now(self._message_size_max)
        listener.setblocking(False)
        try:
            return listener.recvfrom(self._message_size_max)
        except BlockingIOError:
            return None

    def sendto(self, *args):
        """Send a message through the server's socket, as `socket.sendto`; may wait.

        Any number of greenlets may do so.
        """
        with self._writelock:
            return self.socket.sendto(*args)


def _spread(spawn, run, args):
    return spawn(run, *args)


_PLAIN = frozenset((StreamServer.do_read, BaseServer.do_handle, StreamServer.do_close, BaseServer.full))


def _open_listener(server, *options):
    if server.closed:
        server.socket = server.get_listener(server.address, *options, server.family)
        server.address = server.socket.getsockname()  # with the real port


def _bound_socket(made, address, reuse_addr):
    try:
        if reuse_addr is not None:
            made.setsockopt(SOL_SOCKET, SO_REUSEADDR, reuse_addr)
        made.bind(address)
    except BaseException as error:
        made.close()
        if isinstance(error, OSError) and error.strerror:
            error.strerror = f"{error.strerror}: {address!r}"
        raise
    return made
