"""Whoever is the first to use something may be a thread that has no hub, or ends next: all others go on using it."""

import pytest
from worlds import FORKS_AMONG_THREADS, run_program

FIRST = """
import os, time
from gevent import monkey

start_natively = monkey.get_original("_thread", "start_new_thread")
native_lock = monkey.get_original("_thread", "allocate_lock")


def by_native_thread(call):
    # What `call` returns, in a native thread that has ended afterwards.
    got, at_end = [], native_lock()
    at_end.acquire()

    def run():
        try:
            got.append(call())
        finally:
            at_end.release()

    start_natively(run, ())
    deadline = time.monotonic() + 20
    while not at_end.acquire(False):
        assert time.monotonic() < deadline, "the native thread hangs"
        time.sleep(0.001)
    return got.pop()


def child_of_plain_fork(call):
    pid = os.fork()
    if pid == 0:
        try:
            call()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0) == (pid, 0)


def square(x):
    return x * x


def hand_over(queue, writer):
    for _ in range(3):
        writer.send(len(queue.get(timeout=20)))
"""

QUEUE = """
def main(context):
    for make in context.Queue, context.JoinableQueue:
        queue = make()
        by_native_thread(lambda: queue.put("of a thread"))
        queue.put("of main")
        reader, writer = context.Pipe(False)
        child = context.Process(target=hand_over, args=(queue, writer))
        child.start()
        by_native_thread(lambda: queue.put("x" * 3_000_000))
        assert [reader.recv() for _ in range(3)] == [11, 7, 3_000_000]
        child.join()
        child_of_plain_fork(lambda: (queue.close(), queue.join_thread()))
        queue.put(1)
        assert queue.get(timeout=20) == 1
        queue.close()
        queue.join_thread()
        assert not queue._thread.is_alive()
    simple = context.SimpleQueue()
    by_native_thread(lambda: simple.put(1))
    assert simple.get() == 1
"""

MORE_THAN_A_PIPE_TAKES = """
def main(context):
    queue = context.Queue()
    by_native_thread(lambda: [queue.put("y" * 1_000_000) for _ in range(3)])
    assert [len(queue.get(timeout=20)) for _ in range(3)] == [1_000_000] * 3
    by_native_thread(lambda: queue.put("for nobody"))
"""

POOL = """
def main(context):
    squares = [x * x for x in range(10)]
    pool = by_native_thread(lambda: context.Pool(2))
    assert pool.map(square, range(10)) == squares
    child_of_plain_fork(lambda: None)
    assert list(pool.imap(square, range(10))) == squares
    pool.close()
    pool.join()

    def whole():
        with context.Pool(2) as pool:
            return pool.map(square, range(10))

    assert by_native_thread(whole) == squares
    with by_native_thread(lambda: context.Pool(2, maxtasksperchild=1)) as pool:
        assert pool.map(square, range(10), chunksize=2) == squares
    by_native_thread(lambda: context.Pool(2))
"""

EXECUTOR = """
from concurrent.futures import ProcessPoolExecutor


def main(context):
    squares = [x * x for x in range(10)]
    executor = ProcessPoolExecutor(2, mp_context=context)
    assert by_native_thread(lambda: executor.submit(square, 7)).result(20) == 49
    assert list(executor.map(square, range(10))) == squares
    child_of_plain_fork(lambda: None)
    assert list(executor.map(square, range(10))) == squares
    executor.shutdown()

    def whole():
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            return list(executor.map(square, range(10)))

    assert by_native_thread(whole) == squares
    left = ProcessPoolExecutor(2, mp_context=context)
    assert by_native_thread(lambda: left.submit(square, 3)).result(20) == 9
"""

MANAGER = """
def main(context):
    manager = by_native_thread(context.Manager)
    shared = manager.dict()
    by_native_thread(lambda: shared.update(a=1))
    assert by_native_thread(lambda: list(manager.list([1]))) == [1]
    queue = manager.Queue()
    by_native_thread(lambda: queue.put(5))
    assert queue.get() == 5 and shared.copy() == {"a": 1}
    manager.shutdown()
"""

SERVER = """
def main(context):
    managers = __import__("multiprocessing.managers").managers if monkey.is_module_patched("socket") else None
    if managers is None:
        from gevent.multiprocessing import managers

    class Manager(managers.BaseManager):
        pass

    Manager.register("dict", dict, exposed=("get", "__setitem__"))
    server = Manager(("127.0.0.1", 0), b"key", ctx=context).get_server()
    start_natively(server.serve_forever, ())
    client = Manager(server.address, b"key", ctx=context)
    client.connect()
    shared = client.dict()
    shared.__setitem__(1, 2)
    assert shared.get(1) == by_native_thread(lambda: shared.get(1)) == 2
"""

SOCKET = """
import pickle, socket


def answer(message):
    with pickle.loads(message) as sent:
        sent.sendall(b"hello")


def main(context):
    here, there = socket.socketpair()
    here.settimeout(20)
    message = by_native_thread(lambda: bytes(context.reducer.ForkingPickler.dumps(there)))
    child = context.Process(target=answer, args=(message,))
    child.start()
    assert here.recv(10) == b"hello"
    child.join()
"""

THREAD_POOL = """
from multiprocessing.pool import ThreadPool


def main(context):
    with by_native_thread(lambda: ThreadPool(2)) as pool:
        assert pool.map(square, range(3)) == [0, 1, 4]
"""


@pytest.mark.parametrize(
    "code",
    [QUEUE, MORE_THAN_A_PIPE_TAKES, POOL, EXECUTOR, MANAGER, SERVER, SOCKET],
    ids=["queue", "large", "pool", "executor", "manager", "server", "socket"],
)
def test_what_a_native_thread_was_the_first_to_use_works_on(tmp_path, world, start_method, code):
    run_program(tmp_path, world, start_method, FIRST + code, flags=FORKS_AMONG_THREADS)


def test_a_pool_of_threads_outlives_the_native_thread_that_made_it(tmp_path):
    run_program(tmp_path, "patched", "fork", FIRST + THREAD_POOL)


AFTER_A_FORK_IN_A_NATIVE_THREAD = """
def main(context):
    queue, other = context.Queue(), context.Queue()
    queue.put(0)

    def child():
        mine = context.Queue()
        mine.put(1)
        assert mine.get(timeout=20) == 1
        mine.close()
        mine.join_thread()
        with context.Pool(1) as pool:
            assert pool.apply(square, (3,)) == 9
        assert queue.get(timeout=20) == 0

    def fork():
        other.put("of the thread")
        child_of_plain_fork(child)

    by_native_thread(fork)
    assert other.get(timeout=20) == "of the thread"
    for each in queue, other:
        each.put(5)
        assert each.get(timeout=20) == 5
        each.close()
        each.join_thread()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_forked_by_a_native_thread_has_nobody_of_the_main_thread_in_its_loop(tmp_path, world, method):
    run_program(tmp_path, world, method, FIRST + AFTER_A_FORK_IN_A_NATIVE_THREAD, flags=FORKS_AMONG_THREADS)


def test_such_threads_leave_no_descriptor_behind(tmp_path):
    code = """
def main(context):
    def use():
        queue = context.Queue()
        queue.put(1)
        assert queue.get() == 1
        queue.close()
        queue.join_thread()
        with context.Pool(1) as pool:
            assert pool.apply(square, (3,)) == 9
        pool.join()

    by_native_thread(use)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        by_native_thread(use)
    assert len(os.listdir("/proc/self/fd")) <= before
"""
    run_program(tmp_path, "patched", "fork", FIRST + code)


ALONE = """
import os, signal, struct, threading
import gevent
from gevent import get_hub
from gevent.hub import _get_hub
from multiprocessing.connection import wait as context_wait


class Given(Exception):
    pass


def when_it_waits(pid):
    # Until that process sleeps in a system call: it says nothing, but the kernel knows.
    while open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "S":
        os.sched_yield()


def signal_parent_when_it_waits(connection, number):
    when_it_waits(os.getppid())
    os.kill(os.getppid(), number)
    connection.recv()
    connection.send("after")


def with_handler(context, handler):
    # What receiving gives while `handler` runs amid it, and the two ends.
    here, there = context.Pipe()
    process = context.Process(target=signal_parent_when_it_waits, args=(there, signal.SIGUSR1))
    signal.signal(signal.SIGUSR1, lambda *_: handler(here))
    process.start()
    there.close()
    return here, process
"""


def run_alone(tmp_path, code):
    """Run `code`, which defines ``main(context)`` with the names of `ALONE`, in a process that begins without a hub."""
    run_program(tmp_path, "patched", "fork", ALONE + code)


def test_who_is_alone_waits_in_the_read_and_a_handler_may_raise_send_or_close(tmp_path):
    run_alone(
        tmp_path,
        """
def raises(here):
    raise Given

def main(context):
    here, process = with_handler(context, raises)
    assert _get_hub() is None, "this is about a process without a hub"
    try:
        here.recv()
    except Given:
        here.send("go on")
    assert here.recv() == "after" and _get_hub() is None
    process.join()

    here, process = with_handler(context, lambda here: here.send("go on"))
    assert here.recv() == "after"
    process.join()

    here, process = with_handler(context, lambda here: here.close())
    try:
        here.recv()
        raise AssertionError("it was closed")
    except OSError as error:
        assert error.errno == 9, error
    process.kill()
    process.join()
""",
    )


def test_who_was_alone_is_not_when_a_handler_has_started_somebody(tmp_path):
    run_alone(
        tmp_path,
        """
def main(context):
    # The first in this process, and each after it in a child that has no hub yet.
    for wait in waits():
        process = context.Process(target=wait_in_child, args=(context, wait))
        process.start()
        process.join()
        assert process.exitcode == 0, wait

def waits():
    def poll(here):
        assert here.poll(20)

    def poll_for_ever(here):
        assert here.poll(None)

    def wait_for_one(here):
        assert context_wait([here], 20) == [here]

    return (lambda here: None), poll, poll_for_ever, wait_for_one

def wait_in_child(context, wait):
    for start in gevent.spawn, lambda call: threading.Thread(target=call).start():
        here, process = with_handler(context, lambda here: start(lambda: here.send("go on")))
        wait(here)
        assert here.recv() == "after"
        process.join()
""",
    )


def test_who_is_alone_sees_the_end_of_a_message_that_never_comes_whole(tmp_path):
    run_alone(
        tmp_path,
        """
def send_a_part_and_die(connection, part):
    when_it_waits(os.getppid())
    os.write(connection.fileno(), part)
    os.kill(os.getpid(), signal.SIGKILL)

def main(context):
    for part, kind in (b"", EOFError), (b"\\0\\0", OSError), (struct.pack("!i", 9) + b"x", OSError):
        here, there = context.Pipe()
        process = context.Process(target=send_a_part_and_die, args=(there, part))
        process.start()
        there.close()
        try:
            here.recv_bytes()
            raise AssertionError("nothing whole came")
        except (EOFError, OSError) as error:
            assert type(error) in (kind, ConnectionResetError), (part, error)
        process.join()
""",
    )
