"""Calls of managers' proxies that are made to wait: few of them at a time have a connection each.

Who waits in a manager's server (for a lock, for an item of a queue) has a connection for as long as that takes, and so
a descriptor in both processes. Thousands of greenlets may wait for one lock, though, and whoever is to give it back
needs a connection, too. So of the calls that are known to wait, and to be content with less time than they asked for:

* some are made as they are, while there are few;
* the others first look whether they have to wait at all, and then stand in line. A few of them at a time wait in the
  server, for a moment each, and stand in line again. So whoever is needed by those who wait comes through.

Nobody gets less time than he asked for, and whoever gets none hears so from the server.
"""

import resource
from functools import partial
from queue import Empty, Full
from time import monotonic

from gevent.lock import Semaphore

__all__ = ["Line", "lasts", "waits_of"]

_PLACES_MAX = 16
#: How long those wait in the server that stand in line.
_MOMENT_S = 0.1


class _Kind:
    """A method that waits.

    :ivar names: Of its parameters, and which of them it cannot do without (`needed`).
    :ivar refusals: What it raises when the time is over; if nothing, it returns False.
    """

    def __init__(self, *names, needed=(), refusals=()):
        self.names, self.needed, self.refusals = names, set(needed), refusals

    def wait_of(self, args, kwds):
        """Return the `_Wait` that a call with these arguments may become; None for one to make as it is."""
        names = self.names
        values = dict(zip(names, args))
        if len(args) > len(names) or not (kwds.keys() <= set(names) and kwds.keys().isdisjoint(values)):
            return None  # which the server will say
        values.update(kwds)
        blocks, timeout = values.get("blocking", values.get("block", True)), values.get("timeout")
        is_limit = timeout is None or (isinstance(timeout, (int, float)) and timeout > 0)
        if blocks is not True or not is_limit or not values.keys() >= self.needed:
            return None
        return _Wait(self, args, kwds, values)


_ACQUIRE = _Kind("blocking", "timeout")
_LOCK = {"acquire": _ACQUIRE}
_QUEUE = {
    "get": _Kind("block", "timeout", refusals=(Empty,)),
    "put": _Kind("item", "block", "timeout", needed=("item",), refusals=(Full,)),
}
_NONE = {}
_OF_TYPES = {
    **dict.fromkeys(("BoundedSemaphore", "Condition", "Lock", "RLock", "Semaphore"), _LOCK),
    **dict.fromkeys(("JoinableQueue", "Queue"), _QUEUE),
    "Event": {"wait": _Kind("timeout")},
}


def waits_of(typeid):
    """Return the methods that wait, of what `SyncManager` makes under the name `typeid`."""
    return _OF_TYPES.get(typeid, _NONE)


#: Those that wait and would not be content with less: they have a connection, if not one of the last.
_LAST = {
    "AsyncResult": ("get", "wait"),
    "Barrier": ("wait",),
    "JoinableQueue": ("join",),
    "Pool": ("apply", "join", "map", "starmap"),
}


def lasts(typeid, methodname):
    """Return whether a method, of what `SyncManager` makes under the name `typeid`, waits in any case."""
    return methodname in _LAST.get(typeid, ())


class _Wait:
    """One call of such a method."""

    __slots__ = ("_kind", "_args", "_kwds", "_values", "timeout")

    def __init__(self, kind, args, kwds, values):
        self._kind, self._args, self._kwds = kind, args, kwds
        self._values, self.timeout = values, values.get("timeout")

    def make(self, call, timeout):
        """Make the call with that `timeout`; return whether it had what it waited for, and a function for its outcome.

        Raises what is not said for want of time.
        """
        if timeout == self.timeout:
            return self._make(call, self._args, self._kwds)
        # By position: not everybody calls his parameters as the standard library does.
        args = (*(self._values.get(name, True) for name in self._kind.names[:-1]), timeout)
        try:
            return self._make(call, args, {})
        except TypeError:
            # The program's own, under the standard library's name, and without a limit of time.
            return True, partial(call, self._args, self._kwds)

    def _make(self, call, args, kwds):
        try:
            result = call(args, kwds)
        except self._kind.refusals as refusal:
            return False, partial(_raise, refusal)
        return bool(self._kind.refusals) or result is not False, lambda: result


def _raise(error):
    try:
        raise error
    finally:
        del error  # whose traceback has this frame


class Line:
    """The calls of one process to one manager that wait."""

    def __init__(self):
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        #: How many have a connection at a time.
        self.places = _PLACES_MAX if soft == resource.RLIM_INFINITY else max(2, min(_PLACES_MAX, soft // 8))
        self._free = Semaphore(self.places)
        # And how many of those have it for as long as they like.
        self._lasting = self.places - max(1, self.places // 4)

    def make(self, call, wait):
        """Return ``call(args, kwds)`` for what `wait` asks for, made as often as that takes. Waits."""
        if self._lasting > 0 and self._free.acquire(False):
            return self._in_place(call, wait, wait.timeout, lasting=True)[1]()
        end = None if wait.timeout is None else monotonic() + wait.timeout
        is_there, outcome = wait.make(call, 0)
        while not is_there:
            left = _until(end)
            if not self._free.acquire(True, left):
                return wait.make(call, 0)[1]()
            left, lasting = _until(end), self._lasting > 0
            if lasting or (left is not None and left <= _MOMENT_S):
                return self._in_place(call, wait, left, lasting)[1]()
            is_there, outcome = self._in_place(call, wait, _MOMENT_S, lasting)
        try:
            return outcome()
        finally:
            del outcome  # as there

    def _in_place(self, call, wait, timeout, lasting):
        self._lasting -= lasting
        try:
            return wait.make(call, timeout)
        finally:
            self._lasting += lasting
            self._free.release()


def _until(end):
    return None if end is None else max(0.0, end - monotonic())
