"""Each method that programs replace is called, wherever it was replaced, and finds what it finds in gevent."""

import sys
from pathlib import Path

import pytest

from gevent import pywsgi

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wsgi_served import Served, request, response  # noqa: E402

# How often each is called for the four requests below, which are the last ones of their connection.
CALLS = {
    "read_requestline": 4,
    "read_request": 4,
    "MessageClass": 4,
    "handle_one_request": 4,
    "get_environ": 4,
    "handle_one_response": 4,
    "run_application": 4,
    "start_response": 4,
    "process_result": 4,
    "finalize_headers": 4,
    "write": 5,
    "log_request": 4,
    "format_request": 4,
    "_connection_upgrade_requested": 4,
    "_sendall": 6,
}
REQUESTS = [
    request("/a?b=c"),
    request("/pieces", "X: y", method="POST"),
    request("/echo", "Content-Length: 3", method="POST", body=b"abc"),
    request("/last", "Connection: close"),
]


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/pieces":
        return (piece for piece in (b"ab", b"cd"))
    return [environ["wsgi.input"].read() or b"ok"]


def noting(name, called):
    original = getattr(pywsgi.WSGIHandler, name)

    def step(handler, *args, **kwargs):
        called.append(name)
        return original(handler, *args, **kwargs)

    return step


def in_a_subclass(name, called, _monkeypatch):
    return type("Own", (pywsgi.WSGIHandler,), {name: noting(name, called)})


def in_a_class_beside_it(name, called, _monkeypatch):
    beside = type("Beside", (), {name: noting(name, called)})
    return type("Own", (beside, pywsgi.WSGIHandler), {})


def in_the_class_itself(name, called, monkeypatch):
    monkeypatch.setattr(pywsgi.WSGIHandler, name, noting(name, called))
    return pywsgi.WSGIHandler


def in_each_handler(name, called, _monkeypatch):
    class Own(pywsgi.WSGIHandler):
        def __init__(self, *args):
            super().__init__(*args)
            setattr(self, name, noting(name, called).__get__(self))

    return Own


@pytest.fixture(scope="module")
def expected():
    with Served(application) as it:
        return it.talk(*REQUESTS)


@pytest.mark.parametrize("replaced", [in_a_subclass, in_a_class_beside_it, in_the_class_itself, in_each_handler])
@pytest.mark.parametrize("name", CALLS)
def test_a_method_that_is_replaced_is_called(name, replaced, expected, monkeypatch):
    called = []
    with Served(application, replaced(name, called, monkeypatch)) as it:
        assert it.talk(*REQUESTS) == expected
        assert called == [name] * CALLS[name]
        assert len(it.log) == 4 and not it.errors and not it.reported


def test_what_format_request_returns_is_logged():
    class Own(pywsgi.WSGIHandler):
        def format_request(self):
            return f"{self.command} {self.path} {self.request_version} {self.code} {self.headers['x']}"

    with Served(application, Own) as it:
        it.talk(*REQUESTS)
        assert it.log == [
            "GET /a?b=c HTTP/1.1 200 None\n",
            "POST /pieces HTTP/1.1 200 y\n",
            "POST /echo HTTP/1.1 200 None\n",
            "GET /last HTTP/1.1 200 None\n",
        ]


def test_what_read_request_finds_may_be_looked_at_and_changed():
    found = []

    class Own(pywsgi.WSGIHandler):
        def read_request(self, raw_requestline):
            assert super().read_request(raw_requestline)
            found.append((self.command, self.path, self.content_length, self.headers.get("X"), self.close_connection))
            self.headers["X-Added"] = "here"
            self.path = "/changed?by=it"
            return True

    def telling(environ, start_response):
        start_response("200 OK", [])
        return [f"{environ['PATH_INFO']} {environ['QUERY_STRING']} {environ['HTTP_X_ADDED']}".encode("ascii")]

    with Served(telling, Own) as it:
        answer = it.talk(*REQUESTS)
        assert answer.count(b"/changed by=it here") == 4
    assert found == [
        ("GET", "/a?b=c", None, None, False),
        ("POST", "/pieces", None, "y", False),
        ("POST", "/echo", 3, None, False),
        ("GET", "/last", None, None, True),
    ]


def test_a_first_line_of_somebody_elses_may_be_taken_away():
    class Behind(pywsgi.WSGIHandler):
        def read_requestline(self):
            line = self.rfile.readline(1000).decode("latin-1")
            if line.startswith("FROM "):
                self.client_address = (line.split()[1], 0)
                line = self.rfile.readline(1000).decode("latin-1")
            return line

    with Served(application, Behind) as it:
        assert it.talk(b"FROM 192.0.2.1\r\n", *REQUESTS).count(b"200 OK") == 4
        assert all(line.startswith("192.0.2.1 ") for line in it.log)


def test_a_request_may_be_refused_with_an_answer_of_its_own():
    class Refusing(pywsgi.WSGIHandler):
        def handle_one_request(self):
            self.requestline = self.read_requestline().rstrip()
            return ("418", response("418 I'm a teapot", "Content-Length: 0", ""))

    with Served(application, Refusing) as it:
        assert it.talk(*REQUESTS).startswith(b"HTTP/1.1 418 ")
        assert len(it.log) == 1 and '"GET /a?b=c HTTP/1.1" 418 ' in it.log[0]


def test_an_input_of_ones_own_is_read(monkeypatch):
    asked = []

    class Own(pywsgi.Input):
        def read(self, length=None):
            asked.append(length)
            return super().read(length)

    with Served(application, log=None) as it:
        it.talk(*REQUESTS)  # finds the way
        monkeypatch.setattr(pywsgi, "Input", Own)
        assert b"abc" in it.talk(*REQUESTS)
        count = len(asked)
        assert count >= 3
        monkeypatch.undo()
        it.talk(*REQUESTS)
        assert len(asked) == count


def test_a_get_environ_that_is_assigned_to_a_server_is_called():
    with Served(application, log=None) as it:
        original = it.server.get_environ
        it.server.get_environ = lambda: {**original(), "wsgi.own": "own"}
        it.server.application = lambda environ, start_response: (
            start_response("200 OK", []) and [environ["wsgi.own"].encode("ascii")]
        )
        assert it.talk(REQUESTS[-1]).endswith(b"own")
