"""One connection of a `gevent.pywsgi` server: request after request, each given to the application and answered.

`WSGIHandler` is made of steps, and each step is a method that subclasses replace; WebSocket servers live on that. They
are called in this order::

    handle
      handle_one_request          for each request
        read_requestline, read_request      one step when neither is replaced and the head is plain: _read_head
        get_environ
        handle_one_response
          run_application         calls the application, with start_response
            process_result
              write               finalize_headers before the first
        log_request               format_request

A plain request of a handler none of whose steps is replaced does not get that far: `gevent._native.http` answers it,
and hands it over to these methods as soon as something comes up that is not plain.

The response leaves in one piece, status line, headers and body, wherever the body is at hand. Two small writes would
cost a client 40 ms, for Nagle's algorithm holds the second one back until the client's delayed acknowledgement of the
first.
"""
import errno
import socket as _stdlib_socket
import sys
import time
import traceback

from greenlet import GreenletExit

from gevent._hub_local import get_hub
from gevent._native.http import PlainExchanges, encoded_headers, encoded_status, response_bytes
from gevent._wsgi_input import MAX_REQUEST_LINE, Input, _InvalidClientInput
from gevent._wsgi_log import _NoopLog
from gevent._wsgi_request import (
    HEADERS_MAX,
    OldMessage,
    _InvalidClientRequest,
    header_variables,
    headers_factory,
    new_head,
    parse_request_line,
    unquote_latin1,
)
from gevent._wsgi_response import BAD_REQUEST, ERRORS, REQUEST_TOO_LONG, Clock, format_date_time

__all__ = ["WSGIHandler"]

# Up to here, copying a body behind the headers is cheaper than another system call for it.
_ONE_BUFFER_MAX = 1 << 16
_DRAIN_MAX = 16
_EMPTY = b""

_http_date = Clock(format_date_time)
_log_date = Clock(lambda now: time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)))


class WSGIHandler:
    """Handles the requests of one connection.

    `sock` is the connection, `address` its other end, `server` a `gevent.pywsgi.WSGIServer`. `rfile` is a buffered
    reader of the connection, if there is one already.
    """

    protocol_version = "HTTP/1.1"

    ApplicationError = AssertionError
    """What is raised when an application breaks the rules of WSGI."""

    ignored_socket_errors = (errno.EPIPE, errno.ECONNRESET)
    """The client has gone: the connection ends, and nobody needs to be told."""

    status = None  # as bytes, once start_response() was called
    code = None
    response_headers = None  # names and values, as bytes
    provided_date = None
    provided_content_length = None
    headers_sent = False
    response_use_chunked = False
    response_length = 0  # bytes sent, headers included
    connection_upgraded = False
    close_connection = False
    result = None
    environ = None
    application = None
    requestline = None
    command = None
    path = None
    request_version = None
    content_length = 0
    wsgi_input = None
    time_start = 0
    time_finish = 0
    _orig_status = None
    _headers_of_request = None
    _variables = None
    _header_pairs = ()
    _no_delay = False
    _head = None
    _plain = None
    _body_sent = 0

    # What prints an exception that nobody foresaw while a request was read.
    _print_unexpected_exc = staticmethod(traceback.print_exc)

    def MessageClass(self, *args):
        """Read the headers of a request from a file and return them as a message. Subclasses may have another."""
        return headers_factory(*args)

    def __init__(self, sock, address, server, rfile=None):
        self.socket = sock
        self.client_address = address
        self.server = server
        self.rfile = sock.makefile("rb", -1) if rfile is None else rfile
        # What a subclass replaces must be called, so the short cuts around it are only for the originals.
        kind = type(self)
        self._plain_write = kind.write is _ORIGINALS["write"]
        if hasattr(self.rfile, "peek") and all(getattr(kind, name) is _ORIGINALS[name] for name in _READING_STEPS):
            self._head = new_head()
            if all(getattr(kind, name) is _ORIGINALS[name] for name in _ANSWERING_STEPS):
                self._plain = self._plain_exchanges()

    def _plain_exchanges(self):
        server = self.server
        copies_environ = getattr(server, "_copies_environ", False)
        logs = bool(server.log) and type(server.log) is not _NoopLog
        return PlainExchanges(
            self, self._head, Input, unquote_latin1, format_date_time, HEADERS_MAX, copies_environ, logs)

    # --- the connection -----------------------------------------------------------------------------------------------

    def handle(self):
        """Handle requests until the connection ends. Called by the server, in a greenlet of its own."""
        try:
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
                    self.socket.sendall(response)
                    self._drain()
                    self.time_finish = self.time_finish or time.time()
                    self.log_request()
                    return
        finally:
            # The reader keeps the connection open too, and an application may have kept the reader.
            rfile = self.__dict__.pop("rfile", None)
            self.__dict__.pop("socket", None)
            self.__dict__.pop("wsgi_input", None)
            self.__dict__.pop("_plain", None)  # which has them, too
            if rfile is not None:
                rfile.close()

    def _drain(self):
        # Closing a connection with input that nobody has read resets it, and the reset can overtake the response on
        # its way to the client. So read what has arrived, without waiting for more.
        try:
            self.socket.settimeout(0)
            for _ in range(_DRAIN_MAX):
                if not self.socket.recv(_ONE_BUFFER_MAX):
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
                read = self._read_head() if self._head is not None else False
                if read is False:
                    read = self._read_head_by_line()
            except OSError:
                return None
            if read is not True:
                return read
            self.environ = self.get_environ()
        except Exception as error:
            self._handle_client_error(error)
            return "400", BAD_REQUEST
        self.application = self.server.application
        self.handle_one_response()
        if self.close_connection or self.rfile.closed:
            return None
        return True

    # --- the request --------------------------------------------------------------------------------------------------

    def _read_head(self):
        # A whole head in what has arrived, in one go. None at the end of the connection, False to take the other way,
        # in which case nothing was read.
        rfile = self.rfile
        arrived = rfile.peek()
        if not arrived:
            return None
        head = self._head
        if not head.parse(arrived, HEADERS_MAX):
            return False
        rfile.read(head.size)
        self.requestline = head.request_line
        self.command = head.method
        self.path = head.target
        self.request_version = head.version
        self._take_headers(head.pairs, head.variables)
        self._examine(head.variables)
        return True

    def _take_headers(self, pairs, variables):
        self._header_pairs = pairs
        self._headers_of_request = None
        self._variables = variables

    def _read_head_by_line(self):
        line = self.read_requestline()
        if not line:
            return None
        if isinstance(line, bytes):
            line = line.decode("latin-1")
        self.requestline = line.rstrip()
        if len(line) >= MAX_REQUEST_LINE:
            return "414", REQUEST_TOO_LONG
        return True if self.read_request(line) else ("400", BAD_REQUEST)

    def read_requestline(self):
        """Wait for the first line of a request and return it; an empty string at the end of the connection."""
        return self.rfile.readline(MAX_REQUEST_LINE).decode("latin-1")

    def read_request(self, raw_requestline):
        """Make out the request that begins with `raw_requestline`, reading its headers. Waits for the client.

        Sets `requestline`, `command`, `path`, `request_version`, `headers`, `content_length` and `close_connection`.
        Returns true, or something false to refuse the request; raises ValueError, with a reason for the log, to
        refuse it too.
        """
        self.requestline = raw_requestline.rstrip()
        self.command, self.path, self.request_version = parse_request_line(self.requestline)
        self.headers = self.MessageClass(self.rfile, 0)
        if getattr(self.headers, "status", None):
            raise _InvalidClientRequest(f"Invalid headers status: {self.headers.status!r}")
        self._variables = header_variables(self.headers.items())
        self._examine(self._variables)
        return True

    @property
    def headers(self):
        """The headers of the request, as a message. Made when it is first asked for, unless it was assigned."""
        message = self._headers_of_request
        if message is None:
            pairs = self._header_pairs
            message = OldMessage.of((name.decode("latin-1"), value.decode("latin-1").strip()) for name, value in pairs)
            self._headers_of_request = message
        return message

    @headers.setter
    def headers(self, message):
        self._headers_of_request = message
        self._variables = None

    def _examine(self, variables):
        # What the headers say about the connection and the body.
        chunked = False
        length = 0
        encoding = variables.get("HTTP_TRANSFER_ENCODING")
        if encoding is not None:
            # Anything else than these has an end that cannot be found, or that a proxy finds elsewhere.
            encoding = encoding.lower()
            if encoding not in ("chunked", "identity"):
                raise _InvalidClientRequest(f"Invalid Transfer-Encoding: {encoding!r}")
            chunked = encoding == "chunked"
        if chunked:
            variables.pop("CONTENT_LENGTH", None)
        elif "CONTENT_LENGTH" in variables:
            digits = variables["CONTENT_LENGTH"]
            if not (digits.isascii() and digits.isdecimal()):
                raise _InvalidClientRequest(f"Invalid Content-Length: {digits!r}")
            length = int(digits)
        self.content_length = length
        self._chunked_request = chunked
        connection = variables.get("HTTP_CONNECTION")
        if connection is None:
            self.close_connection = self.request_version != "HTTP/1.1"
        else:
            options = [option.strip() for option in connection.lower().split(",")]
            keep_alive = self.request_version == "HTTP/1.1" or (
                self.request_version == "HTTP/1.0" and "keep-alive" in options)
            self.close_connection = "close" in options or not keep_alive

    def _connection_upgrade_requested(self):
        variables = self._variables
        if "HTTP_UPGRADE" not in variables and "HTTP_CONNECTION" not in variables:
            return False
        options = variables.get("HTTP_CONNECTION", "").lower().split(",")
        return "upgrade" in map(str.strip, options) or variables.get("HTTP_UPGRADE", "").lower() == "websocket"

    def get_environ(self):
        """Return the environment for the application: what the server says, and what the request does."""
        variables = self._variables
        if variables is None:  # `headers` was assigned by a subclass
            variables = self._variables = header_variables(self.headers.items())
        environ = self.server.get_environ()
        path, _, query = self.path.partition("?")
        environ["REQUEST_METHOD"] = self.command
        # SCRIPT_NAME is whatever the server's environment has.
        environ["PATH_INFO"] = unquote_latin1(path)
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = self.request_version
        client = self.client_address
        if isinstance(client, tuple):
            environ["REMOTE_ADDR"] = str(client[0])
            environ["REMOTE_PORT"] = str(client[1])
        environ.update(variables)
        if self._connection_upgrade_requested():
            # What comes after the head is not HTTP, and its end is nobody's business here.
            self.wsgi_input = Input(self.rfile, self.content_length, chunked_input=self._chunked_request)
            environ["wsgi.input"] = self.rfile
            environ["wsgi.input_terminated"] = False
        else:
            waits = variables.get("HTTP_EXPECT", "").lower() == "100-continue"
            self.wsgi_input = environ["wsgi.input"] = Input(
                self.rfile, self.content_length, self.socket if waits else None, self._chunked_request)
            environ["wsgi.input_terminated"] = True
        return environ

    # --- the response -------------------------------------------------------------------------------------------------

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

    def _respond(self, run):
        try:
            try:
                run()
            finally:
                self._finish_request()
        except _InvalidClientInput as error:
            self._handle_client_error(error)
            self._send_error_response_if_possible(400)
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
        if not (self.content_length or self._chunked_request) or self.connection_upgraded:
            return
        try:
            body._discard()
        except _InvalidClientInput as error:
            self._handle_client_error(error)
        except OSError:
            self.close_connection = True
        if body._broken is not None:
            self.close_connection = True

    def run_application(self):
        """Call the application and send what it returns. Closes the result, as the specification asks."""
        self._process_and_close(self.application(self.environ, self.start_response))

    def _process_and_close(self, result):
        self.result = result
        try:
            self.process_result()
        finally:
            self.result = None
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def process_result(self):
        """Send the response: the headers, and `result`, which is an iterable of bytes."""
        result = self.result
        if not self.status and isinstance(result, (list, tuple)) and not any(result):
            # Neither a response nor an exception.
            self.log_error("The application did not call start_response()")
            self.close_connection = True
            return
        if self._plain_write and type(result) in (list, tuple) and not self.headers_sent:
            body = result[0] if len(result) == 1 else _EMPTY.join(result)
            if len(body) <= _ONE_BUFFER_MAX:
                self.write(body)
                result = ()
        for data in result:
            if data:
                self.write(data)
        if not self.headers_sent:
            self.write(_EMPTY)
        if self.response_use_chunked and self.command != "HEAD":
            self._sendall(b"0\r\n\r\n")
        if self.command != "HEAD" and self._body_sent != self._promised_length():
            # The client would go on waiting, or take the surplus for the beginning of the next response.
            self.close_connection = True

    def _promised_length(self):
        try:
            return int(self.provided_content_length)
        except (TypeError, ValueError):
            return self._body_sent

    def start_response(self, status, headers, exc_info=None):
        """The callable that WSGI gives to applications; returns `write`.

        Raises what the specification asks for when it is called late, and UnicodeError or ValueError for a status or
        a header that cannot be sent: headers are not to be smuggled in through line breaks.
        """
        if exc_info:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        status_line = encoded_status(status)
        code = int(status.split(" ", 1)[0])
        response_headers = encoded_headers(headers)
        length = date = None
        for name, value in response_headers:
            # Only names of these lengths matter; most do not.
            if len(name) in _INTERESTING_LENGTHS:
                name = name.lower()
                if name == b"content-length":
                    length = value.decode("latin-1")
                elif name == b"date":
                    date = value.decode("latin-1")
                elif name == b"connection" and value.lower() == b"close":
                    self.close_connection = True
        if code in (204, 304) and length and length != "0":
            message = f"Invalid Content-Length for {code} response: {length!r} (must be absent or zero)"
            raise self.ApplicationError(message.encode("latin-1"))
        self._orig_status = status
        self.status = status_line
        self.code = code
        self.response_headers = response_headers
        self.provided_content_length = length
        self.provided_date = date
        self.response_use_chunked = False
        if code == 101 and self._connection_upgrade_requested():
            self.connection_upgraded = True
        return self.write

    def finalize_headers(self):
        """Add to `response_headers` what the application left to the server. Called before they are sent."""
        headers = self.response_headers
        bodiless = self.code in (204, 304)
        length_known = self.provided_content_length is not None or hasattr(self.result, "__len__") or bodiless
        if self.request_version == "HTTP/1.0" and not self._has_header(b"connection"):
            if not length_known:
                self.close_connection = True  # which is then the end of the body
            headers.append((b"Connection", b"close" if self.close_connection else b"keep-alive"))
        if not self.provided_date:
            headers.append((b"Date", _http_date(time.time())))
        if bodiless or self.provided_content_length is not None:
            return
        if self._has_header(b"transfer-encoding"):
            # The application frames its response itself. Only it knows whether a client can tell where that ends.
            self.close_connection = True
            return
        if length_known:
            self.provided_content_length = str(sum(map(len, self.result)))
            headers.append((b"Content-Length", self.provided_content_length.encode("ascii")))
        elif not self.connection_upgraded and self.request_version == "HTTP/1.1":
            self.response_use_chunked = True
            headers.append((b"Transfer-Encoding", b"chunked"))

    def _has_header(self, wanted):
        return any(name.lower() == wanted for name, _ in self.response_headers)

    def write(self, data):
        """Send `data`, after the headers if they were not sent yet. Waits until the system has taken it."""
        if not self.status:
            raise self.ApplicationError("The application did not call start_response()")
        if self.code in (204, 304) and data:
            raise self.ApplicationError(f"The {self.code} response must have no body")
        if self.headers_sent:
            self._write(data)
        else:
            self._write_with_headers(data)

    def _write_with_headers(self, data):
        body = self._framed(data, first=True)
        self.headers_sent = True
        if len(body) <= _ONE_BUFFER_MAX:
            self._sendall(response_bytes(self.status, self.response_headers, body))
        else:
            self._sendall(response_bytes(self.status, self.response_headers, _EMPTY))
            self._sendall(body)

    def _write(self, data):
        body = self._framed(data)
        if body:
            if not self._no_delay:
                self._send_without_delay()
            self._sendall(body)

    def _framed(self, data, first=False):
        # `data` as it is sent. Checked before anything is, so that an error can still become a response.
        data = data or _EMPTY
        if first:
            memoryview(data)
            self.finalize_headers()
        if not data or self.command == "HEAD":
            return _EMPTY
        self._body_sent += len(data)
        return b"%x\r\n%b\r\n" % (len(data), data) if self.response_use_chunked else data

    def _send_without_delay(self):
        # A response in several pieces: each is to leave now, rather than when the client has acknowledged the last.
        self._no_delay = True
        try:
            self.socket.setsockopt(_stdlib_socket.IPPROTO_TCP, _stdlib_socket.TCP_NODELAY, 1)
        except (OSError, AttributeError):
            pass  # no TCP

    def _sendall(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            self.status = f"socket error: {error}"
            if self.code and self.code > 0:
                self.code = -self.code
            raise
        self.response_length += len(data)

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
        # Not ours, hence a line in the error log and no traceback.
        self.close_connection = True
        if isinstance(error, _InvalidClientRequest):
            self.log_error("(from %s) %s", self.client_address, error.formatted_message)
        else:
            if not isinstance(error, (_InvalidClientInput, ValueError)):
                self._print_unexpected_exc()
            self.log_error("Invalid request (from %s): %s", self.client_address, str(error) or type(error).__name__)

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
        if type(log) is not _NoopLog and log:
            log.write(self.format_request() + "\n")

    def format_request(self):
        """Return the line for the log, without its end: who, when, what, status, bytes sent and seconds taken."""
        now = time.time()
        client = self.client_address
        host = client[0] if isinstance(client, tuple) else client
        length = self.response_length or "-"
        took = f"{self.time_finish - self.time_start:.6f}" if self.time_finish else "-"
        status = self.code if self.code is not None and self.code > 0 else self.status
        if isinstance(status, bytes):
            status = status.decode("latin-1")
        line = self.requestline or ""
        return f'{host or "-"} - - [{_log_date(now)}] "{line}" {status or "000"} {length} {took}'

    def log_error(self, msg, *args):
        """Write `msg`, formatted with `args` by the rules of ``%``, to the server's error log."""
        try:
            message = msg % args
        except (TypeError, ValueError):
            message = f"{msg!r} {args!r}"
        try:
            self.server.error_log.write(f"{self.socket}: {message}\n")
        except Exception:
            # A log that cannot be written is no reason to leave a client without an answer.
            traceback.print_exc()


_INTERESTING_LENGTHS = frozenset(map(len, (b"content-length", b"date", b"connection")))

_READING_STEPS = ("handle_one_request", "read_requestline", "read_request", "MessageClass")
_ANSWERING_STEPS = (
    "get_environ", "handle_one_response", "run_application", "start_response", "process_result", "finalize_headers",
    "write", "log_request",
)
_ORIGINALS = {name: vars(WSGIHandler)[name] for name in (*_READING_STEPS, *_ANSWERING_STEPS)}
