"""A program that uses processes ends when it is done: with its own status, without a word, and nobody left behind."""

import sys

import pytest
from worlds import run_program

# A world, and what a program of it begins with: everything patched, all but multiprocessing, nothing but gevent in use.
PROGRAMS = {
    "all patched": ("patched", ""),
    "a copy beside it": ("green", ""),
    "patched without multiprocessing": ("stdlib", "from gevent import monkey; monkey.patch_all()\n"),
    "not patched": ("stdlib", "import gevent; gevent.sleep(0)\n"),
}
# Waits, in the program itself and not in its children.
HOOK = """
import atexit
import os
import gevent

def hook(pid=os.getpid()):
    if os.getpid() == pid:
        gevent.spawn(gevent.sleep, 0.001).join()
        print("hook", flush=True)

if __name__ == "__main__":
    atexit.register(hook)
"""
EACH = pytest.mark.parametrize("program", PROGRAMS)
# A pool and a queue read in threads of theirs, which stop everybody when they are greenlets and reading does not know.
EACH_BUT_HALF_PATCHED = pytest.mark.parametrize("program", [p for p in PROGRAMS if "without" not in p])


def ends(folder, program, start_method, code, output):
    """Run `code`; it has to end by itself, with status 0, without a word on standard error, having written `output`."""
    if sys.version_info >= (3, 14) and start_method == "forkserver" and "without" in program:
        pytest.skip("from 3.14 on a fork server needs multiprocessing patched, as it would with gevent")
    world, beginning = PROGRAMS[program]
    # Buffered, so that what two processes print does not mix within a line.
    env = {"PYTHONUNBUFFERED": ""}
    result = run_program(folder, world, start_method, beginning + HOOK + code, env=env, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result
    assert sorted(result.stdout.splitlines()) == sorted(output)  # from several processes: in no order


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name != "a copy beside it"])
def test_an_executor_that_is_alive_ends_with_its_work(tmp_path, program, start_method):
    """As `concurrent.futures` promises: what was submitted is done before the program ends."""
    ends(
        tmp_path,
        program,
        start_method,
        """
import time
from concurrent.futures import ProcessPoolExecutor

def work(text):
    time.sleep(0.05)
    return text

def main(context):
    global executor, futures
    executor = ProcessPoolExecutor(2, mp_context=context)
    assert executor.submit(work, "first").result(30) == "first"
    futures = [executor.submit(work, str(number)) for number in range(4)]
    futures[-1].add_done_callback(lambda future: print(future.result(), flush=True))
""",
        ["done", "3", "hook"],
    )


@EACH_BUT_HALF_PATCHED
def test_a_pool_that_is_alive_is_ended(tmp_path, program, start_method):
    ends(
        tmp_path,
        program,
        start_method,
        """
import time

def main(context):
    global pool, result
    pool = context.Pool(2)
    assert pool.apply(abs, (-1,)) == 1
    result = pool.map_async(time.sleep, [100] * 10)
""",
        ["done", "hook"],
    )


@EACH
def test_processes_are_waited_for_and_daemons_ended(tmp_path, program, start_method):
    ends(
        tmp_path,
        program,
        start_method,
        """
import time

def work(seconds, name):
    time.sleep(seconds)
    print(name, flush=True)

def main(context):
    daemon = context.Process(target=work, args=(100, "daemon"), daemon=True)
    process = context.Process(target=work, args=(0.5, "process"))
    daemon.start()
    process.start()
""",
        ["done", "process", "hook"],
    )


@EACH_BUT_HALF_PATCHED
def test_what_was_put_into_a_queue_arrives_and_a_manager_ends(tmp_path, program, start_method):
    """A queue's feeder is a thread: the end waits until it has handed on what was put."""
    ends(
        tmp_path,
        program,
        start_method,
        """
def get(queue, values, started):
    # Asked now: the manager ends before the processes are waited for.
    length = len(values)
    started.set()
    print(sum(len(queue.get()) for _ in range(20)), length, flush=True)

def main(context):
    global manager
    manager = context.Manager()
    values = manager.list([1, 2, 3])
    queue, started = context.Queue(), context.Event()
    context.Process(target=get, args=(queue, values, started)).start()
    assert started.wait(30)
    for _ in range(20):
        queue.put(b"x" * 50_000)
""",
        ["done", "1000000 3", "hook"],
    )


@EACH
def test_a_child_ends_though_threads_and_greenlets_are_alive_in_it(tmp_path, program, start_method):
    ends(
        tmp_path,
        program,
        start_method,
        """
import threading
import time

def spin():
    while True:
        gevent.sleep(0.001)

def work():
    gevent.spawn(spin)
    threading.Thread(target=spin, daemon=True).start()
    gevent.get_hub().threadpool.spawn(len, ())
    gevent.sleep(0.01)

def main(context):
    gevent.spawn(spin)
    threading.Thread(target=spin, daemon=True).start()
    process = context.Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 0, process.exitcode
""",
        ["done", "hook"],
    )
