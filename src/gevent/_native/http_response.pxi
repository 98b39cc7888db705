# Part of http.pyx: status lines and headers, from what applications say to bytes.

cdef extern from "python/object/text_view.h" namespace "gevent":
    bint latin1_of(object, string_view&)

cdef extern from "python/socket/held_output.h" namespace "gevent":
    const int kHold "gevent::HeldOutput::kHold"
    void end_stream "gevent::HeldOutput::end_stream" (int fd)

    cdef cppclass HeldOutput:
        int flag_for_next()
        void sent(int fd, int flag)
        void end()

cdef extern from "http/response_head.h" namespace "gevent::http":
    cdef cppclass ResponseHead:
        bint begin(string_view) except +
        bint add(string_view, string_view) except +
        void add_own(string_view, string_view) except +
        void add_own(string_view, uint64_t) except +
        void end() except +
        string_view text()
        bint is_ordinary()
        bint has_date()
        bint has_length()
        bint length_is_unclear()
        uint64_t length()
        bint has_coding()
        bint has_connection()
        bint asks_to_close()

cdef extern from "http/outgoing_body.h" namespace "gevent::http":
    cdef cppclass OutgoingBody:
        void begin_chunked()
        void begin_of_length(uint64_t)
        bint chunked()
        uint64_t left()
        size_t admit(size_t)
        size_t framed_size(size_t)
        char* put(char*, string_view)
        size_t end_size()
        char* put_end(char*)

cdef extern from "http/response_framing.h" namespace "gevent::http":
    bint connection_says_close "gevent::http::says_close" (string_view)

    cdef struct FramingFacts "gevent::http::ResponseFraming::Facts":
        int code
        bint of_1_0
        bint of_1_1
        bint close
        bint length_is_said
        bint length_is_known

    enum FramedBody "gevent::http::ResponseFraming::Body":
        kAsSaid "gevent::http::ResponseFraming::Body::kAsSaid"
        kMeasured "gevent::http::ResponseFraming::Body::kMeasured"
        kChunked "gevent::http::ResponseFraming::Body::kChunked"

    cdef cppclass ResponseFraming:
        void note(string_view name, string_view value)
        void decide(const FramingFacts&)
        FramedBody body()
        bint closes()
        string_view connection()
        bint drops_any()
        bint drops(string_view name)

cdef extern from "http/http_date.h" namespace "gevent::http":
    cdef cppclass HttpDate:
        string_view at(int64_t) except +

cdef extern from "http/percent_text.h" namespace "gevent::http":
    string unescaped(string_view) except +

cdef extern from "http/field_text.h" namespace "gevent::http":
    bint is_field_name(string_view)
    bint is_one_line(string_view)
    bint is_status(string_view)


cdef inline string_view _view(bytes text):
    return string_view(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


def encoded_status(status):
    """Return a status line as bytes. Raises UnicodeError or ValueError if it cannot be sent."""
    cdef bytes encoded
    if not isinstance(status, str):
        raise UnicodeError("The status string must be a native string")
    encoded = (<str>status).encode("latin-1")
    if not is_one_line(_view(encoded)):
        raise ValueError(_complaint(encoded, "status"), status)
    if not is_status(_view(encoded)):
        raise ValueError("no status", status)
    return encoded if PyBytes_GET_SIZE(encoded) > 3 else encoded + b" "


cdef str _complaint(bytes text, str where):
    broken = b"\r" in text or b"\n" in text
    return ("carriage return or newline in " if broken else "invalid character in ") + where


def encoded_headers(headers):
    """Return the (name, value) of `headers` as a list of bytes. Raises UnicodeError or ValueError as above."""
    cdef list encoded = []
    for name, value in headers:
        encoded.append(_encoded_header(name, value))
    return encoded


cdef tuple _encoded_header(name, value):
    cdef bytes name_bytes, value_bytes
    if not isinstance(name, str):
        raise UnicodeError("The header must be a native string", name, value)
    if not isinstance(value, str):
        raise UnicodeError("The value must be a native string", name, value)
    try:
        name_bytes = (<str>name).encode("latin-1")
        value_bytes = (<str>value).encode("latin-1")
    except UnicodeEncodeError:
        raise UnicodeError("Non-latin1 header", repr(name), repr(value))
    if not is_one_line(_view(value_bytes)):
        raise ValueError(_complaint(value_bytes, "header value"), value)
    if not is_field_name(_view(name_bytes)):
        raise ValueError(_complaint(name_bytes, "header name"), name)
    return name_bytes, value_bytes


def says_close(bytes connection):
    """Return whether one of the options of a Connection field is "close"."""
    return connection_says_close(_view(connection))


# What a body is framed by, for who sends it.
AS_SAID, MEASURED, CHUNKED = <int>kAsSaid, <int>kMeasured, <int>kChunked


def frame_response(list headers, int code, version, bint close, bint length_is_said, bint length_is_known,
                   bint date_is_said):
    """Bring `headers`, pairs of bytes, in line with what cpp/http/response_framing.h decides, but for the body's own.

    Return whether the connection ends behind the response, and what frames the body.
    """
    cdef ResponseFraming framing
    cdef FramingFacts facts
    cdef bytes name, value
    for name, value in headers:
        framing.note(_view(name), _view(value))
    facts.code, facts.close = code, close
    facts.of_1_0, facts.of_1_1 = version == "HTTP/1.0", version == "HTTP/1.1"
    facts.length_is_said, facts.length_is_known = length_is_said, length_is_known
    framing.decide(facts)
    if framing.drops_any():
        headers[:] = [pair for pair in headers if not framing.drops(_view(<bytes>(<tuple>pair)[0]))]
    if framing.connection().size():
        headers.append((b"Connection", _bytes(framing.connection())))
    if not date_is_said:
        headers.append((b"Date", _bytes(_today.at(<int64_t>_now()))))
    return framing.closes(), <int>framing.body()


cdef inline char* _put(char* place, bytes text):
    memcpy(place, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    return place + PyBytes_GET_SIZE(text)


def response_bytes(bytes status, list headers, body):
    """Return the status line, the headers (pairs of bytes) and `body` (a bytes-like object) as one bytes object."""
    cdef bytes name, value
    cdef const unsigned char[::1] view
    cdef Py_ssize_t size = 9 + PyBytes_GET_SIZE(status) + 2 + 2 + len(body)
    cdef bytes response
    cdef char* place
    for name, value in headers:
        size += PyBytes_GET_SIZE(name) + 2 + PyBytes_GET_SIZE(value) + 2
    response = PyBytes_FromStringAndSize(NULL, size)
    place = PyBytes_AS_STRING(response)
    place = _put(_put(_put(place, b"HTTP/1.1 "), status), b"\r\n")
    for name, value in headers:
        place = _put(_put(_put(_put(place, name), b": "), value), b"\r\n")
    place = _put(place, b"\r\n")
    if PyBytes_CheckExact(body):
        _put(place, <bytes>body)
    else:
        view = body
        if view.shape[0]:
            memcpy(place, &view[0], view.shape[0])
    return response


cdef bytes _head_and_pieces(bytes head, list pieces, const OutgoingBody& body, bint last):
    # `head` or nothing, and `pieces`, none of which is empty, as they are sent.
    cdef Py_ssize_t size = 0 if head is None else PyBytes_GET_SIZE(head)
    cdef bytes data
    cdef char* place
    for piece in pieces:
        size += <Py_ssize_t>body.framed_size(PyBytes_GET_SIZE(<bytes>piece))
    if last:
        size += <Py_ssize_t>body.end_size()
    data = PyBytes_FromStringAndSize(NULL, size)
    place = PyBytes_AS_STRING(data)
    if head is not None:
        place = _put(place, head)
    for piece in pieces:
        place = body.put(place, _view(<bytes>piece))
    if last:
        body.put_end(place)
    return data


cdef bytes _head_and_parts(string_view head, parts, Py_ssize_t size):
    # `parts`, a list or a tuple of bytes, are `size` bytes.
    cdef bytes response = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>head.size() + size)
    cdef char* place = PyBytes_AS_STRING(response)
    memcpy(place, head.data(), head.size())
    place += head.size()
    for part in parts:
        place = _put(place, <bytes>part)
    return response


cdef list _fields_of(string_view head):
    # The names and values in a head that is ours.
    cdef bytes line, name, value
    cdef list fields = []
    for line in _bytes(head).split(b"\r\n")[1:-2]:
        name, _, value = line.partition(b": ")
        fields.append((name, value))
    return fields


cdef double _now() noexcept:
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec + now.tv_nsec * 1e-9


# Of now, for all responses.
cdef HttpDate _today


def http_date(double now):
    """Return the value of a Date field, in bytes, at that time in seconds since the epoch. Made once a second."""
    return _bytes(_today.at(<int64_t>floor(now)))


def format_date_time(double timestamp):
    """Return any other time as HTTP writes it, in bytes. Whatever the locale."""
    cdef HttpDate date
    return _bytes(date.at(<int64_t>floor(timestamp)))


def unquote_latin1(str path):
    """Return `path` with its percent escapes replaced by characters that stand for one byte each, as PEP 3333 asks."""
    return _unquoted(path) if "%" in path else path


cdef str _unquoted(str path):
    cdef bytes encoded = path.encode("latin-1")
    cdef string decoded = unescaped(_view(encoded))
    return <str>PyUnicode_DecodeLatin1(decoded.data(), decoded.size(), NULL)
