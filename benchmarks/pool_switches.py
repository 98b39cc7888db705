"""How many context switches does a pool's task cost, next to the standard library's? A wake-up that was for somebody
else is two of them, in a process that had nothing to do.

Run with this tree's Python: `pool_switches.py [--workers 2 8 32] [--tasks 300] [--rounds 3]`. Each round is a process
of its own, plain and patched in turns; the best of all rounds counts. Fails where a task costs more than twice as many.
"""

import argparse
import json
import subprocess
import sys

_PROGRAM = """
import json, resource, sys, time
patched, workers, tasks = sys.argv[1] == "patched", int(sys.argv[2]), int(sys.argv[3])
if patched:
    from gevent import monkey
    monkey.patch_all(multiprocessing=True)
import multiprocessing

def switches(who):
    usage = resource.getrusage(who)
    return usage.ru_nvcsw + usage.ru_nivcsw

def of_all_processes(tasks):
    before = switches(resource.RUSAGE_CHILDREN), switches(resource.RUSAGE_SELF)
    pool = multiprocessing.get_context("fork").Pool(workers)
    time.sleep(0.5)  # until all of them wait
    for number in range(tasks):
        pool.apply(abs, (number,))
    pool.close()
    pool.join()
    return [switches(who) - was for who, was in zip((resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF), before)]

idle, busy = of_all_processes(0), of_all_processes(tasks)
print(json.dumps([(with_tasks - without) / tasks for without, with_tasks in zip(idle, busy)]))
"""


def _measure(kind, workers, tasks):
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM, kind, str(workers), str(tasks)], capture_output=True, check=True, timeout=120
    )
    return json.loads(run.stdout)


def main():
    """Print the table; return whether every row is within the bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8, 32])
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    within = True
    print("context switches per task    workers: plain  patched  ratio    with the parent: plain  patched")
    for workers in arguments.workers:
        best = {}
        for _ in range(arguments.rounds):
            for kind in "plain", "patched":
                found = _measure(kind, workers, arguments.tasks)
                best[kind] = [min(pair) for pair in zip(found, best.get(kind, found))]
        (plain, plain_parent), (patched, patched_parent) = best["plain"], best["patched"]
        ratio = patched / plain
        within = within and ratio <= 2
        print(
            f"{workers:3} workers {plain:29.2f} {patched:8.2f} {ratio:6.2f}"
            f" {plain + plain_parent:25.2f} {patched + patched_parent:8.2f}"
        )
    return within


if __name__ == "__main__":
    sys.exit(not main())
