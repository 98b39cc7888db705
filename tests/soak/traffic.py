"""Messages that prove themselves whole, and how those who wait for them are disturbed."""

import contextlib
import os
import signal
import time

import gevent

__all__ = ["Tally", "call_disturbed", "check", "disturb_processes", "message", "size"]

LARGEST = 8 << 20
NOTHING = object()


class Tally(dict):
    """Counts by name."""

    def add(self, name, number=1):
        self[name] = self.get(name, 0) + number


def size(rng, largest=LARGEST):
    """Return a size in bytes: each power of two is as likely as the next."""
    return min(largest, int(2 ** rng.uniform(0, largest.bit_length())))


def _content(source, number, length):
    pattern = b"%d:%d;" % (source, number)
    return (pattern * (length // len(pattern) + 1))[:length]


def message(source, number, length):
    """Return message `number` of `source`, with a content of `length` bytes that nobody else's has."""
    return source, number, _content(source, number, length)


def check(received):
    """Return (source, number) of a message; raises AssertionError unless it is as it was sent."""
    source, number, content = received
    assert content == _content(source, number, len(content)), f"message {number} of {source} is torn"
    return source, number


def call_disturbed(rng, tally, function, *args):
    """Call `function` until it comes to its end, giving it up again and again; return its result.

    Given up by a timeout, or by killing the greenlet that runs it; each sooner or later than the function needs.
    """
    while True:
        patience = rng.choice((0.0002, 0.002, 0.02, 0.2))
        if rng.random() < 0.5:
            result = NOTHING
            with gevent.Timeout(patience, False):
                result = function(*args)
            tally.add("timeouts", result is NOTHING)
        else:
            greenlet = gevent.spawn(_outcome, function, args)
            try:
                greenlet.join(patience)
            finally:
                greenlet.kill()
            error, result = (None, NOTHING) if isinstance(greenlet.value, gevent.GreenletExit) else greenlet.get()
            if error is not None:
                raise error
            tally.add("killed greenlets", result is NOTHING)
        if result is not NOTHING:
            return result
        gevent.sleep(0)


def _outcome(function, args):
    try:
        return None, function(*args)
    except Exception as error:
        return error, None


def disturb_processes(rng, tally, processes):
    """Stop one of `processes` after the other, for a moment, for ever."""
    while True:
        gevent.sleep(rng.uniform(0.01, 0.2))
        process = rng.choice(processes)
        if process.pid is None or not process.is_alive():
            continue
        try:
            os.kill(process.pid, signal.SIGSTOP)
        except ProcessLookupError:
            continue
        try:
            time.sleep(rng.uniform(0.001, 0.1))
        finally:
            # It may have been on its way out. What ends this greenlet is not to be replaced by that.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
        tally.add("stopped and continued")
