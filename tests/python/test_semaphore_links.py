"""Links of semaphores: callbacks that stand in line with those who wait."""

import gc
import weakref

import gevent
from gevent.lock import Semaphore


def test_links_are_called_once_in_turn_and_in_the_hub():
    semaphore, seen = Semaphore(0), []
    semaphore.rawlink(lambda source: seen.append((source is semaphore, gevent.getcurrent() is gevent.get_hub())))
    waiter = gevent.spawn(lambda: seen.append(semaphore.acquire()))
    gevent.sleep(0)
    semaphore.release()
    waiter.join(timeout=10)
    semaphore.release()
    gevent.sleep(0)
    assert seen == [(True, True), True]


def test_a_link_is_called_for_the_next_unit_when_the_first_is_gone_by_its_turn():
    semaphore, seen = Semaphore(1), []
    semaphore.rawlink(lambda source: seen.append(source.counter))
    assert semaphore.acquire(blocking=False)  # before the hub comes to the link
    gevent.sleep(0)
    assert seen == []
    assert semaphore.linkcount() == 1
    semaphore.release()
    assert semaphore.acquire(blocking=False)
    gevent.sleep(0)
    assert seen == []
    semaphore.release()
    gevent.sleep(0)
    assert seen == [1]
    assert semaphore.linkcount() == 0


def test_a_link_that_takes_the_unit_leaves_nothing_to_the_next_one():
    semaphore, seen = Semaphore(0), []
    for number in range(2):
        semaphore.rawlink(lambda source, number=number: seen.append((number, source.acquire(blocking=False))))
    semaphore.release()
    gevent.sleep(0)
    assert seen == [(0, True)]
    semaphore.release()
    gevent.sleep(0)
    assert seen == [(0, True), (1, True)]


def test_a_link_whose_unit_is_gone_dies_with_its_semaphore():
    class Callback:
        def __call__(self, source):
            raise AssertionError("there was no unit")

    semaphore, callback = Semaphore(1), Callback()
    gone = weakref.ref(callback)
    semaphore.rawlink(callback)
    assert semaphore.acquire(blocking=False)
    del semaphore, callback
    gevent.sleep(0)
    assert gone() is None


def test_an_unlinked_callback_is_not_called_even_when_it_was_on_its_way():
    semaphore, seen = Semaphore(1), []
    semaphore.rawlink(seen.append)
    assert semaphore.linkcount() == 1
    semaphore.unlink(seen.append)
    assert semaphore.linkcount() == 0
    gevent.sleep(0)
    assert seen == []


def test_an_exception_of_a_link_goes_to_the_hub_and_the_others_are_called():
    semaphore, seen, errors = Semaphore(1), [], []
    hub = gevent.get_hub()
    hub.handle_error = lambda context, kind, value, traceback: errors.append((context, kind))

    def fails(source):
        raise KeyError

    try:
        semaphore.rawlink(fails)
        semaphore.rawlink(seen.append)
        gevent.sleep(0)
    finally:
        del hub.handle_error
    assert errors == [((fails, semaphore), KeyError)]
    assert seen == [semaphore]


def test_a_linked_semaphore_in_a_cycle_is_collected():
    class Owner:
        def __init__(self):
            self.semaphore = Semaphore(0)
            self.semaphore.rawlink(self.notice)

        def notice(self, source):
            raise AssertionError

    owner = weakref.ref(Owner())
    gc.collect()
    assert owner() is None
