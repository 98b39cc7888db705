"""What the parent of ``python -m gevent serve`` tells of its workers: a status line, Prometheus's metrics, statsd."""

import os
import shutil
import socket as _stdlib_socket
import sys
from time import monotonic

import gevent
from gevent.pywsgi import WSGIServer
from gevent.supervisor import _listeners
from gevent.supervisor._meter import BOUNDS_S, add, quantile
from gevent.supervisor._worker import parent_ends

__all__ = ["LINE_ANEW", "MetricsServer", "Status", "is_terminal", "prometheus_text", "send_statsd"]

#: What begins a terminal's line anew, where the status is.
LINE_ANEW = "\r\x1b[K"
#: How often each of them speaks, in seconds.
INTERVAL_S = 1.0
#: How long a worker may take to say how it is before its last word counts, in seconds.
ANSWER_S = 0.5
#: (name, kind, what, key): as Prometheus's own libraries call them.
_OF_PROCESSES = (
    ("process_cpu_seconds_total", "counter", "Processor time.", "cpu_s"),
    ("process_resident_memory_bytes", "gauge", "Memory in use.", "rss_bytes"),
    ("process_virtual_memory_bytes", "gauge", "Addresses in use.", "virtual_bytes"),
    ("process_virtual_memory_max_bytes", "gauge", "Addresses that there may be; -1: no limit.", "virtual_bytes_max"),
    ("process_open_fds", "gauge", "Open descriptors.", "fds"),
    ("process_max_fds", "gauge", "Descriptors that there may be.", "fds_max"),
    ("process_start_time_seconds", "gauge", "When the process began, since the epoch.", "started_s"),
)
_NOTHING = {"requests": 0, "seconds": 0.0, "buckets": [0] * (len(BOUNDS_S) + 1)}


def totals(supervisor):
    """Return what all workers, those that have ended included, have counted."""
    sums = {**_NOTHING}
    for snapshot in [*supervisor.past.values(), *(each.beat for each in supervisor.members)]:
        if "buckets" in snapshot:
            add(sums, snapshot)
    return sums


class Status:
    """A line on a terminal, written over itself each second."""

    def __init__(self, supervisor, stream):
        self._supervisor = supervisor
        self._stream = stream
        self._before = totals(supervisor)
        self._at = monotonic()

    def run(self):
        """Go on for ever; for a greenlet."""
        while True:
            gevent.sleep(INTERVAL_S)
            columns = shutil.get_terminal_size().columns
            try:
                self._stream.write(LINE_ANEW + self.line()[: columns - 1])
                self._stream.flush()
            except OSError:
                return  # the terminal was closed

    def line(self):
        """Return what there is to say since the last call."""
        now, at = totals(self._supervisor), monotonic()
        rate = (now["requests"] - self._before["requests"]) / max(at - self._at, 1e-9)
        recent = [max(0, a - b) for a, b in zip(now["buckets"], self._before["buckets"])]
        self._before, self._at = now, at
        p99_s = quantile(recent, 0.99)
        members = self._supervisor.members
        stall_s = max((each.beat.get("stall_s", 0.0) for each in members), default=0.0)
        p99 = "-" if p99_s is None else f"{1000 * p99_s:g} ms"
        ready = sum(each.is_ready for each in members)
        workers = f"{ready} worker{'s' * (ready != 1)}"
        return f"{workers}  {rate:.0f} requests/s  p99 <= {p99}  longest stall {1000 * stall_s:.0f} ms"


def prometheus_text(supervisor):
    """Return the metrics in Prometheus's text format."""
    by_worker = _by_worker(supervisor)
    lines = []

    def family(name, kind, what, samples):
        lines.append(f"# HELP {name} {what}")
        lines.append(f"# TYPE {name} {kind}")
        lines.extend(f"{name}{suffix}{labels} {value}" for suffix, labels, value in samples)

    def each(key):
        return [("", f'{{worker="{number}"}}', beat[key]) for number, beat in by_worker.items() if key in beat]

    family("gevent_requests_total", "counter", "Requests answered.", each("requests"))
    family("gevent_request_seconds", "histogram", "How long applications took.", _histogram(by_worker))
    ready = sum(member.is_ready for member in supervisor.members)
    family("gevent_workers", "gauge", "Workers that accept.", [("", "", ready)])
    family("gevent_greenlets", "gauge", "Greenlets that have not ended.", each("greenlets"))
    family("gevent_hub_stall_seconds", "gauge", "Longest time lately in which a hub did not turn.", each("stall_s"))
    family("gevent_worker_restarts_total", "counter", "Workers replaced.", [("", "", supervisor.restarts)])
    for name, kind, what, key in _OF_PROCESSES:
        family(name, kind, what, each(key))
    return "\n".join(lines) + "\n"


def _by_worker(supervisor):
    found = {}
    for member in sorted(supervisor.members, key=lambda each: (each.number, each.generation)):
        beat = {**_NOTHING, **member.beat}
        earlier = found.get(member.number) or supervisor.past.get(member.number)
        if earlier:
            add(beat, {key: earlier[key] for key in _NOTHING})
        found[member.number] = beat
    return found


def _histogram(by_worker):
    samples = []
    for number, beat in by_worker.items():
        seen = 0
        for bound, count in zip((*BOUNDS_S, "+Inf"), beat["buckets"]):
            seen += count
            samples.append(("_bucket", f'{{worker="{number}",le="{bound}"}}', seen))
        samples.append(("_sum", f'{{worker="{number}"}}', beat["seconds"]))
        samples.append(("_count", f'{{worker="{number}"}}', beat["requests"]))
    return samples


def metrics_application(supervisor):
    """Return a WSGI application that answers with the metrics as they are now, at any path."""

    def application(environ, start_response):
        supervisor.ask_all(ANSWER_S)
        body = prometheus_text(supervisor).encode()
        headers = [("Content-Type", "text/plain; version=0.0.4; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    return application


class MetricsServer(WSGIServer):
    """Serves the metrics, in the parent alone: what it has open is no worker's."""

    @classmethod
    def bound_to(cls, address, supervisor):
        """Return one that listens on `address`, ``HOST:PORT``. Raises ValueError or OSError that name ``--metrics``."""
        try:
            (listener,) = _listeners.bind_all([address])
        except ValueError as error:
            raise ValueError(f"--metrics: {error}") from None
        except OSError as error:
            raise OSError(error.errno, f"--metrics: {error.strerror}") from None
        parent_ends.keep(listener)
        server = cls(listener, metrics_application(supervisor), log=None)
        server.address = _listeners.describe(listener)
        return server

    def handle(self, connection, address):
        """As any; a worker that is forked meanwhile gives its copy of the connection up."""
        parent_ends.keep(connection)
        try:
            super().handle(connection, address)
        finally:
            parent_ends.drop(connection)


class _Statsd:
    """Sends to one address by UDP, and says when that fails, once, until it has worked again."""

    def __init__(self, host, port):
        self._to = (host, port)
        self._failing = False
        family = _stdlib_socket.AF_INET6 if ":" in host else _stdlib_socket.AF_INET
        self._socket = gevent.socket.socket(family, _stdlib_socket.SOCK_DGRAM)

    def send(self, lines):
        try:
            self._socket.sendto("\n".join(lines).encode(), self._to)
        except OSError as error:
            if not self._failing:
                print(f"serve: statsd at {self._to[0]}:{self._to[1]}: {error}", file=sys.stderr, flush=True)
            self._failing = True
        else:
            self._failing = False


def send_statsd(supervisor, address):
    """Send counts to `address`, ``(host, port)``, each second, for ever; for a greenlet."""
    statsd = _Statsd(*address)
    before = totals(supervisor)
    while True:
        gevent.sleep(INTERVAL_S)
        now = totals(supervisor)
        lines = [f"gevent.requests:{now['requests'] - before['requests']}|c"]
        p99_s = quantile([max(0, a - b) for a, b in zip(now["buckets"], before["buckets"])], 0.99)
        if p99_s is not None:
            lines.append(f"gevent.request.p99:{1000 * p99_s:g}|ms")
        lines.append(f"gevent.workers:{sum(each.is_ready for each in supervisor.members)}|g")
        before = now
        statsd.send(lines)


def is_terminal(stream):
    """Return whether somebody looks at `stream`."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"
