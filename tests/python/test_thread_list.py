"""What `threading` has in a forked child, where the main thread was alone and where it was not."""

from scripts import run_script

PATCHED = "from gevent import monkey; monkey.patch_all()\n"
FORKED = """
import os, threading
from gevent.monkey import get_original

def state(threading=threading):
    main = threading.main_thread()
    return [
        main is threading.current_thread(), main.name, main.ident == threading.get_ident(), main.is_alive(),
        threading.active_count(), [thread.name for thread in threading.enumerate()],
        len(threading._dangling), len(threading._limbo), sorted(getattr(threading, "_shutdown_locks", ())),
    ]

def in_child(function, fork=os.fork):
    pid = fork()
    if not pid:
        try:
            function()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
"""


def test_a_child_of_a_program_of_one_thread_has_what_threading_would_have_made_of_it():
    result = run_script(
        PATCHED
        + FORKED
        + """
from gevent._native.thread_list import ThreadList
before = state()
def look():
    assert state() == before, (state(), before)
    assert ThreadList(threading).is_main_alone()
    threading._after_fork.__defaults__[1]()  # Python's own
    assert state() == before, (state(), before)
    thread = threading.Thread(target=print, args=("a thread",), name="other")
    thread.start()
    thread.join()
    assert not thread.is_alive()
    del thread
    assert state() == before, (state(), before)
    in_child(lambda: None)
in_child(look)
from gevent.multiprocessing._process import clean_fork
in_child(look, clean_fork)
"""
    )
    assert result.stdout == "a thread\n" * 2
    assert result.stderr == ""


def test_a_thread_that_lists_threads_during_a_fork_does_not_leave_the_child_locked():
    run_script(
        PATCHED
        + FORKED
        + """
start, allocate = get_original("_thread", ["start_new_thread", "allocate_lock"])
holds, may_go, gone = allocate(), allocate(), allocate()
for lock in holds, may_go, gone:
    lock.acquire()

def hold():
    with threading._active_limbo_lock:
        holds.release()
        may_go.acquire()
    gone.release()

start(hold, ())
holds.acquire()
in_child(lambda: threading.Thread(target=threading.enumerate).start() or threading.enumerate())
may_go.release()
gone.acquire()
"""
    )


def test_whoever_else_there_is_in_a_process_is_seen_to_in_its_child():
    result = run_script(
        PATCHED
        + FORKED
        + """
import gevent
from gevent._native.thread_list import ThreadList
from gevent.event import Event
threads, end = ThreadList(threading), Event()
assert threads.is_main_alone()

def look():
    assert threading.active_count() == 1 and not other.is_alive(), threading.enumerate()
    assert threads.is_main_alone() or other in threading._dangling

other = threading.Thread(target=end.wait)
assert not threads.is_main_alone()  # which is not started yet
other.start()
in_child(look)
end.set()
other.join()
assert not threads.is_main_alone()  # and may still be joined
del other
assert threads.is_main_alone()

def in_greenlet():
    assert not threads.is_main_alone()
    in_child(lambda: print(threading.current_thread() is threading.main_thread(), flush=True))

gevent.spawn(in_greenlet).get()
assert threads.is_main_alone()
kept, threading._dangling = threading._dangling, set()
assert not threads.is_main_alone()
threading._dangling = kept
kept, threading._active = threading._active, {"not an ident": threading.main_thread()}
assert not threads.is_main_alone()
threading._active = kept
del threading._limbo
assert not threads.is_main_alone()
"""
    )
    assert result.stdout == "True\n"
    assert result.stderr == ""
