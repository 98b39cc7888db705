"""Ready-made pieces of HTTP responses: the answers to requests that went wrong."""

import time

from gevent._native.http import http_date

__all__ = ["ERRORS", "REASONS", "refusal"]

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
