# Part of http.pyx: how long requests take.

cdef extern from "http/request_times.h" namespace "gevent::http":
    cdef cppclass RequestTimes:
        void note(double seconds)
        optional[double] quantile(double share)
        uint64_t requests
        double total_s
        uint64_t* buckets "buckets.data()"

    const size_t BUCKETS "gevent::http::RequestTimes::kBuckets"
    const double* BOUNDS "gevent::http::RequestTimes::kBoundsS.data()"

BOUNDS_S = tuple([BOUNDS[i] for i in range(BUCKETS - 1)])


cdef class Meter:
    """What one worker has done: see cpp/http/request_times.h."""

    cdef RequestTimes core
    cdef public object on_request  # called after each; for those who count along

    def around(self, application):
        """Return the WSGI `application`, counted: a request is what passes until it returns its body's pieces."""

        def counted(environ, start_response):
            cdef double began = steady_s()
            try:
                return application(environ, start_response)
            finally:
                self.core.note(steady_s() - began)
                if self.on_request is not None:
                    self.on_request()

        return counted

    @property
    def requests(self):
        """How many there were."""
        return self.core.requests

    @property
    def seconds(self):
        """How long they took together."""
        return self.core.total_s

    @property
    def buckets(self):
        """How many requests took as long as each of `BOUNDS_S` says, and longer than the last."""
        return [self.core.buckets[i] for i in range(BUCKETS)]

    def snapshot(self):
        """Return the counts as JSON can express them."""
        return {"requests": self.core.requests, "seconds": self.core.total_s, "buckets": self.buckets}


def quantile(buckets, double share):
    """Return the upper end, in seconds, of the bucket in which the `share` (0 to 1) quantile lies; None for none."""
    cdef RequestTimes times
    cdef size_t i
    for i in range(BUCKETS):
        times.buckets[i] = buckets[i]
    found = times.quantile(share)
    return found.value() if found.has_value() else None
