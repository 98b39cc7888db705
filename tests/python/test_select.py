"""Waiting for several descriptors: select, poll, selectors, and what multiprocessing needs."""

import errno
import os
import select as stdlib_select
import time

import pytest
from scripts import run_script

import gevent
from gevent import select, selectors, socket
from gevent.select import POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI


@pytest.fixture
def pairs():
    made = [socket.socketpair() for _ in range(3)]
    yield made
    for pair in made:
        for each in pair:
            each.close()


def _soon(function, *args):
    return gevent.spawn_later(0.01, function, *args)


# ---- select ----------------------------------------------------------------------------------------------------------


def test_select_returns_what_is_ready(pairs):
    (a, b), (c, d), _ = pairs
    b.send(b"x")
    assert select.select([a, c], [c], [], 5) == ([a], [c], [])
    assert select.select([a.fileno()], [], [], 5) == ([a.fileno()], [], [])
    assert select.select([a, a, c], [d, d], [], 0) == ([a, a], [d, d], [])
    assert select.select(iter([c]), (), set(), 0) == ([], [], [])


def test_select_waits_while_others_run(pairs):
    (a, b), (c, d), (e, _f) = pairs
    _soon(d.send, b"x")
    assert select.select([a, c, e], [], []) == ([c], [], [])


def test_select_gives_up_after_the_timeout(pairs):
    (a, _), (c, _d), _ = pairs
    for lists in (([a], [], []), ([a, c], [], []), ([], [], [])):
        began = time.monotonic()
        assert select.select(*lists, 0.02) == ([], [], [])
        assert time.monotonic() - began >= 0.019


def test_select_lets_others_run_even_when_something_is_ready(pairs):
    a, _ = pairs[0]
    ran = []
    gevent.spawn(ran.append, 1)
    assert select.select([], [a], [], 5) == ([], [a], [])
    assert ran


def test_select_sees_urgent_data(pairs):
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as client,
    ):
        accepted, _ = listening.accept()
        with accepted:
            _soon(client.send, b"!", socket.MSG_OOB)
            assert select.select([], [], [accepted], 5) == ([], [], [accepted])
            assert accepted.recv(1, socket.MSG_OOB) == b"!"


def test_select_of_a_hung_up_exception_list_waits_without_spinning(pairs):
    (a, b), _, _ = pairs
    b.close()
    began, busy = time.monotonic(), time.process_time()
    assert select.select([], [], [a], 0.1) == ([], [], [])
    assert time.monotonic() - began >= 0.099
    assert time.process_time() - busy < 0.05


def test_select_refuses_what_is_no_descriptor(pairs):
    a, _ = pairs[0]
    with pytest.raises(TypeError):
        select.select(["text"], [], [], 0)
    with pytest.raises(TypeError):
        select.select(1, [], [], 0)
    with pytest.raises(ValueError):
        select.select([-1], [], [], 0)
    with pytest.raises(ValueError, match="non-negative"):
        select.select([a], [], [], -1)
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(OSError) as caught:
        select.select([reading], [], [], 0)
    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize("count", [1, 3])
def test_a_descriptor_closed_while_select_waits_ends_the_wait(count):
    pipes = [os.pipe() for _ in range(count)]
    _soon(lambda: [os.close(fd) for fd in pipes[0]])
    selected = gevent.spawn(select.select, [reading for reading, _ in pipes], [], [], 0.2)
    assert selected.get(timeout=5)[0] in ([], [pipes[0][0]])
    for pipe in pipes[1:]:
        for fd in pipe:
            os.close(fd)


def test_select_has_no_limit_on_numbers():
    run_script("""
        import os, resource
        from gevent import select, socket
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < 3000:
            raise SystemExit(0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3000, hard))
        one, other = socket.socketpair()
        high = os.dup2(one.fileno(), 2500)
        assert select.select([high], [high], [], 0) == ([], [high], [])
        other.send(b"x")
        assert select.select([high], [], [], 5) == ([high], [], [])
    """)


def test_killing_a_selecting_greenlet_leaves_nothing_behind(pairs):
    (a, b), (c, _), _ = pairs
    selecting = gevent.spawn(select.select, [a, c], [], [])
    gevent.sleep(0)
    selecting.kill()
    b.send(b"x")
    assert select.select([a, c], [], [], 5) == ([a], [], [])


# ---- poll ------------------------------------------------------------------------------------------------------------


def test_poll_reports_what_the_kernel_reports(pairs):
    (a, b), (c, _), _ = pairs
    poll = select.poll()
    poll.register(a, POLLIN)
    poll.register(c.fileno())
    assert poll.poll() == [(c.fileno(), POLLOUT)]
    poll.modify(c, POLLPRI)
    assert poll.poll(0) == poll.poll(10) == []
    b.close()
    assert poll.poll(1000) == [(a.fileno(), POLLIN | POLLHUP)]
    poll.unregister(a)
    with pytest.raises(KeyError):
        poll.unregister(a)
    with pytest.raises(FileNotFoundError):
        poll.modify(a, POLLIN)
    with pytest.raises(ValueError, match="Invalid file object"):
        poll.register("text")


def test_poll_waits_and_several_may_use_one_object(pairs):
    (a, b), (c, d), _ = pairs
    poll = select.poll()
    for each in (a, c):
        poll.register(each, POLLIN)
    waiting = [gevent.spawn(poll.poll), gevent.spawn(poll.poll, 5000)]
    gevent.sleep(0)
    poll.unregister(c)
    b.send(b"x")
    assert [each.get(timeout=5) for each in waiting] == [[(a.fileno(), POLLIN)]] * 2


def test_poll_answers_as_the_standard_library_s(pairs):
    (a, b), (c, d), (e, f) = pairs
    b.send(b"x")
    d.close()
    f.shutdown(socket.SHUT_WR)
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    ours, theirs = select.poll(), stdlib_select.poll()
    for poll in (ours, theirs):
        for fd, events in ((a, POLLIN), (c, POLLIN | POLLOUT), (e, 0), (e, select.POLLRDHUP), (reading, POLLIN)):
            poll.register(fd, events)
    assert sorted(ours.poll(0)) == sorted(theirs.poll(0))
    assert (reading, POLLNVAL) in ours.poll(1000)


# ---- selectors -------------------------------------------------------------------------------------------------------


def test_a_selector_keeps_its_registrations(pairs):
    (a, b), (c, d), _ = pairs
    with selectors.DefaultSelector() as selector:
        key = selector.register(a, selectors.EVENT_READ, "data")
        other = selector.register(c, selectors.EVENT_READ)
        assert selector.select(0) == selector.select(-1) == []
        _soon(b.send, b"x")
        assert selector.select(5) == [(key, selectors.EVENT_READ)]
        d.send(b"x")
        ready = selector.select()
        assert len(ready) == 2 and (key, selectors.EVENT_READ) in ready and (other, selectors.EVENT_READ) in ready
        changed = selector.modify(a, selectors.EVENT_WRITE)
        assert (changed, selectors.EVENT_WRITE) in selector.select()
        assert selector.unregister(a) is changed
        a.recv(1)
        c.recv(1)
        assert selector.select(0.01) == []
        with pytest.raises(KeyError):
            selector.unregister(a)
        assert selector.hub is gevent.get_hub()


def test_a_selector_says_what_is_wrong_with_a_descriptor(pairs):
    a, _ = pairs[0]
    with selectors.GeventSelector() as selector:
        reading, writing = os.pipe()
        os.close(reading)
        os.close(writing)
        with pytest.raises(ValueError, match="Invalid file"):
            selector.register(reading, selectors.EVENT_READ)
        with pytest.raises(ValueError):
            selector.register(a, 0)
        assert len(selector.get_map()) == 0


def test_regular_files_are_always_ready():
    with selectors.GeventSelector() as selector, open(__file__) as file:
        key = selector.register(file, selectors.EVENT_READ)
        assert selector.select() == [(key, selectors.EVENT_READ)]
        selector.unregister(file)
        assert selector.select(0) == []
