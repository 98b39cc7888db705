"""A worker's own watch, on a thread that no greenlet holds up: does the hub still turn, does the parent still live?"""

import contextlib
import json
import os
import struct
import sys

from gevent._hub_local import get_hub
from gevent._native.resting_threads import count_out_this_thread
from gevent._parent_ends import ParentWatch
from gevent.monkey.api import get_original
from gevent.top import _server as _top
from gevent.top._stalls import LOOK_S

__all__ = ["Watch"]

#: How long a worker may go on when its parent is gone, in seconds.
ORPHAN_LIFETIME_S = 4.0


class Watch:
    """Has stalls of the calling thread's hub measured; tells the parent, over `connection`, of one that does not end.

    hang_timeout_s
        a hub that has not turned for so long, in seconds, is reported with every greenlet's stack, once; None: never.
    parent_pid
        the process whose end ends this one.
    """

    def __init__(self, connection, hang_timeout_s, parent_pid):
        self._fd = connection.fileno()
        self._hang_timeout_s = hang_timeout_s
        self._parent = ParentWatch(parent_pid)
        self._armed = False
        self._reported = False

    def start(self):
        """Begin to watch. Does not wait."""
        get_hub()  # the one that is watched
        _top.watch_stalls()
        get_original("_thread", "start_new_thread")(self._look, (get_original("time", "sleep"),))

    def arm(self):
        """From now on, a hub that does not turn is a hang: the application is loaded."""
        _top.stalls.forget()
        self._armed = True

    def _look(self, sleep):
        count_out_this_thread()  # it wakes nobody
        while True:
            sleep(LOOK_S)
            if self._parent.is_gone():
                # The hub, if it turns, has seen it too, and lets requests end.
                sleep(ORPHAN_LIFETIME_S)
                os._exit(1)
            _top.stalls.look()
            stalled_s = _top.stalls.stalled_s
            if self._armed and self._hang_timeout_s and stalled_s >= self._hang_timeout_s and not self._reported:
                self._reported = True
                self._report(stalled_s)

    def _report(self, stalled_s):
        from gevent._run_report import format_run_info

        text = "\n".join(format_run_info())
        try:
            sys.stderr.write(f"worker {os.getpid()}: its hub has not turned for {stalled_s:.1f} s\n{text}\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            pass  # nobody reads it, or there is no standard error; the parent is told all the same
        message = json.dumps({"hung": stalled_s}).encode()
        # As Connection.send_bytes() frames it; that one would wait in a hub, which this thread has not.
        with contextlib.suppress(OSError):  # the parent is gone
            os.write(self._fd, struct.pack("!i", len(message)) + message)
