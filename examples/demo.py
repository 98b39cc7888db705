"""gevent-mp at work: other processes tokenise Python's own library while this one serves hundreds of clients.

    python examples/demo.py [--files N] [--clients N] [--workers N] [--method fork --method spawn ...]

For each start method, a Pool, a ProcessPoolExecutor and worker processes on a bounded Queue count the names in every
source file. In the same process a TCP server answers its clients all the time, and a ticker measures how long the hub
ever stood still. Exit status 1 if a result differs from a serial run, or if the hub stood still for more than 100 ms,
not counting when others had the processors.
"""

from gevent import monkey

monkey.patch_all(multiprocessing=True)

import argparse  # noqa: E402
import collections  # noqa: E402
import concurrent.futures  # noqa: E402
import multiprocessing  # noqa: E402
import os  # noqa: E402
import pathlib  # noqa: E402
import sys  # noqa: E402
import sysconfig  # noqa: E402
import time  # noqa: E402
from contextlib import suppress  # noqa: E402

from token_counts import count_names, count_worker  # noqa: E402
from tqdm import tqdm  # noqa: E402

import gevent  # noqa: E402
import gevent.server  # noqa: E402
import gevent.socket  # noqa: E402

STALL_MAX_MS = 100
TICK_S = 0.005
# Who computes makes way for who answers, also where there are fewer processors than processes.
NICENESS = 10
REQUEST = b"GET /count HTTP/1.0\r\nHost: demo\r\n\r\n".ljust(64)


def source_files(files_max):
    """Return the paths of the standard library's source files, in a stable order."""
    root = pathlib.Path(sysconfig.get_path("stdlib"))
    found = sorted(str(path) for path in root.rglob("*.py") if "site-packages" not in path.parts)
    return found[:files_max] if files_max else found


# ---- three ways to have the work done --------------------------------------------------------------------------------


def through_pool(context, files, workers):
    """Yield the count of each file, as the workers of a Pool finish them."""
    with context.Pool(workers, os.nice, (NICENESS,)) as pool:
        yield from pool.imap_unordered(count_names, files, chunksize=8)


def through_executor(context, files, workers):
    """Yield the count of each file, as the workers of a ProcessPoolExecutor finish them."""
    with concurrent.futures.ProcessPoolExecutor(workers, context, os.nice, (NICENESS,)) as executor:
        futures = [executor.submit(count_names, path) for path in files]
        for future in concurrent.futures.as_completed(futures):
            yield future.result()


def through_queue(context, files, workers):
    """Yield the count of each file; processes take them from a queue that holds 16 at most."""
    tasks, results = context.Queue(16), context.Queue(16)
    processes = [context.Process(target=count_worker, args=(tasks, results, NICENESS)) for _ in range(workers)]
    for process in processes:
        process.start()

    def hand_out():
        for path in files:
            tasks.put(path)
        for _ in processes:
            tasks.put(None)

    giver = gevent.spawn(hand_out)
    for _ in files:
        yield results.get()
    giver.get()
    for process in processes:
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(f"a worker process ended with {process.exitcode}")


WAYS = {"Pool": through_pool, "Executor": through_executor, "Queue": through_queue}


# ---- what goes on meanwhile ------------------------------------------------------------------------------------------


def out_of_turn_s():
    """Return how long this thread could have run but had no processor, as far as the system tells."""
    # While workers start there are more processes than processors, on a busy machine always: that is no stall.
    try:
        with open("/proc/thread-self/schedstat") as times:
            return int(times.read().split()[1]) / 1e9
    except OSError:
        return 0.0


class Meanwhile:
    """A TCP server, its clients, and a ticker, all in this process's hub, from `with` to its end."""

    def __init__(self, clients):
        self.latencies_ms = []
        self.stall_ms = 0.0
        self._clients = clients
        self._greenlets = []
        self._server = gevent.server.StreamServer(("127.0.0.1", 0), self._serve, backlog=clients)

    def __enter__(self):
        self._server.start()
        self._greenlets = [gevent.spawn_later(0.1 * i / self._clients, self._ask) for i in range(self._clients)]
        self._greenlets.append(gevent.spawn(self._tick))
        gevent.sleep(0.2)  # everybody is connected before the measuring begins
        self.latencies_ms.clear()
        self.stall_ms = 0.0
        return self

    def __exit__(self, kind, error, traceback):
        gevent.killall(self._greenlets)
        self._server.stop()
        for greenlet in self._greenlets:
            if greenlet.exception is not None:
                raise greenlet.exception

    @staticmethod
    def _serve(connection, _address):
        # At the end clients are killed with an answer under way.
        with suppress(ConnectionError):
            while data := connection.recv(len(REQUEST)):
                connection.sendall(data)

    def _ask(self):
        with gevent.socket.create_connection(self._server.address) as connection:
            while True:
                began = time.perf_counter()
                connection.sendall(REQUEST)
                if connection.recv(len(REQUEST)) != REQUEST:
                    raise RuntimeError("the server's answer is not what was asked")
                self.latencies_ms.append((time.perf_counter() - began) * 1000)
                gevent.sleep(0.1)

    def _tick(self):
        last = time.perf_counter() - out_of_turn_s()
        while True:
            gevent.sleep(TICK_S)
            now = time.perf_counter() - out_of_turn_s()
            self.stall_ms = max(self.stall_ms, (now - last - TICK_S) * 1000)
            last = now

    def percentile_ms(self, percent):
        """Return the latency that `percent` of the requests did not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")


# ---- the program -----------------------------------------------------------------------------------------------------


def total(counts_of_files, label, files_total):
    """Add up the counts as they come, under a progress bar."""
    names = collections.Counter()
    for _path, counts in tqdm(
        counts_of_files, total=files_total, desc=label, unit="file", leave=False, mininterval=0.2
    ):
        names.update(counts)
    return names


def run_row(method, way, files, options, expected):
    """Run one way under one start method; return its row of the table and whether it was as it should be."""
    context = multiprocessing.get_context(method)
    with Meanwhile(options.clients) as meanwhile:
        began = time.perf_counter()
        names = total(WAYS[way](context, files, options.workers), f"{method} {way}", len(files))
        seconds = time.perf_counter() - began
        row = (
            method,
            way,
            f"{len(files) / seconds:.0f}",
            str(len(meanwhile.latencies_ms)),
            f"{meanwhile.percentile_ms(50):.1f}",
            f"{meanwhile.percentile_ms(99):.1f}",
            f"{meanwhile.stall_ms:.1f}",
        )
        stall_ms = meanwhile.stall_ms
    problems = []
    if names != expected:
        problems.append(f"{method} {way}: the counts differ from the serial run")
    if stall_ms > STALL_MAX_MS:
        problems.append(f"{method} {way}: the hub stood still for {stall_ms:.0f} ms, more than {STALL_MAX_MS}")
    if children := multiprocessing.active_children():
        problems.append(f"{method} {way}: left behind {children}")
    return row, problems


def print_table(rows):
    """Print the rows under their heading, in columns."""
    table = [("start", "way", "files/s", "requests", "p50 ms", "p99 ms", "longest stall ms"), *rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    for number, row in enumerate(table):
        print("  ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))))
        if number == 0:
            print("  ".join("-" * width for width in widths))


def main():
    """Run every way under every start method and print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=0, help="tokenise only the first N files")
    parser.add_argument("--clients", type=int, default=200, help="clients of the server (default %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=max(2, os.cpu_count() or 2), help="processes (default: one a core)"
    )
    parser.add_argument(
        "--method", action="append", choices=multiprocessing.get_all_start_methods(), help="start methods"
    )
    options = parser.parse_args()
    methods = options.method or [
        m for m in ("fork", "forkserver", "spawn") if m in multiprocessing.get_all_start_methods()
    ]

    files = source_files(options.files)
    began = time.perf_counter()
    expected = total(map(count_names, files), "serial", len(files))
    seconds = time.perf_counter() - began
    print(
        f"{len(files)} files, {sum(expected.values())} names; serial: {len(files) / seconds:.0f} files/s; "
        f"{options.workers} workers, {options.clients} clients of a server in this process"
    )

    rows, problems = [], []
    for method in methods:
        for way in WAYS:
            row, found = run_row(method, way, files, options, expected)
            rows.append(row)
            problems += found
    print_table(rows)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
