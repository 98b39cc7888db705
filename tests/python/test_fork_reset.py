"""What a child finds after fork(): gevent's own promise, and the clean start of multiprocessing's children."""

from scripts import run_script


def test_a_child_that_abandons_the_hub_runs_nothing_of_its_parents():
    result = run_script(
        """
        import os, gevent
        from gevent._hub_local import abandon_hub_after_fork

        ran_in_child = []
        parent = os.getpid()

        def tick():
            try:
                while True:
                    gevent.sleep(0.001)
                    if os.getpid() != parent:
                        os._exit(11)
            finally:
                if os.getpid() != parent:
                    os._exit(12)

        greenlets = [gevent.spawn(tick) for _ in range(100)]
        gevent.get_hub().loop.timer(0.002, 0.002).start(lambda: os.getpid() == parent or os._exit(13))
        gevent.sleep(0.01)

        def fork_and_work():
            pid = os.fork()
            if pid:
                return pid
            abandon_hub_after_fork()
            done = [gevent.spawn(gevent.sleep, 0.02) for _ in range(10)]
            gevent.joinall(done, timeout=10)
            del globals()["greenlets"][:]
            import gc; gc.collect()
            gevent.sleep(0.02)
            os._exit(0 if all(g.successful() for g in done) else 14)

        pid = gevent.spawn(fork_and_work).get()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        gevent.sleep(0.01)  # and here everything goes on
        gevent.killall(greenlets)
        """
    )
    assert result.stdout == "0\n"


def test_a_clean_child_with_nothing_left_to_do_gets_its_loop_exit_in_the_greenlet_that_forked():
    result = run_script(
        """
        import os, gevent
        from gevent._hub_local import abandon_hub_after_fork
        from gevent.event import Event

        def fork_and_wait():
            pid = os.fork()
            if pid:
                return pid
            abandon_hub_after_fork()
            try:
                Event().wait()
            except gevent.exceptions.LoopExit:
                os._exit(0)
            os._exit(1)

        pid = gevent.spawn(fork_and_wait).get()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """
    )
    assert result.stdout == "0\n"


def test_after_a_plain_fork_greenlets_go_on_in_the_child():
    result = run_script(
        """
        import os, gevent

        ran = []
        def later():
            gevent.sleep(0.01)
            ran.append(os.getpid())

        greenlet = gevent.spawn(later)
        gevent.sleep(0)
        pid = os.fork()
        greenlet.join(timeout=10)
        if pid == 0:
            os._exit(0 if ran == [os.getpid()] else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), ran == [os.getpid()])
        """
    )
    assert result.stdout == "0 True\n"
