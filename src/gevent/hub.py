"""The hub: one greenlet per thread that runs the event loop while everybody else waits.

How control goes to and fro is told in cpp/python/parking.h. Here is what a hub does beside that: what happens to errors
nobody caught, which thread pool and resolver it has, how it ends.
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
    set_default_hub_class,
    set_hub,
    set_loop,
)
from gevent._hub_primitives import WaitOperationsGreenlet
from gevent._ident import IdentRegistry
from gevent._native.hub import sleep, spawn_raw
from gevent._util import Lazy, gmctime, readproperty
from gevent._waiter import Waiter
from gevent.exceptions import HubDestroyed, LoopExit

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

# One for all hubs, so that reports of several threads do not confuse them.
_hub_idents = IdentRegistry()


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
    if greenlet.dead:
        return
    if isinstance(greenlet, _linkable_greenlet()):
        greenlet.kill(exception, block=False)
    else:
        get_hub().loop.run_callback(greenlet.throw, exception)


def _linkable_greenlet():
    from gevent._native.greenlet import Greenlet

    return Greenlet


class signal:
    """Call `handler(*args, **kwargs)` in a new greenlet whenever this process receives `signalnum`.

    Does not keep the hub running. `cancel()` ends it. TypeError if `handler` cannot be called. From gevent, where it is
    also `gevent.signal_handler`.
    """

    greenlet_class = None

    def __init__(self, signalnum, handler, *args, **kwargs):
        if not callable(handler):
            raise TypeError(f"signal handler must be callable, not {handler!r}")
        self.hub = get_hub()
        self.handler, self.args, self.kwargs = handler, args, kwargs
        if type(self).greenlet_class is None:
            type(self).greenlet_class = _linkable_greenlet()
        self.watcher = self.hub.loop.signal(signalnum, ref=False)
        self.watcher.start(self._start)

    @property
    def ref(self):
        """Whether the hub goes on as long as this is in place; False from the start."""
        return self.watcher.ref

    @ref.setter
    def ref(self, value):
        self.watcher.ref = value

    def cancel(self):
        """Call the handler no more."""
        self.watcher.stop()
        self.watcher.close()

    def _start(self):
        self.greenlet_class(self.handle).switch()

    def handle(self):
        """Call the handler, reporting what it raises."""
        try:
            self.handler(*self.args, **self.kwargs)
        except BaseException as error:
            # As an exception of Python's own signal handlers does, it comes out in the main greenlet.
            self.hub.handle_error(None, type(error), error, error.__traceback__)


def reinit(hub=None):
    """Make the calling thread's hub usable in a process that was forked without gevent's help.

    `os.fork` after `gevent.monkey.patch_os`, and `gevent.os.fork`, do it themselves. Does not wait. From gevent.
    """
    hub = get_hub() if hub is None else hub
    hub.loop.reinit()
    for part in (hub._threadpool, hub._resolver, hub.periodic_monitoring_thread):
        on_fork = getattr(part, "_on_fork", None)
        if on_fork is not None:
            on_fork()


class Hub(WaitOperationsGreenlet):
    """Runs the event loop of its thread. Made by `get_hub()`, seldom by hand. From gevent.

    loop
        the event loop object, or a name or flags from which to make one; None: as configured.
    default
        whether to use the process's default loop; None: in the main thread only.
    """

    # Exceptions after which the main greenlet must not go on as if nothing had happened.
    SYSTEM_ERROR = (KeyboardInterrupt, SystemExit, SystemError)
    # Exceptions of a greenlet that nobody needs to be told of.
    NOT_ERROR = (GreenletExit, SystemExit)

    threadpool_size = 10
    periodic_monitoring_thread = None
    thread_ident = None
    name = ""

    _resolver = None
    _threadpool = None
    _ending = False

    def __init__(self, loop=None, default=None):
        WaitOperationsGreenlet.__init__(self, None, None)
        home = home_greenlet()
        if home is not None and not home.dead and self.parent is not home and get_thread_ident() == MAIN_THREAD_IDENT:
            self.parent = home
        self.thread_ident = get_thread_ident()
        if hasattr(loop, "run"):
            if default is not None:
                raise TypeError("default must not be given together with a loop object: the loop knows what it is")
            self.loop = loop
        elif get_loop() is not None and (default is None or bool(default) == get_loop().default):
            # Left over from a hub that was destroyed without its loop.
            self.loop = get_loop()
        else:
            if default is None and self.thread_ident != MAIN_THREAD_IDENT:
                default = False
            if loop is None:
                loop = self.backend
            self.loop = self.loop_class(flags=loop, default=True if default is None else default)
        self._resolver = None
        self._threadpool = None
        self.spawn_tree_locals = {}
        self.minimal_ident = self._hub_counter = _hub_idents.get_ident(self)

    # -- what it is made of --

    @Lazy
    def ident_registry(self):
        """Numbers the greenlets of this hub."""
        return IdentRegistry()

    @property
    def loop_class(self):
        """The class of event loop that hubs make, by `gevent.config.loop`."""
        return GEVENT_CONFIG.loop

    @property
    def backend(self):
        """The system call the loop should use, by `gevent.config.libev_backend`."""
        return GEVENT_CONFIG.libev_backend

    @readproperty
    def format_context(self):
        """The function that puts into words what an error is reported for."""
        return GEVENT_CONFIG.format_context

    @property
    def main_hub(self):
        """Whether this is the main thread's."""
        return self.thread_ident == MAIN_THREAD_IDENT

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
        # Callers from C may bring a class without its instance, or a traceback as text.
        if isinstance(v, str):
            v = t(v) if isinstance(t, type) else Exception(v)
        elif v is None and isinstance(t, type):
            v = t()
        return t, v, tb

    def handle_error(self, context, type, value, tb):
        """Called for each exception that nobody caught: prints it, and passes on what must stop the program.

        context
            what failed: a greenlet, a callback, a watcher; None: the loop itself, which is always serious.
        type, value, tb
            as from `sys.exc_info()`.

        May be replaced on the class or on one hub. From gevent.
        """
        type, value, tb = self._normalize_exception(type, value, tb)
        if issubclass(type, HubDestroyed):
            self._end_loop()
            return
        if not issubclass(type, self.NOT_ERROR):
            self.print_exception(context, type, value, tb)
        if context is None or issubclass(type, self.SYSTEM_ERROR):
            self.handle_system_error(type, value, tb)

    def handle_system_error(self, type, value, tb=None):
        """Raise the exception in the main greenlet, at once. Whoever runs now goes on afterwards, if there is one."""
        current = getcurrent()
        if current is self or current is self.parent or self.loop is None:
            self.parent.throw(type, value, tb)
            return
        # The main greenlet may never give control back by itself.
        come_back = self.loop.run_callback(current.switch)
        try:
            self.parent.throw(type, value, tb)
        finally:
            come_back.stop()

    def print_exception(self, context, t, v, tb):
        """Write the exception, its traceback and `context` to `exception_stream`. Never raises."""
        stream = self.exception_stream
        if stream is None:
            return
        import traceback  # not before there is an error to print: it is a sixth of what importing gevent costs

        try:
            if v is None:
                stream.write(f"{t.__name__}\n")
            else:
                stream.write("".join(traceback.format_exception(t, v, tb)))
            if context is not None:
                if not isinstance(context, str):
                    context = self._describe(context)
                stream.write(f"{gmctime()} {context} failed with {getattr(t, '__name__', 'exception')}\n\n")
        except (OSError, ValueError, AttributeError):
            # A closed or half torn-down stream, at exit for instance: there is nobody left to tell.
            pass

    def _describe(self, context):
        try:
            return self.format_context(context)
        except Exception:  # noqa: BLE001 - the error being reported matters more than this one
            import traceback

            traceback.print_exc(file=self.exception_stream)
            return repr(context)

    # -- running --

    def run(self):
        """Run the loop until this hub is destroyed. For greenlet, not for users.

        Whenever the loop has nothing left to wait for, LoopExit is raised in the greenlet that made the hub, which is
        waiting for something that will never come.
        """
        if self is not getcurrent():
            raise AssertionError("a hub is run by switching to it")
        self.start_periodic_monitoring_thread()
        while not self._ending:
            loop = self.loop
            loop.error_handler = self
            try:
                loop.run()
            finally:
                loop.error_handler = None
            if self._ending or self.loop is None:
                break
            debug = loop.debug() if hasattr(loop, "debug") else []
            self.parent.throw(LoopExit("This operation would block forever", self, debug))

    def _end_loop(self):
        self._ending = True
        if self.loop is not None:
            self.loop.break_()

    def start_periodic_monitoring_thread(self):
        """Start the thread that watches for greenlets that block the hub, if configured. Returns it, or None."""
        if self.periodic_monitoring_thread is None and GEVENT_CONFIG.monitor_thread:
            from gevent._monitor import PeriodicMonitoringThread
            from gevent.events import PeriodicMonitorThreadStartedEvent, notify_and_call_entry_points

            # Before anything else, as whoever is told may want to look at it.
            self.periodic_monitoring_thread = PeriodicMonitoringThread(self)
            if self.main_hub:
                self.periodic_monitoring_thread.install_monitor_memory_usage()
            notify_and_call_entry_points(PeriodicMonitorThreadStartedEvent(self.periodic_monitoring_thread))
        return self.periodic_monitoring_thread

    def join(self, timeout=None):
        """Park the main greenlet until the hub has nothing left to do, or `timeout` seconds are over.

        Returns whether there is nothing left. Only the greenlet above the hub may wait for that. From gevent.
        """
        if getcurrent() is not self.parent:
            raise AssertionError("only possible from the MAIN greenlet")
        if self.dead:
            return True
        waiter = Waiter(self)
        timer = None
        if timeout is not None:
            timer = self.loop.timer(timeout, ref=False)
            timer.start(waiter.switch, None)
        try:
            waiter.get()
        except LoopExit:
            return True
        finally:
            if timer is not None:
                timer.close()
        return False

    def destroy(self, destroy_loop=None):
        """End the hub and free what it holds: thread pool, resolver, monitoring thread, and perhaps the loop.

        destroy_loop
            whether the loop goes as well; None: only if it is not the process's default one. A loop that stays is
            taken over by this thread's next hub.

        Greenlets that still wait in it will never run. From gevent.
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
                set_loop(loop)
            self.loop = None
        if get_hub_if_exists() is self:
            set_hub(None)

    def _unwind(self, reason):
        """Take the hub's own stack down, if it ever began and belongs to this thread."""
        current = getcurrent()
        if current is self or not self or get_hub_if_exists() is not self:
            return
        main = current
        while main.parent is not None:
            main = main.parent
        if current is not main and current.parent is self:
            current.parent = main
        # When it has ended, control comes back here.
        self._ending = True
        self.loop.break_()
        self.parent = current
        try:
            self.throw(reason)
        except HubDestroyed:
            pass

    # -- thread pool and resolver --

    @property
    def resolver_class(self):
        """The class of resolver this hub makes, by `gevent.config.resolver`."""
        return GEVENT_CONFIG.resolver

    def _get_resolver(self):
        if self._resolver is None:
            self._resolver = self.resolver_class(hub=self)
        return self._resolver

    def _set_resolver(self, value):
        self._resolver = value

    def _del_resolver(self):
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            resolver.close()

    resolver = property(
        _get_resolver, _set_resolver, _del_resolver, "Turns names into addresses; made when first used."
    )

    @property
    def threadpool_class(self):
        """The class of thread pool this hub makes, by `gevent.config.threadpool`."""
        return GEVENT_CONFIG.threadpool

    def _get_threadpool(self):
        if self._threadpool is None:
            self._threadpool = self.threadpool_class(self.threadpool_size, hub=self)
        return self._threadpool

    def _set_threadpool(self, value):
        self._threadpool = value

    def _del_threadpool(self):
        threadpool, self._threadpool = self._threadpool, None
        if threadpool is not None:
            threadpool.kill()

    threadpool = property(
        _get_threadpool, _set_threadpool, _del_threadpool, "Native threads for what blocks; made when first used."
    )


set_default_hub_class(Hub)


class linkproxy:
    """Calls `callback(obj)` whatever it is called with; equal to another with the same two."""

    __slots__ = ("callback", "obj")

    def __init__(self, callback, obj):
        self.callback = callback
        self.obj = obj

    def __call__(self, *args):
        callback, obj = self.callback, self.obj
        self.callback = self.obj = None
        callback(obj)

    def __eq__(self, other):
        return isinstance(other, linkproxy) and (self.callback, self.obj) == (other.callback, other.obj)

    __hash__ = object.__hash__
