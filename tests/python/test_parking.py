"""How greenlets wait and hand over to each other."""

import platform
import sys

import greenlet
import pytest
from scripts import run_script

import gevent
from gevent.event import Event
from gevent.exceptions import BlockingSwitchOutError, InvalidSwitchError


def test_greenlets_that_yield_take_turns_in_order():
    seen = []

    def run(name):
        for turn in range(3):
            seen.append((turn, name))
            gevent.sleep(0)

    gevent.joinall([gevent.spawn(run, name) for name in "abc"], timeout=10)
    assert seen == [(turn, name) for turn in range(3) for name in "abc"]


def test_hand_over_goes_from_greenlet_to_greenlet_without_the_hub():
    switches = []

    def run():
        for _ in range(3):
            gevent.sleep(0)

    greenlets = [gevent.spawn(run) for _ in range(2)]
    gevent.sleep(0)  # both have begun
    greenlet.settrace(lambda event, pair: switches.append(pair))
    try:
        gevent.joinall(greenlets, timeout=10)
    finally:
        greenlet.settrace(None)
    assert (greenlets[0], greenlets[1]) in switches or (greenlets[1], greenlets[0]) in switches


def test_a_hub_that_is_asked_to_sees_every_switch():
    switches = []
    hub = gevent.get_hub()

    def run():
        for _ in range(3):
            gevent.sleep(0)

    greenlets = [gevent.spawn(run) for _ in range(2)]
    hub.require_hub_passes()
    greenlet.settrace(lambda event, pair: switches.append(pair))
    try:
        gevent.joinall(greenlets, timeout=10)
    finally:
        greenlet.settrace(None)
        hub.release_hub_passes()
    assert switches
    assert all(hub in pair for pair in switches)


def test_io_gets_its_turn_although_greenlets_keep_yielding():
    import os

    reader, writer = os.pipe()
    os.write(writer, b"x")
    seen = []
    try:
        waiting = gevent.spawn(lambda: seen.append(gevent.get_hub().wait(gevent.get_hub().loop.io(reader, 1))))
        turns = 0
        while not seen:
            gevent.sleep(0)
            turns += 1
            assert turns < 100_000, "a readable descriptor was never looked at"
        waiting.join()
    finally:
        os.close(reader)
        os.close(writer)


def test_a_timer_gets_its_turn_although_greenlets_keep_yielding():
    fired = []
    timer = gevent.get_hub().loop.timer(0.001)
    timer.start(fired.append, True)
    with gevent.Timeout(10):
        while not fired:
            gevent.sleep(0)
    timer.close()


def test_waiting_in_a_callback_of_the_hub_is_refused():
    seen = []

    def callback():
        try:
            gevent.sleep(0.001)
        except BlockingSwitchOutError as error:
            seen.append(str(error))

    gevent.get_hub().loop.run_callback(callback)
    gevent.sleep(0)
    assert seen == ["Impossible to call blocking function in the event loop callback"]


def test_a_switch_by_somebody_who_did_not_wake_it_is_an_error_in_the_waiter():
    seen = []

    def wait():
        try:
            Event().wait()
        except InvalidSwitchError as error:
            seen.append(str(error))

    waiting = gevent.spawn_raw(wait)
    gevent.sleep(0)
    gevent.get_hub().loop.run_callback(waiting.switch, "surprise")
    gevent.sleep(0)
    assert len(seen) == 1
    assert "surprise" in seen[0]


def test_a_killed_sleeper_is_not_resumed_by_its_timer():
    ended = []

    def sleep():
        try:
            gevent.sleep(0.005)
        finally:
            ended.append("sleep")
        ended.append("never")

    sleeper = gevent.spawn(sleep)
    gevent.sleep(0)
    sleeper.kill()
    gevent.sleep(0.005)  # begins after the other, so that one's timer would have been due before
    assert ended == ["sleep"]


def test_a_greenlet_killed_after_its_wake_up_and_before_its_turn_does_not_run_on():
    event = Event()
    after = []

    def wait():
        event.wait()
        after.append(True)

    waiter = gevent.spawn(wait)
    gevent.sleep(0)
    gevent.get_hub().loop.run_callback(waiter.throw, gevent.GreenletExit)
    event.set()
    waiter.join(timeout=10)
    assert isinstance(waiter.value, gevent.GreenletExit) or after == [True]
    assert waiter.dead


@pytest.mark.parametrize("seconds", ["soon", None])
def test_sleep_wants_a_number(seconds):
    with pytest.raises(TypeError):
        gevent.sleep(seconds)


def test_a_wait_that_nothing_can_end_is_a_loop_exit():
    result = run_script(
        """
        import gevent
        from gevent.event import Event
        try:
            Event().wait()
        except gevent.exceptions.LoopExit as error:
            print("This operation would block forever" in str(error))
        """
    )
    assert result.stdout == "True\n"


def test_data_stack_chunks_are_kept_for_the_next_greenlets():
    from gevent._native.hub import idle_chunks

    if sys.version_info < (3, 11):
        pytest.skip("before 3.11 a greenlet has no data-stack chunk of its own")
    gevent.joinall([gevent.spawn(gevent.sleep, 0) for _ in range(200)], timeout=10)
    assert 0 < idle_chunks() <= 4096


def test_the_chunk_cache_can_be_switched_off():
    code = """
        import gevent
        from gevent._native.hub import idle_chunks
        gevent.joinall([gevent.spawn(gevent.sleep, 0) for _ in range(50)], timeout=10)
        print(idle_chunks())
        """
    assert run_script(code, env={"GEVENT_CHUNK_CACHE": "0"}).stdout == "0\n"


KEPT_STACKS = """
    import gevent
    from gevent._native.hub import kept_stacks
    gevent.joinall([gevent.spawn(gevent.sleep, 0) for _ in range(50)], timeout=10)
    print(kept_stacks())
    """


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it stands in front of glibc's allocator, and no other")
def test_memory_of_stacks_that_were_put_away_is_kept_for_the_next():
    assert 0 < int(run_script(KEPT_STACKS, env={"PYTHONMALLOC": "default"}).stdout) <= 128


@pytest.mark.parametrize("setting", ("GEVENT_STACK_CACHE=0", "PYTHONMALLOC=debug", "PYTHONTRACEMALLOC=1"))
def test_the_stack_cache_can_be_switched_off_and_gives_way_to_who_counts_memory(setting):
    name, value = setting.split("=")
    assert run_script(KEPT_STACKS, env={name: value}).stdout == "0\n"


def test_what_tracemalloc_counts_is_right_with_kept_stacks():
    code = """
        import tracemalloc, gevent
        from gevent.event import Event
        def wave():
            event = Event()
            waiting = [gevent.spawn(event.wait) for _ in range(100)]
            gevent.sleep(0)
            event.set()
            gevent.joinall(waiting, timeout=10)
        wave()
        for _ in range(3):
            tracemalloc.start()
            wave()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(20):
                wave()
            print(tracemalloc.get_traced_memory()[0] - before < 20000)
            tracemalloc.stop()
            wave()
        """
    assert run_script(code).stdout == "True\nTrue\nTrue\n"


def test_waiting_and_waking_leaks_no_memory():
    result = run_script(
        """
        import gevent, resource
        from gevent.event import Event

        def rounds(count):
            for _ in range(count):
                event = Event()
                greenlets = [gevent.spawn(event.wait, 10) for _ in range(50)]
                gevent.sleep(0)
                event.set()
                gevent.joinall(greenlets)

        rounds(100)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rounds(1000)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        """
    )
    assert int(result.stdout) < 2000  # KiB, after 50,000 greenlets
