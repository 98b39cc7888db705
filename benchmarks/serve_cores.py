#!/usr/bin/env python3
"""Requests a second of two workers and of one, and what a request costs: beside gunicorn and granian, in one sitting.

Usage: serve_cores.py [--rivals FOLDER] [--seconds N] [--rounds N]

Needs wrk. FOLDER is a virtual environment with gunicorn, packaging, gevent 26.9.0, granian and bjoern (a server in C
with as little of Python in it as there may be, forked once listening); without it this tree is measured alone, beside
a bare server in C (`floor_server.cc`) with as many processes, once bare and once with so much to compute that a request
costs what it costs here: a server that one process is too slow for, like this one, gets few requests a turn as soon as
it has two, and the system's calls for a turn are shared by fewer. Prints a table in reStructuredText. wrk needs
processor time too, and takes it from the servers where there are few processors: its share is in the table. So two
things are asked for: ``/``, which costs the application nothing, where the processor time of a request is what to
compare; and ``/page``, which costs it so much that wrk has next to nothing to do, where two workers show what they can.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time

from servers import Server, compile_floor, load, table

__all__ = ["main"]

APPLICATION = "http_application:application"
CONNECTIONS = "-c100"
PATHS = "/", "/page"
AS_DEAR = "C, as dear"
PROBE_STEPS = 10_000
# Forked children end with the first process, as those of the server in C.
BJOERN = (
    "import ctypes, os, sys, bjoern; from http_application import application; "
    "bjoern.listen(application, '127.0.0.1', int(sys.argv[1])); "
    "any(os.fork() == 0 and not ctypes.CDLL(None).prctl(1, 9) for _ in range(int(sys.argv[2]) - 1)); "
    "bjoern.run()"
)


def commands(rivals):
    """Return {name: command}, as `Server` takes it."""
    ours = (sys.executable, "-m", "gevent", "serve", APPLICATION, "--bind", "127.0.0.1:{port}", "--processes")
    found = {"serve, 1 worker": (*ours, "1"), "serve, 2 workers": (*ours, "2")}
    if rivals:
        gunicorn = (f"{rivals}/bin/gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", APPLICATION)
        found["gunicorn -k gevent -w 2"] = (*gunicorn, "-k", "gevent")
        granian = (f"{rivals}/bin/granian", "--interface", "wsgi", "--workers", "2", "--no-ws", "--port", "{port}")
        found["granian --workers 2"] = (*granian, APPLICATION)
        bjoern = (f"{rivals}/bin/python", "-c", BJOERN, "{port}")
        found |= {"bjoern, 1 process": (*bjoern, "1"), "bjoern, 2 processes": (*bjoern, "2")}
    return found | floors("C", 0)


def floors(name, steps):
    """Return {name: command} for the server in C that computes so many `steps` for a request."""
    floor = ("{bin}/floor_server", "{port}", "each")
    return {f"{name}, 1 process": (*floor, "1", f"{steps}"), f"{name}, 2 processes": (*floor, "2", f"{steps}")}


def paths_of(name):
    """Return what is asked of a server: the one in C has no application, and bjoern is there for ``/``."""
    return PATHS[:1] if name.startswith(("C", "bjoern")) else PATHS


def measure(name, command, folder, seconds):
    """Return {path: what `load` returns of one run}."""
    found = {}
    with Server(command, folder) as server:
        for path in paths_of(name):
            load(server, 1, path, CONNECTIONS)  # warm
            found[path] = load(server, seconds, path, CONNECTIONS)
            if found[path]["errors"]:
                print(f"{command}: {path}: {'; '.join(found[path]['errors'])}", file=sys.stderr)
    return found


def keep_best(best, name, command, folder, seconds):
    """Measure once; what has more requests than before replaces it in `best`: {(path, name): what `load` returns}."""
    for path, found in measure(name, command, folder, seconds).items():
        if (path, name) not in best or found["rate"] > best[path, name]["rate"]:
            best[path, name] = found


def best_of(rounds, rivals, seconds):
    """Return {(path, name): what `load` returns} of the round with the most requests."""
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        compile_floor(folder)
        steps = None
        for _ in range(rounds):
            for name, command in commands(rivals).items():
                keep_best(best, name, command, folder, seconds)
            steps = steps or steps_like(best["/", "serve, 1 worker"], best["/", "C, 1 process"], folder, seconds)
            for name, command in floors(AS_DEAR, steps).items():
                keep_best(best, name, command, folder, seconds)
    return best


def steps_like(ours, bare, folder, seconds):
    """Return how many steps make a request to the server in C, `bare`, cost what it costs to `ours`."""
    probe = measure("C", floors("C", PROBE_STEPS)["C, 1 process"], folder, seconds)["/"]
    step_us = (probe["cpu_us"] - bare["cpu_us"]) / PROBE_STEPS
    return max(0, round((ours["cpu_us"] - bare["cpu_us"]) / step_us))


def compared(best, path, one, two):
    """Return how two processes compare with one, in a sentence."""
    one, two = best[path, one], best[path, two]
    rates, costs = two["rate"] / one["rate"], two["cpu_us"] / one["cpu_us"]
    return (
        f"answer {rates:.2f} times as many requests as one, each for {costs:.2f} times the processor time; wrk has "
        f"{two['wrk_cpus']:.2f} of a processor then."
    )


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
        print(f"{path}: two workers {compared(best, path, 'serve, 1 worker', 'serve, 2 workers')}")
    for name in ("C", AS_DEAR, *(["bjoern"] if options.rivals else [])):
        print(f"/ by {name}: two processes {compared(best, '/', f'{name}, 1 process', f'{name}, 2 processes')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
