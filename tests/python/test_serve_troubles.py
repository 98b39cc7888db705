"""`python -m gevent serve` where disks are full, nobody listens, terminals are closed and programs do not import."""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from scripts import run_command, running

DEADLINE_S = 60

APPLICATION = """
import os
def app(environ, start_response):
    body = ("%s %s" % (VERSION, os.getpid())).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

VERSION = "one"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hello.py").write_text(APPLICATION)
    return tmp_path


def command(folder, *arguments):
    return [sys.executable, "-m", "gevent", "serve", "hello:app", "--app-dir", str(folder), *arguments]


def at(folder):
    return ("--bind", f"unix:{folder}/socket")


def ask(folder):
    """Return the answer, once somebody gives one."""
    began = time.monotonic()
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(DEADLINE_S)
                client.connect(f"{folder}/socket")
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return b"".join(iter(lambda: client.recv(1000), b"")).partition(b"\r\n\r\n")[2].decode()
        except (FileNotFoundError, ConnectionError):
            assert time.monotonic() - began < DEADLINE_S, "nobody serves"
            time.sleep(0.02)  # nothing tells when another program begins to listen


def ask_until(folder, begin):
    began = time.monotonic()
    while not ask(folder).startswith(begin):
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.02)


def wait_for_line(process, text):
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"it never said {text!r}")


def write_until(process, said, file, text):
    """Write `text` to `file`, again and again: the first time may come before the sources are looked at."""
    over = threading.Event()

    def write():
        while not over.wait(0.5):
            file.write_text(text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for_line(process, said)
    finally:
        over.set()
        writer.join()


def end(process, status=0):
    process.terminate()
    assert process.wait(DEADLINE_S) == status


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no disk that is always full")
def test_a_pid_that_cannot_be_written_is_told_in_one_line_and_serves_nothing(folder):
    done = run_command(command(folder, *at(folder), "--pid", "/dev/full"), {}, DEADLINE_S)
    assert (done.returncode, done.stderr) == (1, "serve: --pid /dev/full: No space left on device\n")
    assert "ready" not in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no disk that is always full")
def test_requests_are_answered_though_their_log_cannot_be_written(folder):
    options = ("--processes", "1", "--access-log", "/dev/full")
    with running(*command(folder, *at(folder), *options)) as process:
        wait_for_line(process, "ready")
        assert [ask(folder)[:4] for _ in range(3)] == ["one "] * 3
        end(process)
        said = process.stdout.read()
    assert said.count("the access log cannot be written") == 1
    assert "Traceback" not in said


def test_a_log_that_cannot_be_opened_again_goes_on_and_the_worker_with_it(folder):
    (folder / "logs").mkdir()
    options = ("--processes", "1", "--access-log", f"{folder}/logs/access")
    with running(*command(folder, *at(folder), *options)) as process:
        wait_for_line(process, "ready")
        ask(folder)
        (folder / "logs").rename(folder / "moved")
        process.send_signal(signal.SIGUSR1)
        wait_for_line(process, "cannot be opened again")
        ask(folder)
        end(process)
    assert len((folder / "moved" / "access").read_text().splitlines()) == 2


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_it_serves_without_standard_streams(folder, closed, start_method):
    words = command(folder, *at(folder), "--processes", "1", "--access-log", "-", "--start-method", start_method)
    with running("sh", "-c", f'exec "$@" {closed}', "sh", *words) as process:
        assert ask(folder).startswith("one ")
        process.send_signal(signal.SIGHUP)
        end(process)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_it_goes_on_when_nobody_reads_what_it_says(folder, stream):
    process = subprocess.Popen(
        command(folder, *at(folder), "--processes", "1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        getattr(process, stream).close()
        assert ask(folder).startswith("one ")
        end(process)
        if stream == "stdout":
            assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()


# Makes its standard input the terminal that controls it, and becomes the command that follows.
TAKES_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, getattr(signal, sys.argv[1]))
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


@contextlib.contextmanager
def at_a_terminal(arguments, hangups="SIG_DFL"):
    """A command at a terminal of its own, and that terminal, once it has said ``ready``."""
    terminal, its = pty.openpty()
    words = [sys.executable, "-c", TAKES_TERMINAL, hangups, *arguments]
    process = subprocess.Popen(words, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    try:
        said = b""
        while b"ready" not in said:
            said += os.read(terminal, 1000)
        yield process, terminal
    finally:
        process.kill()
        process.wait()


def test_it_stops_when_its_terminal_is_closed(folder):
    with at_a_terminal(command(folder, *at(folder), "--processes", "1")) as (process, terminal):
        os.close(terminal)
        assert process.wait(DEADLINE_S) == 0
        assert not (folder / "socket").exists()


def test_it_goes_on_without_its_terminal_where_hangups_were_ignored(folder):
    with at_a_terminal(command(folder, *at(folder), "--processes", "1"), "SIG_IGN") as (process, terminal):
        before = ask(folder)
        os.close(terminal)
        process.send_signal(signal.SIGHUP)  # somebody has it reload
        began = time.monotonic()
        while ask(folder) == before:
            assert time.monotonic() - began < DEADLINE_S
        end(process)


def test_a_source_that_did_not_import_is_looked_at_too(folder):
    with running(*command(folder, *at(folder), "--processes", "1", "--reload")) as process:
        wait_for_line(process, "ready")
        (folder / "helper.py").write_text("VERSION = = 'two'\n")
        text = APPLICATION.replace('VERSION = "one"', "from helper import VERSION")
        write_until(process, "not reloaded", folder / "hello.py", text)
        assert ask(folder).startswith("one ")
        (folder / "helper.py").write_text("VERSION = 'two'\n")
        ask_until(folder, "two ")
        end(process)


def test_a_reload_after_a_preload_imports_the_program_anew_and_nothing_else(folder):
    installed = folder / "site-packages"
    installed.mkdir()
    (installed / "once.py").write_text("import os\nPID = os.getpid()\n")
    lines = f"import sys\nsys.path.append({str(installed)!r})\nimport once\nimport decimal\n"
    (folder / "hello.py").write_text(lines + APPLICATION.replace('VERSION = "one"', "VERSION = f'one {once.PID}'"))
    with running(*command(folder, *at(folder), "--processes", "1", "--preload", "--start-method", "fork")) as process:
        wait_for_line(process, "ready")
        assert re.fullmatch(rf"one {process.pid} \d+", ask(folder))
        (folder / "hello.py").write_text((folder / "hello.py").read_text().replace("f'one", "f'other"))
        process.send_signal(signal.SIGHUP)
        ask_until(folder, f"other {process.pid} ")
        end(process)


def test_what_cannot_be_had_leaves_no_socket_of_those_that_could(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_command(command(folder, *at(folder), "--bind", f"127.0.0.1:{port}"), {}, DEADLINE_S)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not (folder / "socket").exists()


def test_who_comes_while_it_stops_is_refused_at_once(folder):
    (folder / "hello.py").write_text(
        APPLICATION.replace("    body", "    import gevent; gevent.sleep(environ['PATH_INFO'] == '/slow')\n    body", 1)
    )
    with running(*command(folder, *at(folder), "--processes", "2")) as process:
        wait_for_line(process, "ready")
        with socket.socket(socket.AF_UNIX) as slow:
            slow.settimeout(DEADLINE_S)
            slow.connect(f"{folder}/socket")
            slow.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
            ask(folder)  # so that somebody has taken the first
            process.terminate()
            began = time.monotonic()
            while os.path.exists(f"{folder}/socket"):
                assert time.monotonic() - began < DEADLINE_S
            assert b" 200 OK" in slow.recv(1000)
        assert process.wait(DEADLINE_S) == 0
