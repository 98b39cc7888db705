#!/usr/bin/env python3
"""Ten thousand tasks of a `ProcessPool` whose processes are killed at random: all have their results or are lost.

Usage: lost_tasks.py [--tasks N] [--seed N] [--kills N] [--method NAME]

None hangs. A task may be lost only if its own process was killed while it ran; none may be run twice. A seed repeats
which of the processes is killed, and after how many results.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
from collections import Counter

from seeded import run_seeded

import gevent
from gevent.processpool import ProcessPool, WorkerLost

__all__ = ["main"]

PROCESSES = 3
#: How long all of it may take, in seconds.
DEADLINE_S = 300


def work(number, path):
    """Note that it has begun, in one write, and compute for a moment."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(file, b"%d\n" % number)
    os.close(file)
    return sum(range(number % 2000)) + number


def kill_at_random(pool, tasks, rng, kills):
    """Kill processes at moments of `rng`'s choice, counted in results; return which."""
    at = sorted(rng.sample(range(len(tasks)), kills))
    killed = []
    for moment in at:
        place = rng.random()
        while sum(task.ready() for task in tasks) < moment or not pool._crew.members:
            if all(task.ready() for task in tasks):
                return killed
            gevent.sleep(0.001)
        members = pool._crew.members
        victim = members[int(place * len(members))].process.pid
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it has just been reaped
        killed.append(victim)
    return killed


def run(number, seed, kills, method):
    """Do it; return (line to print, complaints)."""
    rng, complaints = random.Random(seed), []
    with tempfile.NamedTemporaryFile() as begun, gevent.Timeout(DEADLINE_S):
        pool = ProcessPool(PROCESSES, start_method=method)
        tasks = [pool.apply_async(work, (each, begun.name)) for each in range(number)]
        killed = kill_at_random(pool, tasks, rng, kills)
        gevent.wait(tasks)
        pool.join()
        pool.close()
        runs = [int(line) for line in begun.read().split()]
    lost = [each for each, task in enumerate(tasks) if not task.successful()]
    complaints += [f"{each}: {tasks[each].exception!r}" for each in lost if not _is_lost(tasks[each])]
    wrong = [each for each, task in enumerate(tasks) if task.successful() and task.value != _expected(each)]
    complaints += [f"{each}: {tasks[each].value}" for each in wrong]
    complaints += [f"{each} was run twice" for each, times in Counter(runs).items() if times > 1]
    if len(lost) > len(killed):
        complaints.append(f"{len(lost)} tasks lost by {len(killed)} kills")
    line = f"{number} tasks, {len(killed)} processes killed, {len(lost)} tasks lost, {number - len(lost)} results"
    return line, complaints


def _is_lost(task):
    return isinstance(task.exception, WorkerLost)


def _expected(number):
    return sum(range(number % 2000)) + number


def main():
    """Run what the command line says; return 1 if there is something to complain about."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", dest="number", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--method", default="fork", choices=("fork", "forkserver", "spawn"))
    return run_seeded(parser, run)


if __name__ == "__main__":
    sys.exit(main())
