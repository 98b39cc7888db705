"""From the bytes of a request's head to what a handler needs to know of it.

There are two ways. `gevent._native.http.Head` takes a head that has arrived whole, in one call of llhttp (through
`httptools`), and accepts only what is beyond doubt. For everything else it declines, and the head is read line by line:
`headers_factory` and `parse_request_line` know what HTTP/1 clients may also do, from continued header lines to
HTTP/0.9, and say what is wrong with the rest.

Both are strict where a proxy in front could understand something else: a header that is hard to parse is refused, not
dropped, and so is a length that is not a plain number or a transfer encoding that is not known.
"""

from http import client
from urllib.parse import unquote_to_bytes

from gevent._native.http import Head
from gevent.pywsgi._input import _TOKEN_CHARACTERS, MAX_REQUEST_LINE

__all__ = [
    "HEADERS_MAX",
    "OldMessage",
    "header_variables",
    "headers_factory",
    "new_head",
    "parse_request_line",
    "unquote_latin1",
]

HEADERS_MAX = 100
"""The greatest number of headers in a request."""

_HEADER_LINE_MAX = 65536
_CONTROL_CHARACTERS = bytes(set(range(32)) - {9})


class _InvalidClientRequest(ValueError):
    """The head of a request is no HTTP. `formatted_message` says why, for the log; the answer is "400 Bad Request"."""

    def __init__(self, message):
        super().__init__(message)
        self.formatted_message = message


class OldMessage(client.HTTPMessage):
    """The headers of a request, with the methods that such objects had in Python 2 besides those of today."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.status = ""

    def getheader(self, name, default=None):
        """Return the first header called `name`, or `default`."""
        return self.get(name, default)

    @property
    def headers(self):
        r"""Iterates over the headers as lines that end with ``\r\n``."""
        for name, value in self._headers:
            yield f"{name}: {value}\r\n"

    @property
    def typeheader(self):
        """The Content-Type, or None."""
        return self.get("content-type")

    @classmethod
    def _of(cls, pairs):
        """Return a message of the names and values in `pairs`."""
        message = cls()
        for pair in pairs:
            message.set_raw(*pair)
        return message


def headers_factory(fp, *args):
    """Read header lines from the binary file `fp` up to the empty one (or the end) and return an `OldMessage`.

    Raises _InvalidClientRequest, a ValueError, when a line is not a header. Waits for the client. What this refuses,
    `http.client.parse_headers` would leave out, up to and including all that follows.
    """
    pairs = []
    while True:
        line = fp.readline(_HEADER_LINE_MAX + 1)
        if len(line) > _HEADER_LINE_MAX:
            raise _InvalidClientRequest("Invalid headers status: 'Line too long'")
        text = line.rstrip(b"\r\n")
        if not text:
            return OldMessage._of(pairs)
        if text[0] in b" \t":
            if not pairs:
                raise _InvalidClientRequest(f"Invalid header: {line!r}")
            name, value = pairs.pop()
            # A blank, as RFC 9112 has it: the line break must not get into an environment.
            value += " " + _header_value(text)
        else:
            name, value = _header(line, text)
        pairs.append((name, value))
        if len(pairs) > HEADERS_MAX:
            raise _InvalidClientRequest(f"got more than {HEADERS_MAX} headers")


def _header(line, text):
    name, colon, value = text.partition(b":")
    if not colon or not name or not _TOKEN_CHARACTERS.issuperset(name):
        raise _InvalidClientRequest(f"Invalid header: {line!r}")
    return name.decode("latin-1"), _header_value(value)


def _header_value(value):
    if value.translate(None, _CONTROL_CHARACTERS) != value:
        raise _InvalidClientRequest(f"Invalid header value: {value!r}")
    return value.strip(b" \t").decode("latin-1")


def parse_request_line(line):
    """Return (method, target, version) of a request line without its end; "HTTP/0.9" if it names no version.

    Raises _InvalidClientRequest.
    """
    words = [word for word in line.split(" ") if word]
    if len(words) == 3:
        method, target, version = words
        if not _is_version(version):
            raise _InvalidClientRequest(f"Invalid http version: {line!r}")
        return method, target, version
    if len(words) == 2:
        method, target = words
        if method != "GET":
            raise _InvalidClientRequest(f"Expected GET method; Got command={method!r}; path={target!r}; raw={line!r}")
        return method, target, "HTTP/0.9"
    raise _InvalidClientRequest(f"Invalid HTTP method: {line!r}")


def _is_version(version):
    protocol, _, numbers = version.partition("/")
    major, dot, minor = numbers.partition(".")
    digits = major + minor
    if protocol != "HTTP" or not (dot and major and minor) or not (digits.isdecimal() and digits.isascii()):
        return False
    return len(digits) < 9 and (0, 9) <= (int(major), int(minor)) < (2, 0)


def unquote_latin1(path):
    """Return `path` with its percent escapes replaced by characters that stand for one byte each, as PEP 3333 asks."""
    return unquote_to_bytes(path.encode("latin-1")).decode("latin-1") if "%" in path else path


# Header names repeat endlessly: this holds what heads call them in an environment, by name in bytes.
_variable_of = {}


def _variable_name(name):
    # None for a header to be left out: "X_Y" would be taken for "X-Y", which a proxy may have vouched for.
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    if "_" in text:
        return None
    variable = text.upper().replace("-", "_")
    return variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"


def header_variables(pairs):
    """Return a dict of the variables that the headers in `pairs`, names and values as str, are in an environment.

    Values of headers that were sent more than once are joined, by commas or, for cookies, semicolons; of a content
    type the first one counts. Raises _InvalidClientRequest when content lengths differ.
    """
    variables = {}
    for name, value in pairs:
        variable = _variable_name(name)
        if variable is None:
            continue
        if variable in variables:
            value = _joined(variable, variables[variable], value)
        variables[variable] = value
    return variables


def _joined(variable, first, second):
    if variable == "CONTENT_LENGTH" and first != second:
        raise _InvalidClientRequest(f"Invalid Content-Length: {first!r} and {second!r}")
    if variable.startswith("CONTENT_"):
        return first
    separator = "; " if variable.startswith("HTTP_COOKIE") else ","
    return f"{first}{separator}{second}"


def new_head():
    """Return a `gevent._native.http.Head` for a connection."""
    return Head(_variable_name, _joined, _variable_of, MAX_REQUEST_LINE - 1, _HEADER_LINE_MAX)
