"""A signal's handler raises at every point of an operation, one after the other: nothing is left half done."""

import textwrap

import pytest
from scripts import run_script

SWEEP = """
    import signal, sys, threading
    from gevent import monkey
    monkey.patch_all(multiprocessing=True)
    import multiprocessing, queue
    import gevent
    context = multiprocessing.get_context("fork")

    class Late(Exception):
        pass

    def raise_late(number, frame):
        raise Late

    def sweep(operate, check):
        # A signal arrives when a function, of Python or of C, is called for the nth time, or returns.
        number, interrupted = 0, 0
        while True:
            left = number = number + 1

            def arrive(frame, event, argument):
                nonlocal left
                left -= 1
                if left == 0:
                    sys.setprofile(None)
                    signal.raise_signal(signal.SIGUSR1)

            try:
                sys.setprofile(arrive)
                operate()
                sys.setprofile(None)
            except Late:
                interrupted += 1
            check(number)
            if left > 0:
                return interrupted

    signal.signal(signal.SIGUSR1, raise_late)

    def check_places(items, number):
        for i in range(3):
            items.put(i, timeout=10)
        assert [items.get(timeout=10) for _ in range(3)] == [0, 1, 2], number

    def free(lock):
        def check(number):
            assert lock.acquire(timeout=10), number
            lock.release()
        return check
"""

OPERATIONS = {
    "Lock": """
        lock = context.Lock()
        def operate():
            with lock:
                pass
        check = free(lock)
    """,
    "RLock": """
        lock = context.RLock()
        def operate():
            with lock:
                with lock:
                    pass
        def check(number):
            assert lock._semlock._count() == 0, number
    """,
    "Semaphore": """
        lock = context.Semaphore(1)
        def operate():
            with lock:
                pass
        check = free(lock)
    """,
    "Condition": """
        condition = context.Condition()
        def operate():
            with condition:
                condition.wait(0.0001)
                condition.notify_all()
        def check(number):
            assert condition._lock._semlock._count() == 0, number
            with condition:
                condition.notify_all()
    """,
    "Event": """
        event = context.Event()
        def operate():
            event.set()
            event.wait()
            event.clear()
            event.wait(0.0001)
        def check(number):
            free(event._cond)(number)
            event.set()
            assert event.wait(10), number
    """,
    "Queue": """
        items = context.Queue(3)
        def operate():
            items.put("one")
            items.get()
        def check(number):
            while not items.empty():
                items.get()
            check_places(items, number)
    """,
    "JoinableQueue": """
        items = context.JoinableQueue(3)
        def operate():
            items.put("one")
            items.get()
            items.task_done()
            items.join()
        def check(number):
            while not items.empty():
                items.get()
            try:
                while True:
                    items.task_done()
            except ValueError:
                pass
            check_places(items, number)
            for i in range(3):
                items.task_done()
            items.join()
    """,
    "SimpleQueue": """
        items = context.SimpleQueue()
        def operate():
            items.put("one")
            items.get()
        def check(number):
            while not items.empty():
                items.get()
            items.put(number)
            assert items.get() == number
    """,
    "Pipe": """
        here, there = context.Pipe()
        def operate():
            here.send("one")
            there.recv()
        def check(number):
            while there.poll():
                assert there.recv() == "one"
            here.send(number)
            assert there.recv() == number
    """,
    "ProcessPoolExecutor": """
        from concurrent.futures import ProcessPoolExecutor
        executor = ProcessPoolExecutor(1, mp_context=context)
        executor.submit(abs, -1).result()
        def operate():
            executor.submit(abs, -1)
        def check(number):
            assert executor.submit(abs, -number).result(10) == number
    """,
    "threading.Condition": """
        condition = threading.Condition()
        def operate():
            with condition:
                condition.wait(0.0001)
                condition.notify_all()
        def check(number):
            free(condition)(number)
            assert not condition._is_owned()
    """,
}


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside-others"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_handler_that_raises_anywhere_leaves_nothing_half_done(operation, alone):
    code = textwrap.dedent(SWEEP) + textwrap.dedent(OPERATIONS[operation])
    if not alone:
        code += "gevent.spawn(lambda: [gevent.sleep(0.001) for _ in iter(int, 1)])\ngevent.sleep(0)\n"
    result = run_script(code + "operate(); check(0)\nprint(sweep(operate, check))\n")
    assert int(result.stdout) >= 3  # the operation, and what it calls
    assert result.stderr == ""
