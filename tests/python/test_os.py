"""gevent.os: forking, children, and descriptors that park."""

import os
import signal
import time

import pytest
from scripts import run_script

import gevent
from gevent import os as gevent_os

# Of what other tests leave behind there may be threads, and from 3.12 on Python warns of that; these children only end.
BESIDE_THREADS = pytest.mark.filterwarnings("ignore:.* is multi-threaded:DeprecationWarning")


class Gate:
    """Children that were given it wait until it is opened."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()

    def wait(self):
        self.open()
        os.read(self.read_end, 1)

    def open(self):
        # Once: the number may be somebody else's afterwards.
        if self.write_end is not None:
            os.close(self.write_end)
            self.write_end = None


def fork_child(code=0, until=None, fork=gevent_os.fork_and_watch, **kwargs):
    """A child that ends with `code`, once the gate `until` is open."""
    pid = fork(**kwargs)
    if pid == 0:
        if until is not None:
            until.wait()
        os._exit(code)
    return pid


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()
    os.close(gate.read_end)


def test_waitpid_lets_others_run_and_returns_the_status(gate):
    pid = fork_child(7, until=gate)
    gevent.spawn(gate.open)  # runs only if waiting parks
    assert gevent_os.waitpid(pid, 0) == (pid, 7 << 8)


def test_a_child_is_waited_for_once():
    pid = fork_child()
    gevent_os.waitpid(pid, 0)
    with pytest.raises(ChildProcessError):
        gevent_os.waitpid(pid, 0)


def test_all_greenlets_that_wait_for_one_child_learn_its_status(gate):
    pid = fork_child(3, until=gate)
    waiters = [gevent.spawn(gevent_os.waitpid, pid, 0) for _ in range(3)]
    gevent.sleep(0)
    gate.open()
    gevent.joinall(waiters, timeout=10)
    assert [waiter.value for waiter in waiters] == [(pid, 3 << 8)] * 3


def test_waitpid_with_wnohang_knows_of_an_end_that_the_loop_has_not_seen(gate):
    pid = fork_child(4, until=gate)
    assert gevent_os.waitpid(pid, os.WNOHANG) == (0, 0)
    gate.open()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert gevent_os.waitpid(pid, os.WNOHANG) == (pid, 4 << 8)


@BESIDE_THREADS
def test_waitpid_parks_for_a_child_that_was_not_started_through_gevent(gate):
    pid = fork_child(5, until=gate, fork=os.fork)
    gevent.spawn(gate.open)
    assert gevent_os.waitpid(pid, 0) == (pid, 5 << 8)


@BESIDE_THREADS
def test_waitpid_for_any_finds_watched_and_other_children(gate):
    gevent_os._reap_children(timeout=0)  # what other tests have left
    watched = fork_child(1, until=gate)
    other = fork_child(2, until=gate, fork=os.fork)
    assert gevent_os.waitpid(-1, os.WNOHANG) == (0, 0)
    gevent.spawn(gate.open)
    found = dict(gevent_os.waitpid(-1, 0) for _ in range(2))
    assert found == {watched: 1 << 8, other: 2 << 8}
    for pid in found:
        with pytest.raises(ChildProcessError):
            gevent_os.waitpid(pid, os.WNOHANG)


def test_waitpid_for_any_says_when_there_is_no_child():
    # In a process of its own: a fork server that other tests have started goes on.
    run_script(
        """
        import os
        import gevent.os

        for fork in os.fork, gevent.os.fork:
            pid = fork()
            if pid == 0:
                os._exit(3)
            assert gevent.os.waitpid(-1, 0) == (pid, 3 << 8)
            try:
                gevent.os.waitpid(-1, 0)
            except ChildProcessError:
                continue
            raise AssertionError(fork)
        """
    )


def test_waitpid_tells_of_a_child_that_is_stopped(gate):
    pid = fork_child(until=gate)
    gevent.spawn(os.kill, pid, signal.SIGSTOP)
    found, status = gevent_os.waitpid(pid, os.WUNTRACED)
    assert (found, os.WSTOPSIG(status)) == (pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)
    gate.open()
    assert gevent_os.waitpid(pid, 0) == (pid, 0)


def test_strangers_and_nonsense_are_refused():
    for pid in (1, -2):
        with pytest.raises(OSError):
            gevent_os.waitpid(pid, 0)


def test_the_callback_of_fork_and_watch_is_called_in_the_hub_with_the_status():
    told = gevent.event.AsyncResult()
    pid = fork_child(6, callback=lambda child: told.set((child.pid, child.rstatus, gevent.getcurrent())))
    assert told.get(timeout=10) == (pid, 6 << 8, gevent.get_hub())
    gevent_os.waitpid(pid, 0)


def test_watched_children_keep_the_hub_running_only_if_asked(gate):
    pid = fork_child(until=gate)
    assert gevent.get_hub().join(timeout=10) is True
    with_ref = fork_child(ref=True)
    assert gevent.get_hub().join(timeout=10) is True
    assert gevent_os._watched_children[with_ref].ended
    gate.open()
    for child in (pid, with_ref):
        gevent_os.waitpid(child, 0)


def test_children_nobody_asks_for_are_forgotten_in_time():
    pid = fork_child()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with gevent.Timeout(10):
        while not gevent_os._watched_children[pid].ended:
            gevent.sleep(0)
    gevent_os._reap_children()
    assert pid in gevent_os._watched_children
    gevent_os._reap_children(timeout=0)
    assert pid not in gevent_os._watched_children


def test_a_forked_child_has_a_hub_that_works_and_no_claim_on_its_siblings():
    result = run_script(
        """
        import os, gevent
        from gevent import os as gevent_os

        sibling = gevent_os.fork_and_watch()
        if sibling == 0:
            gevent.sleep(0.2)
            os._exit(0)
        waiter = gevent.spawn(gevent_os.waitpid, sibling, 0)
        gevent.sleep(0)
        pid = gevent_os.fork()
        if pid == 0:
            gevent.sleep(0.01)
            waiter.join(timeout=10)
            os._exit(0 if isinstance(waiter.exception, ChildProcessError) else 1)
        print(gevent_os.waitpid(pid, 0)[1], waiter.get()[1])
        """
    )
    assert result.stdout == "0 0\n"


def test_nothing_of_the_parents_children_is_left_when_a_child_abandons_its_hub():
    result = run_script(
        """
        import os, gevent
        from gevent import os as gevent_os
        from gevent._hub_local import abandon_hub_after_fork

        sibling = gevent_os.fork_and_watch()
        if sibling == 0:
            gevent.sleep(0.2)
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            abandon_hub_after_fork()
            empty = not gevent_os._watched_children
            grandchild = gevent_os.fork_and_watch()
            if grandchild == 0:
                os._exit(5)
            os._exit(0 if empty and gevent_os.waitpid(grandchild, 0)[1] == 5 << 8 else 1)
        print(gevent_os.waitpid(pid, 0)[1], gevent_os.waitpid(sibling, 0)[1])
        """
    )
    assert result.stdout == "0 0\n"


def test_forkpty_gives_the_child_a_terminal():
    pid, terminal = gevent_os.forkpty()
    if pid == 0:
        os._exit(os.isatty(0))
    assert gevent_os.waitpid(pid, 0) == (pid, 1 << 8)
    os.close(terminal)


@pytest.mark.parametrize("spawn", [gevent_os.posix_spawn, gevent_os.posix_spawnp])
def test_posix_spawn_watches_the_child(spawn):
    pid = spawn("/bin/sh", ["sh", "-c", "exit 9"], os.environ)
    assert pid in gevent_os._watched_children
    assert gevent_os.waitpid(pid, 0) == (pid, 9 << 8)


def test_gevent_nowaitpid_leaves_children_alone():
    result = run_script(
        """
        import os, gevent.os
        print("waitpid" in gevent.os.__implements__, "fork" in gevent.os.__implements__)
        pid = gevent.os.fork()
        if pid == 0:
            os._exit(0)
        print(len(gevent.os._watched_children), os.waitpid(pid, 0)[1])
        print(gevent.os.posix_spawn is os.posix_spawn)
        """,
        env={"GEVENT_NOWAITPID": "1"},
    )
    assert result.stdout == "False True\n0 0\nTrue\n"


def test_gevent_nowaitpid_watches_those_that_a_program_wants_watched():
    result = run_script(
        """
        import os, gevent.os
        from gevent.os import *
        pid = fork_and_watch()
        if pid == 0:
            os._exit(7)
        print(len(gevent.os._watched_children), waitpid is os.waitpid, waitpid(pid, 0)[1] >> 8)
        """,
        env={"GEVENT_NOWAITPID": "1"},
    )
    assert result.stdout == "1 False 7\n"


def test_make_nonblocking_says_whether_it_changed_anything():
    read_end, write_end = os.pipe()
    assert gevent_os.make_nonblocking(read_end) is True
    assert gevent_os.make_nonblocking(read_end) is None
    os.close(read_end)
    os.close(write_end)


def test_nb_read_and_nb_write_park_until_there_is_data_or_room():
    read_end, write_end = os.pipe()
    for fd in (read_end, write_end):
        gevent_os.make_nonblocking(fd)
    reader = gevent.spawn(gevent_os.nb_read, read_end, 10)
    gevent.sleep(0)
    assert gevent_os.nb_write(write_end, b"word") == 4
    assert reader.get(timeout=10) == b"word"

    filler = gevent.spawn(lambda: [gevent_os.nb_write(write_end, b"x" * 65536) for _ in range(2)])
    gevent.sleep(0)
    assert not filler.ready()
    total = 0
    while not filler.ready() or total < sum(filler.value):
        total += len(gevent_os.nb_read(read_end, 65536))
        gevent.sleep(0)
    assert total == sum(filler.value)
    os.close(read_end)
    os.close(write_end)


def test_tp_read_and_tp_write_work_on_blocking_descriptors():
    read_end, write_end = os.pipe()
    reader = gevent.spawn(gevent_os.tp_read, read_end, 10)
    gevent.sleep(0)
    assert gevent_os.tp_write(write_end, b"word") == 4
    assert reader.get(timeout=10) == b"word"
    os.close(read_end)
    os.close(write_end)


def test_closing_a_descriptor_raises_where_a_greenlet_waits_for_it():
    read_end, write_end = os.pipe()
    gevent_os.make_nonblocking(read_end)
    reader = gevent.spawn(gevent_os.nb_read, read_end, 10)
    gevent.sleep(0)
    gevent_os.close(read_end)
    with pytest.raises(OSError):
        reader.get(timeout=10)
    os.close(write_end)


def test_closing_what_is_not_open_is_an_error():
    read_end, write_end = os.pipe()
    os.close(read_end)
    with pytest.raises(OSError):
        gevent_os.close(read_end)
    os.close(write_end)


def test_forking_beside_threads_gives_no_warning():
    run_script(
        """
        import os, warnings, gevent
        from gevent import os as gevent_os
        gevent.get_hub().threadpool.apply(int)
        warnings.simplefilter("error")
        for fork in (gevent_os.fork, gevent_os.fork_gevent):
            pid = fork()
            if pid == 0:
                os._exit(0)
            gevent_os.waitpid(pid, 0)
        """
    )


def test_waiting_for_a_child_takes_no_longer_than_the_child():
    # pidfds, not polling: a hundred waits one after the other.
    start = time.perf_counter()
    for _ in range(50):
        gevent_os.waitpid(fork_child(), 0)
    assert time.perf_counter() - start < 20


WAYS_TO_WAIT = {
    "wait": "os.wait()",
    "wait3": "os.wait3(0)[:2]",
    "wait4": "os.wait4(pid, 0)[:2]",
    "wait4_any": "os.wait4(-1, 0)[:2]",
    "waitpid": "os.waitpid(pid, 0)",
    "waitpid_any": "os.waitpid(-1, 0)",
    "waitpid_own_group": "os.waitpid(0, 0)",
    "waitpid_group": "os.waitpid(-os.getpgrp(), 0)",
    "waitid": "by_id(os.P_PID, pid)",
    "waitid_any": "by_id(os.P_ALL, 0)",
    "waitid_group": "by_id(os.P_PGID, os.getpgrp())",
    "waitid_pidfd": "by_id(os.P_PIDFD, fd)",
}


@pytest.mark.parametrize("way", WAYS_TO_WAIT)
def test_every_way_to_wait_tells_of_children_that_gevent_has_seen_end_and_lets_others_run(way):
    if way == "waitid_pidfd" and not hasattr(os, "P_PIDFD"):
        pytest.skip("there are no pidfds here")
    run_script(
        f"""
        from gevent import monkey
        monkey.patch_all()
        import os, subprocess, sys, threading, time

        def by_id(kind, number):
            found = os.waitid(kind, number, os.WEXITED)
            return found.si_pid, found.si_status << 8

        def tick():
            while True:
                ticks.append(1)
                time.sleep(0.001)

        ticks = []
        threading.Thread(target=tick, daemon=True).start()
        for ended in False, True:
            held, hold = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(hold)
                os.read(held, 1)
                os._exit(7)
            fd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
            os.close(held)
            if ended:
                os.close(hold)
                while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                    time.sleep(0.001)
                subprocess.run(["true"])
                time.sleep(0.01)
            else:
                timer = threading.Timer(0.1, os.close, (hold,))
                timer.start()
            before = len(ticks)
            got = {WAYS_TO_WAIT[way]}
            assert got == (pid, 7 << 8), (ended, got, pid)
            assert ended or len(ticks) > before + 3
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
            else:
                raise AssertionError("told twice")
        """
    )


def test_without_children_every_way_to_wait_fails():
    run_script(
        """
        from gevent import monkey
        monkey.patch_all()
        import os
        for wait in (
            os.wait,
            lambda: os.wait3(0),
            lambda: os.wait4(-1, os.WNOHANG),
            lambda: os.waitpid(-1, 0),
            lambda: os.waitid(os.P_ALL, 0, os.WEXITED),
        ):
            try:
                wait()
            except ChildProcessError:
                continue
            raise AssertionError(wait)
        """
    )


def test_nothing_to_tell_yet_is_told_as_the_standard_library_does():
    run_script(
        """
        from gevent import monkey
        monkey.patch_all()
        import os, signal, time
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
        assert os.wait3(os.WNOHANG)[:2] == os.wait4(pid, os.WNOHANG)[:2] == (0, 0)
        assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG) is None
        os.kill(pid, signal.SIGSTOP)
        assert os.waitpid(pid, os.WUNTRACED)[0] == pid
        os.kill(pid, signal.SIGKILL)
        told = os.wait4(pid, 0)
        assert told[:2] == (pid, signal.SIGKILL) and told[2].ru_maxrss > 0, told
        """
    )
