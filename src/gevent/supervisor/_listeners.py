"""Addresses to listen on, as users write them, and the sockets that listen there."""

import errno
import os
import socket as _stdlib_socket
import stat

from gevent import socket

__all__ = ["bind_all", "describe", "files_of", "from_systemd", "passed_by_systemd", "remove_files"]

#: Connections that the system keeps until a worker accepts them.
BACKLOG = 1024

_FIRST_PASSED = 3  # the first descriptor that systemd passes


def bind_all(listeners, reuse_port=False):
    """Return listening sockets for `listeners`: ``(host, port)``, ``"host:port"``, ``"unix:PATH"`` or sockets.

    A file that a dead server has left at PATH is replaced. Raises OSError with the address in its text, ValueError for
    what is no address; nothing stays then, open or on the disk. Does not wait.
    """
    opened, made = [], []
    try:
        for each in listeners:
            opened.append(_bind(each, reuse_port))
            if not hasattr(each, "fileno"):
                made.append(opened[-1])
    except BaseException:
        remove_files(files_of(made))
        for each in opened:
            each.close()
        raise
    return opened


def _bind(listener, reuse_port):
    if hasattr(listener, "fileno"):
        return socket.socket(fileno=os.dup(listener.fileno()))
    family, address = _parse(listener)
    try:
        return _listen(family, address, reuse_port)
    except OSError as error:
        raise type(error)(error.errno, f"cannot listen on {_text(address)}: {error.strerror or error}") from None


def _parse(listener):
    if isinstance(listener, str) and listener.startswith("unix:"):
        if not listener[5:]:
            raise ValueError("unix: needs a path, as in unix:/run/app.sock")
        return socket.AF_UNIX, listener[5:]
    if isinstance(listener, str):
        host, colon, port = listener.rpartition(":")
        if not colon or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"{listener!r} is no address: give HOST:PORT or unix:PATH")
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        listener = ("" if host == "*" else host, int(port))
    host, port = listener[:2]
    return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, port)


def _listen(family, address, reuse_port):
    if family == socket.AF_UNIX:
        _remove_if_dead(address)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuse_port:
                listener.setsockopt(socket.SOL_SOCKET, _stdlib_socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_if_dead(path):
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return  # bind() will say that it is in use
    except FileNotFoundError:
        return
    with _stdlib_socket.socket(_stdlib_socket.AF_UNIX) as probe:
        probe.setblocking(False)
        outcome = probe.connect_ex(path)
    if outcome in (errno.ECONNREFUSED, errno.ENOENT):
        os.unlink(path)


def passed_by_systemd(environment=os.environ):
    """Return how many sockets systemd has passed to this very process; those passed to another one are not ours."""
    meant_for, count = environment.get("LISTEN_PID", ""), environment.get("LISTEN_FDS", "")
    if meant_for != str(os.getpid()) or not (count.isascii() and count.isdigit()):
        return 0
    return int(count)


def from_systemd(environment=os.environ):
    """Return the listening sockets that systemd has passed to this very process, [] where it has not.

    Takes the variables that tell of them out of `environment`, so that children do not believe that they are meant.
    Raises ValueError if what was passed does not listen.
    """
    count = passed_by_systemd(environment)
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        environment.pop(name, None)
    taken = []
    for descriptor in range(_FIRST_PASSED, _FIRST_PASSED + count):
        try:
            listener = socket.socket(fileno=descriptor)
        except OSError as error:
            raise ValueError(f"LISTEN_FDS={count}: descriptor {descriptor} is no socket: {error.strerror}") from None
        taken.append(listener)
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ValueError(f"LISTEN_FDS={count}: the socket {descriptor} does not listen (Accept=yes in its unit?)")
        os.set_inheritable(descriptor, False)
    return taken


def files_of(listeners):
    """Return the files of those `listeners` that are UNIX sockets, for `remove_files`."""
    files = []
    for each in listeners:
        if each.family == socket.AF_UNIX and isinstance(each.getsockname(), str) and each.getsockname():
            path = os.path.abspath(each.getsockname())
            files.append((path, _identity(path)))
    return files


def remove_files(files):
    """Remove `files`, unless they are others' by now."""
    for path, identity in files:
        if identity is not None and _identity(path) == identity:
            os.unlink(path)


def _identity(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def describe(listener):
    """Return where `listener` listens, as text: ``127.0.0.1:8000``, ``[::1]:8000`` or ``unix:/run/app.sock``."""
    return _text(listener.getsockname())


def _text(address):
    if not isinstance(address, tuple):
        return f"unix:{os.fsdecode(address)}"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
