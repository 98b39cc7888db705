"""`python -m gevent serve`: one command, clear words, an exit status for each way to end."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

DEADLINE_S = 60

APPLICATION = """
import os, sys, time
def app(environ, start_response):
    began = time.monotonic()
    while environ["PATH_INFO"] == "/hang":
        pass
    while environ["PATH_INFO"] == "/stall" and time.monotonic() - began < 0.3:
        pass
    body = ("%s %s" % (VERSION, os.getpid())).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

def make():
    return app

VERSION = "one"
number = 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "site.d").mkdir()
    (tmp_path / "site.d" / "hello.py").write_text(APPLICATION)
    (tmp_path / "site.d" / "broken.py").write_text("raise RuntimeError('no database')\n")
    (tmp_path / "site.d" / "leaves.py").write_text("raise SystemExit(5)\n")
    return tmp_path / "site.d"


def command(*arguments):
    return [sys.executable, "-m", "gevent", "serve", *arguments]


def refuse(folder, *arguments, **environment):
    """Return the status and what was said on standard error, of a command that cannot serve."""
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    return done.returncode, done.stderr


class Served:
    """A command that serves."""

    def __init__(self, folder, *arguments, **environment):
        self.process = subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.addresses, self.metrics = [], []
        for line in self.process.stdout:
            if line == "ready\n":
                break
            self.addresses += re.findall(r"listening on (.*)", line)
            self.metrics += re.findall(r"metrics on (.*)", line)
        else:
            raise AssertionError(self.process.stderr.read())

    def get(self, path="/"):
        with urllib.request.urlopen(f"http://{self.addresses[0]}{path}", timeout=DEADLINE_S) as answer:
            return answer.read().decode()

    def wait_until_it_says(self, text):
        for line in self.process.stderr:
            if text in line:
                return line
        raise AssertionError(f"it never said {text!r}")

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@pytest.fixture
def serve(folder):
    started = []

    def begin(*arguments, bind=("127.0.0.1:0",), **environment):
        bound = [word for each in bind for word in ("--bind", each)]
        started.append(Served(folder, *bound, *arguments, **environment))
        return started[-1]

    yield begin
    for each in started:
        try:
            os.killpg(each.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        each.process.wait()


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_it_serves_says_so_and_stops(serve, start_method):
    served = serve("hello:app", "--processes", "2", "--start-method", start_method)
    assert served.get().startswith("one ")
    assert served.end() == 0


def test_a_factory_an_environment_and_the_application_itself(serve, folder):
    served = serve("hello:make", "--factory", "--app-dir", str(folder), GEVENT_SERVE_PROCESSES="1")
    assert served.get() == served.get()
    assert served.end(signal.SIGINT) == 0


REFUSED = {
    "no such module": (1, ["nothing:app"], "no module named 'nothing'"),
    "no such attribute": (1, ["hello:nothing"], "module 'hello' has no 'nothing'"),
    "no application": (1, ["hello:number"], "is no WSGI application"),
    "raises": (1, ["broken:app"], "cannot import broken: RuntimeError: no database"),
    "no certificate": (1, ["hello:app", "--certfile", "nowhere.pem"], "cannot use the certificate nowhere.pem"),
    "no folder": (1, ["hello:app", "--app-dir", "nowhere"], "no such folder"),
    "no log": (1, ["hello:app", "--access-log", "nowhere/log"], "nowhere/log"),
    "no address": (1, ["hello:app", "--bind", "nonsense"], "'nonsense' is no address"),
    "exits": (1, ["leaves:app"], "cannot import leaves: SystemExit: 5"),
    "no template": (1, ["hello:app", "--log-format", "%h %y"], "--log-format: an unknown directive"),
    "no network": (1, ["hello:app", "--trusted-proxy", "proxy.local"], "--trusted-proxy proxy.local: "),
    "no statsd": (1, ["hello:app", "--statsd", "nowhere"], "--statsd nowhere: give HOST:PORT"),
    "no metrics": (1, ["hello:app", "--metrics", "nowhere"], "--metrics: 'nowhere' is no address"),
    "no pid": (1, ["hello:app", "--pid", "nowhere/pid"], "--pid nowhere/pid: No such file"),
    "no size": (1, ["hello:app", "--head-size-max", "1e30"], "--head-size-max 1"),
    "no processes": (2, ["hello:app", "--processes", "0"], "give a number from 1 on, or auto"),
    "no time": (2, ["hello:app", "--graceful-timeout", "nan"], "give seconds, from 0 on"),
    "no limit": (2, ["hello:app", "--head-size-max", "inf"], "or none for no limit"),
    "no method": (2, ["hello:app", "--start-method", "magic"], "magic"),
    "no option": (2, ["hello:app", "--magic"], "--magic"),
    "nothing": (2, [], "MODULE:APP"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_served_is_told_in_one_line(folder, case):
    status, arguments, said = REFUSED[case]
    bind = [] if "--bind" in arguments else ["--bind", "127.0.0.1:0"]
    found, errors = refuse(folder, *arguments, *bind)
    assert found == status, errors
    assert said in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("option", ["--bind", "--metrics"])
def test_a_port_that_is_taken_is_told_in_one_line(folder, option):
    """And nobody else's file is touched."""
    (folder / "pid").write_text("1\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        others = ["--bind", "127.0.0.1:0"] if option != "--bind" else []
        status, errors = refuse(folder, "hello:app", option, address, "--pid", "pid", *others)
    assert (status, errors.count("\n")) == (1, 1)
    assert f"cannot listen on {address}" in errors
    assert (folder / "pid").read_text() == "1\n"


def test_sockets_that_systemd_passes_to_another_process_are_not_waited_for(serve):
    with_others = {"LISTEN_FDS": "1", "LISTEN_PID": "1"}
    served = serve("hello:app", "--processes", "1", bind=(), GEVENT_SERVE_BIND="127.0.0.1:0", **with_others)
    assert served.get().startswith("one ")
    assert served.end() == 0


def test_what_systemd_passes_and_does_not_listen_is_told_in_one_line(folder):
    listening = "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.executable, sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", listening, *command("hello:app")],
        cwd=folder,
        env={**os.environ, "LISTEN_FDS": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "descriptor 3 is no socket" in done.stderr


def test_a_unix_socket_is_removed_when_it_ends(serve, folder):
    served = serve("hello:app", "--processes", "1", bind=("unix:socket",))
    assert (folder / "socket").exists()
    status, errors = refuse(folder, "hello:app", "--bind", "unix:socket")
    assert (status, errors.count("\n")) == (1, 1)
    assert "cannot listen on unix:socket: Address already in use" in errors
    assert served.end() == 0
    assert not (folder / "socket").exists()


def test_the_help_fits_on_a_screen():
    done = subprocess.run(command("--help"), capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0
    assert 20 < done.stdout.count("\n") <= 60
    for option in ("--bind", "--processes", "--graceful-timeout", "--metrics", "--trusted-proxy", "--head-size-max"):
        assert option in done.stdout


@pytest.mark.parametrize("preload", [[], ["--preload"]])
def test_a_reload_imports_the_application_anew(serve, folder, preload):
    served = serve("hello:app", "--processes", "1", *preload, PYTHONDONTWRITEBYTECODE="1")
    assert served.get().startswith("one ")
    (folder / "hello.py").write_text(APPLICATION.replace("one", "other"))
    served.process.send_signal(signal.SIGHUP)
    began = time.monotonic()
    while not served.get().startswith("other "):
        assert time.monotonic() - began < DEADLINE_S
    assert served.end() == 0


def test_no_request_of_a_kept_connection_is_lost_by_a_reload(serve):
    """After "Connection: close" the client opens another one; a reset, or an answer that never comes, fails here."""
    served = serve("hello:app", "--processes", "2")
    host, _, port = served.addresses[0].rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE_S)
    answers = set()
    began = time.monotonic()
    while len(answers) < 5:  # two workers, and two others after each reload, of which one at least comes to answer
        connection.request("GET", "/")
        answer = connection.getresponse().read()
        if answer not in answers:
            answers.add(answer)
            served.process.send_signal(signal.SIGHUP)
        assert time.monotonic() - began < DEADLINE_S
    connection.close()
    assert served.end() == 0


def test_a_broken_application_leaves_the_old_one_serving(serve, folder):
    served = serve("hello:app", "--processes", "1", PYTHONDONTWRITEBYTECODE="1")
    before = served.get()
    (folder / "hello.py").write_text("import nothing_of_that_name\n")
    served.process.send_signal(signal.SIGHUP)
    assert "nothing_of_that_name" in served.wait_until_it_says("not reloaded")
    assert served.get() == before
    assert served.end() == 0


def test_a_broken_application_ends_no_service_however_many_workers_there_are(serve, folder):
    """Nor does one that is broken by the time that a worker has served its requests."""
    served = serve("hello:app", "--processes", "6", "--max-requests", "1", PYTHONDONTWRITEBYTECODE="1")
    (folder / "hello.py").write_text("import nothing_of_that_name\n")
    before = served.get()
    assert "goes on" in served.wait_until_it_says("nothing_of_that_name")
    served.process.send_signal(signal.SIGHUP)
    assert "nothing_of_that_name" in served.wait_until_it_says("not reloaded")
    assert served.get().split()[0] == before.split()[0]
    assert served.end() == 0


def test_a_signal_between_its_first_line_and_its_workers_stops_it(folder):
    process = subprocess.Popen(
        command("hello:app", "--bind", "127.0.0.1:0"), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout.readline().startswith(b"listening on")
    process.terminate()
    assert process.wait(DEADLINE_S) == 0
    process.stdout.close()


def test_a_changed_source_reloads(serve, folder):
    served = serve("hello:app", "--processes", "1", "--reload", PYTHONDONTWRITEBYTECODE="1")
    assert served.get().startswith("one ")
    began = time.monotonic()
    text = APPLICATION.replace("one", "other")
    while not served.get().startswith("other "):
        assert time.monotonic() - began < DEADLINE_S
        (folder / "hello.py").write_text(text)  # again and again: the first may come before the sources were looked at
        time.sleep(0.1)
    assert served.end() == 0


def test_a_worker_is_replaced_after_so_many_requests_and_no_request_is_lost(serve):
    served = serve("hello:app", "--processes", "1", "--max-requests", "20")
    pids = {served.get() for _ in range(100)}
    began = time.monotonic()
    while len(pids) < 2:
        pids.add(served.get())
        assert time.monotonic() - began < DEADLINE_S
    assert served.end() == 0


def read_terminal(terminal, text):
    """Return what is written there until `text` is."""
    seen = ""
    while text not in seen:
        seen += os.read(terminal, 4096).decode()
    return seen


def test_on_a_terminal_there_is_a_status_line_and_all_else_has_lines_of_its_own(folder):
    terminal, its = os.openpty()
    process = subprocess.Popen(
        command("hello:app", "--bind", "127.0.0.1:0", "--processes", "1"),
        cwd=folder,
        stdin=its,
        stdout=its,
        stderr=its,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "50"},
        start_new_session=True,
    )
    os.close(its)
    try:
        status = read_terminal(terminal, "requests/s").rpartition("\r\x1b[K")[2]
        assert status.startswith("1 worker  0 requests/s")
        process.send_signal(signal.SIGTTIN)
        assert "\r\x1b[Kserve: 2 workers\r\n" in read_terminal(terminal, "serve: 2 workers\r\n")
        lines = read_terminal(terminal, "2 workers  0").split("\r\x1b[K")
        assert all(len(line) < 50 for line in lines)
        process.terminate()
        with pytest.raises(OSError, match="."):  # nobody has it open any more
            read_terminal(terminal, "never")
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def wait_for_line(log, text):
    began = time.monotonic()
    while text not in log.read_text():  # written once the answer was sent
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.02)  # the file is all that tells


def test_metrics_come_also_while_a_worker_hangs(serve):
    served = serve("hello:app", "--processes", "1", "--metrics", "127.0.0.1:0")
    host, _, port = served.addresses[0].rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /hang HTTP/1.1\r\nHost: h\r\n\r\n")
        began = time.monotonic()
        assert 'gevent_requests_total{worker="0"} ' in scrape(served.metrics[0])
    assert time.monotonic() - began < 10
    served.process.kill()


def scrape(address):
    with urllib.request.urlopen(f"http://{address}/", timeout=DEADLINE_S) as answer:
        return answer.read().decode()


def test_metrics_and_the_access_log_and_the_pid_file(serve, tmp_path):
    log, pid = tmp_path / "access.log", tmp_path / "pid"
    served = serve(
        "hello:app", "--processes", "1", "--metrics", "127.0.0.1:0", "--access-log", str(log), "--pid", str(pid)
    )
    (metrics,) = served.metrics
    assert int(pid.read_text()) == served.process.pid
    served.get("/logged")
    wait_for_line(log, "GET /logged")
    began = time.monotonic()
    text = scrape(metrics)
    assert 'gevent_requests_total{worker="0"} 1\n' in text  # as it is now, not half a second ago
    started_s = float(re.search(r'process_start_time_seconds{worker="0"} (\S+)', text)[1])
    assert time.time() - DEADLINE_S < started_s <= time.time() + 1
    for name in ("virtual_memory_bytes", "virtual_memory_max_bytes", "resident_memory_bytes", "open_fds", "max_fds"):
        assert re.search(f'process_{name}{{worker="0"}} -?[1-9]', text), name
    assert "gevent_workers 1" in text
    served.get("/stall")
    while float(re.search(r'gevent_hub_stall_seconds{worker="0"} (\S+)', scrape(metrics))[1]) < 0.2:
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.05)
    time.sleep(1.5)  # it is not forgotten by the next beats of the worker
    assert float(re.search(r'gevent_hub_stall_seconds{worker="0"} (\S+)', scrape(metrics))[1]) >= 0.2
    log.rename(tmp_path / "moved.log")
    served.process.send_signal(signal.SIGUSR1)
    while not log.exists():
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.02)  # the file is all that tells
    served.get("/again")
    wait_for_line(log, "GET /again")
    assert served.end() == 0
    assert not pid.exists()
