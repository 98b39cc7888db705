"""Connections are shared out among the workers of a supervisor, and taken all the same where others do not come."""

import multiprocessing
import sys
import textwrap

import pytest
from scripts import run_command

from gevent.supervisor import _shares
from gevent.supervisor._shares import Shares


class Worker:
    """One that accepts what it may."""

    def __init__(self, shares, number):
        self.open = 0
        shares.admit(number)
        self.share = shares.of(number)
        self.share.connections = lambda: self.open
        self.share.note()

    def accept(self):
        if self.share.pause_s():
            return False
        self.open += 1
        self.share.note()
        return True


@pytest.fixture
def shares():
    return Shares(multiprocessing.get_context("fork"))


def test_who_is_alone_never_waits(shares):
    alone = Worker(shares, 0)
    assert all(alone.accept() for _ in range(1000))


def test_who_has_more_waits_until_the_other_has_as_many(shares):
    first, second = Worker(shares, 0), Worker(shares, 1)
    taken = [first.accept() for _ in range(10)]
    assert 0 < sum(taken) <= _shares.SLACK + 1
    assert not first.accept()
    while second.open < first.open:
        assert second.accept()
    assert first.accept()
    for _ in range(200):
        first.accept()
        second.accept()
    assert abs(first.open - second.open) <= _shares.SLACK + first.open // 8


def test_who_waits_in_vain_takes_ever_more_at_a_time(shares):
    first, _ = Worker(shares, 0), Worker(shares, 1)
    waits, in_a_row, most = 0, 0, 0
    while first.open < 500:
        if first.accept():
            in_a_row += 1
            most = max(most, in_a_row)
        else:
            waits, in_a_row = waits + 1, 0
    assert most == _shares.IMPATIENT_MAX
    assert waits * _shares.PAUSE_S < 0.2


def test_who_is_waited_for_is_waited_for_again_once_it_has_come(shares):
    first, second = Worker(shares, 0), Worker(shares, 1)
    while first.open < 100:
        first.accept()
    second.accept()
    assert [first.accept() for _ in range(_shares.PAUSES_MAX)] == [False] * _shares.PAUSES_MAX
    assert first.accept()


def test_those_who_have_ended_or_accept_no_more_are_not_waited_for(shares):
    first, second, third = (Worker(shares, number) for number in range(3))
    second.share.give_up()
    shares.forget(2)
    assert all(first.accept() for _ in range(100))
    third.share.note()
    assert not first.accept()


def test_a_worker_beyond_all_places_has_no_share(shares):
    shares.admit(_shares.WORKERS_MAX)
    shares.forget(_shares.WORKERS_MAX)
    assert shares.of(_shares.WORKERS_MAX) is None


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_what_comes_while_another_worker_is_stopped_is_accepted_by_the_rest(start_method, tmp_path):
    (tmp_path / "program.py").write_text(
        textwrap.dedent(
            """
            import os, signal, sys
            import gevent
            from gevent import socket
            from gevent.server import StreamServer
            from gevent.supervisor import Supervisor

            def keep(connection, address):
                connection.sendall(b"%d" % os.getpid())
                connection.recv(1)

            def target(worker):
                return StreamServer(worker.listeners[0], keep)

            def ask(address):
                connection = socket.create_connection(address)
                return connection, int(connection.recv(100))

            if __name__ == "__main__":
                with gevent.Timeout(50):
                    supervisor = Supervisor(
                        target, 2, ["127.0.0.1:0"], sys.argv[1], hang_timeout=None, graceful_timeout=0
                    )
                    supervisor.start()
                    assert supervisor.wait_ready(40)
                    address = supervisor.listeners[0].getsockname()
                    os.kill(supervisor.members[0].pid, signal.SIGSTOP)
                    kept = [each.get() for each in [gevent.spawn(ask, address) for _ in range(60)]]
                    assert {pid for _, pid in kept} == {supervisor.members[1].pid}
                    supervisor.stop()
                    print(supervisor.run())
            """
        )
    )
    done = run_command([sys.executable, str(tmp_path / "program.py"), start_method], {}, 60)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
