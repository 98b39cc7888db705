# Part of http.pyx: a body in chunks, from a reader to bytes.

cdef extern from "http/chunked_body.h" namespace "gevent::http":
    cdef cppclass ChunkLimits:
        size_t extensions_max
        size_t trailers_max
        uint64_t body_max

    enum ChunkState "gevent::http::ChunkedBody::State":
        kFraming "gevent::http::ChunkedBody::State::kFraming"
        kData "gevent::http::ChunkedBody::State::kData"
        kBodyComplete "gevent::http::ChunkedBody::State::kComplete"
        kBodyRefused "gevent::http::ChunkedBody::State::kRefused"

    cdef cppclass Decoded "gevent::http::ChunkedBody::Decoded":
        size_t taken
        size_t given

    cdef cppclass ChunkedBody:
        ChunkedBody()
        ChunkedBody(const ChunkLimits&)
        ChunkState state()
        uint64_t left()
        uint64_t chunk_size()
        const CoreRefusal& refusal()
        size_t skip_framing(const char*, size_t)
        void took(uint64_t)
        Decoded decode(const char*, size_t, char*, size_t, bint)

# What is asked for at a time, since a reader allocates as much as it is asked for, and the length of a chunk is
# whatever the client says.
cdef Py_ssize_t _PIECE = 1 << 20
# From here on a piece is not copied through the reader's buffer.
cdef Py_ssize_t _LARGE = 4096


cdef class Chunks:
    """A body in chunks. How they are taken apart, and what is refused, is in cpp/http/chunked_body.h.

    extensions_max, trailers_max
        the most bytes of them
    body_max
        the most bytes of the body, or None
    """

    cdef ChunkedBody core

    def __cinit__(self, size_t extensions_max=8192, size_t trailers_max=8192, body_max=None):
        cdef ChunkLimits limits
        limits.extensions_max = extensions_max
        limits.trailers_max = trailers_max
        limits.body_max = <uint64_t>-1 if body_max is None else body_max
        self.core = ChunkedBody(limits)

    def read(self, rfile, Py_ssize_t wanted, bint one_line, Clock clock):
        """Return the next `wanted` bytes (-1: all that there are) or, with `one_line`, as much of them as is a line.

        None when the chunks are none: see `refusal`. Waits for the client, and lets others run meanwhile.
        """
        cdef object peek = getattr(rfile, "peek", None)
        clock.core.enter(kBody)
        try:
            return self._read(rfile, peek, wanted, one_line, clock)
        finally:
            clock.core.enter(kBusy)

    cdef object _read(self, rfile, peek, Py_ssize_t wanted, bint one_line, Clock clock):
        cdef list pieces = []
        cdef bytes piece = b""
        while wanted != 0 and self.core.state() != kBodyComplete:
            yield_in_turn()
            if self.core.state() == kData and (peek is None or (not one_line and self.core.left() >= <uint64_t>_LARGE)):
                piece = self._read_data(rfile, wanted, one_line)
            elif peek is None:
                self._read_framing(rfile)
                if self.core.state() == kBodyRefused:
                    return None
                continue
            else:
                piece = self._decode(rfile, peek(), wanted, one_line)
            if piece is None or clock.core.expired():
                return None
            clock.core.received(PyBytes_GET_SIZE(piece))
            if wanted > 0:
                wanted -= PyBytes_GET_SIZE(piece)
            pieces.append(piece)
            if one_line and piece.endswith(b"\n"):
                break
        return <object>pieces[0] if len(pieces) == 1 else b"".join(pieces)

    cdef bytes _read_data(self, rfile, Py_ssize_t wanted, bint one_line):
        cdef Py_ssize_t size = <Py_ssize_t>min(self.core.left(), <uint64_t>_PIECE)
        cdef bytes piece
        if 0 <= wanted < size:
            size = wanted
        # Not read(), where there is more than that: it would be silent until everything has come.
        piece = rfile.readline(size) if one_line else getattr(rfile, "read1", rfile.read)(size)
        if not piece:
            return None
        self.core.took(PyBytes_GET_SIZE(piece))
        return piece

    cdef int _read_framing(self, rfile) except -1:
        # Byte by byte: what comes after it is not ours.
        cdef bytes piece = rfile.read(1)
        self.core.skip_framing(PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))
        if not piece:
            self.core.skip_framing(b"\0", 1)  # which is no framing anywhere
        return 0

    cdef bytes _decode(self, rfile, bytes arrived, Py_ssize_t wanted, bint one_line):
        cdef Py_ssize_t room = PyBytes_GET_SIZE(arrived)
        cdef Decoded done
        cdef bytes piece
        if room == 0:
            return None
        if 0 <= wanted < room:
            room = wanted
        piece = PyBytes_FromStringAndSize(NULL, room)
        done = self.core.decode(
            PyBytes_AS_STRING(arrived), PyBytes_GET_SIZE(arrived), PyBytes_AS_STRING(piece), room, one_line)
        rfile.read(done.taken)
        if self.core.state() == kBodyRefused:
            return None
        return piece if <Py_ssize_t>done.given == room else piece[:done.given]

    @property
    def refusal(self):
        """The status and the reason; None if the input ended early."""
        if self.core.state() != kBodyRefused:
            return None
        return self.core.refusal().status, self.core.refusal().reason.decode("ascii")

    @property
    def complete(self):
        """Whether the body is over."""
        return self.core.state() == kBodyComplete

    @property
    def chunk_size(self):
        """The size of the current chunk, of the last one between two."""
        return self.core.chunk_size()

    @property
    def left(self):
        """How much of the current chunk has not been read."""
        return self.core.left()


cdef list _lines_of(file, hint):
    # As readlines() of the `io` module's files.
    cdef list lines = []
    cdef Py_ssize_t total = 0
    cdef Py_ssize_t most = -1 if hint is None else hint
    for line in file:
        lines.append(line)
        total += len(line)
        if 0 < most < total:
            break
    return lines


cdef class InputFields:
    """What `gevent.pywsgi.Input` knows about its body. Here, since there is one for each request."""

    cdef public object rfile
    cdef public object content_length
    cdef public object socket
    cdef public object position
    cdef public object chunked_input
    cdef public object chunk_length  # of the current chunk; -1 before the first one and between two
    cdef public object send_100_continue_enabled
    cdef public object _chunks
    cdef public object _clock
    cdef public object _broken  # the exception that ended reading

    def __init__(self, rfile, content_length, socket=None, chunked_input=False):
        self.rfile = rfile
        self.content_length = content_length
        self.socket = socket
        self.position = 0
        self.chunked_input = chunked_input
        self.chunk_length = -1
        self.send_100_continue_enabled = True
        self._chunks = Chunks() if chunked_input else None
        self._clock = NO_CLOCK

    def readlines(self, hint=None):
        """Return a list of the lines that are left, or of as many as make up more than `hint` bytes."""
        return _lines_of(self, hint)
