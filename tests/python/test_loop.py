"""The event loop as Python sees it: watchers, queued callbacks, errors, threads, forks, ends."""
import errno
import gc
import os
import signal
import sys
import threading
import time
import tracemalloc

import pytest
from scripts import run_script

from gevent import core


@pytest.fixture
def loop():
    made = core.loop(default=False)
    yield made
    made.destroy()


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        try:
            os.close(fd)
        except OSError:
            pass


class Errors:
    """Stands where a hub would."""

    def __init__(self, loop):
        self.seen = []
        loop.error_handler = self

    def handle_error(self, context, type, value, tb):
        self.seen.append((context, type))


# -- queued callbacks --


def test_queued_callbacks_run_in_order_and_may_queue_more(loop):
    seen = []
    loop.run_callback(seen.append, 1)
    loop.run_callback(lambda: loop.run_callback(seen.append, 3))
    loop.run_callback(seen.append, 2)
    loop.run()
    assert seen == [1, 2, 3]


def test_a_queued_callback_is_pending_until_it_begins_to_run(loop):
    seen = []
    queued = loop.run_callback(lambda: seen.append(bool(queued)))
    assert queued and queued.pending and queued.args == ()
    loop.run()
    assert seen == [False]
    assert queued.callback is None and queued.args is None


def test_a_stopped_callback_never_runs(loop):
    seen = []
    queued = loop.run_callback(seen.append, 1)
    queued.stop()
    loop.run()
    assert not queued and seen == []


def test_any_thread_may_queue_a_callback_and_wakes_the_loop(loop):
    seen = []
    far = loop.timer(60)
    far.start(lambda: None)

    def from_elsewhere():
        loop.run_callback_threadsafe(lambda: (seen.append(threading.current_thread()), far.stop()))

    # The other thread can only run while the loop sleeps, or is about to.
    thread = threading.Thread(target=from_elsewhere)
    loop.run_callback(thread.start)
    loop.run()
    thread.join()
    assert seen == [threading.main_thread()]


def test_errors_of_callbacks_reach_the_error_handler_and_nothing_stops(loop):
    errors, seen = Errors(loop), []
    failing = loop.run_callback(lambda: 1 / 0)
    loop.run_callback(seen.append, 1)
    timer = loop.timer(0)
    timer.start(lambda: [][0])
    loop.run()
    assert seen == [1]
    assert errors.seen == [(failing, ZeroDivisionError), (timer, IndexError)]


def test_an_io_watcher_whose_callback_fails_is_stopped(loop, pipe):
    errors = Errors(loop)
    os.write(pipe[1], b"x")
    watcher = loop.io(pipe[0], core.READ)
    watcher.start(lambda: 1 / 0)
    loop.run()
    assert not watcher.active
    assert errors.seen == [(watcher, ZeroDivisionError)]


def test_a_subclass_may_handle_errors_itself():
    seen = []

    class Loop(core.loop):
        def handle_error(self, context, type, value, tb):
            seen.append(type)

    loop = Loop(default=False)
    loop.run_callback(lambda: 1 / 0)
    loop.run()
    loop.destroy()
    assert seen == [ZeroDivisionError]


# -- watchers --


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
        lambda loop: loop.io(1, core.TIMER),
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
        core.loop.WatcherType(loop)
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


# -- the loop itself --


def test_a_destroyed_loop_refuses_everything_but_stopping(loop):
    timer = loop.timer(1)
    timer.start(lambda: None)
    loop.destroy()
    loop.destroy()
    assert not timer.active and not loop.default and loop.ptr == 0 and "destroyed" in repr(loop)
    timer.stop()
    timer.close()
    for call in (loop.run, loop.now, loop.update_now, loop.ref, lambda: loop.timer(1), lambda: timer.start(print)):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(ValueError):
        loop.run_callback(print)
    assert loop.fileno() is None


def test_a_loop_destroyed_from_within_ends_its_round(loop):
    seen = []
    timer = loop.timer(0, 0.001)
    timer.start(lambda: (seen.append(1), loop.destroy()))
    loop.run()
    assert seen == [1] and loop.ptr == 0


def test_destroying_releases_what_callbacks_and_watchers_held():
    loop = core.loop(default=False)

    class Held:
        pass

    held = Held()
    before = sys.getrefcount(held)
    loop.run_callback(print, held)
    loop.timer(60).start(print, held)
    assert sys.getrefcount(held) == before + 2
    loop.destroy()
    assert sys.getrefcount(held) == before


def test_the_default_loop_is_shared_until_its_last_object_is_destroyed():
    result = run_script("""
        from gevent import core
        first, second, own = core.loop(), core.loop(default=True), core.loop(default=False)
        assert first.default and second.default and not own.default
        assert first.ptr == second.ptr != own.ptr
        address = first.ptr
        first.destroy()
        assert not first.default and second.default and second.ptr == address
        seen = []
        second.run_callback(seen.append, 1)
        second.run()
        assert seen == [1]
        second.destroy()
        assert core.loop().ptr
    """)
    assert result.returncode == 0, result.stderr


def test_break_ends_run(loop):
    timer = loop.timer(0, 0.001)
    timer.start(loop.break_)
    loop.run()
    assert timer.active


def test_ref_and_unref_count(loop):
    assert loop.activecnt == 0
    loop.ref()
    loop.ref()
    assert loop.activecnt == 2
    loop.unref()
    loop.unref()
    loop.run()


def test_the_descriptor_it_sleeps_on_is_told(loop):
    if loop.backend != "epoll":
        pytest.skip("only for epoll")
    assert "eventpoll" in os.readlink(f"/proc/self/fd/{loop.fileno()}")
    assert core.loop("select", default=False).fileno() is None


def test_flags_are_names_or_numbers():
    assert core.loop("select", default=False).backend == "select"
    assert core.loop(["poll", "noenv"], default=False).backend_int == core.BACKEND_POLL
    for wrong, error in ((["port", "blabla"], ValueError), (object(), TypeError), ("kqueue", ValueError)):
        with pytest.raises(error):
            core.loop(wrong, default=False)


def test_debug_tells_what_is_waited_for(loop, pipe):
    watcher = loop.io(pipe[0], core.READ)
    watcher.start(print)
    assert any("fd=%d" % pipe[0] in line and "active" in line for line in loop.debug())


def test_a_loop_provides_what_its_interface_says(loop):
    from zope.interface.verify import verifyObject

    verifyObject(core.ILoop, loop)
    verifyObject(core.ICallback, loop.run_callback(print))


# -- signals, forks, threads --


def test_control_c_reaches_a_sleeping_loop():
    result = run_script("""
        import os, signal, threading
        from gevent import core
        loop = core.loop(default=False)
        far = loop.timer(60)
        far.start(print)

        class Errors:
            def handle_error(self, context, type, value, tb):
                print(context, type.__name__)
                far.stop()

        loop.error_handler = Errors()
        loop.run_callback(threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start)
        loop.run()
    """)
    assert result.stdout.split() == ["None", "KeyboardInterrupt"], result.stderr


def test_after_a_fork_the_loop_goes_on_in_both_processes():
    result = run_script("""
        import os
        from gevent import core
        loop = core.loop(default=False)
        reading, writing = os.pipe()
        forked = []
        watcher = loop.fork(ref=False)
        watcher.start(lambda: forked.append(os.getpid()))
        io = loop.io(reading, core.READ)
        io.start(lambda: (forked.append(os.read(reading, 1)), io.stop()))
        loop.run(nowait=True)
        pid = os.fork()
        if pid == 0:
            io.stop()
            timer = loop.timer(0.001)
            timer.start(lambda: None)
            loop.run()
            os._exit(0 if forked == [os.getpid()] else 1)
        assert os.waitpid(pid, 0)[1] == 0
        os.write(writing, b"x")
        loop.run()
        assert forked == [b"x"], forked
    """)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("in_gevent", [False, True])
def test_a_daemon_thread_s_loop_does_not_disturb_the_exit(in_gevent):
    """Python up to 3.13 ends such threads by unwinding their C stacks."""
    result = run_script(f"""
        import threading
        from gevent import core
        started = threading.Event()

        def work():
            if {in_gevent}:
                import gevent
                def spin():
                    while True:
                        gevent.sleep(0.00001)
                gevent.spawn(spin)
                started.set()
                gevent.sleep(1000)
            loop = core.loop(default=False)
            timer = loop.timer(0, 0.00001)
            timer.start(started.set)
            loop.run()

        threading.Thread(target=work, daemon=True).start()
        started.wait()
    """)
    assert result.returncode == 0, result.stderr


# -- leaks --


def _use_everything(loop, reading):
    for make in (
        lambda: loop.timer(60),
        lambda: loop.io(reading, core.READ),
        lambda: loop.idle(),
        lambda: loop.prepare(),
        lambda: loop.check(),
        lambda: loop.fork(),
        lambda: loop.async_(),
        lambda: loop.signal(signal.SIGUSR2),
        lambda: loop.stat("/"),
        lambda: loop.child(os.getpid()),
    ):
        watcher = make()
        watcher.start(print, watcher)
        watcher.stop()
        watcher.feed(1, lambda *_: None, watcher)
        loop.run(nowait=True)
        watcher.start(print, watcher)
        watcher.close()
    fired = loop.timer(0)
    fired.start(lambda *_: None, fired)
    stopped = loop.run_callback(print, fired)
    stopped.stop()
    loop.run_callback(lambda *_: None, stopped)
    loop.run()
    core.loop(default=False).destroy()


def test_nothing_is_left_behind(loop, pipe):
    for _ in range(20):
        _use_everything(loop, pipe[0])
    gc.collect()
    gc.disable()
    try:
        none_before, descriptors_before = sys.getrefcount(None), len(os.listdir("/dev/fd"))
        loop_before = sys.getrefcount(loop)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            _use_everything(loop, pipe[0])
        grown = tracemalloc.get_traced_memory()[0] - before
        assert grown < 20_000, grown
        assert sys.getrefcount(loop) == loop_before
        assert abs(sys.getrefcount(None) - none_before) < 50
        assert len(os.listdir("/dev/fd")) == descriptors_before
    finally:
        tracemalloc.stop()
        gc.enable()
