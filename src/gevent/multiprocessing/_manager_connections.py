"""A process's connections to a manager, for any number of greenlets.

The standard library gives each thread that uses proxies a connection, and a manager's server serves each connection in
a thread. Greenlets are many, and descriptors few, so connections are lent for one call:

* What the server runs for most kinds of proxies does not care which thread runs it. Their calls share connections: a
  call takes an idle one, or makes one. Once there are `_SHARED_MAX`, it waits for one to come back; more are made only
  while none does, because the calls under way are of the kind that waits. Of those, most have no connection as long as
  they wait: gevent.multiprocessing._manager_waits.
* When there is no descriptor left, a call waits for a connection as long as some come back. The last descriptors are
  not for calls that wait, nor for connections that are kept: whoever they wait for may need one.
* An `RLock`, a `Condition`, and what a program has registered itself may care. A greenlet that has used one of these
  keeps its connection until it ends. If there are `_KEPT_MAX`, the one that was longest idle is closed, but never one
  that has acquired something and not released it.
* A call that is given up (a timeout, a kill) closes its connection: an answer that comes late is nobody's.
"""

import resource
from collections import deque
from errno import EMFILE, ENFILE, EPIPE
from os import strerror
from time import monotonic

from gevent._native.hub import fork_generation
from gevent.event import AsyncResult
from gevent.local import local
from gevent.multiprocessing._manager_waits import Line
from gevent.timeout import Timeout

__all__ = ["Connections"]

#: More than `Line.places`, for those who do not wait.
_SHARED_MAX = 24
_KEPT_MAX = 64
_NO_DESCRIPTOR = frozenset([EMFILE, ENFILE])
#: So long none has to come back before more than `_SHARED_MAX` are made.
_PATIENCE_S = 0.01
#: So long none has to come back before a call fails for want of descriptors.
_HOPE_S = 1.0
#: So many descriptors are not for connections that may be away for long.
_LAST_DESCRIPTORS = 8


class _Lent:
    """One connection, as the proxy that makes a call sees it."""

    __slots__ = ("__weakref__", "connection", "dumps", "held", "is_kept", "takes_bytes", "loads", "under_way")

    def __init__(self, connection, pickler):
        self.connection = connection
        self.dumps, self.loads = pickler.dumps, pickler.loads
        self.takes_bytes = hasattr(connection, "_send_bytes")  # not one of another serializer
        self.under_way = False  # an answer is to come
        self.is_kept = False  # for one greenlet, since its thread in the server may be somebody's
        self.held = 0  # acquired and not yet released by that thread

    def ask(self, request):
        """Return the answer to `request`. Waits."""
        connection = self.connection
        if not self.takes_bytes:
            self.under_way = True
            connection.send(request)
            answer = connection.recv()
            self.under_way = False
            return answer
        # What cannot be pickled has not been sent, and the connection can be used again.
        message = self.dumps(request)
        self.under_way = True
        connection._send_bytes(message)
        message = connection.recv_bytes()
        self.under_way = False
        return self.loads(message)

    def close(self):
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


def _is_one_of_the_last(connection):
    # The system gives the lowest number that is free.
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft != resource.RLIM_INFINITY and connection.fileno() >= soft - _LAST_DESCRIPTORS


class _Answer:
    """In the place of a connection over which everything has been said. It has the answer until that is received."""

    def __init__(self, answer):
        self.answer = answer

    def send(self, request):
        pass

    def recv(self):
        answer, self.answer = self.answer, None
        return answer


class _Broken:
    """In the place of a connection that the server has ended: what is sent there raises `BrokenPipeError`."""

    connection = None

    def ask(self, request):
        raise BrokenPipeError(EPIPE, strerror(EPIPE))


class _Kept:
    """A greenlet's own connection, closed when the greenlet has ended."""

    __slots__ = ("lent", "owner")

    def __init__(self, lent, owner):
        self.lent, self.owner = lent, owner

    def __del__(self):
        self.owner._close(self.lent)


class _Here(local):
    """What each greenlet knows of its connections."""

    kept = made = None


class Connections:
    """All connections of this process to one manager. Takes the place of a proxy's thread-local data."""

    def __init__(self, pickler):
        self._pickler = pickler
        self._here = _Here()
        self._begin()

    def _begin(self):
        self._generation = fork_generation()
        self._all = set()
        self._idle = []  # that anybody may use
        self._idle_kept = {}  # in the order in which they were used, with nothing held
        self._waiting = deque()
        self._opening = 0
        self._growth, self._growing = 1, 0
        self._came_back_at = monotonic()  # since somebody waits for one
        self._keeps = False  # some greenlets have one of their own, or had
        self.line = Line()

    def __reduce__(self):
        return type(self), ()

    def forget_inherited(self):
        """Have nothing in common with a process that has forked this one. Again does nothing."""
        if self._generation != fork_generation():
            self.forget()

    def forget(self):
        """In a forked child: have nothing in common with the parent."""
        inherited, here = self._all, self._here
        self._begin()
        self._here = _Here()
        for lent in inherited:
            lent.close()
        del here  # once it closes nothing any more

    # -- as the standard library uses it --

    @property
    def connection(self):
        """What this greenlet's call goes through. AttributeError when it makes none."""
        found = self._here.made
        if found is None:
            raise AttributeError("connection")
        return found

    @connection.setter
    def connection(self, connection):
        self._here.made = connection

    @connection.deleter
    def connection(self):
        self._here.made = None

    def interpret(self, answer, call, *args):
        """Return what ``call(*args)`` makes of an answer that has come already; or raise that."""
        self._here.made = _Answer(answer)
        try:
            return call(*args)
        finally:
            self._here.made = None
            del answer

    # -- calls --

    def holds(self):
        """Whether the calling greenlet has acquired something, and so a connection that it must go on with."""
        kept = self._here.kept
        return type(kept) is _Kept and kept.lent.held > 0

    def take(self, proxy, for_any_thread, is_last=False):
        """Return a connection for one call by `proxy`. Waits. Raises what connecting raises.

        :param is_last: Whether the connection may be away for long: the call waits, or its greenlet keeps it.
        """
        kept = self._here.kept if self._keeps else None
        if kept is not None:
            if type(kept) is _Broken:
                return kept
            if kept.lent.connection is not None:
                self._idle_kept.pop(kept.lent, None)
                return kept.lent
            self._here.kept = None
        if self._idle:
            return self._idle.pop()
        is_room = len(self._all) + self._opening < (_SHARED_MAX if for_any_thread else self._kept_max())
        if not is_room and not self._reclaim():
            return self._wait(proxy, is_last)
        try:
            return self._open(proxy, is_last)
        except OSError as error:
            if error.errno not in _NO_DESCRIPTOR or not self._all:
                raise
            return self._wait(proxy, is_last, error)

    @staticmethod
    def _kept_max():
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return _KEPT_MAX if soft == resource.RLIM_INFINITY else max(2, min(_KEPT_MAX, soft // 8))

    def _reclaim(self):
        """Close the kept connection that was longest idle; return whether there was one."""
        for lent in self._idle_kept:
            self._close(lent)
            return True
        return False

    def _open(self, proxy, is_last):
        self._opening += 1
        try:
            while True:
                try:
                    proxy._connect()
                    break
                except OSError as error:
                    if error.errno not in _NO_DESCRIPTOR or not self._reclaim():
                        raise
            connection, self._here.made = self._here.made, None
            if is_last and _is_one_of_the_last(connection):
                connection.close()
                raise OSError(EMFILE, strerror(EMFILE))
        except BaseException as error:
            if getattr(error, "errno", None) not in _NO_DESCRIPTOR:
                self._let_open()
            raise
        finally:
            self._opening -= 1
        lent = _Lent(connection, self._pickler)
        self._all.add(lent)
        return lent

    def _wait(self, proxy, is_last, error=None):
        # With an `error` until there is a descriptor again, or no hope.
        while True:
            lent = self._stand_in_line(proxy, is_last, error)
            if lent is not None:
                return lent
            try:
                return self._open(proxy, is_last)
            except OSError as failure:
                if failure.errno not in _NO_DESCRIPTOR:
                    raise
                error = failure

    def _stand_in_line(self, proxy, is_last, error):
        # Returns a connection, or None if there is room for another one.
        place = AsyncResult()
        if not self._waiting:
            self._came_back_at, self._growth = monotonic(), 1
        self._waiting.append(place)
        try:
            while place.wait(_PATIENCE_S) is None and not place.ready():
                idle_for = monotonic() - self._came_back_at
                if error is not None and idle_for >= _HOPE_S:
                    raise error
                if idle_for >= _PATIENCE_S and self._growing < self._growth:
                    try:
                        lent = self._grow(proxy, is_last)
                    except OSError as failure:
                        if failure.errno not in _NO_DESCRIPTOR:
                            raise
                        error = failure
                    else:
                        self._leave_line(place)
                        return lent
            return place.get()
        except BaseException:
            self._leave_line(place)
            raise

    def _leave_line(self, place):
        if place.ready():
            self._pass_on(place.get())
        else:
            self._waiting.remove(place)

    def _grow(self, proxy, is_last):
        # Twice as many at a time as long as nothing comes back.
        self._growing += 1
        try:
            lent = self._open(proxy, is_last)
        finally:
            self._growing -= 1
        self._came_back_at = monotonic()
        self._growth *= 2
        return lent

    def give_back(self, lent, keep, error=None):
        """The call that took `lent` is over, with `error` or without.

        :param keep: Whether it is this greenlet's from now on.
        """
        if type(lent) is _Broken:
            return
        if self._waiting:
            self._came_back_at, self._growth = monotonic(), 1
        if lent.under_way or lent.connection is None:
            self._here.kept = None
            self._close(lent)
            if isinstance(error, (OSError, EOFError)) and not isinstance(error, Timeout):
                self._keep(_Broken())
            return
        if keep and not lent.is_kept:
            lent.is_kept = True
            self._keep(_Kept(lent, self))
        if not lent.is_kept:
            self._pass_on(lent)
        elif not lent.held:
            if self._waiting:
                self._close(lent)
            else:
                self._idle_kept[lent] = None

    def _keep(self, kept):
        self._keeps = True
        self._here.kept = kept

    def _pass_on(self, lent):
        if lent is None:
            self._let_open()
        elif self._waiting:
            self._waiting.popleft().set(lent)
        elif len(self._all) > _SHARED_MAX:
            self._close(lent)
        else:
            self._idle.append(lent)

    def _let_open(self):
        if self._waiting:
            self._waiting.popleft().set(None)

    def _close(self, lent):
        self._idle_kept.pop(lent, None)
        if lent in self._all:
            self._all.discard(lent)
            self._let_open()
        lent.close()

    def close_idle(self):
        """Close what nobody uses."""
        for lent in [*self._idle, *self._idle_kept]:
            self._close(lent)
        self._idle.clear()
