"""What locks between processes hold through: deaths, limits, threads without a hub, and being older than the patch."""

from worlds import run_program

COUNT = """
import gc
from gevent._native import semlock

def in_use():
    gc.collect()
    return semlock.Arena.of_this_process().slots_in_use()
"""


def test_pools_that_come_and_go_leave_no_semaphore_behind(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        COUNT
        + """
def main(context):
    rounds = 12 if context.get_start_method() == "fork" else 2
    context.Lock()
    before = in_use()
    for _ in range(rounds):
        with context.Pool(2) as pool:  # ends with terminate()
            assert pool.apply(abs, (-1,)) == 1
        pool.join()
    del pool
    assert in_use() <= before + 1, (before, in_use())
""",
        deadline_s=90,
    )


def test_a_process_that_ends_in_whichever_way_gives_back_what_it_knew(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        COUNT
        + """
import os, signal, subprocess, time

def killed(context):
    process = context.Process(target=time.sleep, args=(60,))
    process.start()
    process.kill()
    process.join()

def forked(context):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

def executed(context):
    subprocess.check_call(["/bin/true"], preexec_fn=os.getpid)

def killed_at_once(context):
    pid = os.fork()
    if pid == 0:
        signal.pause()
    os.kill(pid, 9)
    os.waitpid(pid, 0)

def main(context):
    for way in killed, forked, executed, killed_at_once:
        before = in_use()
        for _ in range(5):
            locks = [context.Semaphore(1) for _ in range(40)]
            way(context)
            del locks
        assert in_use() <= before, (way, before, in_use())
""",
    )


def test_a_unit_is_not_lost_on_sleepers_that_are_killed(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        from ticker import wait_until_asleep

        def sleep_for_one(units, asleep, taken):
            asleep.release()
            units.acquire()
            taken.release()

        def main(context):
            units, asleep, taken = context.Semaphore(0), context.Semaphore(0), context.Semaphore(0)
            processes = [context.Process(target=sleep_for_one, args=(units, asleep, taken)) for _ in range(4)]
            for process in processes:
                process.start()
                assert asleep.acquire(timeout=30)
            for process in processes:
                wait_until_asleep(process.pid)
            for process in processes[:3]:
                process.kill()
            for process in processes[:3]:
                process.join()
            units.release()
            assert taken.acquire(timeout=10)
            processes[3].join()
        """,
    )


def test_a_thread_that_waits_for_a_lock_gets_no_hub(tmp_path):
    """Only multiprocessing is patched, so that threads are the system's."""
    run_program(
        tmp_path,
        "stdlib",
        "fork",
        """
        import os
        import threading
        from gevent import monkey
        monkey.patch_multiprocessing()
        from gevent.hub import _get_hub

        def wait(lock, waiting, hubs):
            assert not lock.acquire(timeout=0.05)
            waiting.release()
            assert lock.acquire()
            hubs.append(_get_hub())
            lock.release()

        def hold(lock, held, told):
            with lock:
                held.release()
                told.acquire()

        def main(context):
            lock, held, told, hubs = context.Lock(), context.Semaphore(0), context.Semaphore(0), []
            process = context.Process(target=hold, args=(lock, held, told))
            process.start()
            held.acquire()
            before, waiting = len(os.listdir("/proc/self/fd")), threading.Semaphore(0)
            threads = [threading.Thread(target=wait, args=(lock, waiting, hubs)) for _ in range(10)]
            for thread in threads:
                thread.start()
            for _ in threads:
                waiting.acquire()
            told.release()
            for thread in threads:
                thread.join()
            process.join()
            assert hubs == [None] * 10, hubs
            assert len(os.listdir("/proc/self/fd")) <= before
        """,
    )


def test_a_thread_that_waits_for_a_message_gets_no_hub_and_sees_a_close(tmp_path):
    """Only multiprocessing is patched, so that threads are the system's."""
    run_program(
        tmp_path,
        "stdlib",
        "fork",
        """
        import os
        import threading
        from gevent import monkey
        monkey.patch_multiprocessing()
        from gevent.hub import _get_hub
        from ticker import wait_until_asleep

        def receive(connection, found, received):
            try:
                found.append((connection.recv(), _get_hub()))
                received.set()
                connection.recv()
            except OSError as error:
                found.append((type(error), _get_hub()))

        def main(context):
            here, there = context.Pipe()
            found, received = [], threading.Event()
            thread = threading.Thread(target=receive, args=(here, found, received))
            thread.start()
            wait_until_asleep(os.getpid(), thread.native_id)
            there.send("message")
            received.wait()
            wait_until_asleep(os.getpid(), thread.native_id)
            here.close()
            thread.join(20)
            assert found == [("message", None), (OSError, None)], found
        """,
    )


def test_locks_work_in_a_program_without_descriptors_to_spare(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import os
        import resource
        from ticker import wait_until_asleep

        def hold(lock, held, told):
            with lock:
                held.release()
                assert told.acquire(timeout=30)
                wait_until_asleep(os.getppid())

        def main(context):
            resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
            early, held, told = context.Lock(), context.Semaphore(0), context.Semaphore(0)
            process = context.Process(target=hold, args=(early, held, told))
            process.start()
            assert held.acquire(timeout=30)
            free = []
            try:
                while True:
                    free.append(os.dup(0))
            except OSError:
                pass
            assert not early.acquire(timeout=0.05)
            told.release()
            assert early.acquire(timeout=20)
            early.release()
            process.join(20)
            assert process.exitcode == 0
            for fd in free[-4:]:
                os.close(fd)
            late = context.Semaphore(2)
            assert late.acquire() and late.acquire() and not late.acquire(False)
            for fd in free[:-4]:
                os.close(fd)
        """,
    )


def test_there_are_more_locks_than_fit_below_a_limit_on_files(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import resource

        def take_all(locks, taken):
            for lock in locks:
                lock.acquire()
            taken.release()

        def main(context):
            resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
            locks, taken = [context.Lock() for _ in range(200)], context.Semaphore(0)
            process = context.Process(target=take_all, args=(locks, taken))
            process.start()
            assert taken.acquire(timeout=20)
            assert not any(lock.acquire(False) for lock in locks)
            process.join()
        """,
    )


EARLY = """
import multiprocessing as mp

if __name__ == "__main__":
    import multiprocessing.queues, multiprocessing.sharedctypes
    import sys
    context = mp.get_context(sys.argv[1])
    made_early = [
        context.Lock(), context.RLock(), context.Semaphore(1), context.Condition(), context.Event(),
        context.Value("i", 0), context.Queue(), context.SimpleQueue(), context.JoinableQueue(), context.Semaphore(0),
    ]
from gevent import monkey
monkey.patch_all(multiprocessing=True)
import gevent
from ticker import Ticker
"""


def test_what_was_made_before_patching_works_and_waits_aside(tmp_path, start_method):
    run_program(
        tmp_path,
        "stdlib",
        start_method,
        EARLY
        + """
def work(lock, rlock, semaphore, condition, event, value, queue, simple, joinable, told):
    for each in lock, rlock, semaphore, condition:
        each.acquire()
    queue.put("held")
    assert told.acquire(timeout=30)
    for each in lock, rlock, semaphore, condition:
        each.release()
    event.wait(20)
    with value.get_lock():
        value.value += 1
    simple.put("more")
    joinable.get()
    joinable.task_done()

def main(_context):
    lock, rlock, semaphore, condition, event, value, queue, simple, joinable, told = made_early
    process = context.Process(target=work, args=made_early)
    process.start()
    assert queue.get(timeout=20) == "held"
    gevent.spawn(told.release)  # when this greenlet waits, and lets others run
    with Ticker():
        for each in lock, rlock, semaphore, condition:
            with each:
                pass
    event.set()
    joinable.put(1)
    with Ticker():
        assert simple.get() == "more"
        joinable.join()
    process.join()
    assert process.exitcode == 0
    assert value.value == 1
""",
    )


def test_an_rlock_from_before_patching_belongs_to_one_greenlet(tmp_path):
    run_program(
        tmp_path,
        "stdlib",
        "fork",
        EARLY
        + """
def release_fails(rlock):
    try:
        rlock.release()
    except AssertionError:
        return True

def main(_context):
    rlock = made_early[1]
    with rlock:
        with rlock:
            assert not gevent.spawn(rlock.acquire, False).get()
            assert not gevent.spawn(rlock.acquire, True, 0.01).get()
        assert gevent.spawn(release_fails, rlock).get()
    assert gevent.spawn(rlock.acquire, False).get()
""",
    )


def test_a_child_that_patches_uses_the_locks_of_a_parent_that_does_not(tmp_path):
    (tmp_path / "patching_child.py").write_text(
        """
from gevent import monkey
monkey.patch_all(multiprocessing=True)
import gevent

def work(lock, condition, value, queue):
    from ticker import Ticker
    gevent.spawn(queue.put, "waiting")  # when this greenlet waits, and lets others run
    with Ticker():
        with lock:
            pass
        with condition, value:
            value.value += 1
        queue.put("done")
"""
    )
    run_program(
        tmp_path,
        "stdlib",
        "spawn",
        """
        import importlib

        class Module:
            def __reduce__(self):
                return importlib.import_module, ("patching_child",)

        class Work:  # patching_child.work, which this process does not import
            def __reduce__(self):
                return getattr, (Module(), "work")

            def __call__(self, *args):
                raise AssertionError

        def main(context):
            lock, condition, value, queue = context.Lock(), context.Condition(), context.Value("i", 0), context.Queue()
            with lock:
                process = context.Process(target=Work(), args=(lock, condition, value, queue))
                process.start()
                assert queue.get(timeout=40) == "waiting"
            assert queue.get(timeout=20) == "done"
            process.join()
            assert (process.exitcode, value.value) == (0, 1)
        """,
    )


def test_greenlets_that_wait_go_on_waiting_on_both_sides_of_a_plain_fork(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import os
        import gevent
        from ticker import wait_until_asleep

        def main(context):
            units, taken = context.Semaphore(0), context.Semaphore(0)

            def wait():
                assert units.acquire(timeout=20)
                taken.release()

            waiting = gevent.spawn(wait)
            gevent.sleep(0)
            pid = os.fork()
            if pid == 0:
                waiting.join()
                os._exit(0 if waiting.successful() else 1)
            wait_until_asleep(pid)
            units.release()
            assert taken.acquire(timeout=0.5), "the one that was rung did not hear it"
            units.release()
            assert taken.acquire(timeout=0.5), "the one that was rung did not hear it"
            waiting.join()
            assert os.waitpid(pid, 0)[1] == 0
        """,
    )


def test_a_lock_that_comes_to_a_process_that_is_not_patched_says_what_to_do(tmp_path):
    run_program(
        tmp_path,
        "green",
        "spawn",
        """
        import pickle
        import subprocess
        import sys

        def main(context):
            lock = context.Lock()
            counter = lock._semlock.handle
            from multiprocessing.reduction import ForkingPickler
            function, arguments = multiprocessing.reduction.ForkingPickler._extra_reducers[type(counter)](counter)
            program = (
                "from " + function.__module__ + " import " + function.__name__ + " as receive\\n"
                "try: receive(None, 1, 1)\\n"
                "except RuntimeError as error: print(error)\\n"
            )
            said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50)
            assert "patch_all(multiprocessing=True)" in said.stdout, said
        """,
    )
