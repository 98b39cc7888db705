"""What ordinary requests take beside clients that are slow on purpose: `slow_clients.py [--clients 2000]`.

One client asks a server for something and waits for the answer, again and again, while other clients, in a process of
their own, send a byte a second each. In turns, a few seconds each, these are nobody, clients of somebody else (a
listener that never reads) and clients of the server: the second has all that slow clients cost the computer, and the
third what they cost the server besides. A turn is over too soon for the computer to change much meanwhile, and the
medians over all rounds are what counts.

Printed are the times in which half and 99 % of the requests are answered. Exit status 1 if the p99 beside the server's
own slow clients is not within `limit` times what it is beside somebody else's.
"""

import argparse
import contextlib
import resource
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["main"]

_HERE = Path(__file__).resolve().parent
_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
_SERVER = (
    "import sys; from gevent import pywsgi; from http_application import application\n"
    "server = pywsgi.WSGIServer(('127.0.0.1', 0), application, log=None, error_log=None, backlog=4096)\n"
    "server.start(); print(server.server_port, flush=True); server.serve_forever()"
)
# How long the server may take to be rid of the clients of a turn.
_SETTLE_S = 0.3


def _with_descriptors(count):
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count if hard < 0 else min(count, hard), hard))


def _drip(port, count):
    """Send a byte a second on each of `count` connections, until this process is killed."""
    head = b"GET / HTTP/1.1\r\nX: "
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    print("connected", flush=True)
    begun, sent = time.monotonic(), 0
    while True:
        round_, which = divmod(sent, count)
        slow[which].send(head[round_ : round_ + 1] or b"y")
        sent += 1
        # One at a time, as they know nothing of each other.
        time.sleep(max(0, begun + sent / count - time.monotonic()))


@contextlib.contextmanager
def _running(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@contextlib.contextmanager
def _slow_clients(port, count):
    """`count` of them, for a block; nobody if `port` is None."""
    if port is None:
        yield
        return
    with _running([sys.executable, __file__, "--drip", str(port), "--clients", str(count)]) as process:
        if not process.stdout.readline():
            raise SystemExit("the slow clients could not connect")
        yield
    time.sleep(_SETTLE_S)


def _times(port, seconds):
    """The p50 and p99 of requests one after another, in microseconds."""
    taken = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            client.sendall(_REQUEST)
            if not client.recv(65536).startswith(b"HTTP/1.1 200"):
                raise SystemExit("a request was not answered with 200")
            taken.append(time.perf_counter() - begun)
    taken.sort()
    return taken[len(taken) // 2] * 1e6, taken[len(taken) * 99 // 100] * 1e6


def _rounds(port, options):
    """Return (p50, p99) of each round, for each kind of turn."""
    found = {"nobody": [], "somebody else's": [], "its own": []}
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as elsewhere:
        ports = {"nobody": None, "somebody else's": elsewhere.getsockname()[1], "its own": port}
        _times(port, 1)
        for _ in range(options.rounds):
            for name, times in found.items():
                with _slow_clients(ports[name], options.clients):
                    times.append(_times(port, options.seconds))
    return found


def main(arguments=None):
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description="Ordinary requests beside slow clients.")
    parser.add_argument("--clients", type=int, default=2000, help="how many are slow (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2, help="for each turn (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="of three turns each (%(default)s)")
    parser.add_argument("--limit", type=float, default=2, help="how many times longer is too long (%(default)s)")
    parser.add_argument("--drip", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    _with_descriptors(options.clients + 200)
    if options.drip:
        return _drip(options.drip, options.clients)
    with _running([sys.executable, "-c", _SERVER], cwd=_HERE) as server:
        found = _rounds(int(server.stdout.readline()), options)
    medians = {}
    for name, times in found.items():
        p50, medians[name] = (statistics.median(each) for each in zip(*times, strict=True))
        every = ", ".join(f"{p99:.0f}" for _, p99 in times)
        print(f"slow clients: {name:15} p50 {p50:6.0f} us, p99 {medians[name]:6.0f} us  ({every})")
    ratios = {name: medians["its own"] / medians[name] for name in ("nobody", "somebody else's")}
    for name, ratio in ratios.items():
        print(f"p99 beside {options.clients} slow clients of its own: {ratio:.2f} times what it is beside {name}")
    return 0 if ratios["somebody else's"] <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
