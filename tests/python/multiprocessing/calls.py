"""Which calls of `multiprocessing` let other greenlets run while they wait, and in which world.

Usage: .venv/bin/python tests/python/multiprocessing/calls.py > docs/multiprocessing_calls.txt

Each call is made in a process of its own, where it has to wait for LASTS_S seconds, beside a greenlet that ticks.
Worlds: "patched" is patch_all(multiprocessing=True), "green" is gevent.multiprocessing in a program that patches
nothing, "gevent" is patch_all() alone.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

__all__ = ["CALLS", "WORLDS", "page", "title_of", "verdict"]

LASTS_S = 1.2
DEADLINE_S = 30
#: The longest that the ticker may have been kept, for a call that waits aside.
STALL_MAX_S = 0.8
WORLDS = {
    "patched": "patched",
    "green": "gevent's own",
    "gevent": "left alone",
}
CALLS = {}


def call(group, *names):
    """Register a maker of a call: ``maker(mp)`` prepares, and returns what is to be called."""

    def register(maker):
        CALLS[maker.__name__] = (group, names, maker)
        return maker

    return register


def later(mp, function, *args):
    """Have a process call ``function(*args)`` once LASTS_S seconds are over."""
    process = mp.Process(target=_late, args=(function, args), daemon=True)
    process.start()
    return process


def _late(function, args):
    time.sleep(LASTS_S)
    function(*args)
    time.sleep(0.2)  # the standard library's queues send in a thread


def sleep(number=0):
    time.sleep(LASTS_S)
    return number


def hold(lock, held):
    lock.acquire()
    held.set()
    time.sleep(LASTS_S)
    lock.release()


def nothing():
    pass


@call("Processes", "Process.join")
def process_join(mp):
    return later(mp, nothing).join


@call("Processes", "connection.wait")
def process_sentinel(mp):
    from importlib import import_module

    process = later(mp, nothing)
    wait = import_module(mp.__name__ + ".connection").wait
    return lambda: wait([process.sentinel])


@call("Connections", "Connection.recv", "recv_bytes", "recv_bytes_into")
def connection_recv(mp):
    reader, writer = mp.Pipe(duplex=False)
    later(mp, writer.send, "here")
    return reader.recv


@call("Connections", "Connection.poll(timeout)")
def connection_poll(mp):
    reader, _writer = mp.Pipe(duplex=False)
    return lambda: (reader.poll(LASTS_S), _writer)


@call("Connections", "Connection.send", "send_bytes")
def connection_send(mp):
    reader, writer = mp.Pipe(duplex=False)
    later(mp, reader.recv)
    return lambda: writer.send(b"x" * 1_000_000)


@call("Connections", "Listener.accept", "Client")
def listener_accept(mp):
    from importlib import import_module

    connection = import_module(mp.__name__ + ".connection")
    listener = connection.Listener(authkey=b"key")
    later(mp, _connect, connection.Client, listener.address)
    return listener.accept


def _connect(client, address):
    client(address, authkey=b"key").close()


@call("Queues", "Queue.get", "JoinableQueue.get")
def queue_get(mp):
    queue = mp.Queue()
    later(mp, queue.put, "here")
    return lambda: queue.get(timeout=DEADLINE_S)


@call("Queues", "Queue.put")
def queue_put(mp):
    queue = mp.Queue(maxsize=1)
    queue.put("first")
    later(mp, queue.get)
    return lambda: queue.put("second")


@call("Queues", "JoinableQueue.join")
def queue_join(mp):
    queue = mp.JoinableQueue()
    queue.put("one")
    later(mp, _finish, queue)
    return queue.join


def _finish(queue):
    queue.get()
    queue.task_done()


@call("Queues", "Queue.join_thread")
def queue_join_thread(mp):
    queue = mp.Queue()
    later(mp, queue.get)
    queue.put(b"x" * 1_000_000)
    queue.close()
    return queue.join_thread


@call("Queues", "SimpleQueue.get", "SimpleQueue.put")
def simple_queue_get(mp):
    queue = mp.SimpleQueue()
    later(mp, queue.put, "here")
    return queue.get


def _held(mp, lock):
    held = mp.Event()
    mp.Process(target=hold, args=(lock, held), daemon=True).start()
    held.wait()
    return lock.acquire


@call("Locks", "Lock.acquire", "with lock")
def lock_acquire(mp):
    return _held(mp, mp.Lock())


@call("Locks", "RLock.acquire")
def rlock_acquire(mp):
    return _held(mp, mp.RLock())


@call("Locks", "Semaphore.acquire", "BoundedSemaphore.acquire")
def semaphore_acquire(mp):
    return _held(mp, mp.Semaphore(1))


@call("Locks", "Condition.wait", "wait_for")
def condition_wait(mp):
    condition = mp.Condition()
    later(mp, _notify, condition)

    def wait():
        with condition:
            condition.wait(DEADLINE_S)

    return wait


def _notify(condition):
    with condition:
        condition.notify_all()


@call("Locks", "Event.wait")
def event_wait(mp):
    event = mp.Event()
    later(mp, event.set)
    return lambda: event.wait(DEADLINE_S)


@call("Locks", "Barrier.wait")
def barrier_wait(mp):
    barrier = mp.Barrier(2)
    later(mp, barrier.wait)
    return lambda: barrier.wait(DEADLINE_S)


@call("Locks", "Value.get_lock", "Array.get_lock")
def value_lock(mp):
    return _held(mp, mp.Value("i").get_lock())


@call("Pools", "Pool.apply", "AsyncResult.get", "AsyncResult.wait")
def pool_apply(mp):
    pool = mp.Pool(1)
    return lambda: (pool.apply(sleep), pool.terminate())


@call("Pools", "Pool.map", "starmap")
def pool_map(mp):
    pool = mp.Pool(1)
    return lambda: (pool.map(sleep, [1]), pool.terminate())


@call("Pools", "Pool.imap", "imap_unordered")
def pool_imap(mp):
    pool = mp.Pool(1)
    return lambda: (list(pool.imap(sleep, [1])), pool.terminate())


@call("Pools", "Pool.join")
def pool_join(mp):
    pool = mp.Pool(1)
    pool.apply_async(sleep)
    pool.close()
    return pool.join


@call("Managers", "Manager()", "Manager.shutdown")
def manager_start(mp):
    # Its initializer is what takes so long.
    from importlib import import_module

    manager = import_module(mp.__name__ + ".managers").SyncManager(ctx=mp.get_context())
    return lambda: (manager.start(sleep), manager.shutdown())


@call("Managers", "calls of proxies")
def manager_proxy(mp):
    manager = mp.Manager()
    queue = manager.Queue()
    later(mp, queue.put, "here")
    return lambda: (queue.get(), manager.shutdown())


def _executor(mp):
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(1, mp_context=mp.get_context("fork"))


@call("concurrent.futures", "Executor.submit", "Future.result", "Future.exception")
def future_result(mp):
    executor = _executor(mp)
    return lambda: executor.submit(sleep).result()


@call("concurrent.futures", "Executor.map")
def executor_map(mp):
    executor = _executor(mp)
    return lambda: list(executor.map(sleep, [1]))


@call("concurrent.futures", "Executor.shutdown")
def executor_shutdown(mp):
    executor = _executor(mp)
    executor.submit(sleep)
    return executor.shutdown


# -- one call, in a process of its own --


def make_call(world, name):
    """Make the call and print the longest that another greenlet was kept from running meanwhile, in seconds."""
    if world == "patched":
        from gevent import monkey

        monkey.patch_all(multiprocessing=True)
    elif world == "gevent":
        from gevent import monkey

        monkey.patch_all()
    if world == "green":
        from gevent import multiprocessing as mp
    else:
        import multiprocessing as mp
    import gevent

    mp.set_start_method("fork")
    stall, running = [0.0], [True]

    def tick():
        while running:
            before = time.perf_counter()
            gevent.sleep(0.005)
            stall[0] = max(stall[0], time.perf_counter() - before)

    it = CALLS[name][2](mp)
    gevent.spawn(tick)
    gevent.sleep(0.02)
    began = time.perf_counter()
    it()
    lasted = time.perf_counter() - began
    gevent.sleep(0.01)
    print(f"{stall[0]:.3f} {lasted:.3f}", flush=True)
    os.killpg(0, signal.SIGKILL)


def verdict(world, name):
    """Return how the call waits: "aside", "stops all" or "never ends"."""
    process = subprocess.Popen(
        [sys.executable, __file__, world, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tempfile.gettempdir(),
    )
    killer = threading.Timer(DEADLINE_S, os.killpg, (process.pid, signal.SIGKILL))
    killer.start()
    output, errors = process.communicate()
    killer.cancel()
    if not output:
        return "never ends" if "Traceback" not in errors else "fails: " + errors.strip().splitlines()[-1]
    stall, lasted = map(float, output.split())
    assert lasted > LASTS_S / 2, f"{world} {name} has not waited: {lasted}"
    return "aside" if stall < STALL_MAX_S else "stops all"


def title_of(names):
    """Return how the page calls a call."""
    return ", ".join(each if " of " in each else f"``{each}``" for each in names)


def page():
    """Return the table for the page, made by making all calls."""
    wanted = [(name, world) for name in CALLS for world in WORLDS]
    with ThreadPoolExecutor(2) as executor:
        found = dict(zip(wanted, executor.map(lambda each: verdict(each[1], each[0]), wanted)))
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 46 18 18 18", "", "   * - call"]
    lines += [f"     - {title}" for title in WORLDS.values()]
    for name, (_group, names, _maker) in CALLS.items():
        lines.append("   * - " + title_of(names))
        lines += [f"     - {found[name, world]}" for world in WORLDS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) == 3:
        make_call(*sys.argv[1:])
    else:
        print(page(), end="")
