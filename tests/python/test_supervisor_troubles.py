"""A supervisor goes on, or ends as it should, whatever fails or comes at the wrong moment."""

import os
import textwrap

import pytest
from scripts import run_script

SERVES_BY_ITSELF = """
    import os, sys, threading, _thread, time
    import gevent
    from gevent.supervisor import Supervisor

    def target(worker):
        worker.ready()
        worker.stopping.wait()

    supervisor = Supervisor(target, processes=1, start_method="fork")
"""


def run_supervisor(code, *arguments, **options):
    return run_script(textwrap.dedent(SERVES_BY_ITSELF) + textwrap.dedent(code), *arguments, **options)


def test_other_threads_may_reload_and_stop_it():
    done = run_supervisor(
        """
        told = threading.Semaphore(0)
        ready = []

        def ask():
            told.acquire()
            supervisor.reload()
            told.acquire()
            supervisor.stop()

        def note(record):
            ready.append(record.pid)
            told.release()

        supervisor.worker_ready.append(note)
        _thread.start_new_thread(ask, ())
        print(supervisor.run(), len(set(ready)))
        """
    )
    assert done.stdout == "0 2\n"


def test_one_that_is_stopped_before_it_starts_just_ends():
    assert run_supervisor("supervisor.stop(); print(supervisor.run())").stdout == "0\n"


def test_a_preload_that_fails_leaves_nothing(tmp_path):
    done = run_supervisor(
        f"""
        def preload():
            raise LookupError("no model")

        path = {str(tmp_path / "socket")!r}
        supervisor = Supervisor(target, 1, ["unix:" + path], "fork", preload=preload)
        try:
            supervisor.run()
        except LookupError as error:
            print(error, os.path.exists(path), len(supervisor.members))
        """
    )
    assert done.stdout == "no model False 0\n"


def test_it_goes_on_when_nobody_hears_what_it_says():
    done = run_supervisor(
        """
        def say(line):
            raise BrokenPipeError("nobody hears")

        def note(record):
            pids.append(record.pid)
            if len(pids) == 1:
                os.kill(record.pid, 9)
            else:
                supervisor.stop()

        pids = []
        supervisor = Supervisor(target, 1, start_method="fork", say=say)
        supervisor.worker_ready.append(note)
        print(supervisor.run(), len(set(pids)))
        """
    )
    assert done.stdout == "0 2\n"


def test_a_worker_that_cannot_be_started_is_tried_again(tmp_path):
    done = run_supervisor(
        """
        from gevent import supervisor as module

        module.BACKOFF_MAX_S = 0.2
        start, failures = supervisor._start_one, []

        def start_one(number, **options):
            if not failures and pids:
                failures.append(number)
                raise BlockingIOError(11, "no more processes")
            return start(number, **options)

        def note(record):
            pids.append(record.pid)
            if len(pids) == 1:
                os.kill(record.pid, 9)
            else:
                supervisor.stop()

        pids = []
        supervisor._start_one = start_one
        supervisor.worker_ready.append(note)
        print(supervisor.run(), len(set(pids)), failures)
        """
    )
    assert done.stdout == "0 2 [0]\n"
    assert "no worker can be started, for now: [Errno 11] no more processes" in done.stderr


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to see that a process is stopped")
def test_a_reload_waits_for_no_worker_that_is_stopped_before_it_is_ready():
    done = run_script(
        """
        import os, signal, sys
        from gevent.supervisor import Supervisor

        def target(worker):
            if worker.generation == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
            worker.ready()
            worker.stopping.wait()

        said = []
        supervisor = Supervisor(target, 1, start_method="fork", hang_timeout=0.5, say=said.append)
        supervisor.worker_ready.append(lambda record: supervisor.reload())
        supervisor.worker_exit.append(lambda record: supervisor.stop())
        supervisor.run()
        print(any("hangs" in line for line in said))
        """
    )
    assert done.stdout == "True\n"


def test_the_end_of_a_worker_is_noticed_though_what_it_has_forked_goes_on():
    """That has a copy of its connection, and would hold it open."""
    done = run_supervisor(
        """
        def target(worker):
            child = os.fork()
            if not child:
                time.sleep(1000)
                os._exit(0)
            worker.ready()
            print(child, flush=True)
            if worker.number == 0:
                os.kill(os.getpid(), 9)
            worker.stopping.wait()

        def note(record):
            assert record.reason == "killed by SIGKILL"
            supervisor.stop()

        supervisor = Supervisor(target, 1, start_method="fork")
        supervisor.worker_exit.append(note)
        status = supervisor.run()
        print("status", status, flush=True)
        os.killpg(0, 9)
        """,
        check=False,
    )
    assert "status 0" in done.stdout


def test_a_reload_tries_again_when_somebody_kills_a_new_worker(tmp_path):
    done = run_supervisor(
        """
        def target(worker):
            if worker.generation == 1 and not os.path.exists(sys.argv[1]):
                open(sys.argv[1], "w").close()
                os.kill(os.getpid(), 9)
            worker.ready()
            worker.stopping.wait()

        supervisor = Supervisor(target, 1, start_method="fork")
        supervisor.worker_ready.append(lambda record: supervisor.reload() if not supervisor._generation else None)
        supervisor.reloaded.append(lambda records: supervisor.stop())
        print(supervisor.run())
        """,
        str(tmp_path / "killed"),
    )
    assert done.stdout == "0\n"


def test_a_second_stop_can_be_more_impatient():
    done = run_supervisor(
        """
        def target(worker):
            worker.ready()
            gevent.sleep(1000)  # it does not heed what it is told

        def note(record):
            supervisor.stop()
            supervisor.stop(timeout=0)

        supervisor = Supervisor(target, 1, start_method="fork", graceful_timeout=1000)
        supervisor.worker_ready.append(note)
        print(supervisor.run())
        """
    )
    assert done.stdout == "0\n"


def test_a_worker_whose_server_is_closed_is_replaced():
    done = run_supervisor(
        """
        from gevent.server import StreamServer

        def target(worker):
            server = StreamServer(worker.listeners[0], lambda sock, address: server.close())
            return server

        def note(record):
            if record.number in pids:
                supervisor.stop()
            else:
                pids[record.number] = record.pid
                gevent.spawn(gevent.socket.create_connection, supervisor.listeners[0].getsockname())

        pids = {}
        supervisor = Supervisor(target, 1, ["127.0.0.1:0"], "fork")
        supervisor.worker_ready.append(note)
        print(supervisor.run())
        """
    )
    assert done.stdout == "0\n"
    assert "ended by itself with status 0" in done.stderr


def test_systemd_is_told_again_after_it_could_not_be(tmp_path):
    done = run_supervisor(
        """
        import socket

        path = sys.argv[1]
        os.environ["NOTIFY_SOCKET"] = path
        supervisor.start()
        assert supervisor.wait_ready(60)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.bind(path)
            notified.settimeout(60)
            supervisor.stop()
            print(supervisor.run(), notified.recv(100).decode())
        """,
        tmp_path / "notify",
    )
    assert done.stdout == "0 STOPPING=1\n"


@pytest.mark.parametrize("cleanly", [False, True])
def test_a_child_of_the_supervising_program_leaves_the_workers_to_it(cleanly):
    """Greenlets go on in a child of a bare fork: those of the supervisor, too."""
    done = run_supervisor(
        f"""
        import gevent.os
        from gevent.multiprocessing import get_context

        def be_a_child():
            supervisor.reload()
            supervisor.resize(3)
            supervisor.stop(timeout=0)
            for member in supervisor.members:
                supervisor._look_at(member, 1000.0)  # it has been silent for so long
            gevent.sleep(0.5)  # all that is meant to do nothing

        def check():
            (before,) = [member.pid for member in supervisor.members]
            if {cleanly}:
                child = get_context("fork").Process(target=be_a_child)
                child.start()
                child.join()
                status = child.exitcode
            else:
                child = gevent.os.fork()
                if not child:
                    be_a_child()
                    os._exit(0)
                status = gevent.os.waitpid(child, 0)[1]
            os.kill(before, 0)
            print(status, [member.pid for member in supervisor.members] == [before])
            supervisor.stop()

        supervisor = Supervisor(target, 1, start_method="fork", say=lambda line: None)
        supervisor.worker_ready.append(lambda record: gevent.spawn(check))
        print(supervisor.run())
        """
    )
    assert done.stdout == "0 True\n0\n"
    assert done.stderr == ""


def test_a_worker_that_says_what_makes_no_sense_is_replaced(tmp_path):
    done = run_supervisor(
        """
        def target(worker):
            worker.ready()
            if not os.path.exists(path):
                with open(path, "w"):
                    os.write(worker._connection.fileno(), b"\\0\\0\\0\\5hello")
            worker.stopping.wait()

        def note(record):
            pids.append(record.pid)
            if len(pids) == 2:
                supervisor.stop()

        path, pids = sys.argv[1], []
        supervisor = Supervisor(target, 1, start_method="fork")
        supervisor.worker_ready.append(note)
        supervisor.worker_exit.append(lambda record: print(record.reason))
        print(supervisor.run())
        """,
        tmp_path / "said",
    )
    assert done.stdout == "garbled\nstopped\n0\n"
