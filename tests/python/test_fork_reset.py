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


def test_a_greenlet_that_was_a_thread_of_the_parent_ends_in_the_child_without_a_word():
    result = run_script(
        """
        from gevent import monkey
        monkey.patch_all()
        import os, threading

        go = threading.Event()
        thread = threading.Thread(target=go.wait)
        thread.start()
        pid = os.fork()
        go.set()
        if pid:
            thread.join()
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        elif thread.is_alive() or threading.enumerate() != [threading.main_thread()]:
            os._exit(1)
        else:
            import gevent
            gevent.wait(timeout=10)
        """
    )
    assert (result.stdout, result.stderr) == ("", "")


_HOOKS = """
    import _thread, os, sys, threading, time

    native_start = _thread.start_new_thread
    parent = os.getpid()
    lives = set()

    def restart_early():
        threading.Thread(target=live, args=("thread of an early hook",), daemon=True).start()

    os.register_at_fork(after_in_child=restart_early)

    from gevent import monkey
    monkey.patch_all(multiprocessing=True)
    import gevent, multiprocessing

    def live(name):
        for _ in range(3):
            time.sleep(0.001)
        lives.add((name, os.getpid()))

    def restart():
        threading.Thread(target=live, args=("thread",), daemon=True).start()
        thread = threading.Thread(target=live, args=("joined thread",))
        thread.start()
        assert thread.is_alive()
        threading.Timer(0.001, live, ("timer",)).start()
        gevent.spawn(live, "greenlet")
        gevent.spawn_later(0.001, live, "later greenlet")
        watcher = gevent.get_hub().loop.timer(0.001)
        watcher.start(lambda: lives.add(("watcher", os.getpid())) or watcher)
        gevent.get_hub().threadpool.spawn(lambda: lives.add(("thread pool", os.getpid())))
        native_start(lambda: lives.add(("native thread", os.getpid())), ())

    os.register_at_fork(after_in_child=restart)

    ALL = {"thread of an early hook", "thread", "joined thread", "timer", "greenlet", "later greenlet", "watcher",
           "thread pool", "native thread"}

    def wait_for_all():
        end = time.monotonic() + 30
        while {name for name, pid in tuple(lives) if pid == os.getpid()} != ALL and time.monotonic() < end:
            time.sleep(0.005)
        missing = ALL - {name for name, pid in tuple(lives) if pid == os.getpid()}
        foreign = [name for name, pid in lives if pid == parent]
        if missing or (foreign and os.getpid() != parent):
            print("missing", missing, "of the parent", foreign, file=sys.stderr)
            os._exit(1)
        if len(threading.enumerate()) < 1 or not threading.current_thread().is_alive():
            os._exit(2)
"""


def test_what_fork_hooks_start_lives_in_a_child_made_by_os_fork():
    run_script(
        _HOOKS
        + """
    gevent.sleep(0.001)  # there is a hub
    pid = os.fork()
    if pid == 0:
        wait_for_all()
        inner = os.fork()  # and in a grandchild
        if inner == 0:
            wait_for_all()
            os._exit(0)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    """
    )


def test_what_fork_hooks_start_lives_in_a_process_of_multiprocessing():
    run_script(
        _HOOKS
        + """
    def work(depth):
        wait_for_all()
        if depth:
            start(depth - 1)

    def start(depth):
        process = multiprocessing.get_context("fork").Process(target=work, args=(depth,))
        process.start()
        process.join()
        assert process.exitcode == 0, process.exitcode

    start(1)
    gevent.sleep(0.001)
    start(1)
    gevent.spawn(start, 1).get()
    """
    )


def test_a_child_forked_in_a_thread_of_the_pool_has_a_main_hub_and_none_of_the_parents_loops():
    run_script(
        """
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)
        import gevent, multiprocessing, os, signal, threading

        parent = os.getpid()

        def tick():
            while True:
                gevent.sleep(0.001)
                if os.getpid() != parent:
                    os._exit(9)

        def work():
            hub = gevent.get_hub()
            assert hub.main_hub and hub.loop.default and "main" in repr(threading.main_thread()).lower(), hub
            gevent.sleep(0.02)
            watcher = gevent.signal_handler(signal.SIGUSR1, os._exit, 7)
            os.kill(os.getpid(), signal.SIGUSR1)
            gevent.sleep(10)

        def start():
            process = multiprocessing.get_context("fork").Process(target=work)
            process.start()
            process.join()
            return process.exitcode

        gevent.spawn(tick)
        gevent.signal_handler(signal.SIGUSR1, os._exit, 8)
        gevent.sleep(0.01)
        assert not gevent.get_hub().threadpool.apply(lambda: gevent.get_hub().main_hub)
        assert gevent.get_hub().threadpool.apply(start) == 7
        """
    )
