"""How a `gevent.pywsgi` handler reads a request, step by step."""

from gevent.pywsgi._input import MAX_REQUEST_LINE, Input
from gevent.pywsgi._request import (
    HEADERS_MAX,
    OldMessage,
    _InvalidClientRequest,
    header_variables,
    headers_factory,
    parse_request_line,
    unquote_latin1,
)
from gevent.pywsgi._response import BAD_REQUEST, REQUEST_TOO_LONG

__all__ = ["RequestSteps"]


class RequestSteps:
    """The half of `WSGIHandler` that deals with requests: from the connection to an environment."""

    requestline = None
    command = None
    path = None
    request_version = None
    content_length = 0
    close_connection = False
    wsgi_input = None
    environ = None
    _head = None  # a Head, where heads may be parsed in one go
    _headers_of_request = None
    _header_pairs = ()
    _variables = None
    _chunked_request = False

    def MessageClass(self, *args):
        """Read the headers of a request from a file and return them as a message. Subclasses may have another."""
        return headers_factory(*args)

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
            message = OldMessage._of((name.decode("latin-1"), value.decode("latin-1").strip()) for name, value in pairs)
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
                self.request_version == "HTTP/1.0" and "keep-alive" in options
            )
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
                self.rfile, self.content_length, self.socket if waits else None, self._chunked_request
            )
            environ["wsgi.input_terminated"] = True
        return environ
