"""The head of a request where it is not read in one go: lines, messages and variables.

What is HTTP and what is refused is decided in one place, cpp/http, whichever way a head is read: whole, by
`gevent._native.http.Head`, or line by line for handlers that read lines themselves. So this file parses nothing.
"""

from http import client

from gevent._native.http import Head, joined, variable_name

__all__ = ["OldMessage", "header_variables", "headers_factory", "read_message"]

_LINE_MAX = 65536
_FIELDS_MAX = 100
_SIZE_MAX = 1 << 20


class _InvalidClientRequest(ValueError):
    """The head of a request is no HTTP, or beyond a limit. `formatted_message` says why, for the log.

    `status` is the answer's.
    """

    def __init__(self, message, status=400):
        super().__init__(message)
        self.formatted_message = message
        self.status = status


class OldMessage(client.HTTPMessage):
    """The headers of a request, with the methods that such objects had in Python 2 besides those of today."""

    _folded = False  # whether a line of it was continued

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
        """Return a message of the names and values in `pairs`, which are bytes."""
        message = cls()
        for name, value in pairs:
            message.set_raw(name.decode("latin-1"), value.decode("latin-1"))
        return message


def headers_factory(fp, *args):
    """Read header lines from the binary file `fp` up to the empty one and return an `OldMessage`.

    Raises _InvalidClientRequest, a ValueError, when a line is not a header, or the file ends before the empty line; an
    empty file has no headers. Waits for the client.
    """
    return read_message(fp, Head(_LINE_MAX, _LINE_MAX, _FIELDS_MAX, _SIZE_MAX, False), may_be_empty=True)


def read_message(fp, head, may_be_empty=False):
    """Do the same, with a `Head` that has the limits, and with no exception for empty files unless `may_be_empty`."""
    head.begin_fields()
    done = None
    while done is None:
        line = fp.readline(_LINE_MAX + 1)
        if not line:
            if may_be_empty:
                return OldMessage()
            head.end_early()
            break
        may_be_empty = False
        done = head.take(line)
    if not done:
        raise refused(head)
    message = OldMessage._of(head.pairs)
    message._folded = head.folded
    return message


def refused(head):
    """Return the exception for a `Head` that is refused."""
    status, reason = head.refusal
    return _InvalidClientRequest(reason, status)


def field_lines(message):
    """Return the headers of `message`, of whatever class, as the bytes of a head, with its end."""
    lines = [f"{name}: {value}\r\n" for name, value in message.items()]
    return "".join([*lines, "\r\n"]).encode("latin-1")


def header_variables(pairs):
    """Return a dict of the variables that the headers in `pairs`, names and values as str, are in an environment.

    Values of headers that were sent more than once are joined, by commas or, for cookies, semicolons; of a content
    type the first one counts.
    """
    variables = {}
    for name, value in pairs:
        variable = variable_name(name)
        if variable is None:
            continue
        if variable in variables:
            value = joined(variable, variables[variable], value)
        variables[variable] = value
    return variables
