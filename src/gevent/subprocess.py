"""The `subprocess` module, where waiting for a process or for its pipes lets other greenlets run.

`Popen` is the standard library's own class: processes start as they do there, by its vfork-like helper in C and with
all its arguments. What differs is what would block: the pipes are gevent's file objects, and the end of a process is
noticed by the hub, through `gevent.os`. The functions around it (`run`, `call`, `check_output`, …) are the standard
library's own code over this `Popen`.

May be used from any thread, each with its own hub.
"""

import _posixsubprocess  # noqa: F401 - a name of gevent's
import os
import subprocess as __subprocess__
import sys
import types
from os import close as os_close, set_inheritable as _set_inheritable
from subprocess import (
    DEVNULL,
    PIPE,
    STDOUT,
    CalledProcessError,  # noqa: F401
    CompletedProcess,  # noqa: F401 - to hand on, as the next two
    SubprocessError,  # noqa: F401
    TimeoutExpired,
    list2cmdline,  # noqa: F401
)

from gevent._exchange import Exchange
from gevent._hub_local import get_hub_noargs as get_hub
from gevent._native.hub import looked_in_vain
from gevent._util import Lazy, copy_globals
from gevent.event import AsyncResult
from gevent.greenlet import killall
from gevent.os import _forget_child, _watch_child
from gevent.timeout import Timeout

__implements__ = ["Popen", "call", "check_call", "check_output", "run", "getstatusoutput", "getoutput"]
__imports__ = [
    "PIPE",
    "STDOUT",
    "DEVNULL",
    "CalledProcessError",
    "CompletedProcess",
    "SubprocessError",
    "TimeoutExpired",
]
__imports__ += copy_globals(
    __subprocess__,
    globals(),
    only_names=["_fork_exec", "_use_posix_spawn", "_USE_POSIX_SPAWN", "_posixsubprocess"],
    ignore_missing_names=True,
)
# Up to 3.10 the standard library's module has it as well.
__extensions__ = [name for name in ["_posixsubprocess"] if name not in __imports__]
__extra__ = ["list2cmdline"]
__all__ = __implements__ + __imports__ + __extensions__

mswindows = False

try:
    MAXFD = os.sysconf("SC_OPEN_MAX")
except (ValueError, OSError):
    MAXFD = 256

_PLATFORM_DEFAULT_CLOSE_FDS = object()

# What this process keeps of the pipes: by its place among the six handles, with our name for it and its mode. And where
# the handles are among the arguments of _execute_child.
_PARENT_ENDS = {1: ("stdin", "w"), 2: ("stdout", "r"), 4: ("stderr", "r")}
_HANDLES_AT = next(
    # The standard library's own, also where its Popen is ours by now.
    code.co_varnames.index("p2cread") - 1
    for code in (
        vars(each)["_execute_child"].__code__ for each in __subprocess__.Popen.__mro__ if "_execute_child" in vars(each)
    )
    if "p2cread" in code.co_varnames
)


def _over_this_popen(function):
    """The standard library's `function`, with the names it uses looked up in this module."""
    function = getattr(function, "_of_stdlib", function)
    for name in function.__code__.co_names:
        if hasattr(__subprocess__, name):
            globals().setdefault(name, getattr(__subprocess__, name))
    here = types.FunctionType(function.__code__, globals(), function.__name__, function.__defaults__)
    here.__kwdefaults__ = function.__kwdefaults__
    return here


_call = _over_this_popen(__subprocess__.call)
_check_call = _over_this_popen(__subprocess__.check_call)
_check_output = _over_this_popen(__subprocess__.check_output)
_run = _over_this_popen(__subprocess__.run)
getstatusoutput = _over_this_popen(__subprocess__.getstatusoutput)
getoutput = _over_this_popen(__subprocess__.getoutput)


def call(*popenargs, **kwargs):
    """Run a command and return its exit status. Waits.

    Takes what `Popen` takes, and ``timeout`` in seconds, after which the process is killed and TimeoutExpired raised.
    """
    return _call(*popenargs, **kwargs)


def check_call(*popenargs, **kwargs):
    """As `call`, but raise CalledProcessError if the status is not 0, and otherwise return 0."""
    return _check_call(*popenargs, **kwargs)


def check_output(*popenargs, **kwargs):
    """Run a command and return what it wrote to its standard output. Waits.

    Takes what `run` takes except ``stdout`` and ``check``. CalledProcessError if the exit status is not 0.
    """
    return _check_output(*popenargs, **kwargs)


def run(*popenargs, **kwargs):
    """Run a command, wait for it and return a `CompletedProcess`.

    Takes what `Popen` takes, and:

    input
        what the process reads from its standard input.
    capture_output
        whether to keep what it writes to standard output and standard error.
    timeout
        in seconds. The process is then killed and TimeoutExpired raised at once, even if processes it has started hold
        its pipes open.
    check
        whether to raise CalledProcessError if the exit status is not 0.
    """
    return _run(*popenargs, **kwargs)


# So that executing this module once more, after patching, finds the standard library's again.
for _ours, _stdlib in ((call, _call), (check_call, _check_call), (check_output, _check_output), (run, _run)):
    _ours._of_stdlib = _stdlib
del _ours, _stdlib


class Popen(__subprocess__.Popen):
    """A process and its pipes: the standard library's `Popen`, with the same arguments and methods.

    ``threadpool`` is for files of the kind `gevent.fileobject.FileObjectThread`, where that kind is configured.

    `returncode` is set as soon as the hub or `poll` notices the end. Also an object for `gevent.wait`, ready then.
    """

    _child = None
    _parent_ends = None
    _communicating_greenlets = None

    _POSSIBLE_FD_DIRS = ("/proc/self/fd", "/dev/fd")

    def __init__(
        self,
        args,
        bufsize=-1,
        executable=None,
        stdin=None,
        stdout=None,
        stderr=None,
        preexec_fn=None,
        close_fds=_PLATFORM_DEFAULT_CLOSE_FDS,
        shell=False,
        cwd=None,
        env=None,
        universal_newlines=None,
        startupinfo=None,
        creationflags=0,
        restore_signals=True,
        start_new_session=False,
        pass_fds=(),
        encoding=None,
        errors=None,
        text=None,
        group=None,
        extra_groups=None,
        user=None,
        umask=-1,
        pipesize=-1,
        process_group=None,
        threadpool=None,
    ):
        self._bufsize = -1 if bufsize is None else bufsize
        self._threadpool = threadpool
        # Python 3.10 has no such argument, and says so if it is given.
        newer = {} if process_group is None else {"process_group": process_group}
        try:
            super().__init__(
                args,
                bufsize,
                executable,
                stdin,
                stdout,
                stderr,
                preexec_fn,
                True if close_fds is _PLATFORM_DEFAULT_CLOSE_FDS else close_fds,
                shell,
                cwd,
                env,
                universal_newlines,
                startupinfo,
                creationflags,
                restore_signals,
                start_new_session,
                pass_fds,
                user=user,
                group=group,
                extra_groups=extra_groups,
                encoding=encoding,
                errors=errors,
                text=text,
                umask=umask,
                pipesize=pipesize,
                **newer,
            )
        except BaseException:
            self._close_parent_ends()
            raise

    # -- the pipes --

    def _get_handles(self, *streams):
        handles = super()._get_handles(*streams)
        if streams == (None, None, None):
            return handles
        for given, theirs in zip(streams, (handles[0], handles[3], handles[5])):
            if given not in (None, PIPE, STDOUT, DEVNULL):
                self._remove_nonblock_flag(theirs)
        # Kept from the base class, which would open blocking files on them.
        self._parent_ends = {i: handles[i] for i in _PARENT_ENDS if handles[i] != -1}
        return tuple(-1 if i in self._parent_ends else fd for i, fd in enumerate(handles))

    def _execute_child(self, *args):
        ends = self._parent_ends
        if ends:
            args = list(args)
            for i, fd in list(ends.items()):
                args[_HANDLES_AT + i] = fd
                name, mode = _PARENT_ENDS[i]
                setattr(self, name, self._open_pipe(fd, mode))
                del ends[i]
        super()._execute_child(*args)
        self._child = _watch_child(self.pid, None, get_hub().loop, True)
        self._child.report_to(self)

    def _open_pipe(self, fd, mode):
        from gevent.fileobject import FileObject, FileObjectPosix

        options = {"bufsize": self._bufsize}
        if self._threadpool is not None and FileObject.__name__ == "FileObjectThread":
            options["threadpool"] = self._threadpool
        if issubclass(FileObject, FileObjectPosix):
            # The user may read and write the descriptor, or hand it to another process.
            options["_stays_blocking"] = True
        if self.text_mode:
            options.update(encoding=self.encoding, errors=self.errors)
        elif self._bufsize == 1:
            options["bufsize"] = -1
        return FileObject(fd, mode if self.text_mode else mode + "b", **options)

    def _close_parent_ends(self):
        while self._parent_ends:
            os_close(self._parent_ends.popitem()[1])

    def pipe_cloexec(self):
        """Return the two ends of a new pipe that a new program does not inherit."""
        return os.pipe()

    def _remove_nonblock_flag(self, fd):
        # A program expects to block on what it is given, whatever this one does with it.
        os.set_blocking(fd, True)

    # -- the end --

    def _internal_poll(self, _deadstate=None, *_defaults):
        child = self._child
        if child is not None:
            if child.poll():
                _forget_child(child)
            else:
                looked_in_vain()
        return self.returncode

    def _wait(self, timeout):
        child = self._child
        if child is not None:
            # Whoever has read all of its output finds it ended, most of the time.
            if not child.poll() and (timeout is None or timeout > 0):
                child.wait(timeout)
            if not child.ended:
                raise TimeoutExpired(self.args, timeout)
            _forget_child(child)
        return self.returncode

    def wait(self, timeout=None, _raise_exc=True):
        """Wait until the process ends, `timeout` seconds at most; return `returncode`. Then raise TimeoutExpired."""
        if self.returncode is not None:
            # os.waitpid() is not to tell again.
            _forget_child(self._child)
            return self.returncode
        try:
            return super().wait(_seconds(timeout))
        except TimeoutExpired:
            if _raise_exc:
                raise
            return None

    @Lazy
    def result(self):
        """An `AsyncResult` that gets `returncode` when the process ends."""
        result = AsyncResult()
        self.rawlink(lambda popen: result.set(popen.returncode))
        return result

    def rawlink(self, callback):
        """Have ``callback(self)`` called in the hub when the process has ended."""
        self._child.rawlink(callback, self)

    def unlink(self, callback):
        """Undo `rawlink`."""
        self._child.unlink(callback)

    # -- communicating --

    def communicate(self, input=None, timeout=None):
        """Write `input` to the process, read all that it writes, wait until it ends; return (stdout, stderr).

        None stands for what is no pipe. TimeoutExpired after `timeout` seconds, with what was read so far; the process
        lives on, and this may be called again.
        """
        return super().communicate(input, _seconds(timeout))

    def _communicate(self, input, endtime, orig_timeout):
        # The base class does this with a selector. Greenlets do not lose what is in the files' buffers.
        if self._communicating_greenlets is None:
            self._exchange = Exchange(self, input)
            self._communicating_greenlets = self._exchange.greenlets
        exchange = self._exchange
        try:
            if not exchange.finish(self._remaining_time(endtime)):
                raise TimeoutExpired(self.args, orig_timeout)
            self.wait(self._remaining_time(endtime))
        except TimeoutExpired as error:
            error.timeout = orig_timeout
            error.output, error.stderr = exchange.so_far()
            raise
        return exchange.stdout_result(), exchange.stderr_result()

    def __exit__(self, exc_type, value, traceback):
        if self._communicating_greenlets:
            # They may be waiting inside the files that are closed next.
            killall(self._communicating_greenlets)
        super().__exit__(exc_type, value, traceback)

    # -- closing descriptors by hand, for functions given as preexec_fn --

    @classmethod
    def _close_fds(cls, keep, errpipe_write):
        """Close all descriptors from 3 on except those in `keep`, which a new program is to inherit."""
        folder = next(filter(os.path.isdir, cls._POSSIBLE_FD_DIRS), None)
        if folder is None:
            cls._close_fds_brute_force(keep, errpipe_write)
        else:
            cls._close_fds_from_path(folder, keep, errpipe_write)

    @classmethod
    def _close_fds_from_path(cls, path, keep, errpipe_write):
        try:
            open_now = set(map(int, os.listdir(path)))
        except (OSError, ValueError):
            return cls._close_fds_brute_force(keep, errpipe_write)
        _let_inherit(keep, errpipe_write)
        for fd in sorted(open_now.difference(keep, range(3))):
            _close_if_open(fd)

    @classmethod
    def _close_fds_brute_force(cls, keep, errpipe_write):
        _let_inherit(keep, errpipe_write)
        lowest = 3
        for fd in keep:
            if lowest == 3:
                os.closerange(lowest, fd)
            else:
                for hole in range(lowest, fd):
                    _close_if_open(hole)
            lowest = fd + 1
        os.closerange(lowest, MAXFD)


def _let_inherit(fds, errpipe_write):
    for fd in fds:
        # The program must not have what tells whether it was started.
        if fd != errpipe_write:
            _set_inheritable(fd, True)


def _close_if_open(fd):
    try:
        os_close(fd)
    except OSError:
        pass  # listing a directory opens a descriptor that is gone afterwards


def _seconds(timeout):
    return timeout.seconds if isinstance(timeout, Timeout) else timeout


if "gevent._child_start" not in sys.modules:
    # A program has all from the beginning: it may give up its right to read files. A child that `multiprocessing` has
    # spawned is a new program each time, and hardly ever starts another.
    from gevent import fileobject as _files  # noqa: F401


def __getattr__(name):
    if name == "FileObject":
        from gevent.fileobject import FileObject

        return FileObject
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
