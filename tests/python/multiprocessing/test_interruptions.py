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
