"""``wsgi.input``: the body of a request, and not one byte more.

It is read from the connection's buffered reader as the application asks for it, so `Input` has to know where the body
ends; a server and a proxy that disagree about that can be talked into taking one request for two. So the framing of
chunks is read strictly, and once it was found broken, nothing after it is read as part of anything.
"""

__all__ = ["MAX_REQUEST_LINE", "Input"]

MAX_REQUEST_LINE = 8192
"""The longest request line, chunk size line and trailer, in bytes. What is longer is refused."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_TOKEN_CHARACTERS = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# No longer sizes than fit into 64 bits, which is more than anybody sends.
_CHUNK_SIZE_DIGITS_MAX = 16
# What is asked for at a time, since a reader allocates as much as it is asked for, and the length of a body is
# whatever the client says.
_PIECE = 1 << 20
_DISCARD_PIECE = 1 << 14


class _InvalidClientInput(IOError):
    """The client sent something that is no HTTP. If the application lets it pass, the answer is "400 Bad Request"."""


class Input:
    """The body of a request as a file: of `content_length` bytes, or as many chunks as come with `chunked_input`.

    `rfile` is the buffered reader of the connection. `socket` is given if the client waits for "100 Continue", which
    is then sent before the first read.

    Reading waits for the client. It raises OSError when the client closed the connection in the middle of the body or
    sent chunks that are none.
    """

    __slots__ = (
        "rfile",
        "content_length",
        "socket",
        "position",
        "chunked_input",
        "chunk_length",
        "_broken",
        "send_100_continue_enabled",
    )

    def __init__(self, rfile, content_length, socket=None, chunked_input=False):
        self.rfile = rfile
        self.content_length = content_length
        self.socket = socket
        self.position = 0
        self.chunked_input = chunked_input
        self.chunk_length = -1  # of the current chunk; -1 before the first one and between two
        self._broken = None  # the exception that ended reading
        self.send_100_continue_enabled = True

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

    def readlines(self, hint=None):
        """Return a list of the lines that are left, or of as many as make up at least `hint` bytes."""
        lines, total = [], 0
        for line in self:
            lines.append(line)
            total += len(line)
            if hint is not None and 0 < hint <= total:
                break
        return lines

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
        read = self.rfile.readline if use_readline else self.rfile.read
        pieces, got = [], 0
        while got < wanted:
            piece = read(min(wanted - got, _PIECE))
            pieces.append(piece)
            got += len(piece)
            self.position += len(piece)
            if not piece:
                self._break(OSError(complaint.format(self.position)))
            if use_readline and piece.endswith(b"\n"):
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _send_100_continue(self):
        client, self.socket = self.socket, None
        if client is not None and self.send_100_continue_enabled:
            client.sendall(_CONTINUE)

    def _break(self, error):
        self._broken = error
        raise error

    # --- chunks -------------------------------------------------------------------------------------------------------

    def _read_chunks(self, length, use_readline):
        if self._broken is not None:
            raise self._broken
        pieces, missing = [], length
        while missing is None or missing > 0:
            left = self._left_in_chunk()
            if not left:
                break
            wanted = left if missing is None else min(missing, left)
            piece = self._read_part(wanted, use_readline, "unexpected end of file while parsing chunked data")
            pieces.append(piece)
            if missing is not None:
                missing -= len(piece)
            if self.position == self.chunk_length:
                self._read_crlf()
                self.chunk_length = -1
            if use_readline and piece.endswith(b"\n"):
                break
        return b"".join(pieces)

    def _left_in_chunk(self):
        # 0 is the end of the body, and stays it.
        if self.chunk_length < 0:
            self._send_100_continue()
            self.chunk_length = self._read_chunk_length()
            self.position = 0
            if not self.chunk_length:
                self._read_trailers()
        return self.chunk_length - self.position

    def _read_chunk_length(self):
        # Byte by byte: a client that sends something else altogether may never send the end of the line. And not by
        # int(), which also takes signs, blanks, underscores and "0x".
        digits = b""
        while True:
            char = self.rfile.read(1)
            if not char:
                self._break(_InvalidClientInput("EOF before chunk end reached"))
            if char == b"\r" and digits:
                self._read_crlf(char)
                return int(digits, 16)
            if char == b";" and digits:
                self._skip_chunk_extension()
                return int(digits, 16)
            if char not in _HEX_DIGITS:
                self._break(_InvalidClientInput("Non-hex data", char))
            digits += char
            if len(digits) > _CHUNK_SIZE_DIGITS_MAX:
                self._break(_InvalidClientInput("Chunk-size too large."))

    def _skip_chunk_extension(self):
        extension = self.rfile.readline(MAX_REQUEST_LINE)
        if len(extension) >= MAX_REQUEST_LINE:
            self._break(_InvalidClientInput("Too large chunk extension"))
        if not extension.endswith(b"\r\n"):
            self._break(_InvalidClientInput("EOF before chunk end reached"))

    def _read_crlf(self, begun=b""):
        end = begun + self.rfile.read(2 - len(begun))
        if end != b"\r\n":
            self._break(_InvalidClientInput(f"Line didn't end in CRLF: {end!r}"))

    def _read_trailers(self):
        # Read past and forgotten, but looked at: a request line here means that somebody tries to hide a request.
        allowed = MAX_REQUEST_LINE
        while True:
            line = self.rfile.readline(allowed)
            if line == b"\r\n":
                return
            allowed -= len(line)
            if allowed <= 0:
                self._break(_InvalidClientInput("Too large chunk trailer"))
            if not line.endswith(b"\r\n"):
                self._break(_InvalidClientInput("EOF before chunk end reached"))
            name, colon, _value = line.partition(b":")
            if not colon or not name or not _TOKEN_CHARACTERS.issuperset(name):
                self._break(_InvalidClientInput(f"Invalid trailer: {line!r}"))
