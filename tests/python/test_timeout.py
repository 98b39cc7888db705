"""Timeouts: when they expire, where they are raised, and where they are not."""

import gc
import os
import time
import weakref

import pytest
from scripts import run_script

import gevent
from gevent.timeout import Timeout, with_timeout


class Boom(Exception):
    pass


def test_it_is_raised_where_it_was_started():
    with pytest.raises(Timeout) as caught, Timeout(0.001) as timeout:
        gevent.sleep(10)
    assert caught.value is timeout
    assert not timeout.pending


def test_it_is_not_raised_when_the_block_ends_in_time():
    timeout = Timeout(0.001)
    with timeout:
        assert timeout.pending
    assert not timeout.pending
    gevent.sleep(0.005)


@pytest.mark.parametrize("exception", [Boom, Boom("x")])
def test_it_raises_what_it_was_given(exception):
    with pytest.raises(Boom), Timeout(0.001, exception):
        gevent.sleep(10)


def test_false_makes_the_block_swallow_its_own_timeout_only():
    with Timeout(0.001, False) as timeout:
        gevent.sleep(10)
    assert str(timeout) == "0.001 seconds (silent)"
    other = Timeout(5)
    with pytest.raises(Timeout) as caught, Timeout(10, False):
        raise other
    assert caught.value is other


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), ""),
        ((1,), "1 second"),
        ((0.5,), "0.5 seconds"),
        ((2, "too slow"), "2 seconds: too slow"),
        ((2, False), "2 seconds (silent)"),
        ((2, KeyError), "2 seconds: <class 'KeyError'>"),
    ],
)
def test_its_text_says_how_long(arguments, text):
    assert str(Timeout(*arguments)) == text


def test_timeouts_are_ordered_by_their_seconds():
    short, long = Timeout(1), Timeout(2)
    assert sorted([long, short]) == [short, long]
    assert max(short, long) is long
    assert short < 1.5
    with pytest.raises(TypeError):
        Timeout() < short  # noqa: B015
    assert len({short, long, Timeout(1)}) == 3, "equal is only what is the same"


def test_without_seconds_it_never_expires():
    timeout = Timeout()
    timeout.start()
    assert not timeout.pending
    with Timeout(None):
        gevent.sleep(0)
    assert not Timeout.start_new(None).pending
    dummy = Timeout._start_new_or_dummy(None)
    with dummy:
        assert not dummy.pending
    dummy.cancel()
    dummy.close()


def test_zero_and_less_expire_at_the_next_turn():
    for seconds in (0, -1):
        with pytest.raises(Timeout), Timeout(seconds):
            gevent.sleep(10)


def test_the_time_counts_from_the_start_and_not_from_when_the_loop_last_looked_at_its_clock():
    begin = time.perf_counter()
    while time.perf_counter() < begin + 0.05:
        pass
    with Timeout(0.04):
        gevent.sleep(0.001)


def test_it_can_be_cancelled_and_started_again_but_not_after_close():
    timeout = Timeout(0.001)
    timeout.start()
    with pytest.raises(AssertionError, match="already started"):
        timeout.start()
    timeout.cancel()
    timeout.start()
    with pytest.raises(Timeout):
        gevent.sleep(10)
    timeout.start()
    timeout.close()
    with pytest.raises(AssertionError):
        timeout.start()


def test_the_inner_one_goes_through_the_outer_and_the_outer_through_the_inner():
    with Timeout(10) as outer:
        with pytest.raises(Timeout) as caught, Timeout(0.001) as inner:
            gevent.sleep(10)
        assert caught.value is inner
        assert outer.pending
    with pytest.raises(Timeout) as caught, Timeout(0.001) as outer, Timeout(10) as inner:
        gevent.sleep(10)
    assert caught.value is outer
    assert not inner.pending


def test_a_greenlet_that_has_ended_is_left_alone():
    errors = []
    hub = gevent.get_hub()
    hub.handle_error = lambda *details: errors.append(details)
    try:
        ended = [gevent.spawn(lambda: Timeout(0.001).start()), gevent.spawn_raw(lambda: Timeout(0.001).start())]
        gevent.sleep(0.01)
    finally:
        del hub.handle_error
    assert errors == []
    assert all(greenlet.dead for greenlet in ended)


def test_it_is_kept_while_it_is_pending_and_not_longer():
    timeout = Timeout(0.001)
    timeout.start()
    reference = weakref.ref(timeout)
    del timeout
    gc.collect()
    assert reference() is not None
    with pytest.raises(Timeout):
        gevent.sleep(10)
    gevent.idle()  # the hub, which stopped in the middle of raising it, goes on
    gc.collect()
    assert reference() is None
    timeout = Timeout(10)
    timeout.start()
    timeout.close()
    reference = weakref.ref(timeout)
    del timeout
    assert reference() is None


def test_what_it_shall_raise_is_let_go_with_it():
    error = Boom()
    reference = weakref.ref(error)
    with Timeout(10, error):
        pass
    del error
    assert reference() is None


def test_a_subclass_has_attributes_and_a_say_when_it_expires():
    seen = []

    class Mine(Timeout):
        def __init__(self, seconds, *, name):
            super().__init__(seconds)
            self.name = name

        def _on_expiration(self, prev_greenlet, ex):
            seen.append((prev_greenlet, ex))
            super()._on_expiration(prev_greenlet, ex)

    with pytest.raises(Mine) as caught, Mine(0.001, name="mine") as timeout:
        gevent.sleep(10)
    assert caught.value is timeout
    assert timeout.name == "mine"
    assert timeout.args == ()
    assert seen == [(gevent.getcurrent(), timeout)]


def test_what_cannot_be_raised_is_reported_by_the_hub():
    errors = []
    hub = gevent.get_hub()
    hub.handle_error = lambda context, kind, value, traceback: errors.append((context, kind))
    try:
        timeout = Timeout(0.001, object())
        timeout.start()
        gevent.sleep(0.01)
    finally:
        del hub.handle_error
    assert errors == [(timeout, TypeError)]


def test_one_that_is_not_ref_does_not_keep_the_loop_running():
    run_script("""
        import gevent
        gevent.Timeout(60, ref=False).start()
        gevent.wait()
    """)


def test_the_one_with_the_higher_priority_expires_first():
    # Both are due when the loop looks again.
    low, high = Timeout(0.001, priority=-2), Timeout(0.002, priority=1)
    low.start()
    high.start()
    begin = time.perf_counter()
    while time.perf_counter() < begin + 0.01:
        pass
    with pytest.raises(Timeout) as caught:
        gevent.sleep(10)
    assert caught.value is high
    low.close()


def test_its_timer_shows_and_ends_it():
    timeout = Timeout(10, ref=False, priority=0)
    timeout.start()
    timer = timeout.timer
    assert (timer.pending, timer.ref, timer.priority) == (True, False, 0)
    timer.stop()
    assert not timeout.pending


def test_arguments_have_the_same_meaning_by_name():
    timeout = Timeout(exception=Boom, seconds=3)
    assert (timeout.seconds, timeout.exception) == (3, Boom)
    with pytest.raises(TypeError):
        Timeout("soon")
    with pytest.raises(TypeError):
        Timeout(1, nonsense=2)
    with pytest.raises(TypeError):
        Timeout(1, 2, True, -1, False, 6)


def test_a_class_or_an_instance_may_be_raised_by_hand():
    with pytest.raises(Timeout) as caught:
        raise Timeout
    assert not caught.value.pending
    assert not issubclass(Timeout, Exception)


def test_with_timeout_returns_raises_or_gives_the_value():
    assert with_timeout(10, lambda *args, **kwargs: (args, kwargs), 1, a=2) == ((1,), {"a": 2})
    assert with_timeout(None, lambda: 3) == 3
    assert with_timeout(0.001, gevent.sleep, 10, timeout_value="late") == "late"
    with pytest.raises(Timeout):
        with_timeout(0.001, gevent.sleep, 10)

    def others():
        with Timeout(0.001):
            gevent.sleep(10)

    with pytest.raises(Timeout):
        with_timeout(10, others, timeout_value="mine")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_it_expires_in_a_forked_child_too():
    run_script("""
        import os
        import gevent
        with gevent.Timeout(0.02, False):
            pid = os.fork()
            gevent.sleep(10)
        if pid:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        else:
            os._exit(0)
    """)


@pytest.mark.parametrize("patched", [False, True])
def test_a_limit_that_is_no_number_at_all_is_refused(patched):
    """As the standard library's locks refuse it: it would never be over."""
    run_script(f"""
        import math, threading, time
        if {patched}:
            from gevent import monkey; monkey.patch_all()
        import gevent.event, gevent.lock, gevent.queue
        taken = gevent.lock.Semaphore(0)
        seen = []
        waits = [
            lambda: taken.acquire(timeout=math.nan),
            lambda: gevent.event.Event().wait(math.nan),
            lambda: gevent.event.AsyncResult().get(timeout=math.nan),
            lambda: gevent.sleep(math.nan),
            lambda: time.sleep(math.nan),
        ]
        def refused():
            for wait in waits:
                try:
                    wait()
                except ValueError:
                    seen.append(wait)
        refused()
        thread = threading.Thread(target=refused)
        thread.start()
        thread.join()
        assert len(seen) == 2 * len(waits), [waits.index(wait) for wait in seen]
    """)
