"""Timeout as a class: what programs derive from it and combine it with, and what becomes of its instances."""

import copy
import gc
import pickle
import socket
import subprocess
import weakref

import pytest
from leaks import blocks_left_by

import gevent
from gevent.timeout import Timeout, with_timeout


class Boom(Exception):
    pass


class Slotted(Exception):
    __slots__ = ("first", "second")


class SlottedTimeout(Timeout):
    __slots__ = ("first", "second")


COMBINED = [
    (Timeout, OSError),
    (Timeout, socket.timeout),
    (Timeout, KeyError),
    (Timeout, subprocess.TimeoutExpired),
    (Timeout, Slotted),
    (Timeout, UnicodeDecodeError),
    (Timeout, SyntaxError),
    (Timeout, ImportError),
    (Timeout, AttributeError),
    (Timeout, StopIteration),
    (Timeout, SystemExit),
    (Timeout, gevent.GreenletExit),
    (SlottedTimeout, Boom),
]


def names_of(bases):
    return "+".join(base.__name__ for base in bases)


@pytest.mark.parametrize("bases", COMBINED, ids=names_of)
def test_it_combines_with_any_other_exception(bases):
    both = type("Both", bases, {})
    for base in bases:
        with pytest.raises(base) as caught, both(0.001) as timeout:
            gevent.sleep(10)
        assert caught.value is timeout
        assert (str(timeout), timeout.seconds, timeout.args) == ("0.001 seconds", 0.001, ())
    timeout = both.start_new(10)
    assert timeout.pending and timeout.timer.pending
    timeout.cancel()
    assert not timeout.pending
    assert with_timeout(both(0.001), gevent.sleep, 10, timeout_value="late") == "late"
    with both(0.001, False):
        gevent.sleep(10)


# A UnicodeDecodeError has a `start` that is no method.
SECOND = [(other, first) for first, other in COMBINED if other is not UnicodeDecodeError]


@pytest.mark.parametrize("bases", SECOND, ids=names_of)
def test_it_may_come_second_where_the_class_sets_it_up(bases):
    def __init__(self, seconds):
        Timeout.__init__(self, seconds)

    both = type("Both", bases, {"__init__": __init__})
    for base in bases:
        with pytest.raises(base) as caught, both(0.001) as timeout:
            gevent.sleep(10)
        assert caught.value is timeout
        assert (timeout.seconds, timeout.pending) == (0.001, False)


def test_one_that_was_not_set_up_says_so_and_is_an_exception_still():
    class Late(KeyError, Timeout):
        def __init__(self, *arguments):
            BaseException.__init__(self, *arguments)

    late = Late("x")
    with pytest.raises(Late) as caught:
        raise late
    assert str(caught.value) == "'x'"
    assert copy.copy(late).args == ("x",)
    for use in (late.start, late.close, late.__enter__, lambda: late.pending, lambda: late.seconds):
        with pytest.raises(AttributeError, match="timer"):
            use()
    with pytest.raises(AttributeError, match="timer"):
        Timeout.__new__(Timeout).start()
    with pytest.raises(TypeError):
        Timeout.__init__(object())
    with pytest.raises(AttributeError):
        Timeout.start(object())


def test_attributes_of_an_object_come_before_those_of_its_class():
    class Named(Timeout):
        seconds = exception = 7

    timeout = Named(0.001, False)
    assert (timeout.seconds, timeout.exception) == (0.001, False)
    with timeout:
        gevent.sleep(10)
    assert str(timeout) == "0.001 seconds (silent)"


def test_what_a_subclass_overrides_is_called():
    calls = []

    class Told(Timeout):
        def start(self):
            calls.append("start")
            super().start()

        def close(self):
            calls.append("close")
            super().close()

    with Told(10):
        pass
    assert with_timeout(10, lambda: Told.start_new(10).close()) is None
    assert calls == ["start", "close"] * 2


@pytest.mark.parametrize("kind", [Timeout, type("Sub", (Timeout,), {})])
def test_a_method_that_is_replaced_is_called(monkeypatch, kind):
    calls = []

    def replacement(self, *arguments):
        calls.append(arguments)
        originals.pop()(self, *arguments)

    for name, arguments in {"__init__": (10,), "start": (), "close": ()}.items():
        with kind(10):
            pass
        originals = [getattr(Timeout, name)]
        monkeypatch.setattr(Timeout, name, replacement)
        with kind(10):
            pass
        monkeypatch.undo()
        assert calls == [arguments], name
        calls.clear()
    originals = [Timeout._on_expiration]
    monkeypatch.setattr(Timeout, "_on_expiration", replacement)
    with pytest.raises(kind) as caught, kind(0.001):
        gevent.sleep(10)
    assert calls == [(gevent.getcurrent(), caught.value)]


class Reason(Timeout, OSError):
    pass


@pytest.mark.parametrize("kind", [Timeout, Reason])
def test_a_copy_has_what_was_said_and_a_clock_of_its_own(kind):
    timeout = kind.start_new(10, KeyError)
    timeout.note = ["x"]
    for made in (copy.copy(timeout), copy.deepcopy(timeout), pickle.loads(pickle.dumps(timeout))):
        assert type(made) is kind
        assert (made.seconds, made.exception, made.note, made.pending) == (10, KeyError, ["x"], False)
        made.start()
        made.close()
    assert timeout.pending
    timeout.close()


def test_an_instance_keeps_its_class():
    """Only instances of Timeout itself have room for a clock."""

    class Sub(Timeout):
        pass

    class Other(BaseException):
        pass

    for instance, kind in ((Sub(1), Timeout), (Other(), Timeout), (Timeout(1), Sub), (Timeout(1), Other)):
        with pytest.raises(TypeError):
            instance.__class__ = kind


@pytest.mark.parametrize("kind", [Timeout, Reason])
def test_a_circle_through_one_is_collected(kind):
    error = Boom()
    timeout = kind(10, error)
    error.timeout = timeout
    timeout.itself = timeout
    timeout.start()
    timeout.cancel()
    references = [weakref.ref(timeout), weakref.ref(error)]
    del error, timeout
    gc.collect()
    assert [reference() for reference in references] == [None, None]


@pytest.mark.parametrize("kind", [Timeout, Reason])
def test_one_that_is_dropped_while_pending_expires_and_goes(kind):
    reference = weakref.ref(kind.start_new(0.001))
    gc.collect()
    with pytest.raises(kind):
        gevent.sleep(10)
    gevent.idle()
    gc.collect()
    assert reference() is None


def test_one_whose_attributes_are_taken_away_never_expires():
    timeout = Reason.start_new(0.001)
    reference = weakref.ref(timeout)
    timeout.__dict__.clear()
    gevent.sleep(0.005)
    del timeout
    assert reference() is None


@pytest.mark.parametrize("kind", [Timeout, Reason])
def test_many_of_them_leave_nothing_behind(kind):
    def use():
        for _ in range(1000):
            with kind(10):
                pass
            kind(10).start_new(10).close()

    assert blocks_left_by(use) < 50


def test_a_watcher_of_the_programs_can_count_the_time():
    timeout = Timeout(1000)
    loop = gevent.get_hub().loop
    with pytest.raises(Timeout) as caught, timeout:
        timeout.cancel()
        timeout.timer = timer = loop.timer(0.001)
        assert timeout.timer is timer
        assert not timeout.pending
        timeout.start()
        assert timeout.pending
        assert timer.active
        gevent.sleep(20)
    assert caught.value is timeout
    assert not timeout.pending
    assert not timer.active


def test_a_watcher_put_into_a_timeout_that_runs_takes_its_place():
    timeout = Timeout.start_new(0)
    timeout.timer = timer = gevent.get_hub().loop.timer(1000)
    assert not timeout.pending
    gevent.sleep(0.001)  # what was due before goes first
    timeout.start()
    timeout.cancel()
    assert not timer.active
    timeout.start()  # may be started again
    assert timer.active
    timeout.close()
    assert not timer.active
    with pytest.raises(AssertionError, match="was closed"):
        timeout.start()


def test_the_timer_of_a_timeout_may_be_set_to_itself():
    with pytest.raises(Timeout), Timeout(0.001) as timeout:
        timeout.timer = timeout.timer
        assert timeout.pending
        gevent.sleep(20)
