"""Managers: servers that go on at their limits, and connections that many greenlets share."""

import sys

import pytest
from worlds import run_program

#: The names that the programs below share.
NAMES = """
import os, resource, sys, threading, time
import gevent
from gevent import sleep, spawn

def open_descriptors():
    return len(os.listdir("/proc/self/fd"))

def managers_of(context):
    import importlib
    return importlib.import_module(type(context).__module__.rpartition(".")[0] + ".managers")

def run_all(function, count):
    greenlets = [spawn(function, number) for number in range(count)]
    gevent.joinall(greenlets, timeout=90, raise_error=True)
    assert all(greenlet.successful() for greenlet in greenlets), [g for g in greenlets if not g.successful()][:3]
    return [greenlet.value for greenlet in greenlets]
"""


def run(tmp_path, world, start_method, code, **options):
    return run_program(tmp_path, world, start_method, NAMES + code, **options)


def test_twelve_hundred_greenlets_use_a_manager_with_few_descriptors(tmp_path, world):
    run(
        tmp_path,
        world,
        "fork",
        """
def limit():
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

def use(shared):
    limit()
    before = open_descriptors()
    def work(number):
        for _ in range(3):
            shared[number] = shared.get(number, 0) + 1
            sleep(0.001)
        return shared[number]
    assert run_all(work, 300) == [3] * 300
    assert open_descriptors() - before < 40, open_descriptors()
    for number in range(300):
        del shared[number]

def main(context):
    manager = managers_of(context).SyncManager(ctx=context)
    manager.start(initializer=limit)
    shared = [manager.dict() for _ in range(4)]
    processes = [context.Process(target=use, args=(each,)) for each in shared]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0, process.exitcode
    limit()
    run_all(lambda number: manager.list([number]).pop(), 300)
    manager.shutdown()
""",
        deadline_s=120,
    )


def test_calls_that_wait_do_not_keep_others_from_being_made(tmp_path, world):
    run(
        tmp_path,
        world,
        "fork",
        """
def main(context):
    with context.Manager() as manager:
        messages, go, shared = manager.Queue(), manager.Event(), manager.dict()
        readers = [spawn(messages.get) for _ in range(100)]
        waiting = [spawn(go.wait) for _ in range(50)]
        run_all(lambda number: shared.__setitem__(number, number), 50)
        sleep(0.05)
        assert not any(greenlet.ready() for greenlet in readers + waiting)
        for number in range(100):
            messages.put(number)
        go.set()
        gevent.joinall(readers + waiting, timeout=30)
        assert sorted(greenlet.value for greenlet in readers) == list(range(100))
        assert all(greenlet.value for greenlet in waiting)
        assert len(shared) == 50
        before = open_descriptors()
        run_all(lambda number: shared[number], 50)
        assert open_descriptors() <= before
""",
    )


def test_locks_of_a_manager_belong_to_the_greenlet_that_took_them(tmp_path, world):
    run(
        tmp_path,
        world,
        "fork",
        """
def main(context):
    with context.Manager() as manager:
        lock, condition, shared = manager.RLock(), manager.Condition(), manager.dict(count=0, turn=0)

        def add(number):
            with lock:
                with lock:
                    count = shared["count"]
                    sleep(0)
                    shared["count"] = count + 1

        run_all(add, 150)
        assert shared["count"] == 150
        lock.acquire()

        def release_what_is_not_mine():
            assert not lock.acquire(False)
            try:
                lock.release()
            except RuntimeError:
                return True

        assert spawn(release_what_is_not_mine).get(timeout=30)
        shared["x"] = 1  # by the connection that holds the lock, or by any other
        lock.release()
        assert spawn(lock.acquire, False).get(timeout=30)

        def take_turn(number):
            with condition:
                while shared["turn"] != number:
                    condition.wait()
                shared["turn"] = number + 1
                condition.notify_all()

        run_all(take_turn, 30)
        assert shared["turn"] == 30
""",
    )


def test_what_a_program_has_registered_sees_one_thread_for_each_greenlet(tmp_path, world):
    run(
        tmp_path,
        world,
        "fork",
        """
class Session:
    def __init__(self):
        self.of_thread = threading.local()
    def login(self, name):
        self.of_thread.name = name
    def name(self):
        return getattr(self.of_thread, "name", None)

def main(context):
    class Manager(managers_of(context).BaseManager):
        pass
    Manager.register("Session", Session)
    Manager.register("dictionary", dict, managers_of(context).DictProxy)
    manager = Manager(ctx=context)
    manager.start()
    session, other = manager.Session(), manager.dictionary()

    def use(number):
        assert session.name() is None
        session.login(number)
        sleep(0.01)
        other[number] = number
        sleep(0.01)
        return session.name()

    for _ in range(3):
        assert run_all(use, 40) == list(range(40))
    sleep(0)
    before = open_descriptors()
    run_all(use, 40)
    assert open_descriptors() <= before
    # Very many are served, too.
    run_all(lambda number: session.login(number), 300)
    manager.shutdown()
""".replace("threading.local()", "local()").replace(
            "class Session",
            "if 'gevent' in multiprocessing.__name__:\n    from gevent.local import local\n"
            "else:\n    from threading import local\n\nclass Session",
        ),
    )


@pytest.mark.parametrize("how", ["timeout", "kill", "error"])
def test_a_call_that_was_given_up_leaves_its_answer_to_nobody(tmp_path, world, how):
    run(
        tmp_path,
        world,
        "fork",
        f"""
HOW = {how!r}

class Slow:
    def echo(self, value, seconds):
        time.sleep(seconds)
        return value

def main(context):
    class Manager(managers_of(context).SyncManager):
        pass
    Manager.register("Slow", Slow)
    manager = Manager(ctx=context)
    manager.start()
    slow, messages = manager.Slow(), manager.Queue()

    def call(number):
        for call in lambda: slow.echo(number, 0.05), lambda: messages.get(True, 0.05):
            if HOW == "timeout":
                with gevent.Timeout(0.002, False):
                    call()
            else:
                me = gevent.getcurrent()
                gevent.spawn_later(0.002, lambda: me.kill(KeyError if HOW == "error" else gevent.GreenletExit))
                try:
                    call()
                except (KeyError, gevent.GreenletExit):
                    pass
        return [slow.echo((number, again), 0) for again in range(3)], messages.qsize()

    for _ in range(3):
        got = run_all(call, 20)
        assert got == [([(number, again) for again in range(3)], 0) for number in range(20)], got
    manager.shutdown()
""",
    )


def test_proxies_work_in_children_of_every_kind(tmp_path, world, start_method):
    run(
        tmp_path,
        world,
        start_method,
        """
def use(shared, lock, number):
    for _ in range(10):
        with lock:
            shared[number] = shared.get(number, 0) + 1

def main(context):
    with context.Manager() as manager:
        shared, lock = manager.dict(), manager.RLock()
        with lock:
            shared["x"] = 1
        processes = [context.Process(target=use, args=(shared, lock, number)) for number in range(2)]
        for process in processes:
            process.start()
        pid = os.fork()
        if pid == 0:
            try:
                use(shared, lock, 2)
                os._exit(0)
            finally:
                os._exit(1)
        use(shared, lock, 3)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        for process in processes:
            process.join(30)
            assert process.exitcode == 0
        assert [shared[number] for number in range(4)] == [10] * 4
""",
    )


def test_a_listener_that_has_no_descriptor_left_lets_others_run_and_recovers(tmp_path, world):
    run(
        tmp_path,
        world,
        "fork",
        """
def main(context):
    connection = managers_of(context).connection
    listener = connection.Listener(None, "AF_UNIX", 50)
    accepted, failures = [], []

    def accept_all():
        while len(accepted) < 3:
            try:
                accepted.append(listener.accept())
            except OSError as error:
                failures.append(error.errno)

    accepting = spawn(accept_all)
    from gevent import socket
    clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    sleep(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    for client in clients:
        client.connect(listener.address)
    while len(failures) < 3:
        sleep(0.001)
    assert not accepted
    for fd in taken:
        os.close(fd)
    accepting.join(30)
    assert len(accepted) == 3
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    listener.close()
    try:
        listener.accept()
    except OSError:
        pass
""",
    )


@pytest.mark.skipif(sys.version_info < (3, 13), reason="before 3.13 the standard library makes such a circle itself")
def test_an_error_from_a_manager_is_gone_when_nobody_has_it_any_more(tmp_path, world):
    run(
        tmp_path,
        world,
        "fork",
        """
import gc, queue, weakref

def main(context):
    with context.Manager() as manager:
        gc.disable()
        full = manager.Queue(1)
        full.put(1)
        for call, kind in (manager.Queue().get_nowait, queue.Empty), (lambda: full.put_nowait(2), queue.Full):
            try:
                call()
                raise AssertionError
            except kind as error:
                seen = weakref.ref(error)
            assert seen() is None
""",
    )


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore", "Condition"])
def test_whoever_is_to_give_back_what_hundreds_wait_for_can(tmp_path, world, start_method, kind):
    run(
        tmp_path,
        world,
        start_method,
        f"""
KIND = {kind!r}

def use(lock, shared, count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    before, first = open_descriptors(), shared["count"]
    def work(number):
        with lock:
            value = shared["count"]
            sleep(0)
            shared["count"] = value + 1
    lock.acquire()
    greenlets = [spawn(work, number) for number in range(count)]
    while len([greenlet for greenlet in greenlets if greenlet]) < count:
        sleep(0.01)
    assert shared["count"] == first, shared["count"]
    assert open_descriptors() - before < 60, open_descriptors()
    lock.release()
    gevent.joinall(greenlets, timeout=90, raise_error=True)
    assert all(greenlet.successful() for greenlet in greenlets)

def main(context):
    with context.Manager() as manager:
        lock, shared = getattr(manager, KIND)(), manager.dict(count=0)
        use(lock, shared, 250)
        process = context.Process(target=use, args=(lock, shared, 150))
        process.start()
        process.join(90)
        assert process.exitcode == 0, process.exitcode
        assert shared["count"] == 400, shared["count"]
""",
        deadline_s=120,
    )


def test_of_hundreds_that_wait_each_gets_what_it_waits_for_or_its_time(tmp_path, world):
    run(
        tmp_path,
        world,
        "fork",
        """
import queue

def main(context):
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    with context.Manager() as manager:
        messages, small, event = manager.Queue(), manager.Queue(2), manager.Event()
        lock = manager.Lock()
        lock.acquire()

        def get(number):
            try:
                return messages.get(timeout=1.5) is not None
            except queue.Empty:
                return False

        def put(number):
            try:
                small.put(number, timeout=1.5)
                return True
            except queue.Full:
                return False

        began = time.monotonic()
        getting, putting, impatient, waiting, patient = (
            [spawn(function, *args) for _ in range(80)]
            for function, *args in (
                [get, 0], [put, 0], [lock.acquire, True, 1.5], [event.wait, 1.5], [event.wait]
            )
        )
        for number in range(50):
            messages.put(number)
        gevent.joinall(getting + putting + impatient + waiting, timeout=60, raise_error=True)
        assert time.monotonic() - began >= 1.5
        assert sum(greenlet.value for greenlet in getting) == 50
        assert sum(greenlet.value for greenlet in putting) == 2
        assert [greenlet.value for greenlet in impatient + waiting] == [False] * 160
        assert not any(greenlet.ready() for greenlet in patient)
        event.set()
        gevent.joinall(patient, timeout=60, raise_error=True)
        assert all(greenlet.value is True for greenlet in patient)
        lock.release()
""",
        deadline_s=120,
    )


def test_what_a_program_calls_a_queue_is_asked_as_the_program_asks_it(tmp_path, world):
    run(
        tmp_path,
        world,
        "fork",
        """
class Box:
    def __init__(self):
        self.given = []
    def get(self, *args, **kwargs):
        time.sleep(0.002)
        return args, kwargs
    def put(self, item):
        self.given.append(item)
    def all(self):
        return self.given

def main(context):
    class Manager(managers_of(context).BaseManager):
        pass
    Manager.register("Queue", Box)
    manager = Manager(ctx=context)
    manager.start()
    box = manager.Queue()
    assert run_all(lambda number: box.get("key", number), 60) == [(("key", number), {}) for number in range(60)]
    run_all(box.put, 60)
    assert sorted(box.all()) == list(range(60)), box.all()
    manager.shutdown()
""",
    )
