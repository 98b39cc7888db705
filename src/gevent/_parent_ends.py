"""Worker processes with a connection each, of pools and of supervisors: a worker ends when its parent does.

It notices by the end of its connection, which comes when the last copy of the parent's end is closed. So every forked
child, a worker or not, gives up at once the copies that it has of the ends of all others.
"""

import _socket
import contextlib
import os
import warnings

from gevent._held_signals import INTERRUPT, hold_in_new_process
from gevent._native.resting_threads import count_out_this_thread
from gevent.monkey.api import get_original

__all__ = ["ParentEnds", "ParentWatch", "end_with_parent", "make_ends_of_nothing", "wait_for_end"]

#: How long what an ended worker has said is waited for, in seconds: it is there already.
LAST_WORDS_S = 1.0
#: How often a worker that computes looks whether its parent lives, if nothing tells it before, in seconds.
LOOK_S = 1.0


class ParentEnds:
    """The parent's ends of the connections to all its workers of one kind."""

    def __init__(self):
        self._connections = set()
        os.register_at_fork(after_in_child=self._leave_to_parent)

    def start(self, context, run, arguments_with, **options):
        """Start ``run(*arguments_with(connection))`` in a process; return the process, and our end of the connection.

        The process is not interrupted by Ctrl-C before ``run`` calls `gevent._held_signals.let_come`; but one that a
        fork server starts may be.

        :param context: Of `multiprocessing`.
        :param options: For its ``Process``.
        """
        ours, theirs = context.Pipe()
        process = context.Process(target=run, args=arguments_with(theirs), **options)
        self._connections.add(ours)
        try:
            with hold_in_new_process(INTERRUPT):
                process.start()
        except BaseException:
            self.give_up(ours)
            raise
        finally:
            theirs.close()
        return process, ours

    def keep(self, connection):
        """Have a forked worker close its copy of `connection`, anything with a descriptor, too, until `drop`."""
        self._connections.add(connection)

    def drop(self, connection):
        """It is about to be closed: undo `keep`. Again does nothing."""
        self._connections.discard(connection)

    def give_up(self, connection):
        """Close our end of a connection that `start` has made. Again does nothing."""
        self.drop(connection)
        connection.close()

    def _leave_to_parent(self):
        if self._connections:
            make_ends_of_nothing(self._connections)
            self._connections.clear()


def make_ends_of_nothing(connections):
    """Have the descriptors of `connections`, copies of another process's, be ends of a connection that is over.

    Not closed: after a bare fork greenlets of the parent's go on here, and read from these, and objects close them when
    they are freed.
    """
    ours, theirs = _socket.socketpair()
    theirs.close()
    for connection in connections:
        with contextlib.suppress(OSError):  # closed already
            os.dup2(ours.fileno(), connection.fileno(), inheritable=False)
    ours.close()


def wait_for_end(process, hearing):
    """Wait until a worker has ended, and `hearing`, the greenlet that takes what it says, has taken all; end that.

    A worker's end is that of its process: what it has forked, or what was forked beside it, may hold its connection
    open.
    """
    process.join()
    hearing.join(LAST_WORDS_S)
    hearing.kill()


class ParentWatch:
    """Whether the process `pid` lives, which has started this one, or has had it started by a fork server."""

    def __init__(self, pid):
        self._pid = pid
        self._forked_by = os.getppid()

    def is_gone(self):
        """Return whether it has ended."""
        parent = os.getppid()
        if parent == self._pid:
            return False
        if parent != self._forked_by:
            return True
        try:
            os.kill(self._pid, 0)  # a fork server may outlive whom it serves
        except ProcessLookupError:
            return True
        return self._is_unburied()

    def _is_unburied(self):
        try:
            with open(f"/proc/{self._pid}/stat", "rb") as file:
                return file.read().rpartition(b")")[2].split()[0] in b"ZX"
        except OSError:
            return False


def end_with_parent(connection, parent_pid, lifetime_s):
    """Have a native thread end this process, whatever it computes, `lifetime_s` seconds after `parent_pid` has ended.

    `connection` is this process's end: the thread is told by it. Does not wait.
    """
    poll, sleep = get_original("select", "poll")(), get_original("time", "sleep")
    poll.register(connection.fileno(), 0)  # for its end alone
    parent = ParentWatch(parent_pid)

    def watch():
        count_out_this_thread()  # it wakes nobody
        while not parent.is_gone():
            if poll.poll(int(1000 * LOOK_S)):
                sleep(LOOK_S / 10)  # the parent lives, and has closed it: this process ends by itself
        sleep(lifetime_s)
        os._exit(1)

    get_original("_thread", "start_new_thread")(watch, ())
    # That thread holds nothing that a child would wait for; without it, tasks that fork would hear nothing of this.
    warnings.filterwarnings("ignore", r"This process .* is multi-threaded, use of .*fork", DeprecationWarning)
