"""What tasks leave behind in the hubs of worker threads lives on while those threads have nothing to do."""

from scripts import run_script


def test_a_thread_that_a_task_started_lives_on_in_the_idle_worker():
    run_script("""
        from gevent import monkey
        monkey.patch_all()
        import threading, time
        import gevent
        beats, woken, stop = [], threading.Event(), threading.Event()
        def beat():
            while not stop.wait(0.001):
                beats.append(1)
            woken.set()
        def task():
            thread = threading.Thread(target=beat, daemon=True)
            thread.start()
            return thread
        pool = gevent.get_hub().threadpool
        thread = pool.apply(task)
        while len(beats) < 20:
            time.sleep(0.001)
        assert thread.is_alive()
        # It hears of tasks all the same.
        assert [pool.apply(pow, (2, n)) for n in range(5)] == [1, 2, 4, 8, 16]
        stop.set()
        assert woken.wait(10)
        thread.join()
        assert not thread.is_alive()
    """)


def test_a_hub_in_which_something_lives_is_not_destroyed_for_being_idle():
    run_script("""
        import gevent
        from gevent.event import Event
        from gevent.threadpool import ThreadPool
        pool = ThreadPool(1, idle_task_timeout=0.01)
        event, got = Event(), []
        def task():
            gevent.spawn(lambda: got.append(event.wait()))
            return gevent.get_hub()
        hub = pool.apply(task)
        gevent.sleep(0.2)
        assert hub.loop is not None
        event.set()
        while not got:
            gevent.sleep(0.001)
        # With nobody left in it, it is.
        while hub.loop is not None:
            gevent.sleep(0.001)
        assert pool.apply(gevent.get_hub) is not hub
    """)


def test_tasks_get_round_between_workers_that_run_hubs():
    run_script("""
        import gevent, threading
        from gevent.threadpool import ThreadPool
        pool = ThreadPool(3)
        barrier = threading.Barrier(3)
        forever = gevent.event.Event()
        def settle():
            barrier.wait()
            gevent.spawn(forever.wait)
            barrier.wait()
        gevent.wait([pool.spawn(settle) for _ in range(3)])
        for _ in range(50):
            idents = pool.map(lambda _: (barrier.wait(), threading.get_ident())[1], range(3))
            assert len(set(idents)) == 3
        forever.set()
        pool.kill()
        assert pool.size == 0
    """)


def test_what_lives_in_a_worker_outlives_the_pool():
    run_script("""
        import gevent
        from gevent.event import Event
        from gevent.threadpool import ThreadPool
        def live(event, done):
            gevent.sleep(0.001)
            event.wait()
            done.set()
        # Whether the worker leaves before the greenlet waits for another thread, or after, is the machine's choice.
        lives = []
        for _ in range(30):
            pool = ThreadPool(1)
            lives.append((Event(), Event()))
            pool.apply(gevent.spawn, (live, *lives[-1]))
            pool.kill()
            assert pool.size == 0
            del pool
        for event, done in lives:
            event.set()
            assert done.wait(10)
    """)


def test_a_worker_whose_last_greenlet_is_done_leaves():
    run_script("""
        import gevent, threading
        from gevent.event import Event
        from gevent.threadpool import ThreadPool
        pool = ThreadPool(1)
        event, left = Event(), Event()
        class Mark(threading.local):
            pass
        class Left:
            def __del__(self):
                left.set()
        mark = Mark()
        def live():
            mark.here = Left()
            event.wait()
        pool.apply(gevent.spawn, (live,))
        pool.kill()
        event.set()
        assert left.wait(10)
    """)
