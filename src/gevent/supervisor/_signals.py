"""What signals mean to a supervisor."""

import os
import signal as _signal

from gevent.supervisor._terminal import Terminal

__all__ = ["Signals"]


class Signals:
    """The handlers of `supervisor`, from `take` to `give_back`."""

    def __init__(self, supervisor):
        self._supervisor = supervisor
        self._previous = {}
        self._terminal = None  # whose end ends the supervisor

    def take(self):
        """Have signals do what they mean. Where this is not the main thread, they are somebody else's business."""
        supervisor = self._supervisor
        actions = {
            _signal.SIGTERM: supervisor.stop,
            _signal.SIGINT: supervisor.interrupt,
            _signal.SIGHUP: self._hung_up,
            _signal.SIGUSR1: supervisor.reopen_logs,
            _signal.SIGTTIN: lambda: supervisor.resize(1),
            _signal.SIGTTOU: lambda: supervisor.resize(-1),
        }
        here = os.getpid()

        def heed(number, _frame):
            if os.getpid() == here:  # and not in a worker that has just been forked
                actions[number]()

        try:
            self._previous = {number: _signal.signal(number, heed) for number in actions}
        except ValueError:
            return
        if self._previous[_signal.SIGHUP] is not _signal.SIG_IGN:  # as it is under nohup
            self._terminal = Terminal()

    def give_back(self):
        """Have them do what they did before."""
        while self._previous:
            number, handler = self._previous.popitem()
            _signal.signal(number, _signal.SIG_DFL if handler is None else handler)  # None: not one of Python's

    def look(self):
        """See whether the terminal is still there; to be called a few times a second."""
        if self._terminal is not None:
            self._terminal.look()

    def _hung_up(self):
        if self._terminal is not None and self._terminal.has_just_gone():
            self._supervisor.stop()  # as any program in the foreground
        else:
            self._supervisor.reload()
