"""What servers have in common: listening, handing each arrival to a greenlet, pausing when that fails, and stopping."""

import sys
from _socket import AF_INET, AF_INET6
from contextlib import contextmanager
from errno import EBADF, EINVAL, ENOTSOCK
from functools import partial

from gevent._hub_local import get_hub
from gevent.event import Event
from gevent.greenlet import Greenlet

__all__ = ["BaseServer"]


# What a server goes through at each event depends on these, which programs and subclasses may set at any time.
_DECIDES_HOW_TO_READ = frozenset(
    ("_handle", "_share", "_spawn", "do_close", "do_handle", "do_read", "full", "max_accept", "pool", "socket")
)


def _handle_then_close(handle, close, args):
    try:
        return handle(*args)
    finally:
        close(*args)


@contextmanager
def closing_unless_done(server):
    """Close `server` if the block does not end as it should."""
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            server.close()


class BaseServer:
    """Accepts what arrives at a listener and has `handle` called for it. Base of `gevent.server` and `gevent.pywsgi`.

    listener
        an address (a tuple, ``"host:port"``, ``":port"`` or a port number) at which a socket is opened by `start`, or a
        socket that listens already.
    handle
        called for each arrival; by default the method `handle` of a subclass.
    spawn
        what calls `handle`: ``"default"`` (a new `Greenlet`), a function such as `gevent.spawn_raw`, a `Pool`, a number
        (the size of a new Pool; while it is full nothing is accepted), or None: the hub itself, and then `handle` must
        not wait.

    TypeError when there is no handler, or the listener is none. From gevent.
    """

    # After a failure nothing is accepted for min_delay seconds, then for twice as long up to max_delay; negative: no
    # pause.
    min_delay = 0.01
    max_delay = 1
    # How many arrivals are taken in one go before others get their turn.
    max_accept = 100

    # How long `stop` lets running handlers go on, in seconds.
    stop_timeout = 1

    # Errors after which a listener cannot be used any more.
    fatal_errors = (EBADF, EINVAL, ENOTSOCK)

    # What calls the handler, unless the constructor is told something else.
    _spawn = Greenlet.spawn

    pool = None
    _handle = None
    # Of the listener, and of the pause after a failure. None while there is none.
    _watcher = _timer = None
    # How many processes serve_forever() serves with; None: this one. And who keeps them.
    processes = _supervisor = None
    # Of the connections of all processes that accept at this listener, for a worker of a supervisor.
    _share = None
    # What _do_read() calls, worked out when the next one arrives; None: not yet, or it may have changed.
    _way = None

    def __init__(self, listener, handle=None, spawn="default"):
        if self.max_accept < 1:
            raise ValueError(f"max_accept must be positive int: {self.max_accept!r}")
        self.loop = get_hub().loop
        self.delay = self.min_delay
        self._stop_event = Event()
        self._stop_event.set()
        with closing_unless_done(self):
            self.set_listener(listener)
            self.set_spawn(spawn)
            self.set_handle(handle)

    # -- what it is made of --

    def set_listener(self, listener):
        """Take `listener`, an address or a listening socket. Before `start` only."""
        if not hasattr(listener, "accept"):
            self.family, self.address = parse_address(listener)
            return
        if hasattr(listener, "do_handshake"):
            raise TypeError(f"Expected a regular socket, not SSLSocket: {listener!r}")
        self.socket = listener
        self.family, self.address = listener.family, listener.getsockname()

    def set_spawn(self, spawn):
        """Take `spawn`, one of the values that the constructor takes. Before `start` only."""
        if isinstance(spawn, int):
            from gevent.pool import Pool

            spawn = Pool(spawn)
        self.pool = spawn if hasattr(spawn, "spawn") else None
        if self.pool is not None:
            spawn = self.pool.spawn
        elif spawn == "default":
            self.__dict__.pop("_spawn", None)
            spawn = self._spawn  # the class's, found once and for all
        self._spawn = spawn

    def set_handle(self, handle):
        """Take `handle`; None keeps the one there is. TypeError if there is none."""
        handle = getattr(self, "handle", None) if handle is None else handle
        if handle is None:
            raise TypeError("'handle' must be provided")
        self._handle = self.handle = handle

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name in _DECIDES_HOW_TO_READ:
            self.__dict__["_way"] = None
            if self._watcher is not None:
                self._watcher.callback = self._do_read

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x} {self._formatinfo()}>"

    def __str__(self):
        return f"<{type(self).__name__} {self._formatinfo()}>"

    def _formatinfo(self):
        parts = []
        if hasattr(self, "socket"):
            try:
                parts.append(f"fileno={self.socket.fileno()}")
            except Exception as error:  # noqa: BLE001 - any object with accept() may be here, and this is for reports
                parts.append(f"fileno={error!r}")
        address = getattr(self, "address", None)
        if isinstance(address, tuple) and len(address) >= 2 and isinstance(address[0], str):
            address = f"{address[0]}:{address[1]}"
        parts.append(f"address={address}")
        handle = self.__dict__.get("handle")
        if handle is not None:
            owner = getattr(handle, "__self__", None)
            if owner is self:
                # Its own repr() would show this server again.
                parts.append(f"handle=<bound method {type(self).__name__}.{handle.__name__} of self>")
            else:
                parts.append(f"handle={handle!r}")
        return " ".join(parts)

    @property
    def server_host(self):
        """The host of the address; None where an address has none, as that of a Unix socket."""
        return self.address[0] if isinstance(self.address, tuple) else None

    @property
    def server_port(self):
        """The port of the address, if it has one; after `start` the real one, also where 0 was asked for."""
        return self.address[1] if isinstance(self.address, tuple) else None

    @property
    def closed(self):
        """Whether there is no listening socket: not yet, or no more after `close`."""
        return not hasattr(self, "socket")

    @property
    def started(self):
        """Whether it was started, and neither stopped nor closed since then."""
        return not self._stop_event.is_set()

    def full(self):
        """Return whether nothing is to be accepted because the pool is full."""
        is_full = getattr(self.pool, "full", None)
        return is_full() if is_full is not None else False

    # -- taking in what arrives --

    def start_accepting(self):
        """Take in what arrives from now on, as `start` and a pool with room again do. Does not wait."""
        if self._watcher is not None:
            return
        watcher = self.loop.io(self.socket.fileno(), 1)
        watcher.start(self._do_read)
        self._watcher = watcher

    def _start_accepting_if_started(self, _event=None):
        if self.started:
            self.start_accepting()

    def stop_accepting(self):
        """Let arrivals wait with the system until `start_accepting`. Does not wait."""
        for name in ("_watcher", "_timer"):
            watcher = getattr(self, name)
            setattr(self, name, None)
            if watcher is not None:
                watcher.close()

    def _do_read(self):
        # The listener is readable. Runs in the hub.
        if self._way is None:
            self._way = self._find_way()
        self._way()

    def _find_way(self):
        never_full = self.pool is None and getattr(self.full, "__func__", None) is BaseServer.full
        way = partial(self._take_in, *self._arrivals(), self._delivery(), never_full, range(self.max_accept))
        return way if self._share is None else partial(self._take_share, self._share, way)

    def _take_share(self, share, take_in):
        pause_s = share.pause_s()
        if pause_s:
            self._pause_for(pause_s)  # others have less to do
        else:
            take_in()
            share.note()

    def _take_in(self, begin, do_read, deliver, never_full, turns):
        if begin is not None:
            begin()
        for _turn in turns:
            if not never_full and self.full():
                self._wait_for_room()
                return
            try:
                args = do_read()
            except BaseException as error:
                self._arrival_failed(error)
                return
            if self.delay is not self.min_delay:
                self.delay = self.min_delay
            if args is None:
                return
            try:
                if deliver is None:
                    self.do_handle(*args)
                else:
                    deliver(args)
            except BaseException as error:
                self._delivery_failed(args, error, closed=deliver is None)
                return
            if self._watcher is None:
                return  # stopped meanwhile

    def _arrival_failed(self, error):
        self._report(self, error)
        if not self.is_fatal_error(error):
            self._pause()
            return
        self.close()
        sys.stderr.write(f"ERROR: {self} failed with {error}\n")

    def _delivery_failed(self, args, error, closed=False):
        if not closed:
            self.do_close(*args)  # nobody else will
        self._report((args[1:], self), error)
        self._pause()

    def _report(self, context, error):
        self.loop.handle_error(context, type(error), error, error.__traceback__)

    def _wait_for_room(self):
        self.stop_accepting()
        room = getattr(self.pool, "_semaphore", None)
        if room is None:
            self._pause()  # a pool that cannot tell
        else:
            room.rawlink(self._start_accepting_if_started)  # a link is called once

    def _pause(self):
        if self.delay < 0 or not self.started:
            return
        pause_s, self.delay = self.delay, min(2 * self.delay, self.max_delay)
        self._pause_for(pause_s)

    def _pause_for(self, pause_s):
        self.stop_accepting()
        self._timer = self.loop.timer(pause_s)
        self._timer.start(self._resume)

    def _resume(self):
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.close()
        self._start_accepting_if_started()

    def is_fatal_error(self, ex):
        """Return whether the listener is of no use any more after `ex`."""
        return isinstance(ex, OSError) and ex.args[:1] and ex.args[0] in self.fatal_errors

    def do_read(self):
        """Return the arguments of the handler for one arrival; None if there is none. Must not wait."""
        raise NotImplementedError

    # What _take_in() calls, with as few frames for each arrival as possible: before the first one (or None), for each.

    def _arrivals(self):
        return None, self.do_read

    def _delivery(self):
        # do_handle() in one call, with one argument; None if that is somebody else's, or nothing is to be spawned.
        if self._spawn is None or getattr(self.do_handle, "__func__", None) is not BaseServer.do_handle:
            return None
        return partial(self._spawn, _handle_then_close, self._handle, self.do_close)

    def do_handle(self, *args):
        """Have the handler called with `args`, and `do_close` once it has returned or failed."""
        if self._spawn is None:
            _handle_then_close(self._handle, self.do_close, args)
            return
        try:
            self._spawn(_handle_then_close, self._handle, self.do_close, args)
        except BaseException:
            self.do_close(*args)  # nobody else will
            raise

    def do_close(self, *args):
        """Free what `do_read` returned, whose handler has ended. Does nothing here, for subclasses."""

    # -- beginning and end --

    def init_socket(self):
        """Make `self.socket` listen; called by `start`. For subclasses."""

    def start(self):
        """Open the socket if need be, and begin to accept. Does not wait."""
        self.init_socket()
        with closing_unless_done(self):
            self._stop_event.clear()
            self.start_accepting()

    def close(self):
        """Close the listener and accept nothing more. Running handlers go on. Does not wait."""
        if self._supervisor is not None:
            self._supervisor.stop()
        try:
            self._stop_event.set()
            self.stop_accepting()
        finally:
            listener = self.__dict__.pop("socket", None)
            try:
                if listener is not None:
                    listener.close()
            finally:
                room = getattr(self.pool, "_semaphore", None)
                if room is not None:
                    room.unlink(self._start_accepting_if_started)
                # They refer to this object, mostly: without them it is freed at once.
                for name in ("handle", "_handle", "_spawn", "_way"):
                    self.__dict__.pop(name, None)

    def stop(self, timeout=None):
        """Close, and wait until the pool's greenlets have ended; kill those that run for longer.

        timeout
            in seconds; None: `stop_timeout`.

        Without a pool it waits for nobody.
        """
        self.close()
        pool = self.pool
        if pool is not None:
            pool.join(timeout=self.stop_timeout if timeout is None else timeout)
            pool.kill(timeout=1)

    def serve_forever(self, stop_timeout=None):
        """Start if need be, and wait until somebody stops this; then `stop(stop_timeout)`, also when the caller is
        killed. A server with `processes` serves in these, and this returns their supervisor's exit status.
        """
        if self.processes is not None and not self.started:
            from gevent.supervisor import serve_with_processes

            return serve_with_processes(self, self.processes, stop_timeout)
        try:
            if not self.started:
                self.start()
            self._stop_event.wait()
        finally:
            # In a greenlet of its own: the caller may be under a Timeout that has just expired.
            end = Greenlet(self.stop, stop_timeout)
            end.start()
            end.join()

    def __exit__(self, *exc_info):
        self.stop()

    def __enter__(self):
        return self


def parse_address(address):
    """Return the family and the tuple for `address`: a tuple, ``"host:port"``, ``"[host]:port"``, ``":port"`` or a
    port.

    ValueError for other text, TypeError for other objects. Does not look anything up.
    """
    if isinstance(address, tuple):
        host = address[0]
        return (AF_INET6 if not host or ":" in host else AF_INET), address
    if not isinstance(address, (int, str)):
        raise TypeError(f"Expected tuple or string, got {type(address)}")
    host, colon, port = address.rpartition(":") if isinstance(address, str) else ("", "", address)
    try:
        port = int(port)
    except ValueError as error:
        raise ValueError(f"Failed to parse address {address!r}: {error}") from None
    if not colon:
        return AF_INET6, ("", port)
    family = AF_INET
    if host.startswith("[") and host.endswith("]"):
        family, host = AF_INET6, host[1:-1]
    return family, ("" if host == "*" else host, port)
