"""Locks and their relatives between processes: they exclude, they wake, and who waits does not stop the others."""

from worlds import run_program


def test_a_lock_lets_one_in_at_a_time_whether_greenlet_or_process(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gevent

        def count(lock, counter, times):
            for _ in range(times):
                with lock:
                    seen = counter.value
                    gevent.sleep(0)
                    counter.value = seen + 1

        def work(lock, counter):
            gevent.joinall([gevent.spawn(count, lock, counter, 20) for _ in range(5)], raise_error=True)

        def main(context):
            for lock in context.Lock(), context.RLock(), context.Semaphore(1), context.BoundedSemaphore(1):
                counter = context.Value("i", 0, lock=False)
                processes = [context.Process(target=work, args=(lock, counter)) for _ in range(2)]
                for process in processes:
                    process.start()
                work(lock, counter)
                for process in processes:
                    process.join()
                assert counter.value == 300, (lock, counter.value)
        """,
    )


def test_waiting_for_a_lock_of_another_process_lets_greenlets_run(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import time
        from ticker import Ticker

        def hold(lock, held):
            with lock:
                held.release()
                time.sleep(0.5)

        def main(context):
            for lock in context.Lock(), context.RLock(), context.Semaphore(1), context.Condition():
                held = context.Semaphore(0)
                process = context.Process(target=hold, args=(lock, held))
                process.start()
                held.acquire()
                with Ticker():
                    assert lock.acquire()
                lock.release()
                process.join()
        """,
    )


def test_an_rlock_belongs_to_one_greenlet(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def main(context):
            lock = context.RLock()
            lock.acquire()
            lock.acquire()
            assert not gevent.spawn(lock.acquire, False).get()
            assert not gevent.spawn(lock.acquire, True, 0.01).get()

            def release():
                try:
                    lock.release()
                except AssertionError:
                    return "refused"
            assert gevent.spawn(release).get() == "refused"
            waiter = gevent.spawn(lock.acquire)
            lock.release()
            gevent.sleep(0.01)
            assert not waiter.ready()
            lock.release()
            assert waiter.get(timeout=5)
        """,
    )


def test_the_limits_of_each_kind_are_the_standard_librarys(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        def raises(error, function, *args):
            try:
                function(*args)
            except error:
                return True
            return False

        def main(context):
            assert raises(ValueError, context.Lock().release)
            assert raises(AssertionError, context.RLock().release)
            bounded = context.BoundedSemaphore(2)
            assert raises(ValueError, bounded.release)
            semaphore = context.Semaphore(2)
            assert semaphore.get_value() == 2 and repr(semaphore) == "<Semaphore(value=2)>"
            assert semaphore.acquire() and semaphore.acquire() and not semaphore.acquire(False)
            assert not semaphore.acquire(True, -1) and not semaphore.acquire(timeout=0.01)
            semaphore.release()
            assert semaphore.get_value() == 1 and "owner=None" in repr(context.Lock())
            lock = context.Lock()
            with lock:
                assert "owner=MainProcess" in repr(lock)
            assert raises((ValueError, OSError), context.Semaphore, -1)
        """,
    )


def test_a_killed_or_timed_out_waiter_takes_nothing(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def main(context):
            for round in range(50):
                semaphore = context.Semaphore(0)
                waiters = [gevent.spawn(semaphore.acquire) for _ in range(6)]
                gevent.sleep(0)
                for _ in range(3):
                    semaphore.release()
                # Some are on their way to a unit, some still asleep.
                for _ in range(round % 3):
                    gevent.sleep(0)
                gevent.killall(waiters[:3])
                with gevent.Timeout(5):
                    gevent.joinall(waiters[3:]) if round % 3 == 0 else None
                taken = sum(waiter.value is True for waiter in waiters)
                gevent.killall(waiters)
                taken = sum(waiter.value is True for waiter in waiters)
                assert taken + semaphore.get_value() == 3, (taken, semaphore)

                for _ in range(semaphore.get_value()):
                    semaphore.acquire()
                with gevent.Timeout(0.001, False):
                    semaphore.acquire()
                semaphore.release()
                assert semaphore.get_value() == 1
        """,
    )


def test_a_waiter_in_a_process_that_is_killed_takes_nothing(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gevent

        def take(units, ready):
            gevent.spawn(ready.release)
            units.acquire()
            gevent.sleep(60)

        def main(context):
            units, ready = context.Semaphore(0), context.Semaphore(0)
            processes = [context.Process(target=take, args=(units, ready)) for _ in range(3)]
            for process in processes:
                process.start()
            for process in processes:
                ready.acquire()
            waiter = gevent.spawn(units.acquire)
            gevent.sleep(0)  # it runs until it waits
            for process in processes:
                process.kill()
            for process in processes:
                process.join()
            units.release()
            assert waiter.get(timeout=10)
        """,
    )


def test_conditions_events_and_barriers_wake_across_processes(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gevent
        from ticker import Ticker

        def other(condition, event, barrier, number, waiting):
            with condition:  # which the parent gives up when it waits
                number.value = 7
                condition.notify_all()
            assert waiting.acquire(timeout=20)
            event.set()
            assert waiting.acquire(timeout=20)
            barrier.wait()

        def main(context):
            condition, event, barrier = context.Condition(), context.Event(), context.Barrier(3)
            number = context.Value("i", 0)
            waiting = context.Semaphore(0)
            process = context.Process(target=other, args=(condition, event, barrier, number, waiting))
            with Ticker():
                with condition:
                    process.start()
                    assert condition.wait_for(lambda: number.value == 7, 20)
                assert not event.is_set() and not event.wait(0.01)
                waiters = [gevent.spawn(event.wait, 20) for _ in range(20)]
                gevent.sleep(0)
                waiting.release()
                assert event.wait(20) and all(waiter.get() for waiter in waiters)
                waiters = [gevent.spawn(barrier.wait, 20) for _ in range(2)]
                gevent.sleep(0)
                waiting.release()
                assert {waiter.get() for waiter in waiters} <= {0, 1, 2}
            process.join()
        """,
    )


def test_values_and_arrays_are_shared_and_their_locks_exclude_greenlets(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gevent

        def add(value, array):
            for i in range(100):
                with value.get_lock():
                    seen = value.value
                    gevent.sleep(0)
                    value.value = seen + 1
                array[i] += 1

        def main(context):
            value, array = context.Value("i", 0), context.Array("d", 100)
            processes = [context.Process(target=add, args=(value, array)) for _ in range(2)]
            for process in processes:
                process.start()
            gevent.joinall([gevent.spawn(add, value, array) for _ in range(3)], raise_error=True)
            for process in processes:
                process.join()
            assert value.value == 500, value.value
            assert len(array[:]) == 100
        """,
    )


def test_ten_thousand_locks_cost_no_descriptors_and_leave_nothing_behind(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import re
        from ticker import descriptors

        def use(locks, done):
            for lock in locks:
                lock.acquire()
            done.release()

        def main(context):
            done = context.Semaphore(0)
            held = descriptors()
            locks = [context.Lock() for _ in range(10_000)]
            assert descriptors() == held
            process = context.Process(target=use, args=(locks, done))
            process.start()
            done.acquire()
            assert not any(lock.acquire(False) for lock in locks)
            process.kill()
            process.join()
            # Where what this process has mapped comes from; in the folder itself others' names come and go.
            with open("/proc/self/maps") as maps:
                mapped = re.findall("[/:]gevent-[^/\\n]*$", maps.read(), re.MULTILINE)
            assert mapped and all(line.endswith("(deleted)") for line in mapped)
        """,
    )
