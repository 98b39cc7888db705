#!/usr/bin/env python3
"""What a `gevent.processpool.ProcessPool` promises, in four lines: two processes, the hub, short tasks, large arrays.

Usage: process_pool.py [--rounds N] [--method NAME]

Fails if one of them is not met: two workers do 1.8 times what one does, the hub stalls for at most 10 ms meanwhile,
54,000 short tasks a second, and 256 MB five times as fast as `multiprocessing.Pool`, which pickles them. Best of the
rounds, in one sitting; two workers need two processors that nobody else uses. Needs numpy.
"""

import argparse
import importlib.util
import multiprocessing
import sys
import time

import gevent
from gevent.processpool import ProcessPool

__all__ = ["main"]

CALLS, NUMBERS = 40, 400_000
SHORT_CALLS = 200_000
ARRAY_BYTES = 256 << 20
TICK_S = 0.001


def count(number):
    """Compute, in Python, for a few hundredths of a second."""
    total = 0
    for each in range(number):
        total += each
    return total


def square(number):
    """Compute next to nothing."""
    return number * number


def seconds(function, *arguments):
    """Return how long a call takes."""
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


class Stalls:
    """The longest time for which this hub did not turn, in seconds, since it was made."""

    def __init__(self):
        self.longest_s = 0.0
        self._watcher = gevent.spawn(self._watch)
        gevent.sleep(0)

    def _watch(self):
        last = time.perf_counter()
        while True:
            gevent.sleep(TICK_S)
            now = time.perf_counter()
            self.longest_s = max(self.longest_s, now - last - TICK_S)
            last = now

    def end(self):
        """Watch no more; return the longest."""
        self._watcher.kill()
        return self.longest_s


def warm_pool(workers, method):
    """Return a pool whose processes have started."""
    pool = ProcessPool(workers, start_method=method)
    pool.map(square, range(1000))
    return pool


def computing(method):
    """Return (seconds with one worker, with two, longest stall of the hub with two)."""
    taken = []
    for workers in (1, 2):
        with warm_pool(workers, method) as pool:
            stalls = Stalls()
            taken.append(seconds(pool.map, count, [NUMBERS] * CALLS))
            longest_s = stalls.end()
    return (*taken, longest_s)


def short_calls(method):
    """Return tasks a second, the pool's and the standard library's."""
    with warm_pool(2, method) as pool:
        ours_s = seconds(pool.map, square, range(SHORT_CALLS))
    with multiprocessing.get_context(method).Pool(2) as pool:
        pool.map(square, range(1000))
        theirs_s = seconds(pool.map, square, range(SHORT_CALLS))
    return SHORT_CALLS / ours_s, SHORT_CALLS / theirs_s


def large_arrays(method):
    """Return how long an array takes to a worker: through shared memory, and the pickled way."""
    import numpy

    array = numpy.ones(ARRAY_BYTES, numpy.uint8)
    with warm_pool(1, method) as pool:
        ours_s = min(seconds(pool.apply, len, (array,)) for _ in range(2))
    with multiprocessing.get_context(method).Pool(1) as pool:
        pool.apply(square, (2,))
        theirs_s = seconds(pool.apply, len, (array,))
    return ours_s, theirs_s


def main():
    """Measure as the command line says; return 1 if something falls short."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--method", default="fork", choices=("fork", "forkserver", "spawn"))
    options = parser.parse_args()
    if importlib.util.find_spec("numpy") is None:
        print("numpy is needed: pip install numpy", file=sys.stderr)
        return 2
    rounds = range(options.rounds)
    one, two, stalls = zip(*(computing(options.method) for _ in rounds))
    ours, theirs = zip(*(short_calls(options.method) for _ in rounds))
    shared, pickled = zip(*(large_arrays(options.method) for _ in rounds))
    times, stall_ms, worst_ms = min(one) / min(two), 1000 * min(stalls), 1000 * max(stalls)
    faster = min(pickled) / min(shared)
    print(f"computing: two workers do {times:.2f} times what one does (at least 1.8)")
    print(f"the hub meanwhile: its longest stall is {stall_ms:.1f} ms (at most 10); in the worst round {worst_ms:.1f}")
    print(f"short tasks: {max(ours):,.0f} a second (at least 54,000); multiprocessing.Pool: {max(theirs):,.0f}")
    print(
        f"256 MB: {1000 * min(shared):.0f} ms, {faster:.1f} times as fast as pickled (at least 5): "
        f"{1000 * min(pickled):.0f} ms"
    )
    return int(times < 1.8 or stall_ms > 10 or max(ours) < 54_000 or faster < 5)


if __name__ == "__main__":
    sys.exit(main())
