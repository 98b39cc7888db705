"""`os.fork()` beside multiprocessing: the program's greenlets go on in the child, multiprocessing's own do not."""

import pytest
from worlds import FORKS_AMONG_THREADS, run_program

# Not "stdlib": there the child may find a lock taken by a thread that is not in it, and hang.
WORLDS = ["patched", "green"]

#: For `main`: forks, runs `child()` there, and returns the id; and waits for its end.
FORKING = """
import contextlib, gc, os, queue, sys, threading, time
if "gevent" in sys.modules:
    from gevent import sleep, spawn
else:
    sleep = time.sleep

def fork(child):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        child()
        status = 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)

def reap(pid):
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, status

def stay(seconds=0.5):
    # Long enough for whatever runs here to take what is the parent's.
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sleep(0.005)

def square(number):
    sleep(0.002)
    return number * number
"""


def run(tmp_path, world, code, start_method="fork", **options):
    """Run `code`, which defines ``main(context)`` with the names of `FORKING`."""
    return run_program(tmp_path, world, start_method, FORKING + code, flags=FORKS_AMONG_THREADS, **options)


@pytest.mark.parametrize("world", WORLDS)
def test_a_pools_results_all_come_to_the_parent(tmp_path, world):
    run(
        tmp_path,
        world,
        """
def main(context):
    with context.Pool(2, maxtasksperchild=10) as pool:  # its handler replaces workers
        pool.map(square, range(4), 1)
        under_way = pool.map_async(square, range(100), 1)
        children = [fork(stay) for _ in range(3)]
        assert under_way.get(30) == [number * number for number in range(100)]
        assert pool.map_async(square, range(100), 1).get(30) == [number * number for number in range(100)]
        for child in children:
            reap(child)
""",
    )


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_a_pool_that_the_child_makes_works_there(tmp_path, world, start_method):
    run(
        tmp_path,
        world,
        """
def main(context):
    def child():
        with context.Pool(2) as own:
            assert own.map(square, range(20)) == [number * number for number in range(20)]
        messages = context.Queue()
        messages.put("here")
        assert messages.get(timeout=30) == "here"

    with context.Pool(2) as pool:
        under_way = pool.map_async(square, range(50), 1)
        reap(fork(child))
        assert under_way.get(30) == [number * number for number in range(50)]
""",
        start_method,
    )


@pytest.mark.parametrize("world", WORLDS)
def test_what_was_put_into_a_queue_is_sent_once(tmp_path, world):
    run(
        tmp_path,
        world,
        """
def main(context):
    messages, large = context.Queue(), context.Queue()
    messages.put("first")
    child = fork(stay)  # the feeder has not begun
    assert messages.get(timeout=30) == "first"
    expected = [bytes([number]) * 300_000 for number in range(8)]
    for message in expected:
        large.put(message)
    sleep(0.05)
    second = fork(stay)  # the feeder is amid a message
    for message in expected:
        assert large.get(timeout=30) == message
    messages.put("second")
    assert messages.get(timeout=30) == "second"
    for each in messages, large:
        with contextlib.suppress(queue.Empty):
            raise AssertionError(each.get(timeout=0.1))
    reap(child)
    reap(second)
""",
    )


@pytest.mark.parametrize("world", WORLDS)
def test_a_queue_is_read_and_closed_in_the_child_as_in_the_parent(tmp_path, world):
    run(
        tmp_path,
        world,
        """
def main(context):
    messages, answers = context.Queue(), context.Queue()
    messages.put("warm up")
    assert messages.get(timeout=30) == "warm up"

    def child():
        assert messages.get(timeout=30) == "for the child"
        messages.put("is kept: the feeder is the parent's")
        assert [thread for thread in threading.enumerate() if thread.is_alive()] == [threading.current_thread()]
        messages.close()
        messages.join_thread()
        with contextlib.suppress(queue.Empty):
            raise AssertionError(answers.get(timeout=0.05))
        answers.put("a feeder of its own")
        answers.close()
        answers.join_thread()

    pid = fork(child)
    messages.put("for the child")
    assert answers.get(timeout=30) == "a feeder of its own"
    reap(pid)
    messages.put("goes on")
    assert messages.get(timeout=30) == "goes on"
""",
    )


@pytest.mark.parametrize("world", ["patched"])
def test_an_executors_results_all_come_to_the_parent(tmp_path, world):
    run(
        tmp_path,
        world,
        """
from concurrent.futures import ProcessPoolExecutor

def main(context):
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        assert list(executor.map(square, range(4))) == [0, 1, 4, 9]
        futures = [executor.submit(square, number) for number in range(100)]
        children = [fork(stay) for _ in range(3)]
        assert [future.result(30) for future in futures] == [number * number for number in range(100)]
        assert list(executor.map(square, range(100))) == [number * number for number in range(100)]
        for child in children:
            reap(child)
""",
    )


@pytest.mark.parametrize("world", WORLDS)
def test_a_server_in_this_process_is_not_in_the_child(tmp_path, world):
    run(
        tmp_path,
        world,
        """
def main(context):
    class Here(managers_of(context).BaseManager):
        pass
    Here.register("pid", os.getpid)
    server = Here(address=None, authkey=b"secret").get_server()
    started = threading_of(context).Thread(target=serve, args=(server,), daemon=True)
    started.start()
    clients = [Here(address=server.address, authkey=b"secret") for _ in range(3)]
    for client in clients:
        client.connect()
    assert str(clients[0].pid()) == str(os.getpid())
    child = fork(stay)
    for _ in range(50):
        for client in clients:
            assert str(client.pid()) == str(os.getpid())
    reap(child)

def serve(server):
    with contextlib.suppress(SystemExit):
        server.serve_forever()

def managers_of(context):
    import importlib
    return importlib.import_module(type(context).__module__.rpartition(".")[0] + ".managers")

def threading_of(context):
    return managers_of(context).threading
""",
    )


@pytest.mark.parametrize("world", WORLDS)
def test_a_descriptor_that_is_being_shared_is_handed_out_by_the_parent(tmp_path, world):
    run(
        tmp_path,
        world,
        """
import importlib, socket

def take(connection):
    connection.send("begun")
    duplicate = connection.recv()
    os.write(duplicate.detach(), b"from the other process")

def main(context):
    package = type(context).__module__.rpartition(".")[0]
    reduction = importlib.import_module(package + ".reduction")
    for _ in range(5):
        ours, theirs = context.Pipe()
        process = context.Process(target=take, args=(theirs,))
        process.start()
        assert ours.recv() == "begun"
        reading, writing = os.pipe()
        shared = reduction.DupFd(writing)
        child = fork(lambda: stay(0.1))
        ours.send(shared)
        process.join(30)
        assert process.exitcode == 0
        assert os.read(reading, 100) == b"from the other process"
        reap(child)
""",
    )


@pytest.mark.parametrize("world", ["patched", "green"])
def test_the_programs_greenlets_go_on_in_the_child_and_nothing_else_keeps_its_hub(tmp_path, world):
    run(
        tmp_path,
        world,
        """
import gevent

class Ticks:
    count = 0

def tick():
    while Ticks.count < 20:
        sleep(0.001)
        Ticks.count += 1

def main(context):
    messages = context.Queue()
    messages.put(1)
    assert messages.get(timeout=30) == 1
    pool = context.Pool(2)
    pool.map(square, range(4))
    spawn(tick)
    sleep(0.002)
    unwound = []

    def child():
        # Killing all one finds is what programs do that know of this.
        found = [each for each in gc.get_objects() if isinstance(each, gevent.Greenlet) and not each.dead]
        assert len(found) == 1, found
        assert gevent.wait(timeout=30)
        assert Ticks.count == 20
        gevent.killall([each for each in gc.get_objects() if isinstance(each, gevent.Greenlet)])
        gc.collect()
        sleep(0.01)

    reap(fork(child))
    assert pool.map(square, range(4)) == [0, 1, 4, 9]
    messages.put(2)
    assert messages.get(timeout=30) == 2
    pool.terminate()
    pool.join()
""",
    )


@pytest.mark.parametrize("world", WORLDS)
def test_a_callback_of_a_pool_may_fork(tmp_path, world):
    run(
        tmp_path,
        world,
        """
def main(context):
    here = os.getpid()
    children = []

    def on_result(result):
        children.append(fork(lambda: stay(0.2)))

    with context.Pool(2) as pool:
        results = [pool.apply_async(square, (number,), callback=on_result) for number in range(5)]
        assert [result.get(30) for result in results] == [number * number for number in range(5)]
        assert pool.map(square, range(50), 1) == [number * number for number in range(50)]
        assert os.getpid() == here
    for child in children:
        reap(child)
    assert len(children) == 5
""",
    )


@pytest.mark.parametrize("world", WORLDS)
def test_other_ways_to_fork_leave_the_helpers_behind_too(tmp_path, world):
    run(
        tmp_path,
        world,
        """
import pty, subprocess

def main(context):
    with context.Pool(2) as pool:
        messages = context.Queue()
        for make in os.forkpty, pty.fork:
            under_way = pool.map_async(square, range(50), 1)
            messages.put("once")
            pid, terminal = make()
            if pid == 0:
                stay(0.2)
                os._exit(0)
            assert messages.get(timeout=30) == "once"
            assert under_way.get(30) == [number * number for number in range(50)]
            os.close(terminal)
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        under_way = pool.map_async(square, range(50), 1)
        messages.put("once more")
        # The child lives for a while before it execs.
        status = subprocess.Popen([sys.executable, "-c", ""], preexec_fn=lambda: stay(0.2)).wait()
        assert status == 0
        assert messages.get(timeout=30) == "once more"
        assert under_way.get(30) == [number * number for number in range(50)]
        with contextlib.suppress(queue.Empty):
            raise AssertionError(messages.get(timeout=0.05))
""",
    )


@pytest.mark.parametrize("world", WORLDS)
def test_a_helper_that_waits_for_a_lock_does_so_in_the_parent_only(tmp_path, world):
    run(
        tmp_path,
        world,
        """
import gevent

def main(context):
    messages = context.Queue()
    messages._wlock.acquire()
    messages.put("once")
    while not messages._buffer and messages._thread is None:
        sleep(0.001)
    sleep(0.05)  # the feeder has come to the lock

    def child():
        assert gevent.wait(timeout=30), "something keeps the hub"
        lock = context.Lock()
        lock.acquire()
        spawn(lock.release)
        assert lock.acquire(timeout=30)

    reap(fork(child))
    messages._wlock.release()
    assert messages.get(timeout=30) == "once"
    with contextlib.suppress(queue.Empty):
        raise AssertionError(messages.get(timeout=0.05))
""",
    )
