"""What does pywsgi spend on a request, beside the sockets? That is all that we can make faster."""

import io

import pyperf

from gevent import pywsgi

_REQUESTS = 200
_HEAD = (
    b"GET /hello?name=value HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\n"
    b"Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip, deflate\r\n\r\n"
)
# A head that is unusual enough to be read line by line.
_ODD_HEAD = _HEAD.replace(b"GET", b"FETCH")


class _Connection:
    """A connection whose requests have all arrived, and whose responses go nowhere."""

    def __init__(self, requests):
        self._requests = requests

    def makefile(self, *_args):
        return io.BufferedReader(io.BytesIO(self._requests))

    def sendall(self, data):
        pass


def _application(_environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "no-cache")])
    return [b"Hello"]


class _OwnEnviron(pywsgi.WSGIHandler):
    """With a step replaced, as many users have it."""

    def get_environ(self):
        environ = super().get_environ()
        environ["own.key"] = True
        return environ


def main():
    server = pywsgi.WSGIServer(("127.0.0.1", 0), _application, log=None)

    def serve(handler_class, requests):
        handler_class(_Connection(requests), ("127.0.0.1", 50000), server).handle()

    runner = pyperf.Runner()
    for name, handler_class, head in (
        ("plain request", pywsgi.WSGIHandler, _HEAD),
        ("handler with a step of its own", _OwnEnviron, _HEAD),
        ("head read line by line", pywsgi.WSGIHandler, _ODD_HEAD),
    ):
        runner.bench_func(f"pywsgi: {name}", serve, handler_class, head * _REQUESTS, inner_loops=_REQUESTS)


if __name__ == "__main__":
    main()
