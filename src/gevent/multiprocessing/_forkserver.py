"""The fork server, seen from both sides.

A client talks to it without stopping its own hub. The server itself is patched, so that its children are green from the
start at no further cost, but does its own work with the system's calls: it has no hub, no thread and no thread pool
when it forks.
"""

import errno
import os
import posix
import selectors
import signal
import socket
import struct
from array import array
from functools import wraps

from gevent._held_signals import INTERRUPT, let_come
from gevent._native import connection as native
from gevent.multiprocessing._connection import METHODS
from gevent.multiprocessing._process import clean_fork, finish_starting, leave, open_for_writing
from gevent.multiprocessing._view import View

__all__ = ["become_server", "changes_of_client", "changes_of_server"]

_SIGNED = struct.Struct("q")


def _read_signed(fd):
    """Return the next number that the server sent to `fd`. Waits, letting other greenlets run. Raises `EOFError`."""
    return _SIGNED.unpack(native.read_exactly(fd, _SIGNED.size))[0]


def _read_process_id(fd):
    """Return the number of the process that the server has just started for us."""
    finish_starting(lambda: native.wait_readable(fd))
    return _read_signed(fd)  # it is there, so that nobody else runs meanwhile


def _make_poll(forkserver):
    def poll(self, flag=os.WNOHANG):
        """Return the exit code, or None while the process runs; wait for its end unless `flag` is WNOHANG."""
        if self.returncode is None and native.wait_ready((self.sentinel,), 0 if flag == os.WNOHANG else None):
            # Of several who waited, the first reads the number, and the others find it here.
            if self.returncode is None:
                try:
                    self.returncode = forkserver.read_signed(self.sentinel)
                except (OSError, EOFError):
                    self.returncode = 255  # the server was killed
        return self.returncode

    return poll


def _wait(self, timeout=None):
    """Return the exit code as soon as the process has ended, or None after `timeout` seconds.

    Waits, letting other greenlets run.
    """
    if self.returncode is None and timeout != 0 and not native.wait_ready((self.sentinel,), timeout):
        return None
    return self.poll()


def changes_of_server(forkserver):
    """Yield (owner, name, value) for each attribute of `forkserver`, a module, so that it is started aside."""
    from gevent.thread import allocate_lock

    yield forkserver, "read_signed", _read_signed
    # Held while the server is asked for a process, which waits.
    yield forkserver._forkserver, "_lock", allocate_lock()


def changes_of_client(popen_forkserver):
    """Yield (owner, name, value) for each attribute of `popen_forkserver`, a module: the server is waited for aside."""
    forkserver = popen_forkserver.forkserver
    yield popen_forkserver, "open", open_for_writing
    yield popen_forkserver, "forkserver", View(forkserver, read_signed=_read_process_id)
    yield popen_forkserver.Popen, "poll", _make_poll(forkserver)
    yield popen_forkserver.Popen, "wait", _wait


# --- in the server ---------------------------------------------------------------------------------------------------


def _native_socket_class():
    from gevent.monkey.api import get_original

    class Socket(get_original("socket", "socket")):
        """The system's socket, and what it accepts is one too."""

        __slots__ = ()

        def accept(self):
            fd, address = self._accept()
            return type(self)(self.family, self.type, self.proto, fileno=fd), address

    return Socket


def _install_natively(number, handler):
    """Install a handler that is called as Python calls it, and needs no hub; return the one before."""
    from gevent.signal import _install

    return _install(int(number), int(handler) if isinstance(handler, int) else handler)


def _blocking_connection_class(mp):
    # From 3.14 on, clients prove that they know a secret.
    base = mp.connection.Connection
    return type("BlockingConnection", (base,), {name: mp.original(base, name) for name in METHODS if name != "_close"})


def _with_client(exchange):
    """Have `exchange` fail, where the client leaves amid it, in the way of an accept() after which the server goes on.

    A client that is killed leaves, and one whose greenlet is; what it has not read makes the end of it a reset.
    """

    @wraps(exchange)
    def exchanging(*args):
        try:
            return exchange(*args)
        except (EOFError, ConnectionError) as error:
            raise OSError(errno.ECONNABORTED, "the client has left") from error

    return exchanging


class _ClientSocket:
    """The socket of a client, as far as who receives descriptors uses it; keeps in mind which have come."""

    def __init__(self, sock):
        self.send = sock.send
        self._recvmsg = sock.recvmsg
        self._received = array("i")

    def recvmsg(self, *sizes):
        message = self._recvmsg(*sizes)
        for level, kind, data in message[1]:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._received.frombytes(data[: len(data) - len(data) % self._received.itemsize])
        return message

    def close_received(self):
        for fd in self._received:
            os.close(fd)


def _receiving(recvfds):
    @wraps(recvfds)
    def receive(sock, size):
        client = _ClientSocket(sock)
        try:
            return recvfds(client, size)
        except BaseException:
            # Such as a client that has left before it was told that they came: with one of them the server lives on.
            client.close_received()
            raise

    return _with_client(receive)


def become_server(mp):
    """In a process that is going to be the fork server of `mp`: do the server's own work without a hub.

    Its children do theirs with what was patched.
    """
    from gevent.monkey.api import get_original

    forkserver = mp.forkserver
    green = {name: getattr(forkserver, name) for name in ("connection", "reduction", "selectors", "socket")}
    serve_one = forkserver._serve_one

    def serve(child_r, fds, unused_fds, handlers):
        # In the child, which does not ignore interrupts as the server does, even if that was started while they waited.
        let_come(INTERRUPT)
        vars(forkserver).update(green, os=View(os, _exit=leave), _serve_one=serve_one)
        return serve_one(child_r, fds, unused_fds, handlers)

    exchanges = {name: _with_client(getattr(mp.connection, name)) for name in ("answer_challenge", "deliver_challenge")}
    forkserver.connection = View(mp.connection, Connection=_blocking_connection_class(mp), **exchanges)
    forkserver.reduction = View(mp.reduction, recvfds=_receiving(mp.reduction.recvfds))
    # A module that the server preloaded may have made a hub after all: the fork is a clean one.
    forkserver.os = View(os, _exit=leave, fork=clean_fork, waitpid=posix.waitpid)
    forkserver.selectors = View(selectors, DefaultSelector=get_original("selectors", "DefaultSelector"))
    forkserver.signal = View(signal, signal=_install_natively)
    forkserver.socket = View(socket, socket=_native_socket_class())
    forkserver._serve_one = serve
