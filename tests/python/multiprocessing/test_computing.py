"""Processes that compute and never wait: what they have put arrives, and who only looks lets others run."""

from worlds import run_program


def test_what_a_computing_process_has_put_arrives_in_order_whatever_its_size(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        SIZES = [1, 100, 70_000, 1, 3_000_000, 10, 10]

        def compute(queue, other, end):
            for number, size in enumerate(SIZES):
                queue.put((number, b"x" * size))
            while not end.value:
                pass
            other.put("last")

        def main(context):
            for kind in context.Queue, context.JoinableQueue:
                queue, other, end = kind(), kind(), context.Value("i", 0, lock=False)
                processes = [context.Process(target=compute, args=(queue, other, end)) for _ in range(2)]
                for process in processes:
                    process.start()
                got = [queue.get(timeout=40) for _ in SIZES * 2]
                assert all(process.is_alive() for process in processes)
                end.value = 1
                assert [other.get(timeout=40) for _ in processes] == ["last"] * 2
                assert sorted((number, len(data)) for number, data in got) == sorted([*enumerate(SIZES)] * 2)
                for process in processes:
                    process.join()
                    assert process.exitcode == 0
        """,
    )


def test_a_queue_keeps_the_order_when_pickling_lets_others_run(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        class Slow:
            def __reduce__(self):
                gevent.sleep(0.05)
                return str, ("slow",)

        def main(context):
            queue = context.Queue()
            first = gevent.spawn(queue.put, Slow())
            gevent.sleep(0.01)
            queue.put("second")
            queue.put("third")
            queue.close()
            gevent.sleep(0.2)
            # Closed here only: what was put arrives.
            reader = context.SimpleQueue()
            first.get()
            queue.join_thread()

            queue = context.Queue()
            first = gevent.spawn(queue.put, Slow())
            gevent.sleep(0.01)
            queue.put("second")
            queue.put("third")
            assert [queue.get(timeout=10) for _ in range(3)] == ["slow", "second", "third"]
        """,
    )


def test_an_object_is_pickled_when_it_is_put_and_its_errors_go_to_the_feeders_hook(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        class Broken:
            def __reduce__(self):
                raise ValueError("not to be pickled")

        def main(context):
            queue, errors = context.Queue(2), []
            queue._on_queue_feeder_error = lambda error, obj: errors.append((type(error), type(obj)))
            for _ in range(3):
                queue.put(Broken())
            gevent.sleep(0.01)
            assert errors == [(ValueError, Broken)] * 3 and queue.qsize() == 0
            things = [1]
            queue.put(things)
            things.append(2)
            assert queue.get(timeout=10) == [1]
        """,
    )


def test_closing_and_exiting_wait_for_what_was_put_unless_told_not_to(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        def put(queue, joins, size):
            if not joins:
                queue.cancel_join_thread()
            queue.put(b"x" * size)

        def main(context):
            queue = context.Queue()
            process = context.Process(target=put, args=(queue, True, 2_000_000))
            process.start()
            process.join(0.5)
            assert process.is_alive()
            assert len(queue.get(timeout=40)) == 2_000_000
            process.join()
            assert process.exitcode == 0
            # Nobody ever reads that.
            process = context.Process(target=put, args=(context.Queue(), False, 2_000_000))
            process.start()
            process.join(40)
            assert process.exitcode == 0
            queue.put(b"y" * 2_000_000)
            process = context.Process(target=put, args=(queue, True, 1))
            process.start()
            assert sorted(len(queue.get(timeout=40)) for _ in range(2)) == [1, 2_000_000]
            process.join()
            queue.close()
            queue.join_thread()
        """,
    )


def test_who_only_looks_lets_others_run(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import queue as queues
        import gevent

        def spin(look, done):
            while not done:
                try:
                    look()
                except (queues.Empty, queues.Full):
                    pass

        def main(context):
            here, there = context.Pipe()
            empty, full, lock = context.Queue(), context.Queue(1), context.Lock()
            full.put(1)
            lock.acquire()
            process = context.Process(target=here.recv)
            process.start()
            looks = [
                empty.get_nowait, lambda: full.put_nowait(2), lambda: lock.acquire(False), lambda: here.poll(0),
                process.is_alive, multiprocessing.active_children, full.full, full.qsize, empty.empty,
                context.Semaphore(0).get_value,
            ]
            for look in looks:
                done = []
                spinning = gevent.spawn(spin, look, done)
                with gevent.Timeout(20):
                    gevent.sleep(0.01)
                    done.append(True)
                    spinning.get()
            process.terminate()
            process.join()
        """,
    )
