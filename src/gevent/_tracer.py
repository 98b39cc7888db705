"""Watching greenlet switches, to find out who does not switch.

A tracer is a trace function for `greenlet.settrace`, installed in the thread that makes it and for as long as it is
not killed. It calls the trace function that was there before, so tracers nest. `gevent.util.assert_switches` and the
monitoring thread ask one, later and from anywhere, whether the hub was kept waiting.

Greenlets usually hand control to each other without passing through the hub. While there is a tracer they do not, so
that what it sees is what people reason about: whoever waits switches to the hub.
"""

import sys
import traceback
from time import gmtime, perf_counter, strftime
from weakref import ref

from greenlet import getcurrent, gettrace, settrace

from gevent._hub_local import get_hub_if_exists

__all__ = ["GreenletTracer", "HubSwitchTracer", "MaxSwitchTracer"]

_SWITCHES = frozenset({"switch", "throw"})


def _no_hub():
    return None


class GreenletTracer:
    """Counts switches: the hub was blocked if there were none since the last time it was asked."""

    def __init__(self):
        self.active_greenlet = None
        """The greenlet that was switched to last; None when unknown, or when it may block."""
        self.greenlet_switch_counter = 0
        self._traced_hub = _no_hub
        hub = get_hub_if_exists()
        if hub is not None:
            hub.require_hub_passes()
            self._traced_hub = ref(hub)
        self.previous_trace_function = settrace(self)

    def __call__(self, event, args):
        """Take note of a trace event. Called by greenlet, in the middle of a switch: must not raise, wait or switch."""
        self.greenlet_switch_counter += 1
        self.active_greenlet = args[1] if event in _SWITCHES else None
        self._switched()
        if self.previous_trace_function is not None:
            self.previous_trace_function(event, args)

    def _switched(self):
        """For subclasses: the active greenlet has just changed."""

    def kill(self):
        """Stop tracing. To be called in the thread of the tracer; twice does no harm."""
        hub = self._traced_hub()
        self._traced_hub = _no_hub
        if hub is not None:
            hub.release_hub_passes()
        # With another trace function on top of this one, which will go on calling it, all that can be done is to
        # stay in the chain.
        if gettrace() is self:
            settrace(self.previous_trace_function)
            self.previous_trace_function = None

    def ignore_current_greenlet_blocking(self):
        """Let the greenlet that runs now block, until the next switch."""
        self.active_greenlet = None

    def monitor_current_greenlet_blocking(self):
        """Take back `ignore_current_greenlet_blocking`, in the same greenlet."""
        self.active_greenlet = getcurrent()

    def did_block_hub(self, hub):
        """Return ``(True, greenlet)`` if `greenlet` has kept `hub` from running, otherwise something false.

        May be asked from any thread. Begins a new count.
        """
        greenlet = self.active_greenlet
        switches, self.greenlet_switch_counter = self.greenlet_switch_counter, 0
        if switches or greenlet is None or greenlet is hub:
            return False
        return True, greenlet

    def did_block_hub_report(self, hub, active_greenlet, format_kwargs):
        """Return lines that tell what `active_greenlet` is doing, and everybody else in the process.

        `format_kwargs` are arguments for `gevent.util.format_run_info`.
        """
        from gevent._run_report import format_run_info

        when = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime())
        report = ["=" * 80, f"\n{when} : Greenlet {active_greenlet} appears to be blocked", f"    Reported by {self}"]
        frame = sys._current_frames().get(hub.thread_ident)
        if frame is None:
            report.append("The thread of the hub has no frame.")
        else:
            report.append(f"Blocked Stack (for thread id {hub.thread_ident:#x}):")
            report.append("".join(traceback.format_stack(frame)))
        report.append("Info:")
        report += format_run_info(**format_kwargs)
        return report


class _HubTracer(GreenletTracer):
    def __init__(self, hub, max_blocking_time):
        self.hub = hub
        self.max_blocking_time = float(max_blocking_time)
        super().__init__()

    def kill(self):
        super().kill()
        self.hub = None


class HubSwitchTracer(_HubTracer):
    """The hub was blocked if it has not been switched to for `max_blocking_time` seconds, whoever else ran."""

    def __init__(self, hub, max_blocking_time):
        self.last_entered_hub = float("-inf")
        super().__init__(hub, max_blocking_time)

    def _switched(self):
        if self.active_greenlet is self.hub:
            self.last_entered_hub = perf_counter()

    def did_block_hub(self, hub):
        if perf_counter() - self.last_entered_hub > self.max_blocking_time:
            return True, self.active_greenlet
        return False


class MaxSwitchTracer(_HubTracer):
    """The hub was blocked if any two switches, or the last one and now, are `max_blocking_time` seconds apart."""

    def __init__(self, hub, max_blocking_time):
        self.max_blocking = 0.0
        self.last_switch = perf_counter()
        super().__init__(hub, max_blocking_time)

    def _switched(self):
        now = perf_counter()
        self.max_blocking = max(self.max_blocking, now - self.last_switch)
        self.last_switch = now

    def did_block_hub(self, hub):
        if max(self.max_blocking, perf_counter() - self.last_switch) > self.max_blocking_time:
            return True, self.active_greenlet
        return False
