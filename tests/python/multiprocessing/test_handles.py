"""Descriptors over connections, and where a stream may end."""

from worlds import run_program


def test_sending_a_descriptor_leaves_the_modes_of_both_ends_and_lets_others_run(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import importlib
        import os
        import socket
        import gevent
        from ticker import Ticker

        def main(context):
            reduction = importlib.import_module(multiprocessing.get_context().reducer.__name__)
            for default_timeout in None, 5.0:
                socket.setdefaulttimeout(default_timeout)
                first, second = context.Pipe()
                reading, writing = os.pipe()
                receiver = gevent.spawn(reduction.recv_handle, second)
                with Ticker():
                    gevent.sleep(0.1)
                    reduction.send_handle(first, reading, os.getpid())
                    received = receiver.get(timeout=10)
                os.write(writing, b"hello")
                assert os.read(received, 9) == b"hello"
                assert os.get_blocking(first.fileno()) and os.get_blocking(second.fileno())
                first.close()
                try:
                    reduction.recv_handle(second)
                except EOFError:
                    continue
                raise AssertionError("no end of file")
        """,
    )


def test_the_end_of_a_stream_is_what_the_standard_library_makes_of_it(tmp_path):
    for world in "patched", "green", "stdlib":
        run_program(
            tmp_path,
            world,
            "fork",
            """
            import os

            def end_after(context, sent):
                reading, writing = context.Pipe(duplex=False)
                os.write(writing.fileno(), sent)
                writing.close()
                try:
                    return reading.recv_bytes()
                except (EOFError, OSError) as error:
                    return type(error)

            def main(context):
                short, long = b"\\0\\0\\0\\x08" + b"x" * 8, b"\\xff" * 4 + b"\\0" * 7 + b"\\x08" + b"x" * 8
                for stream, between in (short, (0, 4)), (long, (0, 4, 12)):
                    for size in range(len(stream)):
                        assert end_after(context, stream[:size]) is (EOFError if size in between else OSError), size
                    assert end_after(context, stream) == b"x" * 8
                assert end_after(context, b"\\0\\0\\0\\0") == b""
            """,
        )


def test_a_descriptor_goes_after_the_message_that_somebody_was_interrupted_in(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "fork",
        """
        import importlib
        import os
        import struct
        import gevent

        def interrupt(function, *args):
            amid = gevent.spawn(function, *args)
            gevent.sleep(0.01)
            amid.kill()
            assert isinstance(amid.value, gevent.GreenletExit)

        def main(context):
            reduction = importlib.import_module(multiprocessing.get_context().reducer.__name__)
            reading, writing = os.pipe()
            os.write(writing, b"ab")

            first, second = context.Pipe()
            message = b"m" * (4 << 20)
            interrupt(first.send_bytes, message)
            giving = gevent.spawn(reduction.send_handle, first, reading, os.getpid())
            gevent.sleep(0.01)
            assert second.recv_bytes() == message
            assert os.read(reduction.recv_handle(second), 1) == b"a"
            giving.get(timeout=10)

            first, second = context.Pipe()
            os.write(first.fileno(), struct.pack("!i", 9) + b"half ")
            interrupt(second.recv_bytes)
            taking = gevent.spawn(reduction.recv_handle, second)
            gevent.sleep(0.01)
            os.write(first.fileno(), b"half")
            reduction.send_handle(first, reading, os.getpid())
            assert os.read(taking.get(timeout=10), 1) == b"b"
            assert second.recv_bytes() == b"half half"
        """,
    )
