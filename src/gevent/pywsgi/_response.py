"""Ready-made pieces of HTTP responses: the answers to requests that went wrong, and what a log calls the time."""

import time

from gevent._native.http import http_date

__all__ = ["ERRORS", "REASONS", "Clock", "refusal"]

REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "Request URI Too Long",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""What a server says by itself, by status code."""

ERRORS = {code: (f"{code} {reason}", b"") for code, reason in REASONS.items()}
"""Status line and body by status code, for when the application or the body of a request fails."""
ERRORS[500] = ("500 Internal Server Error", b"Internal Server Error")


def refusal(code):
    """Return the response, in bytes, to a request that never becomes an environment.

    Without the application and everything that it may have replaced.
    """
    head = [f"HTTP/1.1 {code} {REASONS[code]}", "Connection: close", "Content-length: 0"]
    lines = "".join(f"{line}\r\n" for line in head)
    return b"%bDate: %b\r\n\r\n" % (lines.encode("ascii"), http_date(time.time()))


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
