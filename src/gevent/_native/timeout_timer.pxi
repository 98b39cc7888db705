# Part of timeout.pyx: what its `timer` shows of the clock that a Timeout has in it.

cdef class TimeoutTimer:
    """The clock of a `Timeout`, as its attribute `timer`."""
    cdef object timeout

    def __cinit__(self, timeout not None):
        self.timeout = timeout

    @property
    def pending(self):
        return clock_of(self.timeout).pending() == 1

    @property
    def active(self):
        return clock_of(self.timeout).pending() == 1

    @property
    def ref(self):
        return clock_of(self.timeout).limit().ref()

    @property
    def priority(self):
        return clock_of(self.timeout).limit().priority()

    def stop(self):
        """Make sure that it does not ring."""
        clock_of(self.timeout).stop()

    def close(self):
        """Stop it for good."""
        clock_of(self.timeout).close()

    def __repr__(self):
        return f"<timer of {self.timeout!r}>"
