"""Ready-made pieces of HTTP responses: dates, and the answers to requests that went wrong."""
import time

__all__ = ["BAD_REQUEST", "ERRORS", "REQUEST_TOO_LONG", "Clock", "format_date_time"]

# Before there is an environment, without the application and everything that it may have replaced.
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-length: 0\r\n\r\n"
REQUEST_TOO_LONG = b"HTTP/1.1 414 Request URI Too Long\r\nConnection: close\r\nContent-length: 0\r\n\r\n"

ERRORS = {
    400: ("400 Bad Request", b""),
    500: ("500 Internal Server Error", b"Internal Server Error"),
}
"""Status line and body by status code, for when the application or the body of a request fails."""

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_date_time(timestamp):
    """Return the time `timestamp`, in seconds since the epoch, as HTTP writes it, in bytes. Whatever the locale."""
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(timestamp)
    text = f"{_WEEKDAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
    return text.encode("ascii")


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
