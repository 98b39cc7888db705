"""The connections of a `gevent.pywsgi` server: who has taken too long, and how they all end when the server stops."""

from greenlet import getcurrent

from gevent._hub_local import get_hub
from gevent._native.http import Clock, Clocks
from gevent.event import Event

__all__ = ["Connections"]


class Connections:
    """The connections of one server. `limits` has the times."""

    def __init__(self, limits):
        self._clocks = Clocks(
            limits.idle_timeout,
            limits.head_timeout,
            limits.send_timeout,
            limits.body_rate_min,
            limits.body_grace,
            limits.handshake_timeout,
        )
        self._interval = self._clocks.interval
        self._timer = None
        self._handshakes = {}  # the clocks of connections that no handler has yet, by greenlet
        self._none_left = Event()
        self._clocks.on_empty = self._none_left.set
        self.closing = False
        self._find_way()

    def _find_way(self):
        # Called whenever any of this changes.
        ticking = self._timer is not None or self._interval is None
        self._clocks.direct = ticking and not self.closing and not self._handshakes

    @property
    def _open(self):
        return self._clocks.open

    def begin_handshake(self, sock):
        """Return the clock of a connection that is to be encrypted first. It is the one that `begin` returns then."""
        clock = self.begin(sock)
        clock.enter_handshake()
        self._handshakes[getcurrent()] = clock
        self._find_way()
        return clock

    def end_handshake(self, clock):
        """End `clock`, whether a handler has had it or not. Before its descriptor is closed."""
        self._handshakes.pop(getcurrent(), None)
        self._find_way()
        clock.end()

    def begin(self, sock):
        """Return the clock of a connection that begins in this greenlet; a fake socket has none."""
        clock = self._handshakes.pop(getcurrent(), None) if self._handshakes else None
        if clock is None:
            try:
                fd = sock.fileno()
            except (AttributeError, OSError):
                return Clock()
            if not isinstance(fd, int):
                return Clock()
            clock = self._clocks.begin(fd, getcurrent())
        if self.closing:
            # Accepted before that: what it has asked already is answered, and nothing else is waited for.
            clock.enter_idle()
            clock.close_soon()
        if self._timer is None and self._interval is not None:
            self._timer = get_hub().loop.timer(self._interval, self._interval, ref=False)
            self._timer.start(self._sweep)
        self._find_way()
        return clock

    def _sweep(self):
        self._clocks.sweep()
        if not self._open:
            timer, self._timer = self._timer, None
            self._find_way()
            timer.stop()
            timer.close()

    def end_all(self, timeout, idle_grace=0):
        """Let requests that have begun end, for `timeout` seconds, then cut the connections that are left.

        But for the caller's own, if it is one of them. For `idle_grace` of these seconds connections may bring one more
        request.
        """
        self.closing = True
        self._find_way()
        own = getcurrent()
        if idle_grace > 0 and self._open:
            for clock in self._open:
                clock.announce_close()
            self._none_left.clear()
            grace = min(idle_grace, timeout)
            self._none_left.wait(grace)
            timeout -= grace
        others = {clock for clock, greenlet in self._open.items() if greenlet is not own}
        for clock in list(self._open):
            clock.close_soon()
        if len(others) == len(self._open):
            self._none_left.clear()
            if others:
                self._none_left.wait(timeout)
        for clock in others & self._open.keys():
            clock.cut()
