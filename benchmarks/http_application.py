"""The WSGI application of `servers.py`: as little as an application can do, so that what is measured is the server.

But for ``/page``, which takes the application about a tenth of a millisecond: what `serve_cores.py` needs, where it is
the workers and not wrk that have all of the processors to do.
"""

import json

__all__ = ["application"]

_HELLO = b"Hello, world!"
_CHUNKS = [b"x" * 100] * 10
_ROWS = [{"number": number, "name": f"row {number}", "share": number / 7} for number in range(40)]


def application(environ, start_response):
    """``/`` is 13 bytes, ``/stream`` ten chunks of 100 bytes, of which the server does not know how many there are."""
    if environ["PATH_INFO"] == "/page":
        page = json.dumps(_ROWS).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(page)))])
        return [page]
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (chunk for chunk in _CHUNKS)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(_HELLO)))])
    return [_HELLO]
