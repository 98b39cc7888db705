# cython: language_level=3, binding=False, auto_pickle=False
"""Green sockets: one descriptor, and the calls on it that may have to wait.

How a call tries first and parks only when it must is in cpp/python/socket/socket_io.h; who may wait for what, and
what happens to them when the socket is closed, in cpp/python/socket/socket_core.h. What gevent promises its users is
in gevent/_socketcommon.py and gevent/_socket3.py, whose classes derive from NativeSocket.

Families whose addresses only the standard library can read and write (netlink, CAN, Bluetooth, …) and calls nobody
makes often are handed to a `_socket.socket` for the same descriptor, which is made when it is first needed.

The docstrings of methods begin with the signature that gevent publishes for them.
"""
# tidy: long because all calls of one class work on its C++ half, which only the file that defines the class can see.
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.object cimport PyObject
from libc.errno cimport EAGAIN, ECONNRESET, errno
from libcpp.vector cimport vector

import _socket
from os import strerror as _strerror
from socket import _GLOBAL_DEFAULT_TIMEOUT
from weakref import ref as _weak_reference

from gevent._native.loop import io as _io

from bridge cimport current_hub, kRead, kWrite, loop_of

cdef extern from "Python.h":
    int PySys_Audit(const char*, const char*, ...) except -1
    object PyErr_SetFromErrno(object)
    int PyErr_ResourceWarning(object source, Py_ssize_t stack_level, const char* format, ...) except -1

cdef extern from "python/wait/descriptor_wait.h" namespace "gevent":
    void end_all_waits(int fd)

cdef extern from "<sys/uio.h>":
    ctypedef struct iovec:
        void* iov_base
        size_t iov_len

cdef extern from "<unistd.h>":
    int close_fd "::close"(int)

cdef extern from "<sys/socket.h>":
    ctypedef unsigned socklen_t
    ctypedef struct sockaddr:
        pass
    const int AF_UNIX
    const int SOL_SOCKET
    int c_getsockname "::getsockname"(int, sockaddr*, socklen_t*)
    int c_getpeername "::getpeername"(int, sockaddr*, socklen_t*)
    int c_setsockopt "::setsockopt"(int, int, int, const void*, socklen_t)
    int c_getsockopt "::getsockopt"(int, int, int, void*, socklen_t*)
    int c_shutdown "::shutdown"(int, int)
    int c_socketpair "::socketpair"(int, int, int, int*)

cdef extern from "python/object/native_class.h" namespace "gevent":
    object new_instance(PyObject* cls)
    object method_of(object cls, object method)

cdef extern from "python/socket/socket_address.h" namespace "gevent":
    cdef cppclass SocketAddress:
        sockaddr any
        socklen_t size
    bint is_common_family(int family)
    object address_to_python(const SocketAddress&)
    bint address_from_python(int family, object, SocketAddress&)

cdef extern from "python/socket/socket_core.h" namespace "gevent":
    const int kTypeFlags
    const int kNonblockFlag

    cdef cppclass Patience:
        Patience()
        Patience(double timeout_s)

    cdef cppclass ReceiveHabit:
        bint waits_first()
        void tried(bint found_something)
        void received(Py_ssize_t size, Py_ssize_t size_max)

    cdef cppclass SocketCore:
        ReceiveHabit habit
        int fd
        int family
        int type
        int proto
        double timeout_s
        int park(int event, Patience&) except -1
        # True, or an exception is set.
        bint wait(int event, Patience&) except 0
        bint anybody_waits(int events)
        void wake_waits(int events)
        void note_shut(int events)
        void cancel_waits(int events, PyObject* exception)
        void forget()
        @staticmethod
        void join(SocketCore& one, SocketCore& other)
        bint ref()
        void set_ref(bint)

cdef extern from "python/socket/accept_habit.h" namespace "gevent":
    cdef cppclass AcceptHabit:
        bint begin()
        bint take_expected()
        bint goes_on(int accepted_max)
        void tried(bint found_somebody)
        int accepted()

cdef extern from "python/socket/socket_io.h" namespace "gevent":
    object socket_recv(SocketCore&, Py_ssize_t, int)
    Py_ssize_t socket_recv_into(SocketCore&, void*, Py_ssize_t, int) except -1
    object socket_recvfrom(SocketCore&, Py_ssize_t, int)
    object socket_recvfrom_now(SocketCore&, Py_ssize_t)
    object socket_recvfrom_into(SocketCore&, void*, Py_ssize_t, int)
    object socket_recvmsg(SocketCore&, Py_ssize_t, Py_ssize_t, int)
    Py_ssize_t socket_send(SocketCore&, const void*, Py_ssize_t, int, double) except -1
    bint socket_sendall(SocketCore&, const void*, Py_ssize_t, int) except 0
    Py_ssize_t socket_sendto(SocketCore&, const void*, Py_ssize_t, int, const SocketAddress&) except -1
    Py_ssize_t socket_sendmsg(SocketCore&, iovec*, size_t, int, SocketAddress*) except -1
    int kNobody
    int socket_accept(SocketCore&, SocketAddress&) except -1
    int socket_accept_now(SocketCore&, SocketAddress&, bint expected) except -1
    int kConnectTimedOut
    int socket_connect(SocketCore&, const SocketAddress&) except -1
    int socket_finish_connect(SocketCore&, int, Patience&) except -1
    bint set_nonblocking(int fd, bint) except 0
    void ensure_nonblocking(int fd)

cdef extern from "python/socket/tls_io.h" namespace "gevent":
    void set_tls_errors(object want_read, object want_write, object ragged_end)
    object tls_call(SocketCore&, object method, const char* operation)
    object tls_read(SocketCore&, object tls, Py_ssize_t size, object buffer, bint ends_quietly)
    object tls_write(SocketCore&, object tls, object data, double timeout_s)

cdef object _default_timeout = _socket.getdefaulttimeout
cdef object _timeout_unset = _GLOBAL_DEFAULT_TIMEOUT
cdef int _DONTWAIT = _socket.MSG_DONTWAIT

# From the policy modules, see configure().
cdef object _socket_class = None
cdef object _closed_error = None
cdef object _resolve = None
cdef object _cancel_watcher = None


def configure(*, socket_class=None, closed_error=None, resolve=None, cancel_watcher=None, tls_errors=None):
    """Tell this module what it needs from the policy modules, which import it.

    socket_class
        what `accept` makes.
    closed_error
        the exception, made without arguments, for who waits on a socket that is closed.
    resolve
        `resolve(socket, address)` turns names in `address` into numbers; may wait.
    cancel_watcher
        `cancel_watcher(watcher, exception)` ends the wait on a public watcher, and closes it.
    tls_errors
        the exceptions by which TLS asks to be called again when there is something to read, or room to write, and by
        which it says that the other side is gone without a word.
    """
    global _socket_class, _closed_error, _resolve, _cancel_watcher
    if socket_class is not None:
        _socket_class = socket_class
    if closed_error is not None:
        _closed_error = closed_error
    if resolve is not None:
        _resolve = resolve
    if cancel_watcher is not None:
        _cancel_watcher = cancel_watcher
    if tls_errors is not None:
        set_tls_errors(tls_errors[0], tls_errors[1], tls_errors[2])


cdef double _seconds(object value) except? -7:
    # What settimeout() takes, as the core has it: negative for None.
    cdef double seconds
    if value is None:
        return -1
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise TypeError("a float is required", value, type(value)) from None
    if not seconds >= 0:
        raise ValueError("Timeout value out of range")
    return seconds


cdef double _new_timeout() except? -7:
    value = _default_timeout()
    return -1 if value is None else value


cdef object _the_error(int error):
    return OSError(error, _strerror(error))


@cython.binding(False)
cdef class NativeSocket:
    """The descriptor and the calls of a green socket.

    Each call that may wait parks the calling greenlet for at most the socket's timeout, then raises TimeoutError; with
    timeout 0 it raises BlockingIOError instead of waiting. When the socket is closed meanwhile, or shut down, the call
    raises gevent's `cancel_wait_ex`, an OSError (EBADF). One greenlet may wait to receive and one to send; another gets
    ConcurrentObjectUseError. Behaves as the standard library's, from gevent.
    """
    cdef SocketCore core
    cdef object __weakref__
    cdef object _real
    cdef object _hub
    cdef object _read_watcher
    cdef object _write_watcher
    cdef public int _io_refs
    cdef public bint _closed
    # Of a listener with a server: see _accept_for() for the objects.
    cdef AcceptHabit _accepts
    cdef object _server
    cdef object _spawn
    cdef object _handle
    cdef int _count_max

    # ---- beginning and end -------------------------------------------------------------------------------------------

    def _open(self, int family, int type_, int proto, fileno):
        # A new descriptor, or `fileno` taken over.
        cls = type(self)._gevent_sock_class
        if fileno is None:
            real = cls(
                _socket.AF_INET if family == -1 else family,
                (_socket.SOCK_STREAM if type_ == -1 else type_) | kNonblockFlag,
                0 if proto == -1 else proto,
            )
            if kNonblockFlag == 0:
                real.setblocking(False)
        else:
            real = cls(family, type_, proto, fileno)
            real.setblocking(False)
        self._real = real
        self.core.fd = real.fileno()
        self.core.family = real.family
        self.core.type = real.type
        self.core.proto = real.proto
        self.core.timeout_s = _new_timeout()

    cdef _adopt(self, int fd, int family, int type_, int proto):
        # A descriptor that is known to be in order, and in O_NONBLOCK mode.
        self.core.fd = fd
        self.core.family = family
        self.core.type = type_
        self.core.proto = proto
        PySys_Audit("socket.__new__", "Oiii", <PyObject*>self, family, type_, proto)
        self.core.timeout_s = _new_timeout()

    @property
    def _sock(self):
        """The standard library's socket for the same descriptor, non-blocking. Made when first asked for."""
        return self._stdlib_socket()

    cdef object _stdlib_socket(self):
        if self._real is None:
            cls = type(self)._gevent_sock_class
            if self.core.fd < 0:
                return cls.__new__(cls)
            self._real = cls(self.core.family, self.core.type | kNonblockFlag, self.core.proto, self.core.fd)
            if kNonblockFlag == 0:
                self._real.setblocking(False)
        return self._real

    def close(self):
        """close($self)
--

Close the socket, once no file made by `makefile` needs it any more.

Does not wait. Greenlets that wait on it get `cancel_wait_ex`, an OSError (EBADF)."""
        self._close()

    cdef _close(self):
        self._closed = True
        if self._io_refs > 0 or self.core.fd < 0:
            return
        if type(self) is _socket_class:
            self._let_go(True)
        else:
            self._real_close()

    def _real_close(self):
        self._drop_events_and_close()

    def _drop_events_and_close(self, closefd=True):
        """Make all who wait fail with `cancel_wait_ex`, then close the descriptor. Does not wait.

        `closefd=False` returns the descriptor instead, open.
        """
        return self._let_go(closefd)

    cdef object _let_go(self, bint closefd):
        cdef int fd = self.core.fd
        if self._server is not None:
            self._server = self._spawn = self._handle = None
        self._cancel_waits()
        self.core.forget()
        self.core.fd = -1
        if closefd and fd >= 0:
            end_all_waits(fd)  # of those who wait for the number: select(), watchers
        real = self._real
        if not closefd:
            if real is not None:
                real.detach()
            return fd
        if real is not None:
            real.close()
        elif fd >= 0 and close_fd(fd) != 0 and errno != ECONNRESET:
            PyErr_SetFromErrno(OSError)

    cdef _cancel_waits(self):
        cdef object error = None
        if self.core.anybody_waits(kRead | kWrite):
            error = _closed_error()
            self.core.cancel_waits(kRead | kWrite, <PyObject*>error)
        for watcher in (self._read_watcher, self._write_watcher):
            if watcher is not None:
                _cancel_watcher(watcher, _closed_error)
        self._read_watcher = self._write_watcher = None

    def _fail_waits(self, int events, error):
        # Has who waits in a call of this class raise `error`, an exception or its class.
        if self.core.anybody_waits(events):
            error = error() if isinstance(error, type) else error
            self.core.cancel_waits(events & (kRead | kWrite), <PyObject*>error)

    def _detach(self):
        # The descriptor, as the standard library would leave it: other code may read and write it without gevent.
        cdef bint blocking = self.core.timeout_s < 0
        fd = self._drop_events_and_close(False)
        if blocking and fd >= 0:
            set_nonblocking(fd, False)
        return fd

    def __del__(self):
        if self.core.fd < 0:
            return
        try:
            PyErr_ResourceWarning(self, 1, b"unclosed %R", <PyObject*>self)
        except Warning:
            raise
        except Exception:
            pass  # at the end of the interpreter there may be no repr() any more; as in _socket, no reason to complain
        finally:
            self._drop_events_and_close()

    # ---- what it is --------------------------------------------------------------------------------------------------

    def fileno(self):
        """fileno($self)
--

Return the descriptor, -1 once closed."""
        return self.core.fd

    @property
    def _family(self):
        return self.core.family

    @property
    def _type(self):
        return self.core.type

    @property
    def proto(self):
        """The protocol's number."""
        return self.core.proto

    @property
    def timeout(self):
        """How many seconds each call may wait; None: for ever, 0.0: not at all."""
        return None if self.core.timeout_s < 0 else self.core.timeout_s

    @timeout.setter
    def timeout(self, value):
        self.core.timeout_s = _seconds(value)

    def gettimeout(self):
        """gettimeout($self)
--

Return the timeout in seconds, or None."""
        return None if self.core.timeout_s < 0 else self.core.timeout_s

    def settimeout(self, howlong):
        """settimeout($self, howlong)
--

Let each call wait for `howlong` seconds at most; None: for ever, 0: not at all."""
        self.core.timeout_s = _seconds(howlong)

    def setblocking(self, flag):
        """setblocking($self, flag)
--

As `settimeout(None)` if `flag` is true, else `settimeout(0.0)`."""
        self.core.timeout_s = -1 if flag else 0

    def getblocking(self):
        """getblocking($self)
--

Return whether calls may wait."""
        return self.core.timeout_s != 0

    @property
    def ref(self):
        """Whether waiting on this socket keeps the hub running; True from the start."""
        return self.core.ref()

    @ref.setter
    def ref(self, value):
        self.core.set_ref(bool(value))
        for watcher in (self._read_watcher, self._write_watcher):
            if watcher is not None:
                watcher.ref = value

    @property
    def hub(self):
        """The hub of the thread that first asked for it or for a watcher."""
        if self._hub is None or self._hub.loop is None or loop_of(self._hub.loop).abandoned():
            self._hub = current_hub()
        return self._hub

    @hub.setter
    def hub(self, value):
        self._hub = value

    @property
    def _read_event(self):
        # Public watchers are for others: the calls of this class have their own. None once closed.
        if self._read_watcher is None and self.core.fd >= 0:
            self._read_watcher = self._new_watcher(kRead)
        return self._read_watcher

    @property
    def _write_event(self):
        if self._write_watcher is None and self.core.fd >= 0:
            self._write_watcher = self._new_watcher(kWrite)
        return self._write_watcher

    cdef object _new_watcher(self, int event):
        watcher = self.hub.loop.io(self.core.fd, event)
        if isinstance(watcher, _io):  # not of a loop that stands in
            watcher.native_waits = _weak_reference(self)
        if not self.core.ref():
            watcher.ref = False
        return watcher

    # ---- receiving ---------------------------------------------------------------------------------------------------

    def recv(self, Py_ssize_t bufsize, int flags=0, /):
        """recv($self, *args)
--

Receive up to `bufsize` bytes; b'' at the end of the stream."""
        return socket_recv(self.core, bufsize, flags)

    def recv_into(self, buffer, Py_ssize_t nbytes=0, int flags=0):
        """recv_into($self, *args)
--

Receive up to `nbytes` bytes (0: as many as fit) into `buffer`; return how many came."""
        cdef Py_buffer view
        cdef Py_ssize_t got
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
        try:
            if nbytes < 0:
                raise ValueError("negative buffersize in recv_into")
            if nbytes > view.len:
                raise ValueError("buffer too small for requested bytes")
            got = socket_recv_into(self.core, view.buf, nbytes if nbytes != 0 else view.len, flags)
        finally:
            PyBuffer_Release(&view)
        return got

    def recvfrom(self, Py_ssize_t bufsize, int flags=0, /):
        """recvfrom($self, *args)
--

Receive up to `bufsize` bytes; return them and the sender's address."""
        if is_common_family(self.core.family):
            return socket_recvfrom(self.core, bufsize, flags)
        return self._through_stdlib("recvfrom", (bufsize, flags | _DONTWAIT), kRead, flags)

    def recvfrom_into(self, buffer, Py_ssize_t nbytes=0, int flags=0):
        """recvfrom_into($self, *args)
--

Receive up to `nbytes` bytes (0: as many as fit) into `buffer`; return how many came, and the sender's address."""
        cdef Py_buffer view
        if not is_common_family(self.core.family):
            return self._through_stdlib("recvfrom_into", (buffer, nbytes, flags | _DONTWAIT), kRead, flags)
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
        try:
            if nbytes < 0:
                raise ValueError("negative buffersize in recvfrom_into")
            if nbytes > view.len:
                raise ValueError("nbytes is greater than the length of the buffer")
            return socket_recvfrom_into(self.core, view.buf, nbytes if nbytes != 0 else view.len, flags)
        finally:
            PyBuffer_Release(&view)

    def recvmsg(self, Py_ssize_t bufsize, Py_ssize_t ancbufsize=0, int flags=0, /):
        """recvmsg($self, *args)
--

Receive up to `bufsize` bytes and `ancbufsize` bytes of ancillary data; return data, ancillary data, flags, address."""
        if is_common_family(self.core.family):
            return socket_recvmsg(self.core, bufsize, ancbufsize, flags)
        return self._through_stdlib("recvmsg", (bufsize, ancbufsize, flags | _DONTWAIT), kRead, flags)

    def recvmsg_into(self, buffers, Py_ssize_t ancbufsize=0, int flags=0, /):
        """recvmsg_into($self, buffers, *args)
--

As `recvmsg`, into several `buffers` one after the other."""
        return self._through_stdlib("recvmsg_into", (buffers, ancbufsize, flags | _DONTWAIT), kRead, flags)

    # ---- sending -----------------------------------------------------------------------------------------------------

    def send(self, data, int flags=0, timeout=_GLOBAL_DEFAULT_TIMEOUT):
        """Send what the system takes of `data` at once; return how much that is.

        timeout
            in seconds, for this call, instead of the socket's.
        """
        cdef Py_buffer view
        cdef Py_ssize_t sent
        cdef double timeout_s = self.core.timeout_s
        if timeout is not _timeout_unset:
            timeout_s = _seconds(timeout)
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            sent = socket_send(self.core, view.buf, view.len, flags, timeout_s)
        finally:
            PyBuffer_Release(&view)
        return sent

    def sendall(self, data, int flags=0):
        """sendall($self, data, flags=0)
--

Send all of `data`. After an exception nobody knows how much was sent."""
        cdef Py_buffer view
        if type(data) is bytes:
            socket_sendall(self.core, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), flags)
            return
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            socket_sendall(self.core, view.buf, view.len, flags)
        finally:
            PyBuffer_Release(&view)

    def sendto(self, *args):
        """sendto($self, *args)
--

Send `args[0]` to the address `args[-1]`, with flags in between if there are three; return how much was sent."""
        cdef Py_buffer view
        cdef Py_ssize_t sent
        cdef SocketAddress address
        cdef int flags = 0
        cdef Py_ssize_t count = len(args)
        if count == 3:
            flags = args[1]
        elif count != 2:
            raise TypeError(f"sendto() takes 2 or 3 arguments ({count} given)")
        data, target = args[0], args[count - 1]
        if not address_from_python(self.core.family, target, address):
            target = _resolve(self, target)
            if not address_from_python(self.core.family, target, address):
                return self._through_stdlib("sendto", (data, flags | _DONTWAIT, target), kWrite, flags)
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            PySys_Audit("socket.sendto", "OO", <PyObject*>self, <PyObject*>target)
            sent = socket_sendto(self.core, view.buf, view.len, flags, address)
        finally:
            PyBuffer_Release(&view)
        return sent

    def sendmsg(self, buffers, ancdata=(), int flags=0, address=None):
        """sendmsg($self, buffers, ancdata=(), flags=0, address=None)
--

Send several `buffers` as one message, with ancillary data; return how much was sent."""
        cdef SocketAddress target
        cdef SocketAddress* where = NULL
        if ancdata != () and ancdata != []:
            return self._through_stdlib("sendmsg", (buffers, ancdata, flags | _DONTWAIT, address), kWrite, flags)
        if address is not None:
            if not address_from_python(self.core.family, address, target):
                return self._through_stdlib("sendmsg", (buffers, ancdata, flags | _DONTWAIT, address), kWrite, flags)
            where = &target
        return self._send_pieces(buffers, flags, where, address)

    cdef object _send_pieces(self, buffers, int flags, SocketAddress* where, address):
        cdef vector[Py_buffer] views
        cdef vector[iovec] pieces
        cdef Py_buffer view
        cdef iovec piece
        cdef Py_ssize_t sent
        cdef size_t i
        try:
            for buffer in buffers:
                PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
                views.push_back(view)
                piece.iov_base = view.buf
                piece.iov_len = view.len
                pieces.push_back(piece)
            PySys_Audit("socket.sendmsg", "OO", <PyObject*>self, <PyObject*>address)
            sent = socket_sendmsg(self.core, pieces.data(), pieces.size(), flags, where)
        finally:
            for i in range(views.size()):
                PyBuffer_Release(&views[i])
        return sent

    # ---- connections -------------------------------------------------------------------------------------------------

    def _accept(self):
        """_accept($self)
--

Wait for a connection; return its descriptor and the other side's address."""
        cdef SocketAddress peer
        cdef int fd
        if not is_common_family(self.core.family):
            return self._through_stdlib("_accept", (), kRead, 0)
        fd = socket_accept(self.core, peer)
        try:
            return fd, address_to_python(peer)
        except BaseException:
            close_fd(fd)
            raise

    def accept(self):
        """accept($self)
--

Wait for a connection; return a socket for it and the other side's address."""
        cdef NativeSocket connection = new_instance(<PyObject*>_socket_class)
        fd, address = self._accept()
        connection._adopt(fd, self.core.family, self.core.type, self.core.proto)
        return connection, address

    def _accept_for(self, server, spawn, handle, int count_max):
        """Have `_accept_all` call `spawn(handle_connection, (handle, (socket, address)))` for up to `count_max`."""
        self._server = server
        self._spawn = spawn
        self._handle = handle
        self._count_max = count_max

    def _accept_all(self):
        """Accept those who connect, for the server of `_accept_for`; a callback of the loop's. Does not wait.

        Ends early when `server._watcher` is None. Returns True, or calls `server._accepting_failed(error, count,
        undelivered)`: how many it had accepted, and whom, as (socket, address), when it was `spawn` that failed.
        """
        server = self._server
        undelivered = None
        try:
            self._begin_accepting()
            while self._accepts.goes_on(self._count_max):
                accepted = self._accept_now()
                self._accepts.tried(accepted is not None)
                if accepted is None:
                    break
                undelivered = accepted
                self._spawn(handle_connection, (self._handle, accepted))
                undelivered = None
                if server._watcher is None:
                    break
        except BaseException as error:
            server._accepting_failed(error, self._accepts.accepted(), undelivered)
            return False
        return True

    cpdef _begin_accepting(self):
        """For who is about to call `_accept_now`, because an event has told that somebody connects."""
        # accept() has no flag for it. Somebody may change the mode at any time, but that alone does no harm.
        if self._accepts.begin():
            ensure_nonblocking(self.core.fd)

    cpdef _accept_now(self):
        # accept() for whoever must not park: None if nobody is waiting, or no more.
        cdef SocketAddress peer
        cdef NativeSocket connection
        cdef int fd
        try:
            if is_common_family(self.core.family):
                fd = socket_accept_now(self.core, peer, self._accepts.take_expected())
                if fd == kNobody:
                    return None
            else:
                fd, address = self._stdlib_socket()._accept()
                set_nonblocking(fd, True)
        except (BlockingIOError, ConnectionAbortedError):
            return None  # gone again before it was accepted
        connection = new_instance(<PyObject*>_socket_class)
        connection._adopt(fd, self.core.family, self.core.type, self.core.proto)
        return connection, (address_to_python(peer) if is_common_family(self.core.family) else address)

    def _recvfrom_now(self, Py_ssize_t bufsize):
        # recvfrom() for whoever must not park: None if there is nothing.
        if is_common_family(self.core.family):
            return socket_recvfrom_now(self.core, bufsize)
        try:
            return self._stdlib_socket().recvfrom(bufsize, _DONTWAIT)
        except BlockingIOError:
            return None

    cdef int _connect(self, address) except -1:
        # An errno value, or kConnectTimedOut.
        cdef SocketAddress target
        cdef Patience patience = Patience(self.core.timeout_s)
        cdef int error
        if not address_from_python(self.core.family, address, target):
            address = _resolve(self, address)
            if not address_from_python(self.core.family, address, target):
                ensure_nonblocking(self.core.fd)
                error = self._stdlib_socket().connect_ex(address)
                return socket_finish_connect(self.core, error, patience)
        PySys_Audit("socket.connect", "OO", <PyObject*>self, <PyObject*>address)
        return socket_connect(self.core, target)

    def connect(self, address):
        """connect($self, address)
--

Connect to `address`. Names in it are looked up by the hub's resolver."""
        cdef int error = self._connect(address)
        if error == kConnectTimedOut:
            raise TimeoutError("timed out")
        if error != 0:
            raise _the_error(error)

    def connect_ex(self, address):
        """connect_ex($self, address)
--

As `connect`, but return an errno value, 0 for success, instead of raising OSError."""
        cdef int error = self._connect(address)
        return EAGAIN if error == kConnectTimedOut else error

    def shutdown(self, how):
        """shutdown($self, how)
--

Shut down one or both directions. Whoever waits for them has what the system then says: mostly the end of the stream, or
`BrokenPipeError`."""
        cdef int direction = how
        cdef int events = kRead | kWrite
        if direction == _socket.SHUT_RD:
            events = kRead
        elif direction == _socket.SHUT_WR:
            events = kWrite
        self.core.wake_waits(events)  # they run when this has returned
        if c_shutdown(self.core.fd, direction) != 0:
            PyErr_SetFromErrno(OSError)
        self.core.note_shut(events)

    # ---- calls that never wait ---------------------------------------------------------------------------------------

    def bind(self, address):
        """bind($self, address)
--

Give the socket a local address."""
        return self._stdlib_socket().bind(address)

    def listen(self, *args):
        """listen($self, *args)
--

Let others connect; `args[0]` of them may wait to be accepted."""
        return self._stdlib_socket().listen(*args)

    def getsockname(self):
        """getsockname($self)
--

Return the local address."""
        cdef SocketAddress address
        if not is_common_family(self.core.family):
            return self._stdlib_socket().getsockname()
        if c_getsockname(self.core.fd, &address.any, &address.size) != 0:
            PyErr_SetFromErrno(OSError)
        return address_to_python(address)

    def getpeername(self):
        """getpeername($self)
--

Return the address of the other side."""
        cdef SocketAddress address
        if not is_common_family(self.core.family):
            return self._stdlib_socket().getpeername()
        if c_getpeername(self.core.fd, &address.any, &address.size) != 0:
            PyErr_SetFromErrno(OSError)
        return address_to_python(address)

    def getsockopt(self, *args):
        """getsockopt($self, *args)
--

Return the option `args[1]` of level `args[0]`: a number, or up to `args[2]` bytes."""
        cdef int value = 0
        cdef socklen_t size = sizeof(value)
        if len(args) != 2 or not is_common_family(self.core.family):
            return self._stdlib_socket().getsockopt(*args)
        if c_getsockopt(self.core.fd, args[0], args[1], &value, &size) != 0:
            PyErr_SetFromErrno(OSError)
        return value

    def setsockopt(self, *args):
        """setsockopt($self, *args)
--

Set the option `args[1]` of level `args[0]` to `args[2]`, a number or bytes."""
        cdef int value
        if len(args) != 3 or type(args[2]) is not int or not is_common_family(self.core.family):
            return self._stdlib_socket().setsockopt(*args)
        value = args[2]
        if c_setsockopt(self.core.fd, args[0], args[1], &value, sizeof(value)) != 0:
            PyErr_SetFromErrno(OSError)

    # ---- for gevent's own modules ------------------------------------------------------------------------------------

    def _ensure_nonblocking(self):
        """For who makes a system call that has no flag for not waiting: somebody may have changed the file's mode."""
        ensure_nonblocking(self.core.fd)

    def _wait_readable(self):
        """Park until there is something to receive, for at most the socket's timeout."""
        cdef Patience patience = Patience(self.core.timeout_s)
        self.core.wait(kRead, patience)

    def _wait_writable(self):
        """Park until the system takes something to send, for at most the socket's timeout."""
        cdef Patience patience = Patience(self.core.timeout_s)
        self.core.wait(kWrite, patience)

    cdef object _through_stdlib(self, str name, tuple args, int event, int flags):
        cdef Patience patience = Patience(0 if flags & _DONTWAIT else self.core.timeout_s)
        cdef bint patient = not flags & _DONTWAIT and self.core.timeout_s != 0
        method = getattr(self._stdlib_socket(), name)
        ensure_nonblocking(self.core.fd)
        while True:
            try:
                return method(*args)
            except BlockingIOError:
                if not patient:
                    raise
            self.core.wait(event, patience)


def handle_connection(handle, tuple accepted):
    """Call `handle(socket, address)` with what was accepted, and close the socket when it returns or fails."""
    cdef object connection = accepted[0]
    try:
        return handle(*accepted)
    finally:
        if type(connection) is _socket_class:
            (<NativeSocket>connection)._close()
        else:
            connection.close()


# ---- TLS -------------------------------------------------------------------------------------------------------------

@cython.binding(False)
cdef class NativeTlsSocket(NativeSocket):
    """The calls of a TLS connection that go through its encryption, `_sslobj`; None: as a plain socket."""
    cdef public object _sslobj
    cdef public bint suppress_ragged_eofs

    def __cinit__(self, *args, **kwargs):
        self.suppress_ragged_eofs = True

    def _real_close(self):
        self._sslobj = None
        self._drop_events_and_close()

    def _tls_call(self, method, str operation):
        """Call `method()` of the encryption until it is done with the network. TimeoutError names `operation`."""
        return tls_call(self.core, method, operation.encode())

    cdef object _encrypted(self, str call):
        if self._sslobj is None:
            raise ValueError(f"{call} on closed or unwrapped SSL socket.")
        return self._sslobj

    cdef int _no_flags(self, int flags, str call) except -1:
        if flags != 0:
            raise ValueError(f"non-zero flags not allowed in calls to {call}() on {type(self)}")
        return 0

    cdef object _decrypt(self, tls, Py_ssize_t size, buffer):
        # The end of the stream is b'' or 0, whether the other side said so or not.
        return tls_read(self.core, tls, size, buffer, self.suppress_ragged_eofs)

    cdef Py_ssize_t _encrypt(self, tls, data, double timeout_s) except -1:
        return tls_write(self.core, tls, data, timeout_s)

    def read(self, Py_ssize_t nbytes=2014, buffer=None):
        """read($self, nbytes=2014, buffer=None)
--

Return up to `nbytes` decrypted bytes, or put them into `buffer` and return how many; nothing at the end."""
        return self._decrypt(self._encrypted("Read"), nbytes, buffer)

    def recv(self, Py_ssize_t buflen=1024, int flags=0):
        """recv($self, buflen=1024, flags=0)
--

Receive up to `buflen` bytes; b'' at the end of the stream."""
        if self._sslobj is None:
            return socket_recv(self.core, buflen, flags)
        self._no_flags(flags, "recv")
        return self._decrypt(self._sslobj, buflen, None) if buflen != 0 else b""

    def recv_into(self, buffer, nbytes=None, int flags=0):
        """recv_into($self, buffer, nbytes=None, flags=0)
--

Receive up to `nbytes` bytes (by default as many as fit) into `buffer`; return how many came."""
        if self._sslobj is None:
            return NativeSocket.recv_into(self, buffer, nbytes or 0, flags)
        self._no_flags(flags, "recv_into")
        cdef Py_ssize_t size = nbytes or memoryview(buffer).nbytes
        return self._decrypt(self._sslobj, size, buffer) if size != 0 else 0

    def write(self, data):
        """write($self, data)
--

Encrypt and send `data`; return how much of it was taken."""
        return self._encrypt(self._encrypted("Write"), data, self.core.timeout_s)

    def send(self, data, int flags=0, timeout=_GLOBAL_DEFAULT_TIMEOUT):
        """Send what is taken of `data` at once; return how much that is.

        timeout
            in seconds, for this call, instead of the socket's.
        """
        if self._sslobj is None:
            return NativeSocket.send(self, data, flags, timeout)
        self._no_flags(flags, "send")
        timeout_s = self.core.timeout_s if timeout is _timeout_unset else _seconds(timeout)
        return self._encrypt(self._sslobj, data, timeout_s)

    def sendall(self, data, int flags=0):
        """sendall($self, data, flags=0)
--

Send all of `data`. After an exception nobody knows how much was sent."""
        cdef Py_ssize_t size
        cdef Py_ssize_t sent
        if self._sslobj is None:
            NativeSocket.sendall(self, data, flags)
            return
        self._no_flags(flags, "sendall")
        size = len(data) if type(data) is bytes else memoryview(data).nbytes
        # Normally all of it goes at once.
        sent = self._encrypt(self._sslobj, data, self.core.timeout_s) if size != 0 else 0
        while sent < size:
            sent += self._encrypt(self._encrypted("Write"), memoryview(data).cast("B")[sent:], self.core.timeout_s)


cdef object _method_type = type(NativeSocket.recv)


def owns_methods(cls):
    """Give `cls`, which is returned, methods of its own for those it inherits from the classes here.

    They are the same ones. But Python's interpreter goes a shorter way to a native method of the very class that an
    object has than to one of a base.
    """
    for base in (NativeTlsSocket, NativeSocket):
        for name, method in vars(base).items():
            if type(method) is _method_type and getattr(cls, name, None) is method:
                setattr(cls, name, method_of(cls, method))
    return cls


def native_socketpair(int family, int type_, int proto):
    """Return two connected `socket`s, as socket.socketpair."""
    cdef int[2] fds
    cdef NativeSocket one
    cdef NativeSocket other
    if c_socketpair(family, type_ | kTypeFlags, proto, fds) != 0:
        PyErr_SetFromErrno(OSError)
    one = new_instance(<PyObject*>_socket_class)
    other = new_instance(<PyObject*>_socket_class)
    one._adopt(fds[0], family, type_ & ~kTypeFlags, proto)
    other._adopt(fds[1], family, type_ & ~kTypeFlags, proto)
    SocketCore.join(one.core, other.core)
    return one, other
