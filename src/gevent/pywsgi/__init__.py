"""A WSGI server: HTTP/1.1 with keep-alive, pipelining and chunked transfer both ways, a greenlet for each connection.

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"Hello"]

    WSGIServer(("127.0.0.1", 8000), application).serve_forever()

The server is here; what happens on one connection is in `WSGIHandler`, which subclasses can change step by step
(``handler_class=``). Anything between it and the Internet (a reverse proxy) is welcome, but not needed.
"""

import sys

import gevent
from gevent import socket
from gevent._compat import reraise  # noqa: F401 - a name of gevent's
from gevent._config import config
from gevent._native import http as _native_http
from gevent.baseserver import closing_unless_done
from gevent.pywsgi import _connections, _environ, _handler, _input, _limits, _log, _request
from gevent.server import StreamServer

__all__ = [
    "Environ",
    "LoggingLogAdapter",
    "SecureEnviron",
    "WSGIHandler",
    "WSGISecureEnviron",
    "WSGIServer",
]

Environ = _environ.Environ
SecureEnviron = _environ.SecureEnviron
WSGISecureEnviron = _environ.WSGISecureEnviron
LoggingLogAdapter = _log.LoggingLogAdapter
WSGIHandler = _handler.WSGIHandler
Input = _input.Input
OldMessage = _request.OldMessage
headers_factory = _request.headers_factory
format_date_time = _native_http.format_date_time

MAX_REQUEST_LINE = 8192
"""The longest request line and the most trailers, in bytes. What is longer is refused. May be assigned."""

_NoopLog = _log._NoopLog
_InvalidClientInput = _input._InvalidClientInput
_InvalidClientRequest = _request._InvalidClientRequest

# Where they are for users, whichever file they are written in.
for _public in (
    Environ,
    SecureEnviron,
    WSGISecureEnviron,
    LoggingLogAdapter,
    WSGIHandler,
    Input,
    OldMessage,
    headers_factory,
    format_date_time,
    _NoopLog,
    _InvalidClientInput,
    _InvalidClientRequest,
):
    _public.__module__ = __name__
del _public


class WSGIServer(StreamServer):
    """Serves the WSGI application `application` on `listener`.

    `listener`, `backlog`, `spawn` and `ssl_args` are those of `gevent.server.StreamServer`.

    `log` gets a line for each request, `error_log` one for each that was refused, and it is what applications find as
    ``wsgi.errors``: "default" (standard error), None (nowhere), a `logging.Logger` or a file. `handler_class` is a
    `WSGIHandler` of your own. `environ` is a dict of what the environment of every request is to have besides; with a
    true ``wsgi.multiprocess`` there, connections are accepted one at a time, to be fair to the other processes.
    """

    handler_class = WSGIHandler

    log = None
    error_log = None

    environ_class = dict
    """What environments for applications are made of."""

    secure_environ_class = WSGISecureEnviron
    """What environments are made of before they are shown to anybody else."""

    upgrades = ("websocket",)
    """The protocols, in small letters, that the application can take a connection over with.

    A request to upgrade to one of these gets the connection itself as ``wsgi.input``; to any other it is ordinary.
    """

    head_size_max = fields_max = body_size_max = chunk_extensions_max = "default"
    # How long `stop` lets a connection on which nothing is asked bring one more request, in seconds. A client that has
    # just sent one is answered, rather than finding the connection closed.
    idle_grace = 0

    handshake_timeout = head_timeout = idle_timeout = send_timeout = body_rate_min = connections_max = "default"
    request_line_max = field_line_max = body_grace = None
    require_host = True

    base_env = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "gevent/{}.{} Python/{}.{}".format(*gevent.version_info[:2], *sys.version_info[:2]),
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    """What the environment of every request has, before `environ` and the request itself."""

    def __init__(
        self,
        listener,
        application=None,
        backlog=None,
        spawn="default",
        log="default",
        error_log="default",
        handler_class=None,
        environ=None,
        **ssl_args,
    ):
        self._take_limits(ssl_args)
        most = config.pywsgi_connections_max if self.connections_max == "default" else self.connections_max
        if spawn == "default" and most is not None:
            spawn = most
        super().__init__(listener, backlog=backlog, spawn=spawn, **ssl_args)
        # A subclass may have these as attributes.
        if application is not None:
            self.application = application
        if handler_class is not None:
            self.handler_class = handler_class
        self.log = _log.as_log(log, sys.stderr)
        self.error_log = _log.as_log(error_log, sys.stderr)
        self.set_environ(environ)
        self.set_max_accept()

    # What these are for is in docs/serving.rst.
    trusted_proxies = None
    proxy_protocol = False
    log_format = None

    def _take_limits(self, arguments):
        # From among the other keyword arguments, which are for TLS.
        for name in (*_limits.LIMITS, *_OTHER_ARGUMENTS):
            if name in arguments:
                setattr(self, name, arguments.pop(name))
        if self.trusted_proxies:
            from gevent.pywsgi._proxies import TrustedProxies

            self.trusted_proxies = TrustedProxies(self.trusted_proxies)
        if isinstance(self.log_format, str):
            self.log_format = _native_http.LogFormat(self.log_format)

    _found_limits = None
    _serving = None  # how connections are served, once there was one, until something is assigned

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name in _limits.LIMITS:
            self._found_limits = None
        if name != "_serving":
            self.__dict__["_serving"] = None

    @property
    def _connections(self):
        found = self.__dict__.get("_all_connections")
        if found is None:
            found = self.__dict__["_all_connections"] = _connections.Connections(_limits.Limits.of(self))
        return found

    def start(self):
        """Start accepting connections. Does not wait."""
        self.__dict__.pop("_all_connections", None)  # of a start before
        super().start()

    def stop(self, timeout=None):
        """Stop accepting connections, let the requests that have begun end, then cut the connections that are left.

        timeout
            seconds for the requests; None: `stop_timeout`

        Responses say ``Connection: close`` meanwhile, and connections on which nobody asks anything end at once. May be
        called while a request is handled, which then goes on.
        """
        self.close()
        connections = self.__dict__.get("_all_connections")
        if connections is not None:
            connections.end_all(self.stop_timeout if timeout is None else timeout, self.idle_grace)
        super().stop(timeout)

    def set_environ(self, environ=None):
        """Begin the environment of all requests anew, with `environ` in it."""
        added = environ or {}
        self.environ = {
            **self.base_env,
            "wsgi.url_scheme": "https" if self.ssl_enabled else "http",
            "wsgi.errors": self.error_log,
            **added,
        }

    def set_max_accept(self):
        """Decide how many connections are accepted in a row."""
        if self.environ.get("wsgi.multiprocess"):
            self.max_accept = 1

    @property
    def _copies_environ(self):
        # Whether nothing but a copy of `environ` is asked of get_environ().
        own = type(self).get_environ is not _GET_ENVIRON or "get_environ" in self.__dict__
        return self.environ_class is dict and not own

    def get_environ(self):
        """Return a new environment, still without a request."""
        return self.environ_class(self.environ)

    def init_socket(self):
        """Get the listening socket ready. Called when the server starts."""
        super().init_socket()
        self.update_environ()

    def update_environ(self):
        """Put the address into the environment, now that it is known: SERVER_NAME and SERVER_PORT, unless given."""
        name = port = ""
        if isinstance(self.address, tuple):
            name, port = self.address[:2]
        if "SERVER_NAME" not in self.environ:
            try:
                self.environ["SERVER_NAME"] = socket.getfqdn(name) if name or port else ""
            except OSError:
                self.environ["SERVER_NAME"] = str(name)
        self.environ.setdefault("SERVER_PORT", str(port))

    def handle(self, sock, address):
        """Handle all requests of one connection. Called in a greenlet of its own."""
        if self.proxy_protocol and not self.ssl_enabled:
            address = self._address_from_proxy(sock, address)
            if address is None:
                return
        # Without a handler until something needs one.
        if self._serving is None or not self._serving.serves(self, sock, address):
            self.handler_class(sock, address, self).handle()

    def wrap_socket_and_handle(self, client_socket, address):
        """Make a TLS connection of `client_socket` and handle that. What a proxy says comes before."""
        if self.proxy_protocol:
            address = self._address_from_proxy(client_socket, address)
            if address is None:
                return None
        connections = self._connections
        clock = connections.begin_handshake(client_socket)
        encrypted = None
        try:
            encrypted = self._shake_hands(client_socket, address, clock)
        finally:
            if encrypted is None:
                connections.end_handshake(clock)
        if encrypted is None:
            return None
        with encrypted:
            try:
                return self.handle(encrypted, address)
            finally:
                connections.end_handshake(clock)

    def _shake_hands(self, client_socket, address, clock):
        # None if it does not come to that. Also where handshakes are not to happen on connecting: the first thing that
        # a handler does is read, which begins one, and then it would have no limit.
        try:
            encrypted = self.wrap_socket(client_socket, **self.ssl_args)
            if not getattr(encrypted, "do_handshake_on_connect", True):
                with closing_unless_done(encrypted):
                    encrypted.do_handshake()
        except OSError as error:
            reason = (
                "the TLS handshake takes too long" if clock.expired else _log.short(_native_http.escaped(str(error)))
            )
            self.error_log.write(f"Invalid connection (from {address}): {reason}\n")
            return None
        clock.enter_busy()
        return encrypted

    def _address_from_proxy(self, sock, address):
        # None if there is nobody to serve.
        trusted = self.trusted_proxies
        try:
            if trusted and not (isinstance(address, tuple) and trusted.trusts(address[0])):
                raise ValueError("the PROXY protocol is not for this address")
            with gevent.Timeout(_limits.Limits.of(self).head_timeout, TimeoutError("the PROXY header takes too long")):
                return _native_http.read_proxy_header(sock.recv) or address
        except (ValueError, OSError) as error:
            self.error_log.write(f"Invalid connection (from {address}): {error}\n")
            return None


_native_http.configure(sys.modules[__name__])
_OTHER_ARGUMENTS = ("connections_max", "log_format", "proxy_protocol", "trusted_proxies", "upgrades")
_GET_ENVIRON = WSGIServer.get_environ


def _main(arguments=None):
    from gevent import monkey

    monkey.patch_all()
    import argparse
    from importlib import import_module

    parser = argparse.ArgumentParser(prog="python -m gevent.pywsgi", description="Serve a WSGI application.")
    parser.add_argument("-b", "--bind", default="127.0.0.1:8080", help="the address and port (%(default)s)")
    parser.add_argument("app", help="the application, as module:callable")
    options = parser.parse_args(arguments)
    host, _, port = options.bind.rpartition(":")
    module, _, name = options.app.partition(":")
    application = getattr(import_module(module), name or "application")
    WSGIServer((host, int(port)), application).serve_forever()
