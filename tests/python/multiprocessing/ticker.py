"""What the programs of these tests measure: how long the hub ever stood still, and what a process holds."""

import os
import time

__all__ = ["Ticker", "children_of", "descriptors", "wait_until_asleep"]

#: A hub that waits for another process instead of its loop sleeps for as long as that takes.
STALL_MAX_S = 0.25


def _busy_s():
    # What this thread has computed until now, and how long it has waited for a processor to do so.
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as file:
            delayed_s = int(file.read().split()[1]) / 1e9
    except OSError:
        delayed_s = 0
    return time.thread_time() + delayed_s


class Ticker:
    """`greenlets` greenlets that sleep again and again while the body of the ``with`` runs.

    `stall` is the longest time that the thread slept beyond what one of them wanted to; that it computed, or waited for
    a processor on a busy machine, does not count. Leaving checks that it was short, and that there was time to tick.
    """

    def __init__(self, greenlets=100, interval_s=0.005):
        self.greenlets, self.interval_s = greenlets, interval_s
        self.stall = 0.0
        self.ticks = 0

    def __enter__(self):
        import gevent

        self._pid = os.getpid()
        self._running = [gevent.spawn(self._run, gevent.sleep) for _ in range(self.greenlets)]
        self._running.append(gevent.spawn(self._measure, gevent.sleep))
        gevent.sleep(0.02)
        self.stall, self.ticks = 0.0, 0
        return self

    def _run(self, sleep):
        while True:
            sleep(self.interval_s)
            assert os.getpid() == self._pid, "a greenlet of the parent runs in a child"
            self.ticks += 1

    def _measure(self, sleep):
        now, busy = time.perf_counter(), _busy_s()
        while True:
            sleep(self.interval_s)
            before, was_busy, now, busy = now, busy, time.perf_counter(), _busy_s()
            self.stall = max(self.stall, (now - before) - (busy - was_busy) - self.interval_s)

    def __exit__(self, error_type, *rest):
        import gevent

        gevent.sleep(0.01)
        gevent.killall(self._running)
        if error_type is None:
            assert self.ticks > 0, "nobody else ran"
            assert self.stall < STALL_MAX_S, f"the hub stood still for {self.stall:.3f} s"


def wait_until_asleep(pid, thread_id=None):
    """Return when process `pid`, or its thread `thread_id`, does nothing but wait, as it is about to."""
    looks = 0
    while looks < 3:  # it may wait for a page or a lock of the interpreter once
        with open(f"/proc/{pid}/task/{thread_id or pid}/stat", encoding="ascii") as file:
            looks = looks + 1 if file.read().rpartition(")")[2].split()[0] == "S" else 0
        time.sleep(0.002)


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
