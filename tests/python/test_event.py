"""Events and results: who is woken, in which order, from which thread, and what comes out."""

import gc
import os
import threading
import traceback
import weakref

import pytest
from scripts import run_script

import gevent
from gevent.event import AbstractLinkable, AsyncResult, Event
from gevent.exceptions import LoopExit


class Boom(Exception):
    pass


def test_wait_returns_true_although_the_event_was_cleared_before_the_waiter_ran():
    event = Event()
    waiters = [gevent.spawn(event.wait) for _ in range(3)]
    gevent.sleep(0)
    event.set()
    event.clear()
    gevent.joinall(waiters, timeout=10)
    assert [waiter.value for waiter in waiters] == [True] * 3
    assert not event.is_set()


def test_wait_with_a_limit_returns_false_and_leaves_the_line():
    event = Event()
    assert event.wait(0.001) is False
    assert event.wait(timeout=0) is False
    assert event.wait(gevent.Timeout(0.001)) is False
    assert event.linkcount() == 0
    with pytest.raises(Boom):
        event.wait(gevent.Timeout(0.001, Boom))


def test_a_limit_that_is_not_a_number_is_refused():
    with pytest.raises(TypeError):
        Event().wait("soon")


def test_an_outer_timeout_passes_through():
    outer = gevent.Timeout(0.001)
    with pytest.raises(gevent.Timeout) as caught, outer:
        Event().wait(timeout=10)
    assert caught.value is outer


def test_who_comes_when_it_is_set_goes_behind_those_who_waited():
    event, seen = Event(), []

    def wait(number):
        event.wait()
        seen.append(number)

    for number in range(3):
        gevent.spawn(wait, number)
    gevent.sleep(0)
    event.set()
    wait("late")
    assert seen == [0, 1, 2, "late"]


def test_greenlets_and_links_are_served_in_one_line():
    event, seen = Event(), []

    def wait(number):
        event.wait()
        seen.append(number)

    gevent.spawn(wait, 1)
    gevent.sleep(0)
    event.rawlink(lambda source: seen.append("link"))
    gevent.spawn(wait, 2)
    gevent.sleep(0)
    assert event.linkcount() == 3
    event.set()
    gevent.sleep(0)
    assert seen == [1, "link", 2]
    assert event.linkcount() == 0


def test_a_link_is_called_once_and_soon_when_the_event_is_set_already():
    event, seen = Event(), []
    event.set()
    event.rawlink(seen.append)
    assert seen == []
    gevent.sleep(0)
    event.set()
    gevent.sleep(0)
    assert seen == [event]


def test_in_the_hub_a_set_event_is_no_reason_to_wait():
    event, seen = Event(), []
    gevent.spawn(event.wait)
    gevent.sleep(0)

    def callback():
        event.set()
        seen.append(event.wait())

    gevent.get_hub().loop.run_callback(callback)
    gevent.sleep(0)
    assert seen == [True]


def test_what_nobody_can_set_ends_in_loop_exit():
    with pytest.raises(LoopExit):
        Event().wait()
    with pytest.raises(LoopExit):
        AsyncResult().get()


def test_making_one_makes_no_hub():
    run_script("""
        from gevent._hub_local import get_hub_if_exists
        from gevent.event import AsyncResult, Event
        from gevent.lock import BoundedSemaphore, RLock, Semaphore
        from gevent.local import local
        from gevent.queue import Channel, PriorityQueue, Queue, SimpleQueue
        from gevent.timeout import Timeout
        for make in (AsyncResult, Event, Semaphore, BoundedSemaphore, RLock, local, Queue, SimpleQueue, PriorityQueue,
                     Channel):
            make()
        Timeout(1)
        event = Event()
        event.set()
        assert event.wait()
        with Semaphore(), RLock():
            pass
        queue = Queue()
        queue.put(1)
        assert queue.get() == 1
        assert get_hub_if_exists() is None
    """)


@pytest.mark.parametrize("make", [Event, AsyncResult])
def test_a_thread_without_a_hub_wakes_waiters_of_another(make):
    thing, where = make(), []

    def wait():
        thing.wait()
        where.append(threading.get_ident())

    thing.rawlink(lambda source: where.append(threading.get_ident()))
    waiter = gevent.spawn(wait)
    gevent.sleep(0)
    thread = threading.Thread(target=thing.set)
    # Keeps the loop from taking itself for finished; the wake-up has to get through to a loop that sleeps.
    guard = gevent.get_hub().loop.timer(10)
    guard.start(lambda: None)
    thread.start()
    waiter.join()
    guard.close()
    thread.join()
    assert where == [threading.get_ident()] * 2


def test_every_thread_that_waits_is_woken_in_its_own_loop():
    run_script("""
        import threading
        import gevent
        from gevent.event import Event
        event, seen = Event(), []
        def thread():
            def wait():
                assert event.wait(10)
                seen.append(threading.get_ident())
            waiters = [gevent.spawn(wait) for _ in range(3)]
            gevent.joinall(waiters)
            gevent.get_hub().destroy(destroy_loop=True)
        threads = [threading.Thread(target=thread) for _ in range(4)]
        for each in threads:
            each.start()
        while event.linkcount() < 12:
            pass
        event.set()
        for each in threads:
            each.join()
        assert len(seen) == 12 and len(set(seen)) == 4, seen
    """)


def test_a_result_gives_its_value_to_everybody_and_again():
    result = AsyncResult()
    getters = [gevent.spawn(result.get) for _ in range(3)]
    gevent.sleep(0)
    assert not result.ready()
    result.set("value")
    assert [getter.get(timeout=10) for getter in getters] == ["value"] * 3
    assert (result.get(), result.get_nowait(), result.result(), result.wait(), result.value) == ("value",) * 5
    assert result.ready() and result.successful() and result.done()
    assert not result.cancel() and not result.cancelled()


def test_a_result_raises_its_exception_with_the_traceback_it_came_with():
    def origin():
        raise Boom("here")

    result = AsyncResult()
    try:
        origin()
    except Boom as error:
        result.set_exception(error, (type(error), error, error.__traceback__))
    lengths = []
    for _ in range(3):
        with pytest.raises(Boom):
            try:
                result.get()
            except Boom as error:
                names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
                lengths.append(len(names))
                assert names[-1] == "origin"
                raise
    assert len(set(lengths)) == 1
    assert result.exc_info[0] is Boom
    assert str(result.exception) == "here"
    assert result.wait() is None
    assert not result.successful()


def test_a_result_without_a_value_is_a_timeout():
    result = AsyncResult()
    for get in (result.get_nowait, lambda: result.get(block=False), lambda: result.get(timeout=0.001)):
        with pytest.raises(gevent.Timeout):
            get()
    limit = gevent.Timeout(0.001)
    with pytest.raises(gevent.Timeout) as caught:
        result.get(timeout=limit)
    assert caught.value is limit
    assert result.wait(timeout=0.001) is None


def test_a_result_takes_over_the_outcome_of_a_greenlet():
    def fail():
        raise Boom

    good, bad = AsyncResult(), AsyncResult()
    greenlet = gevent.spawn(lambda: 5)
    greenlet.link(good)
    failing = gevent.spawn(fail)
    failing.parent.handle_error = lambda *args: None
    try:
        failing.rawlink(bad)
        assert good.get(timeout=10) == 5
        with pytest.raises(Boom):
            bad.get(timeout=10)
    finally:
        del failing.parent.handle_error


def test_a_killed_waiter_leaves_the_line():
    for thing in (Event(), AsyncResult()):
        waiter = gevent.spawn(thing.wait)
        gevent.sleep(0)
        waiter.kill()
        assert thing.linkcount() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_waiters_go_on_in_a_forked_child():
    run_script("""
        import os
        import gevent
        from gevent.event import AsyncResult, Event
        event, result = Event(), AsyncResult()
        waiters = [gevent.spawn(event.wait), gevent.spawn(result.get)]
        gevent.sleep(0)
        pid = os.fork()
        event.set()
        result.set("value")
        gevent.joinall(waiters, timeout=10)
        assert [waiter.value for waiter in waiters] == [True, "value"]
        if pid:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        else:
            os._exit(0)
    """)


def test_nothing_is_kept_of_what_was_waited_for():
    references = []
    for _ in range(100):
        event, result = Event(), AsyncResult()
        references += [weakref.ref(event), weakref.ref(result)]
        gevent.spawn(event.wait)
        result.rawlink(lambda source, event=event: None)
        event.rawlink(result.set)
        event.wait(0)
        event.set()
        gevent.wait([event, result], timeout=10)
    del event, result
    gevent.idle()  # the hub, which is in the middle of calling links, comes to an end with that
    gc.collect()
    assert not any(reference() for reference in references)


def test_what_derives_from_the_common_base_can_be_linked_to():
    class Ready(AbstractLinkable):
        def ready(self):
            return True

    seen, thing = [], Ready()
    thing.rawlink(seen.append)
    gevent.sleep(0)
    assert seen == [thing]
    with pytest.raises(TypeError, match="callable"):
        thing.rawlink(None)
    thing.unlink(seen.append)
