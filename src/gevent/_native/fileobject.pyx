# cython: language_level=3, binding=True, auto_pickle=False
"""Reading and writing a descriptor: try at once, and park only when the kernel says that there is nothing to do yet.

What file objects are made of these is in gevent/fileobject/_posix.py.
"""
from io import UnsupportedOperation

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from libc.errno cimport EAGAIN, EINTR, errno

from bridge cimport kRead, kWrite

cdef extern from "<unistd.h>" nogil:
    ssize_t c_read "::read"(int fd, void* data, size_t size)
    ssize_t c_write "::write"(int fd, const void* data, size_t size)
    long long c_lseek "::lseek"(int fd, long long offset, int whence)
    int c_isatty "::isatty"(int fd)
    int SEEK_CUR

cdef extern from "<sys/uio.h>" nogil:
    ctypedef struct iovec:
        void* iov_base
        size_t iov_len

cdef extern from "ipc/transfer.h" namespace "gevent" nogil:
    ssize_t read_now(int fd, void* data, size_t size)
    ssize_t write_now(int fd, const iovec* pieces, int count)

cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    void* hub_state()
    bint in_hub()

cdef extern from "base/descriptor_mode.h" namespace "gevent":
    bint blocks(int fd)
    int kind_of_descriptor(int fd)
    int make_nonblocking(int fd)
    int kTerminalPerhaps
    int kDisk

cdef extern from "python/wait/descriptor_wait.h" namespace "gevent":
    int wait_for_descriptor(int fd, int events, double timeout_s) except -1
    void end_descriptor_waits(int fd)
    void end_all_waits(int fd)


cdef enum:
    FIRST_CHUNK = 8 * 1024
    CHUNK_MAX = 256 * 1024


def closing_fd(int fd):
    """Tell everybody who waits for `fd` that it is about to be closed. Does not wait."""
    end_all_waits(fd)


cdef ssize_t write_piece_now(int fd, const char* data, Py_ssize_t size) noexcept:
    cdef iovec piece
    piece.iov_base = <void*>data
    piece.iov_len = size
    return write_now(fd, &piece, 1)


cdef bint would_stop_others(int fd) noexcept:
    # A pipe, socket or terminal in blocking mode, used where other greenlets could run instead.
    return hub_state() != NULL and not in_hub() and 0 <= kind_of_descriptor(fd) != kDisk and blocks(fd)


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
        cdef int number
        cdef ssize_t count
        if type(fd) is not int or type(length) is not int or not 0 < length <= CHUNK_MAX or not would_stop_others(fd):
            return do_natively(native, fd, length)
        number = fd
        chunk = PyBytes_FromStringAndSize(NULL, length)
        while True:
            count = read_now(number, PyBytes_AS_STRING(chunk), length)
            if count >= 0:
                return chunk if count == length else chunk[:count]
            if errno != EAGAIN:
                PyErr_SetFromErrno(OSError)
            wait_for_descriptor(number, kRead, -1)

    return read


def wrap_write(native):
    """Return an `os.write` that parks instead of blocking; `native` does what need not wait."""

    def write(fd, data, /):
        """Write `data` to the descriptor `fd`; return how many bytes were written. From `os`."""
        cdef Py_buffer view
        cdef int number
        cdef Py_ssize_t done = 0
        cdef ssize_t count
        if type(fd) is not int or not would_stop_others(fd):
            return do_natively(native, fd, data)
        number = fd
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            # A descriptor in blocking mode takes everything.
            while True:
                count = write_piece_now(number, <const char*>view.buf + done, view.len - done)
                if count >= 0:
                    done += count
                    if done >= view.len:
                        return done
                elif errno != EAGAIN:
                    PyErr_SetFromErrno(OSError)
                else:
                    wait_for_descriptor(number, kWrite, -1)
        finally:
            PyBuffer_Release(&view)

    return write


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

    cdef int fd
    cdef int kind
    cdef bint may_read
    cdef bint may_write
    cdef bint slow  # a disk stands behind it, which others need not wait for
    cdef bint call_by_call  # it may be in blocking mode

    def __cinit__(self, int fd, bint readable, bint writable, bint stays_blocking=False):
        self.fd = fd
        self.may_read = readable
        self.may_write = writable
        self.kind = kind_of_descriptor(fd)
        self.call_by_call = stays_blocking
        if self.kind < 0 or (not stays_blocking and make_nonblocking(fd) < 0):
            PyErr_SetFromErrno(OSError)
        self.slow = self.kind == kDisk

    def isatty(self):
        """Whether it is a terminal."""
        self.check_open()
        return self.kind == kTerminalPerhaps and c_isatty(self.fd) == 1

    def seekable(self):
        """Whether it has a position."""
        self.check_open()
        return c_lseek(self.fd, 0, SEEK_CUR) >= 0

    def seek(self, long long offset, int whence=0):
        """Move the position; return the new one."""
        self.check_open()
        cdef long long position = c_lseek(self.fd, offset, whence)
        if position < 0:
            PyErr_SetFromErrno(OSError)
        return position

    def tell(self):
        """Return the position."""
        return self.seek(0, SEEK_CUR)

    def fileno(self):
        """The descriptor. ValueError once it was closed."""
        self.check_open()
        return self.fd

    def readable(self):
        """Whether it may be read."""
        self.check_open()
        return self.may_read

    def writable(self):
        """Whether it may be written."""
        self.check_open()
        return self.may_write

    @property
    def ended(self):
        """Whether `end` was called."""
        return self.fd < 0

    def end(self):
        """Do nothing with the descriptor from now on."""
        cdef int fd = self.fd
        if fd >= 0:
            self.fd = -1
            end_descriptor_waits(fd)

    def readinto(self, buffer):
        """Read into `buffer` what is there, waiting until something is; return how much, 0 at the end of the file."""
        cdef Py_buffer view
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
        try:
            return self.read_some(<char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    def readall(self):
        """Read until the end of the file; return bytes."""
        cdef Py_ssize_t size = FIRST_CHUNK
        cdef Py_ssize_t count
        cdef list chunks = []
        while True:
            chunk = self.read_chunk(size)
            count = len(chunk)
            if count == 0:
                break
            chunks.append(chunk)
            # Whoever fills a chunk has more to say.
            if count == size and size < CHUNK_MAX:
                size *= 4
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def read(self, Py_ssize_t size=-1):
        """Read up to `size` bytes, waiting until there are some; all there is until the end if `size` is negative."""
        return self.readall() if size < 0 else self.read_chunk(size)

    def write(self, data):
        """Write as much of `data` as fits, waiting until some does; return how much that was."""
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return self.write_some(<const char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cdef int check_open(self) except -1:
        if self.fd < 0:
            raise ValueError("I/O operation on closed file")
        return 0

    cdef read_chunk(self, Py_ssize_t size):
        chunk = PyBytes_FromStringAndSize(NULL, size)
        cdef Py_ssize_t count = self.read_some(PyBytes_AS_STRING(chunk), size)
        return chunk if count == size else chunk[:count]

    cdef Py_ssize_t read_some(self, char* data, Py_ssize_t size) except -1:
        cdef ssize_t count
        cdef int fd
        while True:
            self.check_open()
            if not self.may_read:
                raise UnsupportedOperation("not readable")
            if self.slow:
                fd = self.fd
                with nogil:
                    count = c_read(fd, data, size)
            elif self.call_by_call:
                count = read_now(self.fd, data, size)
            else:
                count = c_read(self.fd, data, size)
            if count >= 0:
                return count
            self.wait_after_error(kRead)

    cdef Py_ssize_t write_some(self, const char* data, Py_ssize_t size) except -1:
        cdef ssize_t count
        cdef int fd
        while True:
            self.check_open()
            if not self.may_write:
                raise UnsupportedOperation("not writable")
            if self.slow:
                fd = self.fd
                with nogil:
                    count = c_write(fd, data, size)
            elif self.call_by_call:
                count = write_piece_now(self.fd, data, size)
            else:
                count = c_write(self.fd, data, size)
            if count >= 0:
                return count
            self.wait_after_error(kWrite)

    cdef int wait_after_error(self, int events) except -1:
        if errno == EAGAIN:
            wait_for_descriptor(self.fd, events, -1)
        elif errno == EINTR:
            PyErr_CheckSignals()
        else:
            PyErr_SetFromErrno(OSError)
        return 0


__all__ = ["DescriptorIO", "closing_fd", "wrap_read", "wrap_write"]
