"""Greenlets: starting, ending, linking, killing, and where they came from."""

import gc
import threading
import traceback
import weakref

import pytest
from scripts import run_script

import gevent
from gevent.event import Event


class Boom(Exception):
    pass


def test_spawned_greenlets_begin_in_the_order_of_their_spawning():
    seen = []
    gevent.joinall([gevent.spawn(seen.append, i) for i in range(5)], timeout=10)
    assert seen == list(range(5))


def test_joinall_returns_the_first_ended_first():
    slow = gevent.spawn(gevent.sleep, 0.02)
    fast = gevent.spawn(gevent.sleep, 0)
    assert gevent.joinall([slow, fast], timeout=10) == [fast, slow]


def test_joinall_with_a_count_returns_when_so_many_have_ended():
    never = gevent.spawn(gevent.sleep, 60)
    quick = [gevent.spawn(gevent.sleep, 0) for _ in range(3)]
    assert len(gevent.joinall([never, *quick], count=2, timeout=10)) >= 2
    assert not never.ready()
    never.kill()


def test_joinall_returns_what_ended_in_time():
    never = gevent.spawn(gevent.sleep, 60)
    quick = gevent.spawn(gevent.sleep, 0)
    assert gevent.joinall([never, quick], timeout=0.02) == [quick]
    never.kill()


def test_a_greenlet_killed_in_joinall_leaves_the_others_lines():
    never = [gevent.spawn(gevent.sleep, 60) for _ in range(3)]
    joiner = gevent.spawn(gevent.joinall, never)
    gevent.sleep(0)
    joiner.kill()
    gevent.killall(never)
    assert all(g.dead for g in never)


def test_get_raises_what_the_greenlet_raised():
    def fail():
        raise Boom("here")

    failing = gevent.spawn(fail)
    failing.parent.handle_error = lambda *args: None
    try:
        with pytest.raises(Boom, match="here"):
            failing.get(timeout=10)
        assert failing.exc_info[0] is Boom
    finally:
        del gevent.get_hub().handle_error


def test_get_without_blocking_raises_timeout():
    sleeper = gevent.spawn(gevent.sleep, 60)
    with pytest.raises(gevent.Timeout):
        sleeper.get(block=False)
    sleeper.kill()


def test_the_same_timeout_object_comes_out_of_get():
    sleeper = gevent.spawn(gevent.sleep, 60)
    timeout = gevent.Timeout(0.001)
    with pytest.raises(gevent.Timeout) as raised:
        sleeper.get(timeout=timeout)
    assert raised.value is timeout
    sleeper.kill()


def test_a_greenlet_killed_before_it_began_never_begins():
    seen = []
    victim = gevent.spawn(seen.append, 1)
    victim.kill()
    gevent.sleep(0.001)
    assert seen == []
    assert isinstance(victim.get(), gevent.GreenletExit)


def test_a_greenlet_started_by_hand_is_not_started_again_by_the_loop():
    seen = []
    started = gevent.spawn(seen.append, 1)
    gevent.get_hub().loop.run_callback(started.switch)
    gevent.sleep(0)
    gevent.sleep(0)
    assert seen == [1]


def test_a_greenlet_of_another_thread_can_be_joined_and_killed():
    ready, victims = threading.Event(), []

    def other_thread():
        victims.append(gevent.spawn(gevent.sleep, 60))
        ready.set()
        victims[0].join()
        gevent.get_hub().destroy(destroy_loop=True)

    thread = threading.Thread(target=other_thread)
    thread.start()
    assert ready.wait(10)
    victims[0].kill(timeout=10)
    thread.join(10)
    assert not thread.is_alive()
    assert isinstance(victims[0].value, gevent.GreenletExit)


def test_links_are_called_in_order_and_once():
    seen = []
    greenlet = gevent.spawn(lambda: None)
    for name in "abc":
        greenlet.rawlink(lambda source, name=name: seen.append((name, source)))
    greenlet.join()
    gevent.sleep(0)
    assert seen == [(name, greenlet) for name in "abc"]


def test_a_link_made_after_the_end_is_called_too():
    greenlet = gevent.spawn(lambda: None)
    greenlet.join()
    called = Event()
    greenlet.link(lambda source: called.set())
    assert called.wait(10)


def test_spawning_stack_shows_the_line_that_spawned():
    greenlet = gevent.spawn(lambda: None)  # this line
    lines = traceback.format_stack(greenlet.spawning_stack)
    assert "# this line" in lines[-1]
    greenlet.join()


def test_the_spawning_stack_can_be_switched_off():
    code = """
        import gevent
        greenlet = gevent.spawn(lambda: None)
        print(greenlet.spawning_stack, greenlet.spawning_greenlet)
        greenlet.join()
        """
    assert run_script(code, env={"GEVENT_TRACK_GREENLET_TREE": "0"}).stdout == "None None\n"


def test_a_raw_greenlet_tells_where_it_comes_from_and_its_class_does_not():
    raw = gevent.spawn_raw(lambda: None)  # this line
    assert raw.spawning_greenlet() is gevent.getcurrent()
    assert raw.spawn_tree_locals == {}
    assert "# this line" in traceback.format_stack(raw.spawning_stack)[-1]
    raw.spawn_tree_locals = shared = {"a": 1}
    assert raw.spawn_tree_locals is shared
    assert not any(hasattr(type(raw), name) for name in ("spawning_greenlet", "spawning_stack", "spawn_tree_locals"))
    with pytest.raises(AttributeError, match="'TrackedRawGreenlet' object has no attribute 'loop'"):
        raw.loop  # noqa: B018
    gevent.sleep(0)


def test_an_ended_greenlet_is_freed_with_what_it_ran():
    class Argument:
        pass

    argument = Argument()
    alive = weakref.ref(argument)
    greenlet = gevent.spawn(lambda given: None, argument)
    greenlet.join()
    del argument
    gc.collect()
    assert alive() is None
    gone = weakref.ref(greenlet)
    del greenlet
    gc.collect()
    assert gone() is None


def test_errors_nobody_catches_are_printed_with_their_greenlet():
    result = run_script(
        """
        import gevent
        def fail():
            raise ValueError("the reason")
        gevent.spawn(fail).join()
        """
    )
    assert "ValueError: the reason" in result.stderr
    assert "fail> failed with ValueError" in result.stderr


def test_system_exit_in_a_greenlet_ends_the_program():
    result = run_script("import gevent, sys\ngevent.spawn(sys.exit, 7).join()", check=False)
    assert result.returncode == 7


def test_keyboard_interrupt_reaches_the_main_greenlet():
    result = run_script(
        """
        import gevent, os, signal
        gevent.get_hub().loop.timer(0.01).start(os.kill, os.getpid(), signal.SIGINT)
        try:
            gevent.sleep(30)
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    assert result.stdout == "interrupted\n"


def test_spawning_and_joining_leaks_nothing():
    result = run_script(
        """
        import gc, gevent, resource
        def rounds(count):
            for _ in range(count):
                gevent.joinall([gevent.spawn(lambda x: x, i) for i in range(100)])
                for i in range(100):
                    gevent.spawn_raw(lambda x: x, i)
                gevent.sleep(0)
        rounds(50)
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rounds(500)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        """
    )
    assert int(result.stdout) < 2000  # KiB, after 100,000 greenlets
