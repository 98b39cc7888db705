"""Watchers as Python sees them: what sets them off, what they are given, what is refused."""

import errno
import gc
import os
import signal
import sys
import threading
import time

import pytest

from gevent import core

# Of what other tests leave behind there may be threads, and from 3.12 on Python warns of that; these children only end.
BESIDE_THREADS = pytest.mark.filterwarnings("ignore:.* is multi-threaded:DeprecationWarning")


def test_a_watcher_forgets_its_callback_when_it_has_fired_for_the_last_time(loop):
    timer = loop.timer(0)
    timer.start(lambda *args: None, 1, 2)
    assert timer.active is True and timer.args == (1, 2)
    loop.run()
    assert timer.active is False and timer.callback is None and timer.args is None


def test_an_active_watcher_keeps_itself_alive(loop):
    seen = []
    loop.timer(0.001).start(seen.append, 1)
    gc.collect()
    loop.run()
    assert seen == [1]


def test_the_events_are_passed_when_asked_for(loop, pipe):
    seen = []
    watcher = loop.io(pipe[1], core.WRITE)

    def ready(*args):
        seen.append(args)
        watcher.stop()

    watcher.start(ready, "a", pass_events=True)
    loop.run()
    watcher.start(ready, core.EVENTS, "b")
    loop.run()
    watcher.start(ready, "c")
    loop.run()
    assert seen == [(core.WRITE, "a"), (core.WRITE, "b"), ("c",)]


def test_a_descriptor_that_is_closed_behind_our_back_is_reported(loop, pipe):
    seen = []
    watcher = loop.io(pipe[0], core.READ)
    os.close(pipe[0])
    watcher.start(lambda events: seen.append(events), pass_events=True)
    loop.run()
    assert seen == [core.READ | core.WRITE] and not watcher.active


def test_closing_fd_calls_everybody_back_who_waits(loop, pipe):
    seen = []
    watcher = loop.io(pipe[0], core.READ)
    watcher.start(seen.append, 1)
    assert loop.closing_fd(pipe[0]) is True
    assert loop.closing_fd(pipe[1]) is False
    loop.run()
    assert seen == [1]


@pytest.mark.parametrize(
    "make",
    [
        lambda loop: loop.timer(1, -1),
        lambda loop: loop.timer(float("nan")),
        lambda loop: loop.io(-1, core.READ),
        lambda loop: loop.io(1, 0x100),
        lambda loop: loop.signal(1000),
        lambda loop: loop.signal(0),
        lambda loop: loop.stat("a\0b"),
        lambda loop: loop.eventfd(-1),
    ],
)
def test_values_that_cannot_be_are_refused(loop, make):
    with pytest.raises(ValueError):
        make(loop)


def test_what_cannot_be_called_is_refused(loop):
    timer = loop.timer(1)
    for value in (None, 5):
        with pytest.raises(TypeError):
            timer.start(value)
    with pytest.raises(TypeError):
        timer.args = [1]
    assert not timer.active


def test_a_watcher_is_closed_at_the_end_of_a_with_statement(loop):
    with loop.timer(1) as timer:
        timer.start(lambda: None)
    assert not timer.active


def test_a_plain_watcher_cannot_be_made(loop):
    with pytest.raises(TypeError):
        loop.WatcherType(loop)
    with pytest.raises(TypeError):
        type(loop.timer(1)).__new__(type(loop.timer(1))).start(print)


def test_a_priority_is_fixed_while_the_watcher_is_active(loop):
    timer = loop.timer(1, priority=1)
    assert timer.priority == 1
    timer.start(lambda: None)
    with pytest.raises(AttributeError):
        timer.priority = 2
    timer.stop()
    timer.priority = 7
    assert timer.priority == loop.MAXPRI


def test_a_timer_counts_from_its_start_unless_told_otherwise(loop):
    seen = []
    time.sleep(0.02)  # the loop's idea of now is this old
    timer = loop.timer(0.02)
    timer.start(seen.append, 1, update=False)
    loop.run(nowait=True)
    assert seen == [1]
    begun = time.monotonic()
    time.sleep(0.02)
    timer.start(lambda: seen.append(time.monotonic() - begun))
    loop.run()
    assert seen[1] >= 0.0395


def test_two_loops_cannot_watch_one_signal(loop):
    other = core.loop(default=False)
    theirs = other.signal(signal.SIGUSR1)
    theirs.start(lambda: None)
    ours = loop.signal(signal.SIGUSR1)
    with pytest.raises(RuntimeError):
        ours.start(lambda: None)
    other.destroy()
    ours.start(lambda: None)
    assert ours.active


def test_python_has_its_signal_handler_back_when_the_watcher_is_stopped(loop):
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append("python"))
    try:
        watcher = loop.signal(signal.SIGUSR1)
        watcher.start(lambda: (seen.append("loop"), watcher.stop()))
        os.kill(os.getpid(), signal.SIGUSR1)
        loop.run()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert seen == ["loop", "python"]
    finally:
        signal.signal(signal.SIGUSR1, before)


@BESIDE_THREADS
def test_a_child_is_watched_on_any_loop_in_any_thread(loop):
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    child = loop.child(pid)
    seen = []
    child.start(lambda: seen.append((child.rpid, os.waitstatus_to_exitcode(child.rstatus))))
    thread = threading.Thread(target=loop.run)
    thread.start()
    thread.join(20)
    assert seen == [(pid, 3)]
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, 0)


def test_a_file_s_attributes_before_and_after(loop, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    watcher = loop.stat(str(path))
    assert watcher.path == str(path) and watcher._paths == os.fsencode(path)
    watcher.start(lambda: watcher.stop())
    loop.run_callback(path.write_bytes, b"abc")
    loop.run()
    found = os.stat(path)
    assert (watcher.prev.st_size, watcher.attr.st_size) == (0, 3)
    assert watcher.attr == found and watcher.attr.st_mtime_ns == found.st_mtime_ns
    assert watcher.attr.st_blksize == found.st_blksize
    missing = loop.stat(str(tmp_path / "missing"))
    missing.start(lambda: None)
    assert missing.attr is None


@pytest.mark.skipif(not hasattr(os, "eventfd") and sys.platform != "linux", reason="the system has no eventfd")
def test_an_eventfd_tells_what_it_took(loop):
    seen = []
    whole = loop.eventfd()
    one_by_one = loop.eventfd(semaphore=True, initial=2)
    whole.start(lambda *args: (seen.append(args), whole.stop()), "whole")
    whole.send(3)
    whole.send()
    loop.run()
    one_by_one.start(lambda *args: seen.append(args), "one")
    loop.run(nowait=True)
    loop.run(nowait=True)
    loop.run(nowait=True)
    assert seen == [(4, "whole"), (1, "one"), (1, "one")]
    assert whole.value == 4
    fd = whole.fd
    whole.close()
    with pytest.raises(OSError) as raised:
        os.fstat(fd)
    assert raised.value.errno == errno.EBADF
