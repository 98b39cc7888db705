"""A native thread per hub that looks after it from outside: is it blocked, does the process grow?

A blocked hub cannot report itself. This thread sleeps in the operating system, wakes every so often, asks a
`GreenletTracer` in the hub's thread whether anything has been switched since, and tells by events and on the hub's
exception stream. ``gevent.config.monitor_thread`` (``GEVENT_MONITOR_THREAD_ENABLE``) has hubs start one.
"""

import os
import warnings
from weakref import ref

from greenlet import getcurrent
from zope.event import notify
from zope.interface import implementer

from gevent._compat import get_this_psutil_process, perf_counter, thread_mod_name
from gevent._config import config as GEVENT_CONFIG
from gevent._native.resting_threads import count_out_this_thread
from gevent._tracer import GreenletTracer
from gevent.events import (
    EventLoopBlocked,
    IPeriodicMonitorThread,
    MemoryUsageThresholdExceeded,
    MemoryUsageUnderThreshold,
)
from gevent.monkey.api import get_original

__all__ = ["PeriodicMonitoringThread"]

# The unpatched ones: this thread must neither be a greenlet nor depend on one.
get_thread_ident = get_original(thread_mod_name, "get_ident")
start_new_thread = get_original(thread_mod_name, "start_new_thread")
thread_sleep = get_original("time", "sleep")


class MonitorWarning(RuntimeWarning):
    """Something that was to be monitored cannot be."""


class _MonitorEntry:
    """A function to be called every `period` seconds."""

    __slots__ = ("function", "period", "last_run_time")

    def __init__(self, function, period):
        self.function = function
        self.period = period
        self.last_run_time = 0

    def __eq__(self, other):
        if not isinstance(other, _MonitorEntry):
            return NotImplemented
        return (self.function, self.period) == (other.function, other.period)

    def __hash__(self):
        return hash((self.function, self.period))

    def __repr__(self):
        return repr((self.function, self.period, self.last_run_time))


def _takes_turn(entry, now):
    # Whether it is time to call the function; if so, that counts as the call.
    due = now - entry.last_run_time >= entry.period
    if due:
        entry.last_run_time = now
    return due


@implementer(IPeriodicMonitorThread)
class PeriodicMonitoringThread:
    """Watches `hub` from a native thread, which is started at once and ends with the hub or by `kill`.

    Must be made in the hub's own thread, as that is where switches are traced.
    """

    inactive_sleep_time = 2.0
    """Seconds between two looks at the configuration while nothing is to be monitored."""

    min_sleep_time = 0.005
    """The shortest pause between two rounds, in seconds, however short the periods are."""

    min_memory_monitor_period = 2
    """The shortest period for looking at the memory, which is slow to find out, in seconds."""

    def __init__(self, hub):
        self._hub_wref = ref(hub, self._on_hub_gc)
        self._process = None
        self._peak_memory = 0  # while above the limit: the highest use that was reported
        self._greenlet_tracer = GreenletTracer()
        self._monitoring_functions = [_MonitorEntry(self.monitor_blocking, GEVENT_CONFIG.max_blocking_time)]
        self._calculate_sleep_time()
        self._start()

    def _start(self):
        self.should_run = True
        self.pid = os.getpid()
        self.monitor_thread_ident = start_new_thread(self, ())

    def _on_fork(self):
        """In a forked child, where only the forking thread lives on: start over. Called by `gevent.hub.reinit`."""
        if os.getpid() != self.pid:
            self._process = None
            self._start()

    def _on_hub_gc(self, _):
        self.kill()

    @property
    def hub(self):
        """The hub that is watched, or None if it is gone."""
        return self._hub_wref()

    def kill(self):
        """Stop: the thread ends within its next round. Called from the hub's thread, this also ends the tracing.

        So it may be called again there after it was called from elsewhere.
        """
        self.should_run = False
        self._greenlet_tracer.kill()

    def __repr__(self):
        return (
            f"<{type(self).__name__} at {id(self):#x} in thread {get_thread_ident():#x} "
            f"greenlet {getcurrent()!r} for {self.hub!r}>"
        )

    # --- what is called how often ------------------------------------------------------------------------------------

    def monitoring_functions(self):
        """Return the list of entries with a `function` and a `period`, as the configuration has them now."""
        blocking = self._monitoring_functions[0]
        if blocking.period != GEVENT_CONFIG.max_blocking_time:
            blocking.period = GEVENT_CONFIG.max_blocking_time
            self._calculate_sleep_time()
        return self._monitoring_functions

    def add_monitoring_function(self, function, period):
        """Have ``function(hub)`` called in this thread every `period` seconds.

        A function that is there already gets the new period; None for a period removes it. A function must not wait
        for the hub; one that raises is reported to the hub's `handle_error` and not called again. Raises ValueError
        for a function that cannot be called and a period that is not positive.
        """
        if not callable(function):
            raise ValueError(f"not callable: {function!r}")
        others = [entry for entry in self._monitoring_functions if entry.function != function]
        if period is None:
            self._monitoring_functions = others
        elif period <= 0:
            raise ValueError(f"the period must be positive: {period!r}")
        elif len(others) < len(self._monitoring_functions):
            for entry in self._monitoring_functions:
                if entry.function == function:
                    entry.period = period
        else:
            # A new list, since the thread may be walking the old one.
            self._monitoring_functions = [*others, _MonitorEntry(function, period)]
        self._calculate_sleep_time()

    def _calculate_sleep_time(self):
        # The configuration may say that blocking is not to be monitored, by a period of 0 or None.
        periods = [entry.period for entry in self._monitoring_functions if entry.period]
        self._calculated_sleep_time = min(periods, default=0)

    def calculate_sleep_time(self):
        """Return how many seconds to sleep until the next round."""
        if self._calculated_sleep_time <= 0:
            return self.inactive_sleep_time
        return max(self._calculated_sleep_time, self.min_sleep_time)

    # --- the thread ---------------------------------------------------------------------------------------------------

    def __call__(self):
        """The body of the thread. Waits in the operating system; returns when monitoring ends."""
        # It looks on: that it lives must not keep others waiting for what will never come.
        count_out_this_thread()
        try:
            while self.should_run:
                self.monitoring_functions()
                thread_sleep(self.calculate_sleep_time())
                self._round(perf_counter())
        except SystemExit:
            pass  # thrown by a monitoring function, in order to stop

    def _round(self, now):
        hub = self.hub
        for entry in self._monitoring_functions:
            if hub is None or hub.dead:  # but not one that has yet to begin, which is false too
                self.kill()
            if not self.should_run:
                return
            if entry.period and _takes_turn(entry, now):
                try:
                    entry.function(hub)
                except SystemExit:
                    raise
                except BaseException as error:
                    self._monitoring_functions = [e for e in self._monitoring_functions if e is not entry]
                    hub.handle_error(self, type(error), error, error.__traceback__)

    # --- is the hub blocked? ------------------------------------------------------------------------------------------

    def ignore_current_greenlet_blocking(self):
        """Let the greenlet that the hub's thread runs now block, until its next switch."""
        self._greenlet_tracer.ignore_current_greenlet_blocking()

    def monitor_current_greenlet_blocking(self):
        """Take back `ignore_current_greenlet_blocking`. To be called in the hub's thread."""
        self._greenlet_tracer.monitor_current_greenlet_blocking()

    def monitor_blocking(self, hub):
        """Report if nothing was switched in the hub's thread since the last call.

        Then prints (unless ``gevent.config.print_blocking_reports`` is off), sends an `EventLoopBlocked`, and returns
        the greenlet in the way and the lines of the report; otherwise returns something false.
        """
        blocked = self._greenlet_tracer.did_block_hub(hub)
        if not blocked:
            return blocked
        _, greenlet = blocked
        about_threads = {"greenlet_stacks": False, "current_thread_ident": self.monitor_thread_ident}
        report = self._greenlet_tracer.did_block_hub_report(hub, greenlet, about_threads)
        report.insert(2, f"    Seen by {self!r}")
        if GEVENT_CONFIG.print_blocking_reports:
            print("\n".join(report), file=hub.exception_stream)
        notify(EventLoopBlocked(greenlet, GEVENT_CONFIG.max_blocking_time, report, hub=hub))
        return greenlet, report

    # --- how much memory? ---------------------------------------------------------------------------------------------

    def _get_process(self):
        if self._process is None:
            self._process = get_this_psutil_process()
        return self._process

    def can_monitor_memory_usage(self):
        """Whether the memory in use can be found out, which takes psutil."""
        return self._get_process() is not None

    def install_monitor_memory_usage(self):
        """Begin to watch the memory, every ``gevent.config.memory_monitor_period`` seconds.

        Warns with `MonitorWarning` where that is not possible.
        """
        if self.can_monitor_memory_usage():
            period = max(GEVENT_CONFIG.memory_monitor_period, self.min_memory_monitor_period)
            self.add_monitoring_function(self.monitor_memory_usage, period)
        else:
            warnings.warn("psutil is not installed, so memory usage cannot be monitored", MonitorWarning, stacklevel=2)

    def monitor_memory_usage(self, _hub):
        """Compare the memory in use with ``gevent.config.max_memory_usage``.

        Sends and returns an event when it first is above that, each time it has grown further, and when it is back
        below. Returns None when there is nothing to tell, and -1 where no limit is set.
        """
        limit = GEVENT_CONFIG.max_memory_usage
        if not limit:
            return -1
        details = self._get_process().memory_full_info()
        # Memory of this process alone, where the platform can tell; shared pages are not what leaks.
        used = getattr(details, "uss", 0) or details.rss
        peak, event = self._peak_memory, None
        if used <= limit:
            self._peak_memory = 0
            if peak:
                event = MemoryUsageUnderThreshold(used, limit, details, peak)
        elif used > peak:
            self._peak_memory = used
            event = MemoryUsageThresholdExceeded(used, limit, details)
        if event is not None:
            notify(event)
        return event
