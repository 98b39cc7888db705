"""Signals of a patched program: handlers interrupt the main thread's code, wherever that waits, and may wait."""

import pytest
from scripts import run_script

LOOPS = pytest.mark.parametrize("loop", ["libev", "libuv"])
PATCHED = """
from gevent import monkey; monkey.patch_all()
import os, queue, select, signal, socket, subprocess, sys, threading, time

class Late(Exception):
    pass

def raise_late(number, frame):
    raise Late

def alarm_in(seconds, handler):
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
"""

WAITS = {
    "sleep": "time.sleep(30)",
    "event": "threading.Event().wait()",
    "event_with_timeout": "threading.Event().wait(30)",
    "queue": "queue.Queue().get()",
    "simple_queue": "queue.SimpleQueue().get()",
    "lock": "lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "condition": "c = threading.Condition(); c.acquire(); c.wait()",
    "join": "t = threading.Thread(target=time.sleep, args=(30,), daemon=True); t.start(); t.join()",
    "select": "select.select([os.pipe()[0]], [], [])",
    "recv": "pair = socket.socketpair(); pair[0].recv(1)",
    "process": "p = subprocess.Popen(['sleep', '9'], stdout=-3, stderr=-3); p.wait()",
    "pause": "signal.pause()",
    "sigwait": "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); signal.sigwait([signal.SIGUSR1])",
    "gevent_wait": "import gevent; gevent.spawn(time.sleep, 30); gevent.wait()",
    "waiter": "from gevent.hub import Waiter; Waiter().get()",
}


def run(code, loop="libev", **options):
    return run_script(PATCHED + code, env={"GEVENT_LOOP": loop}, **options)


@LOOPS
@pytest.mark.parametrize("wait", WAITS)
def test_what_a_handler_raises_comes_out_where_the_main_thread_waits(wait, loop):
    result = run(
        f"""
try:
    alarm_in(0.1, raise_late)
    {WAITS[wait]}
except Late:
    print("late")
os._exit(0)
""",
        loop,
    )
    assert (result.stdout, result.stderr) == ("late\n", "")


@LOOPS
@pytest.mark.parametrize(
    "wait", ["event.wait()", "things.get()", "thread.join()", "signal.pause()", "with condition: condition.wait()"]
)
def test_the_main_thread_may_wait_for_what_only_a_handler_can_bring(wait, loop):
    result = run(
        f"""
event, things, condition = threading.Event(), queue.Queue(), threading.Condition()
thread = threading.Thread(target=event.wait)
thread.start()

def handler(number, frame):
    event.set()
    things.put(1)
    with condition:
        condition.notify_all()

signal.signal(signal.SIGTERM, handler)
# Who sends it is told to when this greenlet waits; the loop knows nothing of it.
reading, told = os.pipe()
os.posix_spawn("/bin/sh", ["sh", "-c", f"read word; kill -TERM {{os.getpid()}}"], os.environ,
               file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)])
threading.Thread(target=os.close, args=(told,)).start()
{wait}
print("done")
""",
        loop,
    )
    assert result.stdout == "done\n"


def test_the_first_wait_of_all_is_for_a_handler_while_another_librarys_thread_begins():
    """Without a hub the main thread waits as a whole while it looks whether such a thread may come."""
    result = run_script(
        """
        import faulthandler, os, signal, threading
        from gevent import monkey
        monkey.patch_all()
        event = threading.Event()
        signal.signal(signal.SIGALRM, lambda *_: event.set())
        faulthandler.dump_traceback_later(50, exit=True)  # whose thread is known to call nobody after a moment
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        event.wait()
        print("done")
        """
    )
    assert result.stdout == "done\n"


def test_without_a_handler_nobody_waits_for_ever():
    result = run(
        """
from gevent.exceptions import LoopExit
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
try:
    threading.Event().wait()
except LoopExit:
    print("exit")
"""
    )
    assert result.stdout == "exit\n"


def test_gevent_wait_ends_though_a_handler_is_set():
    result = run("import gevent; signal.signal(signal.SIGTERM, lambda *_: None); print(gevent.wait(timeout=20))")
    assert result.stdout == "True\n"


@LOOPS
def test_a_handler_runs_in_the_main_thread_and_may_wait_there(loop):
    result = run(
        """
seen, event, lock = [], threading.Event(), threading.RLock()

def handler(number, frame):
    seen.append((threading.current_thread() is threading.main_thread(), frame.f_code.co_name))
    with lock:
        time.sleep(0.01)
        threading.Thread(target=seen.append, args=("joined",)).start()
        subprocess.run(["true"])
    event.set()

def main():
    with lock:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        event.wait()

signal.signal(signal.SIGALRM, handler)
main()
print(seen)
""",
        loop,
    )
    assert result.stdout == "[(True, 'main'), 'joined']\n"


def test_a_handler_interrupts_the_main_thread_though_another_computes():
    result = run(
        """
seen, stop = [], []

def compute():
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    while not stop:
        pass
    seen.append("computed")

def handler(number, frame):
    seen.append((threading.current_thread() is threading.main_thread(), frame.f_code.co_name))
    signal.signal(signal.SIGALRM, raise_late)
    signal.setitimer(signal.ITIMER_REAL, 0.05)

signal.signal(signal.SIGALRM, handler)
thread = threading.Thread(target=compute)
thread.start()
try:
    thread.join()
except Late:
    stop.append(1)
# Not join(): up to Python 3.12 an interrupted one takes the thread for ended.
while "computed" not in seen:
    time.sleep(0.01)
print(seen)
"""
    )
    assert result.stdout == "[(True, 'compute'), 'computed']\n"


def test_a_handler_that_returns_lets_nobody_run_before_whom_it_interrupted():
    result = run(
        """
seen = []

def compute():
    signal.raise_signal(signal.SIGALRM)
    seen.append("computed")

alarm_in(60, lambda *_: seen.append("handled"))
threads = [threading.Thread(target=compute), threading.Thread(target=seen.append, args=("another",))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(seen)
"""
    )
    assert result.stdout == "['handled', 'computed', 'another']\n"


def test_a_waiter_that_is_woken_while_its_handler_runs_goes_on_afterwards():
    result = run(
        """
things = queue.Queue()

def handler(number, frame):
    things.put("a")
    time.sleep(0.05)
    things.put("b")

alarm_in(0.05, handler)
print(things.get(), things.get(), things.qsize())
"""
    )
    assert result.stdout == "a b 0\n"


def test_a_second_signal_interrupts_the_handler_of_the_first():
    result = run(
        """
seen, over = [], threading.Event()

def first(number, frame):
    try:
        signal.signal(signal.SIGALRM, raise_late)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        time.sleep(30)
    except Late:
        seen.append("interrupted")
    over.set()

alarm_in(0.05, first)
over.wait()
print(seen)
"""
    )
    assert result.stdout == "['interrupted']\n"


@LOOPS
def test_ctrl_c_and_sys_exit_end_a_wait_without_a_word(loop):
    result = run(
        """
threading.Thread(target=lambda: (time.sleep(0.1), os.kill(os.getpid(), signal.SIGINT))).start()
try:
    threading.Event().wait(30)
except KeyboardInterrupt:
    print("interrupted", flush=True)
alarm_in(0.1, lambda *_: sys.exit(7))
threading.Event().wait()
""",
        loop,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (7, "interrupted\n", "")


def test_handlers_are_told_as_they_were_set_whoever_asks():
    run(
        """
from _signal import getsignal as below

def handler(number, frame):
    pass

assert signal.signal(signal.SIGUSR1, handler) == signal.SIG_DFL
assert signal.getsignal(signal.SIGUSR1) is handler
assert signal.signal(signal.SIGUSR1, signal.SIG_IGN) is handler
assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert below(signal.SIGINT) is not None
"""
    )


def test_setting_a_handler_asks_for_no_repr_of_it():
    run_script(
        """
        from gevent import monkey; monkey.patch_all()
        import functools, signal
        class Argument:
            def __repr__(self):
                raise AssertionError("asked for its repr")
        handler = functools.partial(print, Argument())
        before = signal.signal(signal.SIGUSR2, handler)
        assert signal.getsignal(signal.SIGUSR2) is handler
        assert signal.signal(signal.SIGUSR2, before) is handler
        assert before is signal.SIG_DFL and isinstance(before, signal.Handlers)
        """
    )


def test_handlers_and_functions_from_before_patching_do_the_same():
    result = run_script(
        """
        import os, signal, sys, threading, time
        from signal import signal as early

        over = []

        def handler(number, frame):
            time.sleep(0.01)
            print("handled", number == signal.SIGALRM, flush=True)
            over.append(number)

        early(signal.SIGALRM, handler)
        signal.siginterrupt(signal.SIGALRM, False)
        from gevent import monkey
        monkey.patch_all()
        assert signal.getsignal(signal.SIGALRM) is handler
        early(signal.SIGUSR1, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        while not over:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)
        while len(over) < 2:
            time.sleep(0.01)
        """
    )
    assert result.stdout == "handled True\nhandled False\n"


def test_others_run_while_a_program_waits_for_signals():
    result = run(
        """
wanted = {signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)

def send(number):
    for _ in range(5):
        time.sleep(0.001)
    sent.append(number)
    os.kill(os.getpid(), number)

def check(wait, number=signal.SIGUSR1):
    # The signal comes only if others run.
    threading.Thread(target=send, args=(number,)).start()
    result = wait()
    assert sent.pop() == number
    return result

sent = []

assert check(lambda: signal.sigwait(wanted)) is signal.SIGUSR1
if hasattr(signal, "sigwaitinfo"):
    assert check(lambda: signal.sigwaitinfo(wanted)).si_signo == signal.SIGUSR1
    assert check(lambda: signal.sigtimedwait(wanted, 20)).si_signo == signal.SIGUSR1
    assert signal.sigtimedwait(wanted, 0.01) is None
signal.signal(signal.SIGALRM, lambda *_: None)
check(signal.pause, signal.SIGALRM)
"""
    )
    assert result.stderr == ""


def test_a_worker_that_leaves_by_a_handler_delivers_what_it_had_put():
    result = run_script(
        """
        import multiprocessing, os, signal, sys, time
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)

        def work(queue, ready):
            def leave(number, frame):
                queue.put("last")
                sys.exit(5)

            signal.signal(signal.SIGTERM, leave)
            for _ in range(100):
                queue.put("x" * 10_000)
            ready.set()
            time.sleep(60)

        context = multiprocessing.get_context("fork")
        queue, ready = context.Queue(), context.Event()
        process = context.Process(target=work, args=(queue, ready))
        process.start()
        ready.wait()
        process.terminate()
        got = [queue.get(timeout=20) for _ in range(101)]
        process.join()
        print(process.exitcode, got[-1])
        """
    )
    assert result.stdout == "5 last\n"
