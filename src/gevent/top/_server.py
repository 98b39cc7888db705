"""Answers ``python -m gevent top`` and ``stacks`` in the program that is looked at."""

import atexit
import contextlib
import errno
import functools
import gc
import json
import os
import resource
import sys
import tempfile
import traceback
from time import monotonic, time

from greenlet import getcurrent, greenlet

from gevent import hub as _hub
from gevent._hub_local import get_hub_if_exists, register_after_abandon
from gevent._native.resting_threads import count_out_this_thread
from gevent.monkey.api import get_original
from gevent.top._places import is_ours, place_of
from gevent.top._stalls import Stalls

__all__ = [
    "count_descriptors",
    "folder_of",
    "forget",
    "live_greenlets",
    "process_state",
    "rss_bytes",
    "serve",
    "socket_folder",
    "stalls",
    "stat_fields",
    "sweep",
    "watch_stalls",
    "watched",
]

#: How long whoever asks may take to do so, in seconds: others wait meanwhile.
QUESTION_S = 1.0
#: So many of the places where greenlets wait are named.
NAMED_MAX = 10

#: What the process's supervisor, if any, has to add: {"requests": function}.
watched = {}
#: Of the main thread's hub, from `watch_stalls` on.
stalls = Stalls()

_imported_s = time()
_serving_in = None  # the process whose socket is open
_first_seen = {}  # {id(greenlet): (where it was, since when)}
_previous = {}  # of the last answer: how many requests, when
_left_behind = frozenset()  # ids of greenlets of a parent's hub, which exist here and never run


def socket_folder():
    """Return the folder of the sockets of this user's programs, which nobody else can enter."""
    return folder_of(os.getuid())


def folder_of(uid):
    """Return that of the user `uid`."""
    runtime = f"/run/user/{uid}"
    base = runtime if os.access(runtime, os.W_OK | os.X_OK) else tempfile.gettempdir()
    return os.path.join(base, f"gevent-top-{uid}")


@register_after_abandon
def _leave_behind():
    global _left_behind
    _left_behind = frozenset(map(id, live_greenlets())) - {id(getcurrent())}


def live_greenlets():
    """Return the greenlets of this process that have begun and not ended. Looks at every object there is."""
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, greenlet) and each and not each.dead and id(each) not in _left_behind
    ]


def forget(pid):
    """Remove what process `pid`, which has ended, has left."""
    try:
        os.unlink(os.path.join(socket_folder(), f"{pid}.sock"))
    except OSError:
        pass  # it never served, or has cleaned up after itself


def serve(is_looked_after=False):
    """Answer from now on, in this process and its forked children. Again does nothing. Does not wait.

    `is_looked_after`: somebody else calls ``stalls.look()``. Raises OSError where the folder of the sockets cannot be
    made, or is somebody else's.
    """
    global _serving_in
    if _serving_in is None:
        os.register_at_fork(after_in_child=_serve_again)
        atexit.register(_stop_serving)
    if _serving_in == os.getpid():
        return
    _serving_in = os.getpid()
    watch_stalls()
    listener = _listen()
    start_new_thread = get_original("_thread", "start_new_thread")
    start_new_thread(_answer_all, (listener,))
    if not is_looked_after:
        start_new_thread(stalls.look_for_ever, ())


def _stop_serving():
    if _serving_in == os.getpid():
        forget(os.getpid())


def sweep(folder):
    """Remove from `folder` the sockets of processes that were killed, or were left without a word."""
    for name in os.listdir(folder):
        pid, dot, kind = name.partition(".")
        if dot and kind == "sock" and pid.isdigit() and not _is_alive(int(pid)):
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                if _is_dead(path):
                    os.unlink(path)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False  # or it is in another container, which shares the folder
    except OSError:
        pass
    return True


def _is_dead(path):
    with get_original("socket", "socket")(_af_unix()) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) == errno.ECONNREFUSED


def watch_stalls():
    """Measure stalls of the main thread's hub, the one there is or the next one, from now on."""
    if _watch_hub not in _hub._when_run:
        _hub._when_run.append(_watch_hub)
    hub = get_hub_if_exists()
    if hub is not None:
        _watch_hub(hub)


def _watch_hub(hub):
    if hub.main_hub and not stalls.watches(hub):
        stalls.watch(hub)


def _serve_again():
    # Not in children that run no Python of ours for long; a failure is no reason for the child not to run.
    _previous.clear()
    _first_seen.clear()
    watched.clear()
    try:
        serve()
    except OSError:
        traceback.print_exc()


def _listen():
    folder = socket_folder()
    os.makedirs(folder, 0o700, exist_ok=True)
    found = os.stat(folder)
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} can be entered by others than its owner: remove it")
    sweep(folder)
    path = os.path.join(folder, f"{os.getpid()}.sock")
    if os.path.exists(path):
        os.unlink(path)  # of a dead process that had this number
    listener = get_original("socket", "socket")(_af_unix())
    listener.bind(path)
    listener.listen(8)
    return listener


def _af_unix():
    import _socket

    return _socket.AF_UNIX


def _answer_all(listener):
    count_out_this_thread()  # it wakes nobody
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        try:
            connection.settimeout(QUESTION_S)
            question = connection.recv(100)
            if question:  # or somebody has just looked whether this process lives
                connection.sendall(json.dumps(_answer(question)).encode())
        except OSError:
            pass  # whoever asked has left, or takes too long
        except Exception:  # noqa: BLE001 - told to whoever looks on standard error; the program itself must go on
            traceback.print_exc()
        finally:
            connection.close()


def _answer(question):
    if question == b"stacks":
        from gevent._run_report import format_run_info

        return {"pid": os.getpid(), "stacks": "\n".join(format_run_info())}
    return _state()


def _state():
    now = monotonic()
    greenlets = live_greenlets()
    requests = watched["requests"]() if "requests" in watched else 0
    before, at = _previous.get("requests", requests), _previous.get("at", now)
    _previous.update(requests=requests, at=now)
    stall_s, stall_in = stalls.longest()
    return {
        "pid": os.getpid(),
        "greenlets": len(greenlets),
        "requests_per_s": (requests - before) / (now - at) if now > at else 0.0,
        "stall_ms": 1000 * stall_s,
        "stall_in": stall_in,
        "stalled_in": stalls.stalled_in,
        "rss_bytes": rss_bytes(),
        "fds": count_descriptors(),
        "waiting": _waiting(greenlets, now),
        "command": " ".join(sys.orig_argv[:6]),
    }


def _waiting(greenlets, now):
    """Return who has been seen longest where it is, those that are at one place together."""
    seen, groups = {}, {}
    for each in greenlets:
        frame = each.gr_frame
        if frame is None or isinstance(each, _hub.Hub) or is_ours(frame):
            continue
        place = place_of(frame)
        known = _first_seen.get(id(each))
        _, since = seen[id(each)] = known if known is not None and known[0] == place else (place, now)
        group = groups.setdefault(place, {"in": place, "for_s": 0.0, "greenlets": 0})
        group["greenlets"] += 1
        group["for_s"] = max(group["for_s"], now - since)
    _first_seen.clear()
    _first_seen.update(seen)
    return sorted(groups.values(), key=lambda group: -group["for_s"])[:NAMED_MAX]


def stat_fields(pid):
    """Return the words of ``/proc/PID/stat`` from the state of the process on. Raises OSError where there is none."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def rss_bytes():
    """Return how much memory this process has, in bytes."""
    return _memory()[1]


def _memory():
    """Return how many bytes of addresses and of memory this process has."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return tuple(int(pages) * os.sysconf("SC_PAGE_SIZE") for pages in file.read().split()[:2])
    except OSError:
        most_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return most_bytes, most_bytes


def process_state():
    """Return what is known of this process, under the names that metrics of processes have."""
    virtual_bytes, memory_bytes = _memory()
    return {
        "rss_bytes": memory_bytes,
        "virtual_bytes": virtual_bytes,
        "virtual_bytes_max": resource.getrlimit(resource.RLIMIT_AS)[0],
        "fds": count_descriptors(),
        "fds_max": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "started_s": _started_s(os.getpid()),
    }


@functools.cache
def _started_s(_pid):
    """Return when this process, `_pid`, began, in seconds of the epoch.

    Found once: workers tell it with every beat, and /proc/stat grows with the processors and takes its time.
    """
    try:
        ticks = int(stat_fields("self")[19])
        with open("/proc/stat", encoding="ascii") as file:
            booted_s = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    except OSError:
        return _imported_s
    return booted_s + ticks / os.sysconf("SC_CLK_TCK")


def count_descriptors():
    """Return how many descriptors this process has open."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(folder)) - 1
        except OSError:
            continue  # not on this system
    return 0
