"""Lines of the access log after a template, in the manner of Apache's ``LogFormat``."""

import re
import time

from gevent.pywsgi._log import escaped

__all__ = ["NAMED", "LogFormat"]

NAMED = {
    "common": '%h %l %u %t "%r" %>s %b',
    "combined": '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
}
"""Templates that have a name."""

_DIRECTIVE = re.compile(r"%(?:>|<)?(?:\{([^}]*)\}([ioet])|([a-zA-Z%]))")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class LogFormat:
    """Makes lines after `template`, or the one in `NAMED` that is called so. ValueError for an unknown directive."""

    def __init__(self, template):
        template = NAMED.get(template, template)
        self._parts, position = [], 0
        for found in _DIRECTIVE.finditer(template):
            self._parts += [template[position : found.start()], self._value_of(found)]
            position = found.end()
        self._parts.append(template[position:])
        if any("%" in part for part in self._parts if isinstance(part, str)):
            raise ValueError(f"an unknown directive in the log format {template!r}")

    @staticmethod
    def _value_of(found):
        name, kind, letter = found.groups()
        if letter == "%":
            return lambda handler: "%"
        if kind is not None:
            value = _NAMED_VALUES[kind]
            return lambda handler: value(handler, name)
        if letter not in _VALUES:
            raise ValueError(f"an unknown directive in a log format: {found.group()!r}")
        return _VALUES[letter]

    def __call__(self, handler):
        """Return the line for the request that `handler` has answered, with nothing in it that could end it."""
        return "".join(part if isinstance(part, str) else _clean(part(handler)) for part in self._parts)


def _clean(value):
    return "-" if value is None or value == "" else escaped(str(value), quoted=True)


def _environ(handler, name):
    return (handler.environ or {}).get(name)


def _host(handler):
    client = handler.client_address
    return client[0] if isinstance(client, tuple) else client


def _time(_handler):
    now = time.localtime()
    zone = now.tm_gmtoff // 60
    sign, zone = ("-", -zone) if zone < 0 else ("+", zone)
    month = _MONTHS[now.tm_mon - 1]
    clock = f"{now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02}"
    return f"[{now.tm_mday:02}/{month}/{now.tm_year}:{clock} {sign}{zone // 60:02}{zone % 60:02}]"


def _status(handler):
    return handler.code if isinstance(handler.code, int) and handler.code > 0 else None


def _seconds(handler):
    return handler.time_finish - handler.time_start if handler.time_finish else 0


def _words(handler, index):
    words = (handler.requestline or "").split(" ")
    return words[index] if len(words) == 3 else None


def _request_header(handler, name):
    variable = name.upper().replace("-", "_")
    return _environ(handler, variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}")


def _response_header(handler, name):
    wanted = name.lower().encode("latin-1")
    for each, value in handler.response_headers or ():
        if each.lower() == wanted:
            return value.decode("latin-1")
    return None


_NAMED_VALUES = {
    "i": _request_header,
    "o": _response_header,
    "e": _environ,
    "t": lambda handler, name: time.strftime(name),
}
_VALUES = {
    "h": _host,
    "a": _host,
    "l": lambda handler: None,
    "u": lambda handler: _environ(handler, "REMOTE_USER"),
    "t": _time,
    "r": lambda handler: handler.requestline,
    "s": _status,
    "b": lambda handler: handler.response_length or None,
    "B": lambda handler: handler.response_length or 0,
    "D": lambda handler: int(_seconds(handler) * 1e6),
    "T": lambda handler: f"{_seconds(handler):.6f}",
    "m": lambda handler: _words(handler, 0),
    "U": lambda handler: (_words(handler, 1) or "").partition("?")[0],
    "q": lambda handler: "".join((_words(handler, 1) or "").partition("?")[1:]),
    "H": lambda handler: _words(handler, 2),
    "v": lambda handler: _environ(handler, "SERVER_NAME"),
    "p": lambda handler: _environ(handler, "SERVER_PORT"),
}
