#!/usr/bin/env python3
"""Requests a second of two workers and of one, and what a request costs: beside gunicorn and granian, in one sitting.

Usage: serve_cores.py [--rivals FOLDER] [--seconds N] [--rounds N]

Needs wrk. FOLDER is a virtual environment with gunicorn, packaging, gevent 26.9.0 and granian; without it this tree is
measured alone. Prints a table in reStructuredText. wrk needs processor time too, and takes it from the servers where
there are few processors: its share is in the table. So two things are asked for: ``/``, which costs the application
nothing, where the processor time of a request is what to compare; and ``/page``, which costs it so much that wrk has
next to nothing to do, where two workers show what they can.
"""

import argparse
import os
import platform
import shutil
import sys
import time

from servers import Server, load, table

__all__ = ["main"]

APPLICATION = "http_application:application"
CONNECTIONS = "-c100"
PATHS = "/", "/page"


def commands(rivals):
    """Return {name: command}, as `Server` takes it."""
    ours = (sys.executable, "-m", "gevent", "serve", APPLICATION, "--bind", "127.0.0.1:{port}", "--processes")
    found = {"serve, 1 worker": (*ours, "1"), "serve, 2 workers": (*ours, "2")}
    if rivals:
        gunicorn = ("{bin}/gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", APPLICATION)
        found["gunicorn -k gevent -w 2"] = (*gunicorn, "-k", "gevent")
        granian = ("{bin}/granian", "--interface", "wsgi", "--workers", "2", "--no-ws", "--port", "{port}")
        found["granian --workers 2"] = (*granian, APPLICATION)
    return found


def measure(command, rivals, seconds):
    """Return {path: what `load` returns of one run}."""
    found = {}
    with Server(command, os.path.join(rivals or "", "bin")) as server:
        for path in PATHS:
            load(server, 1, path, CONNECTIONS)  # warm
            found[path] = load(server, seconds, path, CONNECTIONS)
            if found[path]["errors"]:
                print(f"{command}: {path}: {'; '.join(found[path]['errors'])}", file=sys.stderr)
    return found


def best_of(rounds, rivals, seconds):
    """Return {(path, name): what `load` returns} of the round with the most requests."""
    best = {}
    for _ in range(rounds):
        for name, command in commands(rivals).items():
            for path, found in measure(command, rivals, seconds).items():
                if (path, name) not in best or found["rate"] > best[path, name]["rate"]:
                    best[path, name] = found
    return best


def main():
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rivals", metavar="FOLDER", type=os.path.abspath)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is needed: apt install wrk", file=sys.stderr)
        return 2
    best = best_of(options.rounds, options.rivals, options.seconds)
    lines = [("path", "server", "requests/s", "CPU per request", "CPUs of the server", "CPUs of wrk")]
    for (path, name), found in sorted(best.items(), key=lambda item: PATHS.index(item[0][0])):
        cells = (
            f"{found['rate']:,.0f}",
            f"{found['cpu_us']:.1f} us",
            f"{found['cpus']:.2f}",
            f"{found['wrk_cpus']:.2f}",
        )
        lines.append((path, name, *cells))
    print(f"{table(lines)}\n")
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"best of {options.rounds} x {options.seconds} s, wrk -t1 {CONNECTIONS}."
    )
    for path in PATHS:
        one, two = best[path, "serve, 1 worker"], best[path, "serve, 2 workers"]
        rates, costs = two["rate"] / one["rate"], two["cpu_us"] / one["cpu_us"]
        print(
            f"{path}: two workers answer {rates:.2f} times as many requests as one, each for {costs:.2f} times the "
            f"processor time; wrk has {two['wrk_cpus']:.2f} of a processor then."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
