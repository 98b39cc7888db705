# cython: language_level=3, binding=True, auto_pickle=False
"""HTTP/1 for gevent.pywsgi, where it runs once per header or once per request.

`Head` turns the bytes of a request's head into the variables of an environment, `Chunks` a body in chunks into bytes;
what is HTTP and what is refused is decided in cpp/http. `PlainExchanges` answers plain requests of a connection from
beginning to end with no frame of Python but the application's. What is plain is decided here; what to do with all
else, in gevent/pywsgi/_handler.py, to which an exchange can be handed over at any moment.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Copy
from cpython.list cimport PyList_CheckExact
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact
from cpython.unicode cimport PyUnicode_DecodeLatin1, PyUnicode_DecodeUTF8
from libc.math cimport floor
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy
from libcpp cimport bool as cbool
from libcpp.memory cimport unique_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.vector cimport vector
from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec

from itertools import chain
from socket import IPPROTO_TCP as _IPPROTO_TCP, TCP_NODELAY as _TCP_NODELAY

from greenlet import getcurrent as _getcurrent

cdef extern from "Python.h":
    bint PyGen_CheckExact(object)

cdef extern from "<string_view>" namespace "std":
    cdef cppclass string_view:
        string_view()
        string_view(const char*, size_t)
        const char* data()
        size_t size()

cdef extern from "python/wait/message_exchange.h":
    int yield_in_turn "gevent::yield_if_turn_is_over" () except -1

# The module, for what programs assign to there.
cdef object _pywsgi = None


def configure(pywsgi):
    """Say which module `gevent.pywsgi` is, which imports this one."""
    global _pywsgi
    _pywsgi = pywsgi


# Iterators that have everything they give.
cdef frozenset _READY = frozenset((type(iter([])), type(iter(()))))

# Up to here, copying a body behind the headers is cheaper than another system call for it.
cdef Py_ssize_t _ONE_BUFFER_MAX = 1 << 16


cdef inline str _latin1(bytes text):
    return <str>PyUnicode_DecodeLatin1(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), NULL)


include "http_clocks.pxi"
include "http_head.pxi"
include "http_body.pxi"
include "http_response.pxi"
include "http_proxy.pxi"
include "http_reader.pxi"
include "http_way.pxi"
include "http_log.pxi"
include "http_times.pxi"


cdef class PlainExchanges:
    """The plain requests of one connection.

    way
        the `Way` of the server
    rfile, head
        a `Reader` or another file that can peek, and a `Head`
    handler
        the `WSGIHandler` of the connection, none of whose steps is replaced; None: it is made when it is needed

    A request is plain if it is HTTP/1.1, and nothing in it asks for special treatment.
    """

    cdef Way way
    cdef object handler
    cdef object server
    cdef object sock
    cdef object address
    cdef object rfile
    cdef Head head
    cdef Clock clock
    cdef str client_host
    cdef str client_port
    # Of the request that is being answered.
    cdef object environ
    cdef object application
    cdef object body
    cdef uint64_t body_length
    cdef bint close
    cdef bint handed_over
    cdef double began
    cdef str status  # None: start_response() was not called, or not with anything plain
    cdef list headers
    cdef ResponseHead response
    cdef object result
    cdef object error
    # Of a response that is sent piece by piece, once its head is.
    cdef object rest  # what is left of `result` when the handler takes over
    cdef bytes stream_head  # to be sent with the first piece
    cdef bint begun
    cdef OutgoingBody outgoing
    cdef Py_ssize_t sent
    cdef bint no_delay
    cdef HeldOutput held
    cdef int held_fd  # the connection's, if pieces may be held back

    def __cinit__(self, Way way, server, sock, address, rfile, Head head, handler=None):
        self.way = way
        self.server = server
        self.sock = sock
        self.address = address
        self.rfile = rfile
        self.head = head
        self.handler = handler
        if isinstance(address, tuple):
            self.client_host = str(address[0])
            self.client_port = str(address[1])

    def use_clock(self, Clock clock):
        """Go by `clock` from now on."""
        self.clock = clock

    cdef object _handler_now(self):
        # Of the class as it is, and with everything that has been read already.
        if self.handler is None:
            handler = self.way.handler_class(self.sock, self.address, self.server, self.rfile)
            handler._go_on_with(self, self.head, self.clock)
            self.handler = handler
        return self.handler

    cdef int _end(self) except -1:
        # Of a connection that began without a handler.
        handler, self.handler = self.handler, None
        if handler is not None:
            handler._let_go()
            return 0
        self.clock.end()
        self.rfile.close()
        return 0

    def serve(self):
        """Answer requests until the connection is to be closed (False) or one comes that is not plain (True).

        The head of the latter has been read, and is what the next `Head.read` returns. Waits for the client, and gives
        way to others if it has more to say than they can wait for.
        """
        cdef int outcome
        while True:
            yield_in_turn()
            try:
                outcome = self.head._read(self.rfile, self.clock)
            except OSError:
                return False
            if outcome == END:
                return False
            if outcome != WHOLE or not self._is_plain():
                self.head.pending = True
                return True
            if not self._answer():
                return False

    cdef bint _is_plain(self) except -1:
        cdef const RequestHead* facts = &self.head.reader.head()
        if self.way.proxies or not facts.is_plain() or facts.content_length > self.way.body_max:
            return False
        self.close = not facts.keep_alive or self.clock.core.closing()
        self.body_length = facts.content_length
        return True

    cdef bint _answer(self) except -1:
        cdef bint sent
        self.environ = self._environ()
        self.application = self.server.application
        self.began = _now()
        self.handed_over = False
        self.status = None
        self.headers = None
        self.result = self.error = self.rest = None
        self.begun = False
        self.sent = 0
        try:
            self.result = self.application(self.environ, self.start_response)
            sent = self._send_plain() or self._send_stream()
            if sent and self.way.logs:
                self._log()
        except BaseException as error:
            # Also GreenletExit and the like: what to make of them is no different here.
            self.error = error
            sent = False
        if self.begun:
            self.held.end()
        if not sent:
            self._hand_over()
            self.environ = None
            self.handler._respond(self._go_on)
            return not (self.handler.close_connection or self.rfile.closed)
        self.environ = None
        self.result = None
        if self.body_length and not self._skip_body():
            return False
        self.body = self.headers = None  # nothing is kept for a client that may say nothing for long
        return not (self.close or self.response.asks_to_close() or (self.begun and self.outgoing.left()))

    cdef object _environ(self):
        cdef object environ
        cdef Head head = self.head
        if self.way.copies_environ:
            environ = PyDict_Copy(self.server.environ)
        else:
            environ = self.server.get_environ()
        environ["REQUEST_METHOD"] = head.method
        environ["PATH_INFO"] = unquote_latin1(head.path)
        environ["QUERY_STRING"] = head.query
        environ["SERVER_PROTOCOL"] = head.version
        if self.client_host is not None:
            environ["REMOTE_ADDR"] = self.client_host
            environ["REMOTE_PORT"] = self.client_port
        head._put_variables(environ)
        self.body = self.way.make_input(self.rfile, self.body_length)
        if self.body_length:
            self.body._clock = self.clock
        environ["wsgi.input"] = self.body
        environ["wsgi.input_terminated"] = True
        return environ

    def start_response(self, status, headers, exc_info=None):
        """The callable that WSGI gives to applications; see `WSGIHandler.start_response`."""
        # Whatever is not plain, or wrong, others decide.
        if exc_info or self.handed_over or not self._take_response(status, headers):
            self._hand_over()
            return self.handler.start_response(status, headers, exc_info)
        return self.write

    cdef bint _take_response(self, status, headers) except -1:
        cdef string_view name, value
        if type(headers) is not list or not latin1_of(status, value) or not self.response.begin(value):
            return False
        headers = (<list>headers).copy()  # for the handler, if it comes to that
        for field in headers:
            if type(field) is not tuple or len(<tuple>field) != 2:
                return False
            if not latin1_of(<object>(<tuple>field)[0], name) or not latin1_of(<object>(<tuple>field)[1], value):
                return False
            if not self.response.add(name, value):
                return False
        if not self.response.is_ordinary() or self.response.length_is_unclear():
            return False
        self.status = status
        self.headers = headers
        return True

    def write(self, data):
        """What `start_response` returns."""
        self._hand_over()
        return self.handler.write(data)

    cdef bint _send_plain(self) except -1:
        # Sends the response in one piece, if that is all that there is to do.
        cdef Py_ssize_t size = 0
        if self.handed_over or self.status is None or self.response.has_coding():
            return False
        result = self.result
        if not PyList_CheckExact(result) and not PyTuple_CheckExact(result):
            return False
        for part in result:
            if not PyBytes_CheckExact(part):
                return False
            size += PyBytes_GET_SIZE(<bytes>part)
        if size > _ONE_BUFFER_MAX or (self.response.has_length() and self.response.length() != <uint64_t>size):
            return False
        if not self._finish_headers():
            return False
        if not self.response.has_length():
            self.response.add_own(_view(b"Content-Length"), <uint64_t>size)
        self.response.end()
        if self._is_last():
            self._send(_head_and_parts(self.response.text(), result, size), kHold)
            end_stream(self.sock.fileno())
        else:
            self._send(_head_and_parts(self.response.text(), result, size))
        return True

    cdef bint _is_last(self) except -1:
        # Whether the connection is closed as soon as this response is sent, and it is one of TCP.
        if not kHold or not self.way.closes_at_once or self.client_host is None:
            return False
        if type(self.sock) is not self.way.socket_class or (self.body_length and self.body.position < self.body_length):
            return False
        return self.close or self.response.asks_to_close()

    cdef bint _finish_headers(self) except -1:
        # False: the application has said something else about the connection.
        if (self.close or self.clock.core.closing()) and not self.response.asks_to_close():
            if self.response.has_connection():
                return False
            self.close = True
            self.response.add_own(_view(b"Connection"), _view(b"close"))
        if not self.response.has_date():
            self.response.add_own(_view(b"Date"), _today.at(<int64_t>_now()))
        return True

    cdef int _send(self, bytes data, int flag=0) except -1:
        self.clock.core.enter(kSend)
        try:
            if flag:
                self.sock.sendall(data, flag)
            else:
                self.sock.sendall(data)
        except OSError as error:
            self._hand_over()
            raise self.handler._sending_failed(error)
        self.clock.core.enter(kBusy)
        self.sent += PyBytes_GET_SIZE(data)
        return 0

    # --- a response in pieces -----------------------------------------------------------------------------------------

    cdef bint _send_stream(self) except -1:
        # Sends the pieces of a body as they are made. False: what is left of it, `rest`, is the handler's.
        if self.status is not None and self.response.has_coding():
            return False
        if not PyGen_CheckExact(self.result) and hasattr(self.result, "__len__"):
            return False
        try:
            if not self._send_pieces(iter(self.result)):
                return False
        except BaseException:
            self._close_result()
            raise
        self._close_result()
        return True

    cdef bint _send_pieces(self, iterator) except -1:
        # Each is sent before the next one is asked for, since nobody knows how long that takes (held_output.h has what
        # the kernel may do with it then); but those of a list are all there.
        cdef bint ready = type(iterator) in _READY
        cdef list pieces = []
        cdef Py_ssize_t size = 0
        for piece in iterator:
            yield_in_turn()
            if not piece:
                continue
            if self.handed_over or not PyBytes_CheckExact(piece) or not self._begin_stream():
                self._send_chunks(pieces, size, False)
                self.rest = chain((piece,), iterator)
                return False
            pieces.append(piece)
            size += PyBytes_GET_SIZE(<bytes>piece)
            if not ready or size >= _ONE_BUFFER_MAX:
                self._send_chunks(pieces, size, False)
                pieces = []
                size = 0
        if self.handed_over or not self._begin_stream():
            self._send_chunks(pieces, size, False)
            self.rest = iter(())
            return False
        self._send_chunks(pieces, size, True)
        return True

    cdef bint _begin_stream(self) except -1:
        # False: it is not plain.
        if self.begun:
            return True
        if self.status is None or self.response.has_coding() or not self._finish_headers():
            return False
        if self.response.has_length():
            self.outgoing.begin_of_length(self.response.length())
        else:
            self.outgoing.begin_chunked()
            self.response.add_own(_view(b"Transfer-Encoding"), _view(b"chunked"))
        self.response.end()
        self.stream_head = _bytes(self.response.text())
        self.held_fd = self.sock.fileno() if type(self.sock) is self.way.socket_class else -1
        self.begun = True
        return True

    cdef int _send_chunks(self, list pieces, Py_ssize_t size, bint last) except -1:
        cdef bytes head = self.stream_head
        cdef bytes data
        cdef int flag
        cdef size_t admitted = self.outgoing.admit(size)
        if <Py_ssize_t>admitted < size:
            self.close = True
            data = b"".join(pieces)
            pieces = [data[:admitted]]
        data = _head_and_pieces(head, pieces, self.outgoing, last)
        if not data:
            return 0
        if head is None:
            self._send_without_delay()
        self.stream_head = None
        if self.held_fd < 0:
            return self._send(data)
        # Behind the last piece there is nothing to wait for.
        flag = 0 if last or not (self.outgoing.chunked() or self.outgoing.left()) else self.held.flag_for_next()
        self._send(data, flag)
        self.held.sent(self.held_fd, flag)
        return 0

    cdef int _send_without_delay(self) except -1:
        # See ResponseSteps.
        if self.no_delay:
            return 0
        self.no_delay = True
        try:
            self.sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        except (OSError, AttributeError):
            pass  # no TCP
        return 0

    cdef int _close_result(self) except -1:
        result, self.result = self.result, None
        close = getattr(result, "close", None)
        if close is not None:
            close()
        return 0

    cdef int _log(self) except -1:
        handler = self._handler_now()
        handler.requestline = self.head.request_line
        handler.time_start = self.began
        handler.time_finish = _now()
        handler.status = encoded_status(self.status)
        handler.code = int(self.status[:3])
        handler.response_length = self.sent
        handler.environ = self.environ
        handler.response_headers = _fields_of(self.response.text())
        handler.command = self.head.method
        handler.log_request()
        handler.environ = None
        return 0

    cdef bint _skip_body(self) except -1:
        # What the application left of the body is no part of the next request.
        if self.body.position == self.body_length:
            return True
        try:
            self.body._discard()
        except OSError:
            return False
        return True

    # --- everything else ----------------------------------------------------------------------------------------------

    cdef int _hand_over(self) except -1:
        # From here on, the handler has this exchange.
        cdef Head head = self.head
        if self.handed_over:
            return 0
        self.handed_over = True
        handler = self._handler_now()
        handler._take_facts(head)
        handler.environ = self.environ
        handler.application = self.application
        handler.wsgi_input = self.body
        handler._begin_response()
        handler.time_start = self.began
        if self.status is not None:
            handler._take_response(self.status, self.headers)
            handler.close_connection = self.close or self.response.asks_to_close()
        if self.begun:
            handler.headers_sent = True
            handler.response_headers = _fields_of(self.response.text())
            handler.response_use_chunked = self.outgoing.chunked()
            handler.response_length = self.sent
            handler._body_left = None if self.outgoing.chunked() else self.outgoing.left()
        return 0

    def _go_on(self):
        # The rest of WSGIHandler.run_application.
        result, self.result = self.result, None
        error, self.error = self.error, None
        rest, self.rest = self.rest, None
        if error is not None:
            raise error
        self.handler._process_and_close(result if rest is None else rest, result)


def give_way():
    """Let others run if the caller has had the loop's turn for long."""
    yield_in_turn()
