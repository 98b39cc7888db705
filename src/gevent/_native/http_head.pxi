# Part of http.pyx: the head of a request, from bytes to variables.

cdef class Head:
    """The heads of the requests of one connection, one at a time.

    variable_name
        ``(name)`` returns what a header, with its name in bytes, is called in an environment, or None to leave it out
    join
        ``(variable, first, second)`` returns the value of a header that was sent twice
    line_max, size_max
        the most bytes of the request's line, with its end, and of the whole: whether more is allowed, others decide

    After `parse` returned True: `method`, `target`, `version` ("HTTP/1.1") and `request_line` are str, `pairs` is a
    list of the headers' names and values in bytes, and `variables` a dict. `size` is the number of bytes.
    """

    cdef object _variable_name
    cdef object _join
    cdef object _parser
    cdef dict _known
    cdef Py_ssize_t _line_max
    cdef Py_ssize_t _size_max
    cdef bint _complete
    cdef bytes _target
    cdef readonly str method
    cdef readonly str target
    cdef readonly str version
    cdef readonly str request_line
    cdef readonly list pairs
    cdef readonly dict variables
    cdef readonly Py_ssize_t size

    def __cinit__(self, variable_name, join, dict known_names, Py_ssize_t line_max, Py_ssize_t size_max):
        self._variable_name = variable_name
        self._join = join
        self._known = known_names
        self._line_max = line_max
        self._size_max = size_max

    def parse(self, bytes arrived, Py_ssize_t headers_max):
        """Parse the head that `arrived` begins with. Return whether it is there in full and beyond doubt.

        If not, it may still be one for those who read line by line. Does not wait.
        """
        cdef Py_ssize_t line_end = arrived.find(b"\r\n")
        cdef bytes head
        cdef str version
        # llhttp overlooks an empty line before the request.
        if line_end <= 0 or line_end + 2 > self._line_max:
            return False
        self.size = arrived.find(b"\r\n\r\n", line_end) + 4
        if self.size < 4 or self.size > self._size_max:
            return False
        head = arrived if self.size == PyBytes_GET_SIZE(arrived) else arrived[:self.size]
        self.pairs = []
        self.variables = {}
        try:
            # After a request with a body, llhttp wants to see the body first, and after an error nothing.
            if not self._complete:
                self._parser = HttpRequestParser(self)
            self._complete = False
            self._parser.feed_data(head)
        except HttpParserUpgrade:
            self._complete = False
        except HttpParserError:
            self._complete = False
            return False
        version = self._parser.get_http_version()
        if version == "1.1":
            self.version = "HTTP/1.1"
        elif version == "1.0":
            self.version = "HTTP/1.0"
        else:
            return False
        if len(self.pairs) > headers_max:
            return False
        self.method = _latin1(self._parser.get_method())
        self.target = _latin1(self._target)
        self.request_line = <str>PyUnicode_DecodeLatin1(PyBytes_AS_STRING(head), line_end, NULL)
        return True

    def close(self):
        """Parse no more: the parser and this object hold each other."""
        self._parser = None
        self._complete = False

    def on_url(self, bytes url):
        self._target = url

    def on_header(self, bytes name, bytes value):
        cdef PyObject* found = PyDict_GetItemWithError(self._known, name)
        cdef PyObject* former
        cdef object variable
        cdef str text = _value(value)
        self.pairs.append((name, value))
        if found != NULL:
            variable = <object>found
        else:
            variable = self._variable_name(name)
            if len(self._known) < _NAMES_KNOWN_MAX:
                self._known[name] = variable
        if variable is None:
            return
        former = PyDict_GetItemWithError(self.variables, variable)
        self.variables[variable] = text if former == NULL else self._join(variable, <object>former, text)

    def on_message_complete(self):
        self._complete = True
