"""What ordinary requests take beside clients that are slow on purpose: `slow_clients.py [--clients 2000]`.

A server, clients of which each sends a byte of its request's head per second, and one client that asks for something
and waits for the answer, again and again: three processes. Printed are the times in which half and 99 % of its requests
are answered, alone and beside the slow ones, the best of all rounds. Exit status 1 if the latter are not within `limit`
times the former.
"""

import argparse
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["main"]

_HERE = Path(__file__).resolve().parent
_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
_SERVER = (
    "import sys; from gevent import pywsgi; from http_application import application\n"
    "server = pywsgi.WSGIServer(('127.0.0.1', 0), application, log=None, error_log=None, backlog=1024)\n"
    "server.start(); print(server.server_port, flush=True); server.serve_forever()"
)


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


def _times(port, seconds):
    taken = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        end = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            client.sendall(_REQUEST)
            if not client.recv(65536).startswith(b"HTTP/1.1 200"):
                raise SystemExit("a request was not answered with 200")
            taken.append(time.perf_counter() - begun)
    taken.sort()
    return taken[len(taken) // 2] * 1e6, taken[len(taken) * 99 // 100] * 1e6


def _best(found):
    return [min(each) for each in zip(*found, strict=True)]


def main(arguments=None):
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description="Ordinary requests beside slow clients.")
    parser.add_argument("--clients", type=int, default=2000, help="how many are slow (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="for each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts (%(default)s)")
    parser.add_argument("--limit", type=float, default=2, help="how many times longer is too long (%(default)s)")
    parser.add_argument("--drip", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    _with_descriptors(options.clients + 200)
    if options.drip:
        return _drip(options.drip, options.clients)
    server = subprocess.Popen([sys.executable, "-c", _SERVER], cwd=_HERE, stdout=subprocess.PIPE, text=True)
    slow = None
    try:
        port = int(server.stdout.readline())
        _times(port, 1)
        alone = _best([_times(port, options.seconds) for _ in range(options.rounds)])
        command = [sys.executable, __file__, "--drip", str(port), "--clients", str(options.clients)]
        slow = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        slow.stdout.readline()
        beside = _best([_times(port, options.seconds) for _ in range(options.rounds)])
    finally:
        for process in filter(None, (slow, server)):
            process.kill()
            process.wait(10)
    ratio = beside[1] / alone[1]
    for name, (p50, p99) in (("alone", alone), (f"beside {options.clients} slow clients", beside)):
        print(f"{name:28} p50 {p50:6.0f} us, p99 {p99:6.0f} us")
    print(f"p99: {ratio:.2f} times")
    return 0 if ratio <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
