"""Semaphores and locks: order, what is never lost, threads with and without hubs, fork."""

import gc
import os
import sys
import threading
import weakref

import pytest
from scripts import run_script

import gevent
from gevent.event import Event
from gevent.exceptions import LoopExit
from gevent.lock import BoundedSemaphore, DummySemaphore, RLock, Semaphore


def waiters_of(semaphore, count, seen):
    """Spawn `count` greenlets that acquire and note their number; return them, all waiting."""

    def wait(number):
        semaphore.acquire()
        seen.append(number)

    greenlets = [gevent.spawn(wait, number) for number in range(count)]
    gevent.sleep(0)
    return greenlets


def test_waiters_are_served_in_the_order_they_came():
    semaphore, seen = Semaphore(0), []
    waiters = waiters_of(semaphore, 5, seen)
    for _ in waiters:
        semaphore.release()
    gevent.joinall(waiters, timeout=10)
    assert seen == [0, 1, 2, 3, 4]


def test_a_waiter_killed_between_wake_up_and_turn_loses_no_unit():
    semaphore, seen = Semaphore(0), []
    first, second = waiters_of(semaphore, 2, seen)
    first.kill(block=False)  # comes before the turn of the one who is woken now
    semaphore.release()
    second.join(timeout=10)
    assert seen == [1]
    assert semaphore.counter == 0


def test_a_waiter_timed_out_between_wake_up_and_turn_loses_no_unit():
    semaphore = Semaphore(0)

    def impatient():
        with gevent.Timeout(0, False):
            semaphore.acquire()
            return "taken"

    first = gevent.spawn(impatient)
    patient = gevent.spawn(semaphore.acquire)
    gevent.sleep(0)
    # In one turn of the loop: the release, and before its waiter runs, the end of its time.
    gevent.get_hub().loop.timer(0).start(semaphore.release)
    gevent.joinall([first], timeout=10)
    if first.value == "taken":
        semaphore.release()
    patient.join(timeout=10)
    assert patient.value is True
    assert semaphore.counter == 0


def test_somebody_who_did_not_wait_may_be_faster_and_the_line_keeps_its_order():
    semaphore, seen = Semaphore(1), []
    semaphore.acquire()
    waiters = waiters_of(semaphore, 3, seen)
    for _ in range(5):
        semaphore.release()
        assert semaphore.acquire(blocking=False)
    gevent.sleep(0)
    assert seen == []
    for _ in waiters:
        semaphore.release()
    gevent.joinall(waiters, timeout=10)
    assert seen == [0, 1, 2]


def test_a_wake_up_taken_back_keeps_the_time_limit():
    semaphore = Semaphore(1)
    semaphore.acquire()
    waiter = gevent.spawn(semaphore.acquire, timeout=0.01)
    gevent.sleep(0)
    semaphore.release()
    semaphore.acquire()
    waiter.join(timeout=10)
    assert waiter.value is False


def test_a_unit_released_while_the_time_of_its_waiter_ran_out_is_not_lost():
    semaphore = Semaphore(1)
    semaphore.acquire()
    waiter = gevent.spawn(semaphore.acquire, timeout=0.001)
    gevent.sleep(0)
    semaphore.release()
    # The clock passes the limit before the loop comes to look.
    deadline = gevent.get_hub().loop.now() + 0.01
    while gevent.get_hub().loop.now() < deadline:
        gevent.get_hub().loop.update_now()
    waiter.join(timeout=10)
    assert waiter.value is (semaphore.counter == 0)


def test_acquire_with_a_limit_returns_false_and_leaves_the_line():
    semaphore = Semaphore(0)
    assert semaphore.acquire(timeout=0.001) is False
    assert semaphore.acquire(timeout=gevent.Timeout(0.001)) is False
    assert semaphore.linkcount() == 0
    with pytest.raises(KeyError):
        semaphore.acquire(timeout=gevent.Timeout(0.001, KeyError))


def test_an_outer_timeout_passes_through():
    outer = gevent.Timeout(0.001)
    with pytest.raises(gevent.Timeout) as caught, outer:
        Semaphore(0).acquire(timeout=10)
    assert caught.value is outer


def test_waiting_for_what_nobody_can_release_is_told():
    with pytest.raises(LoopExit):
        Semaphore(0).acquire()


def test_wait_takes_nothing():
    semaphore = Semaphore(0)
    lookers = [gevent.spawn(semaphore.wait) for _ in range(3)]
    taker = gevent.spawn(semaphore.acquire)
    gevent.sleep(0)
    semaphore.release()
    gevent.joinall([*lookers, taker], timeout=10)
    assert [looker.value for looker in lookers] == [1, 1, 1]
    assert taker.value is True


def test_release_from_a_thread_without_a_hub_wakes_the_waiter_in_its_own():
    semaphore, where = Semaphore(0), []

    def wait():
        semaphore.acquire()
        where.append(threading.get_ident())

    waiter = gevent.spawn(wait)
    gevent.sleep(0)
    thread = threading.Thread(target=semaphore.release)
    thread.start()
    with gevent.Timeout(10):
        while not waiter.ready():
            gevent.sleep(0.001)
    thread.join()
    assert where == [threading.get_ident()]


def test_a_thread_without_a_hub_sleeps_until_the_lock_is_free_and_gets_no_hub():
    run_script("""
        import threading
        import gevent
        from gevent._hub_local import get_hub_if_exists
        from gevent.lock import Semaphore
        semaphore, seen = Semaphore(1), []
        semaphore.acquire()
        began = threading.Event()
        def thread():
            began.set()
            seen.append((semaphore.acquire(), get_hub_if_exists()))
            seen.append(semaphore.acquire(timeout=0.01))
        other = threading.Thread(target=thread)
        other.start()
        began.wait()
        while not semaphore.linkcount():
            pass
        semaphore.release()
        other.join()
        assert seen == [(True, None), False], seen
    """)


def test_the_main_greenlet_waits_for_a_lock_that_a_thread_holds_although_its_loop_is_empty():
    semaphore = Semaphore(1)
    taken, release = threading.Event(), threading.Event()

    def hold():
        semaphore.acquire()
        taken.set()
        release.wait(10)
        semaphore.release()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(10)
    gevent.get_hub().loop.timer(0.01).start(release.set)
    assert semaphore.acquire(timeout=10)
    thread.join()


# Where a lock has gone from thread to thread, and nobody is left who could release it: LoopExit.
ALONE = """
    import threading, sys
    import gevent
    from gevent.lock import RLock, Semaphore
    lock = {"semaphore": Semaphore, "rlock": RLock}[sys.argv[1]]()

    def take_turns():
        with lock:
            pass

    lock.acquire()
    thread = threading.Thread(target=take_turns)
    thread.start()
    while not lock_of(lock).linkcount():
        gevent.sleep(0.001)
    lock.release()
    thread.join()
    while len(sys._current_frames()) > 1:
        gevent.sleep(0.001)
    others = [threading.Thread(target=threading.Event().wait, daemon=True) for _ in range(int(sys.argv[2]))]
    for other in others:
        other.start()
    holder = gevent.spawn(lock.acquire)
    holder.join()
    try:
        lock.acquire()
    except gevent.exceptions.LoopExit:
        print("told")
""".replace("lock_of(lock)", "getattr(lock, '_block', lock)")


@pytest.mark.parametrize("kind", ["semaphore", "rlock"])
def test_a_lock_that_threads_have_shared_is_no_reason_to_wait_for_ever_when_they_are_gone(kind):
    assert run_script(ALONE, kind, 0, deadline_s=20).stdout == "told\n"


def test_an_rlock_that_a_greenlet_of_this_thread_owns_is_released_by_no_other_thread():
    assert run_script(ALONE, "rlock", 1, deadline_s=20).stdout == "told\n"


def test_threads_with_hubs_share_a_lock():
    run_script("""
        import threading
        import gevent
        from gevent.lock import BoundedSemaphore
        lock, total = BoundedSemaphore(1), [0]
        def greenlet():
            for _ in range(200):
                with lock:
                    before = total[0]
                    gevent.sleep(0)
                    total[0] = before + 1
        def thread():
            gevent.joinall([gevent.spawn(greenlet) for _ in range(4)])
            gevent.get_hub().destroy(destroy_loop=True)
        threads = [threading.Thread(target=thread) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert total[0] == 4 * 4 * 200, total
        assert lock.counter == 1
    """)


def test_an_interrupt_ends_the_wait_of_a_main_thread_without_a_hub():
    run_script("""
        import signal, threading, time, os
        from gevent.lock import Semaphore
        semaphore = Semaphore(1)
        taken = threading.Event()
        def hold():
            semaphore.acquire()
            taken.set()
        threading.Thread(target=hold).start()
        taken.wait()
        def interrupt():
            while not semaphore.linkcount():
                pass
            # As with Python's own locks, a signal that comes just before the thread falls asleep does not wake it.
            while semaphore.linkcount():
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            semaphore.acquire()
        except KeyboardInterrupt:
            assert semaphore.linkcount() == 0
        else:
            raise AssertionError
    """)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_waiters_go_on_in_a_forked_child():
    run_script("""
        import os
        import gevent
        from gevent.lock import Semaphore
        semaphore, seen = Semaphore(0), []
        def wait(number):
            semaphore.acquire()
            seen.append(number)
        waiters = [gevent.spawn(wait, number) for number in range(3)]
        gevent.sleep(0)
        semaphore.release()  # one is on its way when the process forks
        pid = os.fork()
        semaphore.release()
        semaphore.release()
        gevent.joinall(waiters, timeout=10)
        assert sorted(seen) == [0, 1, 2], seen
        assert semaphore.counter == 0
        if pid:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        else:
            os._exit(0)
    """)


def test_in_a_child_that_abandoned_its_hub_the_waiters_left_behind_get_nothing():
    run_script("""
        import os
        import gevent
        from gevent import _hub_local
        from gevent.event import Event
        from gevent.lock import Semaphore
        from gevent.queue import Channel, Queue
        semaphore, event, queue, channel, seen = Semaphore(0), Event(), Queue(), Channel(), []
        for wait in (semaphore.acquire, semaphore.acquire, event.wait, queue.get, queue.get, channel.get, queue.join):
            gevent.spawn(lambda wait=wait: (wait(), os.write(2, b"a greenlet of the parent ran in the child")))
        semaphore.rawlink(lambda source: os.write(2, b"a link of the parent ran in the child"))
        event.rawlink(lambda source: os.write(2, b"a link of the parent ran in the child"))
        gevent.sleep(0)
        semaphore.release()  # and one on its way
        pid = os.fork()
        if pid == 0:
            _hub_local.abandon_hub_after_fork()
            # The unit is still there, and the next one finds its way to who waits here.
            assert semaphore.acquire(timeout=10)
            waiter = gevent.spawn(semaphore.acquire)
            getter = gevent.spawn(queue.get)
            catcher = gevent.spawn(channel.get)
            listener = gevent.spawn(event.wait)
            gevent.sleep(0)
            semaphore.release()
            queue.put("item")
            channel.put("handed", timeout=10)
            event.set()
            gevent.joinall([waiter, getter, catcher, listener], timeout=10, raise_error=True)
            assert getter.value == "item", getter
            assert catcher.value == "handed", catcher
            assert waiter.value and listener.value
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    """)


def test_a_bounded_semaphore_refuses_one_release_too_many():
    semaphore = BoundedSemaphore(2)
    with pytest.raises(ValueError, match="too many"):
        semaphore.release()
    with semaphore:
        assert semaphore.counter == 1
    assert semaphore.counter == 2


def test_with_uses_what_a_subclass_has_made_of_it():
    class Counted(Semaphore):
        calls = 0

        def acquire(self, blocking=True, timeout=None):
            self.calls += 1
            return Semaphore.acquire(self, blocking, timeout)

    semaphore = Counted(1)
    with semaphore:
        assert semaphore.locked()
    assert (semaphore.calls, semaphore.counter) == (1, 1)


def test_values_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=">= 0"):
        Semaphore(-1)
    with pytest.raises(TypeError):
        Semaphore("many")
    with pytest.raises(TypeError):
        Semaphore(0).acquire(timeout="soon")


@pytest.mark.parametrize("kind", [Semaphore, BoundedSemaphore, RLock])
def test_no_python_frame_runs_inside_a_lock(kind):
    lock, frames = kind(), []

    def trace(frame, event, argument):
        if frame.f_code.co_filename != __file__:
            frames.append(frame.f_code)

    sys.settrace(trace)
    try:
        lock.acquire()
        lock.release()
        with lock:
            pass
    finally:
        sys.settrace(None)
    assert frames == []


def test_an_rlock_is_free_after_as_many_releases_and_belongs_to_one_greenlet():
    lock = RLock()
    assert lock.acquire() and lock.acquire()
    assert lock._is_owned() and lock._recursion_count() == 2

    def other():
        assert not lock._is_owned()
        assert not lock.acquire(blocking=False)
        assert not lock.acquire(timeout=0.001)
        with pytest.raises(RuntimeError, match="un-acquired"):
            lock.release()

    gevent.spawn(other).get(timeout=10)
    lock.release()
    assert lock.locked()
    waiter = gevent.spawn(lock.acquire)
    gevent.sleep(0)
    lock.release()
    assert waiter.get(timeout=10) is True
    with pytest.raises(RuntimeError, match="un-acquired"):
        lock.release()


def test_a_subclass_of_rlock_may_have_arguments_of_its_own():
    class Named(RLock):
        def __init__(self, name):
            super().__init__()
            self.name = name

    class Forgetful(RLock):
        def __init__(self, name):
            self.name = name

    for kind in Named, Forgetful:
        with kind("printer") as taken:
            assert taken is True
    assert RLock(gevent.get_hub())._block.hub is gevent.get_hub()
    with pytest.raises(TypeError):
        Named()


def test_an_rlock_gives_all_its_levels_to_a_condition_and_takes_them_back():
    lock = RLock()
    lock.acquire()
    lock.acquire()
    state = lock._release_save()
    assert not lock.locked()
    lock._acquire_restore(state)
    assert lock._recursion_count() == 2


def test_a_dummy_semaphore_never_waits():
    semaphore = DummySemaphore(5)
    assert all(semaphore.acquire() for _ in range(100))
    assert not semaphore.locked()


def test_nothing_is_kept_of_waiters_that_are_gone():
    semaphore = Semaphore(0)
    objects = []

    def wait(anything):
        semaphore.acquire(timeout=0)

    waiting = []
    for _ in range(200):
        anything = Event()
        objects.append(weakref.ref(anything))
        waiting.append(gevent.spawn(wait, anything))
    gevent.joinall(waiting)
    del anything, waiting
    gevent.sleep(0)
    gc.collect()
    assert semaphore.linkcount() == 0
    assert not any(ref() for ref in objects)
