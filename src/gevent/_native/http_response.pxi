# Part of http.pyx: status lines and headers, from what applications say to bytes.

cdef extern from *:
    """
    // The bytes that `text` is in Latin-1, if that is how it is kept; false if it is not.
    static inline bool latin1_of(PyObject* text, std::string_view& view) {
      if (!PyUnicode_CheckExact(text)) return false;
    #if PY_VERSION_HEX < 0x030C0000
      if (!PyUnicode_IS_READY(text)) return false;
    #endif
      if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) return false;
      view = std::string_view(static_cast<const char*>(PyUnicode_DATA(text)),
                              static_cast<std::size_t>(PyUnicode_GET_LENGTH(text)));
      return true;
    }
    """
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


cdef bytes _chunk_bytes(bytes head, list pieces, bint chunked, bint last):
    """`head` or nothing, and each of `pieces`, which are bytes, as a chunk if they are to be `chunked`."""
    cdef Py_ssize_t size = 0 if head is None else PyBytes_GET_SIZE(head)
    cdef bytes data
    cdef char* place
    for piece in pieces:
        size += PyBytes_GET_SIZE(<bytes>piece)
        if chunked:
            size += _hex_digits(PyBytes_GET_SIZE(<bytes>piece)) + 4
    if chunked and last:
        size += 5
    data = PyBytes_FromStringAndSize(NULL, size)
    place = PyBytes_AS_STRING(data)
    if head is not None:
        place = _put(place, head)
    for piece in pieces:
        if chunked:
            place = _put_hex(place, PyBytes_GET_SIZE(<bytes>piece))
        place = _put(place, <bytes>piece)
        if chunked:
            place = _put(place, b"\r\n")
    if chunked and last:
        _put(place, b"0\r\n\r\n")
    return data


cdef inline int _hex_digits(Py_ssize_t number) noexcept:
    cdef int digits = 1
    while number >= 16:
        number >>= 4
        digits += 1
    return digits


cdef inline char* _put_hex(char* place, Py_ssize_t number):
    # And the end of its line.
    cdef int digits = _hex_digits(number)
    cdef int i
    for i in range(digits):
        place[digits - 1 - i] = b"0123456789abcdef"[number & 15]
        number >>= 4
    return _put(place + digits, b"\r\n")


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
