"""The lock and conditions of queues: what programs that look inside `queue.Queue` rely on."""

import textwrap

import pytest
from scripts import run_script

KINDS = ["Queue", "LifoQueue", "PriorityQueue"]

HEAD = """
from gevent import monkey
monkey.patch_all()
import queue, sys, threading, time
import gevent
make = getattr(queue, sys.argv[1])
native = monkey.get_original("_thread", "start_new_thread")
"""


def run(code, kind):
    run_script(HEAD + textwrap.dedent(code), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_puts_or_takes_while_somebody_holds_the_mutex(kind):
    run(
        """
        q = make(2)
        q.put(1)
        done = []
        with q.mutex:
            calls = [lambda: q.put(2), q.get, lambda: q.get_nowait(), q.task_done, lambda: q.put_nowait(3)]
            for call in calls:
                gevent.spawn(lambda call=call: done.append(call()))
                native(lambda call=call: q.put(4), ())
            gevent.sleep(0.02)
            assert not done and list(q.queue) == [1]
        gevent.sleep(0.01)
        assert done
        """,
        kind,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_join_with_a_time_limit_by_all_tasks_done(kind):
    run(
        """
        q = make()
        q.put(1)
        assert q.unfinished_tasks == 1
        def work():
            q.get()
            time.sleep(0.01)
            q.task_done()
        threading.Thread(target=work).start()
        with q.all_tasks_done:
            assert not q.all_tasks_done.wait(0.001)
            while q.unfinished_tasks:
                assert q.all_tasks_done.wait(10)
        q.join()
        """,
        kind,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_conditions_are_notified_and_notify_those_who_wait_in_line(kind):
    run(
        """
        q = make(1)
        def wait_on(condition):
            with condition:
                return condition.wait(10)
        # By put and get.
        for condition, act in (q.not_empty, lambda: q.put(1)), (q.not_full, q.get):
            waiter = gevent.spawn(wait_on, condition)
            gevent.sleep(0)
            act()
            assert waiter.get()
        # Those in line, by a program.
        getter = gevent.spawn(q.get)
        gevent.sleep(0)
        with q.not_empty:
            q.queue.append(5)
            q.not_empty.notify()
        assert getter.get(timeout=10) == 5
        q.put(1)
        putter = gevent.spawn(q.put, 2)
        gevent.sleep(0)
        with q.mutex:
            q.queue.clear()
            q.not_full.notify()
        putter.get(timeout=10)
        assert q.get() == 2
        joiner = gevent.spawn(q.join)
        gevent.sleep(0)
        with q.all_tasks_done:
            q.unfinished_tasks = 0
            q.all_tasks_done.notify_all()
        joiner.get(timeout=10)
        """,
        kind,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_subclass_may_put_and_take_with_the_conditions_alone(kind):
    run(
        """
        class Own(make):
            def put(self, item, block=True, timeout=None):
                with self.not_full:
                    while 0 < self.maxsize <= self._qsize():
                        self.not_full.wait()
                    self._put(item)
                    self.unfinished_tasks += 1
                    self.not_empty.notify()
        q = Own(2)
        got = []
        def take():
            for _ in range(20):
                got.append(q.get())
                q.task_done()
        taker = gevent.spawn(take)
        for item in range(20):
            q.put(item)
        taker.get(timeout=10)
        assert sorted(got) == list(range(20))
        q.join()
        assert make().maxsize == 0 and make(3).maxsize == 3
        """,
        kind,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_who_waited_before_the_mutex_was_asked_for_respects_it(kind):
    run(
        """
        q = make()
        getter = gevent.spawn(q.get)
        gevent.sleep(0)
        with q.mutex:
            q.queue.append(1)
            q.not_empty.notify()
            gevent.sleep(0.01)
            assert not getter.ready()
        assert getter.get(timeout=10) == 1
        """,
        kind,
    )


def test_a_kill_leaves_the_mutex_free_and_the_items_where_they_were():
    run(
        """
        q = make(1)
        q.mutex
        q.put(1)
        for call in (lambda: q.put(2)), q.join:
            victim = gevent.spawn(call)
            gevent.sleep(0)
            victim.kill()
        with q.mutex:
            victim = gevent.spawn(q.get)
            gevent.sleep(0)
            victim.kill()
        assert not q.mutex.locked() and q.get_nowait() == 1 and not q.mutex.locked()
        """,
        "Queue",
    )


def test_threads_share_a_guarded_queue():
    run(
        """
        q, got, total = make(3), [], 4000
        def put(start):
            for item in range(start, total, 4):
                q.put(item)
        def take():
            while True:
                item = q.get()
                if item is None:
                    return
                with q.mutex:
                    got.append(item)
                    assert len(q.queue) <= 3
                q.task_done()
        done = [threading.Event() for _ in range(2)]
        for each in done:
            native(lambda each=each: (take(), each.set()), ())
        gevent.joinall([gevent.spawn(put, start) for start in range(4)])
        q.join()
        for _ in done:
            q.put(None)
        for each in done:
            assert each.wait(20)
        assert sorted(got) == list(range(total))
        """,
        "Queue",
    )


def test_outside_of_patching_a_queue_without_a_limit_says_none():
    run_script("""
        from gevent.queue import Queue
        assert Queue().maxsize is None and Queue(2).maxsize == 2
        with Queue().mutex:
            pass
    """)
