"""Descriptors that are sent to other processes over a connection.

The standard library does that with a second socket for the connection's descriptor. A patched one would set O_NONBLOCK,
which belongs to the open file and so to every process that shares it; this one asks for not waiting call by call. What
a greenlet was interrupted in comes to its end first (cpp/ipc/courier.h): no descriptor gets in between.
"""

import _socket
import os
import socket

from gevent._native import connection as native

__all__ = ["changes"]


class _HandleSocket(_socket.socket):
    """A second socket for somebody else's descriptor, whose mode stays as it is. Waits, letting other greenlets run."""

    __slots__ = ()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def sendmsg(self, buffers, ancillary):
        return self._when_ready(native.wait_writable, super().sendmsg, buffers, ancillary, socket.MSG_DONTWAIT)

    def recvmsg(self, size, ancillary_size):
        return self._when_ready(native.wait_readable, super().recvmsg, size, ancillary_size, socket.MSG_DONTWAIT)

    def send(self, data):
        return self._when_ready(native.wait_writable, super().send, data, socket.MSG_DONTWAIT)

    def recv(self, size):
        return self._when_ready(native.wait_readable, super().recv, size, socket.MSG_DONTWAIT)

    def _when_ready(self, wait, call, *args):
        while True:
            try:
                return call(*args)
            except BlockingIOError:
                wait(self.fileno())


def _second_socket(connection):
    sock = _HandleSocket(socket.AF_UNIX, socket.SOCK_STREAM, 0, os.dup(connection.fileno()))
    if sock.gettimeout() is not None:
        sock.settimeout(None)  # socket.setdefaulttimeout() made it, and with it the connection, non-blocking
    return sock


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that sending a descriptor lets others run."""
    reduction = mp.reduction

    def send_handle(conn, handle, destination_pid):
        """Send the descriptor `handle` over `conn`, a connection that is a Unix socket. Waits until it can be sent."""
        native.wait_until_sent(conn.fileno())
        with _second_socket(conn) as sock:
            reduction.sendfds(sock, [handle])

    def recv_handle(conn):
        """Return the next descriptor that arrives at `conn`. Waits for one. Raises `EOFError` at the end."""
        if native.messages_are_kept():
            native.wait_ready((conn,))
        with _second_socket(conn) as sock:
            return reduction.recvfds(sock, 1)[0]

    yield reduction, "send_handle", send_handle
    yield reduction, "recv_handle", recv_handle
