"""Hubs: what becomes of errors nobody caught, of a destroyed hub's greenlets, and of waits that nothing can end."""

import os
import signal

import pytest
from scripts import run_script

import gevent
from gevent.event import AsyncResult, Event
from gevent.lock import Semaphore
from gevent.queue import Queue

# -- errors nobody caught --


@pytest.fixture
def errors():
    """What the hub is told of: [(context, exception)]."""
    hub, seen = gevent.get_hub(), []
    hub.handle_error = lambda context, kind, error, traceback: seen.append((context, error))
    yield seen
    del hub.handle_error


class Mistake(Exception):
    pass


def fails(*_):
    raise Mistake


def once(watcher):
    """Start `watcher`, whose callback fails and may be called again and again; stop it after the first time."""

    def stop_and_fail(*_):
        watcher.stop()
        raise Mistake

    watcher.start(stop_and_fail)


def of_queued_callback(hub):
    hub.loop.run_callback(fails)


def of_timer(hub):
    hub.loop.timer(0).start(fails)


def of_descriptor(hub):
    reading, writing = os.pipe()
    os.write(writing, b"x")
    hub.loop.io(reading, 1).start(fails)


def of_idle_prepare_and_check(hub):
    for watcher in (hub.loop.idle(), hub.loop.prepare(), hub.loop.check()):
        once(watcher)


def of_async(hub):
    watcher = hub.loop.async_()
    once(watcher)
    watcher.send()


def of_signal(hub):
    once(hub.loop.signal(signal.SIGUSR1))
    os.kill(os.getpid(), signal.SIGUSR1)


def of_child(hub):
    hub.loop.child(os.spawnlp(os.P_NOWAIT, "true", "true")).start(fails)


def of_links(hub):
    event, result, semaphore = Event(), AsyncResult(), Semaphore(0)
    for source in (event, result, semaphore):
        source.rawlink(fails)
    event.set()
    result.set(None)
    semaphore.release()
    ended = gevent.spawn(int)
    ended.rawlink(fails)
    ended.link(fails)


def of_greenlets(hub):
    gevent.spawn(fails)
    gevent.spawn_raw(fails)
    gevent.spawn_later(0, fails)


@pytest.mark.parametrize(
    ("cause", "count"),
    [
        (of_queued_callback, 1),
        (of_timer, 1),
        (of_descriptor, 1),
        (of_idle_prepare_and_check, 3),
        (of_async, 1),
        (of_signal, 1),
        (of_child, 1),
        (of_links, 5),
        (of_greenlets, 3),
    ],
)
def test_the_hub_is_told_of_every_error_in_what_it_calls(cause, count, errors):
    cause(gevent.get_hub())
    with gevent.Timeout(10):
        while len(errors) < count:
            gevent.sleep(0.001)
    gevent.sleep(0.001)
    assert [type(error) for _, error in errors] == [Mistake] * count
    assert all(context is not None for context, _ in errors)


# What a process prints whose handler fails as well; `how` makes it fail.
FAILING_HANDLER = """
    import sys, gevent
    def fails(): raise ValueError("the cause")
    hub = gevent.get_hub()
    def broken(*arguments): raise KeyError("the handler")
    setattr(hub, sys.argv[1], broken)
    hub.loop.run_callback(fails)
    hub.loop.timer(0).start(fails)
    gevent.spawn(fails)
    gevent.spawn_raw(fails)
    gevent.sleep(0.01)
    print("went on")
"""


@pytest.mark.parametrize("broken", ["handle_error", "print_exception"])
def test_a_handler_that_fails_hides_neither_its_own_error_nor_the_first(broken):
    result = run_script(FAILING_HANDLER, broken)
    assert result.stdout == "went on\n"
    assert result.stderr.count("ValueError: the cause") >= 4
    assert result.stderr.count("KeyError: 'the handler'") >= 4


@pytest.mark.parametrize("loop", ["libev", "libuv"])
@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
def test_an_error_that_ends_the_program_reaches_the_main_greenlet_out_of_a_handler(error, loop):
    result = run_script(
        """
        import sys, gevent
        error = getattr(__builtins__, sys.argv[1])
        def fails(): raise ValueError("the cause")
        def handle_error(*arguments): raise error
        hub = gevent.get_hub()
        hub.handle_error = handle_error
        for cause in (hub.loop.run_callback, gevent.spawn):
            cause(fails)
            try:
                gevent.sleep(1)
            except error:
                print("stopped")
        """,
        error,
        env={"GEVENT_LOOP": loop},
    )
    assert result.stdout == "stopped\n" * 2
    assert "ValueError: the cause" in result.stderr


BROKEN_STREAM = """
    import sys, gevent
    class Broken:
        def write(self, text): raise RuntimeError("no more ink")
        def flush(self): pass  # or the interpreter complains at its end
    sys.stderr = Broken()
    def fails(): raise {error}("the cause")
    gevent.get_hub().loop.run_callback(fails)
    try:
        gevent.sleep(0.01)
    except SystemError:
        print("stopped")
"""


@pytest.mark.parametrize(("error", "printed"), [("ValueError", ""), ("SystemError", "stopped\n")])
def test_a_broken_standard_error_hides_no_error(error, printed):
    result = run_script(BROKEN_STREAM.format(error=error))
    assert result.stdout == printed
    assert f"{error}: the cause" in result.stderr


def test_a_hub_may_have_its_own_words_for_what_an_error_is_reported_for(capsys):
    hub = gevent.get_hub()
    configured = hub.format_context
    hub.format_context = lambda context: "in words of its own"
    hub.handle_error(hub, Mistake, Mistake("once"), None)
    hub.format_context = None
    assert hub.format_context is configured
    assert "in words of its own failed with Mistake" in capsys.readouterr().err


def test_what_cannot_be_printed_is_still_reported(capsys):
    class Unprintable:
        def __call__(self):
            raise Mistake

        def __repr__(self):
            raise RuntimeError("no words for it")

    gevent.get_hub().loop.run_callback(Unprintable())
    gevent.spawn(Unprintable()).join()
    printed = capsys.readouterr().err
    assert printed.count("failed with Mistake") == 2


def test_a_greenlet_below_another_one_is_reported_too(errors):
    failing = gevent.Greenlet(fails)
    failing.parent = gevent.getcurrent()
    failing.switch()
    assert [(context, type(error)) for context, error in errors] == [(failing, Mistake)]


def test_a_hub_can_be_ended_while_it_hands_an_error_to_the_main_greenlet():
    result = run_script(
        """
        import gevent
        def fails(): raise SystemExit
        gevent.get_hub().loop.run_callback(fails)
        try:
            gevent.sleep(1)
        except SystemExit:
            gevent.get_hub().destroy()
        print(gevent.spawn(str, "next").get())
        """
    )
    assert (result.stdout, result.stderr) == ("next\n", "")


# -- destroying --


@pytest.mark.parametrize("loop", ["libev", "libuv"])
def test_greenlets_that_wait_in_a_loop_that_stays_go_on_under_the_next_hub(loop):
    result = run_script(
        """
        import gevent
        from gevent import socket
        from gevent.event import Event

        event, seen = Event(), []
        one, other = socket.socketpair()
        old = gevent.get_hub()

        def waits_for_event():
            event.wait()
            seen.append("event")

        def waits_for_watcher():
            old.wait(old.loop.timer(0.001))
            seen.append("watcher")

        def waits_for_data():
            seen.append(one.recv(1))

        greenlets = [gevent.spawn(f) for f in (waits_for_event, waits_for_watcher, waits_for_data)]
        greenlets.append(gevent.spawn(gevent.sleep, 0.001))
        gevent.sleep(0)
        greenlets.append(gevent.spawn(seen.append, "begun"))
        old.destroy(destroy_loop=False)
        event.set()
        other.send(b"x")
        gevent.sleep(0.001)
        assert gevent.get_hub() is not old
        gevent.get_hub().destroy(destroy_loop=False)
        gevent.joinall(greenlets, timeout=10, raise_error=True)
        gevent.sleep(0.001)  # those who ended have not switched to this greenlet, which waits for something else
        print(sorted(map(str, seen)))
        """,
        env={"GEVENT_LOOP": loop},
    )
    assert result.stdout == "[\"b'x'\", 'begun', 'event', 'watcher']\n"
    assert result.stderr == ""


def test_a_greenlet_may_destroy_its_own_hub_while_the_main_one_waits():
    result = run_script(
        """
        import gevent

        def destroys():
            gevent.get_hub().destroy(destroy_loop=False)
            gevent.sleep(0.001)
            return "went on"

        destroyer = gevent.spawn(destroys)
        destroyer.join()
        print(destroyer.value)
        """
    )
    assert result.stdout == "went on\n"


@pytest.mark.parametrize("loop", ["libev", "libuv"])
def test_waking_greenlets_whose_loop_is_gone_does_nothing(loop):
    result = run_script(
        """
        import gevent
        from gevent.event import Event
        from gevent.lock import Semaphore

        event, semaphore, seen = Event(), Semaphore(0), []

        def waits(wait):
            wait()
            seen.append(wait)

        for wait in [event.wait, semaphore.acquire] * 50:
            gevent.spawn(waits, wait)
        gevent.sleep(0)
        never_begun = gevent.spawn(waits, event.wait)
        gevent.get_hub().destroy(destroy_loop=True)
        rubble = [bytearray(size) for size in range(16, 4096, 16)]  # where the loop was
        event.set()
        semaphore.release()
        never_begun.kill(block=False)
        gevent.sleep(0.001)
        print(seen, len(rubble))
        """,
        env={"GEVENT_LOOP": loop},
    )
    assert result.stdout == "[] 255\n"


def test_who_waits_in_a_loop_that_is_gone_takes_nothing_from_those_behind():
    result = run_script(
        """
        import gevent
        from gevent.event import Event
        from gevent.lock import Semaphore
        from gevent.queue import Queue

        semaphore, queue = Semaphore(0), Queue()
        for wait in (semaphore.acquire, queue.get):
            gevent.spawn(wait)
        gevent.sleep(0)
        semaphore.release()  # one is on its way already
        gevent.spawn(semaphore.acquire)
        gevent.get_hub().destroy(destroy_loop=True)
        behind = [gevent.spawn(semaphore.acquire) for _ in range(2)] + [gevent.spawn(queue.get)]
        gevent.sleep(0)
        semaphore.release()
        queue.put("item")
        print(len(gevent.joinall(behind, timeout=10)), semaphore.counter, len(queue))
        """
    )
    assert result.stdout == "3 0 0\n"


def test_a_hub_that_never_ran_can_be_destroyed():
    result = run_script(
        """
        import gevent
        gevent.get_hub().destroy()
        print(gevent.spawn(str, "next").get())
        """
    )
    assert result.stdout == "next\n"


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("thread", ["main", "another"])
def test_a_hub_whose_thread_pool_was_used_can_be_destroyed(thread, busy):
    result = run_script(
        f"""
        import time
        import gevent
        from gevent import monkey

        def end_hub():
            hub = gevent.get_hub()
            print(hub.threadpool.apply(str, ("first",)))
            if {busy}:
                hub.threadpool.spawn(time.sleep, 0.05)
                gevent.sleep(0)
            hub.destroy(destroy_loop=True)
            print(gevent.get_hub().threadpool.apply(str, ("next",)))

        if {thread == "main"}:
            end_hub()
        else:
            done = monkey.get_original("_thread", "allocate_lock")()
            done.acquire()
            monkey.get_original("_thread", "start_new_thread")(lambda: (end_hub(), done.release()), ())
            done.acquire(timeout=20)
        """
    )
    assert result.stdout == "first\nnext\n" and result.stderr == ""


# -- waits that nothing can end --


def kinds_of_waiting():
    event, result, queue, semaphore, full = Event(), AsyncResult(), Queue(), Semaphore(0), Queue(1)
    full.put_nowait(None)
    yield "event", event, event.wait
    yield "result", result, result.get
    yield "queue", queue, queue.get
    yield "full queue", full, lambda: full.put(None)
    yield "semaphore", semaphore, semaphore.acquire
    stuck = gevent.spawn(Event().wait)
    yield "greenlet", stuck, stuck.join
    yield "greenlets", [stuck], lambda: gevent.joinall([stuck])
    yield "objects", [event], lambda: gevent.wait([event])
    timer = gevent.get_hub().loop.timer(1, ref=False)
    yield "watcher", timer, lambda: gevent.get_hub().wait(timer)


@pytest.mark.parametrize("index", range(9))
def test_a_loop_exit_names_what_was_waited_for(index):
    # In a process of its own, where nobody else has anything left to do.
    run_script(
        f"""
        import sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import gevent, test_hub
        name, waiting_for, wait = list(test_hub.kinds_of_waiting())[{index}]
        try:
            wait()
        except gevent.exceptions.LoopExit as error:
            assert error.waiting_for == waiting_for, (name, error.waiting_for)
            assert f"Waiting for: {{waiting_for!r}}" in str(error), str(error)
            assert "would block forever" in str(error)
        else:
            raise AssertionError(name)
        """
    )


@pytest.mark.parametrize("loop", ["libev", "libuv"])
@pytest.mark.parametrize("give_up", ["hub.destroy(destroy_loop=True)", "set_hub(None); hub.loop.destroy()"])
def test_a_forked_child_that_gives_its_hub_up_has_nothing_of_the_parents_running(give_up, loop):
    """As gipc does it, five children at a time, from greenlets among others that wait in all sorts of ways."""
    run_script(
        f"""
        import os, gevent
        from gevent import event, socket
        from gevent.hub import get_hub, set_hub
        from gevent.os import fork_and_watch, waitpid

        def child():
            gevent.reinit()
            hub = get_hub()
            {give_up}
            assert get_hub() is not hub and get_hub().loop.default
            ticks = []
            gevent.spawn(lambda: (gevent.sleep(0.01), ticks.append(1))).join()
            gevent.sleep(0.03)
            os._exit(0 if ticks == [1] else 3)

        def others(parent=os.getpid()):
            while True:
                gevent.sleep(0.002)
                if os.getpid() != parent:
                    os._exit(9)

        def start(i):
            gevent.sleep(0.01 * (i % 2))
            pid = fork_and_watch()
            if pid == 0:
                try:
                    child()
                finally:
                    os._exit(1)
            return waitpid(pid, 0)[1]

        pair = socket.socketpair()
        waiting = [gevent.spawn(others), gevent.spawn(pair[0].recv, 1), gevent.spawn(event.Event().wait)]
        started = [gevent.spawn(start, i) for i in range(5)]
        gevent.joinall(started)
        assert [each.value for each in started] == [0] * 5, started
        """,
        env={"GEVENT_LOOP": loop},
    )
