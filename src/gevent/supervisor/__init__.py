"""N processes that serve together: started, watched, replaced, reloaded and stopped by one that does nothing else.

    def target(worker):
        return StreamServer(worker.listeners[0], handle)

    Supervisor(target, processes=4, listeners=["127.0.0.1:7000"]).run()

``python -m gevent serve`` is made of it, and so is the argument ``processes`` of gevent's servers. From gevent-mp;
gevent has no such thing.
"""

import os
import signal as _signal
import sys
from _thread import get_ident as _get_ident
from time import monotonic

import gevent
from gevent.event import Event
from gevent.supervisor import _fleet, _listeners
from gevent.supervisor._fleet import Record
from gevent.supervisor._notify import Notifier
from gevent.supervisor._shares import Shares
from gevent.supervisor._signals import Signals
from gevent.supervisor._succession import Succession
from gevent.supervisor._worker import Worker

__all__ = [
    "EXIT_CONFIGURATION",
    "EXIT_FAILING",
    "EXIT_STOPPED",
    "Record",
    "Supervisor",
    "Worker",
    "processors",
    "serve_with_processes",
]

EXIT_STOPPED = 0
EXIT_CONFIGURATION = 1
EXIT_FAILING = 3

#: So many workers in a row that end before they are ready are enough.
FAILURES_MAX = 5
#: A worker that ends is replaced at once; the next one after twice as long, up to the maximum. Seconds.
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.1, 5.0
#: A worker that has lived for so long, in seconds, ended for a reason of its own.
LIVED_S = 2.0
#: How often workers are looked at, in seconds.
LOOK_S = 0.25
#: How long a worker whose hub hangs has for its report, in seconds.
REPORT_S = 1.0


def processors():
    """Return how many processors this process may use, a cgroup's quota included; at least 1."""
    from gevent_mp._limits import limits

    found = limits()
    return max(1, int(min(filter(None, (found["processors"], found["cgroup_processors"])))))


class Supervisor:
    """Runs `target` in `processes` worker processes that share listening sockets.

    target
        called in each worker with a `Worker`; it returns a `BaseServer`, which is then started, announced as ready and
        stopped gracefully, or it serves by itself, calls ``worker.ready()`` and returns when ``worker.stopping`` is
        set.
        For the start methods ``forkserver`` and ``spawn`` it must be something that can be pickled.
    processes
        how many; None: as many as `processors`.
    listeners
        ``(host, port)``, ``"host:port"``, ``"unix:PATH"`` or listening sockets, opened once, here, and shared by all
        workers: the kernel gives a connection to whichever worker comes first, so a busy one gets fewer, and none is
        lost when a worker ends. With `reuse_port` each is bound with SO_REUSEPORT, so that other programs may listen
        there too, such as another supervisor that takes over.
    start_method
        of `multiprocessing`; None: the default.
    graceful_timeout
        how many seconds a worker that is to end may take for what it has begun.
    hang_timeout
        a worker whose hub has not turned for so many seconds is reported with every greenlet's stack, and replaced.
    preload
        called once, in this process, before the first worker is started; with ``fork`` its memory is shared.
    say
        called with one line about each thing that happens; None: standard error.

    `worker_ready`, `worker_exit` and `reloaded` are lists of functions, called with the `Record` of a worker, for
    `reloaded` with a list of them, in a greenlet of this process; `listening` is another, called by `start` with
    `addresses`, before the preload and the first worker.
    """

    def __init__(
        self,
        target,
        processes=None,
        listeners=(),
        start_method=None,
        graceful_timeout=30,
        hang_timeout=30,
        preload=None,
        *,
        reuse_port=False,
        say=None,
    ):
        if processes is not None and processes < 1:
            raise ValueError(f"processes must be at least 1, not {processes!r}")
        if not callable(target):
            raise TypeError(f"target must be callable, not {target!r}")
        self.target = target
        self.processes = processes or processors()
        self.graceful_timeout = graceful_timeout
        self.hang_timeout = hang_timeout
        self.listening, self.worker_ready, self.worker_exit, self.reloaded = [], [], [], []
        self.listeners = []
        self.shares = None  # of connections, from `start` on
        self.restarts = 0
        self.past = {}  # what ended workers have counted, by number
        self._wanted_listeners = list(listeners)
        self._files = ()  # of UNIX sockets that were made here
        self._start_method = start_method
        self._preload = preload
        self._reuse_port = reuse_port
        self._say_line = say or (lambda line: print(line, file=sys.stderr, flush=True))
        self._members = []
        self._generation = 0
        self._failures = 0
        self._backoff_s = 0.0
        self._stopping = False
        self._owner = os.getpid()
        self._hub = None  # whose greenlets do what is asked for, from `start` on
        self._begun = Event()  # `start` is over
        self._begun.set()
        self._all_ready = Event()
        self._done = Event()
        self._status = EXIT_STOPPED
        self._succession = Succession(self)
        self._notifier = None
        self._signals = Signals(self)
        self._stop_timeout = graceful_timeout

    # -- what users call --

    @property
    def members(self):
        """The workers there are now, those that are about to end included."""
        return tuple(self._members)

    @property
    def addresses(self):
        """Where it listens, as text; after `start` with the real ports."""
        return [_listeners.describe(each) for each in self.listeners]

    def start(self):
        """Open the listeners and start the workers. Does not wait until they are ready; see `wait_ready`.

        Raises OSError and ValueError for a listener that cannot be had, and whatever the preload raises.
        """
        from gevent import multiprocessing

        self._owner, self._hub = os.getpid(), gevent.get_hub()
        if self._stopping:
            gevent.spawn(self._end)
            return
        self._begun.clear()
        try:
            self._context = multiprocessing.get_context(self._start_method)
            self.shares = Shares(self._context)
            self._notifier = Notifier()
            self._open_listeners()
            self._call(self.listening, self.addresses)
            if self._preload is not None and not self._stopping:
                self._preload()
            for number in range(self.processes):
                if self._stopping:
                    break
                self._start_one(number)
        except BaseException:
            self._kill_all("the start failed")
            self._close_listeners()
            self._hub = None
            raise
        finally:
            self._begun.set()
        gevent.spawn(self._look_after)

    def _open_listeners(self):
        self.listeners = _listeners.from_systemd()
        bound = _listeners.bind_all(self._wanted_listeners, self._reuse_port)
        made_here = [each for each, wanted in zip(bound, self._wanted_listeners) if not hasattr(wanted, "fileno")]
        self._files = _listeners.files_of(made_here)
        self.listeners += bound

    def wait_ready(self, timeout=None):
        """Wait until all workers have been ready once, at most `timeout` seconds; return whether they have."""
        gevent.wait([self._all_ready, self._done], timeout=timeout, count=1)
        return self._all_ready.is_set() and not self._done.is_set()

    def run(self, signals=True):
        """Start if need be, wait until somebody stops this, and return the exit status.

        0 when it was stopped, 1 when the target fails wherever it is started first, 3 when workers end at their start
        five times in a row. With `signals`, in the main thread: TERM and INT stop, a second INT at once and with status
        1; HUP reloads, or stops if it comes because the terminal was closed; TTIN and TTOU add and take one worker.
        """
        if signals:
            self._signals.take()
        try:
            if self._hub is None:
                self.start()
            self._done.wait()
        finally:
            if not self._done.is_set():
                self._end_at_once()
            self._signals.give_back()
        return self._status

    def stop(self, timeout=None):
        """Let the workers end within `timeout` seconds (None: `graceful_timeout`). Does not wait; `run` returns then.

        Again, it can only make it shorter. May be called from any greenlet, of any thread, and from a signal handler.
        """
        if self._stopping:
            if timeout is not None and timeout < self._stop_timeout:
                self._stop_timeout = timeout
                self._spawn(self._stop_members)
            return
        self._stopping = True
        self._stop_timeout = self.graceful_timeout if timeout is None else timeout
        self._spawn(self._end)

    def reload(self):
        """Start the target anew in new workers, and let the old ones end once these are ready. Does not wait.

        If a new one fails, they are ended and the old ones go on. One that is asked for while another is under way
        follows it; so do many, together. May be called from any greenlet, of any thread, and from a signal handler.
        """
        if not self._succession.reload_waits:
            self._succession.reload_waits = True
            self._spawn(self._succession.replace_all)

    def interrupt(self):
        """Stop; the second time at once, and with status 1. Does not wait."""
        if self._stopping and self._status == EXIT_STOPPED:
            self._status = EXIT_CONFIGURATION
            self._spawn(self._end_at_once)
        else:
            self.stop()

    def resize(self, by):
        """Have `by` more workers, or fewer for a negative number; at least one. Does not wait."""
        self._spawn(self._succession.resize, by)

    def ask_all(self, timeout):
        """Have the workers that accept say how they are now, for `beat`. Waits for at most `timeout` seconds."""
        ready = [member for member in self._members if member.is_ready]
        gevent.joinall([gevent.spawn(member.ask, timeout) for member in ready])

    def reopen_logs(self):
        """Tell all workers to open their logs again. Does not wait."""
        self._spawn(self._tell_all, {"reopen": True})

    def _spawn(self, function, *arguments):
        """Have it run in a greenlet of the thread that keeps the workers; not at all in a child of the program's."""
        if self._owner != os.getpid():
            return
        hub = self._hub
        if hub is None or hub.thread_ident == _get_ident():
            gevent.spawn(function, *arguments)
        else:
            hub.loop.run_callback_threadsafe(gevent.spawn, function, *arguments)

    def _call(self, functions, *arguments):
        for function in functions:
            try:
                function(*arguments)
            except Exception:
                _report(function)  # as any callback's: the supervisor goes on

    def _tell_all(self, message):
        gevent.joinall([gevent.spawn(member.tell, message) for member in self._members])

    def _say(self, line):
        try:
            self._say_line(line)
        except Exception:
            # Nobody may hear it any more; the workers are looked after all the same.
            _report(self._say_line)

    # -- one worker --

    def _start_one(self, number, on_trial=False):
        member = _fleet.start_member(self._context, number, self._generation, self)
        member.on_trial = on_trial
        self._members.append(member)
        _fleet.follow(member, self._on_message, self._on_end)
        return member

    def _on_message(self, member, message):
        member.last_beat = monotonic()
        if "ready" in message:
            self._on_ready(member)
        elif "beat" in message:
            member.take_beat(message)
        elif "broken" in message:
            member.broken = message["broken"]
        elif "retire" in message:
            gevent.spawn(self._succession.replace, member, message["retire"])
        elif "changed" in message:
            self._say(f"{message['changed']} has changed: reloading")
            self.reload()
        elif "hung" in message:
            self._say(f"worker {member.pid} hangs: its hub has not turned for {message['hung']:.1f} s; replacing it")
            member.kill("hung")

    def _on_ready(self, member):
        member.is_ready = True
        self._failures = 0
        member.settled.set()
        self._call(self.worker_ready, member.record())
        if not self._all_ready.is_set() and all(each.is_ready for each in self._members):
            self._all_ready.set()
            self._notifier.ready()

    def _on_end(self, member):
        self._members.remove(member)
        self.shares.forget(member.number)
        reason = member.how_it_ended()
        self._remember(member)
        self._call(self.worker_exit, member.record(reason))
        if member.leaving and member.leaving not in _fleet.REPLACED:
            return
        if self._stopping or self._done.is_set() or member.generation != self._generation or member.on_trial:
            return
        if not member.is_ready:
            self._failures += 1
            if member.broken and not self._all_ready.is_set():
                self.give_up(EXIT_CONFIGURATION, member.broken)
                return
            if self._failures >= FAILURES_MAX:
                why = member.broken or reason
                self.give_up(EXIT_FAILING, f"{FAILURES_MAX} workers in a row ended at their start; the last: {why}")
                return
        lived_s = monotonic() - member.started_at
        self._backoff_s = 0.0 if lived_s >= LIVED_S else min(max(BACKOFF_MIN_S, 2 * self._backoff_s), BACKOFF_MAX_S)
        self._say(f"worker {member.pid} {member.broken or reason}; replacing it")
        self.restarts += 1
        gevent.spawn_later(self._backoff_s, self._start_number, member.number)

    def _start_number(self, number):
        """Start a worker of that number, if there should be one and is none; if that fails, later."""
        taken = {each.number for each in self._members if each.generation == self._generation and not each.leaving}
        if self._stopping or number >= self.processes or number in taken:
            return
        try:
            self._start_one(number)
        except OSError as error:
            self._say(f"no worker can be started, for now: {error}")
            gevent.spawn_later(BACKOFF_MAX_S, self._start_number, number)

    def _remember(self, member):
        if "buckets" in member.beat:
            from gevent.supervisor._meter import add

            if member.number in self.past:
                add(self.past[member.number], member.beat)
            else:
                self.past[member.number] = {key: member.beat[key] for key in ("requests", "seconds", "buckets")}

    def _look_after(self):
        interval_s = self._notifier.watchdog_interval_s
        last_told = 0.0
        look_s = min(LOOK_S, interval_s or LOOK_S)
        looked_at = monotonic()
        while not self._done.is_set() and self._owner == os.getpid():
            now = monotonic()
            self._signals.look()
            if interval_s and now - last_told >= interval_s:
                self._notifier.alive()
                last_told = now
            # What they said while this process was stopped, or its hub held up, has not been heard yet.
            deaf_s, looked_at = max(0.0, now - looked_at - look_s), now
            for member in tuple(self._members) if self.hang_timeout else ():
                member.last_beat += deaf_s
                self._look_at(member, now - member.last_beat)
            self._done.wait(look_s)

    def _look_at(self, member, silent_s):
        # It reports by itself; one that cannot (it is stopped, or in C with the GIL) is ended from outside. One that is
        # not ready yet may import for as long as it likes.
        if silent_s <= self.hang_timeout + REPORT_S or member.ended.is_set():
            return
        if member.is_ready or member.is_stopped():
            self._say(f"worker {member.pid} hangs: nothing was heard of it for {silent_s:.1f} s; replacing it")
            member.signal(_signal.SIGABRT)  # has the interpreter print where it is, if it can
            gevent.spawn_later(0.2, member.kill, "hung")
            member.last_beat = monotonic()

    def _graceful_s(self):
        return self._stop_timeout if self._stopping else self.graceful_timeout

    # -- the end --

    def give_up(self, status, why):
        """End with `status` as soon as can be, and say `why`. Does not wait."""
        if self._stopping or self._done.is_set():
            return
        self._stopping = True
        self._status = status
        self._say(why)
        self._stop_timeout = 0
        gevent.spawn(self._end)

    def _end(self):
        self._begun.wait()
        if self._notifier is not None:
            self._notifier.stopping()
        self._close_listeners()  # first: what comes now is refused, rather than kept waiting for nobody
        while self._members:
            self._stop_members()
            gevent.sleep(0)
        self._done.set()

    def _stop_members(self):
        gevent.joinall([gevent.spawn(each.stop, self._stop_timeout, "stopped") for each in self._members])

    def _end_at_once(self):
        self._stopping = True
        self._kill_all("stopped at once")
        self._close_listeners()
        self._done.set()

    def _kill_all(self, reason):
        for member in self._members:
            member.kill(reason)
        for member in tuple(self._members):
            member.ended.wait()

    def _close_listeners(self):
        _listeners.remove_files(self._files)
        listeners, self.listeners, self._files = self.listeners, [], ()
        for listener in listeners:
            listener.close()


def _report(context):
    gevent.get_hub().handle_error(context, *sys.exc_info())


def serve_with_processes(server, processes, stop_timeout=None):
    """Serve with copies of `server`, a `BaseServer`, in `processes` forked workers; for ``serve_forever``.

    Waits until somebody stops it, by a signal or ``server.stop()``, and returns the exit status, as `Supervisor.run`.
    """
    server.init_socket()

    def target(worker):
        # Forked: this is a copy of the server, which has never been started, in a hub of its own.
        server._supervisor = None
        server.loop = gevent.get_hub().loop
        server.socket = worker.listeners[0]
        server._stop_event = Event()
        server._stop_event.set()
        return server

    timeout = server.stop_timeout if stop_timeout is None else stop_timeout
    supervisor = Supervisor(target, processes, [server.socket], "fork", graceful_timeout=timeout)
    server._supervisor = supervisor
    try:
        return supervisor.run()
    finally:
        server._supervisor = None
        server.close()
