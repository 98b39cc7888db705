"""Managers and their proxies, whose calls share a process's connections: gevent.multiprocessing._manager_connections.

So that creating and counting objects, which takes a connection each time, stays within bounds as well, only
`_CONNECTING_MAX` are made at a time to one address.
"""

from functools import partial
from weakref import WeakValueDictionary

from gevent.lock import Semaphore
from gevent.multiprocessing._manager_connections import Connections
from gevent.multiprocessing._manager_waits import lasts, waits_of
from gevent.multiprocessing._view import View

__all__ = ["changes"]

_CONNECTING_MAX = 16

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

    def call(proxy, connections, anywhere, methodname, args, kwds):
        lent = connections.take(proxy, anywhere, not anywhere or lasts(proxy._token.typeid, methodname))
        try:
            kind, result = answer = lent.ask((proxy._id, methodname, args, kwds))
        except BaseException as error:
            connections.give_back(lent, not anywhere, error)
            raise
        if not anywhere and kind == _RESULT:
            if methodname in _ACQUIRING and result is not False:
                lent.held += 1
            elif methodname in _RELEASING and lent.held:
                lent.held -= 1
        connections.give_back(lent, not anywhere)
        if kind == _RESULT:
            return result
        try:
            return connections.interpret(answer, original, proxy, methodname, args, kwds)
        finally:
            # The traceback of what is raised has this frame, which would have the exception.
            del answer, result

    def _callmethod(self, methodname, args=(), kwds={}):  # noqa: B006 - as the standard library declares it
        """Call a method of what the proxy stands for, in the manager's process; return its result.

        Waits, letting other greenlets run. Raises what the method raises, `OSError` and `EOFError`.
        """
        connections = self._tls
        if not isinstance(connections, Connections):
            connections = connections_of(self)
        connections.forget_inherited()
        known = vars(self).get("_is_for_any_thread")
        anywhere = is_for_any_thread(self) if known is None else known
        waits = waits_of(self._token.typeid)
        waiting = waits.get(methodname) if waits else None
        wait = None if waiting is None or connections.holds() else waiting.wait_of(args, kwds)
        if wait is None:
            return call(self, connections, anywhere, methodname, args, kwds)
        return connections.line.make(partial(call, self, connections, anywhere, methodname), wait)

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


def changes(mp, managers):
    """Yield (owner, name, value) for each attribute of `managers`, of `mp`: greenlets share connections."""
    connections_class = _make_connections_class(mp)
    yield managers, "util", View(mp.util, ForkAwareLocal=connections_class)
    yield managers.BaseProxy, "_callmethod", _make_callmethod(managers, connections_class)
    yield managers.BaseProxy, "_decref", _make_decref(managers)
    limited = {name: (listener, _limited(client)) for name, (listener, client) in managers.listener_client.items()}
    yield managers, "listener_client", limited
