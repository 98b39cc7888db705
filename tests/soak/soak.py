#!/usr/bin/env python3
"""Minutes of messages between processes that are stopped and killed, and of greenlets that give up, all counted.

Usage: soak.py [--seconds N] [--seed N] [--at-once N] [--only NAME] [--method NAME]

Run by the Python that has gevent-mp. Several scenarios (scenarios.py) run at once, each a greenlet with a random number
generator of its own, seeded by the run's seed and the scenario's number: a seed repeats what is decided, though not, of
course, what takes how long. The first failure ends the run, with the scenario's number. At the end nothing may be left:
no process, no descriptor, no slot of a semaphore's, no memory to speak of.
"""

import sys

if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_all(multiprocessing=True)

import argparse
import faulthandler
import gc
import itertools
import multiprocessing
import os
import random
import re
import time
import traceback
from collections import Counter

from scenarios import SCENARIOS
from traffic import Tally

import gevent
import gevent.util
from gevent._native import semlock

__all__ = ["main"]

METHODS = ("fork", "forkserver", "spawn")
#: How long one scenario may take before it counts as hung: it takes seconds on a quiet machine.
HUNG_S = 240
#: What may be left at the end beyond what there was after the first rounds. Memory is the allocator's, too.
MEMORY_MB = 48


class Level:
    """What there is at one moment of what must not grow."""

    def __init__(self):
        for _ in range(3):
            gc.collect()
            gevent.sleep(0.05)
        self.descriptors = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in _open_descriptors()}
        self.slots = semlock.Arena.of_this_process().slots_in_use()
        with open("/proc/self/statm") as statm:
            self.memory_mb = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
        self.threads = len(os.listdir("/proc/self/task"))
        self.children = _children()

    def __str__(self):
        return (
            f"{len(self.descriptors)} descriptors, {self.slots} slots, {self.threads} threads, "
            f"{len(self.children)} children, {self.memory_mb:.0f} MB"
        )

    def _kinds(self):
        # What the descriptors are of, without the numbers that sockets and pipes have.
        return Counter(re.sub(r"^(pipe|socket):.*", r"\1", link) for link in self.descriptors.values())

    def complaints(self, before):
        """Yield what there is too much of, compared with `before`."""
        if len(self.descriptors) > len(before.descriptors):
            new = sorted((self._kinds() - before._kinds()).elements())
            yield f"descriptors: {len(before.descriptors)} before, {len(self.descriptors)} now: {new}"
        if self.slots > before.slots:
            yield f"slots: {before.slots} before, {self.slots} now"
        if self.threads > before.threads:
            yield f"threads: {before.threads} before, {self.threads} now"
        if len(self.children) > len(before.children):
            yield f"children: {before.children} before, {self.children} now"
        if self.memory_mb > before.memory_mb + MEMORY_MB:
            yield f"memory: {before.memory_mb:.0f} MB before, {self.memory_mb:.0f} MB now"


def _open_descriptors():
    listed = os.listdir("/proc/self/fd")
    return [fd for fd in listed if os.path.lexists(f"/proc/self/fd/{fd}")]


def _children():
    """Return (process id, state) of this process's children, zombies included."""
    children = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                state, parent = stat.read().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if int(parent) == os.getpid():
            children.append((int(entry), state))
    return children


def settled(before):
    """Return what there is, and the complaints about it, once there are none or after ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        after = Level()
        complaints = list(after.complaints(before))
        if not complaints or time.monotonic() > deadline:
            return after, complaints


def wait_for_a_lock():
    """Wait for a lock of multiprocessing's: the first who does opens what wake-ups are heard with, for all others."""
    lock = multiprocessing.Lock()
    lock.acquire()
    gevent.spawn(lock.release)
    lock.acquire()


class Soak:
    """One run."""

    def __init__(self, options):
        self.options = options
        self.tally = Tally()
        self.numbers = itertools.count()
        self.running = {}
        self.failure = None
        self.end = time.monotonic() + options.seconds

    def one_after_another(self):
        while self.failure is None and time.monotonic() < self.end:
            self.run_one(next(self.numbers))

    def run_one(self, number):
        rng = random.Random(self.options.seed * 1_000_003 + number)
        chosen = [each for each in SCENARIOS if self.options.only in ("", each.__name__)]
        scenario = rng.choice(chosen)
        method = self.options.method or rng.choice(METHODS)
        self.running[number] = f"{scenario.__name__} by {method}"
        try:
            with gevent.Timeout(HUNG_S, AssertionError(f"hung for {HUNG_S} s")):
                scenario(multiprocessing.get_context(method), rng, self.tally)
        except BaseException:
            if self.failure is None:
                self.failure = f"scenario {number} ({self.running[number]}):\n{traceback.format_exc()}"
            raise
        finally:
            del self.running[number]
        self.tally.add("scenarios")

    def run(self):
        greenlets = [gevent.spawn(self.one_after_another) for _ in range(self.options.at_once)]
        gevent.joinall(greenlets)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--only", default="", choices=["", *(each.__name__ for each in SCENARIOS)])
    parser.add_argument("--method", default="", choices=["", *METHODS])
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.randrange(1 << 30)
    print(f"soak: seed {options.seed}, {options.seconds:g} s, Python {sys.version.split()[0]}", flush=True)
    faulthandler.dump_traceback_later(options.seconds + 3 * HUNG_S, exit=True)
    started = time.monotonic()

    # What is made once: the hub, the fork server and the resource tracker, and what the first rounds leave to reuse.
    warm_up = Soak(argparse.Namespace(**{**vars(options), "seconds": 0}))
    for method in METHODS:
        for scenario in SCENARIOS:
            scenario(multiprocessing.get_context(method), random.Random(1), warm_up.tally)
    wait_for_a_lock()
    before = Level()

    soak = Soak(options)
    soak.run()
    for process in multiprocessing.active_children():
        process.join(10)
    after, complaints = settled(before)
    if soak.failure:
        complaints = [soak.failure]
    print(f"soak: before: {before}\nsoak: after: {after}")
    for complaint in complaints:
        print(f"soak: FAILED: {complaint}", flush=True)
    if soak.failure:
        print(f"soak: then running: {soak.running}")
        gevent.util.print_run_info()
    counts = ", ".join(f"{number} {name}" for name, number in sorted(soak.tally.items()))
    print(f"soak: seed {options.seed}, {time.monotonic() - started:.0f} s: {counts}")
    print("soak: nothing lost, doubled, torn or hung, nothing left" if not complaints else "soak: FAILED", flush=True)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
