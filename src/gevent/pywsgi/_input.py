"""``wsgi.input``: the body of a request, and not one byte more.

It is read from the connection's buffered reader as the application asks for it, so `Input` has to know where the body
ends; a server and a proxy that disagree about that can be talked into taking one request for two. So the framing of
chunks is read strictly (cpp/http/chunked_body.h), and once it was found broken, nothing after it is read as part of
anything.
"""

from gevent._native.http import Chunks, InputFields, as_connection_error

__all__ = ["Input"]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# What is asked for at a time, since a reader allocates as much as it is asked for, and the length of a body is
# whatever the client says.
_PIECE = 1 << 20
_DISCARD_PIECE = 1 << 14


class _InvalidClientInput(IOError):
    """The client sent what is no HTTP, or stopped. If the application lets it pass, the answer is `status`."""

    status = 400


class Input(InputFields):
    """The body of a request as a file: of `content_length` bytes, or as many chunks as come with `chunked_input`.

    `rfile` is the buffered reader of the connection. `socket` is given if the client waits for "100 Continue", which
    is then sent before the first read.

    Reading waits for the client. It raises OSError when the client closed the connection in the middle of the body or
    sent chunks that are none; the answer is then status 400, unless the application catches that.
    """

    __slots__ = ()

    def _limit(self, limits, clock):
        # Before the first read.
        self._clock = clock
        if self.chunked_input:
            self._chunks = Chunks(limits.chunk_extensions_max, limits.request_line_max, limits.body_size_max)

    def read(self, length=None):
        """Return the next `length` bytes, fewer only at the end; without a length (or with a negative one) all."""
        if length is not None and length < 0:
            length = None
        return self._do_read(length)

    def readline(self, size=None):
        r"""Return the next line with its ``\n``, or what there is of it within `size` bytes; ``b""`` at the end."""
        if size is not None and size < 0:
            size = None
        return self._do_read(size, use_readline=True)

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def next(self):
        """Return the next line. For code from the days of Python 2."""
        return self.__next__()

    def _discard(self):
        # The next request begins where this body ends. Also when the client was not told to go on: it may send the
        # body all the same.
        self.socket = None  # and it is not told now
        if self._broken is None:
            while self.read(_DISCARD_PIECE):
                pass

    def _do_read(self, length, use_readline=False):
        if length == 0:
            return b""
        if self.chunked_input:
            return self._read_chunks(length, use_readline)
        left = (self.content_length or 0) - self.position
        if left <= 0:
            return b""
        wanted = left if length is None else min(length, left)
        return self._read_part(wanted, use_readline, "unexpected end of file while reading request at position {}")

    def _read_part(self, wanted, use_readline, complaint):
        # `wanted` bytes that the client has promised, or the line within them.
        self._send_100_continue()
        # Not read(), where there is more than that: it would be silent until everything has come.
        rfile, clock = self.rfile, self._clock
        read = rfile.readline if use_readline else getattr(rfile, "read1", rfile.read)
        pieces, got = [], 0
        while got < wanted:
            clock.enter_body()
            piece = read(min(wanted - got, _PIECE))
            clock.received(len(piece))
            pieces.append(piece)
            got += len(piece)
            self.position += len(piece)
            if not piece or clock.expired:
                self._break(complaint.format(self.position))
            if use_readline and piece.endswith(b"\n"):
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _send_100_continue(self):
        client, self.socket = self.socket, None
        if client is not None and self.send_100_continue_enabled:
            try:
                client.sendall(_CONTINUE)
            except OSError as error:
                raise as_connection_error(error)

    def _break(self, reason, status=400):
        if self._clock.expired:
            reason, status = "the body takes too long", 408
        self._broken = _InvalidClientInput(reason)
        self._broken.status = status
        raise self._broken

    def _read_chunks(self, length, use_readline):
        if self._broken is not None:
            raise self._broken
        chunks = self._chunks
        if chunks.complete:
            return b""
        self._send_100_continue()
        data = chunks.read(self.rfile, -1 if length is None else length, use_readline, self._clock)
        if data is None:
            refusal = chunks.refusal
            if refusal is None:
                self._break("unexpected end of file while parsing chunked data")
            self._break(refusal[1], refusal[0])
        # As gevent has them: -1 is between two chunks, 0 the end.
        left = chunks.left
        self.position = chunks.chunk_size - left
        self.chunk_length = 0 if chunks.complete else chunks.chunk_size if left else -1
        return data
