"""How a `gevent.pywsgi` handler reads a request, step by step."""

import sys

from gevent._native.http import NO_CLOCK, InputFields, unquote_latin1
from gevent.pywsgi._request import (
    OldMessage,
    _InvalidClientRequest,
    field_lines,
    header_variables,
    read_message,
    refused,
)

__all__ = ["RequestSteps"]

_EMPTY_LINES_MAX = 8


def _words(listed):
    # Of a field that is a list, in small letters.
    return [word.strip(" \t").lower() for word in listed.split(",")]


class RequestSteps:
    """The half of `WSGIHandler` that deals with requests: from the connection to an environment."""

    requestline = None
    command = None
    path = None
    request_version = None
    content_length = 0  # before one was read, as in gevent; None: the request does not say
    close_connection = False
    wsgi_input = None
    environ = None
    _limits = None
    _clock = NO_CLOCK  # another one while handle() runs
    _head = None
    _reads_whole = False  # whether heads may be read in one go: no step that reads is replaced
    _headers_of_request = None
    _header_pairs = ()
    _variables = None
    _chunked_request = False
    _expects_continue = False
    _raw_stream = False  # whether the application has the connection itself
    _target = _path = _query = _authority = None

    def MessageClass(self, *args):
        """Read the headers of a request from a file and return them as a message. Subclasses may have another."""
        return read_message(args[0], self._limits.new_head())

    def _read_head(self):
        # None at the end of the connection.
        head = self._head
        whole = head.read(self.rfile, self._clock)
        if whole is None:
            return None
        self.requestline = head.request_line
        if not whole:
            raise refused(head)
        self._take_facts(head)
        self._check_body_size()
        return True

    def _take_facts(self, head):
        # What a Head has found, for the steps after it.
        self.requestline = head.request_line
        self.command = head.method
        self.path = self._target = head.target
        self._path = head.path
        self._query = head.query
        self._authority = head.authority
        self.request_version = head.version
        self._header_pairs = head.pairs
        self._headers_of_request = None
        self._variables = head.variables
        self.content_length = head.content_length
        self._chunked_request = head.chunked
        self._expects_continue = head.expects_continue
        self.close_connection = self._clock.closing or not head.keep_alive

    def _check_body_size(self):
        longest = self._limits.body_size_max
        if longest is not None and (self.content_length or 0) > longest:
            raise _InvalidClientRequest("the body is too large", 413)

    def _read_head_by_line(self):
        self._clock.enter_idle()
        line = self.read_requestline()
        if not line:
            return None
        if isinstance(line, bytes):
            line = line.decode("latin-1")
        self.requestline = line.rstrip("\r\n")
        self._clock.enter_head()
        if not self.read_request(line):
            raise _InvalidClientRequest("read_request() refused it")
        self._clock.enter_busy()
        return True

    def read_requestline(self):
        """Wait for the first line of a request and return it; an empty string at the end of the connection."""
        longest = self._limits.request_line_max
        if hasattr(self.rfile, "peek"):
            self.rfile.peek()
        self._clock.enter_head()
        line = self.rfile.readline(longest)
        passed_over = 0
        while line == b"\r\n":
            passed_over += 1
            if passed_over > _EMPTY_LINES_MAX:
                raise _InvalidClientRequest("empty lines without end")
            line = self.rfile.readline(longest)
        if line and not line.endswith(b"\n") and len(line) < longest:
            self.requestline = line.decode("latin-1")
            raise _InvalidClientRequest("the head ends early")
        return line.decode("latin-1")

    def read_request(self, raw_requestline):
        """Make out the request that begins with `raw_requestline`, reading its headers. Waits for the client.

        Sets `requestline`, `command`, `path`, `request_version`, `headers`, `content_length` and `close_connection`.
        Returns true, or something false to refuse the request; raises ValueError, with a reason for the log, to
        refuse it too.
        """
        line = raw_requestline.encode("latin-1")
        if not line.endswith(b"\n") and len(line) < self._limits.request_line_max:
            line += b"\r\n"  # a subclass's, which has taken it off
        self.requestline = line.rstrip(b"\r\n").decode("latin-1")
        head = self._head
        head.begin()
        if head.take(line) is False:
            raise refused(head)
        if not head.begun:  # a subclass has read an empty line before the request
            return self.read_request(RequestSteps.read_requestline(self))
        message = self.MessageClass(self.rfile, 0)
        if getattr(message, "status", None):
            raise _InvalidClientRequest(f"Invalid headers status: {message.status!r}")
        # Whoever has read them, they are judged as if they had come with the line before them.
        if head.take(field_lines(message)) is not True:
            raise refused(head)
        self._take_facts(head)
        self._headers_of_request = message
        if getattr(message, "_folded", False):
            self.close_connection = True
        self._check_body_size()
        return True

    @property
    def headers(self):
        """The headers of the request, as a message. Made when it is first asked for, unless it was assigned."""
        message = self._headers_of_request
        if message is None:
            message = self._headers_of_request = OldMessage._of(self._header_pairs)
        return message

    @headers.setter
    def headers(self, message):
        self._headers_of_request = message

    def _connection_upgrade_requested(self):
        # Only to a protocol that the application can take over with: for all others, such as h2c, this is an ordinary
        # request. One with a body has to be read to its end first (RFC 9110 7.8), so it is ordinary too, as is one that
        # does not say the same as an option of Connection, or speaks HTTP/1.0.
        if self.content_length or self._chunked_request or self.request_version == "HTTP/1.0":
            return False
        variables = self._request_variables()
        if "upgrade" not in _words(variables.get("HTTP_CONNECTION", "")):
            return False
        known = getattr(self.server, "upgrades", ("websocket",))
        return any(word in known for word in _words(variables.get("HTTP_UPGRADE", "")))

    def _request_variables(self):
        # A message may have been changed since it was read, or may be somebody else's.
        message = self._headers_of_request
        if message is None:
            return self._variables
        variables = header_variables(message.items())
        if self._authority:
            variables["HTTP_HOST"] = self._authority
        return variables

    def _path_and_query(self):
        if self.path is self._target:
            return self._path, self._query
        path, _, query = self.path.partition("?")
        return path, query

    def get_environ(self):
        """Return the environment for the application: what the server says, and what the request does."""
        variables = self._request_variables()
        environ = self.server.get_environ()
        path, query = self._path_and_query()
        environ["REQUEST_METHOD"] = self.command
        # SCRIPT_NAME is whatever the server's environment has.
        environ["PATH_INFO"] = unquote_latin1(path)
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = self.request_version
        client = self._peer
        if isinstance(client, tuple):
            environ["REMOTE_ADDR"] = str(client[0])
            environ["REMOTE_PORT"] = str(client[1])
        environ.update(variables)
        self._raw_stream = self._connection_upgrade_requested()
        self.wsgi_input = self._new_input()
        if self._raw_stream:
            # What comes after the head is not HTTP, and its end is nobody's business here.
            environ["wsgi.input"] = self.rfile
            environ["wsgi.input_terminated"] = False
            self.close_connection = True
        else:
            environ["wsgi.input"] = self.wsgi_input
            environ["wsgi.input_terminated"] = True
        if getattr(self.server, "trusted_proxies", None):
            self._see_through_proxies(environ)
        return environ

    def _see_through_proxies(self, environ):
        self.client_address = self.server.trusted_proxies.apply(environ) or self._peer

    def _new_input(self):
        made = sys.modules["gevent.pywsgi"].Input(  # programs assign to it
            self.rfile,
            self.content_length,
            self.socket if self._expects_continue else None,
            self._chunked_request,
        )
        if isinstance(made, InputFields):
            made._limit(self._limits, self._clock)
        return made
