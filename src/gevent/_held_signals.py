"""Signals that wait while something is done that an exception out of their handlers would leave half done.

They do not reach the thread. Where they may, and only handlers in Python are to wait, in a program that is patched:
`gevent._native.signal.hold_handlers`, which processes that are started do not inherit.
"""

import _signal

__all__ = ["ALL", "INTERRUPT", "NONE", "hold", "let_come"]

#: Ctrl-C.
INTERRUPT = frozenset({_signal.SIGINT})
ALL = frozenset(_signal.valid_signals())
NONE = frozenset()


class _Hold:
    def __init__(self, signals):
        self._signals = signals
        self._before = None

    def __enter__(self):
        self._before = _signal.pthread_sigmask(_signal.SIG_BLOCK, self._signals)

    def __exit__(self, *exc_info):
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._before)


def hold(signals):
    """Return a context in which `signals` reach neither this thread nor the processes that are started in it.

    What comes meanwhile is handled at its end. Such a process lets them come itself, by `let_come`.
    """
    return _Hold(signals)


def let_come(signals):
    """Have `signals` reach this thread, now and from now on, whoever held them when this process was started."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, signals)
