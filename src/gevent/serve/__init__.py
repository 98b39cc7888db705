"""``python -m gevent serve MODULE:APP``: a WSGI application on all processors, with one command.

``python -m gevent serve --help`` lists the options; `gevent.supervisor` keeps the workers. From gevent-mp; gevent has
no such thing.
"""

import os
import sys
from functools import partial

from gevent.serve import _options, _streams

__all__ = ["main"]

EXIT_CONFIGURATION = 1


def main(arguments=None):
    """Serve as `arguments` (by default `sys.argv`) say until somebody stops it; return the exit status.

    Patches the standard library, multiprocessing included, before the application is imported, unless told not to.
    """
    _streams.have_all()
    options = _options.parse(sys.argv[1:] if arguments is None else arguments)
    if not options.no_patch:
        from gevent import monkey

        monkey.patch_all(multiprocessing=True)
    from gevent.serve._application import ConfigurationError

    try:
        return _serve(options)
    except ConfigurationError as error:
        _say(str(error))
    except (OSError, ValueError) as error:
        _say(_of_the_system(error))
    return EXIT_CONFIGURATION


def _say(line, begin=""):
    _streams.tell(sys.stderr, f"{begin}serve: {line}")


def _of_the_system(error):
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    if "cannot listen on" in error.strerror:
        another = "; choose another --bind" if error.strerror.startswith("cannot") else "; choose another address"
        return error.strerror + another * ("in use" in error.strerror)
    return f"{error.filename or error.strerror}: {error.strerror}"


def _serve(options):
    import gevent
    from gevent.serve import _checks, _report
    from gevent.serve._worker import serve_in
    from gevent.supervisor import Supervisor

    _checks.check(options)
    options.preloaded = []
    # Where the workers write to the terminal too, a line that is written over would be in their way.
    has_status = _report.is_terminal(sys.stdout) and options.access_log != "-"
    supervisor = Supervisor(
        partial(serve_in, options),
        processes=options.processes,
        listeners=options.bind,
        start_method=options.start_method,
        graceful_timeout=options.graceful_timeout,
        hang_timeout=options.hang_timeout,
        preload=_preload(options),
        say=partial(_say, begin=_report.LINE_ANEW if has_status and sys.stderr.isatty() else ""),
    )
    metrics = _report.MetricsServer.bound_to(options.metrics, supervisor) if options.metrics else None

    def tell_where(addresses):
        for address in addresses:
            _streams.tell(sys.stdout, f"listening on {address}")
        if metrics is not None:
            _streams.tell(sys.stdout, f"metrics on {metrics.address}")

    supervisor.listening.append(tell_where)
    supervisor.worker_ready.append(_Announcer(supervisor, options))
    with _PidFile(options.pid, supervisor) as pid_file:
        supervisor.listening.append(pid_file.write)
        if metrics is not None:
            metrics.start()
        if options.statsd:
            gevent.spawn(_report.send_statsd, supervisor, options.statsd)
        if has_status:
            gevent.spawn(_report.Status(supervisor, sys.stdout).run)
        try:
            return supervisor.run()
        finally:
            if has_status:
                _streams.tell(sys.stdout, "")  # what comes next has a line of its own


def _preload(options):
    if not options.preload:
        return None
    from gevent.serve import _sources
    from gevent.serve._application import load

    def preload():
        before = set(sys.modules)
        load(options.application, options.factory, options.app_dir)
        options.preloaded = _sources.of_the_program(set(sys.modules) - before, options.application)

    return preload


class _Announcer:
    """Says ``ready``, once, when all workers accept."""

    def __init__(self, supervisor, options):
        self._supervisor = supervisor
        self._said = False

    def __call__(self, record):
        if not self._said and all(each.is_ready for each in self._supervisor.members):
            self._said = True
            _streams.tell(sys.stdout, "ready")


class _PidFile:
    """Has this process's id from `write` on until the block ends. One of another process is not touched before.

    Where it cannot be written, `supervisor` ends: whoever is to signal this process would signal another one, or none.
    """

    def __init__(self, path, supervisor):
        self._path = path and os.path.abspath(path)
        self._supervisor = supervisor
        self._written = False

    def write(self, _addresses):
        if not self._path:
            return
        try:
            with open(self._path, "w", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")
        except OSError as error:
            if os.path.isfile(self._path):
                os.unlink(self._path)  # what there is of it is nobody's id
            self._supervisor.give_up(EXIT_CONFIGURATION, f"--pid {self._path}: {error.strerror}")
        else:
            self._written = True

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if not self._written:
            return
        try:
            with open(self._path, encoding="ascii") as file:
                ours = file.read().strip() == str(os.getpid())
            if ours:
                os.unlink(self._path)
        except OSError:
            pass  # somebody was faster
