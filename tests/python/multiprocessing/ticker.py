"""What the programs of these tests measure: how long the hub ever stood still, and what a process holds."""

import os
import time

__all__ = ["Ticker", "children_of", "descriptors"]

#: A hub that waits for another process instead of its loop stands still for half a second in these tests; a machine
#: that is busy may well take a tenth of one.
STALL_MAX_S = 0.25


class Ticker:
    """`greenlets` greenlets that sleep again and again while the body of the ``with`` runs; `stall`: the longest delay.

    Leaving checks that it was short, and that there was time to tick at all.
    """

    def __init__(self, greenlets=100, interval_s=0.005):
        self.greenlets, self.interval_s = greenlets, interval_s
        self.stall = 0.0
        self.ticks = 0

    def __enter__(self):
        import gevent

        self._pid = os.getpid()
        self._running = [gevent.spawn(self._run, gevent.sleep) for _ in range(self.greenlets)]
        gevent.sleep(0.02)
        self.stall, self.ticks = 0.0, 0
        return self

    def _run(self, sleep):
        while True:
            before = time.perf_counter()
            sleep(self.interval_s)
            assert os.getpid() == self._pid, "a greenlet of the parent runs in a child"
            self.stall = max(self.stall, time.perf_counter() - before - self.interval_s)
            self.ticks += 1

    def __exit__(self, error_type, *rest):
        import gevent

        gevent.sleep(0.01)
        gevent.killall(self._running)
        if error_type is None:
            assert self.ticks > 0, "nobody else ran"
            assert self.stall < STALL_MAX_S, f"the hub stood still for {self.stall:.3f} s"


def descriptors():
    """What the open descriptors of this process are, sorted."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            pass  # the one that lists the folder
    return sorted(found)


def children_of(pid):
    """The ids of the children of process `pid`, zombies among them."""
    children = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            children += map(int, file.read().split())
    return children
