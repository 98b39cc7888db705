"""Pools, executors and managers: everybody else's way to use processes."""

from worlds import run_program


def test_every_way_to_use_a_pool_gives_its_results_while_the_hub_goes_on(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import operator
        import time
        from ticker import Ticker

        def square(number):
            time.sleep(0.002)
            return number * number

        def fail(number):
            raise ValueError(number)

        def large(size):
            return b"x" * size

        def main(context):
            with context.Pool(3) as pool:
                pool.map(square, range(3))
                wanted = [number * number for number in range(200)]
                with Ticker():
                    assert pool.map(square, range(200), 1) == wanted
                    assert list(pool.imap(square, range(200), 7)) == wanted
                    assert sorted(pool.imap_unordered(square, range(200))) == wanted
                    assert pool.starmap(operator.mul, [(2, 3), (4, 5)]) == [6, 20]
                    assert pool.apply(square, (9,)) == 81
                    called = []
                    result = pool.map_async(square, range(10), callback=called.append)
                    assert result.get(20) == wanted[:10] and called == [wanted[:10]]
                    assert [len(got) for got in pool.map(large, [10, 1 << 20, 3 << 20], 1)] == [10, 1 << 20, 3 << 20]
                    for function in pool.apply, pool.map:
                        try:
                            function(fail, (1,))
                        except ValueError as error:
                            assert error.args == (1,)
                    try:
                        pool.apply_async(time.sleep, (0.3,)).get(0.01)
                    except multiprocessing.TimeoutError:
                        pass
                pool.close()
                pool.join()
        """,
    )


def test_terminating_a_pool_at_work_wakes_everybody(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import os
        import time
        import gevent
        from ticker import Ticker, children_of

        def main(context):
            context.Process(target=time.sleep, args=(0,)).start()
            for _ in range(3):
                pool = context.Pool(4, maxtasksperchild=2)
                pool.map(time.sleep, [0.001] * 20, 1)
                result = pool.map_async(time.sleep, [60] * 100, 1)
                gevent.sleep(0.05)
                workers = [worker.pid for worker in pool._pool]
                with Ticker():
                    with gevent.Timeout(20):
                        pool.terminate()
                        pool.join()
                assert not set(workers) & set(children_of(os.getpid()))
        """,
    )


def test_a_pool_replaces_a_worker_that_was_killed_at_work(tmp_path, world, start_method):
    """Its task is lost, as with the standard library; an idle worker may take the queue's lock along, likewise."""
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import os
        import signal
        import gevent
        from ticker import Ticker

        def pid(_):
            return os.getpid()

        def die():
            os.kill(os.getpid(), signal.SIGKILL)

        def main(context):
            with context.Pool(2) as pool:
                pool.map(pid, range(10), 1)
                before = {worker.pid for worker in pool._pool}
                lost = pool.apply_async(die)
                with Ticker(), gevent.Timeout(20):
                    while not {worker.pid for worker in pool._pool} - before:
                        gevent.sleep(0.01)
                    assert set(pool.map(pid, range(20), 1)) <= {worker.pid for worker in pool._pool}
                assert not lost.ready()
        """,
    )


def test_an_executor_computes_cancels_shuts_down_and_reports_a_killed_worker(tmp_path, start_method):
    run_program(
        tmp_path,
        "patched",
        start_method,
        """
        import os
        import signal
        import time
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from concurrent.futures.process import BrokenProcessPool
        from ticker import Ticker, children_of

        def square(number):
            return number * number

        def main(context):
            with ProcessPoolExecutor(2, mp_context=context) as executor:
                executor.submit(square, 1).result()
                with Ticker():
                    assert list(executor.map(square, range(100), chunksize=3)) == [n * n for n in range(100)]
                    futures = [executor.submit(square, number) for number in range(50)]
                    assert sorted(future.result() for future in as_completed(futures)) == [n * n for n in range(50)]
                    sleeping = [executor.submit(time.sleep, 0.05) for _ in range(10)]
                    assert sleeping[-1].cancel()
                    try:
                        executor.submit(lambda: None).result(20)
                    except Exception as error:
                        assert "<lambda>" in str(error), error
                    else:
                        raise AssertionError("sent a lambda")
            executor = ProcessPoolExecutor(2, mp_context=context)
            future = executor.submit(time.sleep, 60)
            waiting = executor.submit(time.sleep, 60)
            with Ticker():
                while not (future.running() and executor._processes):
                    time.sleep(0.01)
                os.kill(min(executor._processes), signal.SIGKILL)
                for each in future, waiting:
                    try:
                        each.result(20)
                    except BrokenProcessPool:
                        continue
                    raise AssertionError("no error")
                executor.shutdown()
        """,
    )


def test_an_asyncio_loop_hears_of_what_processes_have_done(tmp_path, start_method):
    run_program(
        tmp_path,
        "patched",
        start_method,
        """
        import asyncio
        import time
        from concurrent.futures import ProcessPoolExecutor

        def square(number):
            time.sleep(0.02)
            return number * number

        async def use(context):
            loop = asyncio.get_running_loop()
            with ProcessPoolExecutor(2, mp_context=context) as executor:
                squares = [loop.run_in_executor(executor, square, number) for number in range(6)]
                assert await asyncio.gather(*squares) == [0, 1, 4, 9, 16, 25]
                try:
                    await asyncio.wait_for(loop.run_in_executor(executor, time.sleep, 0.5), 0.05)
                except asyncio.TimeoutError:
                    assert await loop.run_in_executor(executor, square, 7) == 49
                else:
                    raise AssertionError("no timeout")
            with context.Pool(2) as pool:
                assert await asyncio.to_thread(pool.map, square, range(4)) == [0, 1, 4, 9]
            queue = context.Queue()
            process = context.Process(target=queue.put, args=("a message",))
            process.start()
            assert await asyncio.to_thread(queue.get) == "a message"
            await asyncio.to_thread(process.join)

        def main(context):
            asyncio.run(use(context))
        """,
    )


def test_an_executor_module_imported_before_patching_works(tmp_path):
    run_program(
        tmp_path,
        "stdlib",
        "fork",
        """
        import concurrent.futures.process
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)
        from ticker import Ticker
        import time

        def main(context):
            with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
                with Ticker():
                    assert list(executor.map(abs, range(-50, 0))) == list(range(50, 0, -1))
        """,
    )


def test_managers_serve_many_greenlets_each_with_a_connection_of_its_own(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import gevent
        from ticker import Ticker

        def late_put(queue, event, told):
            assert told.wait(30)
            queue.put("late")
            event.set()

        def add(numbers, lock, times):
            for _ in range(times):
                with lock:
                    numbers["sum"] = numbers["sum"] + 1

        def main(context):
            with context.Manager() as manager:
                numbers, lock = manager.dict(sum=0), manager.Lock()
                process = context.Process(target=add, args=(numbers, lock, 20))
                process.start()
                gevent.joinall([gevent.spawn(add, numbers, lock, 10) for _ in range(10)], raise_error=True)
                process.join()
                assert numbers["sum"] == 120, numbers
                queue, event, told = manager.Queue(), manager.Event(), context.Event()
                process = context.Process(target=late_put, args=(queue, event, told))
                process.start()
                gevent.spawn(told.set)  # when this greenlet waits, and lets others run
                with Ticker():
                    waiter = gevent.spawn(event.wait)
                    assert queue.get() == "late"
                    waiter.get(timeout=20)
                process.join()
                shared = manager.list([1, [2]])
                shared.append({"x": b"y" * 1_000_000})
                assert len(shared) == 3 and len(shared[2]["x"]) == 1_000_000
                assert manager.Value("i", 3).value == 3 and list(manager.Array("i", [1, 2])) == [1, 2]
                with manager.Pool(2) as pool:
                    assert pool.map(abs, range(-5, 0)) == [5, 4, 3, 2, 1]
        """,
    )


def test_thread_pools_and_dummy_processes_are_greenlets(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import importlib
        import time
        import gevent
        from ticker import Ticker

        def main(context):
            package = type(context).__module__.rpartition(".")[0]
            pool_module = importlib.import_module(package + ".pool")
            dummy = importlib.import_module(package + ".dummy")
            with pool_module.ThreadPool(4) as pool:
                with Ticker():
                    assert pool.map(lambda number: gevent.sleep(0.01) or number, range(20)) == list(range(20))
            here, there = dummy.Pipe()
            process = dummy.Process(target=lambda: (gevent.sleep(0.05), there.send(1)))
            process.start()
            assert not here.poll(0.001) and here.poll(10) and here.recv() == 1
            process.join()
        """,
    )


def test_shared_memory_goes_between_processes_and_is_unlinked(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import importlib
        import os

        def fill(package, name):
            memory = importlib.import_module(package + ".shared_memory").SharedMemory(name)
            memory.buf[:4] = b"1234"
            memory.close()

        def main(context):
            package = type(context).__module__.rpartition(".")[0]
            memory = importlib.import_module(package + ".shared_memory").SharedMemory(create=True, size=100)
            process = context.Process(target=fill, args=(package, memory.name))
            process.start()
            process.join()
            assert bytes(memory.buf[:4]) == b"1234"
            memory.close()
            memory.unlink()
            assert memory.name not in os.listdir("/dev/shm")
            importlib.import_module(package + ".resource_tracker").ensure_running()
        """,
    )


def test_handing_in_very_much_work_does_not_keep_others_from_running(tmp_path):
    """None of it ever has to wait, so that it yields by count and by time."""
    run_program(
        tmp_path,
        "patched",
        "fork",
        """
        from concurrent.futures import ProcessPoolExecutor
        from ticker import Ticker

        def main(context):
            queue = context.Queue()
            with Ticker(greenlets=5):
                for number in range(100_000):
                    queue.put(number)
            queue.cancel_join_thread()
            with ProcessPoolExecutor(1, mp_context=context) as executor:
                executor.submit(abs, 1).result()
                with Ticker(greenlets=5):
                    futures = [executor.submit(abs, number) for number in range(30_000)]
                executor.shutdown(cancel_futures=True)
        """,
    )


def test_a_pool_ends_with_its_program_though_workers_do_not_end_by_sigterm(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import signal

        def go_on(*_):
            pass

        def double(number):
            return 2 * number

        def begin():
            # As a worker inherits it by fork from a server that handles SIGTERM, whatever the start method.
            signal.signal(signal.SIGTERM, go_on)

        def main(context):
            for _ in range(5):
                pool = context.Pool(2, begin)
                assert pool.apply(double, (7,)) == 14
                pool.terminate()
                pool.join()
            # And at exit.
            left = context.Pool(2, begin)
            assert left.apply(double, (1,)) == 2
        """,
    )
