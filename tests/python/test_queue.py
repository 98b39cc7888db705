"""Queues and channels: order, limits, what is never lost, subclasses, shutdown, threads, fork."""

import gc
import os
import queue as stdlib_queue
import threading
import weakref
from collections import deque

import pytest
from hubs import in_hub
from scripts import run_script

import gevent
from gevent.exceptions import LoopExit
from gevent.queue import (
    Channel,
    Empty,
    Full,
    JoinableQueue,
    LifoQueue,
    PriorityQueue,
    Queue,
    ShutDown,
    SimpleQueue,
    UnboundQueue,
)

BUFFERED = [Queue, SimpleQueue, LifoQueue, PriorityQueue]


@pytest.mark.parametrize("kind", BUFFERED)
def test_items_come_out_in_the_order_of_their_kind(kind):
    queue = kind()
    for item in (2, 3, 1):
        queue.put(item)
    expected = {LifoQueue: [1, 3, 2], PriorityQueue: [1, 2, 3]}.get(kind, [2, 3, 1])
    assert (queue.peek(), queue.qsize(), len(queue), bool(queue)) == (expected[0], 3, 3, True)
    assert [queue.get() for _ in range(3)] == expected
    assert queue.empty()


@pytest.mark.parametrize("kind", BUFFERED)
def test_it_may_be_filled_when_it_is_made_and_copied(kind):
    queue = kind(items=[2, 3, 1])
    copy = queue.copy()
    assert type(copy) is kind
    assert [copy.get() for _ in range(3)] == [queue.get() for _ in range(3)]


def test_getters_are_served_in_the_order_they_came():
    queue, seen = Queue(), []

    def get(number):
        seen.append((number, queue.get()))

    getters = [gevent.spawn(get, number) for number in range(3)]
    gevent.sleep(0)
    for item in "abc":
        queue.put(item)
    gevent.joinall(getters, timeout=10)
    assert seen == [(0, "a"), (1, "b"), (2, "c")]


def test_putters_are_served_in_the_order_they_came():
    queue = Queue(1, items=["first"])
    putters = [gevent.spawn(queue.put, number) for number in range(3)]
    gevent.sleep(0)
    assert queue.full()
    assert [queue.get() for _ in range(4)] == ["first", 0, 1, 2]
    gevent.joinall(putters, timeout=10)


def test_somebody_who_did_not_wait_may_be_faster_and_the_line_keeps_its_order():
    queue, seen = Queue(), []

    def get(number):
        seen.append((number, queue.get()))

    getters = [gevent.spawn(get, number) for number in range(3)]
    gevent.sleep(0)
    for item in "xyz":
        queue.put(item)
        assert queue.get_nowait() == item
    gevent.sleep(0)
    assert seen == []
    for item in "abc":
        queue.put(item)
    gevent.joinall(getters, timeout=10)
    assert seen == [(0, "a"), (1, "b"), (2, "c")]


@pytest.mark.parametrize("make", [Queue, SimpleQueue, Channel])
def test_a_getter_killed_between_wake_up_and_turn_loses_no_item(make):
    queue = make()
    first, second = gevent.spawn(queue.get), gevent.spawn(queue.get)
    gevent.sleep(0)
    first.kill(block=False)  # comes before the turn of the one who is woken now
    queue.put_nowait("item")
    assert second.get(timeout=10) == "item"


def test_a_getter_that_was_given_its_item_in_the_hub_and_killed_leaves_it_behind():
    queue = Queue(1)
    first, second = gevent.spawn(queue.get), gevent.spawn(queue.get)
    gevent.sleep(0)

    def fill():
        # The second put has to make room, which hands the first item to the getter on its way.
        first.kill(block=False)
        queue.put_nowait("a")
        queue.put_nowait("b")

    # The kill is behind those two in the ready queue, so it takes a throw from here.
    def fill_and_throw():
        fill()
        first.throw(gevent.GreenletExit)

    in_hub(fill_and_throw)
    got = {second.get(timeout=10), queue.get(timeout=10)}
    assert got == {"a", "b"}


def test_a_putter_killed_between_wake_up_and_turn_puts_nothing_and_wakes_the_next():
    queue = Queue(1, items=["first"])
    one, two = gevent.spawn(queue.put, "one"), gevent.spawn(queue.put, "two")
    gevent.sleep(0)
    one.kill(block=False)
    assert queue.get() == "first"
    assert queue.get(timeout=10) == "two"
    assert two.ready() or two.join(10) is None
    assert queue.empty()


@pytest.mark.parametrize("make", [Queue, SimpleQueue, LifoQueue, PriorityQueue, Channel])
def test_who_waits_too_long_gets_empty_or_full(make):
    queue = make()
    with pytest.raises(Empty):
        queue.get(timeout=0.001)
    with pytest.raises(Empty):
        queue.get_nowait()
    with pytest.raises(Empty):
        queue.get(block=False)
    full = make(1)
    if make is not Channel:
        full.put(1)
        with pytest.raises(ValueError, match="non-negative"):
            full.put(2, timeout=-1)
        with pytest.raises(ValueError, match="non-negative"):
            queue.get(timeout=-1)
    with pytest.raises(Full):
        full.put(2, timeout=0.001)
    with pytest.raises(Full):
        full.put_nowait(2)
    limit = gevent.Timeout(0.001)
    with pytest.raises(gevent.Timeout) as caught:
        queue.get(timeout=limit)
    assert caught.value is limit
    assert stdlib_queue.Empty is Empty and stdlib_queue.Full is Full


def test_getting_what_nobody_can_put_ends_in_loop_exit():
    with pytest.raises(LoopExit):
        Queue().get()
    with pytest.raises(LoopExit):
        Channel().get()


def test_one_item_is_shown_to_all_who_only_look():
    queue = Queue()
    lookers = [gevent.spawn(queue.peek) for _ in range(3)]
    getter = gevent.spawn(queue.get)
    gevent.sleep(0)
    queue.put("item")
    gevent.sleep(0)
    assert [looker.value for looker in lookers] == ["item"] * 3
    assert getter.get(timeout=10) == "item"


@pytest.mark.parametrize("make", [Queue, SimpleQueue, Channel])
def test_in_the_hub_nobody_waits(make):
    queue = make(1)
    if make is not Channel:
        assert isinstance(in_hub(queue.get), Empty)
        assert in_hub(queue.put, 1) is None
        assert in_hub(queue.peek) == 1
    assert isinstance(in_hub(queue.put, 2), Full)
    assert isinstance(in_hub(make().get_nowait), Empty)


def test_in_the_hub_a_putter_on_its_way_is_asked_for_its_item():
    queue = Queue(1, items=[0])
    putter = gevent.spawn(queue.put, 1)
    gevent.sleep(0)
    assert in_hub(lambda: [queue.get_nowait(), queue.get_nowait()]) == [0, 1]
    putter.join(timeout=10)
    assert putter.successful() and queue.empty()
    assert queue.unfinished_tasks == 2


def test_in_the_hub_a_getter_on_its_way_makes_room():
    queue = Queue(1)
    getters = [gevent.spawn(queue.get) for _ in range(3)]
    gevent.sleep(0)
    assert in_hub(lambda: [queue.put(item) for item in "abc"]) == [None] * 3
    gevent.joinall(getters, timeout=10)
    assert [getter.value for getter in getters] == ["a", "b", "c"]


@pytest.mark.parametrize("make", [Queue, Channel])
def test_iteration_ends_with_the_class_stop_iteration(make):
    queue = make()

    def put():
        for item in (1, 2, StopIteration):
            queue.put(item)

    gevent.spawn(put)
    assert list(queue) == [1, 2]


def test_a_subclass_may_hand_the_items_of_the_beginning_on():
    class Counted(Queue):
        def _init(self, maxsize, items=()):
            super()._init(maxsize, [0, *items])

    queue = Counted(5, [1, 2])
    assert [queue.get() for _ in range(3)] == [0, 1, 2]


def test_a_subclass_may_keep_its_items_as_it_likes():
    class Unique(Queue):
        def _init(self, maxsize):
            self.limit = maxsize
            self.queue = set()

        def _put(self, item):
            self.queue.add(item)

        def _get(self):
            return self.queue.pop()

    queue = Unique(2, items=[1, 1])
    assert (queue.qsize(), queue.limit) == (1, 2)
    queue.put(2)
    assert queue.full()
    assert {queue.get(), queue.get()} == {1, 2}
    getter = gevent.spawn(queue.get)
    gevent.sleep(0)
    queue.put(3)
    assert getter.get(timeout=10) == 3


def test_a_subclass_with_its_own_put_sees_every_item():
    class Logged(Queue):
        def __init__(self):
            super().__init__()
            self.log = []

        def put(self, item, block=True, timeout=None):
            self.log.append(item)
            super().put(item, block, timeout)

    queue = Logged()
    queue.put(1)
    queue.put_nowait(2)
    assert queue.log == [1, 2]


def test_an_item_that_cannot_be_put_or_got_leaves_the_queue_usable():
    class Moody(Queue):
        fails = False

        def _put(self, item):
            if self.fails:
                raise KeyError
            super()._put(item)

        def _get(self):
            if self.fails:
                raise KeyError
            return super()._get()

    queue = Moody(1, items=["a"])
    queue.fails = True
    with pytest.raises(KeyError):
        queue.get()
    putter = gevent.spawn(queue.put, "b", timeout=0.001)
    putter.join(timeout=10)
    assert isinstance(putter.exception, Full)
    queue.fails = False
    assert queue.get() == "a"
    getter = gevent.spawn(queue.get)
    gevent.sleep(0)
    queue.fails = True
    with pytest.raises(KeyError):
        queue.put("c")
    queue.fails = False
    queue.put("d")
    assert getter.get(timeout=10) == "d"


def test_items_are_in_a_deque_that_users_may_touch():
    queue = Queue(2, items=[1, 2])
    assert queue.queue == deque([1, 2])
    queue.queue.clear()
    assert queue.empty()
    queue.queue = [3]
    assert queue.qsize() == 1


def test_a_larger_limit_lets_putters_in():
    queue = Queue(1, items=[0])
    putters = [gevent.spawn(queue.put, number) for number in (1, 2)]
    gevent.sleep(0)
    queue.maxsize = 3
    gevent.joinall(putters, timeout=10)
    assert queue.qsize() == 3
    queue.maxsize = None
    assert not queue.full()


def test_no_limit_is_none():
    with pytest.warns(DeprecationWarning):
        assert Queue(0).maxsize is None
    assert Queue(-1).maxsize is None
    assert UnboundQueue().copy().maxsize is None
    with pytest.raises(ValueError, match="maxsize"):
        UnboundQueue(1)
    with pytest.raises(TypeError):
        Queue("many")
    with pytest.raises(TypeError):
        Queue(1.5)


def test_join_waits_until_the_work_is_done():
    queue = JoinableQueue(items=[1, 2])
    assert JoinableQueue is Queue
    assert queue.join(timeout=0.001) is False
    joiner = gevent.spawn(queue.join)
    gevent.sleep(0)
    queue.get()
    queue.task_done()
    gevent.sleep(0)
    assert not joiner.ready()
    queue.get()
    queue.task_done()
    assert joiner.get(timeout=10) is True
    assert queue.join() is True
    with pytest.raises(ValueError, match="too many"):
        queue.task_done()


def test_shutdown_ends_those_who_wait_and_leaves_the_items():
    queue = Queue(1)
    getter = gevent.spawn(queue.get)
    full = Queue(1, items=["item"])
    putter = gevent.spawn(full.put, "more")
    gevent.sleep(0)
    for each in (queue, full):
        each.shutdown()
        assert each.is_shutdown
    gevent.joinall([getter, putter], timeout=10)
    assert isinstance(getter.exception, ShutDown) and isinstance(putter.exception, ShutDown)
    assert full.get() == "item"
    for refused in (full.get, full.get_nowait, full.peek, lambda: full.put(1), lambda: full.put_nowait(1)):
        with pytest.raises(ShutDown):
            refused()


def test_immediate_shutdown_drops_the_items_and_their_work():
    queue = Queue(items=[1, 2])
    joiner = gevent.spawn(queue.join)
    gevent.sleep(0)
    queue.shutdown(immediate=True)
    assert joiner.get(timeout=10) is True
    assert queue.empty()
    with pytest.raises(ShutDown):
        queue.get()


def test_its_text_shows_what_is_in_it_and_who_waits():
    queue = Queue(1)
    getter = gevent.spawn(queue.get)
    gevent.sleep(0)
    assert str(queue) == "<Queue maxsize=1 getters[1]>"
    getter.kill()
    queue.put(1)
    assert str(queue) == "<Queue maxsize=1 queue=deque([1]) tasks=1>"
    assert repr(queue).startswith("<Queue at 0x")


def test_threads_with_and_without_hubs_share_a_queue():
    run_script("""
        import threading
        import gevent
        from gevent.queue import Queue
        queue, got = Queue(3), []
        def produce():
            for number in range(300):
                queue.put(number, timeout=10)
        def consume():
            def greenlet():
                for _ in range(100):
                    got.append(queue.get(timeout=10))
            gevent.joinall([gevent.spawn(greenlet) for _ in range(3)], raise_error=True)
        threads = [threading.Thread(target=target) for target in (produce, consume) * 3]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert sorted(got) == sorted(list(range(300)) * 3)
        assert queue.empty()
    """)


def test_a_put_from_a_thread_without_a_hub_wakes_a_getter_whose_loop_sleeps():
    queue = Queue()
    thread = threading.Thread(target=queue.put, args=("item",))
    getter = gevent.spawn(queue.get)
    gevent.sleep(0)
    guard = gevent.get_hub().loop.timer(10)
    guard.start(lambda: None)
    thread.start()
    assert getter.get() == "item"
    guard.close()
    thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_waiters_go_on_in_a_forked_child():
    run_script("""
        import os
        import gevent
        from gevent.queue import Channel, Queue
        queue, channel = Queue(1), Channel()
        getters = [gevent.spawn(queue.get) for _ in range(3)] + [gevent.spawn(channel.get)]
        gevent.sleep(0)
        queue.put(0)  # one is on its way when the process forks
        pid = os.fork()
        queue.put(1)
        queue.put(2)
        channel.put(3)
        gevent.joinall(getters, timeout=10)
        assert sorted(getter.value for getter in getters) == [0, 1, 2, 3]
        if pid:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        else:
            os._exit(0)
    """)


@pytest.mark.parametrize("make", [Queue, SimpleQueue, PriorityQueue, Channel])
def test_nothing_is_kept_of_items_and_waiters_that_are_gone(make):
    class Item:
        def __lt__(self, other):
            return id(self) < id(other)

    references = []
    queue = make(1)
    for _ in range(100):
        item = Item()
        references.append(weakref.ref(item))
        putters = [gevent.spawn(queue.put, item), gevent.spawn(queue.put, item, timeout=0)]
        killed = gevent.spawn(queue.put, item)
        gevent.sleep(0)
        killed.kill()
        assert queue.get() is item
        with gevent.Timeout(0.001, False):
            while True:
                queue.get()
        gevent.killall(putters)
    del item, putters, killed
    gevent.idle()
    gc.collect()
    assert make is Channel or queue.empty()
    assert not any(reference() for reference in references)


def test_a_queue_in_a_cycle_is_collected():
    queue = Queue()
    queue.put([queue])
    reference = weakref.ref(queue)
    del queue
    gc.collect()
    assert reference() is None
