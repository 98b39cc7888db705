"""How a `gevent.pywsgi` handler writes a response, step by step."""

import socket

from gevent._native.http import (
    AS_SAID,
    CHUNKED,
    MEASURED,
    as_connection_error,
    encoded_headers,
    encoded_status,
    frame_response,
    give_way,
    response_bytes,
    says_close,
)

__all__ = ["ResponseSteps"]

# Up to here, copying a body behind the headers is cheaper than another system call for it.
_ONE_BUFFER_MAX = 1 << 16
_EMPTY = b""
_INTERESTING_LENGTHS = frozenset(map(len, (b"content-length", b"date", b"connection")))


class ResponseSteps:
    """The half of `WSGIHandler` that deals with responses: from what the application says to the connection."""

    ApplicationError = AssertionError
    """What is raised when an application breaks the rules of WSGI."""

    status = None  # as bytes, once start_response() was called
    code = None
    response_headers = None  # names and values, as bytes
    provided_date = None
    provided_content_length = None
    headers_sent = False
    response_use_chunked = False
    response_length = 0  # bytes sent, headers included
    connection_upgraded = False
    result = None
    _orig_status = None
    _body_sent = 0
    _body_left = None  # of what Content-Length says; None if nothing does
    _no_delay = False
    _plain_write = False  # whether write() is the one below

    def process_result(self):
        """Send the response: the headers, and `result`, which is an iterable of bytes."""
        result = self.result
        if not self.status and isinstance(result, (list, tuple)) and not any(result):
            # Neither a response nor an exception: all is well if the application has used the connection by itself.
            if not self._connection_upgrade_requested():
                self.log_error("The application did not call start_response()")
            self.close_connection = True
            return
        if self._plain_write and type(result) in (list, tuple) and not self.headers_sent:
            body = result[0] if len(result) == 1 else _EMPTY.join(result)
            if len(body) <= _ONE_BUFFER_MAX:
                self.write(body)
                result = ()
        for data in result:
            give_way()  # or a body without end would keep all others waiting
            if data:
                self.write(data)
        if not self.headers_sent:
            self.write(_EMPTY)
        if self.response_use_chunked and self.command != "HEAD":
            self._sendall(b"0\r\n\r\n")
        if self._body_left and self.command != "HEAD":
            self.close_connection = True  # or the client would go on waiting

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
        self._take_response(status, headers)
        return self.write

    def _take_response(self, status, headers):
        status_line = encoded_status(status)
        code = int(status[:3])
        if code < 200 and code != 101:
            # It would be followed by a body, or by nothing, and a client waits for another response.
            raise self.ApplicationError(f"{code} is no final response")
        response_headers = encoded_headers(headers)
        length = date = None
        for index, (name, value) in enumerate(response_headers):
            # Only names of these lengths matter; most do not.
            if len(name) in _INTERESTING_LENGTHS:
                name = name.lower()
                if name == b"content-length":
                    if length is not None:
                        response_headers[index] = None  # once is enough (RFC 9110 8.6)
                    length = _checked_length(value, length)
                elif name == b"date":
                    date = value.decode("latin-1")
                elif name == b"connection" and says_close(value):
                    self.close_connection = True
        if code in (204, 304) and length and length != "0":
            message = f"Invalid Content-Length for {code} response: {length!r} (must be absent or zero)"
            raise self.ApplicationError(message.encode("latin-1"))
        self._orig_status = status
        self.status = status_line
        self.code = code
        self.response_headers = [pair for pair in response_headers if pair is not None]
        self.provided_content_length = length
        self.provided_date = date
        self.response_use_chunked = False
        if code == 101:
            # Whatever comes now, it is not HTTP: never look for another request in it.
            self.connection_upgraded = True
            self.close_connection = True

    def finalize_headers(self):
        """Add to `response_headers` what the application left to the server. Called before they are sent."""
        headers = self.response_headers
        self.close_connection, framed_by = frame_response(
            headers,
            self.code,
            self.request_version,
            self.close_connection or self._clock.closing,
            self.provided_content_length is not None,
            hasattr(self.result, "__len__"),
            bool(self.provided_date),
        )
        if framed_by == AS_SAID:
            # A subclass may have made it False, for a body without an end.
            self._body_left = int(self.provided_content_length) if self.provided_content_length else None
        elif framed_by == MEASURED:
            self._body_left = sum(map(len, self.result))
            self.provided_content_length = str(self._body_left)
            headers.append((b"Content-Length", self.provided_content_length.encode("ascii")))
        elif framed_by == CHUNKED:
            self.response_use_chunked = True
            headers.append((b"Transfer-Encoding", b"chunked"))

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
        if self.wsgi_input is not None:
            self.wsgi_input.socket = None  # too late for "100 Continue"
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
        if self._body_left is not None:
            # What is beyond Content-Length is not sent (PEP 3333): a client would take it for the next response.
            if len(data) > self._body_left:
                self.close_connection = True
                data = data[: self._body_left]
            self._body_left -= len(data)
        self._body_sent += len(data)
        return b"%x\r\n%b\r\n" % (len(data), data) if self.response_use_chunked else data

    def _send_without_delay(self):
        # A response in several pieces: each is to leave now, rather than when the client has acknowledged the last.
        self._no_delay = True
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, AttributeError):
            pass  # no TCP

    def _sendall(self, data):
        self._clock.enter_send()
        try:
            self.socket.sendall(data)
            self._clock.enter_busy()
        except OSError as error:
            raise self._sending_failed(error)
        self.response_length += len(data)

    def _sending_failed(self, error):
        # For the log. Returns what is to be raised.
        self.status = f"socket error: {error}"
        if self.code and self.code > 0:
            self.code = -self.code
        return as_connection_error(error)


def _checked_length(value, former):
    length = value.strip().decode("latin-1")
    if not (length.isascii() and length.isdecimal()) or former not in (None, length):
        raise ValueError("invalid Content-Length", length)
    return length
