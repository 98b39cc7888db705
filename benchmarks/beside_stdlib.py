"""What do processes, pipes and managers cost patched, next to the plain standard library?

Run with this tree's Python: `beside_stdlib.py [--only fork spawn pipe manager] [--rounds 8]`. Each round is a process
of its own, plain and patched in turns; what is printed is CPU time of the program and its children, which says more
on a machine that others use, too. The ratio is the median of the rounds' ratios: 1 is as cheap as plain, 0.5 twice as
dear. Two floors stand below a manager's call, and nothing of gevent's is in them. `manager by epoll` is the plain
library, whose server asks epoll before it reads, as a server does that has one thread for all its connections. The last
line is a question and its answer in C (`wait_floor.cc`), without what both sides compute: awaited in read(), and by
epoll. With `--one-processor` nobody is woken on a processor that sleeps, which is what makes epoll dear.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

_PROGRAM = """
import json, os, resource, sys, time

def nothing():
    pass

def echo(connection):
    while True:
        connection.send_bytes(connection.recv_bytes())

def start_and_join(context):
    def once():
        process = context.Process(target=nothing)
        process.start()
        process.join()
    return once, nothing

def pipe(context):
    here, there = context.Pipe()
    process = context.Process(target=echo, args=(there,))
    process.start()
    def once():
        here.send_bytes(b"0123456789")
        here.recv_bytes()
    def end():
        process.kill()
        process.join()
    return once, end

def manager(context):
    served = context.Manager()
    shared = served.dict(key=1)
    return lambda: shared["key"], served.shutdown

def wait_by_epoll():
    # In the server only, which is forked later.
    import select
    from multiprocessing.connection import Connection

    here, receive = os.getpid(), Connection._recv_bytes

    def _recv_bytes(connection, maxsize=None):
        if os.getpid() != here:
            epoll = vars(connection).get("epoll")
            if epoll is None:
                epoll = connection.epoll = select.epoll()
                epoll.register(connection.fileno(), select.EPOLLIN)
            epoll.poll(0.5)
        return receive(connection, maxsize)

    Connection._recv_bytes = _recv_bytes

def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime, usage.ru_minflt

if __name__ == "__main__":
    kind, case, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if kind == "patched":
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)
    if kind == "epoll":
        wait_by_epoll()
    import multiprocessing
    context = multiprocessing.get_context("spawn" if case == "spawn" else "fork")
    once, end = {"pipe": pipe, "manager": manager}.get(case, start_and_join)(context)
    for _ in range(3):
        once()
    self_before, children_before = used(resource.RUSAGE_SELF), used(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    for _ in range(number):
        once()
    wall = time.perf_counter() - start
    self_after = used(resource.RUSAGE_SELF)
    end()
    children_after = used(resource.RUSAGE_CHILDREN)
    cpu = self_after[0] - self_before[0] + children_after[0] - children_before[0]
    faults = children_after[1] - children_before[1]
    print(json.dumps([cpu / number * 1e6, wall / number * 1e6, faults / number]))
"""

#: How often each is done in a round: about a third of a second.
_NUMBERS = {"fork": 150, "spawn": 8, "pipe": 10000, "manager": 4000}


def _measure(program, kind, case):
    command = [sys.executable, program, kind, case, str(_NUMBERS[case])]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)


#: What each side computes for a call of the floor in C: some 10 us, about what one does in Python.
_STEPS = 8000


def _print_wait_floor(folder):
    program = Path(folder) / "wait_floor"
    source = Path(__file__).with_name("wait_floor.cc")
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-O2", "-o", program, source], check=True)
    found = subprocess.run([program, str(_STEPS)], capture_output=True, check=True, timeout=120, text=True).stdout
    by_read, by_epoll = map(float, found.split())
    print(f"an answer in C, beside what is computed: by read() {by_read} us, by epoll {by_epoll} us")


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=sorted(_NUMBERS), default=list(_NUMBERS))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--one-processor", action="store_true")
    arguments = parser.parse_args()
    if arguments.one_processor:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("case       CPU us: plain  patched  ratio    wall ratio    page faults of a child: plain  patched")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"  # a file: spawned children import it
        program.write_text(_PROGRAM, encoding="utf-8")
        for case in arguments.only:
            rounds = []
            for number in range(arguments.rounds):
                kinds = ("plain", "patched") if number % 2 else ("patched", "plain")
                found = {kind: _measure(program, kind, case) for kind in kinds}
                rounds.append((found["plain"], found["patched"]))
            plain, patched = ([statistics.median(each) for each in zip(*side)] for side in zip(*rounds))
            cpu, wall = (statistics.median(here[i] / there[i] for here, there in rounds) for i in (0, 1))
            faults = f"{plain[2]:30.0f} {patched[2]:8.0f}" if case in ("fork", "spawn") else ""
            print(f"{case:8} {plain[0]:15.1f} {patched[0]:8.1f} {cpu:6.2f} {wall:13.2f} {faults}")
            if case == "manager":
                floor = [_measure(program, "epoll", case) for _ in rounds]
                cpu, wall = (
                    statistics.median(here[0][i] / there[i] for here, there in zip(rounds, floor)) for i in (0, 1)
                )
                median = statistics.median(each[0] for each in floor)
                print(f"{case} by epoll {plain[0]:6.1f} {median:8.1f} {cpu:6.2f} {wall:13.2f}")
                _print_wait_floor(folder)


if __name__ == "__main__":
    main()
