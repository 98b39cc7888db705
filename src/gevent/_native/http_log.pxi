# Part of http.pyx: lines of logs.

cdef extern from "http/log_format.h" namespace "gevent::http":
    void append_escaped(string&, string_view, bint quoted) except +

    cdef cppclass LoggedRequest:
        string_view client
        string_view request_line
        int status
        string_view instead
        uint64_t bytes_sent
        double seconds
        int64_t written_at

    cdef cppclass PlainLog:
        string line(const LoggedRequest&) except +

    enum LogSource "gevent::http::LogFormat::Source":
        kVariable "gevent::http::LogFormat::Source::kVariable"
        kResponseField "gevent::http::LogFormat::Source::kResponseField"

    cdef cppclass CoreLogFormat "gevent::http::LogFormat":
        @staticmethod
        optional[CoreLogFormat] parse(string_view, string& unknown) except +
        string line(const LoggedRequest&, cbool (*find)(void*, LogSource, string_view, string&), void*) except +


cdef inline bytes _utf8(text):
    return (<str>text if isinstance(text, str) else str(text)).encode("utf-8", "surrogatepass")


cdef inline str _of_utf8(const string& text):
    return PyUnicode_DecodeUTF8(text.data(), text.size(), "surrogatepass")


def escaped(str text, bint quoted=False):
    r"""Return `text` with all control characters and backslashes as ``\xNN`` and ``\\``; also quotes if `quoted`."""
    cdef bytes encoded = _utf8(text)
    cdef string line
    append_escaped(line, _view(encoded), quoted)
    return _of_utf8(line)


cdef class _Answered:
    # What a handler knows of the request that it has answered.
    cdef LoggedRequest facts
    cdef bytes client
    cdef bytes request_line
    cdef bytes instead
    cdef object environ
    cdef object fields
    cdef object error  # of looking something up

    def __cinit__(self, handler):
        client, code, status = handler.client_address, handler.code, handler.status
        if isinstance(client, tuple):
            client = (<tuple>client)[0]
        self.client = _utf8(client) if client else b""
        self.request_line = _utf8(handler.requestline or "")
        self.facts.client = _view(self.client)
        self.facts.request_line = _view(self.request_line)
        if isinstance(code, int) and code > 0:
            self.facts.status = code
        elif status:
            self.instead = _utf8((<bytes>status).decode("latin-1") if isinstance(status, bytes) else status)
            self.facts.instead = _view(self.instead)
        self.facts.bytes_sent = handler.response_length or 0
        self.facts.seconds = handler.time_finish - handler.time_start if handler.time_finish else -1.0
        self.facts.written_at = <int64_t>floor(_now())
        self.environ = handler.environ
        self.fields = handler.response_headers

    cdef object find(self, LogSource source, str name):
        if source == kVariable:
            return None if self.environ is None else self.environ.get(name)
        wanted = name.encode("latin-1", "replace")
        for each, value in self.fields or ():
            if each.lower() == wanted:
                return value.decode("latin-1")
        return None


cdef cbool _find_logged(void* answered, LogSource source, string_view name, string& value) noexcept:
    cdef _Answered its = <_Answered>answered
    cdef bytes encoded
    try:
        found = its.find(source, PyUnicode_DecodeUTF8(name.data(), name.size(), "surrogatepass"))
        if found is None:
            return False
        encoded = _utf8(found)
    except BaseException as error:
        its.error = error
        return False
    value.assign(PyBytes_AS_STRING(encoded), <size_t>PyBytes_GET_SIZE(encoded))
    return True


cdef PlainLog _plain_log


def log_line(handler):
    """Return the line for the request that `handler` has answered: who, when, what, status, bytes and seconds."""
    cdef _Answered answered = _Answered(handler)
    return _of_utf8(_plain_log.line(answered.facts))


cdef class LogFormat:
    """Makes lines after a template; see cpp/http/log_format.h. ValueError if it has a directive that nobody knows."""

    cdef CoreLogFormat core

    def __cinit__(self, str template):
        cdef bytes text = _utf8(template)
        cdef string unknown
        cdef optional[CoreLogFormat] parsed = CoreLogFormat.parse(_view(text), unknown)
        if not parsed.has_value():
            what = f": {_of_utf8(unknown)!r}" if unknown.size() else f" {template!r}"
            raise ValueError(f"an unknown directive in the log format{what}")
        self.core = parsed.value()

    def __call__(self, handler):
        """Return the line for the request that `handler` has answered, with nothing in it that could end it."""
        cdef _Answered answered = _Answered(handler)
        cdef string line = self.core.line(answered.facts, _find_logged, <void*>answered)
        if answered.error is not None:
            raise answered.error
        return _of_utf8(line)
