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
from time import monotonic

import gevent
from gevent.event import Event
from gevent.lock import RLock
from gevent.supervisor import _fleet, _listeners
from gevent.supervisor._fleet import Record
from gevent.supervisor._notify import Notifier
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
        self.restarts = 0
        self.past = {}  # what ended workers have counted, by number
        self._wanted_listeners = list(listeners)
        self._files = ()  # of UNIX sockets that were made here
        self._start_method = start_method
        self._preload = preload
        self._reuse_port = reuse_port
        self._say = say or (lambda line: print(line, file=sys.stderr, flush=True))
        self._members = []
        self._generation = 0
        self._failures = 0
        self._backoff_s = 0.0
        self._stopping = False
        self._all_ready = Event()
        self._done = Event()
        self._status = EXIT_STOPPED
        self._changing = RLock()
        self._notifier = None
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

        self._context = multiprocessing.get_context(self._start_method)
        self._notifier = Notifier()
        self.listeners = _listeners.from_systemd()
        bound = _listeners.bind_all(self._wanted_listeners, self._reuse_port)
        self._files = _listeners.files_of(
            each for each, wanted in zip(bound, self._wanted_listeners) if not hasattr(wanted, "fileno")
        )
        self.listeners += bound
        try:
            _call(self.listening, self.addresses)
            if self._preload is not None:
                self._preload()
            for number in range(self.processes):
                self._start_one(number)
        except BaseException:
            self._kill_all("the start failed")
            self._close_listeners()
            raise
        gevent.spawn(self._look_after)

    def wait_ready(self, timeout=None):
        """Wait until all workers have been ready once, at most `timeout` seconds; return whether they have."""
        gevent.wait([self._all_ready, self._done], timeout=timeout, count=1)
        return self._all_ready.is_set() and not self._done.is_set()

    def run(self, signals=True):
        """Start if need be, wait until somebody stops this, and return the exit status.

        0 when it was stopped, 1 when the target fails wherever it is started first, 3 when workers end at their start
        five times in a row. With `signals`, in the main thread: TERM and INT stop, a second INT at once and with status
        1; HUP reloads; TTIN and TTOU add and take one worker.
        """
        previous = self._take_signals() if signals else {}
        try:
            if not self._members and not self._done.is_set():
                self.start()
            self._done.wait()
        finally:
            if not self._done.is_set():
                self._end_at_once()
            for number, handler in previous.items():
                _signal.signal(number, handler)
        return self._status

    def stop(self, timeout=None):
        """Let the workers end within `timeout` seconds (None: `graceful_timeout`). Does not wait; `run` returns then.

        May be called from any greenlet and from a signal handler.
        """
        if self._stopping:
            return
        self._stopping = True
        self._stop_timeout = self.graceful_timeout if timeout is None else timeout
        gevent.spawn(self._end)

    def reload(self):
        """Start the target anew in new workers, and let the old ones end once these are ready. Does not wait.

        If a new one fails, they are ended and the old ones go on. May be called from any greenlet and from a signal
        handler.
        """
        gevent.spawn(self._replace_all)

    def resize(self, by):
        """Have `by` more workers, or fewer for a negative number; at least one. Does not wait."""
        gevent.spawn(self._resize, by)

    def reopen_logs(self):
        """Tell all workers to open their logs again. Does not wait."""
        for member in self._members:
            gevent.spawn(member.tell, {"reopen": True})

    # -- one worker --

    def _start_one(self, number):
        member = _fleet.start_member(self._context, number, self._generation, self)
        self._members.append(member)
        _fleet.follow(member, self._on_message, self._on_end)
        return member

    def _on_message(self, member, message):
        member.last_beat = monotonic()
        if "ready" in message:
            self._on_ready(member)
        elif "beat" in message:
            member.beat = message["beat"]
        elif "broken" in message:
            member.broken = message["broken"]
        elif "retire" in message:
            gevent.spawn(self._replace, member, message["retire"])
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
        _call(self.worker_ready, member.record())
        if not self._all_ready.is_set() and all(each.is_ready for each in self._members):
            self._all_ready.set()
            self._notifier.ready()

    def _on_end(self, member):
        self._members.remove(member)
        reason = member.how_it_ended()
        self._remember(member)
        _call(self.worker_exit, member.record(reason))
        if member.leaving and member.leaving != "hung":
            return
        if self._stopping or self._done.is_set() or member.generation != self._generation:
            return
        if not member.is_ready:
            self._failures += 1
            if member.broken and not self._all_ready.is_set():
                self._give_up(EXIT_CONFIGURATION, member.broken)
                return
            if self._failures >= FAILURES_MAX:
                why = member.broken or reason
                self._give_up(EXIT_FAILING, f"{FAILURES_MAX} workers in a row ended at their start; the last: {why}")
                return
        lived_s = monotonic() - member.started_at
        self._backoff_s = 0.0 if lived_s >= LIVED_S else min(max(BACKOFF_MIN_S, 2 * self._backoff_s), BACKOFF_MAX_S)
        self._say(f"worker {member.pid} {member.broken or reason}; replacing it")
        self.restarts += 1
        gevent.spawn_later(self._backoff_s, self._start_instead_of, member)

    def _start_instead_of(self, member):
        taken = {each.number for each in self._members if each.generation == self._generation}
        if not self._stopping and member.number < self.processes and member.number not in taken:
            self._start_one(member.number)

    def _remember(self, member):
        if "buckets" in member.beat:
            from gevent.supervisor._meter import add

            if member.number in self.past:
                add(self.past[member.number], member.beat)
            else:
                self.past[member.number] = {key: member.beat[key] for key in ("requests", "seconds", "buckets")}

    def _replace(self, member, reason):
        """Start another in its place, and let it end once that one is ready."""
        if member.leaving or self._stopping:
            return
        member.leaving = reason
        self._say(f"worker {member.pid} {reason}; replacing it")
        self.restarts += 1
        successor = self._start_one(member.number)
        successor.settled.wait()
        member.stop(self.graceful_timeout, reason)

    def _look_after(self):
        interval_s = self._notifier.watchdog_interval_s
        last_told = 0.0
        while not self._done.is_set():
            now = monotonic()
            if interval_s and now - last_told >= interval_s:
                self._notifier.alive()
                last_told = now
            for member in self._members if self.hang_timeout else ():
                # It reports by itself; one that cannot (it is stopped, or in C with the GIL) is ended from outside.
                silent_s = now - member.last_beat
                if member.is_ready and silent_s > self.hang_timeout + REPORT_S and not member.ended.is_set():
                    self._say(f"worker {member.pid} hangs: nothing was heard of it for {silent_s:.1f} s; replacing it")
                    os.kill(member.pid, _signal.SIGABRT)  # has the interpreter print where it is, if it can
                    gevent.spawn_later(0.2, member.kill, "hung")
                    member.last_beat = now
            self._done.wait(LOOK_S)

    # -- all of them --

    def _replace_all(self):
        with self._changing:
            if self._stopping or self._done.is_set():
                return
            self._notifier.reloading()
            old = [each for each in self._members if not each.leaving]
            self._generation += 1
            new = [self._start_one(number) for number in range(self.processes)]
            gevent.wait([each.settled for each in new])
            failed = [each for each in new if not each.is_ready]
            if failed and not self._stopping:
                self._take_back(old, new)
                why = next((each.broken for each in failed if each.broken), failed[0].how_it_ended())
                self._say(f"not reloaded, the old workers go on: {why}")
                self._notifier.ready()
                return
            gevent.joinall([gevent.spawn(each.stop, self._graceful_s(), "reloaded") for each in old])
            self._notifier.ready()
            _call(self.reloaded, [each.record() for each in new])

    def _take_back(self, old, new):
        for each in new:
            each.leaving = "not needed"
        for each in old:
            each.generation = self._generation  # they are replaced again when they end
        for each in [each for each in new if not each.ended.is_set()]:
            gevent.spawn(each.stop, 0, "not needed")
        for number in set(range(self.processes)) - {each.number for each in old if not each.ended.is_set()}:
            self._start_one(number)  # one that ended meanwhile

    def _graceful_s(self):
        return self._stop_timeout if self._stopping else self.graceful_timeout

    def _resize(self, by):
        with self._changing:
            if self._stopping:
                return
            self.processes, before = max(1, self.processes + by), self.processes
            for number in range(before, self.processes):
                self._start_one(number)
            gone = [each for each in self._members if each.number >= self.processes and not each.leaving]
            gevent.joinall([gevent.spawn(each.stop, self.graceful_timeout, "one less") for each in gone])
        self._say(f"{self.processes} workers")

    # -- the end --

    def _give_up(self, status, why):
        if self._stopping or self._done.is_set():
            return
        self._stopping = True
        self._status = status
        self._say(why)
        self._stop_timeout = 0
        gevent.spawn(self._end)

    def _end(self):
        self._notifier.stopping()
        while self._members:
            gevent.joinall([gevent.spawn(each.stop, self._stop_timeout, "stopped") for each in self._members])
            gevent.sleep(0)
        self._close_listeners()
        self._done.set()

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
        for listener in self.listeners:
            listener.close()
        self.listeners = []

    def _take_signals(self):
        actions = {
            _signal.SIGTERM: lambda *_: self.stop(),
            _signal.SIGINT: self._interrupted,
            _signal.SIGHUP: lambda *_: self.reload(),
            _signal.SIGUSR1: lambda *_: self.reopen_logs(),
            _signal.SIGTTIN: lambda *_: self.resize(1),
            _signal.SIGTTOU: lambda *_: self.resize(-1),
        }
        try:
            return {number: _signal.signal(number, action) for number, action in actions.items()}
        except ValueError:
            return {}  # not the main thread: somebody else's business

    def _interrupted(self, *_):
        if self._stopping and self._status == EXIT_STOPPED:
            self._status = EXIT_CONFIGURATION
            gevent.spawn(self._end_at_once)
        else:
            self.stop()


def _call(functions, *arguments):
    for function in functions:
        try:
            function(*arguments)
        except Exception:
            # As any callback's: reported, and the supervisor goes on.
            gevent.get_hub().handle_error(function, *sys.exc_info())


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
