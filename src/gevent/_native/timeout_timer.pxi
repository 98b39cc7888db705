# Part of timeout.pyx: what its `timer` shows of the clock that a Timeout has in it.

cdef class TimeoutTimer:
    """The clock of a `Timeout`, as its attribute `timer`."""
    cdef object timeout

    def __cinit__(self, timeout not None):
        self.timeout = timeout

    @property
    def pending(self):
        return is_pending(clock_of(self.timeout))

    @property
    def active(self):
        return is_pending(clock_of(self.timeout))

    @property
    def ref(self):
        return clock_of(self.timeout).ref

    @property
    def priority(self):
        return clock_of(self.timeout).priority

    def stop(self):
        """Make sure that it does not ring."""
        stop(clock_of(self.timeout))

    def close(self):
        """Stop it for good."""
        close(clock_of(self.timeout))

    def _ring(self):
        # For a loop that is not our own.
        expire(self.timeout)

    def __repr__(self):
        return f"<timer of {self.timeout!r}>"
