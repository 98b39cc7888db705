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
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

__all__ = ["main"]

APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "12")])
    return [b"Hello world\\n"]
"""
PORT = 18431
DEADLINE_S = 30
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def servers(rivals):
    """Return {name: command}."""
    ours = [sys.executable, "-m", "gevent", "serve", "hello", "--bind", f"127.0.0.1:{PORT}", "--processes"]
    found = {"serve, 1 worker": [*ours, "1"], "serve, 2 workers": [*ours, "2"]}
    if rivals:
        gunicorn = [f"{rivals}/bin/gunicorn", "-b", f"127.0.0.1:{PORT}", "-w", "2", "hello"]
        found["gunicorn -k gevent -w 2"] = [*gunicorn, "-k", "gevent"]
        granian = [f"{rivals}/bin/granian", "--interface", "wsgi", "--workers", "2", "--no-ws", "--port", str(PORT)]
        found["granian --workers 2"] = [*granian, "hello:application"]
    return found


def processes_below(pid):
    """Return `pid` and all that descend from it."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = [int(each) for each in file.read().split()]
    return [pid, *(each for child in children for each in processes_below(child))]


def processor_s(pids):
    """Return the processor time that these have used, in seconds."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            total += sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    return total * TICK_S


def load(seconds):
    """Have wrk ask for so long; return (requests a second, requests, its processor time, what it complains of)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["wrk", "-t1", "-c100", f"-d{seconds}s", f"http://127.0.0.1:{PORT}/"],
        capture_output=True,
        text=True,
        timeout=seconds + DEADLINE_S,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    number = int(re.search(r"(\d+) requests in", done.stdout)[1])
    errors = re.findall(r"(?:Socket errors|Non-2xx).*", done.stdout)
    return rate, number, used_s, "; ".join(errors)


def wait_until_it_answers():
    """Return once somebody serves at the port."""
    import urllib.request

    began = time.monotonic()
    while True:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=DEADLINE_S).read()
        except OSError:
            if time.monotonic() - began > DEADLINE_S:
                raise
            time.sleep(0.05)


def measure(command, folder, seconds):
    """Return {rate, us of the server for a request, wrk's share of the processor time} of one run."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_it_answers()
        load(1)  # warm
        pids = processes_below(process.pid)
        before = processor_s(pids)
        rate, number, wrk_s, errors = load(seconds)
        used_s = processor_s(pids) - before
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
    if errors:
        print(f"{command}: {errors}", file=sys.stderr)
    return {"rate": rate, "us": used_s / number * 1e6, "wrk": wrk_s / seconds, "server": used_s / seconds}


def table(best):
    """Return the table as lines."""
    rows = [("server", "requests/s", "CPU per request", "CPUs of the server", "CPUs of wrk")]
    for name, found in best.items():
        cells = (f"{found['rate']:,.0f}", f"{found['us']:.1f} us", f"{found['server']:.2f}", f"{found['wrk']:.2f}")
        rows.append((name, *cells))
    widths = [max(map(len, column)) for column in zip(*rows)]
    rule = " ".join("=" * width for width in widths)
    lines = [" ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return [rule, lines[0], rule, *lines[1:], rule]


def main():
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rivals", metavar="FOLDER")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is needed: apt install wrk", file=sys.stderr)
        return 2
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "hello.py"), "w") as file:
            file.write(APPLICATION)
        for _ in range(options.rounds):
            for name, command in servers(options.rivals).items():
                found = measure(command, folder, options.seconds)
                if name not in best or found["rate"] > best[name]["rate"]:
                    best[name] = found
    print("\n".join(table(best)))
    one, two = best["serve, 1 worker"], best["serve, 2 workers"]
    print()
    rates, costs = two["rate"] / one["rate"], two["us"] / one["us"]
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"best of {options.rounds} x {options.seconds} s, wrk -t1 -c100: two workers answer {rates:.2f} times as many "
        f"requests as one, each for {costs:.2f} times the processor time."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
