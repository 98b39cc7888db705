"""Programs that patch after they have imported, named and made things of `multiprocessing`."""

import sys
import textwrap

import pytest
from scripts import run_command

#: Everything comes by name, and patching last.
IMPORTS = """
import os, queue, sys, threading, time
import multiprocessing, multiprocessing.dummy, multiprocessing.pool, multiprocessing.shared_memory
import concurrent.futures, concurrent.futures.process
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import Event, JoinableQueue, Lock, Manager, Pool, Process, Queue, SimpleQueue, Value
from multiprocessing.connection import Client, Listener, Pipe as PipeOfConnection, wait
from multiprocessing.managers import BaseManager, SharedMemoryManager, SyncManager
from multiprocessing.pool import ThreadPool
from queue import PriorityQueue
"""
PATCH = """
from gevent import monkey
monkey.patch_all(multiprocessing=True)
import gevent

class Ticker:
    count = 0

def tick():
    while True:
        time.sleep(0.001)
        Ticker.count += 1

def others_run_during(function, *args, **kwargs):
    before = Ticker.count
    result = function(*args, **kwargs)
    assert Ticker.count > before, "everybody stood still"
    return result

def others_run_while(function):
    # Call it until others ran meanwhile: what it waits for may be there before it waits, but not every time.
    before, deadline = Ticker.count, time.monotonic() + 20
    while True:
        result = function()
        if Ticker.count > before:
            return result
        assert time.monotonic() < deadline, "everybody stood still"

def square(number):
    return number * number

def echo(connection):
    connection.send(connection.recv())
    connection.close()
"""
END = """
if __name__ == "__main__":
    threading.Thread(target=tick, daemon=True).start()
    main(sys.argv[1])
    print("done")
"""


def run(tmp_path, code, start_method):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(code), encoding="utf-8")
    result = run_command([sys.executable, str(program), start_method], {}, deadline_s=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")


def test_what_was_imported_by_name_before_works_as_if_it_came_later(tmp_path, start_method):
    run(
        tmp_path,
        IMPORTS
        + """
class Counter:
    def __init__(self):
        self.count = 0
    def more(self):
        self.count += 1
        return self.count

class Early(SyncManager):
    pass

Early.register("Counter", Counter)
Early.register("PriorityQueue", PriorityQueue)
"""
        + PATCH
        + """
class Later(BaseManager):
    pass

Later.register("Fifo", queue.Queue)
Later.register("PriorityQueue", PriorityQueue)

def use_all(messages, happened, lock, value, shared, of_manager):
    with lock:
        value.value += 1
    with of_manager:
        shared["count"] = shared.get("count", 0) + 1
    messages.put(os.getpid())
    happened.set()

def release_after_a_tick(lock):
    before = Ticker.count
    while Ticker.count == before:
        time.sleep(0.001)
    lock.release()

def main(start_method):
    multiprocessing.set_start_method(start_method)
    with Manager() as manager:
        shared, of_manager, remote = manager.dict(), manager.RLock(), manager.Queue()
        messages, happened, lock, value = Queue(), Event(), Lock(), Value("i", 0)
        arguments = messages, happened, lock, value, shared, of_manager
        processes = [Process(target=use_all, args=arguments) for _ in range(2)]
        # What they put comes only after others have run.
        lock.acquire()
        for process in processes:
            process.start()

        def get_all():
            threading.Thread(target=release_after_a_tick, args=(lock,)).start()
            return {messages.get(timeout=30) for _ in processes}

        pids = others_run_during(get_all)
        for process in processes:
            process.join(30)
            assert process.exitcode == 0, process.exitcode
        assert pids == {process.pid for process in processes}
        assert happened.is_set() and value.value == 2 and shared["count"] == 2
        try:
            others_run_during(remote.get, timeout=0.05)
        except queue.Empty:
            pass
        for name in "JoinableQueue", "Event", "Lock", "Semaphore", "BoundedSemaphore", "Condition", "list", "Namespace":
            getattr(manager, name)()
    for manager_class in Early, Later:
        with manager_class() as manager:
            ordered = manager.PriorityQueue()
            ordered.put(2)
            ordered.put(1)
            assert ordered.get() == 1
            if manager_class is Early:
                assert manager.Counter().more() == 1
            else:
                manager.Fifo().put(1)
    with Pool(2) as pool:
        squares = others_run_while(lambda: pool.map(square, range(20)))
        assert squares == [number * number for number in range(20)]
    with ProcessPoolExecutor(2) as executor:
        def squares_as_completed():
            return list(as_completed([executor.submit(square, number) for number in range(5)]))

        done = others_run_while(squares_as_completed)
        assert sorted(future.result() for future in done) == [0, 1, 4, 9, 16]
    with ThreadPool(2) as pool:
        assert pool.map(square, range(3)) == [0, 1, 4]
    ours, theirs = PipeOfConnection()
    assert os.get_blocking(ours.fileno()) and os.get_blocking(theirs.fileno())
    process = Process(target=echo, args=(theirs,))
    process.start()
    assert others_run_during(wait, [ours], 0.05) == []
    ours.send("hello")
    assert wait([ours], 30) == [ours] and ours.recv() == "hello"
    process.join(30)
    reading, writing = PipeOfConnection(duplex=False)
    assert reading.readable and not reading.writable
    waiting = JoinableQueue()
    waiting.put(1)
    waiting.get(timeout=30)
    waiting.task_done()
    waiting.join()
"""
        + END,
        start_method,
    )


@pytest.mark.parametrize("start_method", ["fork"])
def test_what_was_made_before_goes_on_and_lets_others_run(tmp_path, start_method):
    run(
        tmp_path,
        IMPORTS
        + """
def square(number):
    return number * number

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    unused, used = context.Queue(), context.Queue()
    used.put("early")
    assert used.get(timeout=30) == "early"
    pool = context.Pool(2)
    pool.map(square, range(4))
    manager = context.Manager()
    shared, remote = manager.dict(x=1), manager.Queue()
    assert shared["x"] == 1
    executor = ProcessPoolExecutor(2, mp_context=context)
    assert executor.submit(square, 2).result() == 4
    listener = Listener()
    ours, theirs = multiprocessing.Pipe()
"""
        + PATCH
        + """
def put_pid(messages):
    messages.put(os.getpid())

def main(start_method):
    for each in unused, used:
        process = context.Process(target=put_pid, args=(each,))
        process.start()
        assert each.get(timeout=30) == process.pid
        process.join(30)
        assert process.exitcode == 0
        each.put("late")
        assert each.get(timeout=30) == "late"
        try:
            others_run_during(each.get, timeout=0.05)
        except queue.Empty:
            pass
    assert pool.map_async(square, range(20)).get(30) == [number * number for number in range(20)]
    assert list(executor.map(square, range(20), timeout=30)) == [number * number for number in range(20)]
    greenlets = [gevent.spawn(shared.__getitem__, "x") for _ in range(20)]
    greenlets += [gevent.spawn(remote.get) for _ in range(5)]
    time.sleep(0.01)
    for _ in range(5):
        remote.put(1)
    gevent.joinall(greenlets, timeout=30, raise_error=True)
    assert [greenlet.value for greenlet in greenlets] == [1] * 25
    accepted = []
    accepting = threading.Thread(target=lambda: accepted.append(listener.accept()))
    accepting.start()
    others_run_during(time.sleep, 0.02)
    client = Client(listener.address)
    accepting.join(30)
    client.send("hello")
    assert accepted[0].recv() == "hello"
    assert others_run_during(wait, [ours], 0.05) == []
    theirs.send("hello")
    assert ours.recv() == "hello"
    pool.close()
    pool.join()
    executor.shutdown()
    manager.shutdown()
"""
        + END,
        start_method,
    )
