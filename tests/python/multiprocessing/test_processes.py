"""Processes: they start, run green, end, and are waited for, without the parent's hub noticing."""

from worlds import run_program


def test_children_and_grandchildren_are_green_from_the_first_import(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import importlib
        import gevent
        from ticker import Ticker

        def is_green(context):
            # A queue whose feeder is a greenlet of this very process: waiting for it would stop a hub that is not.
            queue = context.Queue()
            with Ticker(greenlets=5):
                gevent.spawn_later(0.1, queue.put, 1)
                assert queue.get() == 1

        def grandchild(method, results):
            is_green(multiprocessing.get_context(method))
            results.put("grandchild")

        def child(method, results):
            context = multiprocessing.get_context(method)
            is_green(context)
            process = context.Process(target=grandchild, args=(method, results))
            process.start()
            with Ticker(greenlets=5):
                process.join()
            results.put(f"child {process.exitcode}")

        def main(context):
            import sys
            results = context.SimpleQueue()
            process = context.Process(target=child, args=(sys.argv[1], results))
            process.start()
            process.join()
            assert process.exitcode == 0
            assert [results.get(), results.get()] == ["grandchild", "child 0"]
        """,
    )


def test_a_forked_child_runs_none_of_its_parents_greenlets_timers_or_finally_blocks(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gc
        import os
        import socket
        import gevent
        from gevent.server import StreamServer
        import gevent.socket

        PARENT = os.getpid()

        def only_in_parent(log):
            if os.getpid() != PARENT:
                log.send(os.getpid())

        def tick(log):
            try:
                while True:
                    gevent.sleep(0.001)
                    only_in_parent(log)
            finally:
                only_in_parent(log)

        def child():
            gevent.sleep(0.1)
            gc.collect()
            gevent.joinall([gevent.spawn(gevent.sleep, 0.05) for _ in range(10)])

        def main(context):
            reports, log = context.Pipe(duplex=False)
            greenlets = [gevent.spawn(tick, log) for _ in range(200)]
            timer = gevent.get_hub().loop.timer(0.002, 0.002)
            timer.start(only_in_parent, log)
            server = StreamServer(("127.0.0.1", 0), lambda connection, _: connection.sendall(b"%d" % os.getpid()))
            server.start()
            processes = [context.Process(target=child) for _ in range(4)]
            for process in processes:
                process.start()
            for _ in range(50):
                with gevent.socket.create_connection(server.address) as client:
                    assert client.recv(10) == b"%d" % PARENT
            for process in processes:
                process.join()
                assert process.exitcode == 0
            gevent.killall(greenlets)
            timer.stop()
            server.stop()
            assert not reports.poll()
        """,
    )


def test_no_warning_is_given_for_a_fork_beside_the_threads_of_a_pool(tmp_path, world):
    """From 3.12 on Python warns of forks in programs with threads; nothing of those of gevent's is used in a child."""
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import os
        import gevent
        from gevent import os as gevent_os

        def main(context):
            assert gevent.get_hub().threadpool.apply(len, ((),)) == 0
            process = context.Process(target=len, args=((),))
            process.start()
            process.join()
            assert process.exitcode == 0
            with context.Pool(1) as pool:
                assert pool.map(abs, [-1]) == [1]
            pid = gevent_os.fork_and_watch()
            if not pid:
                os._exit(3)
            assert os.waitstatus_to_exitcode(gevent_os.waitpid(pid, 0)[1]) == 3
        """,
        flags=("-W", "error"),
    )


def test_exit_codes_are_the_standard_librarys(tmp_path, world, start_method):
    result = run_program(
        tmp_path,
        world,
        start_method,
        """
        import os
        import signal
        import sys

        def leave(how):
            if how == "raise":
                raise RuntimeError("on purpose")
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if how == "_exit":
                os._exit(9)
            sys.exit(how)

        def main(context):
            wanted = {"raise": 1, "kill": -9, "_exit": 9, None: 0, 3: 3, "text": 1}
            for how, code in wanted.items():
                process = context.Process(target=leave, args=(how,))
                assert process.exitcode is None and process.pid is None
                process.start()
                process.join()
                assert process.exitcode == code, (how, process.exitcode)
                assert not process.is_alive()
                process.close()
        """,
        check=False,
    )
    assert result.returncode == 0 and result.stdout == "done\n", result
    assert "RuntimeError: on purpose" in result.stderr and "text" in result.stderr


def test_twenty_greenlets_and_a_native_thread_join_one_process(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import os
        import time
        import gevent
        from gevent.threadpool import ThreadPool
        from ticker import Ticker, children_of, descriptors

        def main(context):
            warm_up = context.Process(target=time.sleep, args=(0,))
            warm_up.start()
            warm_up.join()
            warm_up.close()
            pool = ThreadPool(1)
            pool.apply(time.sleep, (0,))
            held, others = descriptors(), set(children_of(os.getpid()))

            process = context.Process(target=time.sleep, args=(0.5,))
            process.start()
            with Ticker():
                joiners = [gevent.spawn(process.join) for _ in range(10)]
                joiners += [gevent.spawn(process.join, 20) for _ in range(10)]
                joiners.append(pool.spawn(process.join))
                process.join(0.05)
                assert process.is_alive() and process.exitcode is None
                gevent.joinall(joiners, timeout=20, raise_error=True)
                assert all(joiner.ready() for joiner in joiners)
            assert process.exitcode == 0 and process not in multiprocessing.active_children()
            assert set(children_of(os.getpid())) == others, "a zombie is left"
            process.close()
            pool.kill()
            del process, joiners
            gevent.sleep(0.01)
            assert len(descriptors()) <= len(held) + 4, (held, descriptors())
        """,
    )


def test_starting_and_joining_many_processes_leaves_no_descriptor_and_no_zombie(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gc
        import os
        import gevent
        from ticker import children_of, descriptors

        def child(lock, queue):
            with lock:
                queue.put(1)

        def round(context):
            lock, queue = context.Lock(), context.SimpleQueue()
            processes = [context.Process(target=child, args=(lock, queue)) for _ in range(4)]
            for process in processes:
                process.start()
            assert sum(queue.get() for _ in processes) == 4
            for process in processes:
                process.join()
                assert process.exitcode == 0
            queue.close()

        def main(context):
            # The hub, which the first to wait makes; a busy machine may leave nothing to wait for in the first round.
            gevent.sleep(0)
            round(context)
            gc.collect()
            held, others = descriptors(), children_of(os.getpid())
            for _ in range(3):
                round(context)
            gc.collect()
            assert len(descriptors()) == len(held), set(descriptors()) - set(held)
            assert children_of(os.getpid()) == others
        """,
    )


def test_a_megabyte_of_arguments_does_not_stop_the_hub_while_the_child_starts(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        from ticker import Ticker

        def child(argument, results):
            results.put(len(argument))

        def main(context):
            results = context.SimpleQueue()
            with Ticker():
                process = context.Process(target=child, args=(b"x" * (3 << 20), results))
                process.start()
                assert results.get() == 3 << 20
                process.join()
            assert process.exitcode == 0
        """,
    )


def test_starting_something_that_cannot_be_sent_raises_here_and_leaves_nothing(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "spawn",
        """
        import os
        import sys
        from ticker import children_of, descriptors

        def main(context):
            context.Lock()
            for method in "spawn", "forkserver":
                context = multiprocessing.get_context(method)
                first = context.Process(target=print)
                first.start()
                first.join()
                del first
                held, others = descriptors(), children_of(os.getpid())
                for _ in range(3):
                    process = context.Process(target=print, args=(context.Lock(), lambda: None))
                    try:
                        process.start()
                    except Exception as error:
                        assert "<lambda>" in str(error), error
                    else:
                        raise AssertionError("started")
                    del process
                assert descriptors() == held and children_of(os.getpid()) == others
        """,
        check=False,
    )


def test_processes_that_threads_have_started_end(tmp_path, start_method):
    """A thread that forks is the main thread of the child, which waits for no thread but its own."""
    run_program(
        tmp_path,
        "patched",
        start_method,
        """
        import os
        import sys
        import threading
        from concurrent.futures import ProcessPoolExecutor

        def in_thread(function, *args, daemon=False):
            results = []
            thread = threading.Thread(target=lambda: results.append(function(*args)), daemon=daemon)
            thread.start()
            thread.join()
            return results[0]

        def start(context, target, *args):
            process = context.Process(target=target, args=args)
            process.start()
            process.join(30)
            if process.exitcode is None:
                process.kill()
                raise AssertionError(f"{target} does not end")
            return process.exitcode

        def nest(method):
            context = multiprocessing.get_context(method)
            sys.exit(in_thread(start, context, end) + 1)

        def end():
            sys.exit(4)

        def leave_a_thread():
            # It is waited for, and ends the process in its way.
            came = threading.Event()
            threading.Thread(target=lambda: (came.wait(30), os._exit(6)), daemon=False).start()
            threading.Timer(0.01, came.set).start()

        def execute(context):
            with ProcessPoolExecutor(2, mp_context=context) as executor:
                return list(executor.map(abs, [-1, -2, -3]))

        def pool(context):
            with context.Pool(2) as pool:
                results = pool.map(abs, [-1, -2, -3])
                pool.close()
                pool.join()
                return results

        def main(context):
            for daemon in False, True:
                assert in_thread(start, context, end, daemon=daemon) == 4
                assert in_thread(start, context, nest, context.get_start_method(), daemon=daemon) == 5
                assert in_thread(start, context, leave_a_thread, daemon=daemon) == 6
                assert in_thread(execute, context, daemon=daemon) == [1, 2, 3]
                assert in_thread(pool, context, daemon=daemon) == [1, 2, 3]
        """,
    )


def test_greenlets_that_start_processes_at_once_get_each_their_own(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gevent

        class Slow:
            # Pickling it lets others run, who start processes as well.
            def __init__(self, lock):
                self.lock = lock

            def __reduce__(self):
                gevent.sleep(0.01)
                return Slow, (self.lock,)

        def child(slow, number, results):
            with slow.lock:
                results.put(number)

        def start(context, number, results):
            process = context.Process(target=child, args=(Slow(context.Lock()), number, results))
            process.start()
            process.join()
            assert process.exitcode == 0

        def main(context):
            results = context.SimpleQueue()
            starters = [gevent.spawn(start, context, number, results) for number in range(6)]
            gevent.joinall(starters, raise_error=True)
            assert sorted(results.get() for _ in starters) == list(range(6))
        """,
    )


def test_a_child_that_dies_at_once_and_a_parent_that_is_killed_are_noticed(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import os
        import gevent
        from ticker import Ticker

        def watch_parent(report):
            report.send(multiprocessing.parent_process().is_alive())
            with Ticker(greenlets=3):
                multiprocessing.parent_process().join(20)
            report.send(multiprocessing.parent_process().is_alive())

        def middle(report):
            process = multiprocessing.get_context().Process(target=watch_parent, args=(report,))
            process.start()
            gevent.sleep(60)

        def main(context):
            dying = context.Process(target=os._exit, args=(7,))
            dying.start()
            dying.join(20)
            assert dying.exitcode == 7

            reports, report = context.Pipe(duplex=False)
            process = context.Process(target=middle, args=(report,))
            process.start()
            assert reports.recv() is True
            process.kill()
            process.join()
            assert process.exitcode == -9
            assert reports.recv() is False
        """,
    )


def test_finalizers_and_exit_handlers_of_a_child_run_once_and_may_wait(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gevent

        def report(connection, text):
            gevent.sleep(0.01)
            connection.send(text)

        def child(connection):
            import importlib
            util = importlib.import_module(type(connection).__module__.rpartition(".")[0] + ".util")
            util.Finalize(None, report, args=(connection, "finalizer"), exitpriority=5)
            queue = multiprocessing.get_context().Queue()
            queue.put(b"x" * 10)  # its feeder is joined at the end
            queue.get()

        def main(context):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=child, args=(there,))
            process.start()
            assert here.recv() == "finalizer"
            process.join()
            assert process.exitcode == 0 and not here.poll()
        """,
    )
