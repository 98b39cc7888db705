# Part of http.pyx: what arrives on a connection, as a file.

import sys as _sys
from errno import ECONNRESET as _ECONNRESET
from io import BufferedIOBase as _BufferedIOBase, UnsupportedOperation as _UnsupportedOperation
from socket import SocketIO as _SocketIO

# What is asked for at a time, and at most when more is wanted at once.
cdef Py_ssize_t _RECEIVED_AT_ONCE = 8192
cdef Py_ssize_t _RECEIVED_MAX = 1 << 18


cpdef as_connection_error(error):
    """`error`, or a ConnectionResetError for what encryption says of the other side: that it has left without a word,
    or does not speak TLS.

    An application's own connections have such errors, too, and those are not for us to pass over.
    """
    ssl = _sys.modules.get("ssl")
    if ssl is None or not isinstance(error, ssl.SSLError):
        return error
    reset = ConnectionResetError(_ECONNRESET, str(error))
    reset.__cause__ = error
    return reset


cdef class Reader:
    """What `sock.makefile("rb")` would be, for reading only, without the layers in between.

    It keeps what has arrived and was not asked for yet, and nothing while there is no such thing, so a connection on
    which nobody says anything costs no buffer. Waits as `sock.recv` does. Closing it leaves the socket open.
    """

    cdef object sock  # None: closed
    cdef bytes arrived
    cdef Py_ssize_t position  # of what was not asked for yet
    cdef object _raw

    def __cinit__(self, sock):
        self.sock = sock
        self.arrived = b""

    cdef inline Py_ssize_t _left(self):
        return PyBytes_GET_SIZE(self.arrived) - self.position

    cdef inline const char* _next(self):
        return PyBytes_AS_STRING(self.arrived) + self.position

    cdef Py_ssize_t _receive(self, Py_ssize_t size) except -1:
        # Requires: nothing is left. 0: the end.
        self._check_open()
        self.arrived = b""
        self.position = 0
        try:
            self.arrived = self.sock.recv(size)
        except OSError as error:
            raise as_connection_error(error)
        return PyBytes_GET_SIZE(self.arrived)

    cdef inline int _took(self, Py_ssize_t size) except -1:
        self.position += size
        if self.position == PyBytes_GET_SIZE(self.arrived):
            self.arrived = b""
            self.position = 0
        return 0

    cdef bytes _take(self, Py_ssize_t size):
        # Requires: size <= _left().
        cdef bytes taken
        if self.position == 0 and size == PyBytes_GET_SIZE(self.arrived):
            taken = self.arrived
        else:
            taken = PyBytes_FromStringAndSize(self._next(), size)
        self._took(size)
        return taken

    def peek(self, size=0):
        """Return what has arrived, without taking it; waits if that is nothing."""
        if self._left() == 0 and self._receive(_RECEIVED_AT_ONCE) == 0:
            return b""
        return self.arrived if self.position == 0 else self.arrived[self.position:]

    def read(self, size=-1):
        """Return `size` bytes, fewer only at the end; all up to the end if it is negative or None."""
        cdef Py_ssize_t wanted = -1 if size is None else size
        cdef list pieces = []
        cdef Py_ssize_t piece
        self._check_open()
        while wanted != 0:
            if self._left() == 0 and self._receive(self._worth_asking(wanted)) == 0:
                break
            piece = self._left() if wanted < 0 else min(wanted, self._left())
            pieces.append(self._take(piece))
            if wanted > 0:
                wanted -= piece
        return <object>pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read1(self, size=-1):
        """Return up to `size` bytes as soon as there are any."""
        cdef Py_ssize_t wanted = size
        self._check_open()
        if wanted < 0:
            wanted = _RECEIVED_AT_ONCE
        if wanted == 0 or (self._left() == 0 and self._receive(self._worth_asking(wanted)) == 0):
            return b""
        return self._take(min(wanted, self._left()))

    cdef Py_ssize_t _worth_asking(self, Py_ssize_t wanted):
        return max(_RECEIVED_AT_ONCE, min(wanted, _RECEIVED_MAX))

    def readline(self, size=-1):
        r"""Return a line with its ``\n``, or what there is of it within `size` bytes or up to the end."""
        cdef Py_ssize_t wanted = -1 if size is None else size
        cdef list pieces = []
        cdef Py_ssize_t piece
        cdef const char* end
        self._check_open()
        while wanted != 0:
            if self._left() == 0 and self._receive(_RECEIVED_AT_ONCE) == 0:
                break
            piece = self._left() if wanted < 0 else min(wanted, self._left())
            end = <const char*>memchr(self._next(), b"\n", piece)
            if end != NULL:
                piece = end - self._next() + 1
            pieces.append(self._take(piece))
            if end != NULL:
                break
            if wanted > 0:
                wanted -= piece
        return <object>pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readlines(self, hint=None):
        """Return the lines that are left, or as many as make up more than `hint` bytes."""
        return _lines_of(self, hint)

    def readinto(self, buffer):
        """Fill `buffer`, less only at the end; return how much that is."""
        return self._read_into(buffer, self.read)

    def readinto1(self, buffer):
        """Put into `buffer` what there is as soon as there is any; return how much that is."""
        return self._read_into(buffer, self.read1)

    cdef object _read_into(self, buffer, read):
        with memoryview(buffer) as view, view.cast("B") as octets:
            data = read(len(octets))
            octets[:len(data)] = data
        return len(data)

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    cdef inline int _check_open(self) except -1:
        if self.sock is None:
            raise ValueError("I/O operation on closed file.")
        return 0

    @property
    def raw(self):
        """The file below a buffered one; programs find the socket there, as ``raw._sock``."""
        self._check_open()
        if self._raw is None:
            self.sock._io_refs += 1  # as makefile() has it
            self._raw = _SocketIO(self.sock, "r")
        return self._raw

    @property
    def closed(self):
        """Whether `close` was called."""
        return self.sock is None

    def close(self):
        """Read no more."""
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()
        self.sock = None
        self.arrived = b""
        self.position = 0

    def __enter__(self):
        self._check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def fileno(self):
        """Return the descriptor of the socket."""
        self._check_open()
        return self.sock.fileno()

    def flush(self):
        """Do nothing."""

    def isatty(self):
        """Return False."""
        return False

    def readable(self):
        """Return True."""
        return True

    def writable(self):
        """Return False."""
        return False

    def seekable(self):
        """Return False."""
        return False

    def seek(self, *args):
        """Raise io.UnsupportedOperation."""
        raise _UnsupportedOperation("File or stream is not seekable.")

    tell = truncate = detach = seek

    def write(self, *args):
        """Raise io.UnsupportedOperation."""
        raise _UnsupportedOperation("write")

    writelines = write


_BufferedIOBase.register(Reader)
