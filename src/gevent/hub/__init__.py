"""The hub: one greenlet per thread that runs the event loop while everybody else waits.

How control goes to and fro is told in cpp/python/wait/parking.h. Here is what a hub does beside that: what happens to
errors nobody caught, which thread pool and resolver it has, how it ends.
"""

import sys
from _thread import get_ident as get_thread_ident
from threading import main_thread as _main_thread

from greenlet import GreenletExit, getcurrent, greenlet as RawGreenlet

from gevent import _hub_primitives
from gevent._config import config as GEVENT_CONFIG
from gevent._greenlet_primitives import TrackedRawGreenlet
from gevent._hub_local import (
    get_hub,
    get_hub_if_exists,
    get_loop,
    home_greenlet,
    leave_loop,
    set_default_hub_class,
    set_hub,
    set_loop,
    take_former_hub,
)
from gevent._hub_primitives import WaitOperationsGreenlet
from gevent._ident import IdentRegistry
from gevent._native.greenlet import Greenlet
from gevent._native.hub import register_main_thread, sleep, spawn_raw
from gevent._native.resting_threads import Pause, others_may_come, run_until_woken
from gevent._util import Lazy, readproperty
from gevent._waiter import Waiter
from gevent.exceptions import HubDestroyed, LoopExit
from gevent.hub._error_report import write_report
from gevent.hub._parts import HubPart, configured
from gevent.hub._signal_handler import signal

__all__ = [
    "GreenletExit",
    "Hub",
    "Waiter",
    "get_hub",
    "getcurrent",
    "kill",
    "reinit",
    "signal",
    "sleep",
    "spawn_raw",
]

iwait = _hub_primitives.iwait_on_objects
wait = _hub_primitives.wait_on_objects
_get_hub = get_hub_if_exists
# Where users know them from.
sleep.__module__ = spawn_raw.__module__ = __name__

MAIN_THREAD_IDENT = _main_thread().ident

#: Each is called with a hub when that begins to run.
_when_run = []


def _note_main_thread(ident):
    # The thread that forked is the child's main one, whichever it was in the parent.
    global MAIN_THREAD_IDENT
    MAIN_THREAD_IDENT = ident
    native_loop = sys.modules.get("gevent._native.loop")
    if native_loop is not None:
        # It is full of greenlets of a thread that is no more.
        native_loop.forget_default_loops()


register_main_thread(_main_thread().ident, _note_main_thread)

# One for all hubs, so that reports of several threads do not confuse them.
_hub_idents = IdentRegistry()


def _numbers_of_greenlets(hub):
    """Numbers the greenlets of one hub."""
    return IdentRegistry()


def idle(priority=0):
    """Park the calling greenlet until nothing of `priority` or above is left to do. From gevent."""
    hub = get_hub()
    watcher = hub.loop.idle()
    if priority:
        watcher.priority = priority
    with watcher:
        hub.wait(watcher)


def kill(greenlet, exception=GreenletExit):
    """Raise `exception` (a class or an instance) in `greenlet` in the next turn of the loop. Does not wait.

    For bare greenlets; a `gevent.Greenlet` has a `kill` of its own, which this calls without blocking. From gevent.
    """
    if isinstance(greenlet, Greenlet):
        greenlet.kill(exception, block=False)
    elif not greenlet.dead:
        get_hub().loop.run_callback(greenlet.throw, exception)


def reinit(hub=None):
    """Make the calling thread's hub usable in a process that was forked without gevent's help.

    `os.fork` after `gevent.monkey.patch_os`, and `gevent.os.fork`, do it themselves. Does not wait. From gevent.
    """
    hub = get_hub() if hub is None else hub
    hub.loop.reinit()
    for name in ("periodic_monitoring_thread", "_resolver", "_threadpool"):
        start_over = getattr(getattr(hub, name), "_on_fork", None)
        if start_over is not None:
            start_over()


def _signal_may_come():
    """Whether a signal may yet call a function of the program's in the calling thread: in the main one."""
    if get_thread_ident() != MAIN_THREAD_IDENT:
        return False
    from gevent.signal import _python_handler_installed

    return _python_handler_installed()


def _nobody():
    return False


class _Expecting:
    """While main waits in here, LoopExit comes when `hub`'s loop has nothing left to do, unless `somebody()`."""

    # No generator: contextlib would be imported for it, by each program that imports gevent.
    def __init__(self, hub, somebody):
        self._hub = hub
        self._somebody = somebody

    def __enter__(self):
        self._hub._expects_somebody = self._somebody

    def __exit__(self, *exc_info):
        self._hub._expects_somebody = None


def _main_greenlet_above(greenlet):
    while greenlet.parent is not None:
        greenlet = greenlet.parent
    return greenlet


class Hub(WaitOperationsGreenlet):
    """Runs the event loop of its thread. Made by `get_hub()`, seldom by hand. From gevent.

    loop
        the event loop object, or a name or flags from which to make one; None: as configured.
    default
        whether to use the process's default loop; None: in the main thread only.
    """

    # Exceptions of a greenlet that nobody needs to be told of.
    NOT_ERROR = (GreenletExit, SystemExit)
    # Exceptions after which the main greenlet must not go on as if nothing had happened.
    SYSTEM_ERROR = (KeyboardInterrupt, SystemExit, SystemError)

    name = ""
    thread_ident = None
    threadpool_size = 10
    periodic_monitoring_thread = None

    _ending = _passes_until_run = False
    _expects_somebody = None  # a callable while join() waits: whether it is worth waiting for other threads
    _resolver = _threadpool = _destroyer = _format_context = None

    def __init__(self, loop=None, default=None):
        super().__init__(None, None)
        self.thread_ident = get_thread_ident()
        in_main_thread = self.thread_ident == MAIN_THREAD_IDENT
        home = home_greenlet()
        if in_main_thread and home is not None and home is not self.parent and not home.dead:
            self.parent = home
        self._resolver = self._threadpool = None
        self.spawn_tree_locals = {}
        self.minimal_ident = self._hub_counter = _hub_idents.get_ident(self)
        self.loop = self._find_loop(loop, default, in_main_thread)
        if self.loop is get_loop():
            self._take_over(take_former_hub())

    def _find_loop(self, loop, default, in_main_thread):
        if hasattr(loop, "run"):
            if default is None:
                return loop
            raise TypeError("default must not be given together with a loop object: the loop knows what it is")
        left_over = get_loop()  # of a hub that was destroyed without its loop
        if left_over is not None and default in (None, left_over.default):
            return left_over
        flags = self.backend if loop is None else loop
        return self.loop_class(flags=flags, default=in_main_thread if default is None else default)

    def _take_over(self, former):
        """Be the one to which those greenlets return that `former` has left waiting in the loop."""
        if former is None:
            return
        if self.parent is not home_greenlet():
            self.parent = _main_greenlet_above(former)
        former.parent = self
        destroyer, former._destroyer = former._destroyer, None
        if destroyer is not None and not destroyer.dead:
            destroyer.parent = self
        # Until this hub runs, nobody may end into it.
        self.require_hub_passes()
        self._passes_until_run = True

    # -- what it is made of --

    loop_class = configured("loop", "The class of event loop that hubs make, by `gevent.config.loop`.")
    backend = configured("libev_backend", "The system call the loop should use, by `gevent.config.libev_backend`.")
    resolver_class = configured("resolver", "The class of resolver this hub makes, by `gevent.config.resolver`.")
    threadpool_class = configured(
        "threadpool", "The class of thread pool this hub makes, by `gevent.config.threadpool`."
    )

    resolver = HubPart(
        "_resolver",
        lambda hub: hub.resolver_class(hub=hub),
        lambda resolver: resolver.close(),
        "Turns names into addresses; made when first used.",
    )
    threadpool = HubPart(
        "_threadpool",
        lambda hub: hub.threadpool_class(hub.threadpool_size, hub=hub),
        lambda pool: pool.kill(),
        "Native threads for what blocks; made when first used.",
    )
    ident_registry = Lazy(_numbers_of_greenlets)

    @property
    def format_context(self):
        """The function that puts into words what an error is reported for. May be set."""
        return GEVENT_CONFIG.format_context if self._format_context is None else self._format_context

    @format_context.setter
    def format_context(self, function):
        self._format_context = function

    @property
    def main_hub(self):
        """Whether this is the hub of the program's main thread; others are of other threads."""
        return MAIN_THREAD_IDENT == self.thread_ident

    @readproperty
    def exception_stream(self):
        """Where errors nobody caught are written: sys.stderr as it is now; None when there is none."""
        stderr = sys.stderr
        # A file object of gevent's would need this hub to write, and it is the hub that writes.
        fileobj = getattr(stderr, "_fobj", None)
        return stderr if fileobj is None else fileobj

    def __repr__(self):
        if self.loop is None:
            state = "destroyed"
        else:
            try:
                state = self.loop._format()
            except Exception as error:  # noqa: BLE001 - a report must not fail because its subject is broken
                state = f"(broken: {error})"
        parts = [f"<{type(self).__name__} {self.name!r} at {hex(id(self))} {state}"]
        for label, value in (("resolver", self._resolver), ("threadpool", self._threadpool)):
            if value is not None:
                parts.append(f"{label}={value!r}")
        parts.append(f"thread_ident={hex(self.thread_ident)}>" if self.thread_ident else ">")
        return " ".join(parts)

    # -- errors --

    def _normalize_exception(self, t, v, tb):
        # Callers from C may bring a class without its instance, or words instead of it.
        if v is None or isinstance(v, str):
            make = t if isinstance(t, type) else Exception
            v = make() if v is None else make(v)
        return t, v, tb

    def handle_error(self, context, type, value, tb):
        """Called for each exception that nobody caught: prints it, and passes on what must stop the program.

        context
            what failed: a greenlet, a callback, a watcher; None: the loop itself, which is always serious.
        type, value, tb
            as from `sys.exc_info()`.

        May be replaced on the class or on one hub. From gevent.
        """
        kind, error, traceback = self._normalize_exception(type, value, tb)
        if issubclass(kind, HubDestroyed):
            return self._end_loop()
        quiet, serious = (issubclass(kind, kinds) for kinds in (self.NOT_ERROR, self.SYSTEM_ERROR))
        try:
            if not quiet:
                self.print_exception(context, kind, error, traceback)
        finally:
            if serious or context is None:
                self.handle_system_error(kind, error, traceback)

    def handle_system_error(self, type, value, tb=None):
        """Raise the exception in the main greenlet, at once. Whoever runs now goes on afterwards, if there is one."""
        main, running = self.parent, getcurrent()
        if self.loop is None or running in (self, main):
            main.throw(type, value, tb)
            return
        # The main greenlet may never give control back by itself.
        come_back = self.loop.run_callback(running.switch)
        try:
            main.throw(type, value, tb)
        finally:
            come_back.stop()

    def print_exception(self, context, t, v, tb):
        """Write the exception, its traceback and `context` to `exception_stream`. Never raises.

        When the stream is closed or broken, to the standard error that the process began with.
        """
        stream = self.exception_stream
        if stream is None:
            return
        for each in (stream, sys.__stderr__):
            try:
                write_report(each, self.format_context, context, t, v, tb)
                return
            except Exception:  # noqa: BLE001, S112 - the error to be told matters more than the stream's
                continue

    # -- running --

    def run(self):
        """Run the loop until this hub is destroyed. For greenlet, not for users.

        Whenever the loop has nothing left to wait for, and nobody else can bring it anything, LoopExit is raised in
        the greenlet that made the hub, which is waiting for something that will never come.
        """
        if self is not getcurrent():
            raise AssertionError("a hub is run by switching to it")
        if self._passes_until_run:
            self._passes_until_run = False
            self.release_hub_passes()
        self.start_periodic_monitoring_thread()
        for tell in _when_run:
            tell(self)
        pause = Pause()
        while not self._ending:
            self._run_once(self.loop, self.loop.run)
            if self._ending or self.loop is None:
                break
            if self._may_be_woken():
                self._run_once(self.loop, run_until_woken, self.loop, not _signal_may_come(), pause)
                continue
            handles = getattr(self.loop, "debug", list)()
            self.parent.throw(LoopExit("This operation would block forever", self, handles))

    def _may_be_woken(self):
        """Whether somebody outside of the loop, which has nothing left to do, could still end a wait in this hub.

        The one place that decides between waiting on and LoopExit.
        """
        expects = self._expects_somebody
        return (expects is None or expects()) and (others_may_come() or _signal_may_come())

    def _expecting_nobody(self):
        return _Expecting(self, _nobody)

    def _run_once(self, loop, run, *args):
        loop.error_handler = self
        try:
            run(*args)
        finally:
            loop.error_handler = None

    def _end_loop(self):
        self._ending = True
        if self.loop is not None:
            self.loop.break_()

    def start_periodic_monitoring_thread(self):
        """Start the thread that watches for greenlets that block the hub, if configured. Returns it, or None."""
        if not GEVENT_CONFIG.monitor_thread or self.periodic_monitoring_thread is not None:
            return self.periodic_monitoring_thread
        from gevent import _monitor, events

        monitor = _monitor.PeriodicMonitoringThread(self)
        # Before anybody is told of it, as whoever is told may want to look.
        self.periodic_monitoring_thread = monitor
        if self.main_hub:
            monitor.install_monitor_memory_usage()
        events.notify_and_call_entry_points(events.PeriodicMonitorThreadStartedEvent(monitor))
        return monitor

    def join(self, timeout=None):
        """Park the main greenlet until the hub has nothing left to do, or `timeout` seconds are over.

        Returns whether there is nothing left. Only the greenlet above the hub may wait for that. A greenlet that waits
        for another thread is nothing to do. From gevent.
        """
        return self._join(timeout, _nobody)

    def _join(self, timeout, expects):
        if getcurrent() is not self.parent:
            raise AssertionError("only possible from the MAIN greenlet")
        if self.dead:
            return True
        waiter = Waiter(self)
        limit = None if timeout is None else self.loop.timer(timeout, ref=False)
        if limit is not None:
            limit.start(waiter.switch, None)
        try:
            with _Expecting(self, expects):
                waiter.get()
            return False
        except LoopExit:
            return True
        finally:
            if limit is not None:
                limit.close()

    def destroy(self, destroy_loop=None):
        """End the hub and free what it holds: thread pool, resolver, monitoring thread, and perhaps the loop.

        destroy_loop
            whether the loop goes as well; None: only if it is not the process's default one. A loop that stays is
            taken over by this thread's next hub, and with it the greenlets that wait there.

        Those that wait in a loop that goes will never run. From gevent.
        """
        monitor, self.periodic_monitoring_thread = self.periodic_monitoring_thread, None
        if monitor is not None:
            monitor.kill()
        loop = self.loop
        if loop is not None:
            if destroy_loop is None:
                destroy_loop = not loop.default
            self._unwind(HubDestroyed(destroy_loop))
            del self.resolver
            del self.threadpool
            if destroy_loop:
                if get_loop() is loop:
                    set_loop(None)
                loop.destroy()
            else:
                leave_loop(loop, self)
            self.loop = None
        if get_hub_if_exists() is self:
            set_hub(None)

    def _unwind(self, reason):
        """Take the hub's own stack down, if it belongs to this thread; one that never began will not begin."""
        current = getcurrent()
        if current is self or self.dead or get_hub_if_exists() is not self:
            return
        below = current
        while below.parent is not None and below.parent is not self:
            below = below.parent
        if below.parent is self:
            below.parent = _main_greenlet_above(self)
            self._destroyer = below
        # When it has ended, control comes back here.
        self._ending = True
        self.loop.break_()
        self.parent = current
        try:
            self.throw(reason)
        except HubDestroyed:
            pass


set_default_hub_class(Hub)


class linkproxy:
    """Calls `callback(obj)`, once, whatever it is called with; equal to another with the same two."""

    __slots__ = ["callback", "obj"]

    def __init__(self, callback, obj):
        self.callback, self.obj = callback, obj

    def _pair(self):
        return self.callback, self.obj

    def __call__(self, *args):
        call, argument = self._pair()
        self.callback = self.obj = None
        call(argument)

    def __eq__(self, other):
        return isinstance(other, linkproxy) and other._pair() == self._pair()

    __hash__ = object.__hash__
