"""`python -m gevent top` and `stacks` look into running programs."""

import json
import os
import socket
import subprocess
import sys

import pytest
from scripts import run_script

from gevent.top._server import socket_folder, sweep

DEADLINE_S = 60

PROGRAM = """
import os, sys
from gevent import monkey; monkey.patch_all(multiprocessing=True)
import gevent, multiprocessing, time
from gevent.util import serve_top

def wait_for_ever():
    gevent.event.Event().wait()

def compute():
    began = time.perf_counter()
    while time.perf_counter() - began < 0.4:
        pass

def child():
    print(os.getpid(), flush=True)
    gevent.sleep(60)

if __name__ == "__main__":
    if "GEVENT_TOP" not in os.environ:
        serve_top()
        serve_top()
    for _ in range(30):
        gevent.spawn(wait_for_ever)
    if "stall" in sys.argv:
        gevent.spawn(compute)
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    gevent.sleep(0)
    print("ready", flush=True)
    if "hang" in sys.argv:
        while True:
            pass
    process.join()
"""


@pytest.fixture
def start(tmp_path):
    """Starts the program; returns its id and its child's."""
    (tmp_path / "program.py").write_text(PROGRAM)
    started = []

    def begin(*arguments, **environment):
        process = subprocess.Popen(
            [sys.executable, str(tmp_path / "program.py"), *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        lines = [process.stdout.readline(), process.stdout.readline()]
        return process.pid, int(next(line for line in lines if line != "ready\n"))

    yield begin
    for process in started:
        os.killpg(process.pid, 9)
        process.wait()
        process.stdout.close()


def ask(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "gevent", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


@pytest.mark.parametrize("environment", [{}, {"GEVENT_TOP": "1"}])
def test_all_processes_of_a_program_are_shown(start, environment):
    pid, child = start(**environment)
    done = ask("top", pid, "--json")
    assert done.returncode == 0, done.stderr
    state = json.loads(done.stdout)
    assert state["pid"] == pid
    assert [worker["pid"] for worker in state["workers"]] == [pid, child]
    parent, forked = state["workers"]
    assert {"greenlets", "requests_per_s", "stall_ms", "rss_bytes", "fds"} <= set(parent)
    assert parent["fds"] > 2 and parent["rss_bytes"] > 1_000_000
    # All that wait at one place are one line.
    assert [each["greenlets"] for each in parent["waiting"] if each["in"].startswith("wait_for_ever")] == [30]
    # What is left of the parent's greenlets in the child is not the child's.
    assert not any(each["in"].startswith("wait_for_ever") for each in forked["waiting"])


def test_one_process_of_it_is_shown_alone(start):
    _, child = start()
    assert [worker["pid"] for worker in json.loads(ask("top", child, "--json").stdout)["workers"]] == [child]


def test_a_table_names_who_waits(start):
    pid, child = start()
    text = ask("top", pid, "--once").stdout
    assert text.split()[:3] == ["pid", "greenlets", "requests/s"]
    assert str(child) in text
    assert "wait_for_ever (program.py:" in text


def test_the_longest_stall_of_late_and_where_it_was_are_shown(start):
    pid, child = start("stall")
    state = json.loads(ask("top", pid, "--json").stdout)
    parent = next(worker for worker in state["workers"] if worker["pid"] == pid)
    assert 300 < parent["stall_ms"] < 10_000
    assert parent["stall_in"].startswith("compute (program.py:")
    assert parent["stalled_in"] is None
    assert "longest stall of the last minute: " in ask("top", pid, "--once").stdout


def test_greenlets_of_ours_are_no_news():
    """Those that a program has spawned, or whose code waits, are."""
    code = """
        import json, sys
        from gevent import monkey; monkey.patch_all(multiprocessing=True)
        import gevent
        from gevent.event import Event
        from gevent.processpool import ProcessPool
        from gevent.pywsgi import WSGIServer
        from gevent.server import StreamServer
        from gevent.supervisor import Supervisor
        from gevent.top._server import _state

        def application(environ, start_response):
            environ["wsgi.input"].read()  # which never comes

        def wait():
            Event().wait()

        def target(worker):
            server = WSGIServer(worker.listeners[0], application, log=None)
            server.start()
            worker.ready()
            host, port = worker.listeners[0].getsockname()
            idle = gevent.socket.create_connection((host, port))
            busy = gevent.socket.create_connection((host, port))
            busy.sendall(b"POST / HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 1\\r\\n\\r\\n")
            with ProcessPool(1, start_method="fork") as pool:
                pool.apply(abs, (1,))
            gevent.spawn(wait)
            places = []
            while "application" not in places:
                gevent.sleep(0.1)
                places = sorted(each["in"].partition(" ")[0] for each in _state()["waiting"])
            print(json.dumps(places), flush=True)

        supervisor = Supervisor(target, 1, ["127.0.0.1:0"], start_method="fork", graceful_timeout=0)
        supervisor.worker_exit.append(lambda record: supervisor.stop())
        sys.exit(supervisor.run())
    """
    done = run_script(code)
    assert "application" in done.stdout
    assert json.loads(done.stdout) == ["application", "wait"]


def test_stacks_are_told_also_while_the_hub_hangs(start):
    pid, child = start("hang")
    done = ask("stacks", pid)
    assert done.returncode == 0, done.stderr
    assert f"=== process {pid}" in done.stdout and f"=== process {child}" in done.stdout
    assert "in wait_for_ever" in done.stdout


@pytest.mark.parametrize("command", ["top", "stacks"])
def test_a_process_that_does_not_answer_is_told_how_to(command):
    done = ask(command, os.getpid(), *(["--once"] if command == "top" else []))
    assert done.returncode == 1
    assert "GEVENT_TOP=1" in done.stderr


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only /proc tells whose a process is")
def test_a_process_that_is_not_there_is_said_not_to_be():
    done = ask("top", 2**22 + 1, "--once")
    assert (done.returncode, done.stderr) == (1, f"top: there is no process {2**22 + 1}\n")


def test_a_program_removes_its_socket_when_it_ends():
    done = run_script(
        """
        import os, gevent.util
        from gevent.top._server import socket_folder

        gevent.util.serve_top()
        path = os.path.join(socket_folder(), f"{os.getpid()}.sock")
        assert os.path.exists(path)
        print(path)
        """
    )
    assert not os.path.exists(done.stdout.strip())


def test_sockets_that_killed_processes_have_left_are_swept_away(tmp_path):
    ended = int(run_script("import os; print(os.getpid())").stdout)
    listeners = {}
    for name in (f"{ended}.sock", f"{os.getpid()}.sock", f"{2**22 + 1}.sock", f"{ended}.txt", "sock", ".sock"):
        listeners[name] = socket.socket(socket.AF_UNIX)
        listeners[name].bind(str(tmp_path / name))
        listeners[name].listen()
    for name in (f"{ended}.sock", f"{os.getpid()}.sock", f"{ended}.txt"):
        listeners.pop(name).close()
    sweep(tmp_path)
    # What somebody listens on is of another container; what lives is about to listen; the rest is not ours.
    assert {each.name for each in tmp_path.iterdir()} == {*listeners, f"{os.getpid()}.sock", f"{ended}.txt"}
    for each in listeners.values():
        each.close()


def test_who_asks_for_nothing_keeps_nobody_waiting(start):
    (pid, _) = start()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(os.path.join(socket_folder(), f"{pid}.sock"))
        done = ask("stacks", pid)
    assert "in wait_for_ever" in done.stdout
