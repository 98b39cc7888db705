"""Who waits in which thread, and who wakes: every pair works, and LoopExit comes only where nobody can come."""

import sys

import pytest
from scripts import run_script

# What can be waited for: name, how to make it, how to wait for it, how somebody else ends the wait.
PRIMITIVES = """
import concurrent.futures, queue, threading
import gevent, gevent.event, gevent.lock, gevent.pool, gevent.queue

def held(lock):
    lock.acquire()
    return lock

def within(condition, call):
    with condition:
        return call()

def full(made):
    made.put(0)
    return made

def unfinished(made):
    made.put(0)
    return made

def thread_that_waits():
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    thread.go = go
    return thread

def greenlet_that_waits():
    go = gevent.event.Event()
    greenlet = gevent.spawn(go.wait)
    greenlet.go = go
    return greenlet

def pool_that_waits():
    go = gevent.event.Event()
    pool = gevent.pool.Pool(1)
    pool.spawn(go.wait)
    pool.go = go
    return pool

def executor_job():
    executor, go = concurrent.futures.ThreadPoolExecutor(1), threading.Event()
    future = executor.submit(go.wait)
    future.go = go
    return future

P = {
    "Lock": (lambda: held(threading.Lock()), lambda x: x.acquire(), lambda x: x.release()),
    "RLock": (lambda: held(threading.RLock()), lambda x: x.acquire(), lambda x: x.release()),
    "Condition": (threading.Condition, lambda x: within(x, x.wait), lambda x: within(x, x.notify)),
    "Condition of a Lock": (
        lambda: threading.Condition(threading.Lock()), lambda x: within(x, x.wait), lambda x: within(x, x.notify_all)),
    "Semaphore": (lambda: threading.Semaphore(0), lambda x: x.acquire(), lambda x: x.release()),
    "BoundedSemaphore": (lambda: held(threading.BoundedSemaphore(1)), lambda x: x.acquire(), lambda x: x.release()),
    "Event": (threading.Event, lambda x: x.wait(), lambda x: x.set()),
    "Barrier": (lambda: threading.Barrier(2), lambda x: x.wait(), lambda x: x.wait()),
    "Thread.join": (thread_that_waits, lambda x: x.join(), lambda x: x.go.set()),
    "Timer.join": (
        lambda: threading.Timer(3600, print), lambda x: (x.start(), x.join()), lambda x: x.cancel()),
    "Queue.get": (queue.Queue, lambda x: x.get(), lambda x: x.put(1)),
    "Queue.put": (lambda: full(queue.Queue(1)), lambda x: x.put(1), lambda x: x.get()),
    "Queue.join": (lambda: unfinished(queue.Queue()), lambda x: x.join(), lambda x: (x.get(), x.task_done())),
    "LifoQueue.get": (queue.LifoQueue, lambda x: x.get(), lambda x: x.put(1)),
    "PriorityQueue.get": (queue.PriorityQueue, lambda x: x.get(), lambda x: x.put(1)),
    "SimpleQueue.get": (queue.SimpleQueue, lambda x: x.get(), lambda x: x.put(1)),
    "Future.result": (concurrent.futures.Future, lambda x: x.result(), lambda x: x.set_result(1)),
    "futures.wait": (
        concurrent.futures.Future, lambda x: concurrent.futures.wait([x]), lambda x: x.set_exception(ValueError())),
    "executor's job": (executor_job, lambda x: x.result(), lambda x: x.go.set()),
    "gevent Event": (gevent.event.Event, lambda x: x.wait(), lambda x: x.set()),
    "gevent AsyncResult": (gevent.event.AsyncResult, lambda x: x.get(), lambda x: x.set(1)),
    "gevent Semaphore": (lambda: gevent.lock.Semaphore(0), lambda x: x.acquire(), lambda x: x.release()),
    "gevent BoundedSemaphore": (
        lambda: held(gevent.lock.BoundedSemaphore(1)), lambda x: x.acquire(), lambda x: x.release()),
    "gevent RLock": (lambda: held(gevent.lock.RLock()), lambda x: x.acquire(), lambda x: x.release()),
    "gevent Queue": (gevent.queue.Queue, lambda x: x.get(), lambda x: x.put(1)),
    "gevent Channel.get": (gevent.queue.Channel, lambda x: x.get(), lambda x: x.put(1)),
    "gevent Channel.put": (gevent.queue.Channel, lambda x: x.put(1), lambda x: x.get()),
    "gevent Pool.join": (pool_that_waits, lambda x: x.join(), lambda x: x.go.set()),
    "gevent Greenlet.join": (greenlet_that_waits, lambda x: x.join(), lambda x: x.go.set()),
    "gevent.wait": (gevent.event.Event, lambda x: gevent.wait([x]), lambda x: x.set()),
    "gevent.wait for a greenlet": (greenlet_that_waits, lambda x: gevent.wait([x]), lambda x: x.go.set()),
    "gevent.iwait": (greenlet_that_waits, lambda x: list(gevent.iwait([x])), lambda x: x.go.set()),
    "gevent.joinall": (greenlet_that_waits, lambda x: gevent.joinall([x]), lambda x: x.go.set()),
}
"""

WAITS_ELSEWHERE = (
    """
from gevent import monkey
monkey.patch_all()
import sys, time, ctypes
"""
    + PRIMITIVES
    + """
native_sleep = monkey.get_original("time", "sleep")

def by_native_thread(call):
    monkey.get_original("_thread", "start_new_thread")(call, ())

def by_pool(call):
    gevent.get_hub().threadpool.spawn(call)

def by_greenlet_of_a_native_thread(call):
    by_native_thread(lambda: gevent.spawn(call).join())

callback, handle = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p), ctypes.c_void_p()
kept = []

def by_thread_of_c(call):
    entry = callback(lambda _: call())
    kept.append(entry)
    assert ctypes.CDLL(None).pthread_create(ctypes.byref(handle), None, entry, None) == 0

start = globals()["by_" + sys.argv[1]]
wrong = []
for name, (make, wait, wake) in P.items():
    made, got = make(), []
    def run():
        got.append("begun")
        try:
            wait(made)
            got.append("done")
        except BaseException as error:
            got.append(repr(error))
    start(run)
    deadline = time.monotonic() + 5
    while not got:
        time.sleep(0.001)
    time.sleep(0.02)  # long enough to be asleep, mostly: both orders are right
    wake(made)
    while len(got) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    if got[1:] != ["done"]:
        wrong.append((name, got[1:]))
assert not wrong, wrong
print("right")
sys.stdout.flush()
import os
os._exit(0)
"""
)


@pytest.mark.parametrize("who", ["native_thread", "pool", "greenlet_of_a_native_thread", "thread_of_c"])
def test_whatever_waits_in_another_thread_is_woken_by_the_main_one(who):
    assert run_script(WAITS_ELSEWHERE, who).stdout == "right\n"


WAITS_HERE = (
    """
from gevent import monkey
monkey.patch_all()
import sys, time
"""
    + PRIMITIVES
    + """
native_sleep = monkey.get_original("time", "sleep")
start_native = monkey.get_original("_thread", "start_new_thread")
spawn_in_pool = gevent.get_hub().threadpool.spawn
start = {"native": lambda call: start_native(call, ()), "pool": spawn_in_pool}[sys.argv[1]]
wrong = []
for name, (make, wait, wake) in P.items():
    if name in ("RLock", "gevent RLock") or name == "gevent Channel.put":
        continue  # only their owner gives them back; a hub that puts waits for nobody
    made = make()
    def later():
        native_sleep(0.02)
        wake(made)
    start(later)
    in_greenlet = sys.argv[2] == "greenlet"
    try:
        if in_greenlet:
            waiter = gevent.spawn(wait, made)
            waiter.join(5)
            if not waiter.ready():
                wrong.append(name)
            waiter.get(timeout=1)
        else:
            with gevent.Timeout(5):
                wait(made)
    except BaseException as error:
        wrong.append((name, error))
assert not wrong, wrong
print("right")
sys.stdout.flush()
import os
os._exit(0)
"""
)


@pytest.mark.parametrize("waker", ["native", "pool"])
@pytest.mark.parametrize("waiter", ["main", "greenlet"])
def test_whatever_waits_in_the_main_thread_is_woken_by_another(waker, waiter):
    assert run_script(WAITS_HERE, waker, waiter).stdout == "right\n"


NOBODY = (
    """
from gevent import monkey
monkey.patch_all()
"""
    + PRIMITIVES
    + """
from gevent.exceptions import LoopExit
import sys
start_native = monkey.get_original("_thread", "start_new_thread")
native_lock = monkey.get_original("_thread", "allocate_lock")
others = sys.argv[1]
if others == "ended":
    done = native_lock()
    done.acquire()
    start_native(done.release, ())
    done.acquire()
elif others == "idle":
    gevent.get_hub().threadpool.apply(int)
    gevent.get_hub().threadpool.apply(gevent.sleep)
elif others == "waiting":
    begun = native_lock()
    begun.acquire()
    def run():
        begun.release()
        threading.Lock().acquire()
        threading.Semaphore(0).acquire()
    start_native(run, ())
    begun.acquire()
elif others == "ending":
    from time import monotonic
    native_sleep = monkey.get_original("time", "sleep")
    start_native(native_sleep, (0.3,))
told = []
for name, (make, wait, wake) in P.items():
    if name in ("RLock", "gevent RLock", "Thread.join", "Timer.join", "executor's job", "gevent Greenlet.join",
                "gevent Pool.join", "gevent Channel.put"):
        continue  # the main greenlet may take its lock again; the others wait for a greenlet, which waits
    made = make()
    try:
        wait(made)
    except LoopExit as error:
        assert error.waiting_for is not None, name
        told.append(name)
assert len(told) == len(P) - 8, told
print("told")
"""
)


@pytest.mark.parametrize("others", ["none", "ended", "idle", "waiting", "ending"])
def test_where_nobody_is_left_a_wait_ends_and_says_what_it_was_for(others):
    assert run_script(NOBODY, others).stdout == "told\n"


def test_the_worker_and_the_main_thread_do_not_wait_for_each_other_for_ever():
    run_script("""
        import gevent
        from gevent.event import Event
        from gevent.exceptions import LoopExit
        event = Event()
        try:
            gevent.get_hub().threadpool.apply(event.wait)
        except LoopExit as error:
            assert error.waiting_for is event
        else:
            raise AssertionError
    """)


def test_joining_the_hub_waits_for_no_thread():
    run_script("""
        import gevent
        from gevent import monkey
        lock = monkey.get_original("_thread", "allocate_lock")()
        lock.acquire()
        monkey.get_original("_thread", "start_new_thread")(lock.acquire, ())
        gevent.spawn(gevent.sleep, 0.01)
        assert gevent.wait() is True
    """)


def test_a_thread_that_only_looks_on_keeps_nobody_waiting():
    run_script("""
        import gevent
        gevent.config.monitor_thread = True
        try:
            gevent.event.Event().wait()
        except gevent.exceptions.LoopExit:
            pass
        assert gevent.get_hub().periodic_monitoring_thread is not None
    """)


FOREIGNERS = """
from gevent import monkey
monkey.patch_all()
import ctypes, faulthandler, queue, sys, threading, time
import gevent
from gevent.hub import LoopExit
library, number = ctypes.CDLL(None), ctypes.c_ulong()

def lives_for(seconds):
    # A thread that Python never hears of.
    assert library.pthread_create(ctypes.byref(number), None, library.usleep, ctypes.c_void_p(int(seconds * 1e6))) == 0

def ended_by_loop_exit(wait):
    began = time.monotonic()
    try:
        wait()
    except LoopExit:
        return time.monotonic() - began
    raise AssertionError("there was nothing to wait for")
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc/self/task, where such threads are seen")


@LINUX
def test_while_a_c_librarys_thread_lives_that_may_call_back_a_wait_waits():
    run_script(
        FOREIGNERS
        + """
for wait in (threading.Event().wait, queue.Queue().get, lambda: gevent.spawn(threading.Event().wait).join()):
    lives_for(0.3)
    assert 0.25 < ended_by_loop_exit(wait) < 10
"""
    )


@LINUX
def test_a_thread_that_calls_back_ends_a_wait_though_nobody_knew_it():
    """Here by way of a thread's own storage, whose destructor is called when it ends: it is in Python for that only."""
    run_script(
        FOREIGNERS
        + """
from gevent.event import Event
event, key = Event(), ctypes.c_uint()
wakes = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: event.set())
assert library.pthread_key_create(ctypes.byref(key), wakes) == 0
begins = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(
    lambda _: library.pthread_setspecific(key, ctypes.c_void_p(1)) and None)
assert library.pthread_create(ctypes.byref(number), None, begins, None) == 0
assert event.wait()
"""
    )


@LINUX
def test_a_watchdog_calls_nobody():
    run_script(
        FOREIGNERS
        + """
faulthandler.dump_traceback_later(1000)
assert ended_by_loop_exit(threading.Event().wait) < 10
faulthandler.cancel_dump_traceback_later()
"""
    )


@LINUX
def test_two_threads_that_wait_beside_a_c_librarys_thread_are_not_told_before_it_has_ended():
    run_script(
        FOREIGNERS
        + """
told, taken, rest = [], threading.Lock(), threading.Event()
taken.acquire()
def wait():
    told.append(ended_by_loop_exit(taken.acquire))
    rest.set()
lives_for(0.3)
monkey.get_original("_thread", "start_new_thread")(wait, ())
try:
    rest.wait()
except LoopExit as error:
    assert error.waiting_for is rest
    told.append(1)
assert len(told) == 1
"""
    )
