"""What the WSGI server makes of requests, good and bad; and that there is no second request hidden in one."""

import pytest
from wsgi_served import (
    CHUNKED,
    HANDLERS,
    REFUSED,
    Served,
    echo,
    hello,
    ignoring,
    request,
    response,
)

from gevent import pywsgi


@pytest.fixture(params=HANDLERS)
def served(request):
    return lambda application, **arguments: Served(application, HANDLERS[request.param], **arguments)


def test_the_environment_has_what_the_specification_asks_for(served):
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [])
        return []

    with served(application, environ={"own": 1}) as it:
        it.talk(
            request(
                "/a%20b/%E4?q=%20",
                "Host: h",
                "X-One: 1",
                "x-one: 2",
                "X_Two: 3",
                "Cookie: a=1",
                "Cookie: b=2",
                "Content-Type: t/u",
                "Trailing: blank  ",
                method="POST",
            )
        )
        expected = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/a b/\xe4",
            "QUERY_STRING": "q=%20",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "h",
            "HTTP_X_ONE": "1,2",
            "HTTP_COOKIE": "a=1; b=2",
            "CONTENT_TYPE": "t/u",
            "HTTP_TRAILING": "blank",
            "own": 1,
            "wsgi.url_scheme": "http",
            "wsgi.multithread": False,
            "wsgi.errors": it.errors,
            "SERVER_PORT": str(it.server.server_port),
            "wsgi.input_terminated": True,
        }
    assert {name: seen[name] for name in expected} == expected
    assert type(seen) is dict and int(seen["REMOTE_PORT"]) > 0 and seen["SERVER_NAME"]
    assert seen["SERVER_SOFTWARE"].startswith("gevent/")
    assert not {"HTTP_X_TWO", "CONTENT_LENGTH", "HTTP_CONTENT_TYPE"} & set(seen)


def test_continued_header_lines_are_joined_by_a_blank(served):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [environ["HTTP_LONG"].encode()]

    with served(application) as it:
        assert it.talk(request("/", "Long: one", "  two", "\tthree")).endswith(b"\r\n\r\none two three")


@pytest.mark.parametrize(
    "body, read",
    [
        (b"hello", b"hello"),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b'2\r\nhe\r\n3;name="va lue"\r\nllo\r\n000\r\nTrailer: x\r\nOther: y\r\n\r\n', b"hello"),
        (b"0\r\n\r\n", b""),
    ],
)
def test_a_body_is_read_to_its_end_and_no_further(served, body, read):
    framing = "Content-Length: 5" if body == b"hello" else CHUNKED
    with served(echo) as it:
        answer = it.talk(request("/", framing, method="POST", body=body) + request("/after"))
        assert answer == response("200 OK", "Date: now", f"Content-Length: {len(read)}", body=read) + response(
            "200 OK", "Date: now", "Content-Length: 0"
        )


@pytest.mark.parametrize(
    "framing, body",
    [
        ("Content-Length: 5", b"GET /"),
        (CHUNKED, b"5\r\nGET /\r\n0\r\n\r\n"),
        ("Content-Length: 70000", b"x" * 70000),
    ],
)
def test_what_the_application_does_not_read_is_no_request(served, framing, body):
    with served(ignoring) as it:
        unread = request("/", framing, method="POST", body=body)
        assert it.talk(unread * 2) == response("200 OK", "Date: now", "Content-Length: 2", body=b"ok") * 2
        assert len(it.log) == 2 and not it.errors


@pytest.mark.parametrize(
    "body",
    [
        b"g\r\nhello\r\n0\r\n\r\n",
        b"-5\r\n",
        b"+5\r\n",
        b"0x5\r\n",
        b" 5\r\n",
        b"5 \r\n",
        b"5_0\r\n",
        b"\r\n",
        b"5\nhello",
        b"fffffffffffffffff\r\n",
        b"5;" + b"x" * 9000,
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"0\r\nno trailer\r\n\r\n",
        b"0\r\nGET / HTTP/1.1\r\n\r\n",
        b"0\r\nA: " + b"x" * 9000,
        b"5\r\nhello\r\n",
    ],
)
def test_chunks_that_are_none_are_refused_and_nothing_after_them_is_read(served, body):
    with served(echo) as it:
        answer = it.talk(request("/", CHUNKED, method="POST", body=body), request("/smuggled"))
        assert answer == response(
            "400 Bad Request", "Content-Type: text/plain", "Connection: close", "Content-Length: 0", "Date: now"
        )
        assert not it.reported and len(it.errors) == 1
    with served(ignoring) as it:
        assert it.talk(request("/", CHUNKED, method="POST", body=body), request("/smuggled")).count(b"200 OK") == 1


@pytest.mark.parametrize("framing, body", [("Content-Length: 5", b"hel"), (CHUNKED, b"5\r\nhel")])
def test_a_body_that_breaks_off_costs_a_line_in_the_error_log_and_no_traceback(served, framing, body):
    with served(echo) as it:
        assert it.talk(request("/", framing, method="POST", body=body)).startswith(b"HTTP/1.1 400 ")
        assert not it.reported
        assert len(it.errors) == 1 and "unexpected end of file" in it.errors[0]


def test_a_refusal_is_a_line_in_both_logs_with_nothing_in_it_that_a_terminal_would_obey(served):
    with served(hello) as it:
        assert it.talk(b'GET /"\x1b[31m HTTP/1.1\r\n\r\n') == REFUSED
        assert it.talk(b"GET /x HTTP/1.1\r\nHost: here\r\nX: " + b"\x1b" * 5000) == REFUSED
        assert '"GET /\\"' in it.log[0] and '" 400 - ' in it.log[0]
        assert len(it.errors) == 2
        assert all(line.endswith("\n") and line[:-1].isprintable() and len(line) < 500 for line in it.log + it.errors)


def test_a_request_line_that_is_too_long_is_refused(served):
    with served(hello) as it:
        refused = response("414 Request URI Too Long", "Connection: close", "Content-length: 0", "Date: now")
        assert it.talk(request("/" + "x" * pywsgi.MAX_REQUEST_LINE)) == refused


def test_the_longest_request_line_may_be_assigned(served, monkeypatch):
    monkeypatch.setattr(pywsgi, "MAX_REQUEST_LINE", 50)
    with served(hello) as it:
        assert it.talk(request("/" + "x" * 30)).startswith(b"HTTP/1.1 200")
        assert it.talk(request("/" + "x" * 40)).startswith(b"HTTP/1.1 414")


def test_a_request_may_arrive_byte_by_byte(served):
    whole = request("/", "Content-Length: 2", method="POST", body=b"ok")
    with served(echo) as it:
        assert it.talk(*(bytes([byte]) for byte in whole * 2)).count(b"\r\n\r\nok") == 2


def test_100_continue_is_sent_when_the_body_is_first_read_and_never_later(served):
    expecting = request("/", "Expect: 100-continue", "Content-Length: 5", method="POST", body=b"hello")
    with served(echo) as it:
        assert it.talk(expecting) == b"HTTP/1.1 100 Continue\r\n\r\n" + response(
            "200 OK", "Date: now", "Content-Length: 5", body=b"hello"
        )
    with served(ignoring) as it:
        ok = response("200 OK", "Date: now", "Content-Length: 2", body=b"ok")
        assert it.talk(expecting * 2) == ok * 2


def test_an_upgrade_gets_the_connection_as_it_is(served):
    def application(environ, start_response):
        assert environ["wsgi.input_terminated"] is False
        start_response("101 Switching Protocols", [("Upgrade", "own"), ("Connection", "Upgrade")])(b"")
        reader = environ["wsgi.input"]
        assert reader.raw._sock is not None
        return [reader.read(3), b"!"]

    with served(application, upgrades=("own",)) as it:
        answer = it.talk(request("/", "Upgrade: own", "Connection: keep-alive, Upgrade") + b"raw")
        assert answer == response(
            "101 Switching Protocols", "Upgrade: own", "Connection: Upgrade", "Date: now", body=b"raw!"
        )
