# Part of http.pyx: the head of a request, from facts to variables.

cdef extern from "http/refusal.h" namespace "gevent::http":
    cdef cppclass CoreRefusal "gevent::http::Refusal":
        int status
        const char* reason

cdef extern from "http/request_head.h" namespace "gevent::http":
    cdef cppclass HeadLimits:
        size_t line_max
        size_t field_line_max
        size_t fields_max
        size_t size_max
        bint host_required

    cdef cppclass CoreField "gevent::http::Field":
        string_view name
        string_view value
        bint folded
        string unfolded()

    cdef cppclass RequestHead:
        string_view line
        string_view method
        string_view target
        int minor_version
        vector[CoreField] fields
        bint folded
        string_view path
        string_view query
        string_view authority
        uint64_t content_length
        bint has_length
        bint chunked
        bint keep_alive
        bint expects_continue
        bint connection_upgrade
        bint has_upgrade
        bint repeats(size_t)
        bint is_plain()

    enum ReaderState "gevent::http::RequestHeadReader::State":
        kReading "gevent::http::RequestHeadReader::State::kReading"
        kComplete "gevent::http::RequestHeadReader::State::kComplete"

    cdef cppclass RequestHeadReader:
        void begin(const HeadLimits&)
        void begin_fields(const HeadLimits&)
        size_t feed(const char*, size_t) except +
        ReaderState state()
        bint begun()
        const CoreRefusal& refusal()
        void end_early()
        void end_late()
        string_view refused_line()
        const RequestHead& head()

cdef extern from "http/field_variable.h" namespace "gevent::http":
    bint is_ambiguous(string_view field)
    string variable_of(string_view field) except +
    string_view separator_of(string_view variable)

cdef extern from "http/name_table.h" namespace "gevent::http":
    cdef cppclass NameTable:
        NameTable(size_t names_max) except +
        int find(string_view)
        int add(string_view) except +

cdef int _NAMES_KNOWN_MAX = 1000

# What field names are called in an environment: names repeat endlessly.
cdef unique_ptr[NameTable] _known_names = unique_ptr[NameTable](new NameTable(_NAMES_KNOWN_MAX))
cdef list _variables_of = []  # by number in that table; None: left out

cdef dict _METHODS = {b"POST": "POST", b"HEAD": "HEAD", b"PUT": "PUT", b"DELETE": "DELETE"}
cdef str _HTTP_1_1 = "HTTP/1.1"
cdef str _HTTP_1_0 = "HTTP/1.0"


cdef inline str _text(string_view view):
    return <str>PyUnicode_DecodeLatin1(view.data(), view.size(), NULL)


cdef inline bytes _bytes(string_view view):
    return PyBytes_FromStringAndSize(view.data(), view.size())


cdef str _value(const CoreField& field):
    cdef string unfolded
    if not field.folded:
        return _text(field.value)
    unfolded = field.unfolded()
    return <str>PyUnicode_DecodeLatin1(unfolded.data(), unfolded.size(), NULL)


cpdef variable_name(str name):
    """What a field is called in an environment; None to leave it out. See cpp/http/field_variable.h."""
    cdef bytes field = name.encode("latin-1")
    cdef string variable
    if is_ambiguous(_view(field)):
        return None
    variable = variable_of(_view(field))
    return <str>PyUnicode_DecodeLatin1(variable.data(), variable.size(), NULL)


cdef object _variable_of(string_view name):
    cdef int number = _known_names.get().find(name)
    if number >= 0:
        return _variables_of[number]
    variable = variable_name(_text(name))
    if _known_names.get().add(name) >= 0:
        _variables_of.append(variable)
    return variable


cpdef joined(str variable, str first, str second):
    """The value of a field that was sent twice."""
    cdef bytes name = variable.encode("latin-1")
    cdef string_view separator = separator_of(_view(name))
    return first if separator.size() == 0 else first + _text(separator) + second


cdef enum Outcome:
    END = 0  # of the connection, before anything of a request
    WHOLE = 1
    REFUSED = 2


cdef class Head:
    """The heads of the requests of one connection, one at a time. What is accepted, cpp/http/request_head.h decides.

    line_max, field_line_max, fields_max, size_max, host_required
        the limits, see there

    After `read` or `take` returned True there are the facts; after False `refusal`, a status and a reason.
    """

    cdef RequestHeadReader reader
    cdef HeadLimits limits
    cdef object _arrived  # the reader points into it
    cdef int outcome
    cdef bint pending  # read, but not yet by the one who asks next

    cdef readonly str method
    cdef readonly str target
    cdef readonly str version
    cdef readonly str path
    cdef readonly str query

    def __cinit__(self, size_t line_max=0, size_t field_line_max=0, size_t fields_max=0, size_t size_max=0,
                  bint host_required=True):
        self.limits.line_max = line_max
        self.limits.field_line_max = field_line_max
        self.limits.fields_max = fields_max
        self.limits.size_max = size_max
        self.limits.host_required = host_required

    def read(self, rfile, Clock clock):
        """Read the next head from `rfile`, which can peek. Returns True, False if it is refused, None at the end of the
        connection. Waits for the client, for as long as `clock` allows."""
        cdef int outcome = self._read(rfile, clock)
        return None if outcome == END else outcome == WHOLE

    cdef int _read(self, rfile, Clock clock) except -1:
        cdef bytes arrived
        cdef size_t taken
        cdef Reader reader
        if self.pending:
            self.pending = False
            return self.outcome
        self.reader.begin(self.limits)
        clock.core.enter(kIdle)
        if type(rfile) is Reader:
            reader = rfile
            while True:
                if reader._left() == 0:
                    reader._receive(_RECEIVED_AT_ONCE)
                if reader._left() == 0 or clock.core.expired():
                    return self._ended(clock)
                self._arrived = reader.arrived
                reader._took(self._feed(reader._next(), reader._left(), clock))
                if self.reader.state() != kReading:
                    return self._concluded()
        while True:
            arrived = rfile.peek()
            if not PyBytes_GET_SIZE(arrived) or clock.core.expired():
                return self._ended(clock)
            self._arrived = arrived
            taken = self._feed(PyBytes_AS_STRING(arrived), PyBytes_GET_SIZE(arrived), clock)
            rfile.read(taken)
            if self.reader.state() != kReading:
                return self._concluded()

    cdef size_t _feed(self, const char* data, size_t size, Clock clock) except? 0:
        cdef size_t taken = self.reader.feed(data, size)
        if self.reader.state() != kReading:
            clock.core.enter(kBusy)
            clock.core.begin_body()
        elif clock.core.phase() == kIdle and self.reader.begun():
            clock.core.enter(kHead)
        return taken

    cdef int _ended(self, Clock clock):
        # By the client, or by the clock.
        if not self.reader.begun():
            return END
        if clock.core.expired():
            self.reader.end_late()
        else:
            self.reader.end_early()
        self.outcome = REFUSED
        return REFUSED

    cdef int _concluded(self) except -1:
        if self.reader.state() == kComplete:
            self._find_facts()
            self.outcome = WHOLE
        else:
            self.outcome = REFUSED
        return self.outcome

    def begin(self):
        """Begin another head, which `take` gets line by line."""
        self.pending = False
        self.reader.begin(self.limits)

    def begin_fields(self):
        """The same for field lines alone."""
        self.reader.begin_fields(self.limits)

    def take(self, bytes line):
        """Take the next piece of the head. Returns True when it is complete, False if it is refused, else None."""
        self.reader.feed(PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line))
        if self.reader.state() == kReading:
            return None
        self._arrived = line
        return self._concluded() == WHOLE

    def end_early(self):
        """There is no more."""
        self.reader.end_early()
        self.outcome = REFUSED

    cdef int _find_facts(self) except -1:
        cdef const RequestHead* head = &self.reader.head()
        cdef bytes method
        if head.method.size() == 3 and memcmp(head.method.data(), b"GET", 3) == 0:
            self.method = "GET"
        else:
            method = _bytes(head.method)
            known = _METHODS.get(method)
            self.method = _latin1(method) if known is None else <str>known
        self.target = _text(head.target)
        self.version = _HTTP_1_1 if head.minor_version else _HTTP_1_0
        self.path = self.target if head.path.size() == head.target.size() else _text(head.path)
        self.query = _text(head.query)
        return 0

    @property
    def refusal(self):
        """The status and the reason."""
        return self.reader.refusal().status, self.reader.refusal().reason.decode("ascii")

    @property
    def request_line(self):
        """The request line, or what was understood of it."""
        return _text(self.reader.head().line if self.outcome == WHOLE else self.reader.refused_line())

    @property
    def begun(self):
        """Whether there is anything but empty lines."""
        return self.reader.begun()

    @property
    def pairs(self):
        """The names and values of the fields, in bytes."""
        cdef CoreField field
        return [(_bytes(field.name), _value(field).encode("latin-1")) for field in self.reader.head().fields]

    @property
    def variables(self):
        """What the fields are in an environment."""
        variables = {}
        self._put_variables(variables)
        return variables

    cdef int _put_variables(self, object environ) except -1:
        # What is in `environ` already is replaced, not joined to, unless it came from here.
        cdef const RequestHead* head = &self.reader.head()
        cdef object variable
        cdef object text
        cdef size_t i
        for i in range(head.fields.size()):
            variable = _variable_of(head.fields[i].name)
            if variable is None:
                continue
            text = _value(head.fields[i])
            if head.repeats(i):
                text = joined(<str>variable, <str>environ[variable], <str>text)
            environ[variable] = text
        if head.authority.size():
            environ["HTTP_HOST"] = _text(head.authority)
        return 0

    @property
    def authority(self):
        """The host of an absolute target, which takes the place of the Host field; else empty."""
        return _text(self.reader.head().authority)

    @property
    def content_length(self):
        """None if there is none."""
        return self.reader.head().content_length if self.reader.head().has_length else None

    @property
    def chunked(self):
        """Whether the body comes in chunks."""
        return self.reader.head().chunked

    @property
    def keep_alive(self):
        """Whether another request may follow."""
        return self.reader.head().keep_alive

    @property
    def expects_continue(self):
        """Whether the client waits for "100 Continue"."""
        return self.reader.head().expects_continue

    @property
    def folded(self):
        """Whether a line was continued."""
        return self.reader.head().folded
