"""Pipes, connections and queues: whole messages, whoever waits, is killed, or closes."""

from worlds import run_program


def test_messages_of_every_size_arrive_whole_by_every_way(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        from ticker import Ticker

        SIZES = [0, 1, 10, 4096, 16384, 16385, 65536, 65537, 1 << 20, 5 << 20]

        def echo_connection(connection):
            for item in iter(connection.recv, None):
                connection.send(item)

        def echo_queue(inbox, outbox):
            for item in iter(inbox.get, None):
                outbox.put(item)

        def main(context):
            here, there = context.Pipe()
            process = context.Process(target=echo_connection, args=(there,))
            process.start()
            there.close()
            with Ticker():
                for size in SIZES:
                    here.send(b"x" * size)
                    assert here.recv() == b"x" * size
            here.send(None)
            process.join()
            assert process.exitcode == 0

            for make in context.Queue, context.JoinableQueue, context.SimpleQueue:
                inbox, outbox = make(), make()
                process = context.Process(target=echo_queue, args=(inbox, outbox))
                process.start()
                with Ticker():
                    for size in SIZES:
                        inbox.put(b"x" * size)
                        assert outbox.get() == b"x" * size
                inbox.put(None)
                process.join()
        """,
    )


def test_a_hundred_greenlets_wait_for_one_connection_and_each_message_goes_to_one(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def main(context):
            here, there = context.Pipe()
            receivers = [gevent.spawn(here.recv) for _ in range(100)]
            gevent.sleep(0.01)
            for number in range(99):
                there.send((number, b"x" * (number * 3000)))
            there.send((99, b""))
            assert sorted(receiver.get(timeout=20)[0] for receiver in receivers) == list(range(100))
        """,
    )


def test_greenlets_that_send_large_messages_at_once_do_not_mix_them(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def main(context):
            for here, there in context.Pipe(), reversed(context.Pipe(duplex=False)):
                senders = [gevent.spawn(here.send_bytes, bytes([i]) * 300_000) for i in range(10)]
                got = [there.recv_bytes() for _ in senders]
                assert sorted(set(message) for message in got) == [{i} for i in range(10)]
                gevent.joinall(senders, raise_error=True)
        """,
    )


def test_closing_a_connection_wakes_everybody_who_waits_for_it(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def outcome(function, *args):
            try:
                return function(*args)
            except OSError as error:
                return type(error)

        def main(context):
            connection_module = __import__(type(context.Pipe()[0]).__module__, fromlist=["*"])
            here, there = context.Pipe()
            waiters = [gevent.spawn(outcome, here.recv) for _ in range(10)]
            waiters += [gevent.spawn(outcome, here.poll, None)]
            waiters += [gevent.spawn(outcome, connection_module.wait, [here])]
            gevent.sleep(0)  # each of them runs until it waits
            here.close()
            assert [waiter.get(timeout=5) for waiter in waiters] == [OSError] * 12
            # The number is somebody else's now, and nobody listens to it any more.
            again, other = context.Pipe()
            other.send("for again")
            assert again.poll(5)
            assert again.recv() == "for again"
            for function in here.recv, here.fileno, here.poll:
                assert outcome(function) is OSError
            try:
                there.recv()
            except EOFError:
                return
            raise AssertionError("no end of file")
        """,
    )


def test_an_interrupted_receiver_loses_nothing(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import os
        import gevent

        def main(context):
            here, there = context.Pipe(duplex=False)
            message = b"0123456789" * 50
            for cut in range(0, len(message) + 4, 50):
                stream = len(message).to_bytes(4, "big") + message
                os.write(there.fileno(), stream[:cut])
                for _ in range(3):
                    with gevent.Timeout(0.001, False):
                        here.recv_bytes()
                receiver = gevent.spawn(here.recv_bytes)
                gevent.sleep(0)
                receiver.kill()
                os.write(there.fileno(), stream[cut:])
                assert here.recv_bytes() == message, cut
            assert not here.poll()
        """,
    )


def test_a_message_whose_sender_is_interrupted_still_arrives_whole(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import gevent

        def main(context):
            for _ in range(5):
                here, there = context.Pipe()
                large = b"y" * 3_000_000
                sender = gevent.spawn(here.send_bytes, large)
                gevent.sleep(0.01)
                sender.kill()
                with gevent.Timeout(10):
                    assert there.recv_bytes() == large
                here.send_bytes(b"next")
                assert there.recv_bytes() == b"next"
        """,
    )


def test_no_descriptor_becomes_nonblocking(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import os

        def child(connection):
            connection.send(os.get_blocking(connection.fileno()))
            connection.recv()

        def main(context):
            here, there = context.Pipe()
            reading, writing = context.Pipe(duplex=False)
            queue = context.Queue()
            process = context.Process(target=child, args=(there,))
            process.start()
            assert here.recv()
            here.send(0)
            queue.put(1)
            assert queue.get() == 1
            for each in here, there, reading, writing, queue._reader, queue._writer:
                assert os.get_blocking(each.fileno())
            process.join()
        """,
    )


def test_listeners_and_clients_meet_with_a_secret_and_large_messages(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import os
        import gevent
        from ticker import Ticker

        def call(address, key, told):
            import importlib
            connection_module = importlib.import_module(multiprocessing.get_context().Pipe()[0].__module__)
            assert told.wait(30)
            with connection_module.Client(address, authkey=key) as connection:
                connection.send(b"z" * 1_000_000)
                assert connection.recv() == "thanks"

        def main(context):
            import importlib
            connection_module = importlib.import_module(context.Pipe()[0].__module__)
            for family in "AF_UNIX", "AF_INET":
                with connection_module.Listener(family=family, authkey=b"secret") as listener:
                    told = context.Event()
                    process = context.Process(target=call, args=(listener.address, b"secret", told))
                    process.start()
                    gevent.spawn(told.set)  # when this greenlet waits, and lets others run
                    with Ticker():
                        with listener.accept() as connection:
                            assert os.get_blocking(connection.fileno())
                            assert len(connection.recv()) == 1_000_000
                            connection.send("thanks")
                    process.join()
                    assert process.exitcode == 0
        """,
    )


def test_the_other_end_may_be_a_program_without_gevent(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import importlib
        import subprocess
        import sys
        import textwrap
        import gevent

        OTHER = '''
            import sys
            from multiprocessing.connection import Client
            with Client(sys.argv[1], authkey=b"secret") as connection:
                for size in 0, 10, 100_000, 3_000_000:
                    connection.send_bytes(b"x" * size)
                    assert connection.recv() == size
        '''

        def main(context):
            connection_module = importlib.import_module(context.Pipe()[0].__module__)
            with connection_module.Listener(family="AF_UNIX", authkey=b"secret") as listener:
                other = subprocess.Popen([sys.executable, "-c", textwrap.dedent(OTHER), listener.address])
                with gevent.Timeout(30), listener.accept() as connection:
                    for _ in range(4):
                        connection.send(len(connection.recv_bytes()))
                assert other.wait() == 0
        """,
    )


def test_wait_takes_any_mixture_and_returns_what_is_ready(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import importlib
        import os
        import socket
        import time
        import gevent
        from ticker import Ticker

        def main(context):
            wait = importlib.import_module(context.Pipe()[0].__module__).wait
            here, there = context.Pipe()
            one, two = socket.socketpair()
            reading, writing = os.pipe()
            process = context.Process(target=time.sleep, args=(0.4,))
            process.start()
            everything = [here, one, reading, process.sentinel]
            assert wait(everything, 0) == [] and wait(everything, -1) == [] and wait([], 0.01) == []
            with Ticker():
                assert wait(everything, 0.1) == []
                assert wait(everything) == [process.sentinel]
            process.join()
            there.send(1)
            os.write(writing, b"1")
            assert wait(everything) == [here, reading, process.sentinel]
            gevent.spawn_later(0.05, two.sendall, b"1")
            assert wait([one, one.fileno()], 10)
            try:
                wait([object()], 0)
            except ValueError:
                return
            raise AssertionError("waited for an object")
        """,
    )


def test_limits_and_offsets_are_the_standard_librarys(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import array

        def raises(error, function, *args):
            try:
                function(*args)
            except error:
                return True
            return False

        def main(context):
            here, there = context.Pipe()
            here.send_bytes(b"abcdefgh", 2, 3)
            assert there.recv_bytes() == b"cde"
            here.send_bytes(array.array("i", [1, 2]))
            numbers = array.array("i", [0, 0, 0])
            assert there.recv_bytes_into(numbers, 4) == 8 and list(numbers) == [0, 1, 2]
            here.send_bytes(memoryview(b"abcd")[::2])
            assert there.recv_bytes() == b"ac"
            for args in (b"x", -1), (b"x", 2), (b"x", 0, -1), (b"x", 0, 2):
                assert raises(ValueError, here.send_bytes, *args)
            here.send_bytes(b"x" * 11)
            assert raises(OSError, there.recv_bytes, 10)
            assert raises(OSError, there.recv_bytes) and not there.readable and there.writable
            reading, writing = context.Pipe(duplex=False)
            assert raises(OSError, reading.send_bytes, b"") and raises(OSError, writing.recv_bytes)
            reading.close()
            assert raises(BrokenPipeError, writing.send_bytes, b"x")
            here.send_bytes(b"12345678")
            import importlib
            too_short = importlib.import_module(type(here).__module__).BufferTooShort
        """,
    )


def test_a_bounded_queue_makes_its_producer_wait_and_the_hub_goes_on(tmp_path, world, start_method):
    run_program(
        tmp_path,
        world,
        start_method,
        """
        import queue
        import gevent
        from ticker import Ticker

        def consume(items, results, told):
            assert told.wait(30)
            for item in iter(items.get, None):
                results.put(item)
                items.task_done()
            items.task_done()

        def main(context):
            items, results, told = context.JoinableQueue(3), context.Queue(), context.Event()
            process = context.Process(target=consume, args=(items, results, told))
            process.start()
            for number in range(3):
                items.put(number)
            gevent.spawn(told.set)  # when this greenlet waits, and lets others run
            with Ticker():
                for number in range(3, 100):
                    items.put(number)
                items.put(None)
                items.join()
            assert [results.get() for _ in range(100)] == list(range(100))
            try:
                results.get(timeout=0.05)
            except queue.Empty:
                pass
            process.join()
        """,
    )


def test_what_cannot_be_pickled_is_reported_and_the_queue_goes_on(tmp_path, world):
    result = run_program(
        tmp_path,
        world,
        "fork",
        """
        def main(context):
            queue = context.Queue(2)
            for _ in range(5):
                queue.put(lambda: None)
                queue.put("fine")
                assert queue.get(timeout=10) == "fine"
            queue.close()
            queue.join_thread()
        """,
        check=False,
    )
    assert result.returncode == 0 and result.stdout == "done\n"
    assert result.stderr.count("<lambda>") >= 5


def test_sockets_of_both_kinds_can_be_sent(tmp_path, start_method):
    run_program(
        tmp_path,
        "patched",
        start_method,
        """
        import socket
        from gevent.monkey import get_original

        def child(connection, given):
            given.sendall(b"1")
            connection.recv().sendall(b"2")

        def main(context):
            for socket_type in socket.socket, get_original("socket", "socket"):
                one, two = socket.socketpair()
                two = socket_type(fileno=two.detach())
                here, there = context.Pipe()
                process = context.Process(target=child, args=(there, two))
                process.start()
                here.send(two)
                assert one.recv(1) == b"1" and one.recv(1) == b"2"
                process.join()
                assert process.exitcode == 0
        """,
    )
