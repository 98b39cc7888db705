# cython: language_level=3, binding=True, auto_pickle=False
"""Reading and writing a descriptor, for Python: see cpp/python/wait/descriptor_io.h.

What file objects are made of these is in gevent/fileobject/_posix.py.
"""
from io import UnsupportedOperation

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libcpp.string cimport string

cdef extern from "<unistd.h>" nogil:
    int SEEK_CUR

cdef extern from "<string_view>" namespace "std":
    cdef cppclass string_view:
        string_view(const char*, size_t)

cdef extern from "base/open_mode.h" namespace "gevent":
    cdef cppclass OpenMode:
        bint text
        bint updating
        bint readable()
        bint writable()
        string raw() except +
        @staticmethod
        const char* parse(string_view letters, OpenMode& mode)

cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1

cdef extern from "python/wait/descriptor_io.h" namespace "gevent":
    cdef cppclass DescriptorIoCore "gevent::DescriptorIo":
        int open(int fd, bint stays_blocking) except -1
        void end()
        bint ended()
        int fd() except -1
        int is_terminal() except -1
        int has_position() except -1
        long long seek(long long offset, int whence) except -1
        Py_ssize_t read(char* data, size_t size) except -1
        object read_some(Py_ssize_t size)
        object read_all()
        Py_ssize_t write(const char* data, size_t size) except -1

    bint would_stop_others(int fd)
    object read_beside_others(int fd, Py_ssize_t size)
    Py_ssize_t write_beside_others(int fd, const char* data, Py_ssize_t size) except -1

cdef extern from "python/wait/descriptor_wait.h" namespace "gevent":
    void end_all_waits(int fd)


cdef enum:
    CHUNK_MAX = 256 * 1024


cdef do_natively(native, fd, argument):
    try:
        return native(fd, argument)
    except BlockingIOError:
        looked_in_vain()
        raise


def wrap_read(native):
    """Return an `os.read` that parks instead of blocking; `native` does what need not wait."""

    def read(fd, length, /):
        """Read up to `length` bytes from the descriptor `fd`; nothing at its end. From `os`."""
        if type(fd) is not int or type(length) is not int or not 0 < length <= CHUNK_MAX or not would_stop_others(fd):
            return do_natively(native, fd, length)
        return read_beside_others(fd, length)

    return read


def wrap_close(native):
    """Return an `os.close` that tells those who wait for the descriptor; `native` closes it."""

    def close(int fd):
        """Close the descriptor `fd`. Does not wait.

        Greenlets of this thread that wait for `fd` are woken and meet the error of a closed descriptor; the loop does
        not stumble over it. From gevent.
        """
        end_all_waits(fd)
        native(fd)

    return close


def wrap_write(native):
    """Return an `os.write` that parks instead of blocking; `native` does what need not wait."""

    def write(fd, data, /):
        """Write `data` to the descriptor `fd`; return how many bytes were written. From `os`."""
        cdef Py_buffer view
        if type(fd) is not int or not would_stop_others(fd):
            return do_natively(native, fd, data)
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return write_beside_others(fd, <const char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    return write


cdef class Mode:
    """A mode string that `open` takes: see cpp/base/open_mode.h. ValueError if it takes none such."""

    cdef OpenMode core
    cdef readonly str as_given

    def __cinit__(self, str mode):
        cdef bytes letters = mode.encode("utf-8", "replace")
        cdef const char* wrong = OpenMode.parse(string_view(letters, len(letters)), self.core)
        if wrong != NULL:
            raise ValueError(wrong.decode("ascii").format(mode))
        self.as_given = mode

    @property
    def text(self):
        """Whether it is for text."""
        return self.core.text

    @property
    def updating(self):
        """Whether it is for reading and writing."""
        return self.core.updating

    @property
    def readable(self):
        """Whether it lets read."""
        return self.core.readable()

    @property
    def writable(self):
        """Whether it lets write."""
        return self.core.writable()

    @property
    def raw(self):
        """The mode of the raw file below."""
        return self.core.raw().decode("ascii")


cdef class DescriptorIO:
    """The calls of a raw file on a descriptor, which belongs to somebody else.

    fd
        is made non-blocking, unless `stays_blocking`.
    readable, writable
        what is allowed.
    stays_blocking
        whether others rely on the mode of the descriptor. Then the system is told in each call not to wait.

    Any number of greenlets may wait; `end` wakes them with OSError (EBADF).
    """

    cdef DescriptorIoCore core
    cdef bint may_read
    cdef bint may_write

    def __cinit__(self, int fd, bint readable, bint writable, bint stays_blocking=False):
        self.may_read = readable
        self.may_write = writable
        self.core.open(fd, stays_blocking)

    def isatty(self):
        """Whether it is a terminal."""
        return self.core.is_terminal() != 0

    def seekable(self):
        """Whether it has a position."""
        return self.core.has_position() != 0

    def seek(self, long long offset, int whence=0):
        """Move the position; return the new one."""
        return self.core.seek(offset, whence)

    def tell(self):
        """Return the position."""
        return self.core.seek(0, SEEK_CUR)

    def fileno(self):
        """The descriptor. ValueError once it was closed."""
        return self.core.fd()

    def readable(self):
        """Whether it may be read."""
        self.core.fd()
        return self.may_read

    def writable(self):
        """Whether it may be written."""
        self.core.fd()
        return self.may_write

    @property
    def ended(self):
        """Whether `end` was called."""
        return self.core.ended()

    def end(self):
        """Do nothing with the descriptor from now on."""
        self.core.end()

    cdef inline int check_readable(self) except -1:
        self.core.fd()
        if not self.may_read:
            raise UnsupportedOperation("not readable")
        return 0

    def readinto(self, buffer):
        """Read into `buffer` what is there, waiting until something is; return how much, 0 at the end of the file."""
        cdef Py_buffer view
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
        try:
            self.check_readable()
            return self.core.read(<char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    def readall(self):
        """Read until the end of the file; return bytes."""
        self.check_readable()
        return self.core.read_all()

    def read(self, Py_ssize_t size=-1):
        """Read up to `size` bytes, waiting until there are some; all there is until the end if `size` is negative."""
        self.check_readable()
        return self.core.read_all() if size < 0 else self.core.read_some(size)

    def write(self, data):
        """Write as much of `data` as fits, waiting until some does; return how much that was."""
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.core.fd()
            if not self.may_write:
                raise UnsupportedOperation("not writable")
            return self.core.write(<const char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)


__all__ = ["DescriptorIO", "Mode", "wrap_close", "wrap_read", "wrap_write"]
