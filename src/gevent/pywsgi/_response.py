"""Ready-made pieces of HTTP responses: dates, and the answers to requests that went wrong."""

from email.utils import formatdate

__all__ = ["BAD_REQUEST", "ERRORS", "REQUEST_TOO_LONG", "Clock", "format_date_time", "http_date"]


def _refusal(status):
    head = ["HTTP/1.1 " + status, "Connection: close", "Content-length: 0"]
    return "".join(f"{line}\r\n" for line in [*head, ""]).encode("ascii")


# For requests that never become an environment: without the application and everything that it may have replaced.
BAD_REQUEST = _refusal("400 Bad Request")
REQUEST_TOO_LONG = _refusal("414 Request URI Too Long")

ERRORS = {
    400: ("400 Bad Request", b""),
    500: ("500 Internal Server Error", b"Internal Server Error"),
}
"""Status line and body by status code, for when the application or the body of a request fails."""


def format_date_time(timestamp):
    """Return the time `timestamp`, in seconds since the epoch, as HTTP writes it, in bytes. Whatever the locale."""
    return formatdate(timestamp, usegmt=True).encode("ascii")


class Clock:
    """What time it is in words, which change once a second and are needed for each request."""

    __slots__ = ("_format", "_second", "_words")

    def __init__(self, format_second):
        self._format = format_second
        self._second = self._words = None

    def __call__(self, now):
        """Return what ``format_second(int(now))`` does."""
        second = int(now)
        if second != self._second:
            self._words = self._format(second)
            self._second = second
        return self._words


http_date = Clock(format_date_time)
"""The value of a Date header at a time in seconds."""
