"""The server in each worker of ``python -m gevent serve``."""

import contextlib
import random
import sys

import gevent
from gevent import pywsgi
from gevent.baseserver import BaseServer
from gevent.event import Event
from gevent.pool import Pool
from gevent.serve._application import load
from gevent.serve._sources import Watched

__all__ = ["Servers", "serve_in"]

#: How often sources and memory are looked at, in seconds.
LOOK_S = 1.0


class Servers(BaseServer):
    """One `pywsgi.WSGIServer` for each listener, as if they were one server."""

    max_accept = 1

    def __init__(self, servers, pool):
        self._servers = servers
        self.pool = pool  # of all
        self._stop_event = Event()  # of all of them: one that has failed leaves the others

    def start(self):
        """Start each."""
        for server in self._servers:
            server._share = self._share
            server.start()

    def stop(self, timeout=None):
        """Stop all at the same time; returns once all have."""
        gevent.joinall([gevent.spawn(server.stop, timeout) for server in self._servers])


class _Server(pywsgi.WSGIServer):
    idle_grace = 1.0


class _Log:
    """An access log that can be opened again. A line is one write, so that those of several workers are not mixed."""

    def __init__(self, path):
        self._path = path
        self._file = self._open()
        self._failing = False

    def _open(self):
        return None if self._path == "-" else open(self._path, "ab", buffering=0)

    def open(self):
        """Open the file anew: somebody has moved the old one away. If that fails, the old one goes on."""
        try:
            new = self._open()
        except OSError as error:
            _say(f"--access-log {self._path} cannot be opened again: {error.strerror}")
            return
        old, self._file = self._file, new
        if old is not None:
            with contextlib.suppress(OSError):
                old.close()

    def write(self, text):
        """Append `text`, lines with their ends. What cannot be written is lost, and the first time told."""
        try:
            if self._path == "-":
                sys.stdout.write(text)
                sys.stdout.flush()
            else:
                self._file.write(text.encode("utf-8", "backslashreplace"))
        except (OSError, AttributeError) as error:  # or there is no standard output
            if not self._failing:
                _say(f"the access log cannot be written: {error}")
            self._failing = True
        else:
            self._failing = False


def _say(line):
    with contextlib.suppress(OSError):
        print(f"serve: {line}", file=sys.stderr, flush=True)


def serve_in(options, worker):
    """The target of the supervisor, with `options` bound: load the application, return the server for `worker`."""
    if worker.generation:
        # Reloaded: what was imported before the workers were forked is the old application.
        for name in options.preloaded:
            sys.modules.pop(name, None)
    application = load(options.application, options.factory, options.app_dir)
    log = _Log(options.access_log) if options.access_log else None
    if log is not None:
        worker.reopen.append(log.open)
    _retire_by_requests(options, worker)
    if options.max_memory:
        gevent.spawn(_retire_by_memory, options.max_memory * 1_000_000, worker)
    if options.reload and worker.number == 0:
        gevent.spawn(_watch_sources, worker)
    counted = worker.count(application)
    keywords = dict(options.limits)
    if options.certfile:
        keywords.update(certfile=options.certfile, keyfile=options.keyfile)
    if options.trusted_proxy:
        keywords["trusted_proxies"] = options.trusted_proxy
    if options.log_format:
        keywords["log_format"] = options.log_format
    # One pool for all listeners: --connections is a worker's number.
    pool = Pool(options.connections or None)
    return Servers(
        [
            _Server(listener, counted, spawn=pool, log=log, environ=_environ(options), **keywords)
            for listener in worker.listeners
        ],
        pool,
    )


def _environ(options):
    return {"wsgi.multiprocess": options.processes != 1}


def _retire_by_requests(options, worker):
    if not options.max_requests:
        return
    left = options.max_requests + random.randint(0, options.max_requests_jitter)

    def count():
        nonlocal left
        left -= 1
        if left == 0:
            worker.retire(f"has served its {options.max_requests} requests")

    worker.meter.on_request = count


def _retire_by_memory(bytes_max, worker):
    from gevent.top._server import rss_bytes

    while True:
        gevent.sleep(LOOK_S)
        if rss_bytes() > bytes_max:
            worker.retire(f"has more than {bytes_max // 1_000_000} MB of memory")
            return


def _watch_sources(worker):
    sources = Watched()
    while True:
        file = sources.changed()
        if file is not None:
            worker.changed(file)
        gevent.sleep(LOOK_S)
