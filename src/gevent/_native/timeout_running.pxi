# Part of timeout.pyx: a Timeout that a call was given as its limit.

cdef class Running:
    """With a Timeout that a call was given: it runs meanwhile, and is closed at the end.

    quiet
        whether the block ends without an exception when this very Timeout is raised in it
    """
    cdef object timeout
    cdef bint quiet

    def __cinit__(self, timeout, bint quiet=False):
        self.timeout = timeout
        self.quiet = quiet

    def __enter__(self):
        if not self.timeout.pending:
            self.timeout.start()

    def __exit__(self, typ, value, tb):
        self.timeout.close()
        return self.quiet and value is self.timeout
