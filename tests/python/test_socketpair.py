"""Both ends of a socket pair in one process: who sends at one end knows who waits at the other."""

import gc
import os
import threading

import pytest
from scripts import run_script

import gevent
from gevent import socket


@pytest.fixture
def pair():
    one, other = socket.socketpair()
    yield one, other
    one.close()
    other.close()


def _receiver(sock, size=100):
    """A greenlet that waits in recv()."""
    waiting = gevent.spawn(sock.recv, size)
    gevent.sleep(0)
    assert not waiting.ready()
    return waiting


@pytest.mark.parametrize(
    "send",
    [
        lambda sock: sock.send(b"hello"),
        lambda sock: sock.sendall(b"hello"),
        lambda sock: sock.sendmsg([b"hel", b"lo"]),
    ],
    ids=["send", "sendall", "sendmsg"],
)
def test_who_waits_at_the_other_end_is_woken_before_the_loop_looks(send, pair):
    waiting = _receiver(pair[1])
    send(pair[0])
    gevent.sleep(0)  # the next turn of those who are ready: the system is not asked
    assert waiting.ready() and waiting.value == b"hello"


def test_a_hint_that_is_wrong_does_no_harm(pair):
    one, other = pair
    waiting = _receiver(other)
    one.sendall(b"first")
    # As if another process, which has the descriptor too, had been faster.
    assert os.read(other.fileno(), 100) == b"first"
    gevent.sleep(0)
    assert not waiting.ready()
    one.sendall(b"second")
    assert waiting.get(timeout=5) == b"second"


def test_a_pair_plays_ping_pong_and_timers_still_get_their_turn(pair):
    one, other = pair
    over = []
    gevent.get_hub().loop.timer(0.02).start(over.append, True)

    def answer():
        while not over:
            other.sendall(other.recv(10))
        other.close()

    answering = gevent.spawn(answer)
    rounds = 0
    with pytest.raises(OSError), gevent.Timeout(20):  # noqa: PT011 - reset or broken pipe: whichever call comes first
        while True:
            one.sendall(b"ball")
            if one.recv(10) != b"ball":
                raise ConnectionResetError
            rounds += 1
    answering.get(timeout=5)
    assert rounds > 10


@pytest.mark.parametrize("end", ["close", "detach", "forget"])
def test_an_end_that_is_gone_is_not_told(end):
    one, other = socket.socketpair()
    if end == "close":
        other.close()
        with pytest.raises(BrokenPipeError):
            one.sendall(b"to nobody")
    elif end == "detach":
        fd = other.detach()
        one.sendall(b"to a number")
        assert os.read(fd, 100) == b"to a number"
        os.close(fd)
    else:
        with pytest.warns(ResourceWarning, match="unclosed"):
            del other
            gc.collect()
        with pytest.raises(BrokenPipeError):
            one.sendall(b"to nobody")
    one.close()


def test_who_waits_at_the_other_end_may_belong_to_another_thread(pair):
    one, other = pair
    received = []

    def receive():
        while len(received) < 100:
            received.append(other.recv(1))
        gevent.get_hub().destroy(destroy_loop=True)

    thread = threading.Thread(target=receive)
    thread.start()
    for _ in range(100):
        one.sendall(b"x")
        gevent.sleep(0)
    thread.join(20)
    assert not thread.is_alive()
    assert received == [b"x"] * 100


def test_a_child_that_abandons_its_hub_wakes_nobody_of_its_parent_s():
    result = run_script(
        """
        import os, gevent
        from gevent import socket
        from gevent._hub_local import abandon_hub_after_fork

        one, other = socket.socketpair()
        waiting = gevent.spawn(other.recv, 100)
        gevent.sleep(0)

        def fork_and_send():
            pid = os.fork()
            if pid:
                return pid
            abandon_hub_after_fork()
            one.sendall(b"from the child")
            gevent.idle()
            os._exit(0)

        pid = gevent.spawn(fork_and_send).get()
        assert waiting.get(timeout=10) == b"from the child"
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        print("received")
        """
    )
    assert result.stdout == "received\n"
