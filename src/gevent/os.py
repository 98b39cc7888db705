"""The `os` module with gevent's own ways to fork, to wait for children, and to read and write descriptors.

All that `os` has is here too. Cooperative are:

* `fork`, `forkpty`, `posix_spawn`, `posix_spawnp` and `waitpid`: a child started here is watched by the hub, and
  waiting for it lets other greenlets run. In a forked child everything goes on: the hub, its greenlets, its watchers.
  Once patched, `wait`, `wait3`, `wait4` and `waitid` do so too, by gevent._child_waits.
* `nb_read` and `nb_write`, for descriptors that can be made non-blocking (pipes, sockets, terminals), after
  `make_nonblocking`.
* `tp_read` and `tp_write`, for all others (files, chiefly), which use a thread.

With the environment variable ``GEVENT_NOWAITPID`` children are left alone, unless `fork_and_watch` starts them: `fork`
only sees to the hub, `posix_spawn` is the system's, and patching leaves `os.waitpid` as it is.

Which children are watched is kept here, under their pids; how one is watched is in gevent._native.process.
"""

import fcntl
import os
import sys
import warnings
from errno import EAGAIN, EBADF, EINTR
from time import monotonic as _monotonic

from gevent._config import config
from gevent._hub_local import get_hub_if_exists, get_hub_noargs as get_hub, register_after_abandon
from gevent._native.fileobject import wrap_close as _wrap_close, wrap_read as _wrap_read, wrap_write as _wrap_write
from gevent._native.hub import looked_in_vain
from gevent._native.process import ChildProcess as _ChildProcess, wait_any_end as _wait_any_end
from gevent._util import copy_globals
from gevent.hub import reinit

__implements__ = ["fork", "forkpty", "close"]
__extensions__ = ["tp_read", "tp_write", "nb_read", "nb_write", "make_nonblocking", "fork_gevent", "forkpty_gevent"]
__extensions__ += ["fork_and_watch", "forkpty_and_watch"]
if config.disable_watch_children:
    __extensions__ += ["waitpid"]  # for who asks for it, with `fork_and_watch`
else:
    __implements__ += ["waitpid", "posix_spawn", "posix_spawnp"]

_read = os.read
_write = os.write
_close = os.close
_raw_fork = os.fork
_raw_forkpty = os.forkpty
_raw_posix_spawn = os.posix_spawn
_raw_posix_spawnp = os.posix_spawnp
_waitpid = os.waitpid
_WNOHANG = os.WNOHANG

# What a descriptor says when the operation may simply be tried again.
ignored_errors = [EAGAIN, EINTR]


# -- descriptors --


close = _wrap_close(_close)


def tp_read(fd, n):
    """Read up to `n` bytes from `fd` in a thread of the hub's pool; nothing at the end of it. Waits. From gevent."""
    return _in_a_thread(_read, fd, n)


def tp_write(fd, buf):
    """Write bytes to `fd` in a thread of the hub's pool; return how many were written. Waits. From gevent."""
    return _in_a_thread(_write, fd, buf)


def _in_a_thread(call, *args):
    return get_hub().threadpool.apply(call, args)


def make_nonblocking(fd):
    """Have reads and writes of `fd` fail rather than block; return True if they did block before, else None.

    The mode belongs to what the descriptor refers to, and so to everyone who shares it. From gevent.
    """
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    if flags & os.O_NONBLOCK:
        return None
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    return True


class _Readiness:
    """Waiting for a descriptor, as often as it takes; costs a watcher only once it is needed."""

    __slots__ = ("fd", "event", "hub", "watcher")

    def __init__(self, fd, event):
        self.fd, self.event = fd, event
        self.hub = self.watcher = None

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self.watcher is not None:
            self.watcher.close()

    def wait(self):
        if self.watcher is None:
            self.hub = get_hub()
            self.watcher = self.hub.loop.io(self.fd, self.event)
        self.hub.wait(self.watcher)
        # The number may stand for another file by now. (Not of a loop that stands in.)
        if getattr(self.watcher, "descriptor_closed", False) is True:
            raise OSError(EBADF, os.strerror(EBADF))


def nb_read(fd, n):
    """Read up to `n` bytes from `fd`, which must be non-blocking; ``b""`` at the end. Waits for data. From gevent.

    OSError (EBADF) when another greenlet closes it meanwhile.
    """
    with _Readiness(fd, 1) as readable:
        while True:
            try:
                return _read(fd, n)
            except OSError as error:
                if error.errno not in ignored_errors:
                    raise
            readable.wait()


def nb_write(fd, buf):
    """Write bytes to `fd`, which must be non-blocking; return how many were written. Waits for room. From gevent.

    OSError (EBADF) when another greenlet closes it meanwhile.
    """
    with _Readiness(fd, 2) as writable:
        while True:
            try:
                return _write(fd, buf)
            except OSError as error:
                if error.errno not in ignored_errors:
                    raise
            writable.wait()


# -- forking --


def _as_child():
    _forget_children()
    # Without a hub there is nothing to make usable.
    if get_hub_if_exists() is not None:
        reinit()


def _without_warning(fork):
    # Since 3.12 Python warns of a fork beside other threads. Those of the hub's pool hold no lock of Python's while
    # they sleep, and a program cannot be expected to know of them.
    if sys.version_info < (3, 12):
        return fork()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return fork()


def fork_gevent():
    """Fork, and make the hub usable in the child; return the child's pid, 0 in the child.

    The child is not watched: see `fork_and_watch`. From gevent.
    """
    pid = _without_warning(_raw_fork)
    if pid == 0:
        _as_child()
    return pid


def forkpty_gevent():
    """As `fork_gevent`, with a new pseudo-terminal; return (pid, its descriptor). From gevent."""
    pid, terminal = _without_warning(_raw_forkpty)
    if pid == 0:
        _as_child()
    return pid, terminal


def fork_and_watch(callback=None, loop=None, ref=False, fork=fork_gevent):
    """Fork, and watch the child in the parent, so that `waitpid` lets others run; return its pid, 0 in the child.

    callback
        called in the hub when the child has ended, with an object that has `pid` and `rstatus`.
    loop
        which is to watch; default: this thread's.
    ref
        whether the hub keeps running until then.
    fork
        the function to fork with. The default one makes the child's hub usable.

    From gevent.
    """
    pid = fork()
    if pid:
        _watch_child(pid, callback, loop, ref)
    return pid


def forkpty_and_watch(callback=None, loop=None, ref=False, forkpty=forkpty_gevent):
    """As `fork_and_watch`, with a new pseudo-terminal; return (pid, its descriptor). From gevent."""
    pid, terminal = forkpty()
    if pid:
        _watch_child(pid, callback, loop, ref)
    return pid, terminal


def _start_watched(start, args, kwargs):
    child = start(*args, **kwargs)
    _watch_child(child)
    return child


def posix_spawn(*args, **kwargs):
    """`os.posix_spawn`, with the child watched as by `fork_and_watch`. From gevent."""
    return _start_watched(_raw_posix_spawn, args, kwargs)


def posix_spawnp(*args, **kwargs):
    """`os.posix_spawnp`, with the child watched as by `fork_and_watch`. From gevent."""
    return _start_watched(_raw_posix_spawnp, args, kwargs)


_fork, _forkpty = (
    (fork_gevent, forkpty_gevent) if config.disable_watch_children else (fork_and_watch, forkpty_and_watch)
)


def fork(*args, **kwargs):
    """`fork_and_watch`, or `fork_gevent` with ``GEVENT_NOWAITPID``, with the arguments of either. From gevent."""
    return _fork(*args, **kwargs)


def forkpty(*args, **kwargs):
    """`forkpty_and_watch`, or `forkpty_gevent` with ``GEVENT_NOWAITPID``, likewise. From gevent."""
    return _forkpty(*args, **kwargs)


# -- children --

# By pid: the children that run, and those that have ended without anybody asking for them. The latter are not reaped,
# so that any way to ask the system will do, and asking takes them off the list.
_watched_children = {}

# Above so many, those that nobody asks for are looked for at each start.
_CHILDREN_BEFORE_REAPING = 64


def _watch_child(pid, callback=None, loop=None, ref=False):
    """Have `loop` notice the end of the child `pid`, and keep how it ended for `waitpid`; see `fork_and_watch`."""
    if len(_watched_children) > _CHILDREN_BEFORE_REAPING:
        _reap_children()
    # Not before there are children: what a forked process calls first costs it pages.
    register_after_abandon(_forget_children)
    child = _ChildProcess(pid)
    child.watch(get_hub().loop if loop is None else loop, ref)
    if callback is not None:
        child.rawlink(callback, child)
    _watched_children[pid] = child
    return child


def _reap_children(timeout=60):
    """Reap the children that ended more than `timeout` seconds ago without anybody asking for them."""
    before = _monotonic() - timeout
    for child in list(_watched_children.values()):
        if child.ended and child.ended_at <= before:
            _forget_child(child)


def _forget_children():
    """In a forked child: what the parent started is none of our children."""
    children = list(_watched_children.values())
    _watched_children.clear()
    for child in children:
        child.lose()


def _forget_child(child):
    # It has been asked for; the system must not tell again, as it would not.
    if child is not None and _watched_children.get(child.pid) is child:
        del _watched_children[child.pid]
        child.reap()


def _note_reaped(pid, status):
    child = _watched_children.get(pid)
    if child is not None and (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
        child.end(status)
        _forget_child(child)


def _ask_until_told(ask, pid, options, tell=None):
    """Call `ask()`, which returns None as long as there is nothing to tell, again and again; return what it says.

    pid
        of the child that is asked for; 0 or less if that is not known.
    options
        those of `waitpid`: with ``WNOHANG`` it asks once; more of them, and more than an end is asked for.
    tell
        a function that tells of a child that was waited for here, and that another greenlet was told of first.

    Parks in between.
    """
    pause = 0.001
    child = None
    while True:
        try:
            told = ask()
        except ChildProcessError:
            if tell is None or child is None or child.lost:
                raise
            return tell(child)
        if told is not None:
            return told
        if options & _WNOHANG:
            looked_in_vain()
            return None
        if pid > 0 and not options:
            child = _watched_children.get(pid) or _watch_child(pid)
            child.wait()
            continue
        # No event tells of children whose pids nobody knows, nor of their being stopped: ask now and then, and at once
        # when a child that is known ends.
        _wait_any_end(pause)
        pause = min(2 * pause, 0.05)


def waitpid(pid, options):
    """Wait for a child process to end; return (its pid, its status), or (0, 0) with ``WNOHANG`` if none has.

    pid
        of one child, or -1, 0 or -group for any, as for `os.waitpid`.

    Other greenlets run meanwhile, whatever the arguments. ChildProcessError if there is no such child. From gevent.
    """

    def ask():
        found, status = _waitpid(pid, options | _WNOHANG)
        _note_reaped(found, status)
        return (found, status) if found else None

    return _ask_until_told(ask, pid, options, lambda child: (child.pid, child.rstatus)) or (0, 0)


def _gevent_did_monkey_patch(target_module, items, warn):
    """Patch what gevent leaves alone: reading and writing of what may block, the other ways to wait for children."""
    from gevent.monkey.api import patch_item

    patch_item(target_module, "read", _wrap_read(_read))
    patch_item(target_module, "write", _wrap_write(_write))
    if "waitpid" not in items or config.disable_watch_children:
        return
    from gevent import _child_waits

    _child_waits.ask_until_told, _child_waits.note_reaped = _ask_until_told, _note_reaped
    for name in _child_waits.__all__:
        if hasattr(target_module, name):
            patch_item(target_module, name, getattr(_child_waits, name))


if config.disable_watch_children:
    del posix_spawn, posix_spawnp
__imports__ = copy_globals(os, globals(), names_to_ignore=__implements__ + __extensions__, dunder_names_to_keep=())
__all__ = list(set(__implements__ + __extensions__))
