"""`gevent.processpool`: each task has its result or an exception that says why not, whatever happens to processes."""

import contextlib
import os
import pickle
import random
import signal
import sys
import textwrap
import threading
from concurrent import futures

import pooled
import pytest
from pooled import DEADLINE_S
from scripts import run_command, run_script

import gevent
from gevent.processpool import (
    ProcessPool,
    ProcessPoolExecutor,
    RemoteTraceback,
    TaskCancelled,
    TaskTimeout,
    WorkerLost,
)

LARGE = 3_000_000


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_results_come_by_every_start_method(make, start_method):
    pool = make(start_method=start_method)
    assert pool.apply(pooled.square, (7,)) == 49
    assert pool.spawn(pooled.square, 3).get() == 9
    assert pool.apply_async(pooled.square, (2,)).get() == 4
    assert pool.map(pooled.square, range(100)) == [number * number for number in range(100)]
    assert list(pool.imap(pooled.square, range(30), maxsize=3)) == [number * number for number in range(30)]
    assert sorted(pool.imap_unordered(pooled.square, range(30))) == [number * number for number in range(30)]
    assert pool.map(pow, (2, 3), (3, 2)) == [8, 9]
    assert pool.map(pooled.square, ()) == []
    assert pool.size == pool.maxsize == 2


def test_the_hub_goes_on_meanwhile(make):
    pool = make()
    turns = []
    task = pool.spawn(pooled.sleep, 0.3)
    while not task.ready():
        turns.append(gevent.sleep(0.01))
    assert len(turns) > 5


def test_an_exception_has_its_traceback_there_as_its_cause(make):
    task = make().spawn(pooled.fail, "on purpose")
    with pytest.raises(ValueError, match="on purpose") as caught:
        task.get()
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert "in fail" in str(caught.value.__cause__)
    assert not task.successful()


def test_an_exception_that_cannot_be_read_again_is_told_by_its_text(make):
    with pytest.raises(RuntimeError, match="Unreadable: cannot be read again"):
        make().apply(pooled.exclaim)


def test_what_cannot_be_pickled_is_the_callers_error(make):
    pool = make()
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pool.apply(lambda: 1)
    assert pool.apply(pooled.square, (2,)) == 4


@pytest.mark.parametrize("way", [(pooled.die, ()), (pooled.leave, (3,))])
def test_a_lost_worker_costs_its_own_task_only(make, way):
    pool = make()
    others = [pool.apply_async(pooled.square, (number,)) for number in range(50)]
    lost = pool.apply_async(*way)
    others += [pool.apply_async(pooled.square, (number,)) for number in range(50)]
    with pytest.raises(WorkerLost):
        lost.get()
    assert [each.get() for each in others] == [number * number for number in range(50)] * 2


def test_a_worker_is_lost_though_what_its_task_has_forked_goes_on(make, tmp_path):
    """That holds the connection open."""
    with pytest.raises(WorkerLost):
        make().apply(pooled.fork_and_die, (str(tmp_path / "pid"),))
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_task_that_takes_too_long_is_ended_and_no_other(make):
    pool = make()
    first = pool.apply_async(pooled.sleep, (0.5,))
    with pytest.raises(TaskTimeout, match=r"longer than 0\.1 seconds"):
        pool.with_options(timeout=0.1).apply(pooled.sleep, (60,))
    assert issubclass(TaskTimeout, TimeoutError)
    assert first.get() == 0.5
    assert make(timeout=0.1).apply(pooled.square, (2,)) == 4


def test_a_waiting_task_is_taken_back_and_a_running_one_is_ended(make):
    pool = make(maxsize=1)
    running, waiting, last = (
        pool.apply_async(pooled.sleep, (60,)),
        pool.apply_async(pooled.remember, ("waiting",)),
        pool.apply_async(pooled.remembered),
    )
    assert waiting.cancel()
    while running.worker is None or running.worker.task_begun() is None:
        gevent.sleep(0.005)
    assert running.cancel()
    for task in running, waiting:
        with pytest.raises(TaskCancelled):
            task.get()
    assert last.get() == []
    assert not last.cancel()


def test_spawn_waits_while_as_many_are_under_way_as_there_may_be(make):
    pool = make(maxsize=1)
    running = pool.spawn(pooled.sleep, 60)
    second = gevent.spawn(pool.spawn, pooled.square, 2)
    gevent.sleep(0)
    assert not second.ready()
    running.cancel()
    assert second.get().get() == 4


def test_initializers_run_once_in_each_process(make):
    pool = make(maxsize=1, initializer=pooled.remember, initargs=("here",))
    assert [pool.apply(pooled.remembered) for _ in range(2)] == [["here"], ["here"]]


def test_an_initializer_that_fails_ends_the_pool_and_hangs_nobody(make):
    pool = make(initializer=pooled.fail, initargs=("no database",))
    with pytest.raises(WorkerLost, match="no database"):
        pool.apply(pooled.square, (2,))
    with pytest.raises(WorkerLost):
        pool.spawn(pooled.square, 2)


def test_processes_are_replaced_after_so_many_tasks(make):
    pool = make(maxsize=1, max_tasks_per_child=2)
    pids = pool.map(pooled.whoami, range(6))
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [2, 2, 2]


def test_a_map_of_many_short_calls_gives_way_to_others(make):
    """By turns of the hub, not by time, which others on the machine have their part in."""
    pool = make()
    pool.map(pooled.square, range(100))
    turns = []

    def count():
        while True:
            turns.append(len(pool._crew.waiting))
            gevent.sleep(0)

    counting = gevent.spawn(count)
    assert pool.map(pooled.square, range(50_000)) == [number * number for number in range(50_000)]
    counting.kill()
    assert len(turns) > 20
    assert max(turns) <= 64  # never all of them at once


def test_bundles_of_a_map_stay_small_where_arguments_or_results_are_large(make, monkeypatch):
    sizes = []
    pool = make()
    send = pool._crew._send

    def note(member, batch):
        send(member, batch)
        sizes.extend(task.stream_bytes for task in batch)

    monkeypatch.setattr(pool._crew, "_send", note)
    data = [b"x" * 50_000] * 2000
    assert pool.map(pooled.same, data) == data
    assert max(sizes) < 8 << 20
    sizes.clear()
    assert pool.map(pooled.big, [50_000] * 2000) == data


def test_calls_of_a_map_that_are_sent_together_fail_alone(make):
    """The first exception is raised, with its traceback; the calls after it, in its bundle and beyond, are made."""
    pool = make(maxsize=1)
    assert pool.map(pooled.remember, range(1000)) == [None] * 1000
    with pytest.raises(ValueError, match="unlucky 1500") as caught:
        pool.map(pooled.remember_unless, range(1000, 3000), [1500] * 2000)
    assert "in remember_unless" in str(caught.value.__cause__)
    expected = [number for number in range(3000) if number != 1500]
    while len(pool.apply(pooled.remembered)) < len(expected):
        gevent.sleep(0.01)  # the pool is idle now and then, before the next are sent
    assert pool.join(DEADLINE_S)
    assert pool.apply(pooled.remembered) == expected


def test_a_killed_pool_makes_no_more_calls_of_a_map_that_has_failed(make):
    """So does leaving the block of a pool with an exception, which would otherwise wait for hours."""
    pool = make(maxsize=1)
    pool.apply(pooled.square, (1,))
    with pytest.raises(ValueError, match="unlucky 0"), pool:
        pool.map(pooled.sleep_unless, range(1000), [0] * 1000)
    assert pool.join(DEADLINE_S)

    again = make(maxsize=1)
    mapping = gevent.spawn(again.map, pooled.sleep, [10] * 1000)
    while not again.size:
        gevent.sleep(0.001)
    again.kill()
    with pytest.raises(WorkerLost):
        mapping.get()
    assert again.join(DEADLINE_S)


def test_a_map_whose_worker_is_lost_says_so(make):
    pool = make()
    with pytest.raises(WorkerLost):
        pool.map(pooled.square_or_die, range(2000), [1234] * 2000)
    assert pool.map(pooled.square, range(10)) == [number * number for number in range(10)]


def test_a_map_with_a_limit_of_time_ends_the_one_that_takes_too_long(make):
    with pytest.raises(TaskTimeout):
        make().with_options(timeout=0.2).map(pooled.sleep, [0, 0, 60, 0])


def test_long_calls_of_a_map_are_sent_one_by_one(make):
    """Two processes share them, also the last ones."""
    pids = make().map(pooled.slow_whoami, range(20))
    assert len(set(pids)) == 2
    assert 5 <= min(pids.count(pid) for pid in set(pids))


def test_progress_is_told(make):
    seen = []
    with_progress = make().with_options(progress=lambda done, total: seen.append((done, total)))
    with_progress.map(pooled.square, range(5))
    assert seen == [(number, 5) for number in range(1, 6)]
    assert list(with_progress.imap(pooled.square, iter(range(2)))) == [0, 1]
    assert seen[5:] == [(1, None), (2, None)]


@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_large_bytes_travel_both_ways_and_leave_nothing_behind(make, kind, start_method):
    pool = make(start_method=start_method)
    data = kind(LARGE)
    pool.apply(pooled.square, (1,))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    for _ in range(5):
        assert pool.apply(pooled.length, (data,), {"also": data}) == (kind.__name__, LARGE, {"also": LARGE})
        assert pool.apply(pooled.big, (LARGE,)) == b"x" * LARGE
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) <= before


def test_without_memory_files_large_bytes_travel_too(make, monkeypatch):
    def refused(*_):
        raise PermissionError(1, "no memory files here")

    monkeypatch.setattr(os, "memfd_create", refused, raising=False)
    pool = make()
    assert pool.apply(pooled.length, (bytes(LARGE),)) == ("bytes", LARGE, {})
    assert len(pool.apply(pooled.big, (LARGE,))) == LARGE


def test_gevent_wait_and_links_take_tasks(make):
    pool = make()
    tasks = [pool.apply_async(pooled.square, (number,)) for number in range(4)]
    assert set(gevent.wait(tasks)) == set(tasks)
    assert pool.apply_async(pooled.whoami, None).get() > 0
    called = []
    pool.apply_async(pooled.square, (5,), callback=called.append).get()
    gevent.sleep(0)
    assert called == [25]


def test_a_greenlet_that_is_killed_while_it_waits_loses_nothing(make):
    pool = make(maxsize=1)
    waiting = gevent.spawn(pool.apply, pooled.sleep, (0.2,))
    gevent.sleep(0)
    waiting.kill()
    assert pool.apply(pooled.square, (3,)) == 9


def test_a_closed_pool_refuses_and_its_processes_end(make):
    with make() as pool:
        assert pool.apply(pooled.square, (2,)) == 4
    with pytest.raises(RuntimeError, match="closed"):
        pool.spawn(pooled.square, 2)
    while pool.size:
        gevent.sleep(0.005)


def test_a_killed_pool_loses_what_was_under_way_and_can_be_used_again(make):
    pool = make()
    tasks = [pool.apply_async(pooled.sleep, (60,)) for _ in range(5)]
    gevent.sleep(0)
    pool.kill()
    for task in tasks:
        with pytest.raises(WorkerLost):
            task.get()
    assert pool.join(DEADLINE_S)
    assert pool.apply(pooled.square, (2,)) == 4


def test_greenlets_of_another_thread_have_their_results(make):
    pool = make()
    found = []
    thread = threading.Thread(target=lambda: found.append(pool.map(pooled.square, range(20))))
    thread.start()
    while thread.is_alive():
        gevent.sleep(0.005)
    assert found == [[number * number for number in range(20)]]


def test_every_task_has_a_result_or_is_lost_while_processes_are_killed_at_random(make):
    pool = make(maxsize=2)
    rng = random.Random(14)
    tasks = [pool.apply_async(pooled.square, (number,)) for number in range(3000)]
    killed = 0
    while not all(task.ready() for task in tasks):
        gevent.sleep(0.002)
        if killed < 20 and pool._crew.members:
            with contextlib.suppress(ProcessLookupError):  # it may have just been reaped
                os.kill(rng.choice(pool._crew.members).process.pid, signal.SIGKILL)
            killed += 1
    lost = [task for task in tasks if not task.successful()]
    assert all(isinstance(task.exception, WorkerLost) for task in lost)
    assert len(lost) <= killed
    assert all(task.value == number * number for number, task in enumerate(tasks) if task.successful())


def test_the_executor_is_that_of_concurrent_futures(make):
    with ProcessPoolExecutor(2) as executor:
        assert list(executor.map(pooled.square, range(5))) == [0, 1, 4, 9, 16]
        future = executor.submit(pooled.fail, "on purpose")
        assert isinstance(future.exception(), ValueError)
        with pytest.raises(futures.TimeoutError):
            executor.submit(pooled.sleep, 0.3).result(0.01)
        assert gevent.wait([executor.submit(pooled.square, 2)], timeout=DEADLINE_S)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(pooled.square, 2)


def test_the_executors_waiting_futures_can_be_cancelled():
    executor = ProcessPoolExecutor(1)
    running = executor.submit(pooled.sleep, 0.5)
    while running._task.worker is None:
        gevent.sleep(0.001)
    waiting = executor.submit(pooled.square, 2)
    executor.shutdown(cancel_futures=True)
    assert running.result() == 0.5
    assert waiting.cancelled()


@pytest.mark.parametrize("arguments", [{"maxsize": 0}, {"max_tasks_per_child": 0}])
def test_impossible_sizes_are_refused(arguments):
    with pytest.raises(ValueError):
        ProcessPool(**arguments)


def test_it_works_in_a_program_that_is_patched_and_one_that_just_ends():
    done = run_script(
        """
        from gevent import monkey; monkey.patch_all(multiprocessing=True)
        from gevent.processpool import ProcessPool

        pool = ProcessPool(2)
        print(pool.map(abs, [-1, 2]))
        """
    )
    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")


@pytest.mark.parametrize("patches", ["monkey.patch_all(multiprocessing=True)", ""])
@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_a_program_that_ends_amid_tasks_starts_no_worker_for_those_that_wait(tmp_path, start_method, patches):
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import os, sys, time
            from gevent import monkey
            {patches}
            import gevent
            from gevent.processpool import ProcessPool

            def take_long(folder):
                os.close(os.open(f"{{folder}}/{{os.getpid()}}", os.O_CREAT))
                time.sleep(60)

            if __name__ == "__main__":
                pool = ProcessPool(2, start_method=sys.argv[1])
                tasks = [gevent.spawn(pool.spawn, take_long, sys.argv[2]) for _ in range(8)]
                while len(os.listdir(sys.argv[2])) < 2:
                    gevent.sleep(0.01)
                sys.exit(3)
            """
        )
    )
    (tmp_path / "begun").mkdir()
    done = run_command([sys.executable, str(program), start_method, str(tmp_path / "begun")], {}, 30)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert len(list((tmp_path / "begun").iterdir())) == 2


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_its_processes_end_with_a_program_that_handles_sigterm(start_method):
    run_script(
        """
        import multiprocessing, os, signal, sys
        from gevent.processpool import ProcessPool

        def use_a_pool(start_method):
            signal.signal(signal.SIGTERM, lambda *_: print("handled", flush=True))
            pool = ProcessPool(2, start_method=start_method)
            assert pool.apply(abs, (-1,)) == 1
            globals()["kept"] = pool

        process = multiprocessing.get_context("fork").Process(target=use_a_pool, args=(sys.argv[1],))
        process.start()
        process.join(30)
        assert process.exitcode == 0, process.exitcode
        """,
        start_method,
    )
