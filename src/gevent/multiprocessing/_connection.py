"""Connections that wait for the other process without stopping this one.

Only what moves bytes differs from the standard library: reading, writing, waiting, closing. Framing is the same on the
wire; pickling, authentication and argument checks are inherited. No descriptor gets O_NONBLOCK, which the processes
that share it would see.
"""

import _socket
import errno
import os
import sys

from gevent._native import connection as native
from gevent.hub import sleep
from gevent.socket import socket as green_socket

__all__ = ["METHODS", "changes", "wait"]

#: What a `Connection` does with its descriptor.
METHODS = ("send_bytes", "recv_bytes", "recv", "_send_bytes", "_recv_bytes", "_send", "_recv", "_poll", "_close")


def wait(object_list, timeout=None):
    """Return those of `object_list` that are ready to be read, in their order.

    :param object_list: Connections, sockets, sentinels of processes, descriptors, in any mixture.
    :param timeout: The most seconds to wait until one is; None for no limit.

    Waits, letting other greenlets run, with one registration for each descriptor. Raises `OSError` when one is closed,
    before or meanwhile. As `multiprocessing.connection.wait`.
    """
    return native.wait_ready(object_list, timeout)


def _make_pipe(connection_type):
    def Pipe(duplex=True):
        """Return two connected ends; unless `duplex`, the first can only read and the second only write."""
        if duplex:
            # Not gevent's sockets, which would set O_NONBLOCK.
            first, second = _socket.socketpair()
            return connection_type(first.detach()), connection_type(second.detach())
        reading, writing = os.pipe()
        return connection_type(reading, writable=False), connection_type(writing, readable=False)

    return Pipe


def _blocking(connection):
    # Gevent's socket is gone, and its O_NONBLOCK shall not go to other processes with the descriptor.
    os.set_blocking(connection.fileno(), True)
    return connection


def _make_accept(original):
    def accept(self):
        """Return the connection of the next client. Waits, letting other greenlets run."""
        if not isinstance(self._socket, green_socket):
            native.wait_ready((self._socket,))  # it was made before patching
        return _blocking(original(self))

    return accept


# Errors of accept() which do not come from the client: the next call may well fail at once, too.
_LASTING_ERRORS = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EBADF, errno.EINVAL, None])
_LONGEST_PAUSE_S = 0.05


def _make_listener_accept(original):
    def accept(self):
        """Return the connection of the next client. Waits, letting other greenlets run.

        Raises `OSError`; not before others have run, since servers try again at once, and descriptors come back only
        when those who have them go on.
        """
        try:
            connection = original(self)
        except OSError as error:
            pause = 0
            if error.errno in _LASTING_ERRORS:
                pause = self._pause = min(2 * vars(self).get("_pause", 0.0005), _LONGEST_PAUSE_S)
            sleep(pause)
            raise
        self._pause = 0.0005
        return connection

    return accept


def _make_client(original):
    def SocketClient(address):
        """Return a connection to the listener at `address`. Waits, letting other greenlets run."""
        return _blocking(original(address))

    return SocketClient


def _make_dummy_poll(original):
    from queue import Empty

    def poll(self, timeout=0.0):
        """Return whether there is something to receive, waiting up to `timeout` seconds for it."""
        peek = getattr(self._in, "peek", None)
        if peek is None or timeout <= 0 or self._in.qsize() > 0:
            return original(self, timeout)
        try:
            peek(True, timeout)  # gevent's queue, which has no condition to wait for
        except Empty:
            return False
        return True

    return poll


def _reducers(mp):
    # The reducer is looked up by exact class, and sockets come in two: the standard library's, and gevent's.
    from gevent.monkey.api import get_original

    for each in get_original("socket", "socket"), green_socket:
        mp.reduction.register(each, mp.reduction._reduce_socket)


#: How long the end of a process waits for the next bytes of a message that it is in the middle of receiving.
_STALLED_S = 2.0


def _make_left_hook(mp):
    told = None

    def finish_before_exit():
        # After the queues' own threads have been joined, and the children.
        nonlocal told
        if told != os.getpid():
            told = os.getpid()
            mp.util.Finalize(None, native.finish_messages, args=(_STALLED_S,), exitpriority=-100)

    return finish_before_exit


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that connections let others run."""
    native.call_when_left(_make_left_hook(mp))
    yield from mp.changes_when_imported("connection", _changes_of_connection)
    pool = sys.modules.get(mp.name + ".pool")
    if pool is not None:
        yield pool, "wait", wait  # it was imported by name
    yield from mp.changes_when_imported("dummy.connection", _changes_of_dummy)
    _reducers(mp)


def _changes_of_connection(connection):
    for name in METHODS:
        yield connection.Connection, name, getattr(native, name)
    yield connection, "wait", wait
    yield connection, "Pipe", _make_pipe(connection.Connection)
    yield connection.SocketListener, "accept", _make_accept(connection.SocketListener.accept)
    yield connection.Listener, "accept", _make_listener_accept(connection.Listener.accept)
    yield connection, "SocketClient", _make_client(connection.SocketClient)


def _changes_of_dummy(connection):
    yield connection.Connection, "poll", _make_dummy_poll(connection.Connection.poll)
