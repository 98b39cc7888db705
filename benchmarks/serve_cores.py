#!/usr/bin/env python3
"""Requests a second of two workers and of one, and what a request costs: beside gunicorn and granian, in one sitting.

Usage: serve_cores.py [--rivals FOLDER] [--seconds N] [--rounds N]

Needs wrk. FOLDER is a virtual environment with gunicorn, packaging, gevent 26.9.0 and granian; without it this tree is
measured alone. Prints a table in reStructuredText. wrk needs processor time too, and takes it from the servers where
there are few processors: its share is in the table, and the processor time of a request is what to compare then.
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
    """Return what `load` does of one run."""
    with Server(command, os.path.join(rivals or "", "bin")) as server:
        load(server, 1, "/", CONNECTIONS)  # warm
        found = load(server, seconds, "/", CONNECTIONS)
    if found["errors"]:
        print(f"{command}: {'; '.join(found['errors'])}", file=sys.stderr)
    return found


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
    best = {}
    for _ in range(options.rounds):
        for name, command in commands(options.rivals).items():
            found = measure(command, options.rivals, options.seconds)
            if name not in best or found["rate"] > best[name]["rate"]:
                best[name] = found
    lines = [("server", "requests/s", "CPU per request", "CPUs of the server", "CPUs of wrk")]
    for name, found in best.items():
        cells = (
            f"{found['rate']:,.0f}",
            f"{found['cpu_us']:.1f} us",
            f"{found['cpus']:.2f}",
            f"{found['wrk_cpus']:.2f}",
        )
        lines.append((name, *cells))
    one, two = best["serve, 1 worker"], best["serve, 2 workers"]
    rates, costs = two["rate"] / one["rate"], two["cpu_us"] / one["cpu_us"]
    print(f"{table(lines)}\n")
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"best of {options.rounds} x {options.seconds} s, wrk -t1 {CONNECTIONS}: two workers answer {rates:.2f} times "
        f"as many requests as one, each for {costs:.2f} times the processor time."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
