"""A connection has no handler until it needs one, where nothing is replaced; and whatever is replaced counts."""

import sys
from pathlib import Path

import pytest

from gevent import pywsgi

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wsgi_served import Lines, Served, hello, request  # noqa: E402

CLOSING = request("/", "Connection: close")


@pytest.fixture
def made(monkeypatch):
    """The requests of which a handler was made."""
    found = []
    original = pywsgi.WSGIHandler._go_on_with

    def noting(handler, *args):
        found.append(handler)
        original(handler, *args)

    monkeypatch.setattr(pywsgi.WSGIHandler, "_go_on_with", noting)
    return found


@pytest.fixture
def it(made):
    with Served(hello, log=None) as served:
        served.talk(CLOSING)  # the first connection finds the way
        assert served.server._serving.direct
        yield served


def test_plain_requests_make_no_handler(it, made):
    assert it.talk(request() * 3 + CLOSING).count(b"hello /") == 4
    assert it.talk(request("/", "Content-Length: 3", method="POST", body=b"abc") + CLOSING).count(b"hello /") == 2
    assert not made


@pytest.mark.parametrize(
    "other",
    [
        request(method="HEAD"),
        request("/", "X: y", " z", "Connection: close"),
        request(version="1.0"),
        request("/", "Transfer-Encoding: chunked", method="POST", body=b"0\r\n\r\n"),
        request("/", "Expect: 100-continue", "Content-Length: 1", method="POST", body=b"x"),
        b"nonsense\r\n\r\n",
    ],
    ids=["HEAD", "folded", "HTTP/1.0", "chunks", "100-continue", "refused"],
)
def test_one_is_made_in_the_middle_of_a_connection_and_goes_on(it, made, other):
    answer = it.talk(request() + other + CLOSING)
    assert len(made) == 1
    assert answer.startswith(b"HTTP/1.1 200") and b"hello /" in answer
    assert not it.server._connections._open and not it.reported


def test_a_method_that_is_replaced_on_the_class_is_called(it, monkeypatch):
    def get_environ(handler):
        return {**original(handler), "PATH_INFO": "/replaced"}

    original = pywsgi.WSGIHandler.get_environ
    monkeypatch.setattr(pywsgi.WSGIHandler, "get_environ", get_environ)
    assert it.talk(CLOSING).endswith(b"hello /replaced")
    monkeypatch.undo()
    assert it.talk(CLOSING).endswith(b"hello /")


def test_a_constructor_that_is_replaced_is_called(it, monkeypatch):
    called = []

    def constructor(handler, *args):
        called.append(args)
        original(handler, *args)

    original = pywsgi.WSGIHandler.__init__
    monkeypatch.setattr(pywsgi.WSGIHandler, "__init__", constructor)
    assert it.talk(CLOSING).endswith(b"hello /") and len(called) == 1


def test_what_is_assigned_to_the_server_counts(it):
    class Other(pywsgi.WSGIHandler):
        def run_application(self):
            self.environ["PATH_INFO"] = "/other"
            super().run_application()

    it.server.handler_class = Other
    assert it.talk(CLOSING).endswith(b"hello /other")
    it.server.handler_class = pywsgi.WSGIHandler
    assert it.talk(CLOSING).endswith(b"hello /")
    it.server.body_size_max = 2
    big = request("/", "Content-Length: 3", "Connection: close", method="POST", body=b"abc")
    assert it.talk(big).startswith(b"HTTP/1.1 413")
    it.server.log = Lines()
    assert it.talk(CLOSING).endswith(b"hello /") and len(it.server.log) == 1
    it.server.application = lambda environ, start_response: [start_response("200 OK", []) and b"" or b"another"]
    assert it.talk(CLOSING).endswith(b"another")
    it.server.environ["wsgi.own"] = "own"
    it.server.application = lambda environ, start_response: (
        start_response("200 OK", []) and [environ["wsgi.own"].encode("ascii")]
    )
    assert it.talk(CLOSING).endswith(b"own")


def test_what_is_assigned_to_the_module_or_to_a_class_of_servers_counts(monkeypatch):
    class Own(pywsgi.WSGIServer):
        pass

    with Served(hello, log=None) as served:
        served.server.__class__ = Own
        assert served.talk(CLOSING).endswith(b"hello /")
        long = request("/" + "x" * 300, "Connection: close")
        assert served.talk(long).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(pywsgi, "MAX_REQUEST_LINE", 200)
        assert served.talk(long).startswith(b"HTTP/1.1 414")
        monkeypatch.undo()
        assert served.talk(long).startswith(b"HTTP/1.1 200")
        Own.get_environ = lambda server: {**server.environ, "SCRIPT_NAME": "/own"}
        served.server.application = lambda environ, start_response: (
            start_response("200 OK", []) and [environ["SCRIPT_NAME"].encode("ascii")]
        )
        assert served.talk(CLOSING).endswith(b"/own")
