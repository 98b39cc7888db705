"""The lines of docs/scaling.rst: Celery and Locust on gevent-mp, on more processes than one."""

import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from scripts import free_port, running

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "scaling"
DEADLINE_S = 100

CELERY = (sys.executable, "-m", "celery")
celery = pytest.mark.skipif(
    not (shutil.which("redis-server") and find_spec("celery") and find_spec("redis")),
    reason="needs Debian's redis-server, and pip install celery redis",
)
locust = pytest.mark.skipif(not find_spec("locust"), reason="needs pip install locust")


def run(*command, **options):
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
        **options,
    )


@pytest.fixture
def broker(tmp_path):
    port = free_port()
    command = ("redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path))
    with running(*command):
        yield {**os.environ, "BROKER": f"redis://127.0.0.1:{port}/0"}


def ask(environment, code):
    """Return what a client prints; Celery's clients wait until the workers are there."""
    done = run(sys.executable, "-c", code, cwd=EXAMPLES, env=environment)
    assert done.returncode == 0, done.stdout
    return done.stdout.split()


FIFTY = """
import time
from tasks import wait
for _ in range(2):  # the first time, it also waits until the workers are there
    began = time.monotonic()
    results = [wait.delay(0.5) for _ in range(50)]
    pids = {result.get(timeout=80) for result in results}
print(len(pids), time.monotonic() - began)
"""


@celery
def test_celery_waits_for_many_at_once_in_greenlets(broker):
    with running(*CELERY, "-A", "tasks", "worker", "-P", "gevent", "-c", "100", cwd=EXAMPLES, env=broker):
        pids, seconds = ask(broker, FIFTY)
    assert pids == "1"
    assert float(seconds) < 15  # one after the other: 25


@celery
def test_celery_has_several_processes_of_greenlets(broker, tmp_path):
    options = (
        "2",
        "-A",
        "tasks",
        "-P",
        "gevent",
        "-c",
        "100",
        f"--pidfile={tmp_path}/%n.pid",
        f"--logfile={tmp_path}/%n.log",
    )
    started = run(*CELERY, "multi", "start", *options, cwd=EXAMPLES, env=broker)
    try:
        assert started.returncode == 0, started.stdout
        began, pids = time.monotonic(), set()
        while pids != {"2"} and time.monotonic() - began < DEADLINE_S:
            pids = {ask(broker, FIFTY)[0]}
        assert pids == {"2"}
    finally:
        run(*CELERY, "multi", "stopwait", *options, cwd=EXAMPLES, env=broker)


@celery
def test_celery_runs_greenlets_in_forked_processes(broker):
    code = """
from tasks import wait_for_many
results = [wait_for_many.delay(0.5, 50) for _ in range(4)]
print(sum(len(result.get(timeout=80)) for result in results))
"""
    with running(*CELERY, "-A", "tasks", "worker", "-P", "prefork", "-c", "2", cwd=EXAMPLES, env=broker):
        assert ask(broker, code) == ["200"]


HELLO = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.fixture
def site(tmp_path):
    """Where a service is that can take some load."""
    (tmp_path / "hello.py").write_text(HELLO)
    with running(sys.executable, "-m", "gevent", "serve", "hello", "--bind", "127.0.0.1:0", cwd=tmp_path) as process:
        address = process.stdout.readline().split()[-1]
        assert process.stdout.readline() == "ready\n"
        yield f"http://{address}"


def requests_without_failure(output):
    """Return how many Locust's last table has, which says that none has failed."""
    line = next(line for line in reversed(output.splitlines()) if "Aggregated" in line and "(" in line)
    number, failed = line.split()[1:3]
    assert failed == "0(0.00%)", output
    return int(number)


@locust
def test_locust_uses_several_processes(site):
    port = str(free_port())
    ports = ("--master-bind-port", port, "--master-port", port)
    how = ("-f", "locustfile.py", "--headless", "--processes", "2", "-u", "20", "-r", "20", "-t", "3s", "-H", site)
    done = run(sys.executable, "-m", "locust", *how, *ports, cwd=EXAMPLES)
    assert done.returncode == 0, done.stdout
    assert requests_without_failure(done.stdout) > 100


@locust
def test_locusts_master_and_workers_may_be_on_several_machines(site):
    port = str(free_port())
    start = (sys.executable, "-m", "locust", "-f", "locustfile.py")
    load = ("-u", "20", "-r", "20", "-t", "3s", "-H", site)
    master = ("--headless", "--master", "--expect-workers", "2", "--master-bind-port", port)
    worker = ("--worker", "--processes", "2", "--master-host", "127.0.0.1", "--master-port", port)
    with running(*start, *worker, cwd=EXAMPLES) as workers:
        done = run(*start, *master, *load, cwd=EXAMPLES)
        assert done.returncode == 0, done.stdout
        assert requests_without_failure(done.stdout) > 100
        assert workers.wait(DEADLINE_S) == 0
