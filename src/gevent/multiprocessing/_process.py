"""Starting processes and seeing them end, without stopping this one.

A child that is forked starts with a clean hub: none of the parent's greenlets, timers and watchers runs in it, nor do
their `finally` blocks. Its end is seen through a pidfd or a kqueue, so there is no signal handler, any number of
greenlets of any thread may join it, and only `Popen.poll` reaps it.
"""

import os
import posix
import sys
from functools import wraps
from weakref import WeakKeyDictionary

from greenlet import getcurrent

from gevent._held_signals import forget_new_process, held_in_new_process, hold, in_new_processes
from gevent._hub_local import tell_of_abandoned_hub
from gevent._native import connection as native, semlock
from gevent._native.clean_fork import clean_fork as _clean_fork
from gevent._native.hub import looked_in_vain
from gevent._native.signal import call_kept_handlers, hold_handlers, release_handlers
from gevent.multiprocessing._view import View

__all__ = ["changes", "clean_fork", "finish_starting", "leave", "open_for_writing", "take_given_up"]

#: How often to look where the kernel cannot tell of a process's end.
_LOOK_INTERVAL_S = 0.05
#: A kqueue tells of a process's end a moment before it can be reaped; this long at most.
_TOLD_EARLY = not hasattr(os, "pidfd_open")
_MOMENT_S = 0.05
#: Python 3.12 neither forks nor starts threads, here nor in a child, from when its main thread has ended.
_ENDS_EARLY = sys.version_info[:2] == (3, 12)


def clean_fork():
    """Fork. Returns the child's id in the parent, and 0, in a clean hub, in the child.

    Takes as long as `os.fork`, and does not warn of threads, of which nothing is used in the child. Raises `OSError` in
    the parent, and `RuntimeError` at the end of the interpreter.
    """
    sys.audit("os.fork")
    if sys.is_finalizing() or (_ENDS_EARLY and getattr(sys.modules.get("threading"), "_SHUTTING_DOWN", False)):
        raise RuntimeError("the interpreter is shutting down: too late to fork")
    pid = _clean_fork()
    if pid == 0:
        # What others have started in their own hooks for forks runs already, in a new hub.
        try:
            tell_of_abandoned_hub()
        except BaseException:
            # Whatever it is, the child must not go on as a second copy of the parent.
            sys.excepthook(*sys.exc_info())
            posix._exit(1)
    return pid


def _fork_held():
    # As clean_fork(); a child of somebody in `hold_in_new_process` is born with those signals held.
    signals = held_in_new_process() if in_new_processes else None
    if not signals:
        return clean_fork()
    with hold(signals) as held:
        pid = clean_fork()
        if pid == 0:
            held.go_on()
            forget_new_process()
    return pid


def leave(status):
    """End this process at once, as `os._exit`; what it shared is given back first."""
    semlock.leave_all()
    posix._exit(status)


def _look_until_exit(popen, timeout):
    # The sentinel closes with the last process that inherited it, so it is a hint at best.
    from time import monotonic

    deadline = None if timeout is None else monotonic() + timeout
    while popen.poll() is None:
        left = _LOOK_INTERVAL_S if deadline is None else min(_LOOK_INTERVAL_S, deadline - monotonic())
        if left <= 0:
            return False
        if native.wait_ready((popen.sentinel,), left):
            native.wait_ready((), 0.001)  # a pause, also for a thread without a hub
    return True


# Whatever this process touches while a child of it lives, the kernel copies for it, page by page: a function, and a
# look-up, less is worth it in what each start and join goes through.


def _poll(self, flag=os.WNOHANG):
    """Return the exit code, or None while the process runs; wait for its end unless `flag` is WNOHANG."""
    if self.returncode is None and flag != os.WNOHANG:
        return self.wait()
    # Nothing lets another greenlet run from here on: whoever comes first reaps, and the others find the code.
    if self.returncode is None:
        try:
            pid, status = posix.waitpid(self.pid, os.WNOHANG)
        except OSError:
            return None  # no child of ours (yet, or any more)
        if pid == self.pid:
            self.returncode = os.waitstatus_to_exitcode(status)
            self.__dict__.pop("_sent_locks", None)
        else:
            looked_in_vain()
    return self.returncode


def _wait(self, timeout=None):
    """Return the exit code as soon as the process has ended, or None after `timeout` seconds.

    Waits, letting other greenlets run.
    """
    if self.returncode is None and timeout != 0:
        ended = native.wait_for_end(self.pid, timeout)
        if ended is None:
            _look_until_exit(self, timeout)
        elif ended and _TOLD_EARLY and self.poll() is None:
            # Or it is no child of ours, and never can be reaped.
            _look_until_exit(self, _MOMENT_S if timeout is None else min(timeout, _MOMENT_S))
    return self.poll()


#: The process that a greenlet has started although its `start` raised what was thrown in, the last one of each.
_given_up = WeakKeyDictionary()


def take_given_up():
    """Return the process whose `start` has raised in the calling greenlet, though it has begun; None if none has.

    For whoever catches what `start` raised, and keeps a list of its processes.
    """
    return _given_up.pop(getcurrent(), None)


#: What was thrown into greenlets while they were starting a process, for after the start.
_thrown = {}


def finish_starting(wait):
    """Return `wait()`; for what `start` waits for once there is a process, which comes soon, whatever happens.

    What is thrown into the greenlet meanwhile, `start` raises after it has made the process known.
    """
    from gevent.exceptions import BlockingSwitchOutError, LoopExit

    while True:
        try:
            return wait()
        except (BlockingSwitchOutError, LoopExit, OSError, EOFError):
            raise
        except BaseException as error:
            _thrown[getcurrent()] = error


class _DataPipe:
    """In the place of the file that a child's data is written to: more of it than a pipe holds lets others run.

    Who is interrupted leaves the rest to be written aside, since the process is there already.
    """

    def __init__(self, fd, mode, closefd=True):
        self._fd, self._closes = fd, closefd

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self._closes:
            native.close_when_sent(self._fd)

    def write(self, data):
        try:
            native.write_all_in_turn(self._fd, data)
        except BaseException as error:
            if not native.is_sending(self._fd):
                raise
            _thrown[getcurrent()] = error
        finally:
            # The error's traceback has this frame. A view that is collected together with the BytesIO that it shows
            # is complained of, by Python 3.13.
            del data


def open_for_writing(fd, mode, closefd=True):
    """In the place of `open`, for the pipe to a new process: what is written there lets others run."""
    return _DataPipe(fd, mode, closefd)


def _make_start(original):
    @wraps(original)
    def start(self):
        # Starting one takes milliseconds; a pool starts many in a row. Later on, the pipes to the new process exist,
        # and whoever is let run might fork and have his child inherit them.
        native.yield_turn()
        call_kept_handlers()  # a pool holds them back, but not from one worker to the next
        # What a signal's handler raises comes once the process is known, if it has begun: nobody could join it before.
        held = hold_handlers()
        try:
            original(self)
        except BaseException:
            _thrown.pop(getcurrent(), None)
            if held:
                release_handlers()
            raise
        thrown = _thrown.pop(getcurrent(), None) if _thrown else None
        try:
            if held:
                release_handlers()
        except BaseException as error:
            thrown = error
        if thrown is not None:
            _given_up[getcurrent()] = self
            try:
                raise thrown
            finally:
                del thrown  # whose traceback has this frame

    return start


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that processes start and end aside."""
    # Not `os.close`, which wakes those who wait for a descriptor: nobody knows these. And by name what is called in the
    # child, where finding it the long way would touch twenty pages more.
    yield mp.popen_fork, "os", View(os, fork=_fork_held, _exit=leave, close=posix.close, pipe=os.pipe)
    yield mp.popen_fork.Popen, "poll", _poll
    yield mp.popen_fork.Popen, "wait", _wait
    yield from mp.changes_when_imported("popen_spawn_posix", _changes_of_spawning)
    yield mp.process.BaseProcess, "start", _make_start(mp.process.BaseProcess.start)


def _changes_of_spawning(popen_spawn_posix):
    yield popen_spawn_posix, "open", open_for_writing
