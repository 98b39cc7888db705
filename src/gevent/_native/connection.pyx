# cython: language_level=3, binding=True, embedsignature=False, auto_pickle=False
"""Messages over pipes and sockets, for the methods of `multiprocessing.connection.Connection`.

How messages are exchanged, and what happens when somebody is interrupted or the connection closed, is in
cpp/python/wait/message_exchange.h and message_errand.h; how descriptors are waited for in
cpp/python/wait/descriptor_wait.h. Functions whose first argument is `self` become methods: they know a connection by
`_handle`, `_readable` and `_writable`.
"""
from cpython.object cimport PyObject
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t
from libcpp.vector cimport vector

from io import BytesIO as _BytesIO
from os import SEEK_END as _SEEK_END
from pickle import loads as _loads


cdef extern from "python/hub/fork_reset.h" namespace "gevent":
    void call_when_abandoned(void (*function)() noexcept)

cdef extern from "loop/watcher.h" namespace "gevent" nogil:
    const int kRead
    const int kWrite

cdef extern from "python/wait/message_exchange.h" namespace "gevent":
    object receive_message(int fd, int64_t size_max)
    int send_message(int fd, const void* data, size_t size) except -1
    object receive_bytes(int fd, size_t size)
    int send_bytes_of "gevent::send_bytes" (int fd, const void* data, size_t size) except -1
    int close_exchange(int fd) except -1
    void forget_exchanges() noexcept
    int yield_in_turn "gevent::yield_if_turn_is_over" () except -1
    int yield_turn_now "gevent::yield_turn" () except -1

cdef extern from "python/wait/message_errand.h" namespace "gevent":
    object receive_kept_message(int fd, double timeout_s)
    bint messages_may_be_kept()
    ctypedef enum Direction "gevent::Courier::Direction":
        sending "gevent::Courier::Direction::kOut"
    ctypedef struct ErrandPointer "std::shared_ptr<gevent::Errand>":
        pass
    int wait_for_errand_of(int fd, Direction direction, ErrandPointer* arrived) except -1
    bint is_sending_to "gevent::is_sending" (int fd)
    int close_when_sent_to "gevent::close_when_sent" (int fd) except -1
    int finish_errands(double stalled_s) except -1
    void set_left_hook(PyObject* callable)

cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1

cdef extern from "python/wait/descriptor_wait.h" namespace "gevent":
    cdef cppclass AwaitedDescriptor:
        int fd
        int events
        bint ready
    int wait_for_descriptor(int fd, int events, double timeout_s) except -1
    void forget_descriptor_waits() noexcept

cdef extern from "python/wait/process_wait.h" namespace "gevent":
    cdef enum class ProcessWait:
        kFailed
        kTimedOut
        kEnded
        kCannotTell
    ProcessWait wait_for_process(int pid, double timeout_s) except ProcessWait.kFailed

cdef extern from *:
    """
    #include "python/wait/message_errand.h"
    static inline gevent::Parked wait_for_all_of(std::vector<gevent::AwaitedDescriptor>& all, double timeout_s) {
      return gevent::wait_for_messages(std::span(all), timeout_s);
    }
    """
    int wait_for_all_of(vector[AwaitedDescriptor]&, double timeout_s) except -1


cdef int _reading(self) except -1:
    handle = self._handle
    if handle is None:
        self._check_closed()
    if not self._readable:
        self._check_readable()
    return handle


cdef int _writing(self) except -1:
    handle = self._handle
    if handle is None:
        self._check_closed()
    if not self._writable:
        self._check_writable()
    return handle


cdef _transmit(int fd, buffer, Py_ssize_t offset, Py_ssize_t size, bint framed, bint in_turn=True):
    cdef Py_buffer view
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    try:
        if size < 0:
            size = view.len - offset
        # An empty message says "look around": it is sent from destructors too, where nobody expects a switch.
        if size > 0 and in_turn:
            yield_in_turn()
        if framed:
            send_message(fd, <char*>view.buf + offset, size)
        else:
            send_bytes_of(fd, <char*>view.buf + offset, size)
    finally:
        PyBuffer_Release(&view)


# -- methods of Connection -------------------------------------------------------------------------------------------

def send_bytes(self, buf, offset=0, size=None):
    """Send the bytes of `buf`, or `size` of them from `offset` on, as one message.

    Waits, letting other greenlets run. Raises OSError, BrokenPipeError; ValueError for a piece that is not in `buf`.
    """
    cdef int fd = _writing(self)
    cdef Py_ssize_t start = offset, count = -1, length
    if size is None and start == 0 and type(buf) is bytes:
        _transmit(fd, buf, 0, -1, True)
        return
    view = memoryview(buf)
    if view.itemsize > 1:
        view = view.cast("B")
    length = view.nbytes
    if start < 0:
        raise ValueError("offset is negative")
    if length < start:
        raise ValueError("buffer length < offset")
    if size is not None:
        count = size
        if count < 0:
            raise ValueError("size is negative")
        if start + count > length:
            raise ValueError("buffer length < offset + size")
    if not view.contiguous:
        view = memoryview(bytes(view))
    _transmit(fd, view, start, count if size is not None else length - start, True)


def recv_bytes(self, maxlength=None):
    """The next message, as bytes.

    maxlength
        refuse a longer one with OSError and read no more from this connection

    Waits, letting other greenlets run. Raises EOFError when the other end is closed and nothing is left, OSError.
    """
    cdef int fd = _reading(self)
    cdef int64_t limit = -1
    if maxlength is not None:
        limit = maxlength
        if limit < 0:
            raise ValueError("negative maxlength")
    yield_in_turn()
    message = receive_message(fd, limit)
    if message is None:
        self._bad_message_length()
    return message


def recv(self):
    """The next message, unpickled. Waits, letting other greenlets run. Raises EOFError, OSError."""
    cdef int fd = _reading(self)
    yield_in_turn()
    message = receive_message(fd, -1)
    if message is None:
        self._bad_message_length()
    return _loads(message)


def _send_bytes(self, buf):
    _transmit(self._handle, buf, 0, -1, True)


def _recv_bytes(self, maxsize=None):
    # None: longer than `maxsize`. The caller takes the position for the size.
    message = receive_message(self._handle, -1 if maxsize is None else maxsize)
    return None if message is None else _as_file(message)


def _send(self, buf, write=None):
    _transmit(self._handle, buf, 0, -1, False)


def _recv(self, size, read=None):
    return _as_file(receive_bytes(self._handle, size))


def _poll(self, timeout):
    return bool(wait_ready((self._handle,), timeout))


def _close(self, _close=None):
    close_exchange(self._handle)


cdef _as_file(bytes message):
    file = _BytesIO(message)
    file.seek(0, _SEEK_END)
    return file


# -- descriptors -----------------------------------------------------------------------------------------------------

cdef int _descriptor_of(obj) except -1:
    cdef int fd
    if isinstance(obj, int):
        fd = obj
    else:
        try:
            fd = int(obj.fileno())
        except (AttributeError, TypeError, ValueError):
            raise ValueError(f"Invalid file object: {obj!r}") from None
    if fd < 0:
        raise ValueError(f"Invalid file descriptor: {fd}")
    return fd


def wait_ready(objects, timeout=None):
    """Those of `objects` (descriptors, or things with `fileno()`) that can be read, in their order.

    timeout
        the most seconds to wait for one; None: no limit; 0 or less: only look

    Waits, letting other greenlets run. Raises OSError when one of them is closed meanwhile, ValueError for what has no
    descriptor. As `multiprocessing.connection.wait`.
    """
    cdef vector[AwaitedDescriptor] awaited
    cdef AwaitedDescriptor one
    cdef double seconds = -1.0
    cdef Py_ssize_t i
    cdef list everything = list(objects)
    one.events = kRead
    one.ready = False
    for each in everything:
        one.fd = _descriptor_of(each)
        awaited.push_back(one)
    if timeout is not None:
        seconds = timeout
        if seconds < 0:
            seconds = 0
    if wait_for_all_of(awaited, seconds) == 0 and seconds == 0:
        looked_in_vain()
    return [everything[i] for i in range(<Py_ssize_t>awaited.size()) if awaited[i].ready]


def wait_readable(int fd):
    """Wait until `fd` can be read. Lets other greenlets run. Raises OSError when it is closed meanwhile."""
    wait_for_descriptor(fd, kRead, -1.0)


def wait_writable(int fd):
    """Wait until `fd` can be written. Lets other greenlets run. Raises OSError when it is closed meanwhile."""
    wait_for_descriptor(fd, kWrite, -1.0)


def wait_for_end(int pid, timeout=None):
    """Wait until process `pid` has ended, at most `timeout` seconds; return whether it has, None if nobody can tell.

    Reaps nothing; a child that has ended may not be reapable for another moment. Waits, letting other greenlets run.
    """
    cdef double seconds = -1.0 if timeout is None else max(<double>timeout, 0.0)
    cdef ProcessWait found = wait_for_process(pid, seconds)
    if found == ProcessWait.kCannotTell:
        return None
    return found == ProcessWait.kEnded


def yield_if_turn_is_over():
    """Let others run, if the caller has had the loop's turn for long. For those who never have to wait."""
    yield_in_turn()


def yield_turn():
    """Let others run. For those whose every step takes long."""
    yield_turn_now()


def messages_are_kept():
    """Whether an interrupted greenlet may have left a message; where, take_kept() and the like know."""
    return messages_may_be_kept()


def take_kept(int fd, block=True, timeout=None):
    """The message of `fd` that an interrupted greenlet of this process had begun to take; None if there is none.

    block, timeout
        how long to wait for the rest of it, as Queue.get() has it; None is returned when the time is over

    It is not under whatever lock guards the descriptor: no other process takes it. Raises OSError.
    """
    cdef double seconds = 0.0
    if not messages_may_be_kept():
        return None
    if block:
        seconds = -1.0
        if timeout is not None:
            seconds = timeout
            if seconds < 0:
                seconds = 0
    return receive_kept_message(fd, seconds)


def is_sending(int fd):
    """Whether what somebody was interrupted in sending to `fd` is still being sent."""
    return is_sending_to(fd)


def wait_until_sent(int fd):
    """Wait until nothing is being sent to `fd` aside. Lets other greenlets run. Raises OSError when it is closed."""
    wait_for_errand_of(fd, sending, NULL)


def close_when_sent(int fd):
    """Close `fd` as soon as nothing is being sent there any more. Does not wait."""
    close_when_sent_to(fd)


def finish_messages(double stalled_s):
    """Wait until what interrupted greenlets were sending has been sent, and what they were receiving under a lock has
    arrived; for the latter not longer than `stalled_s` seconds in which nothing comes. For the end of the process."""
    finish_errands(stalled_s)


cdef object _left_hook = None


def call_when_left(hook):
    """Have `hook()` called whenever a greenlet is interrupted in the middle of a message. It must not wait."""
    global _left_hook
    _left_hook = hook
    set_left_hook(<PyObject*>hook)


def read_exactly(int fd, size_t size):
    """`size` bytes from `fd`. Waits, letting other greenlets run. Raises EOFError, OSError."""
    return receive_bytes(fd, size)


def write_all(int fd, data):
    """Write all of `data` to `fd`. Waits, letting other greenlets run. Raises OSError."""
    _transmit(fd, data, 0, -1, False)


def write_all_in_turn(int fd, data):
    """As write_all(), but lets nobody else run before the first byte is written, if that can be written at once."""
    _transmit(fd, data, 0, -1, False, False)


def close(int fd):
    """Close `fd`; whoever waits for it gets OSError. Does not wait."""
    close_exchange(fd)


# In a child whose hub was abandoned, nobody waits any more.
call_when_abandoned(forget_descriptor_waits)
call_when_abandoned(forget_exchanges)
