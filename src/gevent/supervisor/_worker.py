"""What runs in a worker of a supervisor."""

import contextlib
import faulthandler
import json
import os
import signal as _signal
import sys
import traceback
from dataclasses import dataclass
from functools import partial
from itertools import count

import gevent
from gevent import socket
from gevent._held_signals import INTERRUPT, let_come
from gevent._parent_ends import ParentEnds, make_ends_of_nothing
from gevent.baseserver import BaseServer
from gevent.event import Event
from gevent.pool import Pool
from gevent.supervisor._meter import Meter
from gevent.supervisor._watch import ORPHAN_LIFETIME_S, Watch
from gevent.top import _server as _top

__all__ = ["EXIT_BROKEN", "Setup", "Worker", "parent_ends", "run_worker"]

#: How often a worker tells its parent how it is, in seconds.
BEAT_S = 0.5
#: Greenlets are counted this often only: it means looking at every object.
BEATS_PER_COUNT = 20
#: Exit status of a worker whose target failed before it was ready.
EXIT_BROKEN = 1

parent_ends = ParentEnds()


@dataclass
class Setup:
    """All that a worker is told when it starts."""

    number: int
    generation: int
    target: object
    listeners: list
    connection: object
    parent_pid: int
    graceful_timeout: float
    hang_timeout: float
    share: object = None
    forked: bool = True


class Worker:
    """What a supervisor's target is called with, in each worker.

    ``listeners``
        listening `gevent.socket.socket` objects, in the order of the supervisor's.
    ``number``
        from 0 to ``processes - 1``; a worker that replaces another has the same.
    ``generation``
        how many times the supervisor had been reloaded when this worker was started.
    ``stopping``
        a `gevent.event.Event`, set when this worker is to end.
    ``stop_timeout``
        how many seconds what is under way may take once `stopping` is set.
    ``meter``
        counts requests; see `count`.
    """

    def __init__(self, setup):
        self.number = setup.number
        self.generation = setup.generation
        self.listeners = [socket.socket(fileno=_own_descriptor(each, setup.forked)) for each in setup.listeners]
        self.stopping = Event()
        self.stop_timeout = setup.graceful_timeout
        self.meter = Meter()
        self.reopen = []  # called when logs are to be opened again
        self.is_ready = False
        self._greenlets = 0
        self._connection = setup.connection
        self._share = setup.share  # of the connections of all workers
        self._watch = Watch(setup.connection, setup.hang_timeout, setup.parent_pid)

    def ready(self):
        """Tell the supervisor that this worker accepts. Again does nothing. Does not wait."""
        if not self.is_ready:
            self.is_ready = True
            self._watch.arm()
            self._tell({"ready": os.getpid()})

    def count(self, application):
        """Return the WSGI `application`, its requests counted for the supervisor's status and metrics."""
        return self.meter.around(application)

    def retire(self, reason):
        """Ask to be replaced, because of `reason`; `stopping` is set once the replacement accepts. Does not wait."""
        self._tell({"retire": reason})

    def changed(self, file):
        """Tell the supervisor that the program's source `file` has changed: it reloads. Does not wait."""
        self._tell({"changed": file})

    def stop(self, timeout=None):
        """Begin to end, in at most `timeout` seconds (None: `stop_timeout`). Does not wait."""
        if timeout is not None:
            self.stop_timeout = timeout
        self.stopping.set()

    # -- the supervisor's end of it --

    def _tell(self, message):
        try:
            self._connection.send_bytes(json.dumps(message).encode())
        except OSError:
            self.stop(ORPHAN_LIFETIME_S / 2)  # the parent is gone

    def _listen(self):
        while True:
            try:
                message = json.loads(self._connection.recv_bytes())
            except (EOFError, OSError):
                self.stop(min(self.stop_timeout, ORPHAN_LIFETIME_S / 2))
                return
            if "stop" in message:
                self.stop(message["stop"])
            elif "how" in message:
                self._tell({"beat": self._state(), "how": message["how"]})
            elif "reopen" in message:
                self._open_logs_again()

    def _open_logs_again(self):
        for reopen in self.reopen:
            try:
                reopen()
            except Exception:  # noqa: BLE001 - whatever it is, this worker must go on hearing what it is told
                traceback.print_exc()

    def _beat(self):
        for number in count():
            if number % BEATS_PER_COUNT == 0:
                self._greenlets = len(_top.live_greenlets())
            gevent.sleep(BEAT_S)
            self._tell({"beat": self._state()})
            if self._share is not None and self._share.connections is not None and not self.stopping.is_set():
                self._share.note()

    def _state(self):
        return {
            **self.meter.snapshot(),
            **_top.process_state(),
            "stall_s": _top.stalls.longest()[0],
            "cpu_s": sum(os.times()[:2]),
            "greenlets": self._greenlets,
        }

    def _begin(self):
        self._watch.start()
        _top.watched.update(requests=lambda: self.meter.requests)
        _serve_top()
        gevent.spawn(self._listen)
        gevent.spawn(self._beat)

    def _serve(self, target):
        served = target(self)
        if not isinstance(served, BaseServer):
            return
        if served.pool is None and served._spawn is type(served)._spawn:
            served.set_spawn(Pool())  # so that stop() knows whom to wait for
        if served.max_accept == BaseServer.max_accept:
            served.max_accept = 1  # so that what comes at once is shared out among workers
        if self._share is not None and hasattr(served.pool, "__len__"):
            self._share.connections = partial(len, served.pool)
            served._share = self._share
        served.start()
        self.ready()
        # One that is closed, by its own handler or an error of its listener, is of no more use: another takes over.
        gevent.wait([self.stopping, served._stop_event], count=1)
        if self._share is not None:
            self._share.give_up()
        served.stop(self.stop_timeout)


def _own_descriptor(listener, forked):
    if not forked:
        return listener.detach()
    # A forked listener is the parent's object, bound to the hub that was left behind; its descriptor is ours.
    descriptor = os.dup(listener.fileno())
    make_ends_of_nothing([listener])  # or it would listen on when this worker has stopped
    return descriptor


def _serve_top():
    try:
        _top.serve(is_looked_after=True)
    except OSError as error:
        print(f"python -m gevent top will not see this worker: {error}", file=sys.stderr, flush=True)


def _settle_signals(worker):
    def heed(*_):
        worker.stop()

    # A terminal's Ctrl-C reaches the whole group; what it means is the parent's to say. Not SIG_IGN, which a program
    # that the worker starts would inherit.
    handlers = dict.fromkeys(
        (_signal.SIGINT, _signal.SIGHUP, _signal.SIGUSR1, _signal.SIGTTIN, _signal.SIGTTOU), _pass_over
    )
    handlers[_signal.SIGTERM] = heed
    for number, handler in handlers.items():
        _signal.signal(number, handler)
    let_come(INTERRUPT)
    os.register_at_fork(after_in_child=lambda: _be_no_worker(handlers))
    with contextlib.suppress(Exception):  # there is no standard error, or one without a descriptor
        faulthandler.enable()


def _pass_over(*_):
    """Handles a signal by doing nothing."""


def _be_no_worker(handlers):
    # Who is forked by a worker ends when told to; what the application has set itself stays.
    for number, handler in handlers.items():
        if _signal.getsignal(number) is handler:
            _signal.signal(number, _signal.default_int_handler if number == _signal.SIGINT else _signal.SIG_DFL)


def run_worker(setup):
    """Be a worker: call the target, and end with 0 once it is done, `EXIT_BROKEN` if it fails before it is ready.

    What it raises is told to the supervisor in one line, and printed whole.
    """
    worker = Worker(setup)
    _settle_signals(worker)
    worker._begin()
    try:
        worker._serve(setup.target)
    except BaseException as error:
        if worker.is_ready or not isinstance(error, Exception):
            raise
        worker._tell({"broken": _one_line(error)})
        if not getattr(error, "gevent_says_it_all", False):
            traceback.print_exc()
        sys.exit(EXIT_BROKEN)


def _one_line(error):
    text = str(error).strip().splitlines()
    name = type(error).__name__
    return text[0] if getattr(error, "gevent_says_it_all", False) else f"{name}: {text[0]}" if text else name
