"""A program ends when it is done: at once, with its own status and without a word, whatever is still alive in it."""

import pytest
from scripts import run_script

UNPATCHED = "import gevent\n"
PATCHED = "from gevent import monkey; monkey.patch_all()\nimport gevent\n"
# In the order of what may be used: the hub, greenlets, the event of another, a child, a socket.
HOOK = """
import atexit
def hook():
    import gevent.event, gevent.socket, gevent.subprocess
    gevent.sleep(0.001)
    assert gevent.spawn(lambda: 5).get() == 5
    event = gevent.event.Event()
    gevent.spawn_later(0.001, event.set)
    assert event.wait(10)
    one, other = gevent.socket.socketpair()
    gevent.spawn_later(0.001, one.sendall, b"x")
    assert other.recv(1) == b"x"
    one.close(); other.close()
    with gevent.Timeout(0.001, False):
        gevent.sleep(10)
    print("hook", flush=True)
atexit.register(hook)
"""


def ends(code, output, status=0):
    """Run `code`; it has to end by itself, with `status`, having written `output` and no word on standard error."""
    result = run_script(code, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (status, output, "")


@pytest.fixture(params=["unpatched", "patched"])
def beginning(request):
    return {"unpatched": UNPATCHED, "patched": PATCHED}[request.param]


def test_greenlets_that_are_suspended_are_not_waited_for(beginning):
    ends(
        beginning
        + """
def forever():
    try:
        gevent.sleep(1000)
    finally:
        print("never"); gevent.sleep(1000)
greenlets = [gevent.spawn(forever) for _ in range(10)]
gevent.sleep(0)
print("end")
""",
        "end\n",
    )


def test_a_hook_at_exit_may_wait(beginning):
    ends(beginning + HOOK, "hook\n")


def test_a_hook_that_was_there_before_gevent_may_wait():
    ends(HOOK + PATCHED, "hook\n")


def test_a_hook_runs_after_an_exception_or_an_exit_in_a_greenlet(beginning):
    ends(beginning + HOOK + "gevent.spawn(__import__('sys').exit, 3).join()", "hook\n", 3)


def test_a_hook_that_waits_for_what_cannot_happen_is_told_so(beginning):
    result = run_script(
        beginning + "import atexit\nfrom gevent.event import Event\natexit.register(Event().wait)\nprint('end')"
    )
    assert result.stdout == "end\n" and "LoopExit" in result.stderr


def test_a_hook_at_exit_may_wait_while_other_greenlets_go_on(beginning):
    ends(
        beginning
        + """
import atexit
from gevent.queue import Queue
queue, answers = Queue(), Queue()
def serve():
    while True:
        answers.put(queue.get() + 1)
gevent.spawn(serve)
def hook():
    queue.put(1); print(answers.get(timeout=10))
atexit.register(hook)
""",
        "2\n",
    )


def test_native_threads_with_hubs_of_their_own_are_not_waited_for_when_they_are_daemons():
    ends(
        UNPATCHED
        + """
import threading
def work(ready):
    gevent.spawn(ticks)
    gevent.spawn(ready.set)
    gevent.sleep(1000)
def ticks():
    while True:
        gevent.sleep(0.0001)
for _ in range(4):
    ready = threading.Event()
    threading.Thread(target=work, args=(ready,), daemon=True).start()
    ready.wait(10)
print("end")
""",
        "end\n",
    )


def test_native_threads_with_hubs_of_their_own_are_waited_for_when_they_are_not_daemons():
    ends(
        UNPATCHED
        + HOOK
        + """
import threading
def work():
    gevent.sleep(0.1); print("thread", flush=True)
threading.Thread(target=work).start()
print("end", flush=True)
""",
        "end\nthread\nhook\n",
    )


def test_threads_that_are_greenlets_are_waited_for_unless_they_are_daemons():
    ends(
        PATCHED
        + HOOK
        + """
import threading, time
def work(seconds, name):
    time.sleep(seconds); print(name, flush=True)
threading.Thread(target=work, args=(1000, "daemon"), daemon=True).start()
threading.Thread(target=work, args=(0.05, "thread")).start()
threading.Timer(0.01, print, ("timer",), {"flush": True}).start()
print("end", flush=True)
""",
        "end\ntimer\nthread\nhook\n",
    )


def test_a_hook_may_start_threads_that_are_greenlets():
    ends(
        PATCHED
        + """
import atexit, threading, time
def hook():
    def work():
        time.sleep(0.01); print("thread", flush=True)
    thread = threading.Thread(target=work); thread.start(); thread.join()
    print("hook", flush=True)
atexit.register(hook)
""",
        "thread\nhook\n",
    )


def test_native_threads_in_a_patched_program_end_as_in_any():
    ends(
        """
import threading, _thread
start, go, never = _thread.start_new_thread, _thread.allocate_lock(), _thread.allocate_lock()
go.acquire(); never.acquire()
def work(lock, name):
    lock.acquire(); print(name, flush=True)
threading.Thread(target=work, args=(go, "before")).start()
threading.Thread(target=work, args=(never, "daemon"), daemon=True).start()
"""
        + PATCHED
        + HOOK
        + """
start(work, (never, "bare"))
print("end", flush=True)
go.release()
""",
        "end\nbefore\nhook\n",
    )


@pytest.mark.parametrize("task", ["time.sleep(1000)", "gevent.sleep(1000)", "None"], ids=["busy", "waits", "idle"])
def test_workers_of_a_thread_pool_are_not_waited_for(task):
    """As in gevent: what a pool's threads do is lost when the program does not wait for it."""
    ends(
        UNPATCHED
        + HOOK
        + f"""
import time
from gevent.threadpool import ThreadPool
begun = gevent.get_hub().loop.async_()
waiter = gevent.event.Event()
begun.start(waiter.set)
def work():
    begun.send(); {task}
pool = ThreadPool(2)
pool.spawn(work)
waiter.wait(10)
print("end", flush=True)
""",
        "end\nhook\n",
    )


def test_a_hook_may_use_a_thread_pool_whose_threads_are_there(beginning):
    ends(
        beginning
        + """
import atexit
pool = gevent.get_hub().threadpool
assert pool.apply(len, ([1],)) == 1
atexit.register(lambda: print(pool.apply(len, ([1, 2],)), flush=True))
""",
        "2\n",
    )


@pytest.mark.parametrize("which", ["concurrent.futures", "gevent.threadpool"])
def test_an_executor_of_threads_that_is_alive_ends_with_its_work(beginning, which):
    """`concurrent.futures` promises that what was submitted is done; with gevent's own the program has to wait."""
    waits = "future.result()" if which == "gevent.threadpool" else "None"
    ends(
        beginning
        + HOOK
        + f"""
import time
from {which} import ThreadPoolExecutor
executor = ThreadPoolExecutor(2)
executor.submit(len, "idle").result()
def work():
    time.sleep(0.05); print("work", flush=True)
future = executor.submit(work)
print("end", flush=True)
{waits}
""",
        "end\nwork\nhook\n",
    )


def test_a_child_that_is_alive_is_not_waited_for(beginning):
    ends(
        beginning
        + HOOK
        + """
from gevent import subprocess
child = subprocess.Popen(["sleep", "1000"])
atexit.register(child.wait)
atexit.register(child.kill)
print("end", flush=True)
""",
        "end\nhook\n",
    )


@pytest.mark.parametrize("resolver", ["thread", "ares"])
def test_a_lookup_that_is_under_way_does_not_hold_the_exit(resolver):
    ends(
        f"""
import os; os.environ["GEVENT_RESOLVER"] = "{resolver}"
"""
        + PATCHED
        + HOOK
        + """
import socket
assert socket.getaddrinfo("127.0.0.1", 80)
gevent.spawn(socket.getaddrinfo, "localhost", 80)
gevent.sleep(0)
print("end", flush=True)
""",
        "end\nhook\n",
    )


def test_a_hook_may_be_the_first_to_use_the_thread_pool(beginning):
    """From 3.12 on the interpreter starts no thread any more once hooks run: the task runs where it was handed in."""
    ends(
        beginning
        + """
import atexit, socket
def hook():
    pool = gevent.get_hub().threadpool
    assert pool.apply(len, ([1],)) == 1
    assert pool.map(len, [[], [1], [1, 2]]) == [0, 1, 2]
    assert gevent.spawn(pool.apply, int, ("7",)).get() == 7
    assert socket.getaddrinfo("localhost", 80)
    pool.kill()
    print("hook", flush=True)
atexit.register(hook)
""",
        "hook\n",
    )


WITHOUT_WAITING = {
    "tells who runs it": "assert threading.current_thread() is threading.main_thread() and threading.get_ident()",
    "finds its thread's values": "assert mine.value == 1; mine.other = 2",
    "locks": "with lock, reentrant, condition: condition.notify_all()",
    "tries a lock that is taken": "assert not taken.acquire(False)",
    "counts": "assert semaphore.acquire(); semaphore.release()",
    "tells who waits": "event.set(); assert event.wait()",
    "hands on": "jobs.put(1); assert jobs.get() == 1",
    "sends": "one.sendall(b'x'); assert other.recv(1) == b'x'; one.close()",
    "gives others a turn": "time.sleep(0)",
    "logs": "logging.getLogger().error('logged')",
    "ends a greenlet": "greenlet.kill(block=False)",
    "locks out other processes": "with shared: pass",
    "hands on to other processes": "between.put(1); assert between.get() == 1",
}


@pytest.mark.parametrize("finalizer", WITHOUT_WAITING)
def test_a_finalizer_that_runs_at_the_very_end_may_do_what_does_not_wait(finalizer):
    """The interpreter is taken down: greenlet itself says neither who runs any more, nor switches."""
    ends(
        f"""
from gevent import monkey; monkey.patch_all(multiprocessing=True)
import builtins, logging, multiprocessing, os, queue, socket, sys, threading, time
import gevent
mine = threading.local(); mine.value = 1
lock, reentrant, condition, taken = threading.Lock(), threading.RLock(), threading.Condition(), threading.Lock()
taken.acquire()
semaphore, event, jobs = threading.Semaphore(), threading.Event(), queue.Queue()
one, other = socket.socketpair()
logging.basicConfig(stream=sys.stdout)
greenlet = gevent.spawn(time.sleep, 1000); time.sleep(0)
context = multiprocessing.get_context("fork")
shared, between = context.Lock(), context.SimpleQueue()
class Last:
    def __del__(self):
        {WITHOUT_WAITING[finalizer]}
        os.write(1, b"done\\n")
builtins.last = Last()  # cleared last, with all that it needs
""",
        "ERROR:root:logged\ndone\n" if finalizer == "logs" else "done\n",
    )


def test_a_finalizer_that_would_have_to_wait_at_the_very_end_is_told_so(beginning):
    result = run_script(
        beginning
        + """
import os
gevent.sleep(0)
class Last:
    def __del__(self):
        try:
            gevent.sleep(0.001)
        except RuntimeError as error:
            os.write(1, b"refused")
last = Last()
"""
    )
    assert (result.stdout, result.stderr) == ("refused", "")
