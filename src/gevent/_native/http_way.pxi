# Part of http.pyx: what all connections of a server have in common.

cdef extern from "python/object/type_version.h" namespace "gevent":
    unsigned type_version "gevent::version_of" (PyObject* type)


cdef inline unsigned _version(object cls):
    return type_version(<PyObject*>cls)


cdef class Way:
    """How the connections of one server are served, worked out once and good until something about it changes.

    server, handler_class
        whose connections these are, and the `WSGIHandler` for them
    limits
        a `Limits`
    tools
        what plain exchanges are made with: `make_input(rfile, content_length)` returns a ``wsgi.input``; then the class
        of plain sockets
    reads_whole, plain, direct
        whether heads may be read in one go; whether requests that are plain need none of the handler's steps; and
        whether they need no handler at all
    closes_at_once
        whether nothing is done with a connection between its last response and its end
    """

    cdef readonly object handler_class
    cdef readonly object limits
    cdef readonly bint reads_whole
    cdef readonly bint plain
    cdef readonly bint direct
    cdef bint closes_at_once
    cdef object make_input
    cdef object socket_class
    cdef unsigned handler_version
    cdef unsigned server_version
    cdef object line_max
    cdef HeadLimits head_limits
    cdef uint64_t body_max
    cdef bint copies_environ
    cdef bint logs
    cdef bint proxies

    def __cinit__(self, server, handler_class, limits, tuple tools, bint reads_whole, bint plain, bint direct,
                  bint closes_at_once, bint copies_environ, bint logs):
        self.handler_class = handler_class
        self.limits = limits
        self.make_input, self.socket_class = tools
        self.reads_whole, self.plain, self.direct = reads_whole, plain, direct
        self.closes_at_once, self.copies_environ, self.logs = closes_at_once, copies_environ, logs
        self.proxies = bool(getattr(server, "trusted_proxies", None))
        self.body_max = <uint64_t>-1 if limits.body_size_max is None else limits.body_size_max
        self.head_limits = (<Head?>limits.new_head()).limits
        self.line_max = limits.line_max_of_all
        self.handler_version = _version(handler_class)
        self.server_version = _version(type(server))

    def holds(self, server, handler_class):
        """Whether it is still the way for `server`, whose attributes are the same, and handlers of `handler_class`."""
        # What a class has may be changed at any time, and then it has another version, or none.
        return (
            handler_class is self.handler_class
            and self.handler_version != 0
            and self.handler_version == _version(handler_class)
            and self.server_version != 0
            and self.server_version == _version(type(server))
            and self.make_input is _pywsgi.Input
            and (self.line_max is None or self.line_max is _pywsgi.MAX_REQUEST_LINE)
        )

    def new_head(self):
        """Return a `Head` for a connection."""
        cdef Head head = Head.__new__(Head)
        head.limits = self.head_limits
        return head

    def serves(self, server, sock, address):
        """Serve a connection from beginning to end and return True; False if it takes a handler to do that.

        A handler is made in the middle, once something comes up that is not plain.
        """
        cdef PlainExchanges plain
        if not self.direct or type(sock) is not self.socket_class or not self.holds(server, server.handler_class):
            return False
        plain = PlainExchanges(self, server, sock, address, Reader(sock), self.new_head())
        plain.clock = _clock_for(server, sock)
        try:
            if plain.serve():
                plain._handler_now()._serve_requests()
        finally:
            plain._end()
        return True


cdef Clock _clock_for(server, sock):
    cdef object connections = (<dict>server.__dict__).get("_all_connections")
    cdef Clocks clocks
    if connections is None:
        connections = server._connections
    clocks = connections._clocks
    return clocks.begin(sock.fileno(), _getcurrent()) if clocks.direct else connections.begin(sock)
