"""A supervisor keeps its workers serving, whatever happens to them, and ends them when it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest
from scripts import run_script

from gevent.supervisor import Supervisor, _listeners
from gevent.supervisor._meter import BOUNDS_S, Meter, quantile

DEADLINE_S = 60

# A program that serves, prints what happens, and does what it is told on its standard input.
PROGRAM = """
import json, os, sys
import gevent
from gevent.server import StreamServer
from gevent.supervisor import Supervisor

def handle(sock, address):
    command = sock.recv(100)
    sock.sendall(str(os.getpid()).encode())
    if command == b"spin":
        while True:
            pass
    sock.close()

def target(worker):
    if os.path.exists(os.environ["BREAK"]):
        raise RuntimeError("broken on purpose")
    return StreamServer(worker.listeners[0], handle)

def say(**what):
    print(json.dumps(what), flush=True)

if __name__ == "__main__":
    supervisor = Supervisor(
        target, processes=2, listeners=["127.0.0.1:0"], start_method=sys.argv[1], graceful_timeout=5, hang_timeout=1.5
    )
    supervisor.worker_ready.append(lambda record: say(ready=record.pid, number=record.number))
    supervisor.worker_exit.append(lambda record: say(exit=record.pid, number=record.number, reason=record.reason))
    supervisor.reloaded.append(lambda records: say(reloaded=[record.pid for record in records]))
    supervisor.start()
    say(port=supervisor.listeners[0].getsockname()[1])
    sys.exit(supervisor.run())
"""


class Program:
    """PROGRAM, running."""

    def __init__(self, folder, start_method="fork"):
        (folder / "program.py").write_text(PROGRAM)
        self.breaking = folder / "break"
        self.errors = folder / "errors.txt"
        with open(self.errors, "w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(folder / "program.py"), start_method],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "BREAK": str(self.breaking)},
                start_new_session=True,
            )
        self.seen = []

    def wait_for(self, key, count=1):
        """Return the next `count` lines that have `key`; those that are passed over are kept."""
        found = []
        for line in [*self.seen]:
            if key in line and len(found) < count:
                self.seen.remove(line)
                found.append(line)
        while len(found) < count:
            text = self.process.stdout.readline()
            assert text, f"it ended while {key!r} was waited for: {self.errors.read_text()}"
            line = json.loads(text)
            (found if key in line else self.seen).append(line)
        return found

    def wait_until_it_says(self, text):
        """Wait for `text` on its standard error."""
        began = time.monotonic()
        while text not in self.errors.read_text():
            assert time.monotonic() - began < DEADLINE_S, self.errors.read_text()
            time.sleep(0.02)  # the file is all that tells

    def ask(self, port, command=b"who"):
        """Return which process answers; 0 if the connection is lost."""
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
            connection.sendall(command)
            try:
                return int(connection.recv(100) or b"0")
            except ConnectionResetError:
                return 0

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


@pytest.fixture
def start(tmp_path):
    """Starts programs that are killed afterwards, with all that they have started."""
    started = []

    def begin(start_method="fork"):
        started.append(Program(tmp_path, start_method))
        return started[-1]

    yield begin
    for program in started:
        try:
            os.killpg(program.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        program.process.wait()
        program.process.stdout.close()


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_a_killed_worker_is_replaced_and_a_reload_replaces_all(start, start_method):
    program = start(start_method)
    (line,) = program.wait_for("port")
    first = {each["ready"] for each in program.wait_for("ready", 2)}
    victim = program.ask(line["port"])
    assert victim in first
    os.kill(victim, signal.SIGKILL)
    (gone,) = program.wait_for("exit")
    assert (gone["exit"], gone["reason"]) == (victim, "killed by SIGKILL")
    (new,) = program.wait_for("ready")
    assert new["number"] == gone["number"]

    program.process.send_signal(signal.SIGHUP)
    (reloaded,) = program.wait_for("reloaded")
    assert not first & set(reloaded["reloaded"])
    assert program.ask(line["port"]) in reloaded["reloaded"]
    assert program.end() == 0


def test_a_worker_whose_hub_hangs_is_reported_with_its_stack_and_replaced(start):
    program = start()
    (line,) = program.wait_for("port")
    program.wait_for("ready", 2)
    hung = program.ask(line["port"], b"spin")
    (gone,) = program.wait_for("exit")
    assert (gone["exit"], gone["reason"]) == (hung, "hung")
    program.wait_for("ready")
    assert "in handle" in program.errors.read_text()
    assert program.end() == 0


def test_a_worker_that_is_stopped_is_replaced(start):
    program = start()
    program.wait_for("port")
    stopped = program.wait_for("ready", 2)[0]["ready"]
    os.kill(stopped, signal.SIGSTOP)
    (gone,) = program.wait_for("exit")
    assert (gone["exit"], gone["reason"]) == (stopped, "hung")
    program.wait_for("ready")
    assert program.end() == 0


def test_a_broken_program_leaves_the_old_workers_serving(start):
    program = start()
    (line,) = program.wait_for("port")
    first = {each["ready"] for each in program.wait_for("ready", 2)}
    program.breaking.touch()
    program.process.send_signal(signal.SIGHUP)
    program.wait_for("exit", 2)
    assert program.ask(line["port"]) in first
    program.wait_until_it_says("not reloaded, the old workers go on: RuntimeError: broken on purpose")
    program.breaking.unlink()
    program.process.send_signal(signal.SIGHUP)
    program.wait_for("reloaded")
    assert program.end() == 0


def test_workers_can_be_added_and_taken(start):
    program = start()
    program.wait_for("port")
    program.wait_for("ready", 2)
    program.process.send_signal(signal.SIGTTIN)
    assert program.wait_for("ready")[0]["number"] == 2
    program.process.send_signal(signal.SIGTTOU)
    assert program.wait_for("exit")[0]["reason"] == "one less"
    assert program.end() == 0


def ended(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to see a process that is nobody's child here")
@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_workers_end_when_their_parent_is_killed(start, start_method):
    program = start(start_method)
    program.wait_for("port")
    workers = [each["ready"] for each in program.wait_for("ready", 2)]
    began = time.monotonic()
    program.process.kill()
    while not all(map(ended, workers)):
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.05)  # nobody tells of the end of somebody else's child
    assert time.monotonic() - began < 10


def test_a_program_that_fails_at_its_start_ends_with_1(start, tmp_path):
    (tmp_path / "break").touch()
    program = start()
    assert program.process.wait(DEADLINE_S) == 1
    assert "RuntimeError: broken on purpose" in program.errors.read_text()


def test_workers_that_die_at_their_start_end_it_with_3():
    done = run_script(
        """
        import os, sys
        from gevent.supervisor import Supervisor
        sys.exit(Supervisor(lambda worker: os._exit(7), processes=1, start_method="fork").run())
        """,
        check=False,
    )
    assert done.returncode == 3
    assert "5 workers in a row ended at their start" in done.stderr


def test_the_second_interrupt_ends_at_once_with_1(start):
    program = start()
    (line,) = program.wait_for("port")
    program.wait_for("ready", 2)
    busy = socket.create_connection(("127.0.0.1", line["port"]), timeout=DEADLINE_S)
    busy.sendall(b"")  # its handler waits for a command
    program.process.send_signal(signal.SIGINT)
    program.process.send_signal(signal.SIGINT)
    status = program.process.wait(DEADLINE_S)
    busy.close()
    assert status in (0, 1)  # the two may arrive as one


def test_a_target_may_serve_by_itself_and_see_that_it_is_to_stop():
    done = run_script(
        """
        import os, sys
        import gevent
        from gevent.supervisor import Supervisor

        def target(worker):
            worker.ready()
            worker.stopping.wait()
            os.write(1, f"stopping {worker.number}\\n".encode())  # in one piece

        supervisor = Supervisor(target, processes=2, start_method="fork")
        supervisor.start()
        assert supervisor.wait_ready(30)
        supervisor.stop()
        sys.exit(supervisor.run())
        """
    )
    assert sorted(done.stdout.splitlines()) == ["stopping 0", "stopping 1"]


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_what_a_worker_starts_ends_with_it(start_method):
    """Daemons of `multiprocessing` and programs are told by signals, and are no workers."""
    run_script(
        """
        import gevent, multiprocessing, os, signal, subprocess, sys, time
        from gevent.supervisor import Supervisor

        def target(worker):
            context = multiprocessing.get_context(sys.argv[1])
            daemon = context.Process(target=time.sleep, args=(1000,), daemon=True)
            daemon.start()
            with subprocess.Popen(["sleep", "1000"]) as program:
                program.send_signal(signal.SIGHUP)
                assert program.wait(30) == -signal.SIGHUP
            worker.ready()
            worker.stopping.wait()

        if __name__ == "__main__":
            supervisor = Supervisor(target, processes=1, listeners=[], start_method="fork", graceful_timeout=1000)
            supervisor.worker_ready.append(lambda record: os.kill(os.getpid(), signal.SIGTERM))
            sys.exit(supervisor.run())
        """,
        start_method,
    )


def test_a_server_with_processes_serves_in_them():
    done = run_script(
        """
        import os, signal, threading
        from gevent import monkey; monkey.patch_all(multiprocessing=True)
        import gevent
        from gevent.server import StreamServer
        from gevent import socket

        def handle(sock, address):
            sock.sendall(b"%d" % os.getpid())

        def client(port):
            connection = socket.create_connection(("127.0.0.1", port))
            pid = int(connection.recv(100))
            assert pid != os.getpid()
            server.stop()

        server = StreamServer(("127.0.0.1", 0), handle, processes=2)
        server.init_socket()
        gevent.spawn(client, server.socket.getsockname()[1])
        print("status", server.serve_forever())
        """
    )
    assert done.stdout == "status 0\n"


def test_a_worker_takes_one_connection_at_a_time_unless_told_otherwise():
    """What comes at once is shared out among workers then."""
    done = run_script(
        """
        import os, sys
        from gevent.server import StreamServer
        from gevent.supervisor import Supervisor

        class Greedy(StreamServer):
            max_accept = 7

            def start(self):
                os.write(1, b"%d\\n" % self.max_accept)  # in one piece, whoever else writes
                super().start()

        class Usual(Greedy):
            max_accept = StreamServer.max_accept

        def target(worker):
            return (Usual, Greedy)[worker.number](worker.listeners[0], lambda *_: None)

        supervisor = Supervisor(target, 2, ["127.0.0.1:0"], "fork")
        supervisor.start()
        supervisor.wait_ready()
        supervisor.stop()
        sys.exit(supervisor.run())
        """
    )
    assert sorted(done.stdout.split()) == ["1", "7"]


def test_it_tells_systemd(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(DEADLINE_S)
        script = """
            import sys
            import gevent
            from gevent.supervisor import Supervisor

            def target(worker):
                worker.ready()
                worker.stopping.wait()

            supervisor = Supervisor(target, processes=1, start_method="fork")
            supervisor.reloaded.append(lambda records: supervisor.stop())
            supervisor.start()
            supervisor.wait_ready()
            supervisor.reload()
            sys.exit(supervisor.run())
            """
        run_script(script, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        said = [notified.recv(1000).decode() for _ in range(4)]
    assert said[0] == "READY=1"
    assert said[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert said[2:] == ["READY=1", "STOPPING=1"]


def test_sockets_that_systemd_passes_are_taken():
    script = """
        import os, socket
        listener = socket.create_server(("127.0.0.1", 0))
        if listener.fileno() != 3:
            os.dup2(listener.fileno(), 3)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
        from gevent.supervisor import _listeners
        (taken,) = _listeners.from_systemd()
        assert taken.getsockname() == listener.getsockname()
        assert "LISTEN_FDS" not in os.environ
    """
    run_script(textwrap.dedent(script))


@pytest.mark.parametrize("listener", ["nonsense", "host:port", "1.2.3.4:70000", "unix:"])
def test_what_is_no_address_is_refused(listener):
    with pytest.raises(ValueError):
        _listeners.bind_all([listener])


def test_an_address_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match=f"cannot listen on {address}"):
            _listeners.bind_all([address])


def test_the_file_of_a_dead_server_is_replaced(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
        dead.listen()
    (listener,) = _listeners.bind_all([f"unix:{path}"])
    assert _listeners.describe(listener) == f"unix:{path}"
    with pytest.raises(OSError, match="cannot listen on unix:"):
        _listeners.bind_all([f"unix:{path}"])
    _listeners.remove_files(_listeners.files_of([listener]))
    listener.close()
    assert not os.path.exists(path)


def test_a_socket_that_was_handed_over_keeps_its_file(tmp_path):
    """It is that of whoever has made it; so is one that has taken our file's place."""
    paths = [str(tmp_path / name) for name in ("handed", "replaced", "ours")]
    handed = socket.socket(socket.AF_UNIX)
    handed.bind(paths[0])
    handed.listen()
    supervisor = Supervisor(print, 1, [handed, f"unix:{paths[1]}", f"unix:{paths[2]}"], start_method="fork")
    supervisor._start_one = lambda number: None
    supervisor.start()
    os.unlink(paths[1])
    with socket.socket(socket.AF_UNIX) as another:
        another.bind(paths[1])
    supervisor._close_listeners()
    supervisor._done.set()
    handed.close()
    assert [os.path.exists(path) for path in paths] == [True, True, False]


@pytest.mark.parametrize("arguments", [{"processes": 0}, {"processes": -1}])
def test_no_workers_at_all_are_refused(arguments):
    with pytest.raises(ValueError):
        Supervisor(print, **arguments)


def test_a_meter_counts_and_finds_quantiles():
    meter = Meter()
    application = meter.around(lambda environ, start_response: [environ])
    assert [application(number, None) for number in range(3)] == [[0], [1], [2]]
    assert meter.snapshot()["requests"] == meter.requests == sum(meter.buckets) == 3
    assert meter.snapshot()["seconds"] == meter.seconds > 0
    assert quantile([0] * (len(BOUNDS_S) + 1), 0.99) is None
    assert quantile([99, 1] + [0] * (len(BOUNDS_S) - 1), 0.99) == BOUNDS_S[0]
    assert quantile([98, 2] + [0] * (len(BOUNDS_S) - 1), 0.99) == BOUNDS_S[1]
