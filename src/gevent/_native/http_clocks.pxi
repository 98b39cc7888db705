# Part of http.pyx: how long clients may take.

cdef extern from "base/clock.h" namespace "gevent":
    double steady_s "gevent::Clock::now_s" () noexcept

cdef extern from "http/connection_clocks.h" namespace "gevent::http":
    enum Phase:
        kBusy "gevent::http::Phase::kBusy"
        kIdle "gevent::http::Phase::kIdle"
        kHead "gevent::http::Phase::kHead"
        kBody "gevent::http::Phase::kBody"
        kSend "gevent::http::Phase::kSend"
        kHandshake "gevent::http::Phase::kHandshake"

    cdef cppclass ClockLimits:
        double idle
        double head
        double send
        double body_rate_min
        double body_grace
        double handshake

    cdef cppclass ConnectionClock:
        ConnectionClock(int fd)
        void enter(Phase)
        void begin_body()
        void received(uint64_t)
        Phase phase()
        bint expired()
        bint closing()
        void announce_close()
        void close_soon()
        void cut()
        void forget()
        void unlink()

    cdef cppclass ConnectionClocks:
        ConnectionClocks(const ClockLimits&)
        void add(ConnectionClock&)
        double interval()
        void sweep(double now_s)


cdef class Clock:
    """What one connection waits for, and whether it has waited too long. See cpp/http/connection_clocks.h.

    fd
        of the connection; -1 if it has none, which then has all the time there is
    """

    cdef ConnectionClock* core
    cdef Clocks _clocks  # which has it in its list

    def __cinit__(self, int fd=-1):
        self.core = new ConnectionClock(fd)

    def __dealloc__(self):
        del self.core

    def enter_idle(self):
        """The next request is waited for."""
        self.core.enter(kIdle)

    def enter_head(self):
        """A head has begun."""
        self.core.enter(kHead)

    def enter_body(self):
        """A part of the body is waited for."""
        self.core.enter(kBody)

    def received(self, uint64_t size):
        """That much of it has come."""
        self.core.received(size)
        self.core.enter(kBusy)

    def enter_send(self):
        """The client is sent something."""
        self.core.enter(kSend)

    def enter_handshake(self):
        """TLS is being agreed upon."""
        self.core.enter(kHandshake)

    def enter_busy(self):
        """Nothing is asked of the client."""
        self.core.enter(kBusy)

    @property
    def expired(self):
        """Whether the client has taken too long."""
        return self.core.expired()

    @property
    def closing(self):
        """Whether the request that is being answered is to be the last."""
        return self.core.closing()

    def announce_close(self):
        """Let the next answer say that it is the last."""
        self.core.announce_close()

    def close_soon(self):
        """Let what has begun end."""
        self.core.close_soon()

    def cut(self):
        """End the connection, whatever it does."""
        self.core.cut()

    def end(self):
        """The descriptor is about to be closed."""
        cdef Clocks clocks = self._clocks
        self.core.forget()
        self.core.unlink()
        self._clocks = None
        if clocks is not None:
            del clocks.open[self]
            if clocks.on_empty is not None and not clocks.open:
                clocks.on_empty()


NO_CLOCK = Clock()  # of whoever has no connection


cdef class Clocks:
    """The clocks of all connections of a server. Times are in seconds, a rate in bytes a second; None is none."""

    cdef unique_ptr[ConnectionClocks] core
    cdef readonly dict open  # clocks, and the greenlets that serve their connections
    cdef public object on_empty  # called when the last has ended
    cdef public bint direct  # whether a connection that begins needs nothing but `begin`

    def __cinit__(self, idle, head, send, body_rate_min, double body_grace, handshake=None):
        cdef ClockLimits limits
        self.open = {}
        limits.idle = -1 if idle is None else idle
        limits.head = -1 if head is None else head
        limits.send = -1 if send is None else send
        limits.body_rate_min = -1 if body_rate_min is None else body_rate_min
        limits.body_grace = body_grace
        limits.handshake = -1 if handshake is None else handshake
        self.core.reset(new ConnectionClocks(limits))

    @property
    def interval(self):
        """How often `sweep` is to be called, in seconds; None if never."""
        cdef double interval = self.core.get().interval()
        return None if interval < 0 else interval

    def begin(self, int fd, greenlet):
        """Return the clock of a connection that begins, until its `end`."""
        cdef Clock clock = Clock(fd)
        self.core.get().add(clock.core[0])
        clock._clocks = self
        self.open[clock] = greenlet
        return clock

    def sweep(self):
        """End the waits that have lasted too long."""
        self.core.get().sweep(steady_s())
