"""WSGI servers side by side, in one sitting: `servers.py [--cases CASES] [--only NAMES] [--page FILE]`.

Each server is alone while it is measured, with one worker process, fifty connections of wrk and the application in
`http_application.py`. Printed, as a table in reStructuredText: requests per second, CPU time of the server's processes
per request in microseconds (the best of all rounds), and the time in which 99 % of the requests are answered. Trust the
second: the others include wrk, which has a processor of its own only where nobody else wants it.

The other servers are installed into an environment of their own (``--environment``, below the system's folder for
temporary files by default), which is made when it is first needed. wrk has to be on PATH. What no server can do without
is measured beside them: `floor_server.cc`, compiled there too.
"""

import argparse
import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import where

__all__ = ["SERVERS", "Server", "load", "main", "table"]

_HERE = Path(__file__).resolve().parent
_OTHERS = ("bjoern", "fastpysgi", "granian", "waitress", "gunicorn", "gevent==26.9.0")
_CONNECTIONS = 50
_PYWSGI = (
    "import sys; from gevent import pywsgi; from http_application import application; "
    "pywsgi.WSGIServer(('127.0.0.1', int(sys.argv[1])), application, log=None).serve_forever()"
)
_BJOERN = (
    "import sys, bjoern; from http_application import application; "
    "bjoern.run(application, '127.0.0.1', int(sys.argv[1]))"
)
_FASTPYSGI = (
    "import sys, fastpysgi; from http_application import application; "
    "fastpysgi.run(application, '127.0.0.1', int(sys.argv[1]))"
)

SERVERS = {
    "gevent-mp": (sys.executable, "-c", _PYWSGI, "{port}"),
    "bjoern": ("{bin}/python", "-c", _BJOERN, "{port}"),
    "fastpysgi": ("{bin}/python", "-c", _FASTPYSGI, "{port}"),
    "granian": (
        *("{bin}/granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "1"),
        *("--log-level", "error", "--port", "{port}", "http_application:application"),
    ),
    "waitress": ("{bin}/waitress-serve", "--listen=127.0.0.1:{port}", "http_application:application"),
    "gunicorn gthread": (
        *("{bin}/gunicorn", "-k", "gthread", "--threads", "4", "--log-level", "error", "-b", "127.0.0.1:{port}"),
        "http_application:application",
    ),
    "gevent 26.9.0": ("{bin}/python", "-c", _PYWSGI, "{port}"),
    "C joined": ("{bin}/floor_server", "{port}", "joined"),
    "C held": ("{bin}/floor_server", "{port}", "held"),
    "C each": ("{bin}/floor_server", "{port}", "each"),
}
"""The commands; ``{bin}`` is that of the environment."""

# Elsewhere they do the same as another.
_NOT_FOR = {("C held", "keep-alive"), ("C each", "keep-alive"), ("C held", "close")}

_CASES = {"keep-alive": ("/",), "stream": ("/stream",), "close": ("/", "-H", "Connection: close")}


def _environment(folder):
    if not (folder / "bin" / "gunicorn").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *_OTHERS], check=True)
    compile_floor(folder / "bin")
    return folder / "bin"


def compile_floor(folder):
    """Put the program ``floor_server`` into `folder`."""
    compiler = os.environ.get("CXX", "c++")
    source = _HERE / "floor_server.cc"
    subprocess.run([compiler, "-std=c++20", "-O2", "-o", Path(folder) / "floor_server", source], check=True)


def _free_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def _stat(pid):
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def _family(pid):
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(entry.name)[1]), []).append(int(entry.name))
            except OSError:
                continue  # it has ended
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def _cpu_s(pid):
    fine = 0
    for each in _family(pid):
        for task in Path(f"/proc/{each}/task").iterdir():
            # In nanoseconds, where the ticks of the other file are hundredths of a second.
            fine += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return fine / 1e9


class Server:
    """`command`, from its first answer until the block ends; ``{bin}`` is `folder`, ``{port}`` one that is free."""

    def __init__(self, command, folder):
        self.port = _free_port()
        words = [word.format(bin=folder, port=self.port) for word in command]
        path = os.pathsep.join(filter(None, [str(_HERE), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            words, cwd=_HERE, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self.pid = self._process.pid

    def __enter__(self):
        import http.client

        deadline = time.monotonic() + 20
        while True:
            try:
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as client:
                    client.request("GET", "/")
                    client.getresponse().read()
                return self
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.__exit__()
                    raise
                time.sleep(0.05)

    def __exit__(self, *_exc_info):
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(10)


def _children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_UNITS = {"us": 1e-3, "ms": 1, "s": 1000}


def load(server, seconds, path, *options):
    """Have wrk, with `options`, ask `server` for `path` for so long.

    Return a dict of what it found, and of how many processors the server and wrk had.
    """
    before, wrk_before_s = _cpu_s(server.pid), _children_cpu_s()
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "--latency", *options]
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}{path}"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    cpu_s, wrk_s = _cpu_s(server.pid) - before, _children_cpu_s() - wrk_before_s
    count, took_s = re.search(r"(\d+) requests in ([\d.]+)s", said).groups()
    slowest, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    # Where a connection is closed after each answer, wrk counts some of them as errors of reading: they are answered.
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return {
        "rate": int(count) / float(took_s),
        "cpu_us": cpu_s * 1e6 / max(int(count), 1),
        "p99_ms": float(slowest) * _UNITS[unit],
        "bad": int(bad.group(1)) if bad else 0,
        "errors": re.findall(r"(?:Socket errors|Non-2xx).*", said),
        "cpus": cpu_s / float(took_s),
        "wrk_cpus": wrk_s / float(took_s),
    }


def _measure(command, folder, seconds, rounds, case):
    best = None
    with Server(command, folder) as server:
        load(server, 1, *_CASES[case])
        for _ in range(rounds):
            found = load(server, seconds, *_CASES[case])
            if best is None or found["cpu_us"] < best["cpu_us"]:
                best = found
    return best


def table(lines):
    """Return `lines`, tuples of cells of which the first has the heads, as a table in reStructuredText."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = " ".join("=" * width for width in widths)
    text = [" ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([rule, text[0], rule, *text[1:], rule])


def main(arguments=None):
    """Measure, print the table, and write it to a file if one is named."""
    parser = argparse.ArgumentParser(description="WSGI servers side by side.")
    parser.add_argument("--seconds", type=int, default=3, help="for each measurement (%(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=2, help="how many of them, of which the best counts (%(default)s)"
    )
    parser.add_argument("--cases", default="keep-alive,stream,close", help="by comma (%(default)s)")
    parser.add_argument("--only", default=",".join(SERVERS), help="servers, by comma (all)")
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "gevent-mp-servers")
    parser.add_argument("--page", type=Path, help="a file for the table")
    options = parser.parse_args(arguments)
    folder = _environment(options.environment)
    lines = [("case", "server", "requests/s", "CPU us", "p99 ms")]
    for case in options.cases.split(","):
        for name in options.only.split(","):
            if (name, case) in _NOT_FOR:
                continue
            found = _measure(SERVERS[name], folder, options.seconds, options.rounds, case)
            if found["bad"]:
                sys.exit(f"{name} answered {found['bad']} requests of {case} otherwise than with 200")
            lines.append((case, name, f"{found['rate']:,.0f}", f"{found['cpu_us']:.1f}", f"{found['p99_ms']:.2f}"))
    text = f"{table(lines)}\n\nMeasured by ``benchmarks/servers.py``: {where()}, load {os.getloadavg()[0]:.0f}.\n"
    print(text)
    if options.page:
        options.page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
