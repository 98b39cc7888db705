"""Messages whose greenlet is killed or times out in the middle: whole for everybody else, and one after the other."""

from worlds import FORKS_AMONG_THREADS, run_program

# begin(writer, message) has the first bytes written and returns what writes the rest.
HALVES = """
import os
import pickle
import gevent

def begin(writer, message, cut=20):
    body = pickle.dumps(message)
    stream = len(body).to_bytes(4, "big") + body
    os.write(writer.fileno(), stream[:cut])
    return lambda: os.write(writer.fileno(), stream[cut:])

def give_up(function, *args):
    with gevent.Timeout(0.02, False):
        function(*args)
        return True
    return False

LONG = "a message of some length " * 4
"""


def test_what_an_interrupted_get_had_begun_is_the_next_of_its_process_and_counts_once(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        HALVES
        + """
import queue as queues

def main(context):
    for cut in 1, 3, 4, 20:
        for kind in context.Queue, context.JoinableQueue, context.SimpleQueue:
            queue = kind()
            finish = begin(queue._writer, LONG, cut)
            counted = kind != context.SimpleQueue
            if counted:
                queue._sem.acquire()
            assert not give_up(queue.get)
            assert not queue._rlock.acquire(False), "the lock is given back amid a message"
            if counted:
                for args in (False,), (True, 0.01):
                    try:
                        queue.get(*args)
                    except queues.Empty:
                        continue
                    raise AssertionError("half a message")
            assert queue.empty()
            finish()
            with queue._rlock:  # free as soon as the message has arrived
                pass
            assert not queue.empty()
            assert queue.get() == LONG
            assert queue.empty()
            if counted:
                assert queue.qsize() == 0
            # The same once more, for one who waits for it.
            if counted:
                queue._sem.acquire()
            finish = begin(queue._writer, LONG, cut)
            assert not give_up(queue.get)
            getter = gevent.spawn(queue.get)
            gevent.sleep(0.01)
            finish()
            assert getter.get(timeout=10) == LONG
""",
    )


def test_other_processes_get_whole_messages_after_one_that_was_given_up(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        HALVES
        + """
def take(queue, results):
    for message in iter(queue.get, None):
        results.send(len(message))
    results.send("end")

def main(context):
    queue = context.SimpleQueue()
    receiving, sending = context.Pipe(False)
    finish = begin(queue._writer, LONG)
    assert not give_up(queue.get)
    process = context.Process(target=take, args=(queue, sending))
    process.start()
    gevent.sleep(0.2)
    assert not receiving.poll(0)
    finish()
    for size in 1, 100_000, 2_000_000:
        queue.put(b"x" * size)
    queue.put(None)
    got = list(iter(receiving.recv, "end"))
    assert [size for size in got if size > 110] == [100_013, 2_000_013] or got == [1, 100_000, 2_000_000], got
    assert queue.get() == LONG
    process.join()
""",
    )


def test_a_put_that_is_given_up_is_finished_and_the_next_writer_waits_for_that(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        HALVES
        + """
SIZE = 3_000_000

def put(queue, letters):
    for letter in letters:
        queue.put(letter * SIZE)

def main(context):
    queue = context.SimpleQueue()
    assert not give_up(queue.put, b"a" * SIZE)
    killed = gevent.spawn(queue.put, b"b" * SIZE)
    gevent.sleep(0.01)
    killed.kill()  # it was waiting for the lock, and has sent nothing
    process = context.Process(target=put, args=(queue, [b"c", b"d"]))
    process.start()
    sender = gevent.spawn(queue.put, b"e" * SIZE)
    got = [queue.get() for _ in range(4)]
    assert all(len(message) == SIZE and not message.strip(message[:1]) for message in got)
    assert got[0][:1] == b"a" and sorted(message[:1] for message in got) == [b"a", b"c", b"d", b"e"]
    process.join()
    sender.get()
""",
    )


def test_a_lock_of_the_users_is_kept_until_its_message_has_ended_and_others_are_not(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        HALVES
        + """
def send(lock, other, connection, message):
    with lock:
        with lock if hasattr(lock, "_semlock") and lock._semlock.kind == 0 else other:
            connection.send_bytes(message)

def main(context):
    for make in context.Lock, context.RLock, context.Condition:
        lock, other, later, count = make(), context.Lock(), context.Lock(), context.Semaphore(2)
        here, there = context.Pipe()
        count.acquire()
        result = give_up(send, lock, other, here, b"m" * 2_000_000)
        assert not result
        assert not gevent.spawn(lock.acquire, False).get(), make
        # What has nothing to do with it is free at once.
        count.release()
        assert count.get_value() == 2
        later.acquire()
        later.release()
        assert later.acquire(False)
        assert len(there.recv_bytes()) == 2_000_000
        taken = gevent.spawn(lock.acquire, timeout=10)
        assert taken.get() and other.acquire(timeout=10)
""",
    )


def test_a_connection_shows_a_message_that_was_begun_when_it_is_whole(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        HALVES
        + """
import importlib

def main(context):
    wait = importlib.import_module(type(context.Pipe()[0]).__module__).wait
    reading, writing = context.Pipe(False)
    waits = [gevent.spawn(reading.poll, 20), gevent.spawn(wait, [reading], 20)]
    gevent.sleep(0)
    finish = begin(writing, LONG)
    assert not give_up(reading.recv)
    assert not reading.poll(0) and not reading.poll(0.01) and not wait([reading], 0)
    waits += [gevent.spawn(reading.poll, 20), gevent.spawn(wait, [reading], 20)]
    gevent.sleep(0.01)
    finish()
    assert gevent.spawn(reading.poll, 10).get() and wait([reading], 10) == [reading] and reading.poll(0)
    gevent.joinall(waits[2:], timeout=10, raise_error=True)
    assert [each.value for each in waits[2:]] == [True, [reading]]
    writing.send("next")
    assert reading.recv() == LONG and reading.recv() == "next" and not reading.poll(0)
    gevent.killall(waits)

    # Into a buffer, and with a limit.
    finish = begin(writing, LONG)
    assert not give_up(reading.recv)
    finish()
    buffer = bytearray(1000)
    assert reading.recv_bytes_into(buffer) == len(__import__("pickle").dumps(LONG))
    finish = begin(writing, LONG)
    assert not give_up(reading.recv)
    finish()
    try:
        reading.recv_bytes(10)
    except OSError:
        return
    raise AssertionError("longer than allowed")
""",
    )


def test_the_end_of_the_other_side_or_of_the_connection_ends_what_was_left(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        HALVES
        + """
def outcome(function, *args):
    try:
        return function(*args)
    except (OSError, EOFError) as error:
        return error

def main(context):
    for receives in True, False:
        for closes_own in True, False:
            lock = context.Lock()
            here, there = context.Pipe()
            if receives:
                begin(there, LONG)

            def exchange():
                with lock:
                    here.recv() if receives else here.send_bytes(b"x" * 2_000_000)

            assert not give_up(exchange)
            assert not lock.acquire(False)
            waiting = gevent.spawn(outcome, here.recv if receives else here.send_bytes, *() if receives else (b"y",))
            gevent.sleep(0.01)
            (here if closes_own else there).close()
            assert lock.acquire(timeout=10)
            assert isinstance(waiting.get(timeout=10), (OSError, EOFError)), waiting
""",
    )


def test_a_child_has_nothing_of_what_its_parent_left(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        HALVES
        + """
def child(lock, here, there):
    assert not lock.acquire(False)
    # The parent's message is not ended by this process, nor its lock given back.
    assert not give_up(lock.acquire)

def main(context):
    lock = context.Lock()
    here, there = context.Pipe()

    def send():
        with lock:
            here.send_bytes(b"x" * 2_000_000)

    assert not give_up(send)
    process = context.Process(target=child, args=(lock, here, there))
    process.start()
    process.join()
    assert process.exitcode == 0
    pid = os.fork()
    if pid == 0:
        os._exit(0 if not lock.acquire(False) and not give_up(lock.acquire) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert there.recv_bytes() == b"x" * 2_000_000
    assert lock.acquire(timeout=10)
""",
        flags=FORKS_AMONG_THREADS,
    )


def test_a_process_that_exits_finishes_what_it_was_sending_and_receiving(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        HALVES
        + """
def leave(queue, inbox):
    from gevent.multiprocessing import _connection
    _connection._STALLED_S = 30  # the other end may be slow
    assert not give_up(inbox.get)
    assert not give_up(queue.put, b"x" * 2_000_000)

def main(context):
    queue, inbox = context.SimpleQueue(), context.SimpleQueue()
    finish = begin(inbox._writer, LONG)
    process = context.Process(target=leave, args=(queue, inbox))
    process.start()
    gevent.sleep(0.5)
    assert queue.get() == b"x" * 2_000_000
    finish()
    process.join()
    assert process.exitcode == 0
    inbox.put("next")
    assert inbox.get() == "next"
""",
    )


def test_a_process_that_computes_finishes_its_messages_all_the_same(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        HALVES
        + """
import time

def compute(queue, end):
    assert not give_up(queue.put, b"x" * 2_000_000)
    end.value = 1
    while end.value == 1:
        pass

def main(context):
    queue, end = context.SimpleQueue(), context.Value("i", 0, lock=False)
    process = context.Process(target=compute, args=(queue, end))
    process.start()
    while end.value == 0:
        gevent.sleep(0.01)
    assert queue.get() == b"x" * 2_000_000
    queue.put("the lock is free")
    assert queue.get() == "the lock is free"
    end.value = 2
    process.join()
""",
    )


def test_a_process_whose_start_is_given_up_is_known_and_can_be_joined(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        HALVES
        + """
def child(data, status):
    raise SystemExit(status if len(data) == 30_000_000 else 1)

def main(context):
    started = 0
    for number, limit in enumerate([0.0, 0.001, 0.01, 0.05, 0.2]):
        process = context.Process(target=child, args=(b"x" * 30_000_000, 40 + number))
        starter = gevent.spawn(process.start)
        starter.join(limit)
        starter.kill()
        known = process in multiprocessing.active_children()  # which forgets who has ended
        assert known or process.pid is None or process.exitcode is not None
        assert not known or process.pid is not None
        if process.pid is not None:
            started += 1
            process.join()
            assert process.exitcode == 40 + number, process
    process = context.Process(target=child, args=(b"x" * 30_000_000, 50))
    process.start()
    process.join()
    assert process.exitcode == 50
""",
    )


def test_a_fork_server_goes_on_when_clients_leave_in_the_midst_of_asking(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "forkserver",
        """
        import importlib
        import os
        import socket

        def child():
            raise SystemExit(5)

        def main(context):
            forkserver = importlib.import_module(f"{multiprocessing.__name__}.forkserver")._forkserver

            def start():
                process = context.Process(target=child)
                process.start()
                process.join()
                assert process.exitcode == 5, process

            start()
            server = forkserver._forkserver_pid
            asks_who_it_is = hasattr(forkserver, "_forkserver_authkey")
            for length in 0, 1, 4, 30:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(forkserver._forkserver_address)
                    if asks_who_it_is and length:
                        client.recv(length)  # and never reads the rest of the question
                start()
            assert forkserver._forkserver_pid == server
            assert os.waitpid(server, os.WNOHANG) == (0, 0)
        """,
    )
