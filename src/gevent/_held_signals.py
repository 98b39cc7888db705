"""Signals that wait while something is done that an exception out of their handlers would leave half done.

They do not reach the thread, nor what it starts meanwhile, a greenlet's process or another's: so nobody lets others run
while signals are held. Who has to, as he starts a process, has `hold_in_new_process`; and where only handlers in Python
are to wait, in a program that is patched: `gevent._native.signal.hold_handlers`.
"""

import _signal

from greenlet import getcurrent

__all__ = [
    "ALL",
    "INTERRUPT",
    "forget_new_process",
    "held_in_new_process",
    "hold",
    "hold_in_new_process",
    "in_new_processes",
    "let_come",
]

#: Ctrl-C.
INTERRUPT = frozenset({_signal.SIGINT})
ALL = frozenset(_signal.valid_signals())


class _Hold:
    def __init__(self, signals):
        self._signals = signals
        self._before = None

    def __enter__(self):
        self._before = _signal.pthread_sigmask(_signal.SIG_BLOCK, self._signals)
        return self

    def __exit__(self, *exc_info):
        if self._before is not None:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, self._before)

    def go_on(self):
        """Have the signals be held after the context, too: in a forked child, until `let_come`."""
        self._before = None


def hold(signals):
    """Return a context in which `signals` reach neither this thread nor the processes that are started in it.

    What comes meanwhile is handled at its end. Such a process lets them come itself, by `let_come`. No other greenlet
    may run meanwhile: its processes would be born so, and of two such contexts the first to end would end both.
    """
    return _Hold(signals)


#: What is held in the processes that greenlets start, each by those that are in such a context.
in_new_processes = {}


class _HoldInNewProcess:
    def __init__(self, signals):
        self._signals = signals

    def __enter__(self):
        in_new_processes[getcurrent()] = self._signals

    def __exit__(self, *exc_info):
        in_new_processes.pop(getcurrent(), None)


def hold_in_new_process(signals):
    """Return a context in which a process that this greenlet starts holds `signals` until it does `let_come`.

    They are held here while it forks, or the program is started, and no longer. Not for children of a fork server.
    """
    return _HoldInNewProcess(signals)


def held_in_new_process():
    """Return the signals that the process holds which this greenlet is about to start."""
    return in_new_processes.get(getcurrent(), frozenset())


def forget_new_process():
    """In a forked child: it starts its own processes as everybody does."""
    in_new_processes.clear()


def let_come(signals):
    """Have `signals` reach this thread, now and from now on, whoever held them when this process was started."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, signals)
