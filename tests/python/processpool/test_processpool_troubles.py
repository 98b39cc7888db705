"""`gevent.processpool` where threads, forks, limits of the system and a parent that is killed come in between."""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pooled
import pytest
from pooled import DEADLINE_S
from scripts import run_script

import gevent
from gevent.monkey.api import get_original
from gevent.processpool import ProcessPool, WorkerLost


def in_a_thread(function):
    """Return what `function` returns in a native thread, while greenlets of this one run."""
    found = []

    def run():
        try:
            found.append((function(), None))
        except BaseException as error:
            found.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        gevent.sleep(0.005)
    (value, error) = found[0]
    if error is not None:
        raise error
    return value


def test_another_thread_that_joins_waits_for_what_it_has_just_begun(make):
    pool = make()

    def begin_and_join():
        task = pool.apply_async(pooled.sleep, (0.2,))
        return pool.join(), task.ready()

    assert [in_a_thread(begin_and_join) for _ in range(3)] == [(True, True)] * 3
    assert in_a_thread(lambda: (pool.apply_async(pooled.sleep, (1,)), pool.join(0.05))[1]) is False


def test_a_pool_that_another_thread_closes_does_what_that_has_begun(make):
    pool = make()

    def begin_and_leave():
        with pool:
            return pool.apply_async(pooled.square, (3,))

    assert in_a_thread(begin_and_leave).get() == 9
    while pool.size:
        gevent.sleep(0.005)


def test_another_thread_takes_a_task_back(make):
    pool = make(1)
    running, waiting = pool.apply_async(pooled.sleep, (DEADLINE_S,)), pool.apply_async(pooled.square, (2,))
    assert in_a_thread(lambda: running.cancel()) is True
    assert waiting.get() == 4


def test_a_task_that_has_ended_in_time_is_not_too_late_because_the_hub_was(make):
    pool = make(1, timeout=3)
    pool.apply(pooled.whoami)
    task = pool.apply_async(pooled.sleep, (0.05,))
    gevent.sleep(0.02)  # it is under way
    get_original("time", "sleep")(3.5)  # nothing runs here
    assert task.get() == 0.05
    assert pool.apply(pooled.square, (2,)) == 4


def test_what_a_task_raises_comes_back_whatever_it_is(make):
    pool = make(1)
    before = pool.apply(pooled.whoami)
    for each in (KeyboardInterrupt, SystemExit, GeneratorExit, gevent.GreenletExit):
        with pytest.raises(each):
            pool.apply(pooled.throw, (each,))
        with pytest.raises(each):
            pool.map(pooled.throw, [each])
    assert pool.apply(pooled.whoami) == before


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_what_no_process_can_be_started_with_is_told_to_those_who_wait(make, start_method):
    pool = make(start_method=start_method, initializer=lambda: None)
    tasks = [pool.apply_async(pooled.square, (number,)) for number in range(5)]
    for each in tasks:
        with pytest.raises(WorkerLost, match="no process can be started") as caught:
            each.get()
        assert caught.value.__cause__ is not None
    assert pool.join(DEADLINE_S)


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_there_are_never_more_processes_than_there_may_be(make, start_method):
    pool = make(2, start_method=start_method)
    tasks, sizes = [], set()
    for number in range(12):
        tasks.append(gevent.spawn(pool.apply, pooled.square, (number,)))
        gevent.sleep(0)
        sizes.add(pool.size)
    assert [each.get() for each in tasks] == [number * number for number in range(12)]
    sizes.add(pool.size)
    assert max(sizes) == 2


def test_where_the_system_refuses_processes_tasks_are_lost_and_none_hangs():
    run_script(
        """
        import os, resource
        import gevent
        from gevent.processpool import ProcessPool, WorkerLost

        with gevent.Timeout(50):
            pool = ProcessPool(2, start_method="fork")
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")), hard))
            tasks = [pool.apply_async(abs, (-3,)) for _ in range(4)]
            for each in tasks:
                try:
                    each.get()
                except WorkerLost as error:
                    assert isinstance(error.__cause__, OSError), error.__cause__
                else:
                    raise AssertionError("it had no descriptor")
            assert pool.join(1)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert pool.map(abs, [-1, -2]) == [1, 2]
            pool.kill()
        """
    )


def write_program(folder, code):
    (folder / "program.py").write_text(textwrap.dedent(code))
    return folder / "program.py"


def wait_until_gone(pids):
    deadline = time.monotonic() + DEADLINE_S
    left = set(pids)
    while left:
        assert time.monotonic() < deadline, f"{left} go on"
        left = {pid for pid in left if is_running(pid)}
        time.sleep(0.02)  # nobody tells of somebody else's children


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
@pytest.mark.parametrize("patched", [False, True])
@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_a_worker_that_computes_ends_with_a_parent_that_is_killed(tmp_path, start_method, patched):
    program = write_program(
        tmp_path,
        f"""
        if {patched}:
            from gevent import monkey
            monkey.patch_all(multiprocessing=True)
        import os, signal, sys
        import gevent
        from gevent.processpool import ProcessPool

        def compute(path):
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, b"%d\\n" % os.getpid())
            while True:
                pass

        if __name__ == "__main__":
            pool = ProcessPool(2, start_method=sys.argv[1])
            tasks = [pool.apply_async(compute, (sys.argv[2],)) for _ in range(2)]
            while not os.path.exists(sys.argv[2]) or len(open(sys.argv[2]).readlines()) < 2:
                gevent.sleep(0.01)
            child = os.fork()
            if not child:  # it knows nothing of the pool, and must not keep its workers
                while True:
                    signal.pause()
            with open(sys.argv[2] + ".child", "w") as file:
                file.write(str(child))
            gevent.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    arguments = [sys.executable, program, start_method, tmp_path / "pids"]
    assert subprocess.run(arguments, stdin=subprocess.DEVNULL, timeout=DEADLINE_S).returncode == -signal.SIGKILL
    child = int((tmp_path / "pids.child").read_text())
    try:
        wait_until_gone(int(line) for line in (tmp_path / "pids").read_text().split())
        assert is_running(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_nothing_keeps_a_result_that_was_taken(make):
    pool = make(1)
    value = pool.apply(pooled.same, ({1, 2},))
    kept = weakref.ref(value)
    del value
    gc.collect()
    assert kept() is None


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
def test_a_pool_that_nobody_has_any_more_ends_its_processes():
    pool = ProcessPool(1, start_method="fork")
    task = pool.apply_async(pooled.whoami)
    del pool
    gc.collect()
    worker = task.get()  # it was under way
    del task
    gc.collect()
    while is_running(worker):
        gevent.sleep(0.005)


def test_a_task_that_forks_is_not_warned_of_the_pools_own_thread():
    done = run_script(
        """
        import os, warnings
        warnings.simplefilter("always")
        from gevent.processpool import ProcessPool

        def fork():
            child = os.fork()
            if not child:
                os._exit(3)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        with ProcessPool(1, start_method="fork") as pool:
            print(pool.apply(fork))
        """
    )
    assert (done.stdout, done.stderr) == ("3\n", "")


@pytest.mark.parametrize("patched", [False, True])
def test_a_forked_program_has_a_pool_of_its_own_and_the_parent_keeps_its(patched):
    run_script(
        f"""
        if {patched}:
            from gevent import monkey
            monkey.patch_all(multiprocessing=True)
        import os, sys, time
        import gevent
        import gevent.os
        from gevent.processpool import ProcessPool, WorkerLost

        with gevent.Timeout(50):
            pool = ProcessPool(2, start_method="fork", timeout=20)
            mine = {{pool.apply(os.getpid)}}
            running = pool.spawn(time.sleep, 1)
            waiting = [pool.apply_async(os.getpid) for _ in range(8)]
            others = pool.spawn(time.sleep, 1)  # no place is left
            gevent.sleep(0.1)
            child = gevent.os.fork()
            if not child:
                try:
                    for each in (running, others):
                        try:
                            each.get()
                        except WorkerLost as error:
                            assert "forked" in str(error), error
                        else:
                            raise AssertionError("it has a result of the parent's")
                    assert running.cancel() is False
                    assert pool.join(1)
                    assert pool.spawn(os.getpid).get() not in mine | {{os.getpid()}}
                    assert pool.map(abs, [-1, -2]) == [1, 2]
                    pool.kill()
                    pool.close()
                except BaseException:
                    import traceback

                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            assert gevent.os.waitpid(child, 0)[1] == 0
            running.get(), others.get()
            assert len({{each.get() for each in waiting}} | mine) <= 2
            pool.close()
        """
    )


@pytest.mark.parametrize("patched", [False, True])
def test_a_process_that_is_forked_cleanly_has_a_pool_of_its_own(patched):
    run_script(
        f"""
        if {patched}:
            from gevent import monkey
            monkey.patch_all(multiprocessing=True)
        import os, time
        import gevent
        from gevent.multiprocessing import get_context
        from gevent.processpool import ProcessPool

        def child(queue):
            with gevent.Timeout(40):
                queue.put((pool.apply(os.getpid), pool.map(abs, [-1, -2])))
                pool.kill()

        with gevent.Timeout(50):
            pool = ProcessPool(1, start_method="fork")
            mine = pool.apply(os.getpid)
            running = pool.apply_async(time.sleep, (0.5,))
            context = get_context("fork")
            queue = context.SimpleQueue()
            process = context.Process(target=child, args=(queue,))
            process.start()
            other, values = queue.get()
            assert other not in (mine, os.getpid()) and values == [1, 2]
            running.get()
            assert pool.apply(os.getpid) == mine
            process.join()
            assert process.exitcode == 0
            pool.close()
        """
    )
