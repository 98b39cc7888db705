"""A process's connections to a manager, for any number of greenlets.

The standard library gives each thread that uses proxies a connection, and a manager's server serves each connection in
a thread. Greenlets are many, and descriptors few, so connections are lent for one call:

* What the server runs for most kinds of proxies does not care which thread runs it. Their calls share connections: a
  call takes an idle one, or makes one. Once there are `_SHARED_MAX`, it waits for one to come back; more are made only
  while none does, because the calls under way are of the kind that waits (`Queue.get`).
* An `RLock`, a `Condition`, and what a program has registered itself may care. A greenlet that has used one of these
  keeps its connection until it ends. If there are `_KEPT_MAX`, the one that was longest idle is closed, but never one
  that has acquired something and not released it.
* A call that is given up (a timeout, a kill) closes its connection: an answer that comes late is nobody's.

So that creating and counting objects, which takes a connection each time, stays within bounds as well, only
`_CONNECTING_MAX` are made at a time to one address.
"""

import resource
from collections import deque
from errno import EMFILE, ENFILE, EPIPE
from os import strerror
from time import monotonic
from weakref import WeakValueDictionary

from gevent._native.hub import fork_generation
from gevent.event import AsyncResult
from gevent.local import local
from gevent.lock import Semaphore
from gevent.multiprocessing._view import View
from gevent.timeout import Timeout

__all__ = ["changes"]

_SHARED_MAX = 16
_KEPT_MAX = 64
_CONNECTING_MAX = 16
#: So long none has to come back before more than `_SHARED_MAX` are made.
_PATIENCE_S = 0.01

#: Types of `SyncManager` whose methods are the same in any thread.
_FOR_ANY_THREAD = (
    "Array",
    "AsyncResult",
    "Barrier",
    "BoundedSemaphore",
    "Event",
    "Iterator",
    "JoinableQueue",
    "Lock",
    "Namespace",
    "Pool",
    "Queue",
    "Semaphore",
    "Value",
    "dict",
    "list",
    "set",
)


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

    def send(self, request):
        if not self.takes_bytes:
            self.under_way = True
            self.connection.send(request)
            return
        # What cannot be pickled has not been sent, and the connection can be used again.
        message = self.dumps(request)
        self.under_way = True
        self.connection._send_bytes(message)

    def recv(self):
        if not self.takes_bytes:
            answer = self.connection.recv()
            self.under_way = False
            return answer
        message = self.connection.recv_bytes()
        self.under_way = False
        return self.loads(message)

    def close(self):
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


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

    def send(self, request):
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
        self._came_back_at = monotonic()

    def __reduce__(self):
        return type(self), ()

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

    def take(self, proxy, for_any_thread):
        """Return a connection for one call by `proxy`. Waits. Raises what connecting raises."""
        if self._generation != fork_generation():
            self.forget()
        kept = self._here.kept
        if kept is not None:
            if type(kept) is _Broken:
                return kept
            if kept.lent.connection is not None:
                self._idle_kept.pop(kept.lent, None)
                return kept.lent
            self._here.kept = None
        if self._idle:
            return self._idle.pop()
        if len(self._all) + self._opening < (_SHARED_MAX if for_any_thread else self._kept_max()):
            return self._open(proxy)
        if self._reclaim():
            return self._open(proxy)
        return self._wait(proxy)

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

    def _open(self, proxy):
        self._opening += 1
        try:
            while True:
                try:
                    proxy._connect()
                    break
                except OSError as error:
                    if error.errno not in (EMFILE, ENFILE) or not self._reclaim():
                        raise
            connection, self._here.made = self._here.made, None
        except BaseException:
            self._let_open()
            raise
        finally:
            self._opening -= 1
        lent = _Lent(connection, self._pickler)
        self._all.add(lent)
        return lent

    def _wait(self, proxy):
        place = AsyncResult()
        self._waiting.append(place)
        try:
            while place.wait(_PATIENCE_S) is None and not place.ready():
                if monotonic() - self._came_back_at >= _PATIENCE_S and self._growing < self._growth:
                    self._waiting.remove(place)
                    return self._grow(proxy)
            lent = place.get()
        except BaseException:
            if place.ready():
                self._pass_on(place.get())
            elif place in self._waiting:
                self._waiting.remove(place)
            raise
        return self._open(proxy) if lent is None else lent

    def _grow(self, proxy):
        # Twice as many at a time as long as nothing comes back.
        self._growing += 1
        try:
            lent = self._open(proxy)
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
        self._came_back_at, self._growth = monotonic(), 1
        if lent.under_way or lent not in self._all:
            self._here.kept = None
            self._close(lent)
            if isinstance(error, (OSError, EOFError)) and not isinstance(error, Timeout):
                self._here.kept = _Broken()
            return
        if keep and not lent.is_kept:
            lent.is_kept = True
            self._here.kept = _Kept(lent, self)
        if not lent.is_kept:
            self._pass_on(lent)
        elif not lent.held:
            if self._waiting:
                self._close(lent)
            else:
                self._idle_kept[lent] = None

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


# -- what becomes of the module --


def _make_connections_class(mp):
    pickler = mp.reduction.ForkingPickler

    class ForkAwareLocal(Connections):
        """The connections of a process to one manager."""

        def __init__(self):
            super().__init__(pickler)
            mp.util.register_after_fork(self, ForkAwareLocal.forget)

    return ForkAwareLocal


def _is_for_any_thread(managers):
    registered = {
        typeid: managers.SyncManager._registry[typeid][-1]
        for typeid in _FOR_ANY_THREAD
        if typeid in managers.SyncManager._registry
    }

    def is_for_any_thread(proxy):
        known = vars(proxy).get("_is_for_any_thread")
        if known is None:
            typeid, kind = proxy._token.typeid, type(proxy)
            proxy_type = registered.get(typeid)
            known = kind is proxy_type
            if proxy_type is managers.AutoProxy:
                known = kind.__name__ == f"AutoProxy[{typeid}]"
            proxy._is_for_any_thread = known
        return known

    return is_for_any_thread


#: What makes a thread of the server hold something, if it does not return False; and what lets go of it.
_RESULT = "#RETURN"
_ACQUIRING, _RELEASING = frozenset(["acquire", "__enter__"]), frozenset(["release", "__exit__"])


def _make_callmethod(managers, connections_class):
    original = managers.BaseProxy._callmethod
    is_for_any_thread = _is_for_any_thread(managers)

    def connections_of(proxy):
        # Made before this module was changed.
        address = proxy._token.address
        known, ids = managers.BaseProxy._address_to_local[address]
        if not isinstance(known, Connections):
            known = connections_class()
            managers.BaseProxy._address_to_local[address] = known, ids
        proxy._tls = known
        return known

    def _callmethod(self, methodname, args=(), kwds={}):  # noqa: B006 - as the standard library declares it
        """Call a method of what the proxy stands for, in the manager's process; return its result.

        Waits, letting other greenlets run. Raises what the method raises, `OSError` and `EOFError`.
        """
        connections = self._tls
        if not isinstance(connections, Connections):
            connections = connections_of(self)
        anywhere = is_for_any_thread(self)
        lent = connections.take(self, anywhere)
        try:
            lent.send((self._id, methodname, args, kwds))
            kind, result = answer = lent.recv()
        except BaseException as error:
            connections.give_back(lent, not anywhere, error)
            raise
        if not anywhere and kind == _RESULT:
            if methodname in _ACQUIRING and result is not False:
                lent.held += 1
            elif methodname in _RELEASING and lent.held:
                lent.held -= 1
        connections.give_back(lent, not anywhere)
        try:
            return result if kind == _RESULT else connections.interpret(answer, original, self, methodname, args, kwds)
        finally:
            # The traceback of what is raised has this frame, which would have the exception.
            del answer, result

    return _callmethod


def _make_decref(managers):
    original = managers.BaseProxy._decref

    def _decref(*args):
        original(*args)
        connections, ids = args[-3:-1]
        if not ids and isinstance(connections, Connections):
            connections.close_idle()

    return staticmethod(_decref)


_gates = WeakValueDictionary()


def _limited(client):
    def Client(address, *args, **kwargs):
        """Return a connection to the listener at `address`. Waits, letting other greenlets run."""
        gate = _gates.get(address)
        if gate is None:
            gate = _gates[address] = Semaphore(_CONNECTING_MAX)
        with gate:
            return client(address, *args, **kwargs)

    return Client


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that greenlets share connections to managers."""

    def changes_of(managers):
        connections_class = _make_connections_class(mp)
        yield managers, "util", View(mp.util, ForkAwareLocal=connections_class)
        yield managers.BaseProxy, "_callmethod", _make_callmethod(managers, connections_class)
        yield managers.BaseProxy, "_decref", _make_decref(managers)
        limited = {name: (listener, _limited(client)) for name, (listener, client) in managers.listener_client.items()}
        yield managers, "listener_client", limited

    return mp.changes_of_module(f"{mp.name}.managers", changes_of)
