"""What an application says is sent as HTTP, or not at all, whichever way a handler is used (RFC 9110, 9112)."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wsgi_served import HANDLERS, INTERNAL_ERROR, Served, request, response  # noqa: E402

pytestmark = pytest.mark.parametrize("way", HANDLERS)


def saying(status, headers=(), body=(b"hello",)):
    def application(environ, start_response):
        if environ["PATH_INFO"] == "/next":
            start_response("200 OK", [("Content-Length", "4")])
            return [b"next"]
        start_response(status, list(headers))
        return list(body)

    return application


def answer(way, application, first=None):
    """Return what comes back for a request and another one behind it, and what was reported."""
    with Served(application, HANDLERS[way]) as it:
        return it.talk(request() if first is None else first, request("/next")), [error for _, error in it.reported]


NEXT = response("200 OK", "Content-Length: 4", "Date: now", body=b"next")


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints", "199 x"])
def test_an_interim_response_is_not_the_applications(way, status):
    """A body would follow it, and be taken for the next response (9110 15.2)."""
    said, reported = answer(way, saying(status))
    assert said == INTERNAL_ERROR and [type(each) for each in reported] == [AssertionError]


@pytest.mark.parametrize(
    "status", ["", "20", "20 x", "2000 OK", "OK 200", "200OK", "099 x", "-200 x", " 200 x", "2\xb20 x"]
)
def test_a_status_that_is_none_is_an_error(way, status):
    said, reported = answer(way, saying(status))
    assert said == INTERNAL_ERROR and [type(each) for each in reported] == [ValueError]


@pytest.mark.parametrize("status", ["200", "200 ", "299 \xe4", "600 x"])
def test_a_status_needs_no_reason(way, status):
    """But the blank before it (9112 4)."""
    said, reported = answer(way, saying(status, [("Content-Length", "5")]))
    assert not reported
    line = "200 " if status == "200" else status
    assert said == f"HTTP/1.1 {line}\r\n".encode("latin-1") + said.split(b"\r\n", 1)[1] and said.endswith(NEXT)


@pytest.mark.parametrize("close", ["close", "Close", "x, close", "close ,x", ",,close"])
def test_a_connection_that_is_said_to_close_is_closed(way, close):
    said, _ = answer(way, saying("200 OK", [("Connection", close)]))
    assert said == response("200 OK", f"Connection: {close}", "Date: now", "Content-Length: 5", body=b"hello")


@pytest.mark.parametrize("other", ["x", "closed", "close;x", ""])
def test_other_options_leave_a_connection_open(way, other):
    said, _ = answer(way, saying("200 OK", [("Connection", other)]))
    assert said == response("200 OK", f"Connection: {other}", "Date: now", "Content-Length: 5", body=b"hello") + NEXT


def test_a_length_is_said_once(way):
    said, _ = answer(way, saying("200 OK", [("Content-Length", "5"), ("content-length", "5")]))
    assert said == response("200 OK", "Content-Length: 5", "Date: now", body=b"hello") + NEXT


@pytest.mark.parametrize("other", ["6", "", "x", "-5", "5, 5"])
def test_two_lengths_are_an_error(way, other):
    said, reported = answer(way, saying("200 OK", [("Content-Length", "5"), ("Content-Length", other)]))
    assert said == INTERNAL_ERROR and [type(each) for each in reported] == [ValueError]


def test_a_length_is_not_said_beside_a_coding(way):
    """9112 6.2; and the end of the connection ends the body, since nobody has looked at it."""
    headers = [("Content-Length", "5"), ("Transfer-Encoding", "chunked")]
    said, _ = answer(way, saying("200 OK", headers, [b"5\r\nhello\r\n0\r\n\r\n"]))
    lines = ["Transfer-Encoding: chunked", "Connection: close", "Date: now"]
    assert said == response("200 OK", *lines, body=b"5\r\nhello\r\n0\r\n\r\n")
