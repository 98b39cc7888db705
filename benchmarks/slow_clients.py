"""What ordinary requests take beside clients that are slow on purpose: `slow_clients.py [--clients 2000]`.

One client asks a server for something and waits for the answer, again and again. In a process of their own, other
clients send a byte a second each: 2,000 connections to the server, and as many to somebody else, who never reads. They
take turns of a fifth of a second: both are silent, those of somebody else send, those of the server send. The second
has all that slow clients cost the computer, and the third what they cost the server besides. A turn is over too soon
for the computer to change much meanwhile, and of all turns of a kind the median counts.

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
_TURNS = ("nobody", "somebody else", "the server")
_TURN_S = 0.2
# At the beginning of each: what was under way may still be.
_GUARD_S = 0.01


def _turn():
    """Whose turn it is, in whichever process: its number since the computer started, and how long it has lasted."""
    number, since = divmod(time.monotonic(), _TURN_S)
    return int(number), since


def _with_descriptors(count):
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count if hard < 0 else min(count, hard), hard))


def _drip(ports, count):
    """Send a byte a second on each of `count` connections to one of `ports`, in turns, until this process is killed."""
    slow = [[socket.create_connection(("127.0.0.1", port)) for _ in range(count)] for port in ports]
    for each in sum(slow, []):
        each.send(b"GET / HTTP/1.1\r\nX: ")
    print("connected", flush=True)
    sent = 0
    while True:
        number, since = _turn()
        who = number % len(_TURNS)
        if who == 0:
            time.sleep(_TURN_S - since)
            continue
        slow[who - 1][sent % count].send(b"y")
        sent += 1
        # One at a time, as they know nothing of each other.
        time.sleep(1 / count)


@contextlib.contextmanager
def _running(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def _times(port, seconds):
    """How long requests take, one after another: for each kind of turn a list of what each turn had, in seconds."""
    found = {}
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            number, since = _turn()
            begun = time.perf_counter()
            client.sendall(_REQUEST)
            if not client.recv(65536).startswith(b"HTTP/1.1 200"):
                raise SystemExit("a request was not answered with 200")
            if since > _GUARD_S:
                found.setdefault(number, []).append(time.perf_counter() - begun)
    whole = sorted(found)[1:-1]
    return [[found[number] for number in whole if number % len(_TURNS) == who] for who in range(len(_TURNS))]


def _percentile(times, part):
    return sorted(times)[int(len(times) * part)] * 1e6


def _report(found, count):
    medians = []
    for who, turns in zip(_TURNS, found, strict=True):
        p50, p99 = (statistics.median(_percentile(turn, part) for turn in turns) for part in (0.5, 0.99))
        print(f"slow clients send to {who:13} p50 {p50:5.0f} us, p99 {p99:5.0f} us, in {len(turns)} turns")
        medians.append(p99)
    ratios = [medians[2] / each for each in medians[:2]]
    print(f"p99 beside {count} slow clients of its own: {ratios[1]:.2f} times what it is beside somebody else's,")
    print(f"{ratios[0]:.2f} times what it is beside silent ones")
    return ratios[1]


def main(arguments=None):
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description="Ordinary requests beside slow clients.")
    parser.add_argument("--clients", type=int, default=2000, help="how many are slow (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="for all turns together (%(default)s)")
    parser.add_argument("--limit", type=float, default=2, help="how many times longer is too long (%(default)s)")
    parser.add_argument("--drip", type=int, nargs=2, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    _with_descriptors(2 * options.clients + 200)
    if options.drip:
        return _drip(options.drip, options.clients)
    # Nobody accepts there: all that comes stays with the system.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=4096) as elsewhere,
        _running([sys.executable, "-c", _SERVER], cwd=_HERE) as server,
    ):
        port = int(server.stdout.readline())
        ports = [str(elsewhere.getsockname()[1]), str(port)]
        command = [sys.executable, __file__, "--drip", *ports, "--clients", str(options.clients)]
        with _running(command) as slow:
            if not slow.stdout.readline():
                raise SystemExit("the slow clients could not connect")
            _times(port, 1)
            found = _times(port, options.seconds)
    return 0 if _report(found, options.clients) <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
