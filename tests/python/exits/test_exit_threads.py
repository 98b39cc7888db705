"""How a program ends while threads of any kind are alive in it."""

from endings import GREEN, check_ending, endings

ANYWHERE = {
    "a daemon that sleeps": """
import threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
print("end")
""",
    "a daemon that spins": """
import threading, time
spins = threading.Event()
def spin():
    while True:
        time.sleep(0)
        spins.set()
threading.Thread(target=spin, daemon=True).start()
spins.wait()
print("end")
""",
    "daemons in every wait": """
import queue, socket, threading, time
one, other = socket.socketpair()
taken = threading.Lock(); taken.acquire()
condition, begun = threading.Condition(), threading.Semaphore(0)
def wait_notified():
    with condition:
        condition.wait()
def receive():
    try:
        one.recv(1)
    except OSError:
        pass  # it was closed
def begin(wait):
    begun.release()
    wait()
waits = 0
for wait in (taken.acquire, threading.Event().wait, queue.Queue().get, queue.SimpleQueue().get, wait_notified,
             threading.Semaphore(0).acquire, threading.Barrier(2).wait, receive):
    threading.Thread(target=begin, args=(wait,), daemon=True).start()
    waits += 1
for _ in range(waits):
    begun.acquire()
one.close(); other.close()
print("end")
""",
    "threads that are to be waited for": """
import threading
def work(name):
    threading.main_thread().join()
    print(name, flush=True)
for name in ("one", "two"):
    threading.Thread(target=work, args=(name,)).start()
print("end")
""",
    "a thread that starts another at the end": """
import threading, time
def first():
    threading.main_thread().join()
    time.sleep(0.01)
    print("first", flush=True)
threading.Thread(target=first).start()
print("end")
""",
    "a timer, and one that is cancelled": """
import threading
threading.Timer(0.05, print, ("timer",)).start()
late = threading.Timer(1000, print, ("late",)); late.start(); late.cancel()
print("end")
""",
    "a daemon that is a timer": """
import threading
timer = threading.Timer(1000, print, ("timer",)); timer.daemon = True; timer.start()
print("end")
""",
    "a native thread that sleeps": """
import time, _thread
_thread.start_new_thread(time.sleep, (1000,))
print("end")
""",
    "a thread that waits for an event of another": """
import threading
event = threading.Event()
def wait():
    event.wait(); print("woken", flush=True)
def wake():
    threading.main_thread().join(); event.set()
threading.Thread(target=wait).start()
threading.Thread(target=wake, daemon=True).start()
print("end")
""",
    "an atexit function that joins a daemon": """
import atexit, threading
joined = threading.Event()
def work():
    joined.wait(); print("daemon", flush=True)
thread = threading.Thread(target=work, daemon=True); thread.start()
atexit.register(thread.join); atexit.register(joined.set)
print("end")
""",
    "an atexit function that stops a worker": """
import atexit, queue, threading
jobs = queue.Queue()
def work():
    for job in iter(jobs.get, None):
        print(job, flush=True); jobs.task_done()
    print("stopped", flush=True)
worker = threading.Thread(target=work, daemon=True); worker.start()
def stop():
    jobs.put("last"); jobs.join(); jobs.put(None); worker.join(10); assert not worker.is_alive()
atexit.register(stop)
print("end")
""",
    "a threading atexit function": """
import threading
event = threading.Event()
def wait():
    event.wait(); print("told", flush=True)
threading.Thread(target=wait).start()
threading._register_atexit(event.set)
print("end")
""",
    "an executor with work": """
import threading
from concurrent.futures import ThreadPoolExecutor
executor, ends = ThreadPoolExecutor(2), threading.Event()
threading._register_atexit(ends.set)
def work(number):
    ends.wait(); print(number, flush=True)
for number in range(4):
    executor.submit(work, number)
print("end")
""",
    "an idle executor": """
from concurrent.futures import ThreadPoolExecutor
executor = ThreadPoolExecutor(2)
assert executor.submit(int, "3").result() == 3
print("end")
""",
    "an executor within an executor's work": """
import threading, time
from concurrent.futures import ThreadPoolExecutor, wait
executor, begun = ThreadPoolExecutor(2), threading.Event()
def work():
    with ThreadPoolExecutor(1) as inner:
        futures = [inner.submit(time.sleep, 0.05)]
        begun.set()
        wait(futures)
    print("inner", flush=True)
executor.submit(work)
begun.wait()
print("end")
""",
    "an executor shut down without waiting": """
import time
from concurrent.futures import ThreadPoolExecutor
executor = ThreadPoolExecutor(1)
executor.submit(time.sleep, 0.05); executor.submit(print, "never")
executor.shutdown(wait=False, cancel_futures=True)
print("end")
""",
    "a queue listener of logging": """
import atexit, logging, logging.handlers, queue, sys
records = queue.Queue()
listener = logging.handlers.QueueListener(records, logging.StreamHandler(sys.stdout)); listener.start()
atexit.register(listener.stop)
logger = logging.getLogger("x"); logger.addHandler(logging.handlers.QueueHandler(records)); logger.propagate = False
logger.error("logged")
print("end", flush=True)
""",
    "a queue listener that nobody stops": """
import logging, logging.handlers, queue, sys
records = queue.Queue()
listener = logging.handlers.QueueListener(records, logging.StreamHandler(sys.stdout)); listener.start()
print("end", flush=True)
""",
    "a memory handler that is flushed at the end": """
import logging, logging.handlers, sys
memory = logging.handlers.MemoryHandler(100, target=logging.StreamHandler(sys.stdout))
logging.getLogger().addHandler(memory)
logging.error("kept")
print("end", flush=True)
""",
    "a thread with values of its own": """
import os, threading
class Value:
    def __del__(self):
        os.write(1, b"deleted\\n")
values = threading.local(); values.mine = Value()
def work():
    values.mine = Value(); threading.main_thread().join()
threading.Thread(target=work).start()
print("end", flush=True)
""",
    "a finalizer that joins a thread": """
import atexit, threading, weakref
class Owner: pass
owner, ends = Owner(), threading.Event()
def work():
    ends.wait(); print("worked", flush=True)
thread = threading.Thread(target=work, daemon=True); thread.start()
weakref.finalize(owner, thread.join)
atexit.register(ends.set)
print("end")
""",
    "a lock that is held": """
import threading
lock, reentrant = threading.Lock(), threading.RLock()
lock.acquire(); reentrant.acquire()
print("end")
""",
    "a wait in a lock that the main thread holds": """
import threading
lock = threading.Lock(); lock.acquire()
threading.Thread(target=lock.acquire, daemon=True).start()
print("end")
""",
    "a scheduler": """
import sched, threading, time
scheduler = sched.scheduler(time.monotonic, time.sleep)
scheduler.enter(0.02, 1, print, ("scheduled",), {"flush": True})
threading.Thread(target=scheduler.run).start()
print("end")
""",
}
STATUS = {
    "sys.exit in a thread is the thread's": (
        "import sys, threading\nthreading.Thread(target=sys.exit, args=(5,)).start()\nprint('end')",
        "end",
        0,
    ),
    "sys.exit in main while threads work": (
        """
import sys, threading
def work():
    threading.main_thread().join(); print("worked", flush=True)
threading.Thread(target=work).start()
sys.exit(3)
""",
        "worked",
        3,
    ),
    "os._exit with everything alive": (
        """
import atexit, os, threading, time
from concurrent.futures import ThreadPoolExecutor
atexit.register(print, "never")
executor, begun = ThreadPoolExecutor(1), threading.Semaphore(0)
def work():
    begun.release(); time.sleep(1000)
executor.submit(work)
threading.Thread(target=work).start()
begun.acquire(); begun.acquire()
os._exit(7)
""",
        "",
        7,
    ),
    "os._exit in a thread": (
        "import os, threading, time\nthreading.Thread(target=os._exit, args=(6,)).start()\ntime.sleep(1000)",
        "",
        6,
    ),
    "os.abort": (
        """
import faulthandler, os, threading, time
faulthandler.disable()
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
os.abort()
""",
        "",
        -6,
    ),
    "interrupt_main": (
        """
import _thread, threading, time
loops = threading.Event()
def interrupt():
    loops.wait(); _thread.interrupt_main()
threading.Thread(target=interrupt, daemon=True).start()
try:
    while True:
        time.sleep(0.01)
        loops.set()
except KeyboardInterrupt:
    print("interrupted"); raise SystemExit(4)
""",
        "interrupted",
        4,
    ),
}
GEVENTS = {
    "a pool of threads with workers busy": """
import gevent, gevent.lock, gevent.monkey
from gevent.threadpool import ThreadPool
begun = gevent.lock.Semaphore(0)
def work():
    begun.release(); gevent.monkey.get_original("time", "sleep")(1000)
pool = ThreadPool(3)
for _ in range(3):
    pool.spawn(work)
for _ in range(3):
    begun.acquire()
print("end")
""",
    "the hub's pool of threads with workers busy": """
import gevent, gevent.lock, gevent.monkey
begun = gevent.lock.Semaphore(0)
def work():
    begun.release(); gevent.monkey.get_original("time", "sleep")(1000)
gevent.get_hub().threadpool.spawn(work)
begun.acquire()
print("end")
""",
    "greenlets that wait for a pool": """
import gevent, gevent.lock, gevent.monkey
begun = gevent.lock.Semaphore(0)
def work():
    begun.release(); gevent.monkey.get_original("time", "sleep")(1000)
pool = gevent.get_hub().threadpool
waiting = [gevent.spawn(pool.apply, work) for _ in range(3)]
for _ in range(3):
    begun.acquire()
print("end")
""",
    "a pool whose workers wait in hubs": """
import gevent, gevent.event, gevent.lock
from gevent.threadpool import ThreadPool
pool = ThreadPool(2)
event, begun = gevent.event.Event(), gevent.lock.Semaphore(0)
for wait in (event.wait, lambda: gevent.sleep(1000)):
    pool.spawn(lambda wait=wait: (begun.release(), wait()))
begun.acquire(); begun.acquire()
print("end")
""",
    "a daemon in an idle worker": """
import gevent, threading, time
def start():
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
gevent.get_hub().threadpool.apply(start)
print("end")
""",
    "native threads in our calls": """
import gevent, gevent.event, gevent.lock, gevent.queue, gevent.monkey
start = gevent.monkey.get_original("_thread", "start_new_thread")
event, lock, queue = gevent.event.Event(), gevent.lock.Semaphore(0), gevent.queue.Queue()
begun = gevent.lock.Semaphore(0)
calls = event.wait, lock.acquire, queue.get, lambda: gevent.sleep(1000), gevent.event.AsyncResult().get
for call in calls:
    start(lambda call=call: (begun.release(), call()), ())
for _ in calls:
    begun.acquire()
print("end")
""",
    "a loop in a native thread": """
import gevent, gevent.event, gevent.monkey
start, runs = gevent.monkey.get_original("_thread", "start_new_thread"), gevent.event.Event()
def run():
    timer = gevent.get_hub().loop.timer(0, 0.001)
    timer.start(runs.set)
    gevent.wait()
start(run, ())
runs.wait()
print("end")
""",
    "a loop of one's own": """
import gevent, gevent.hub
loop = gevent.get_hub().loop_class(default=False)
timer = loop.timer(1000); timer.start(lambda: None)
gevent.sleep(0)
print("end")
""",
    "gevent's executor with work": """
import gevent, gevent.lock, gevent.monkey
from gevent.threadpool import ThreadPoolExecutor
executor, begun = ThreadPoolExecutor(2), gevent.lock.Semaphore(0)
executor.submit(lambda: (begun.release(), gevent.monkey.get_original("time", "sleep")(1000)))
begun.acquire()
print("end")
""",
    "the monitoring thread": """
import gevent
gevent.config.monitor_thread = True
gevent.get_hub().start_periodic_monitoring_thread()
gevent.sleep(0)
print("end")
""",
}
EXPECTED = {
    "threads that are to be waited for": "end one two",
    "a thread that starts another at the end": "end first",
    "a timer, and one that is cancelled": "end timer",
    "a thread that waits for an event of another": "end woken",
    "an atexit function that joins a daemon": "end daemon",
    "an atexit function that stops a worker": "end last stopped",
    "a threading atexit function": "end told",
    "an executor with work": "end 0 1 2 3",
    "an executor within an executor's work": "end inner",
    "a queue listener of logging": "end logged",
    "a memory handler that is flushed at the end": "end kept",
    "a thread with values of its own": "end deleted deleted",
    "a finalizer that joins a thread": "end worked",
    "a scheduler": "end scheduled",
}


@endings(ANYWHERE)
def test_threads_are_waited_for_or_left(tmp_path, program, world):
    check_ending(tmp_path, world, ANYWHERE[program], EXPECTED.get(program, "end"))


@endings(STATUS)
def test_the_status_is_the_programs_own(tmp_path, program, world):
    code, output, status = STATUS[program]
    check_ending(tmp_path, world, code, output, status)


@endings(GEVENTS, GREEN)
def test_what_gevents_threads_do_is_not_waited_for(tmp_path, program, world):
    check_ending(tmp_path, world, GEVENTS[program], "end")
