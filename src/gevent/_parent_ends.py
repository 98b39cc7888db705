"""Worker processes with a connection each, of pools and of supervisors: a worker ends when its parent does.

It notices by the end of its connection, which comes when the last copy of the parent's end is closed. So a forked
worker closes at once the copies that it has of the ends of all others.
"""

import contextlib
import os

__all__ = ["ParentEnds", "wait_for_end"]

#: How long what an ended worker has said is waited for, in seconds: it is there already.
LAST_WORDS_S = 1.0


class ParentEnds:
    """The parent's ends of the connections to all its workers of one kind."""

    def __init__(self):
        self._connections = set()

    def start(self, context, run, arguments_with, **options):
        """Start ``run(*arguments_with(connection))`` in a process; return the process, and our end of the connection.

        :param context: Of `multiprocessing`.
        :param options: For its ``Process``.
        """
        ours, theirs = context.Pipe()
        process = context.Process(target=run, args=arguments_with(theirs), **options)
        self._connections.add(ours)
        try:
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

    def close_in_child(self):
        """In a forked worker, first of all."""
        for connection in self._connections:
            with contextlib.suppress(OSError):  # closed just before the fork
                os.close(connection.fileno())
        self._connections.clear()


def wait_for_end(process, hearing):
    """Wait until a worker has ended, and `hearing`, the greenlet that takes what it says, has taken all; end that.

    A worker's end is that of its process: what it has forked, or what was forked beside it, may hold its connection
    open.
    """
    process.join()
    hearing.join(LAST_WORDS_S)
    hearing.kill()
