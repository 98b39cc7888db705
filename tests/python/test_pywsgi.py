"""The WSGI server, spoken to in bytes."""

import gc
import io
import logging
import re
import sys

import pytest
from wsgi_served import (
    CHUNKED,
    HANDLERS,
    INTERNAL_ERROR,
    REFUSED,
    LineByLine,
    Served,
    StepReplaced,
    hello,
    request,
    response,
)

import gevent
from gevent import pywsgi


@pytest.fixture(params=HANDLERS)
def served(request):
    return lambda application, **arguments: Served(application, HANDLERS[request.param], **arguments)


# --- connections ------------------------------------------------------------------------------------------------------


def test_a_connection_carries_request_after_request(served):
    with served(hello) as it:
        ok = ("200 OK", "Content-Type: text/plain", "Date: now", "Content-Length: 8")
        both = response(*ok, body=b"hello /a") + response(*ok, body=b"hello /b")
        assert it.talk(request("/a"), request("/b")) == both
        assert it.talk(request("/a") + request("/b")).count(b"hello") == 2
        length = len(both) // 2 + len("Sat, 21 Nov 2026 06:00:00 GMT") - len("now")
        assert [re.sub(r"\[.*\]| 0\.\d+", "?", line) for line in it.log] == [
            f'127.0.0.1 - - ? "GET /{path} HTTP/1.1" 200 {length}?\n' for path in "abab"
        ]


@pytest.mark.parametrize("asked", ["Connection: close", "Connection: keep-alive, Close"])
def test_a_client_may_ask_to_close(served, asked):
    with served(hello) as it:
        assert it.talk(request("/a", asked) + request("/b")).count(b"hello") == 1


def test_an_application_may_ask_to_close(served):
    def application(_environ, start_response):
        start_response("200 OK", [("Connection", "Close")])
        return [b"x"]

    with served(application) as it:
        assert it.talk(request() * 2).count(b"HTTP/1.1 200") == 1


def test_http_1_0_closes_unless_asked_not_to(served):
    with served(hello) as it:
        once = it.talk(request(version="1.0") * 2)
        assert once.count(b"hello") == 1 and b"Connection: close" in once
        twice = it.talk(request("/", "Connection: Keep-Alive", version="1.0") * 2)
        assert twice.count(b"hello") == 2 and twice.count(b"Connection: keep-alive") == 2


def test_http_1_0_is_not_sent_chunks_and_the_connection_ends_with_the_body(served):
    def application(_environ, start_response):
        start_response("200 OK", [])
        yield b"one"
        yield b"two"

    with served(application) as it:
        answer = it.talk(request("/", "Connection: keep-alive", version="1.0") * 2)
        assert answer == response("200 OK", "Connection: close", "Date: now", body=b"onetwo")


def test_a_plain_response_leaves_in_one_piece():
    """Two would cost the client 40 ms."""
    sent = []

    class Connection:
        def makefile(self, *_args):
            return io.BufferedReader(io.BytesIO(request() * 2 + request(version="1.0")))

        def sendall(self, data):
            sent.append(bytes(data))

    server = pywsgi.WSGIServer(("127.0.0.1", 0), hello, log=None)
    for handler_class in (pywsgi.WSGIHandler, StepReplaced, LineByLine):
        handler_class(Connection(), ("127.0.0.1", 1), server).handle()
    assert len(sent) == 9 and all(response.endswith(b"hello /") for response in sent)


def test_a_connection_is_closed_although_the_application_keeps_its_input(served):
    kept = []

    def application(environ, start_response):
        kept.append(environ)
        start_response("200 OK", [])
        return []

    with served(application) as it:
        assert it.talk(request("/", "Connection: close"))
        assert kept


@pytest.mark.parametrize("log", ["log", None])
def test_a_connection_leaves_nothing_to_the_garbage_collector(served, log):
    """Without a log it may have had no handler."""
    with served(hello, **({} if log else {"log": None})) as it:
        it.talk(request())
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                it.talk(request("/", "Connection: close"))
            handlers = [each for each in gc.get_objects() if isinstance(each, pywsgi.WSGIHandler)]
            assert not handlers
            assert gc.collect() < 20
        finally:
            gc.enable()


# --- responses --------------------------------------------------------------------------------------------------------


def test_a_response_of_unknown_length_is_sent_in_chunks(served):
    def application(_environ, start_response):
        start_response("200 OK", [])
        yield b"one"
        yield b""
        yield b"three"

    with served(application) as it:
        assert it.talk(request()) == response(
            "200 OK", "Date: now", CHUNKED, body=b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
        )


def test_write_sends_at_once_and_the_result_follows(served):
    def application(_environ, start_response):
        write = start_response("200 OK", [])
        write(b"written")
        return [b"returned"]

    with served(application) as it:
        assert it.talk(request()).endswith(b"\r\n\r\n7\r\nwritten\r\n8\r\nreturned\r\n0\r\n\r\n")


def test_a_response_to_head_has_the_headers_and_no_body(served):
    with served(hello) as it:
        head = it.talk(request(method="HEAD") + request())
        ok = ("200 OK", "Content-Type: text/plain", "Date: now", "Content-Length: 7")
        assert head == response(*ok) + response(*ok, body=b"hello /")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_some_responses_have_no_body(served, status):
    def application(environ, start_response):
        start_response(status, [])
        return [b"body"] if environ["PATH_INFO"] == "/body" else []

    with served(application) as it:
        assert it.talk(request()) == response(status, "Date: now")
        assert it.talk(request("/body")) == INTERNAL_ERROR
        assert isinstance(it.reported[0][1], AssertionError)


@pytest.mark.parametrize("length, sent", [("10", b"short"), ("2", b"longer")])
def test_a_wrong_content_length_ends_the_connection(served, length, sent):
    def application(_environ, start_response):
        start_response("200 OK", [("Content-Length", length)])
        return [sent]

    with served(application) as it:
        assert it.talk(request() * 2).count(b"HTTP/1.1") == 1


def test_a_large_body_arrives_whole(served):
    def application(_environ, start_response):
        start_response("200 OK", [])
        return [b"x" * 1_000_000, b"y"]

    with served(application) as it:
        assert it.talk(request()).endswith(b"Content-Length: 1000001\r\n\r\n" + b"x" * 1_000_000 + b"y")


def test_an_iterable_is_closed_once(served):
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"a", b"b"])

        def close(self):
            closed.append(True)

    def application(_environ, start_response):
        start_response("200 OK", [])
        return Body()

    with served(application) as it:
        it.talk(request())
    assert closed == [True]


@pytest.mark.parametrize(
    "status, headers",
    [
        ("200 OK\r\nX: y", []),
        ("200 OK", [("Name\r", "value")]),
        ("200 OK", [("Name", "value\r\nX: y")]),
        ("200 OK", [("Name", "\u20ac")]),
        ("200 OK", [("Name", b"bytes")]),
        (b"200 OK", []),
        ("nonsense", []),
    ],
)
def test_start_response_takes_nothing_that_cannot_be_sent(served, status, headers):
    def application(_environ, start_response):
        start_response(status, headers)
        return []

    with served(application) as it:
        assert it.talk(request()) == INTERNAL_ERROR
        assert isinstance(it.reported[0][1], ValueError)


def test_start_response_may_be_called_again_for_an_error_until_headers_were_sent(served):
    def application(environ, start_response):
        start_response("200 OK", [("A", "1")])
        if environ["PATH_INFO"] == "/late":
            yield b"begun"
        try:
            raise KeyError("late")
        except KeyError:
            start_response("500 Oops", [("B", "2")], sys.exc_info())
        yield b"error"

    with served(application) as it:
        assert it.talk(request()).startswith(b"HTTP/1.1 500 Oops\r\nB: 2\r\n")
        assert it.talk(request("/late")).endswith(b"\r\n\r\n5\r\nbegun\r\n")
        assert isinstance(it.reported[0][1], KeyError)


# --- errors -----------------------------------------------------------------------------------------------------------


def _raise(error):
    raise error


@pytest.mark.parametrize(
    "application",
    [
        lambda environ, start_response: _raise(KeyError("app")),
        lambda environ, start_response: start_response("200 OK", []) and _raise(KeyError("app")),
        lambda environ, start_response: start_response("200 OK", []) and None,
        lambda environ, start_response: start_response("200 OK", []) and ["text"],
        lambda environ, start_response: start_response("200 OK", []) and b"bytes",
        lambda environ, start_response: [b"no start_response"],
    ],
)
def test_an_exception_is_answered_with_500_and_reported_with_an_environment_that_hides_its_secrets(served, application):
    with served(application) as it:
        assert it.talk(request("/", "Host: here", "Authorization: secret")) == INTERNAL_ERROR
        ((environ, _error),) = it.reported
        assert environ["HTTP_AUTHORIZATION"] == "secret" and "secret" not in repr(environ)
        assert "here" in repr(environ)
        assert '" 500 161 ' in it.log[0]


def test_greenlet_exit_is_nobodys_fault(served):
    with served(lambda environ, start_response: _raise(gevent.GreenletExit())) as it:
        assert it.talk(request()) == INTERNAL_ERROR
        assert not it.reported


def test_an_exception_in_the_middle_of_a_body_cuts_it_off(served):
    def application(_environ, start_response):
        start_response("200 OK", [])
        yield b"begun"
        raise KeyError

    with served(application) as it:
        assert it.talk(request() * 2) == response("200 OK", "Date: now", CHUNKED, body=b"5\r\nbegun\r\n")


# --- handlers of one's own --------------------------------------------------------------------------------------------


def test_every_step_may_be_replaced():
    steps = [
        "handle",
        "handle_one_request",
        "read_requestline",
        "read_request",
        "get_environ",
        "handle_one_response",
        "run_application",
        "start_response",
        "process_result",
        "write",
        "finalize_headers",
        "log_request",
        "format_request",
    ]
    for replaced in [[step] for step in steps] + [steps]:
        called = []

        def wrap(step, called=called):
            original = getattr(pywsgi.WSGIHandler, step)

            def method(self, *args, **kwargs):
                called.append(step)
                return original(self, *args, **kwargs)

            return method

        handler_class = type("Handler", (pywsgi.WSGIHandler,), {step: wrap(step) for step in replaced})
        with Served(hello, handler_class) as it:
            assert it.talk(request("/", "Connection: close")).endswith(b"hello /")
        assert list(dict.fromkeys(called)) == replaced


def test_a_step_may_be_replaced_on_the_class_itself(monkeypatch):
    called = []
    original = pywsgi.WSGIHandler.run_application
    monkeypatch.setattr(pywsgi.WSGIHandler, "run_application", lambda self: called.append(1) or original(self))
    with Served(hello) as it:
        it.talk(request())
    assert called == [1]


def test_a_websocket_handler_can_take_the_connection_over():
    """The way of gevent-websocket: run_application() answers by itself and then speaks its own protocol."""

    class Handler(pywsgi.WSGIHandler):
        def run_application(self):
            if self.environ.get("HTTP_UPGRADE") != "websocket":
                return super().run_application()
            self.result = []
            self.start_response("101 Switching Protocols", [("Upgrade", "websocket"), ("Connection", "Upgrade")])
            if self.status and not self.headers_sent:
                self.write("")
            self.socket.sendall(b"frame " + self.rfile.read(3))

        def start_response(self, status, headers, exc_info=None):
            writer = super().start_response(status, headers, exc_info=exc_info)
            if "101" in status:
                self.provided_content_length = False
                self.response_use_chunked = False
                self.close_connection = True
                self.provided_date = True
            return writer

    with Served(hello, Handler) as it:
        upgrade = request("/", "Upgrade: websocket", "Connection: Upgrade")
        assert it.talk(upgrade + b"abc").endswith(b"Connection: Upgrade\r\n\r\nframe abc")
        assert it.talk(request("/x")).endswith(b"hello /x")


def test_an_application_may_take_the_connection_over_without_a_word(served):
    """The way of simple-websocket."""

    def application(environ, _start_response):
        if "HTTP_UPGRADE" in environ:
            environ["wsgi.input"].raw._sock.sendall(b"raw")
        return []

    with served(application) as it:
        assert it.talk(request("/", "Upgrade: websocket", "Connection: Upgrade")) == b"raw"
        assert not it.errors
        assert it.talk(request()) == b""
        assert len(it.errors) == 1 and not it.reported


def test_a_handler_may_look_at_the_headers_as_a_message(served):
    seen = []

    class Handler(pywsgi.WSGIHandler):
        def get_environ(self):
            seen.append(
                (
                    self.headers.get("X-Name"),
                    self.headers.getheader("nothing", "default"),
                    "".join(self.headers.headers),
                )
            )
            return super().get_environ()

    with Served(hello, Handler) as it:
        it.talk(request("/", "X-Name: value"))
    assert seen == [("value", "default", "Host: here\r\nX-Name: value\r\n")]


# --- logs and environments --------------------------------------------------------------------------------------------


def test_a_logger_gets_lines_without_their_end():
    records = []
    logger = logging.Logger("access")
    handler = logging.Handler()
    handler.emit = lambda record: records.append((record.levelno, record.getMessage()))
    logger.addHandler(handler)
    with Served(hello, log=logger) as it:
        assert isinstance(it.server.log, pywsgi.LoggingLogAdapter)
        it.talk(request("/100%"))
        assert it.server.log.name == "access"
        it.server.log.own = 5
        assert logger.own == 5
        del it.server.log.own
        assert not hasattr(logger, "own")
    ((level, line),) = records
    assert level == logging.INFO and '"GET /100% HTTP/1.1" 200' in line and "\n" not in line


def test_no_log_is_a_log_too():
    with Served(hello, log=None, error_log=None) as it:
        assert it.talk(request()).endswith(b"hello /")
        assert it.talk(b"nonsense\r\n\r\n") == REFUSED


def test_secure_environments_show_what_they_may():
    environ = pywsgi.SecureEnviron(a=1, b=2)
    assert repr(environ) == str(environ) and repr(environ).startswith("<pywsgi.SecureEnviron dict (keys: 2) at ")
    environ.whitelist_keys = ("a",)
    assert str(environ) == "{'a': 1, 'b': '<MASKED>'}"
    environ.print_masked_keys = False
    assert str(environ) == "{'a': 1, (hidden keys: 1)}"
    environ.secure_repr = False
    assert str(environ) == "{'a': 1, 'b': 2}"
    assert type(environ.copy()) is pywsgi.SecureEnviron


def test_stopping_waits_for_requests_under_way():
    began = gevent.event.Event()
    finish = gevent.event.Event()

    def application(_environ, start_response):
        began.set()
        finish.wait()
        start_response("200 OK", [])
        return [b"finished"]

    with Served(application, spawn=10) as it:
        client = gevent.spawn(it.talk, request("/", "Connection: close"))
        began.wait()
        stopping = gevent.spawn(it.server.stop, timeout=20)
        finish.set()
        assert client.get().endswith(b"finished")
        stopping.get()
        assert it.server.closed
