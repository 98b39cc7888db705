"""The event loop as Python sees it: watchers, queued callbacks, errors, threads, forks, ends."""

import gc
import os
import signal
import sys
import threading
import tracemalloc

import pytest
from scripts import run_script

from gevent import core


class Errors:
    """Stands where a hub would."""

    def __init__(self, loop):
        self.seen = []
        loop.error_handler = self

    def handle_error(self, context, type, value, tb):
        self.seen.append((context, type))


def test_a_loop_is_not_made_from_the_address_of_another(loop):
    if hasattr(core, "supported_backends") and core.LIBEV_EMBED:
        with pytest.raises(ValueError, match="address of another"):
            core.loop(default=False, ptr=loop.ptr)
        core.loop(default=False, ptr=0).destroy()
    assert getattr(core.loop, "async") is core.loop.async_


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
    # Forks are noticed whether one asks for it or not.
    assert core.loop("select,forkcheck", default=False).origflags == ["select", "noenv", "forkcheck"]
    assert core.loop("select", default=False).origflags_int == core.BACKEND_SELECT | core.NOENV | core.FORKCHECK
    assert core.loop(["poll", "noenv"], default=False).backend_int == core.BACKEND_POLL
    for wrong, error in ((["port", "blabla"], ValueError), (object(), TypeError), ("kqueue", ValueError)):
        with pytest.raises(error):
            core.loop(wrong, default=False)


def test_debug_tells_what_is_waited_for(loop, pipe):
    watcher = loop.io(pipe[0], core.READ)
    watcher.start(print)
    assert any(f"fd={pipe[0]}" in line and "active" in line for line in loop.debug())


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


def test_a_loop_that_finds_no_descriptor_says_so_as_anything_else_does():
    code = """
        import errno, os, resource
        import gevent, gevent.event
        from gevent import get_hub

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        for spare in range(4):
            held = []
            while True:
                try:
                    held.append(os.dup(0))
                except OSError:
                    break
            for _ in range(spare):
                os.close(held.pop())
            try:
                get_hub().destroy(destroy_loop=True)
                gevent.sleep(0)
            except OSError as error:
                assert error.errno == errno.EMFILE, error
                print(spare)
            for fd in held:
                os.close(fd)
            gevent.sleep(0)
        """
    assert run_script(code).stdout.startswith("0\n")


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
