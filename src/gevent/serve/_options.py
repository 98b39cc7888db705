"""The options of ``python -m gevent serve``: from the command line, else ``GEVENT_SERVE_<NAME>``, else defaults."""

import argparse
import os

__all__ = ["parse"]

_USAGE = "python -m gevent serve [OPTIONS] MODULE:APP"
_DEFAULT_BIND = "127.0.0.1:8000"
_TRUE = ("1", "true", "yes", "on")


def _processes(text):
    if text == "auto":
        return None
    return _at_least(1, int, text, "give a number from 1 on, or auto for as many as this process may use processors")


def _seconds(text):
    return _at_least(0, float, text, "give seconds, from 0 on")


def _count(text):
    return _at_least(0, int, text, "give a whole number, from 0 on")


def _limit(text):
    if text.lower() in ("none", "off"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    number = _at_least(0, float, text, "give a number from 0 on, or none for no limit")
    return int(number) if number == int(number) else number


def _at_least(least, kind, text, what_to_do):
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not least <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} will not do: {what_to_do}")
    return number


# (name, type or bool, default, metavar, help); the limits of pywsgi.WSGIServer come besides.
_OPTIONS = [
    ("bind", [str], None, "ADDRESS", f"HOST:PORT or unix:PATH; may be repeated ({_DEFAULT_BIND})"),
    ("processes", _processes, None, "N|auto", "worker processes; auto: the processors this process may use (auto)"),
    ("start-method", str, None, "METHOD", "fork, forkserver or spawn"),
    ("factory", bool, False, None, "APP is a function that returns the application"),
    ("app-dir", str, None, "DIR", "where MODULE is looked for first (the current directory)"),
    ("preload", bool, False, None, "import the application before the workers are forked"),
    ("no-patch", bool, False, None, "do not patch the standard library before the application is imported"),
    ("connections", _count, None, "N", "connections at a time, in each worker (no limit)"),
    ("certfile", str, None, "FILE", "serve TLS with this certificate"),
    ("keyfile", str, None, "FILE", "its key, unless the certificate's file has it"),
    ("access-log", str, None, "FILE", "a line for each request; - is standard output (none)"),
    ("log-format", str, None, "FORMAT", "a template of the access log's lines, or the name of one, such as combined"),
    ("graceful-timeout", _seconds, 30.0, "SECONDS", "for what is under way when a worker is to end (30)"),
    ("hang-timeout", _seconds, 30.0, "SECONDS", "a worker whose hub does not turn for so long is replaced (30)"),
    ("max-requests", _count, 0, "N", "replace a worker after so many requests (never)"),
    ("max-requests-jitter", _count, 0, "N", "and up to so many more, so that they do not all go at once (0)"),
    ("max-memory", _count, 0, "MB", "replace a worker that has more memory than this (never)"),
    ("reload", bool, False, None, "reload when a source file of the program changes"),
    ("pid", str, None, "FILE", "write this process's id there, while it runs"),
    ("statsd", str, None, "HOST:PORT", "send counts there, by UDP"),
    ("metrics", str, None, "HOST:PORT", "serve Prometheus's metrics there"),
    ("trusted-proxy", [str], None, "ADDRESS", "address or network whose X-Forwarded-* count; may be repeated"),
]


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"serve: {message}; python -m gevent serve --help lists the options\n")


def _limits():
    from gevent.pywsgi import _limits

    return [name for name in _limits.LIMITS if name != "connections_max"]


def _make_parser():
    parser = _Parser(prog=_USAGE, usage=_USAGE, add_help=False, description=__doc__.partition("\n")[0])
    parser.add_argument("application", metavar="MODULE:APP", help="a WSGI application")
    parser.add_argument("-h", "--help", action="store_true", help="this text")
    for name, kind, _, metavar, text in _OPTIONS:
        if kind is bool:
            parser.add_argument(f"--{name}", action="store_const", const=True, help=text)
        elif isinstance(kind, list):
            parser.add_argument(f"--{name}", action="append", metavar=metavar, help=text)
        else:
            parser.add_argument(f"--{name}", type=kind, metavar=metavar, help=text)
    for name in _limits():
        parser.add_argument("--" + name.replace("_", "-"), type=_limit, metavar="N", dest=f"limit_{name}")
    return parser


def help_text():
    """Return the help: one screen."""
    lines = [
        f"usage: {_USAGE}",
        "",
        "Serve a WSGI application with several processes. Each option is also GEVENT_SERVE_<NAME> in the environment.",
        "",
    ]
    for name, _, _, metavar, text in _OPTIONS:
        lines.append(f"  {f'--{name} {metavar}' if metavar else f'--{name}':<28} {text}")
    lines += ["", "Limits of gevent.pywsgi.WSGIServer, each --NAME N (docs/serving.rst has the table):"]
    row = "   "
    for name in _limits():
        word = " --" + name.replace("_", "-")
        if len(row) + len(word) > 110:
            lines.append(row)
            row = "   "
        row += word
    lines += [
        row,
        "",
        "Signals: TERM and INT stop gracefully, a second INT at once; HUP reloads; USR1 opens logs again; TTIN and",
        "TTOU add and take a worker. Exit status: 0 stopped, 1 application or configuration wrong, 2 usage, 3 workers",
        "that end at their start, five times in a row.",
    ]
    return "\n".join(lines)


def _from_environment(parser, options, environment):
    for name, kind, default, _, _ in _OPTIONS:
        attribute = name.replace("-", "_")
        if getattr(options, attribute) is not None:
            continue
        text = environment.get(f"GEVENT_SERVE_{attribute.upper()}")
        value = default if text is None else _convert(parser, name, kind, text)
        setattr(options, attribute, value)
    options.limits = {}
    for name in _limits():
        value = getattr(options, f"limit_{name}")
        text = environment.get(f"GEVENT_SERVE_{name.upper()}")
        if value is None and text is not None:
            value = _convert(parser, name, _limit, text)
        if value is not None:
            options.limits[name] = value


def _convert(parser, name, kind, text):
    if kind is bool:
        return text.lower() in _TRUE
    if isinstance(kind, list):
        return text.replace(",", " ").split()
    try:
        return kind(text)
    except argparse.ArgumentTypeError as error:
        parser.error(f"GEVENT_SERVE_{name.upper().replace('-', '_')}: {error}")


def parse(arguments, environment=os.environ):
    """Return the options as a namespace; exits with 2 and one line for what cannot be understood, with 0 for --help."""
    parser = _make_parser()
    if "-h" in arguments or "--help" in arguments:
        print(help_text())
        parser.exit(0)
    options = parser.parse_args(arguments)
    _from_environment(parser, options, environment)
    if not options.bind:
        from gevent.supervisor._listeners import passed_by_systemd

        options.bind = [] if passed_by_systemd(environment) else [_DEFAULT_BIND]  # it has bound already
    if options.start_method not in (None, "fork", "forkserver", "spawn"):
        parser.error(f"there is no start method {options.start_method!r}: fork, forkserver or spawn")
    if options.keyfile and not options.certfile:
        parser.error("--keyfile needs --certfile")
    if not options.application.partition(":")[0]:
        parser.error(f"{options.application!r} names no module: give MODULE:APP")
    return options
