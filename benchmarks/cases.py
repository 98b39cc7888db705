"""What `compare.py` measures, one case per run: `python cases.py NAME` prints a line of JSON.

Runs under any interpreter that has a gevent, this tree's or another, so a case uses gevent's public API only. A case
says how many operations it does and marks, with ``with measure():``, the part that counts; wall time and CPU time of
this process (and, where asked for, of its children) are divided by the number of operations. The best of a few runs is
printed, since whatever else the machine does only ever adds.
"""

import json
import os
import subprocess
import sys
import time

__all__ = ["CASES"]

CASES = {}
_RUNS = 3
_CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients.py")


class _Measure:
    def __init__(self, with_children):
        self._with_children = with_children
        self.wall = self.cpu = None

    def __call__(self):
        return self

    def _cpu_now(self):
        times = os.times()
        return times.user + times.system + (times.children_user + times.children_system if self._with_children else 0)

    def __enter__(self):
        self._began = time.perf_counter(), self._cpu_now(), time.process_time()

    def __exit__(self, *exc_info):
        wall, cpu, fine_cpu = self._began
        self.wall = time.perf_counter() - wall
        # os.times() has a coarse clock; without children there is a better one.
        self.cpu = self._cpu_now() - cpu if self._with_children else time.process_time() - fine_cpu


def case(operations, unit, *, with_children=False):
    """Register a function ``(measure, operations)`` under its name."""

    def register(function):
        CASES[function.__name__] = function, operations, unit, with_children
        return function

    return register


def _nothing(*_args):
    pass


# --- greenlets --------------------------------------------------------------------------------------------------------


@case(20_000, "greenlet")
def spawn_and_join(measure, operations):
    import gevent

    with measure():
        for _ in range(operations // 100):
            gevent.joinall([gevent.spawn(_nothing) for _ in range(100)])


@case(40_000, "greenlet")
def spawn_raw(measure, operations):
    import gevent

    with measure():
        for _ in range(operations // 100):
            for _ in range(100):
                gevent.spawn_raw(_nothing)
            gevent.sleep(0)


@case(20_000, "item")
def pool_map(measure, operations):
    from gevent.pool import Pool

    pool = Pool(100)
    with measure():
        pool.map(_nothing, range(operations))


@case(200_000, "switch")
def sleep_zero_alone(measure, operations):
    import gevent

    with measure():
        for _ in range(operations):
            gevent.sleep(0)


@case(200_000, "switch")
def sleep_zero_among_100(measure, operations):
    import gevent

    def turn():
        for _ in range(operations // 100):
            gevent.sleep(0)

    greenlets = [gevent.spawn(turn) for _ in range(100)]
    with measure():
        gevent.joinall(greenlets)


@case(20_000, "sleep")
def sleep_among_1000(measure, operations):
    import gevent

    def nap():
        for _ in range(operations // 1000):
            gevent.sleep(0.001)

    greenlets = [gevent.spawn(nap) for _ in range(1000)]
    with measure():
        gevent.joinall(greenlets)


# --- waiting for each other -------------------------------------------------------------------------------------------


@case(50_000, "wake-up")
def event(measure, operations):
    import gevent
    from gevent.event import Event

    there, back = Event(), Event()

    def answer():
        for _ in range(operations // 2):
            there.wait()
            there.clear()
            back.set()

    gevent.spawn(answer)
    with measure():
        for _ in range(operations // 2):
            there.set()
            back.wait()
            back.clear()


@case(50_000, "item")
def queue_of_one(measure, operations):
    import gevent
    from gevent.queue import Queue

    queue = Queue(1)

    def produce():
        for item in range(operations):
            queue.put(item)

    gevent.spawn(produce)
    with measure():
        for _ in range(operations):
            queue.get()


@case(300_000, "item")
def queue_unbounded(measure, operations):
    from gevent.queue import Queue

    queue = Queue()
    with measure():
        for item in range(operations):
            queue.put(item)
            queue.get()


@case(300_000, "pair")
def semaphore_free(measure, operations):
    from gevent.lock import Semaphore

    semaphore = Semaphore()
    with measure():
        for _ in range(operations):
            semaphore.acquire()
            semaphore.release()


@case(100_000, "block")
def timeout_block(measure, operations):
    from gevent import Timeout

    with measure():
        for _ in range(operations):
            with Timeout(10):
                pass


# --- sockets ----------------------------------------------------------------------------------------------------------


@case(20_000, "round trip")
def socketpair_ping_pong(measure, operations):
    import gevent
    from gevent import socket

    left, right = socket.socketpair()

    def echo():
        while True:
            data = right.recv(64)
            if not data:
                return
            right.sendall(data)

    gevent.spawn(echo)
    with measure():
        for _ in range(operations):
            left.sendall(b"x" * 64)
            left.recv(64)
    left.close()


def _serve(server, kind, operations, measure):
    # The clients are another process, so that CPU time is the server's alone.
    import gevent
    from gevent import select

    server.start()
    clients = subprocess.Popen(
        [sys.executable, _CLIENTS, kind, str(server.server_port), str(operations)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    select.select([clients.stdout], [], [])
    clients.stdout.readline()  # all are connected
    gevent.sleep(0.01)
    with measure():
        clients.stdin.write(b"\n")
        clients.stdin.flush()
        select.select([clients.stdout], [], [])
    if clients.stdout.readline() != b"done\n":
        raise SystemExit(f"{kind}: the clients did not get their answers")
    clients.communicate()
    server.stop(timeout=0)


@case(20_000, "round trip")
def tcp_echo_of_50(measure, operations):
    from gevent.server import StreamServer

    def echo(connection, _address):
        while True:
            data = connection.recv(4096)
            if not data:
                return
            connection.sendall(data)

    _serve(StreamServer(("127.0.0.1", 0), echo), "echo", operations, measure)


@case(10_000, "request")
def http_of_50(measure, operations):
    from gevent.pywsgi import WSGIHandler, WSGIServer

    class NoDelay(WSGIHandler):
        # Not a comparison of who is hit by Nagle's algorithm: that would be a factor of 100 by itself.
        def __init__(self, connection, *args, **kwargs):
            connection.setsockopt(6, 1, 1)
            super().__init__(connection, *args, **kwargs)

    def application(_environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    server = WSGIServer(("127.0.0.1", 0), application, log=None, handler_class=NoDelay)
    _serve(server, "http", operations, measure)


# --- the system -------------------------------------------------------------------------------------------------------


@case(50, "process", with_children=True)
def subprocess_run(measure, operations):
    from gevent import subprocess as green

    with measure():
        for _ in range(operations):
            green.run(["true"], check=True)


@case(5000, "call")
def threadpool_apply(measure, operations):
    import gevent

    pool = gevent.get_hub().threadpool
    pool.apply(_nothing)
    with measure():
        for _ in range(operations):
            pool.apply(_nothing)


@case(5, "start", with_children=True)
def import_and_patch_all(measure, operations):
    start = [sys.executable, "-c", "import gevent.monkey; gevent.monkey.patch_all()"]
    subprocess.run(start, check=True)  # compiles, and fills the system's cache
    with measure():
        for _ in range(operations):
            subprocess.run(start, check=True)


def main(name):
    """Run one case and print its best times per operation, in microseconds."""
    function, operations, unit, with_children = CASES[name]
    walls, cpus = [], []
    for _ in range(_RUNS):
        measure = _Measure(with_children)
        function(measure, operations)
        walls.append(measure.wall)
        cpus.append(measure.cpu)
    per_operation = 1e6 / operations
    print(json.dumps({"unit": unit, "wall_us": min(walls) * per_operation, "cpu_us": min(cpus) * per_operation}))


if __name__ == "__main__":
    main(sys.argv[1])
