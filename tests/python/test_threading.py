"""Patched threading: threads are greenlets, whoever made their class, and the interpreter ends as it should."""

import pytest
from scripts import run_script

PATCHED = "from gevent import monkey; monkey.patch_all()\n"


def test_a_thread_is_a_greenlet():
    run_script(
        PATCHED
        + """
import threading, time
from greenlet import getcurrent
main, seen = getcurrent(), []
def work():
    time.sleep(0.01)
    seen.append((getcurrent() is not main, threading.current_thread()))
threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads: t.start()
assert all(t.is_alive() for t in threads)
for t in threads: t.join()
assert [different for different, _ in seen] == [True] * 3
assert [t for _, t in seen] == threads
assert threading.enumerate() == [threading.main_thread()]
assert threading.current_thread() is threading.main_thread()
"""
    )


def test_locks_are_held_inside_with_and_say_so():
    run_script(
        PATCHED
        + """
import _thread, threading
for make in threading.Lock, threading.RLock, threading.Condition, threading.Semaphore, _thread.allocate_lock:
    lock = make()
    with lock as held:
        assert held is True, make
    if make is threading.Lock:
        with lock:
            threading.Timer(0.01, lock.release).start()
            with lock as held:  # after a wait
                assert held is True and lock.locked()
            lock.acquire()
        assert not lock.locked()
"""
    )


def test_a_class_derived_before_patching_runs_as_a_greenlet_too():
    """concurrent.futures.process has such a class; with the original primitives in it the pool hangs."""
    run_script("""
import threading
class Early(threading.Thread):
    def run(self):
        import gevent
        gevent.sleep(0.01)
        self.greenlet = gevent.getcurrent()
from gevent import monkey; monkey.patch_all()
import gevent
ticks = []
ticker = gevent.spawn(lambda: [ticks.append(gevent.sleep(0.001)) for _ in range(3)])
early = Early(); early.start(); early.join()
assert not early.is_alive()
assert early.greenlet is not gevent.getcurrent() and early.greenlet.dead
assert ticks  # at least the first: the others may come late on a busy machine
""")


def test_a_native_thread_that_runs_already_can_be_joined_while_others_go_on():
    result = run_script("""
import threading, time
go = threading.Lock(); go.acquire()
native = threading.Thread(target=go.acquire); native.start()
from gevent import monkey; monkey.patch_all()
import gevent
order = []
def release():
    order.append("other greenlet"); go.release()
gevent.spawn(release)
native.join(timeout=0)
assert native.is_alive()
native.join(); order.append("joined")
assert not native.is_alive()
print(order)
""")
    assert result.stdout == "['other greenlet', 'joined']\n"
    assert result.stderr == ""


def test_the_main_thread_can_be_joined():
    result = run_script(
        PATCHED
        + """
import threading
def wait():
    threading.main_thread().join(); print("main is done")
threading.Thread(target=wait).start()
"""
    )
    assert result.stdout == "main is done\n"


def test_the_interpreter_waits_for_threads_but_not_for_daemons():
    result = run_script(
        PATCHED
        + """
import threading, time
def work(seconds, name):
    time.sleep(seconds); print(name)
threading.Thread(target=work, args=(30, "daemon"), daemon=True).start()
threading.Thread(target=work, args=(0.05, "thread")).start()
"""
    )
    assert result.stdout == "thread\n"


def test_hooks_run_before_the_threads_are_joined_that_wait_for_them():
    result = run_script("""
import threading
ready = []
threading._register_atexit(lambda: ready[0].set())  # registered with the original primitives still in place
from gevent import monkey; monkey.patch_all()
ready.append(threading.Event())
def wait():
    ready[0].wait(); print("told")
threading.Thread(target=wait).start()
""")
    assert result.stdout == "told\n"


def test_a_thread_that_nothing_can_wake_does_not_keep_the_process():
    result = run_script(
        PATCHED
        + """
import threading
threading.Thread(target=threading.Event().wait).start()
"""
    )
    assert result.stderr == ""


def test_a_native_thread_of_before_is_waited_for_at_the_end():
    result = run_script("""
import threading, time
native_sleep = time.sleep
def work():
    native_sleep(0.1); print("native")
threading.Thread(target=work).start()
from gevent import monkey; monkey.patch_all()
""")
    assert result.stdout == "native\n"
    assert result.stderr == ""


def test_a_greenlet_has_a_dummy_thread_for_as_long_as_it_lives():
    run_script(
        PATCHED
        + """
import threading, gevent, gevent.event
names, kept, go_on = [], [], gevent.event.Event()
def work():
    name = threading.current_thread().name
    names.append(name)
    go_on.wait()
    kept.append(threading.current_thread().name == name)
before = len(threading._active)
greenlets = [gevent.spawn(work), gevent.spawn_raw(work)]
gevent.sleep(0)
assert len(threading._active) == before + 2
assert all(name.startswith("Dummy-") for name in names)
go_on.set()
while not all(each.dead for each in greenlets):
    gevent.sleep(0)
assert kept == [True, True]
del greenlets
gevent.sleep(0)  # until then the callback that tells its links holds the first
assert len(threading._active) == before
"""
    )


def test_thread_locals_are_greenlet_locals():
    run_script(
        PATCHED
        + """
import threading
data = threading.local(); data.x = 1
seen = []
t = threading.Thread(target=lambda: seen.append(getattr(data, "x", None))); t.start(); t.join()
assert seen == [None] and data.x == 1
"""
    )


def test_a_module_that_is_being_imported_while_patching_can_be_imported_by_others(tmp_path):
    (tmp_path / "patches.py").write_text(
        "from gevent import monkey; monkey.patch_all()\n"
        "import gevent\n"
        "g = gevent.spawn(__import__, 'patches')\n"
        "gevent.sleep(0.01)\n"
        "assert not g.ready()\n"
        "done = True\n"
    )
    run_script(
        """
import sys; sys.path.insert(0, sys.argv[1])
import patches
assert patches.g.get(timeout=5).done
""",
        tmp_path,
    )


def test_two_greenlets_import_one_module_once(tmp_path):
    (tmp_path / "slow.py").write_text("import time; time.sleep(0.02); runs = globals().get('runs', 0) + 1\n")
    run_script(
        PATCHED
        + """
import sys; sys.path.insert(0, sys.argv[1])
import gevent
found = [g.get() for g in [gevent.spawn(__import__, "slow") for _ in range(3)]]
assert found[0] is found[1] is found[2] and found[0].runs == 1
""",
        tmp_path,
    )


def test_logging_imported_before_patching_gets_locks_that_park():
    run_script("""
import logging, io
stream = io.StringIO(); logging.basicConfig(stream=stream)
from gevent import monkey; monkey.patch_all()
import gevent
handler = logging.getLogger().handlers[0]
def hold():
    with handler.lock: gevent.sleep(0.02)
holder = gevent.spawn(hold); gevent.sleep(0)
logging.warning("after waiting")
assert holder.dead and "after waiting" in stream.getvalue()
""")


def test_a_lock_that_parks_is_no_part_of_a_fork():
    """concurrent.futures.thread registers its lock so; a greenlet that holds it meanwhile would switch in the fork."""
    run_script(
        PATCHED
        + """
import os, threading
lock = threading.Lock(); lock.acquire()
calls = []
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock._at_fork_reinit)
os.register_at_fork(before=lambda: calls.append("before"))
pid = os.fork()
if not pid: os._exit(0 if lock.locked() else 1)
assert os.waitpid(pid, 0)[1] == 0
assert lock.locked() and calls == ["before"]
"""
    )


def test_after_a_fork_the_forking_thread_is_the_main_thread():
    result = run_script(
        PATCHED
        + """
import os, threading
def work():
    pid = os.fork()
    if not pid:
        me = threading.current_thread()
        print(me is threading.main_thread(), threading.enumerate() == [me], flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
thread = threading.Thread(target=work); thread.start(); thread.join()
"""
    )
    assert result.stdout == "True True\n"
    assert result.stderr == ""


def test_after_a_fork_in_a_bare_greenlet_it_becomes_the_main_thread():
    result = run_script(
        PATCHED
        + """
import os, threading, gevent
def work():
    threading.current_thread()
    pid = os.fork()
    if not pid:
        print(threading.current_thread() is threading.main_thread(), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
gevent.spawn(work).get()
"""
    )
    assert result.stdout == "True\n"
    assert result.stderr == ""


def test_locks_exclude_native_threads_as_well():
    run_script("""
from gevent import monkey
native_start = monkey.get_original("_thread", "start_new_thread")
native_lock = monkey.get_original("_thread", "allocate_lock")
monkey.patch_all()
import threading
lock, done, count = threading.Lock(), native_lock(), [0]
done.acquire()
def work():
    for _ in range(1000):
        with lock: count[0] += 1
    if done.locked(): done.release()
native_start(work, ())
for _ in range(1000):
    with lock: count[0] += 1
done.acquire()
assert count == [2000], count
""")


def test_timers_and_conditions_work():
    run_script(
        PATCHED
        + """
import threading
condition, fired = threading.Condition(), []
def fire():
    with condition: fired.append(1); condition.notify()
timer = threading.Timer(0.01, fire); timer.start()
with condition: assert condition.wait_for(lambda: fired, timeout=5)
timer.join()
cancelled = threading.Timer(30, fire); cancelled.start(); cancelled.cancel(); cancelled.join()
assert fired == [1]
"""
    )


def test_a_lock_that_is_tried_again_and_again_lets_its_holder_run():
    run_script(
        PATCHED
        + """
import threading, gevent
lock = threading.Lock(); lock.acquire()
gevent.spawn(lock.release)
while not lock.acquire(False): pass
"""
    )


def test_the_standard_librarys_own_tests_of_locks_pass():
    run_script(
        PATCHED
        + """
import threading, unittest
try:
    from test import lock_tests
except ImportError:
    raise SystemExit  # a Python without its test suite
class Locks(lock_tests.LockTests):
    locktype = staticmethod(threading.Lock)
class RLocks(lock_tests.RLockTests):
    locktype = staticmethod(threading.RLock)
class RLocksInPython(lock_tests.RLockTests):
    locktype = staticmethod(threading._PyRLock)
class Events(lock_tests.EventTests):
    eventtype = staticmethod(threading.Event)
    test_at_fork_reinit = test_repr = None  # they look into the implementation
class Conditions(lock_tests.ConditionTests):
    condtype = staticmethod(threading.Condition)
class Semaphores(lock_tests.SemaphoreTests):
    semtype = staticmethod(threading.Semaphore)
unittest.main(argv=["lock_tests"])
"""
    )


@pytest.mark.parametrize("loop", ["libev", "libuv"])
def test_threads_that_are_the_first_to_use_gevent_at_the_same_time_all_get_their_turn(loop):
    for _ in range(3):
        run_script(
            """
            import _thread, os, sys, time
            native_start = _thread.start_new_thread
            from gevent import monkey
            monkey.patch_all()
            import gevent

            sys.setswitchinterval(1e-5)
            done = []

            def use():
                gevent.sleep(0.01)
                gevent.spawn(gevent.sleep, 0.001).get()
                done.append(1)

            for _ in range(8):
                native_start(use, ())
            use()
            end = time.monotonic() + 30
            while len(done) < 9:
                assert time.monotonic() < end, done
                time.sleep(0.001)
            os._exit(0)
            """,
            env={"GEVENT_LOOP": loop},
        )


def test_the_operating_system_is_told_its_own_ident_of_a_thread():
    """A greenlet's ident is no thread's there, and to signal that is undefined: it may hang or crash."""
    run_script(
        """
        import threading, time
        may_end = threading.Event()
        before = threading.Thread(target=may_end.wait, daemon=True); before.start()
        from gevent import monkey; monkey.patch_all()
        import signal
        got = []
        signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
        def signalled(ident):
            count = len(got)
            signal.pthread_kill(ident, signal.SIGUSR1)
            deadline = time.monotonic() + 10
            while len(got) == count:
                assert time.monotonic() < deadline
                time.sleep(0.001)
        def within():
            signalled(threading.get_ident())
            signalled(threading.main_thread().ident)
            go.wait()
        go = threading.Event()
        thread = threading.Thread(target=within, daemon=True); thread.start()
        for ident in (threading.get_ident(), threading.main_thread().ident, thread.ident, before.ident):
            signalled(ident)
            assert time.clock_gettime(time.pthread_getcpuclockid(ident)) >= 0
        go.set(); may_end.set(); thread.join(); before.join()
        assert not monkey.is_object_patched("time", "pthread_getcpuclockid")
        """
    )
