"""One connection of a `gevent.pywsgi` server: request after request, each given to the application and answered.

`WSGIHandler` is made of steps, and each step is a method that subclasses replace; WebSocket servers live on that. They
are called in this order::

    handle
      handle_one_request          for each request
        read_requestline, read_request      in one go when neither is replaced and the head has arrived: _read_head
        get_environ
        handle_one_response
          run_application         calls the application, with start_response
            process_result
              write               finalize_headers before the first
        log_request               format_request

A plain request of a handler none of whose steps is replaced does not get that far: `gevent._native.http` answers it,
and hands it over to these methods as soon as something comes up that is not plain. A handler is made only then, if
nothing of its beginning is replaced either.

The response leaves in one piece, status line, headers and body, wherever the body is at hand. Two small writes would
cost a client 40 ms, for Nagle's algorithm holds the second one back until the client's delayed acknowledgement of the
first.
"""

import errno
import sys
import time
import traceback
from operator import attrgetter

from greenlet import GreenletExit

from gevent._hub_local import get_hub
from gevent._native.http import PlainExchanges, Reader, Way, escaped, log_line
from gevent.pywsgi._input import Input, _InvalidClientInput
from gevent.pywsgi._limits import Limits
from gevent.pywsgi._log import _NoopLog, short
from gevent.pywsgi._request_steps import RequestSteps
from gevent.pywsgi._response import ERRORS, refusal
from gevent.pywsgi._response_steps import ResponseSteps
from gevent.socket import socket as Socket

__all__ = ["WSGIHandler"]

_DRAIN_MAX = 16
_DRAIN_PIECE = 1 << 16


class WSGIHandler(RequestSteps, ResponseSteps):
    """Handles the requests of one connection.

    `sock` is the connection, `address` its other end, `server` a `gevent.pywsgi.WSGIServer`. `rfile` is a buffered
    reader of the connection, if there is one already.
    """

    protocol_version = "HTTP/1.1"

    ignored_socket_errors = (errno.EPIPE, errno.ECONNRESET)
    """The client has gone: the connection ends, and nobody needs to be told."""

    application = None
    time_start = 0
    time_finish = 0
    _way = None  # how the server's connections are served
    _plain = None  # answers plain requests, where no step is replaced

    # What prints an exception that nobody foresaw while a request was read.
    _print_unexpected_exc = staticmethod(traceback.print_exc)

    def __init__(self, sock, address, server, rfile=None):
        self.socket = sock
        self.client_address = self._peer = address
        self.server = server
        self.rfile = reader_of(sock) if rfile is None else rfile
        kind = type(self)
        self._plain_write = kind.write is _ORIGINAL_WRITE
        self._way = way = way_for(server, kind)
        self._limits = way.limits
        self._head = way.new_head()
        self._reads_whole = way.reads_whole and hasattr(self.rfile, "peek")

    def _go_on_with(self, plain, head, clock):
        # A connection that has begun without a handler: with the head that has been read, and all else.
        self._plain, self._head, self._clock = plain, head, clock

    # --- the connection -----------------------------------------------------------------------------------------------

    def handle(self):
        """Handle requests until the connection ends. Called by the server, in a greenlet of its own."""
        connections = getattr(self.server, "_connections", None)
        if connections is not None:
            self._clock = connections.begin(self.socket)
        self._see_what_was_assigned()
        try:
            if self._reads_whole and self._way.plain:
                self._plain = PlainExchanges(
                    self._way, self.server, self.socket, self._peer, self.rfile, self._head, self
                )
                self._plain.use_clock(self._clock)
            self._serve_requests()
        finally:
            self._let_go()

    def _see_what_was_assigned(self):
        # A step may also be replaced for this one handler, such as by a subclass's __init__().
        if not _STEPS.isdisjoint(self.__dict__):
            self._reads_whole = self._plain_write = False

    def _serve_requests(self):
        while self.socket is not None:
            if self._plain is not None and not self._plain.serve():
                return
            self.time_start = time.time()
            self.time_finish = 0
            outcome = self.handle_one_request()
            if outcome is None:
                return
            if outcome is not True:
                # A status and a ready-made response: the request was refused before there was an environment.
                self.status, response = outcome
                self.code = int(self.status)
                self._send_refusal(response)
                self.time_finish = self.time_finish or time.time()
                self.log_request()
                return

    def _let_go(self):
        self._clock.end()
        # The reader may keep the connection open too, and an application may have kept the reader.
        rfile = self.__dict__.pop("rfile", None)
        self.__dict__.pop("socket", None)
        self.__dict__.pop("wsgi_input", None)
        self.__dict__.pop("_plain", None)  # which has them, too
        if rfile is not None:
            rfile.close()

    def _send_refusal(self, response):
        try:
            self.socket.sendall(response)
        except OSError:
            return  # nobody is there to read it
        self._drain()

    def _drain(self):
        # Closing a connection with input that nobody has read resets it, and the reset can overtake the response on
        # its way to the client. So read what has arrived, without waiting for more.
        try:
            self.socket.settimeout(0)
            for _ in range(_DRAIN_MAX):
                if not self.socket.recv(_DRAIN_PIECE):
                    return
        except OSError:
            pass  # that was all

    def handle_one_request(self):
        """Read one request and answer it.

        Returns None if the connection is to be closed, True if there may be another request, or a tuple of a status
        and a response for a request that was refused.
        """
        if self.rfile.closed:
            return None
        self.response_length = 0
        self.status = self.code = self._orig_status = self.requestline = None
        try:
            try:
                read = self._read_head() if self._reads_whole else self._read_head_by_line()
            except OSError:
                return None
            if read is None:
                return None
            self.environ = self.get_environ()
        except Exception as error:
            return self._handle_client_error(error)
        self.application = self.server.application
        self.handle_one_response()
        if self.close_connection or self.rfile.closed:
            return None
        return True

    # --- one response -------------------------------------------------------------------------------------------------

    def handle_one_response(self):
        """Have the application answer the request, and deal with all that can go wrong in it."""
        self._begin_response()
        self._respond(self.run_application)

    def _begin_response(self):
        self.time_start = time.time()
        self.status = self.code = self._orig_status = self.response_headers = None
        self.result = None
        self.headers_sent = False
        self.response_use_chunked = False
        self.connection_upgraded = False
        self.response_length = self._body_sent = 0
        self._body_left = None

    def _respond(self, run):
        try:
            try:
                run()
            finally:
                self._finish_request()
        except _InvalidClientInput as error:
            self._handle_client_error(error)
            self._send_error_response_if_possible(getattr(error, "status", 400))
        except OSError as error:
            if error.args and error.args[0] in self.ignored_socket_errors:
                self.close_connection = True
            else:
                self.handle_error(*sys.exc_info())
        except BaseException:
            self.handle_error(*sys.exc_info())
        finally:
            self.time_finish = time.time()
            self.log_request()

    def _finish_request(self):
        # Read what the application left of the body, so that the next request begins where it begins.
        body = self.wsgi_input
        if not (self.content_length or self._chunked_request) or self._raw_stream:
            return
        try:
            body._discard()
        except _InvalidClientInput as error:
            self._handle_client_error(error)
        except OSError:
            self.close_connection = True
        if getattr(body, "_broken", None) is not None:
            self.close_connection = True

    def run_application(self):
        """Call the application and send what it returns. Closes the result, as the specification asks."""
        self._process_and_close(self.application(self.environ, self.start_response))

    def _process_and_close(self, result, owner=None):
        # `owner` is what the application returned, if `result` is only the rest of it.
        self.result = result
        try:
            self.process_result()
        finally:
            self.result = None
            close = getattr(result if owner is None else owner, "close", None)
            if close is not None:
                close()

    # --- when things go wrong -----------------------------------------------------------------------------------------

    def handle_error(self, t, v, tb):
        """Report an exception of the application to the hub, and answer with status 500 if it is not too late."""
        if not issubclass(t, GreenletExit):
            context = self.environ
            if not isinstance(context, self.server.secure_environ_class):
                context = self.server.secure_environ_class(context or {})
            get_hub().handle_error(context, t, v, tb)
        self._send_error_response_if_possible(500)

    def _handle_client_error(self, error):
        # Not ours, hence a line in the error log and no traceback. Returns what handle_one_request() does.
        self.close_connection = True
        if not isinstance(error, (_InvalidClientInput, ValueError)):
            self._print_unexpected_exc()
        reason = getattr(error, "formatted_message", None) or str(error) or type(error).__name__
        self.log_error("Invalid request (from %s): %s", self.client_address, short(reason))
        status = 408 if self._clock.expired else getattr(error, "status", 400)
        return str(status), refusal(status)

    def _send_error_response_if_possible(self, error_code):
        self.close_connection = True
        if self.response_length:
            return
        status, body = ERRORS[error_code]
        self.headers_sent = False
        self.result = None
        headers = [("Content-Type", "text/plain"), ("Connection", "close"), ("Content-Length", str(len(body)))]
        try:
            self.start_response(status, headers)
            self.write(body)
        except OSError:
            pass  # nobody is there to read it

    # --- the log ------------------------------------------------------------------------------------------------------

    def log_request(self):
        """Write a line about the request to the server's log."""
        log = self.server.log
        if log is not None and type(log) is not _NoopLog:
            log.write(self.format_request() + "\n")

    def format_request(self):
        """Return the line for the log, without its end: who, when, what, status, bytes sent and seconds taken."""
        template = getattr(self.server, "log_format", None)
        if template is not None:
            return template(self)
        return log_line(self)

    def log_error(self, msg, *args):
        """Write `msg`, formatted with `args` by the rules of ``%``, to the server's error log."""
        try:
            message = msg % args
        except (TypeError, ValueError):
            message = f"{msg!r} {args!r}"
        try:
            self.server.error_log.write(f"{self.socket}: {escaped(message)}\n")
        except Exception:
            # A log that cannot be written is no reason to leave a client without an answer.
            traceback.print_exc()


def reader_of(sock):
    """Return a file that reads from `sock`: our own, unless a file is something else for such sockets."""
    return Reader(sock) if getattr(type(sock), "makefile", None) is Socket.makefile else sock.makefile("rb", -1)


def way_for(server, kind):
    """Return how the connections of `server` are served by handlers of class `kind`. A `WSGIServer` remembers it."""
    way = getattr(server, "_serving", None)
    if way is not None and way.holds(server, kind):
        return way
    # What a subclass replaces must be called, so the short cuts around it are only for the originals.
    reads_whole = _reading_steps(kind) == _ORIGINAL_READING_STEPS
    plain = reads_whole and _answering_steps(kind) == _ORIGINAL_ANSWERING_STEPS
    direct = plain and _first_steps(kind) == _ORIGINAL_FIRST_STEPS
    copies_environ = getattr(server, "_copies_environ", False)
    log = server.log
    logs = log is not None and type(log) is not _NoopLog
    module = sys.modules["gevent.pywsgi"]
    used_input = module.Input
    plain = plain and used_input is Input
    direct = direct and plain
    closes_at_once = direct and getattr(getattr(server, "handle", None), "__func__", None) is module.WSGIServer.handle
    tools = (used_input, Socket)
    way = Way(server, kind, Limits.of(server), tools, reads_whole, plain, direct, closes_at_once, copies_environ, logs)
    if hasattr(server, "_serving"):
        server._serving = way
    return way


_READING_STEPS = ("handle_one_request", "read_requestline", "read_request", "MessageClass")
# Those with an underscore are gevent's, too.
_ANSWERING_STEPS = (
    "get_environ",
    "handle_one_response",
    "run_application",
    "start_response",
    "process_result",
    "finalize_headers",
    "write",
    "log_request",
    "format_request",
    "_connection_upgrade_requested",
    "_sendall",
    "_write",
    "_write_with_headers",
)
_STEPS = frozenset(_READING_STEPS + _ANSWERING_STEPS)
_reading_steps = attrgetter(*_READING_STEPS)
_answering_steps = attrgetter(*_ANSWERING_STEPS)
_first_steps = attrgetter("__new__", "__init__", "__getattribute__", "__setattr__", "handle")
_ORIGINAL_FIRST_STEPS = _first_steps(WSGIHandler)
_ORIGINAL_READING_STEPS = _reading_steps(WSGIHandler)
_ORIGINAL_ANSWERING_STEPS = _answering_steps(WSGIHandler)
_ORIGINAL_WRITE = WSGIHandler.write
