"""Greenlets that are killed or time out amid something that other processes share."""

from worlds import run_program


def test_a_waiter_of_a_condition_that_is_killed_twice_has_the_lock_back_before_it_goes(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def wait(condition):
            with condition, condition:
                condition.wait()

        def wait_once(condition):
            with condition:
                condition.wait()

        def main(context):
            for waiter, lock in (wait_once, context.Lock()), (wait, context.RLock()), (wait, None):
                condition = context.Condition(lock)
                waiting = gevent.spawn(waiter, condition)
                gevent.sleep(0.01)
                condition.acquire()
                for _ in range(3):
                    waiting.kill(block=False)
                    gevent.sleep(0.01)
                assert not waiting.dead
                condition.release()
                waiting.join(10)
                assert isinstance(waiting.value, gevent.GreenletExit), waiting
                takers = [gevent.spawn(condition.acquire, timeout=0.01) for _ in range(2)]
                assert [taker.get() for taker in takers] == [True, False]
        """,
    )


def test_a_condition_notifies_after_waiters_were_killed(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def wait(condition):
            with condition:
                assert condition.wait(10)

        def main(context):
            condition = context.Condition()
            waiting = [gevent.spawn(wait, condition) for _ in range(6)]
            gevent.sleep(0.01)
            gevent.killall(waiting[::2])
            with condition:
                condition.notify_all()
            gevent.joinall(waiting[1::2], timeout=10, raise_error=True)
            assert all(each.dead for each in waiting)
        """,
    )


def test_a_queue_whose_first_put_was_given_up_has_all_its_places_and_can_be_closed(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def main(context):
            for make in context.Queue, context.JoinableQueue:
                for turns in range(4):
                    queue = make(1)
                    putting = [gevent.spawn(queue.put, number) for number in range(3)]
                    for _ in range(turns):
                        gevent.sleep(0)
                    gevent.killall(putting)
                    has_put = any(each.value is None for each in putting)
                    queue.put("next", timeout=10) if not has_put else None
                    queue.get(timeout=10)
                    assert queue.empty()
                    queue.put("last", timeout=10)
                    assert queue.get(timeout=10) == "last"
                    queue.close()
                    queue.join_thread()
                    assert not queue._thread.is_alive()
        """,
    )


def test_a_put_that_is_given_up_while_others_have_the_lock_of_the_tasks_leaves_its_place_free(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def main(context):
            queue = context.JoinableQueue(1)
            for _ in range(3):
                with queue._cond:
                    putting = gevent.spawn(queue.put, "never")
                    gevent.sleep(0.01)
                    putting.kill(timeout=10)
            queue.put("this", timeout=10)
            assert queue.get(timeout=10) == "this"
            queue.task_done()
            queue.join()
        """,
    )


def test_a_pool_that_was_given_up_while_it_was_made_leaves_nothing(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gc
        import os
        import time

        import gevent
        from gevent._native import semlock

        def level(context):
            gc.collect()
            slots = semlock.Arena.of_this_process().slots_in_use()
            return len(os.listdir("/proc/self/fd")), slots, len(context.active_children())

        def main(context):
            context.Pool(2).terminate()
            # The first who waits for a lock opens what wake-ups are heard with, for all others.
            lock = context.Lock()
            lock.acquire()
            assert not lock.acquire(timeout=0.1)
            del lock
            before = level(context)
            finished = 0
            for turns in range(12):
                making = gevent.spawn(context.Pool, 2)
                for _ in range(turns):
                    gevent.sleep(0)
                making.kill()
                pool = making.value
                if not isinstance(pool, gevent.GreenletExit):
                    finished += 1
                    pool.terminate()
                    pool.join()
                del making, pool
                deadline = time.monotonic() + 20
                while level(context) != before and time.monotonic() < deadline:
                    gevent.sleep(0.01)
                assert level(context) == before, f"after {turns} turns: {level(context)}, before {before}"
            assert finished < 12
        """,
    )


def test_a_condition_goes_on_after_a_notify_that_was_given_up(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import os
        import signal

        import gevent

        def wait(condition, ready, woken):
            with condition:
                ready.release()
                condition.wait()
            woken.release()

        def notify_all(condition):
            with condition:
                condition.notify_all()

        def main(context):
            condition, ready, woken = context.Condition(), context.Semaphore(0), context.Semaphore(0)
            waiting = [context.Process(target=wait, args=(condition, ready, woken)) for _ in range(3)]
            for process in waiting:
                process.start()
            for _ in waiting:
                assert ready.acquire(timeout=20)
            with condition:  # all of them wait
                pass
            os.kill(waiting[0].pid, signal.SIGSTOP)
            notifying = gevent.spawn(notify_all, condition)
            gevent.sleep(0.1)
            notifying.kill(timeout=20)
            assert isinstance(notifying.value, gevent.GreenletExit)
            # It was not in time for the one that was stopped.
            os.kill(waiting[0].pid, signal.SIGCONT)
            for _ in waiting[1:]:
                assert woken.acquire(timeout=20)
            notify_all(condition)
            assert woken.acquire(timeout=20)
            for process in waiting:
                process.join(20)
                assert process.exitcode == 0
            # What the next waits for is the next notify().
            with condition:
                assert not condition.wait(0.01)
        """,
    )


def test_a_manager_that_was_given_up_while_it_was_started_leaves_no_server(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gevent

        def main(context):
            # Given up in another place each time, and at last not at all.
            for pause in (0, 0.001, 0.003, 0.01, 0.03, 0.1):
                starting = gevent.spawn(context.Manager)
                gevent.sleep(pause)
                starting.kill()
                if not isinstance(starting.value, gevent.GreenletExit):
                    starting.value.shutdown()
                del starting
            with gevent.Timeout(30):
                while multiprocessing.active_children():
                    gevent.sleep(0.005)
            with context.Manager() as manager:
                assert list(manager.list([1])) == [1]
        """,
    )


def test_an_executor_whose_first_submit_was_given_up_knows_its_workers_and_ends(tmp_path, start_method):
    run_program(
        tmp_path,
        "patched",
        start_method,
        """
        from concurrent.futures import ProcessPoolExecutor
        import gevent

        def main(context):
            # Given up in another place each time, and at last not at all.
            for pause in (0, 0.001, 0.003, 0.006, 0.01, 0.02, 0.05):
                executor = ProcessPoolExecutor(2, mp_context=context)
                submitting = gevent.spawn(executor.submit, abs, -3)
                gevent.sleep(pause)
                submitting.kill()
                with gevent.Timeout(30):
                    assert executor.submit(abs, -4).result() == 4
                    executor.shutdown()
                assert not multiprocessing.active_children()
        """,
    )


def test_who_is_interrupted_while_it_sends_what_others_have_put_leaves_that_to_be_sent(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        class Slow:
            def __init__(self, name):
                self.name = name
            def __reduce__(self):
                pickling.append(self.name)
                gevent.sleep(0.05)
                return str, (self.name,)

        pickling = []

        def main(context):
            for make in context.Queue, context.JoinableQueue:
                for given_up_at in "mine", "yours":
                    queue = make(2)
                    del pickling[:]
                    first = gevent.spawn(queue.put, Slow("mine"))
                    while not pickling:
                        gevent.sleep(0.001)
                    queue.put(Slow("yours"))  # which the first greenlet is going to send, or the feeder
                    while given_up_at not in pickling:
                        gevent.sleep(0.001)
                    first.kill()
                    expected = ["yours"] if given_up_at == "mine" else ["mine", "yours"]
                    assert [queue.get(timeout=20) for _ in expected] == expected
                    for name in "one", "two":  # all places are free
                        queue.put(name, timeout=20)
                    assert [queue.get(timeout=20), queue.get(timeout=20)] == ["one", "two"]
                    if make == context.JoinableQueue:
                        for _ in range(len(expected) + 2):
                            queue.task_done()
                        with gevent.Timeout(20):
                            queue.join()
                    queue.close()
                    queue.join_thread()
        """,
    )


def test_a_signals_handler_that_raises_as_soon_as_something_is_put_undoes_nothing(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import os
        import signal

        class Told(BaseException):
            pass

        def tell(queue, parent, answer):
            number = 0
            while (message := queue.get()) is not None:
                os.kill(parent, signal.SIGUSR1)
                assert message == number, (message, number)
                number += 1
                answer.release()
            queue.task_done()

        def main(context):
            queue, answer = context.JoinableQueue(3), context.Semaphore(0)
            told = []

            def handle(*_):
                told.append(1)
                if raises:
                    raise Told

            # A function: newer compilers leave the last step of a loop outside the try statement that it ends.
            def put_and_be_told(number):
                queue.put(number)
                while len(told) <= number:
                    pass

            process = context.Process(target=tell, args=(queue, os.getpid(), answer))
            process.start()
            signal.signal(signal.SIGUSR1, handle)
            for number in range(300):
                raises = True
                try:
                    put_and_be_told(number)
                except Told:
                    pass
                raises = False
                assert answer.acquire(timeout=20)
                queue.task_done()
            for _ in range(4):
                queue.put(None, timeout=20)
            for _ in range(3):
                assert queue.get(timeout=20) is None
                queue.task_done()
            queue.join()
            process.join(20)
            assert process.exitcode == 0, process.exitcode
        """,
    )
