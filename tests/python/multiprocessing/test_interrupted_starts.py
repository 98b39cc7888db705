"""Processes whose start a signal interrupts, whose handler raises."""

from worlds import run_program


def test_a_signals_handler_that_raises_anywhere_in_start_comes_after_the_process_is_known(tmp_path, start_method):
    run_program(
        tmp_path,
        "patched",
        start_method,
        """
        import gc
        import os
        import signal
        import sys

        class Interrupted(Exception):
            pass

        def interrupt(*_):
            raise Interrupted

        def end():
            os._exit(7)

        class Line:
            "Sends a signal at one line of what is traced."

            def __init__(self, number):
                self.left, self.pid = number, os.getpid()

            def __call__(self, frame, event, argument):
                if os.getpid() != self.pid:
                    return None
                self.left -= 1
                if self.left == 0:
                    sys.settrace(None)
                    signal.raise_signal(signal.SIGUSR1)
                return self

        def main(context):
            signal.signal(signal.SIGUSR1, interrupt)
            first = context.Process(target=end)
            first.start()
            first.join()
            descriptors = len(os.listdir("/dev/fd"))
            begun = number = 0
            # A fork server that asks who it is, as from Python 3.14 on, leaves fewer lines to what comes after.
            step = 3 if context.get_start_method() == "fork" else 15 if sys.version_info >= (3, 14) else 60
            line = None
            while line is None or line.left <= 0:
                number += step
                line = Line(number)
                process = context.Process(target=end)
                sys.settrace(line)
                try:
                    process.start()
                    assert line.left > 0
                except Interrupted:
                    pass
                finally:
                    sys.settrace(None)
                if process._popen is not None:
                    begun += 1
                    process.join(30)
                    assert process.exitcode == 7, (number, process.exitcode)
                    process.close()
                gc.collect()
                try:
                    assert os.waitpid(-1, os.WNOHANG)[0] == 0, number
                except ChildProcessError:
                    pass
                assert len(os.listdir("/dev/fd")) <= descriptors + 5, number
            assert begun > 5, begun
            assert len(os.listdir("/dev/fd")) <= descriptors + 5, (descriptors, os.listdir("/dev/fd"))
        """,
    )


def test_a_signals_handler_that_raises_while_a_pool_starts_its_workers_leaves_none(tmp_path):
    run_program(
        tmp_path,
        "patched",
        "fork",
        """
        import os
        import signal
        import time

        class Interrupted(Exception):
            pass

        def interrupt(*_):
            raise Interrupted

        def main(context):
            signal.signal(signal.SIGUSR1, interrupt)
            number = 0

            def count():
                nonlocal number
                number += 1
                if number == 2:
                    os.kill(os.getpid(), signal.SIGUSR1)

            os.register_at_fork(after_in_parent=count)
            try:
                context.Pool(3)
                raise AssertionError
            except Interrupted:
                pass
            assert number == 2, number
            deadline = time.monotonic() + 30
            while context.active_children() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not context.active_children()
        """,
    )


def test_what_a_signals_handler_raises_ends_a_start_that_waits(tmp_path):
    run_program(
        tmp_path,
        "patched",
        "spawn",
        """
        import os
        import signal
        import time

        class Interrupted(Exception):
            pass

        def interrupt(*_):
            raise Interrupted

        class Slow:
            def __reduce__(self):
                return time.sleep, (60,)

        def main(context):
            signal.signal(signal.SIGALRM, interrupt)
            process = context.Process(target=print, args=(Slow(), b"x" * 5000000))
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            begin = time.monotonic()
            try:
                process.start()
                raise AssertionError
            except Interrupted:
                pass
            assert time.monotonic() - begin < 20
            process.kill()
            process.join(30)
            assert process.exitcode == -signal.SIGKILL, process.exitcode
        """,
    )
