"""Finding the processes of a program that can be looked at, and asking them."""

import json
import os
import pwd
import socket

from gevent.top._server import folder_of, stat_fields

__all__ = ["NotThere", "ask", "processes_of"]

#: How long a process has for its answer, in seconds: one that computes gives way to others a few times a second.
ANSWER_TIMEOUT_S = 5.0


class NotThere(Exception):
    """There is nothing to look at, as a sentence."""


def processes_of(pid):
    """Return the ids of `pid` and its descendants that can be asked, `pid` first if it is one of them.

    Raises `NotThere` if there are none.
    """
    try:
        owner = _owner(pid)
    except FileNotFoundError:
        raise NotThere(f"there is no process {pid}") from None
    folder = folder_of(owner)
    if owner not in (os.getuid(), os.geteuid()) and os.geteuid() != 0:
        raise NotThere(f"process {pid} is {_name(owner)}'s: only its owner can look into it")
    try:
        answering = [int(name[:-5]) for name in os.listdir(folder) if name.endswith(".sock") and name[:-5].isdigit()]
    except FileNotFoundError:
        answering = []
    found = sorted(each for each in answering if _descends(each, pid))
    if not found:
        raise NotThere(
            f"process {pid} does not answer: start it with GEVENT_TOP=1, or let it call gevent.util.serve_top()"
        )
    return sorted(found, key=lambda each: (each != pid, each))


def ask(pid, question):
    """Return what process `pid` answers, None if it has ended or does not answer in time."""
    path = os.path.join(folder_of(_owner_or_self(pid)), f"{pid}.sock")
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_TIMEOUT_S)
            connection.connect(path)
            connection.sendall(question)
            pieces = iter(lambda: connection.recv(1 << 16), b"")
            return json.loads(b"".join(pieces))
    except ConnectionRefusedError:
        os.unlink(path)  # left by one that was killed
        return None
    except (OSError, ValueError):
        return None


def _owner(pid):
    if os.path.isdir("/proc/self"):
        return os.stat(f"/proc/{pid}").st_uid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        raise FileNotFoundError(pid) from None
    except PermissionError:
        return -1
    return os.getuid()


def _owner_or_self(pid):
    try:
        return _owner(pid)
    except FileNotFoundError:
        return os.getuid()


def _name(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _descends(pid, ancestor):
    seen = set()
    while pid and pid not in seen:
        if pid == ancestor:
            return True
        seen.add(pid)
        pid = _parent(pid)
    return False


def _parent(pid):
    try:
        return int(stat_fields(pid)[1])
    except OSError:
        return _parent_by_ps(pid) if not os.path.isdir("/proc/self") else 0


def _parent_by_ps(pid):
    import subprocess

    done = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True)
    return int(done.stdout) if done.stdout.strip() else 0
