"""A WSGI server in this process and a client that speaks bytes, for tests of `gevent.pywsgi`."""

import re

import gevent
from gevent import pywsgi, socket

__all__ = [
    "CHUNKED",
    "HANDLERS",
    "INTERNAL_ERROR",
    "REFUSED",
    "LineByLine",
    "Served",
    "StepReplaced",
    "echo",
    "hello",
    "ignoring",
    "request",
    "response",
]


class StepReplaced(pywsgi.WSGIHandler):
    """Goes through all the steps in Python, but still parses heads in one go."""

    def get_environ(self):
        return super().get_environ()


class LineByLine(pywsgi.WSGIHandler):
    """Goes through all the steps in Python and reads line by line."""

    def read_requestline(self):
        return super().read_requestline()


HANDLERS = {"plain": None, "steps": StepReplaced, "lines": LineByLine}


class Lines(list):
    """A log."""

    write = list.append


class Served:
    def __init__(self, application, handler_class=None, **arguments):
        self.log, self.errors = Lines(), Lines()
        arguments = {"log": self.log, "error_log": self.errors, **arguments}
        self.server = pywsgi.WSGIServer(("127.0.0.1", 0), application, handler_class=handler_class, **arguments)
        self.reported = []

    def __enter__(self):
        self.hub = gevent.get_hub()
        self.hub.handle_error = lambda context, kind, error, trace: self.reported.append((context, error))
        self.server.start()
        return self

    def __exit__(self, *_exc_info):
        self.server.stop(timeout=1)
        del self.hub.handle_error

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.server.server_port))

    def talk(self, *requests):
        """Send `requests`, hang up as far as sending goes, and return all that comes back."""
        with gevent.Timeout(20), self.connect() as client:
            for request in requests:
                client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while data := client.recv(65536):
                answer += data
        return re.sub(rb"Date: [^\r]*", b"Date: now", answer)


def request(target="/", *headers, method="GET", version="1.1", body=b""):
    host = [] if any(line.lower().startswith("host:") for line in headers) else ["Host: here"]
    lines = [f"{method} {target} HTTP/{version}", *host, *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1") + body


def response(status, *headers, body=b""):
    lines = [f"HTTP/1.1 {status}", *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1") + body


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello ", environ["PATH_INFO"].encode("latin-1")]


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [body]


def ignoring(_environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]


INTERNAL_ERROR = response(
    "500 Internal Server Error",
    "Content-Type: text/plain",
    "Connection: close",
    "Content-Length: 21",
    "Date: now",
    body=b"Internal Server Error",
)
REFUSED = response("400 Bad Request", "Connection: close", "Content-length: 0", "Date: now")
CHUNKED = "Transfer-Encoding: chunked"
