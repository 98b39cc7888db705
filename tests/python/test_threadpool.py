"""gevent.threadpool: tasks in native threads, their results in the hub."""

import gc
import threading
import time
import weakref

import pytest
from scripts import run_script

import gevent
from gevent.exceptions import InvalidThreadUseError
from gevent.threadpool import ThreadPool, ThreadPoolExecutor, ThreadResult


@pytest.fixture
def pool():
    pool = ThreadPool(2)
    yield pool
    pool.kill()


@pytest.fixture
def quiet():
    """Errors of tasks reach the hub as well; here they go nowhere."""
    hub = gevent.get_hub()
    hub.handle_error = lambda *args: None
    yield
    del hub.handle_error


class Boom(Exception):
    pass


def fail():
    raise Boom("here")


def test_apply_calls_in_another_thread_and_lets_greenlets_run(pool):
    gate = threading.Event()
    gevent.spawn(gate.set)  # runs only if waiting parks
    assert pool.apply(gate.wait, (10,)) is True
    assert pool.apply(threading.get_ident) != threading.get_ident()


def test_spawn_returns_what_will_have_the_result(pool):
    result = pool.spawn(lambda a, b: (a, b), 1, b=2)
    assert result.get(timeout=10) == (1, 2)


def test_an_exception_of_a_task_is_raised_where_its_result_is_asked_for(pool, quiet):
    with pytest.raises(Boom) as caught:
        pool.apply(fail)
    assert caught.traceback[-1].name == "fail"


def test_the_hub_is_told_of_an_exception(pool):
    told = []
    gevent.get_hub().handle_error = lambda context, kind, value, traceback: told.append((context[1], kind))
    with pytest.raises(Boom):
        pool.apply(fail)
    gevent.sleep(0)
    del gevent.get_hub().handle_error
    assert told == [(fail, Boom)]


def test_as_many_tasks_run_at_once_as_there_may_be_threads(pool):
    barrier = threading.Barrier(2)
    assert sorted(pool.map(lambda _: barrier.wait(10), range(2))) == [0, 1]
    assert pool.size == 2


def test_a_full_pool_parks_whoever_spawns(pool):
    gate = threading.Event()
    spawned = []

    def spawn_many():
        for _ in range(5):
            spawned.append(pool.spawn(gate.wait, 10))

    spawner = gevent.spawn(spawn_many)
    gevent.sleep(0)
    assert len(spawned) == 3  # two threads, and one task ready for the next
    assert len(pool) == 3
    gate.set()
    spawner.join(timeout=10)
    gevent.joinall(spawned, timeout=10)
    assert len(pool) == 0


def test_a_spawn_that_is_killed_while_it_waits_for_room_leaves_the_room_to_others(pool):
    gate = threading.Event()
    running = [pool.spawn(gate.wait, 10) for _ in range(3)]
    first = gevent.spawn(pool.spawn, int)
    second = gevent.spawn(pool.spawn, int)
    gevent.sleep(0)
    first.kill()
    gate.set()
    assert second.get(timeout=10).get(timeout=10) == 0
    gevent.joinall(running, timeout=10)


def test_join_waits_until_no_task_is_left(pool):
    results = [pool.spawn(time.sleep, 0.01) for _ in range(3)]
    pool.join()
    assert len(pool) == 0
    assert all(result.ready() for result in results)


def test_threads_end_when_the_pool_is_killed_and_begin_again_when_they_are_needed(pool):
    pool.map(time.sleep, [0.01] * 2)
    assert pool.size == 2
    pool.kill()
    assert pool.size == 0
    assert pool.apply(len, ("abc",)) == 3


def test_killing_finishes_the_tasks_in_line(pool):
    results = [pool.spawn(time.sleep, 0.02) for _ in range(3)]
    pool.kill()
    gevent.joinall(results, timeout=10)
    assert [result.successful() for result in results] == [True] * 3


def test_the_size_can_be_set_between_none_and_the_maximum(pool):
    for size in (1, 2, 1, 0):
        pool.size = size
        assert pool.size == size
    for size in (-1, 3):
        with pytest.raises(ValueError):
            pool.size = size


def test_raising_the_maximum_lets_waiting_tasks_begin():
    pool = ThreadPool(0)
    spawners = [gevent.spawn(pool.spawn, int) for _ in range(2)]
    gevent.sleep(0)
    assert pool.size == 0
    pool.maxsize = 1
    for spawner in spawners:
        assert spawner.get(timeout=10).get(timeout=10) == 0
    pool.kill()


def test_lowering_the_maximum_lets_threads_end(pool):
    pool.size = 2
    pool.maxsize = 1
    with gevent.Timeout(10):
        while pool.size > 1:
            gevent.sleep(0.001)
    assert pool.apply(int) == 0


@pytest.mark.parametrize("maxsize", [-1, "2", None, 1.5])
def test_nonsense_is_no_maximum(maxsize):
    with pytest.raises((TypeError, ValueError)):
        ThreadPool(maxsize)


def test_only_the_threads_own_pool_may_be_used(pool, quiet):
    with pytest.raises(InvalidThreadUseError):
        pool.apply(pool.spawn, (int,))


def test_a_task_may_apply_to_its_own_pool(pool):
    pool.size = 1
    assert pool.apply(pool.apply, (threading.get_ident,)) != threading.get_ident()


def test_a_task_may_use_gevent_in_its_thread(pool):
    def sleep_there():
        gevent.sleep(0.001)
        return gevent.get_hub()

    assert pool.apply(sleep_there) is not gevent.get_hub()


def test_a_thread_that_idles_gives_up_the_hub_of_its_tasks():
    pool = ThreadPool(1, idle_task_timeout=0.01)
    hub = weakref.ref(pool.apply(gevent.get_hub))
    with gevent.Timeout(10):
        while hub() is not None and hub().loop is not None:
            gevent.sleep(0.005)
            gc.collect()
    assert pool.apply(int) == 0
    pool.kill()


def test_map_and_imap_keep_the_order_and_imap_unordered_does_not(pool):
    def slow_first(i):
        time.sleep(0.05 if i == 0 else 0)
        return i

    assert pool.map(slow_first, range(4)) == list(range(4))
    assert list(pool.imap(slow_first, range(4))) == list(range(4))
    unordered = list(pool.imap_unordered(slow_first, range(4)))
    assert sorted(unordered) == list(range(4))
    assert unordered[0] != 0


def test_results_keep_the_hub_running():
    run_script(
        """
        import gevent, time
        result = gevent.get_hub().threadpool.spawn(time.sleep, 0.05)
        assert gevent.get_hub().join() is True
        assert result.ready()
        """
    )


def test_many_results_arrive_in_few_wake_ups(pool):
    pool.size = 1
    hub = gevent.get_hub()
    turns = []
    check = hub.loop.check(ref=False)
    check.start(turns.append, 1)
    gate = threading.Event()
    pool.maxsize = 500
    tasks = [pool.spawn(gate.wait, 10)] + [pool.spawn(int) for _ in range(400)]
    gate.set()
    gevent.joinall(tasks, timeout=10)
    check.stop()
    assert len(turns) < 200
    pool.kill()


def test_nothing_of_a_task_outlives_it(pool):
    class Thing:
        pass

    def work(argument):
        result = Thing()
        things.extend(weakref.ref(thing) for thing in (argument, result))
        return result

    things = []
    pool.apply(work, (Thing(),))
    pool.apply(int)
    gevent.sleep(0.01)
    assert [thing() for thing in things] == [None, None]


def test_a_pool_that_nobody_has_any_more_lets_its_threads_end():
    pool = ThreadPool(2)
    pool.map(int, "12")
    tasks = pool.task_queue
    del pool
    gc.collect()
    with gevent.Timeout(10):
        while tasks.workers:
            gevent.sleep(0.001)


def test_a_thread_result_calls_its_receiver_in_the_hub():
    arrived = gevent.event.AsyncResult()
    result = ThreadResult(lambda done: arrived.set((done.value, gevent.getcurrent())), gevent.get_hub(), None)
    threading.Thread(target=result.set, args=(42,)).start()
    assert arrived.get(timeout=10) == (42, gevent.get_hub())


def test_a_forked_child_begins_with_an_empty_pool():
    result = run_script(
        """
        import os, threading, gevent
        from gevent import os as gevent_os
        from gevent.threadpool import ThreadPool

        own = ThreadPool(3)
        gate = threading.Event()
        stuck = [own.spawn(gate.wait, 30) for _ in range(2)]
        gevent.get_hub().threadpool.apply(int)
        pid = gevent_os.fork()
        if pid == 0:
            fine = len(own) == 0 and own.size == 0 and own.apply(len, ("abc",)) == 3
            fine = fine and gevent.get_hub().threadpool.apply(len, ("ab",)) == 2
            own.kill()
            # Nothing is waited for that only the parent's threads could bring.
            fine = fine and own.size == 0 and gevent.get_hub().join(timeout=10) is True
            os._exit(0 if fine else 1)
        print(gevent_os.waitpid(pid, 0)[1], len(own))
        gate.set()
        gevent.joinall(stuck)
        """
    )
    assert result.stdout == "0 2\n"


def test_a_pool_of_the_parents_works_in_a_child_that_abandoned_its_hub():
    result = run_script(
        """
        import os, gevent
        from gevent._hub_local import abandon_hub_after_fork
        from gevent.threadpool import ThreadPool

        own = ThreadPool(3)
        own.apply(int)
        gevent.get_hub().threadpool.apply(int)
        pid = os.fork()
        if pid == 0:
            abandon_hub_after_fork()
            fine = own.apply(len, ("abc",)) == 3 and gevent.get_hub().threadpool.apply(len, ("ab",)) == 2
            os._exit(0 if fine and own.hub is gevent.get_hub() else 1)
        print(os.waitpid(pid, 0)[1])
        """
    )
    assert result.stdout == "0\n"


def test_a_program_ends_while_threads_work():
    result = run_script(
        """
        import gevent, time
        pool = gevent.get_hub().threadpool
        for _ in range(5):
            pool.spawn(time.sleep, 30)
        gevent.sleep(0.01)
        print("end")
        """,
        deadline_s=20,
    )
    assert result.stdout == "end\n"
    assert result.stderr == ""


def test_the_executor_gives_futures_that_park():
    with ThreadPoolExecutor(2) as executor:
        gate = threading.Event()
        future = executor.submit(gate.wait, 10)
        gevent.spawn(gate.set)
        assert future.result(timeout=10) is True
        assert future.done() and future.exception() is None
        assert list(executor.map(len, ["a", "bb"])) == [1, 2]


def test_a_future_times_out_and_fails_as_the_standard_librarys(quiet):
    from concurrent.futures import TimeoutError

    with ThreadPoolExecutor(1) as executor:
        gate = threading.Event()
        slow = executor.submit(gate.wait, 10)
        with pytest.raises(TimeoutError):
            slow.result(timeout=0.001)
        with pytest.raises(TimeoutError):
            slow.exception(timeout=0.001)
        gate.set()
        assert isinstance(executor.submit(fail).exception(timeout=10), Boom)


def test_an_executor_initializes_each_of_its_threads_once():
    initialized = []

    def initialize(argument):
        initialized.append((argument, threading.get_ident()))

    with ThreadPoolExecutor(1, initializer=initialize, initargs=("x",)) as executor:
        idents = {executor.submit(threading.get_ident).result(timeout=10) for _ in range(3)}
    assert initialized == [("x", ident) for ident in idents]


def test_nothing_can_be_submitted_after_shutdown():
    executor = ThreadPoolExecutor(1)
    future = executor.submit(time.sleep, 0.01)
    executor.shutdown()
    assert future.done()
    with pytest.raises(RuntimeError):
        executor.submit(int)
