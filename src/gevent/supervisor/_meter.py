"""Requests and how long they took: counted where they happen, in buckets, and added up elsewhere."""

from bisect import bisect_left
from time import perf_counter

__all__ = ["BOUNDS_S", "Meter", "add", "quantile"]

#: Upper ends of the buckets, in seconds; one more has all that took longer.
BOUNDS_S = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)


class Meter:
    """What one worker has done."""

    def __init__(self):
        self.requests = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.on_request = None  # called after each; for those who count along

    def around(self, application):
        """Return the WSGI `application`, counted: a request is what passes until it returns its body's pieces."""

        def counted(environ, start_response):
            began = perf_counter()
            try:
                return application(environ, start_response)
            finally:
                took = perf_counter() - began
                self.requests += 1
                self.seconds += took
                self.buckets[bisect_left(BOUNDS_S, took)] += 1
                if self.on_request is not None:
                    self.on_request()

        return counted

    def snapshot(self):
        """Return the counts as JSON can express them."""
        return {"requests": self.requests, "seconds": self.seconds, "buckets": list(self.buckets)}


def add(totals, snapshot):
    """Add such a snapshot to another one, in place."""
    totals["requests"] += snapshot["requests"]
    totals["seconds"] += snapshot["seconds"]
    totals["buckets"] = [a + b for a, b in zip(totals["buckets"], snapshot["buckets"])]


def quantile(buckets, share):
    """Return the upper end, in seconds, of the bucket in which the `share` (0 to 1) quantile lies; None for none."""
    total = sum(buckets)
    if not total:
        return None
    wanted, seen = share * total, 0
    for bound, count in zip((*BOUNDS_S, BOUNDS_S[-1]), buckets):
        seen += count
        if seen >= wanted:
            return bound
    return BOUNDS_S[-1]
