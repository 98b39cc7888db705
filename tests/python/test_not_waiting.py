"""What does not wait works everywhere and switches to nobody; but who only looks, again and again, starves nobody."""

import pytest
from scripts import run_script

OPERATIONS = """
from gevent import monkey
monkey.patch_all()
import concurrent.futures, gc, io, logging, os, queue, signal, sys, threading, time
import gevent, gevent.event, gevent.lock, gevent.queue

def held(lock):
    lock.acquire()
    return lock

def within(condition, call):
    with condition:
        call()

def waited_for(condition, count=2):
    for _ in range(count):
        gevent.spawn(lambda: within(condition, condition.wait))
    gevent.sleep(0)
    return condition

def nothing(call, error):
    try:
        call()
    except error:
        return
    raise AssertionError("there is something")

def equal(got, expected):
    assert got == expected, (got, expected)

living = threading.Thread(target=time.sleep, args=(3600,), daemon=True)
living.start()
native = monkey.get_original("_thread", "allocate_lock")()
sleeper = gevent.spawn(gevent.sleep, 3600)
gevent.sleep(0)
log = logging.getLogger("test")
log.addHandler(logging.StreamHandler(io.StringIO()))
condition = waited_for(threading.Condition())
of_lock = waited_for(threading.Condition(threading.Lock()))
taken, semaphore, bounded = held(threading.Lock()), threading.Semaphore(0), held(threading.BoundedSemaphore(1))
owned = gevent.lock.RLock()
gevent.spawn(lambda: (owned.acquire(), gevent.sleep(3600)))
barrier, event = threading.Barrier(2), threading.Event()
result, future = gevent.event.AsyncResult(), concurrent.futures.Future()
full, empty, simple, channel = queue.Queue(1), queue.Queue(), queue.SimpleQueue(), gevent.queue.Channel()
full.put(0)
gevent.sleep(0)
timer = threading.Timer(3600, print)
timer.start()

OPERATIONS = {
    "Thread.is_alive": lambda: equal(living.is_alive(), True),
    "repr(Thread)": lambda: equal("started" in repr(living), True),
    "Lock.acquire(False)": lambda: equal(taken.acquire(blocking=False), False),
    "Lock.release": lambda: held(threading.Lock()).release(),
    "Lock.locked": lambda: equal(taken.locked(), True),
    "with a free Lock": lambda: within(threading.Lock(), int),
    "RLock.acquire(False)": lambda: equal(owned.acquire(blocking=False), False),
    "repr(RLock)": lambda: repr(owned),
    "Semaphore.acquire(False)": lambda: equal(threading.Semaphore(0).acquire(blocking=False), False),
    "Semaphore.release": lambda: semaphore.release(),
    "BoundedSemaphore.release": lambda: (bounded.release(), bounded.acquire(blocking=False)),
    "Condition.notify": lambda: within(condition, condition.notify),
    "Condition.notify of a Lock": lambda: within(of_lock, of_lock.notify),
    "Condition.notify_all": lambda: within(condition, condition.notify_all),
    "Condition.notify_all of a Lock": lambda: within(of_lock, of_lock.notify_all),
    "Barrier.abort": lambda: barrier.abort(),
    "Barrier.reset": lambda: barrier.reset(),
    "Event.set": lambda: event.set(),
    "Event.clear": lambda: event.clear(),
    "Event.is_set": lambda: event.is_set(),
    "AsyncResult.ready": lambda: result.ready(),
    "AsyncResult.set": lambda: gevent.event.AsyncResult().set(1),
    "Future.done": lambda: future.done(),
    "Future.set_result": lambda: concurrent.futures.Future().set_result(1),
    "Queue.put_nowait": lambda: empty.put_nowait(1),
    "Queue.get_nowait": lambda: (empty.put_nowait(1), empty.get_nowait()),
    "Queue.put_nowait, full": lambda: nothing(lambda: full.put_nowait(1), queue.Full),
    "Queue.get_nowait, empty": lambda: nothing(queue.Queue().get_nowait, queue.Empty),
    "Queue.empty": lambda: empty.empty(),
    "SimpleQueue.put": lambda: simple.put(1),
    "Channel.get_nowait": lambda: nothing(channel.get_nowait, queue.Empty),
    "Timer.cancel": lambda: timer.cancel(),
    "Greenlet.kill(block=False)": lambda: sleeper.kill(block=False),
    "Greenlet.ready": lambda: sleeper.ready(),
    "logging": lambda: log.warning("something"),
    "threading.enumerate": lambda: threading.enumerate(),
    "threading.current_thread": lambda: threading.current_thread(),
    "gevent.spawn": lambda: gevent.spawn(int),
    "Thread.is_alive, again": lambda: equal(living.is_alive(), True),
}

wrong, ran = [], []
def call_all():
    # A greenlet that is ready throughout shows whether anybody switched.
    for name, operation in OPERATIONS.items():
        before = len(ran)
        try:
            operation()
        except BaseException as error:
            wrong.append((name, repr(error)))
        if len(ran) != before:
            wrong.append((name, "switched"))

def run_along():
    while not stop:
        ran.append(1)
        gevent.sleep(0)

stop = []
other = gevent.spawn(run_along)
gevent.sleep(0)
where = sys.argv[1]
done = gevent.event.Event()
if where == "hub":
    gevent.get_hub().loop.run_callback(lambda: (call_all(), done.set()))
elif where == "timer":
    timer_watcher = gevent.get_hub().loop.timer(0.001)
    timer_watcher.start(lambda: (call_all(), done.set()))
elif where == "greenlet":
    gevent.spawn(lambda: (call_all(), done.set()))
elif where in ("finalizer", "finalizer in the hub"):
    class Circle:
        def __init__(self):
            self.me = self
        def __del__(self):
            call_all()
            done.set()
    gc.disable()
    Circle()
    (gevent.spawn if where == "finalizer" else gevent.get_hub().loop.run_callback)(gc.collect)
elif where == "signal":
    signal.signal(signal.SIGALRM, lambda *_: (call_all(), done.set()))
    gevent.get_hub().loop.timer(3600).start(int)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
elif where == "fork":
    os.register_at_fork(before=call_all, after_in_parent=call_all)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    done.set()
done.wait(20)
stop.append(1)
assert not wrong, wrong
assert done.is_set() and ran and living.is_alive()
print("right")
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.parametrize("where", ["hub", "timer", "greenlet", "finalizer", "finalizer in the hub", "signal", "fork"])
def test_what_does_not_wait_works_everywhere_and_switches_to_nobody(where):
    assert run_script(OPERATIONS, where).stdout == "right\n"


BEGINNINGS = """
from gevent import monkey
monkey.patch_all(multiprocessing=True)
import concurrent.futures, multiprocessing, threading
import gevent

context = multiprocessing.get_context("fork")
executor, future = concurrent.futures.ThreadPoolExecutor(1), []
thread = threading.Thread(target=lambda: begun.append("thread"))
timer = threading.Timer(0, lambda: begun.append("timer"))
messages, lock, event, simple = context.Queue(), context.Lock(), context.Event(), context.SimpleQueue()
here, there = context.Pipe()
begun, wrong = [], []

def call_all():
    for operation in (
        thread.start,
        timer.start,
        lambda: future.append(executor.submit(begun.append, "executor")),
        lambda: messages.put_nowait("message"),
        lambda: lock.acquire(block=False) and lock.release(),
        event.set,
        event.is_set,
        lambda: simple.put("simple"),
        lambda: here.send("sent"),
        lambda: here.poll(),
    ):
        try:
            operation()
        except BaseException as error:
            wrong.append(repr(error))

gevent.get_hub().loop.run_callback(call_all)
with gevent.Timeout(20):
    assert (messages.get(), simple.get(), there.recv(), event.wait()) == ("message", "simple", "sent", True)
    thread.join()
    timer.join()
    future[0].result()
assert not wrong, wrong
assert sorted(begun) == ["executor", "thread", "timer"]
print("right")
"""


def test_what_begins_a_thread_does_not_wait_for_that_in_the_hub():
    assert run_script(BEGINNINGS).stdout == "right\n"


SPINS = """
from gevent import monkey
monkey.patch_all(multiprocessing=True)
import concurrent.futures, multiprocessing, os, queue, socket, ssl, subprocess, sys, threading, time
import gevent, gevent.event, gevent.lock, gevent.pool, gevent.queue
from gevent.exceptions import LoopExit

def there(call, *nothing):
    def look():
        try:
            call()
            return True
        except nothing:
            return False
    return look

def held(lock):
    lock.acquire()
    return lock

def by_another(lock):
    # Held by a greenlet that gives it back when told.
    go = gevent.event.Event()
    def hold():
        with lock:
            go.wait()
    gevent.spawn(hold)
    gevent.sleep(0)
    return go

lock, semaphore = held(threading.Lock()), threading.Semaphore(0)
bounded, rlock = held(threading.BoundedSemaphore(1)), threading.RLock()
condition, glock, grlock = threading.Condition(), gevent.lock.Semaphore(0), gevent.lock.RLock()
go_rlock, go_condition, go_grlock = by_another(rlock), by_another(condition), by_another(grlock)
event, result = threading.Event(), gevent.event.AsyncResult()
things, full, simple, channel = queue.Queue(), queue.Queue(1), queue.SimpleQueue(), gevent.queue.Channel()
full.put(1)
go_thread, go_greenlet = threading.Event(), gevent.event.Event()
thread, greenlet = threading.Thread(target=go_thread.wait), gevent.spawn(go_greenlet.wait)
thread.start()
gevent.sleep(0)
mp_lock = held(multiprocessing.Lock())
future = concurrent.futures.Future()

def fork_one():
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(theirs)
        os.read(ours, 1)
        os._exit(0)
    return pid, theirs

(forked, to_forked), (_, to_another) = fork_one(), fork_one()

cat = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
one, other = socket.socketpair()
one.setblocking(False)
reading, writing = os.pipe()
os.set_blocking(reading, False)
listening, barrier, work = socket.create_server(("127.0.0.1", 0)), threading.Barrier(2), queue.Queue()
listening.setblocking(False)
work.put(1)
begins, runs, is_cancelled = (concurrent.futures.Future() for _ in range(3))
runs.set_running_or_notify_cancel()
may_pass = threading.Event(), threading.Event()
passing = [threading.Thread(target=each.wait) for each in may_pass]
for each in passing:
    each.start()
plain_context = ssl.create_default_context()
plain_context.check_hostname, plain_context.verify_mode = False, ssl.CERT_NONE
tls_side, tls_peer = socket.socketpair()
tls_side.setblocking(False)
tls = plain_context.wrap_socket(tls_side, do_handshake_on_connect=False)

LOOKS = {
    "Lock.acquire": (lambda: lock.acquire(blocking=False), lock.release),
    "Lock.locked": (lambda: not lock.locked(), lambda: lock.release()),
    "Semaphore.acquire": (lambda: semaphore.acquire(blocking=False), semaphore.release),
    "BoundedSemaphore.acquire": (lambda: bounded.acquire(False), bounded.release),
    "RLock.acquire": (lambda: rlock.acquire(blocking=False), go_rlock.set),
    "Condition.acquire": (lambda: condition.acquire(blocking=False), go_condition.set),
    "gevent Semaphore.acquire": (lambda: glock.acquire(blocking=False), glock.release),
    "gevent RLock.acquire": (lambda: grlock.acquire(blocking=False), go_grlock.set),
    "Event.is_set": (event.is_set, event.set),
    "AsyncResult.ready": (result.ready, lambda: result.set(1)),
    "AsyncResult.get_nowait": (there(result.get_nowait, gevent.Timeout), lambda: None),
    "Queue.get_nowait": (there(things.get_nowait, queue.Empty), lambda: things.put(1)),
    "Queue.empty": (lambda: not things.empty(), lambda: things.put(1)),
    "Queue.put_nowait": (there(lambda: full.put_nowait(1), queue.Full), full.get),
    "Queue.full": (lambda: not full.full(), full.get),
    "Queue.qsize": (lambda: simple.qsize() > 0, lambda: simple.put(1)),
    "SimpleQueue.get_nowait": (there(simple.get_nowait, queue.Empty), lambda: simple.put(1)),
    "Channel.get_nowait": (there(channel.get_nowait, queue.Empty), lambda: gevent.spawn(channel.put, 1)),
    "Thread.is_alive": (lambda: not thread.is_alive(), go_thread.set),
    "Greenlet.ready": (greenlet.ready, go_greenlet.set),
    "mp Lock.acquire": (lambda: mp_lock.acquire(False), mp_lock.release),
    "Future.done": (future.done, lambda: future.set_result(1)),
    "waitpid(WNOHANG)": (lambda: os.waitpid(forked, os.WNOHANG)[0], lambda: os.write(to_forked, b"x")),
    "waitpid(-1, WNOHANG)": (lambda: os.waitpid(-1, os.WNOHANG)[0], lambda: os.write(to_another, b"x")),
    "recv": (there(lambda: one.recv(1), BlockingIOError), lambda: other.send(b"x")),
    "accept": (there(lambda: listening.accept()[0].close(), BlockingIOError),
               lambda: socket.create_connection(listening.getsockname()).close()),
    "do_handshake": (lambda: there(tls.do_handshake, ssl.SSLWantReadError)() or told, lambda: told.append(1)),
    "os.read": (there(lambda: os.read(reading, 1), BlockingIOError), lambda: os.write(writing, b"x")),
    "threading.enumerate": (lambda: passing[0] not in threading.enumerate(), may_pass[0].set),
    "threading.active_count": (lambda: threading.active_count() < count, may_pass[1].set),
    "Barrier.n_waiting": (lambda: barrier.n_waiting == 1, lambda: gevent.spawn(barrier.wait)),
    "Barrier.broken": (lambda: barrier.broken, barrier.abort),
    "Future.running": (begins.running, begins.set_running_or_notify_cancel),
    "not Future.running": (lambda: not runs.running(), lambda: runs.set_result(1)),
    "Future.cancelled": (is_cancelled.cancelled, is_cancelled.cancel),
    "Queue.unfinished_tasks": (lambda: work.unfinished_tasks == 0, work.task_done),
    "Popen.poll": (lambda: cat.poll() is not None, lambda: cat.stdin.close()),
    "Queue.qsize of some": (lambda: several.qsize() > 2, lambda: several.put(1)),
    "Pool.full": (lambda: not pool.full(), lambda: pool.kill()),
    "len(Pool)": (lambda: len(group) == 0, lambda: group.kill()),
    "len(ThreadPool)": (lambda: len(thread_pool) == 0, lambda: None),
}
several, pool, group = queue.Queue(), gevent.pool.Pool(1), gevent.pool.Group()
several.put(1)
several.put(2)
pool.spawn(gevent.sleep, 3600)
group.spawn(gevent.sleep, 3600)
thread_pool = gevent.get_hub().threadpool
thread_pool.spawn(int)
only, told = sys.argv[1:], []
starved = []
for name, (look, act) in LOOKS.items():
    if only and name not in only:
        continue
    def later(act=act):
        gevent.sleep(0.005)
        act()
    actor = gevent.spawn(later)
    count = threading.active_count()
    deadline, tries = time.monotonic() + 5, 0
    while not look():
        tries += 1
        if time.monotonic() > deadline:
            starved.append(name)
            break
    actor.join()
assert not starved, starved
print("right")
"""


def test_looking_again_and_again_lets_those_run_who_bring_what_is_looked_for():
    assert run_script(SPINS).stdout == "right\n"


def test_a_hundred_looks_in_vain_switch_to_nobody():
    """The documentation promises that: code between two waits is atomic, whatever it looks at now and then."""
    run_script("""
        from gevent import monkey
        monkey.patch_all()
        import queue, threading
        import gevent
        lock, event, things, ran = threading.Lock(), threading.Event(), queue.Queue(), []
        lock.acquire()
        gevent.spawn(ran.append, 1)
        for _ in range(40):
            assert not lock.acquire(blocking=False) and not event.is_set() and things.empty()
        assert not ran
        gevent.sleep(0)
        assert ran == [1]
        # A switch in between begins the count anew.
        for _ in range(10):
            gevent.spawn(ran.append, 1)
            before = len(ran)
            for _ in range(150):
                assert not event.is_set()
            assert len(ran) == before
            gevent.sleep(0)
    """)


@pytest.mark.parametrize("how", ["kill", "timeout"])
def test_a_thread_is_alive_after_joining_it_was_interrupted(how):
    run_script(
        """
        from gevent import monkey
        monkey.patch_all()
        import sys, threading
        import gevent
        go = threading.Event()
        thread = threading.Thread(target=go.wait)
        thread.start()
        if sys.argv[1] == "kill":
            joiner = gevent.spawn(thread.join)
            gevent.sleep(0)
            joiner.kill()
        else:
            with gevent.Timeout(0.001, False):
                thread.join()
        assert thread.is_alive() and thread in threading.enumerate()
        go.set()
        thread.join()
        assert not thread.is_alive()
        """,
        how,
    )


def test_a_condition_gives_the_lock_back_only_after_taking_it_again():
    """A second kill may come while a waiter takes the lock again: it has to wait for the lock, too."""
    run_script("""
        from gevent import monkey
        monkey.patch_all()
        import threading
        import gevent
        for condition in threading.Condition(), threading.Condition(threading.Lock()):
            ended = []
            def wait():
                try:
                    with condition:
                        condition.wait()
                except ZeroDivisionError as error:
                    ended.append(error)
            waiter = gevent.spawn(wait)
            gevent.sleep(0)
            with condition:
                for _ in range(3):
                    waiter.kill(ZeroDivisionError, block=False)
                    gevent.sleep(0)
                assert not ended and condition._is_owned()
            waiter.join()
            assert len(ended) == 1
            with condition:
                pass
    """)
