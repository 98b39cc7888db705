"""The WSGI application of `servers.py`: as little as an application can do, so that what is measured is the server."""

__all__ = ["application"]

_HELLO = b"Hello, world!"
_CHUNKS = [b"x" * 100] * 10


def application(environ, start_response):
    """``/`` is 13 bytes, ``/stream`` ten chunks of 100 bytes, of which the server does not know how many there are."""
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (chunk for chunk in _CHUNKS)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(_HELLO)))])
    return [_HELLO]
