"""How a program ends while processes are alive that it has started, and what leads to them."""

import pytest
from endings import check_ending, endings

# Not "patched": threads that are greenlets, in a multiprocessing that is the standard library's, stop one another.
WORLDS_AND_METHODS = [("plain", "fork"), ("unpatched", "fork"), ("all patched on libuv", "spawn")] + [
    ("all patched", method) for method in ("fork", "forkserver", "spawn")
]

CHILDREN = {
    "a child with its pipes open": """
import subprocess
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdin.write(b"x"); child.stdin.flush(); assert child.stdout.read(1) == b"x"
print("end", flush=True)
child.kill(); child.communicate()
""",
    "a child that an atexit function ends": """
import atexit, subprocess
child = subprocess.Popen(["sleep", "1000"])
atexit.register(child.wait); atexit.register(child.terminate)
print("end", flush=True)
""",
    "a child that nobody has reaped": """
import os
child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print("end", flush=True)
""",
    "a child of os.fork that exits in its own way": """
import os, sys, time
child = os.fork()
if child == 0:
    time.sleep(0.001); print("child", flush=True); sys.exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
print("end", flush=True)
""",
    "a thread in communicate()": """
import subprocess, threading
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
begun = threading.Event()
threading.Thread(target=lambda: (begun.set(), child.stdout.read()), daemon=True).start()
begun.wait()
print("end", flush=True)
child.kill(); child.wait(); child.stdin.close()
import os; os._exit(0)
""",
    "a timeout in run()": """
import subprocess
try:
    subprocess.run(["sleep", "1000"], timeout=0.02)
except subprocess.TimeoutExpired:
    print("end", flush=True)
""",
    "a pipeline": """
import subprocess
one = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
two = subprocess.Popen(["head", "-c", "10"], stdin=one.stdout, stdout=subprocess.PIPE)
one.stdout.close()
assert len(two.communicate()[0]) == 10
one.wait()
print("end", flush=True)
""",
    "SIGCHLD's handler": """
import signal, subprocess, time
def handle(number, frame):
    time.sleep(0.001)
signal.signal(signal.SIGCHLD, handle)
subprocess.run(["true"], check=True)
print("end", flush=True)
""",
}
EXPECTED = {"a child of os.fork that exits in its own way": "child end"}
# Each with a context of its own, as a default may be patched away.
BEGINNING = """
import multiprocessing, os, sys, time, threading, atexit, signal
def nap(seconds=0.05, name=""):
    time.sleep(seconds)
    if name:
        print(name, flush=True)
    return name
def fill(queue, size=1_000_000):
    queue.put(b"x" * size)
def drain(queue):
    print(len(queue.get()), flush=True)
def leave(status):
    sys.exit(status)
def fail():
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    os._exit(9)
"""
FAMILIES = {
    "processes, waited for and daemons": (
        """
def main(method):
    context = multiprocessing.get_context(method)
    context.Process(target=nap, args=(0.05, "child")).start()
    context.Process(target=nap, args=(1000,), daemon=True).start()
    print("end", flush=True)
""",
        "end child",
    ),
    "a process that was not joined": (
        """
def main(method):
    process = multiprocessing.get_context(method).Process(target=leave, args=(3,)); process.start()
    while process.exitcode is None:
        time.sleep(0.001)
    print("end", process.exitcode, flush=True)
""",
        "end 3",
    ),
    "a pool": (
        """
def main(method):
    global pool
    pool = multiprocessing.get_context(method).Pool(2)
    atexit.register(pool.join); atexit.register(pool.terminate)
    assert pool.apply(abs, (-1,)) == 1
    pool.map_async(nap, [1000] * 5)
    print("end", flush=True)
""",
        "end",
    ),
    "a pool that an atexit function closes": (
        """
def main(method):
    pool = multiprocessing.get_context(method).Pool(2)
    results = pool.map_async(nap, [0.02] * 4, chunksize=1)
    def close():
        pool.close(); pool.join(); print(results.get(), flush=True)
    atexit.register(close)
    print("end", flush=True)
""",
        "end ['','','','']".replace(",", ", "),
    ),
    "a pool of threads": (
        """
def main(method):
    from multiprocessing.pool import ThreadPool
    pool = ThreadPool(2)
    assert pool.apply(abs, (-1,)) == 1
    pool.map_async(nap, [1000] * 5)
    atexit.register(pool.terminate)
    print("end", flush=True)
""",
        "end",
    ),
    "a queue that is read after the end": (
        """
def main(method):
    global queue
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    context.Process(target=drain, args=(queue,)).start()
    fill(queue)
    print("end", flush=True)
""",
        "end 1000000",
    ),
    "a queue that nobody reads": (
        """
def main(method):
    queue = multiprocessing.get_context(method).Queue()
    fill(queue); assert queue._reader.poll(20)
    queue.cancel_join_thread()
    print("end", flush=True)
""",
        "end",
    ),
    "a queue whose child has ended": (
        """
def main(method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=fill, args=(queue,)); process.start()
    assert len(queue.get(timeout=20)) == 1_000_000
    process.join()
    print("end", flush=True)
""",
        "end",
    ),
    "threads that wait for a queue": (
        """
def main(method):
    queue = multiprocessing.get_context(method).Queue()
    begun = threading.Event()
    threading.Thread(target=lambda: (begun.set(), queue.get()), daemon=True).start()
    begun.wait()
    print("end", flush=True)
""",
        "end",
    ),
    "a message that is half sent": (
        """
def main(method):
    global reader, writer
    context = multiprocessing.get_context(method)
    reader, writer = context.Pipe(False)
    threading.Thread(target=writer.send_bytes, args=(b"x" * 5_000_000,), daemon=True).start()
    assert reader.poll(10)
    print("end", flush=True)
""",
        "end",
    ),
    "threads in every wait": (
        """
def main(method):
    global reader, writer
    context = multiprocessing.get_context(method)
    reader, writer = context.Pipe(False)
    process = context.Process(target=nap, args=(1000,), daemon=True); process.start()
    begun, waits = threading.Semaphore(0), (
        context.Semaphore(0).acquire, context.Event().wait, context.SimpleQueue().get, reader.recv, process.join,
        context.Barrier(2).wait)
    for wait in waits:
        threading.Thread(target=lambda wait=wait: (begun.release(), wait()), daemon=True).start()
    for _ in waits:
        begun.acquire()
    print("end", flush=True)
""",
        "end",
    ),
    "a manager": (
        """
def main(method):
    global manager, numbers
    manager = multiprocessing.get_context(method).Manager()
    numbers = manager.list([1, 2])
    numbers.append(3)
    print("end", len(numbers), flush=True)
""",
        "end 3",
    ),
    "a manager that an atexit function asks": (
        """
def main(method):
    manager = multiprocessing.get_context(method).Manager()
    numbers = manager.dict(a=1)
    def ask():
        print(numbers["a"], flush=True); manager.shutdown()
    atexit.register(ask)
    print("end", flush=True)
""",
        "end 1",
    ),
    "an executor with work": (
        """
def main(method):
    global executor
    from concurrent.futures import ProcessPoolExecutor
    executor = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method))
    for name in "abc":
        executor.submit(nap, 0.02, name)
    print("end", flush=True)
""",
        "end a b c",
    ),
    "an idle executor": (
        """
def main(method):
    global executor
    from concurrent.futures import ProcessPoolExecutor
    executor = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method))
    assert executor.submit(abs, -1).result() == 1
    print("end", flush=True)
""",
        "end",
    ),
    "an executor that is broken": (
        """
def main(method):
    global executor
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method))
    try:
        executor.submit(fail).result()
    except BrokenProcessPool:
        print("end", flush=True)
    executor.shutdown()  # CPython's own end of a broken one is a race otherwise, of its threads' pipe
""",
        "end",
    ),
    "shared memory": (
        """
def main(method):
    from multiprocessing import shared_memory
    memory = shared_memory.SharedMemory(create=True, size=100)
    value = multiprocessing.get_context(method).Value("i", 3)
    process = multiprocessing.get_context(method).Process(target=leave, args=(0,)); process.start(); process.join()
    memory.close(); memory.unlink()
    print("end", value.value, flush=True)
""",
        "end 3",
    ),
    "a child killed in its work": (
        """
def main(method):
    process = multiprocessing.get_context(method).Process(target=nap, args=(1000,)); process.start()
    process.kill()
    process.join()
    print("end", process.exitcode, flush=True)
""",
        "end -9",
    ),
    "a handler that terminates a pool": (
        """
def main(method):
    context = multiprocessing.get_context(method)
    pool = context.Pool(2)
    result = pool.map_async(nap, [1000] * 4)
    def stop(number, frame):
        pool.terminate(); pool.join(); print("stopped", flush=True); sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    os.kill(os.getpid(), signal.SIGTERM)
    result.wait()
""",
        "stopped",
    ),
}


@endings(CHILDREN)
def test_children_are_left_to_the_program(tmp_path, program, world):
    check_ending(tmp_path, world, CHILDREN[program], EXPECTED.get(program, "end"))


@pytest.mark.parametrize("world, method", WORLDS_AND_METHODS)
@pytest.mark.parametrize("program", FAMILIES)
def test_multiprocessing_ends_what_it_has_begun(tmp_path, program, world, method):
    code, output = FAMILIES[program]
    check_ending(tmp_path, world, BEGINNING + code, output, arguments=[method])
