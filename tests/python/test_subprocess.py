"""gevent.subprocess: processes whose pipes and ends are waited for without stopping others."""

import os
import signal
import subprocess as stdlib
import sys
import threading
import time

import pytest
from scripts import run_script

import gevent
from gevent import subprocess

PYTHON = [sys.executable, "-S", "-c"]


def waits_for_its_input(**kwargs):
    """A process that ends when its standard input does, with status 3."""
    return subprocess.Popen("cat >/dev/null; exit 3", shell=True, stdin=subprocess.PIPE, **kwargs)


def test_wait_lets_others_run():
    process = waits_for_its_input()
    gevent.spawn(process.stdin.close)  # runs only if waiting parks
    assert process.wait(timeout=10) == 3
    assert process.poll() == process.returncode == 3


def test_reading_a_pipe_lets_others_run():
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def write():
        process.stdin.write(b"word\n")
        process.stdin.close()

    gevent.spawn(write)
    assert process.stdout.read() == b"word\n"
    assert process.wait(timeout=10) == 0


def test_popen_is_a_popen_of_the_standard_library():
    with waits_for_its_input() as process:
        assert isinstance(process, stdlib.Popen)
        process.stdin.close()
    assert process.returncode == 3


def test_wait_gives_up_after_its_timeout():
    with waits_for_its_input() as process:
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            process.wait(timeout=0.01)
        assert caught.value.timeout == 0.01
        assert process.wait(timeout=0.01, _raise_exc=False) is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(gevent.Timeout(0.01))
        process.stdin.close()


def test_poll_knows_of_an_end_that_the_loop_has_not_seen():
    process = waits_for_its_input()
    assert process.poll() is None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert process.poll() == 3


def test_the_end_is_known_without_asking_once_the_loop_has_run():
    process = waits_for_its_input()
    process.stdin.close()
    assert gevent.get_hub().join(timeout=10) is True
    assert process.returncode == 3
    assert process.wait() == 3


def test_several_greenlets_may_wait_for_one_process():
    process = waits_for_its_input()
    waiters = [gevent.spawn(process.wait) for _ in range(3)]
    gevent.sleep(0)
    process.stdin.close()
    gevent.joinall(waiters, timeout=10)
    assert [waiter.value for waiter in waiters] == [3] * 3


def test_gevent_wait_takes_processes():
    ends, stays = waits_for_its_input(), waits_for_its_input()
    ends.stdin.close()
    assert gevent.wait([ends, stays], count=1, timeout=10) == [ends]
    stays.stdin.close()
    assert stays.result.get(timeout=10) == 3


def test_os_waitpid_and_wait_both_learn_the_status():
    process = waits_for_its_input()
    process.stdin.close()
    assert gevent.os.waitpid(process.pid, 0) == (process.pid, 3 << 8)
    assert process.wait(timeout=10) == 3
    with pytest.raises(ChildProcessError):
        gevent.os.waitpid(process.pid, 0)


def test_a_process_that_was_waited_for_leaves_nothing_behind():
    def facts():
        return len(os.listdir("/proc/self/fd")), len(gevent.os._watched_children)

    subprocess.call(["true"])
    before = facts()
    for _ in range(5):
        subprocess.check_output("echo x", shell=True)
        process = waits_for_its_input(stdout=subprocess.PIPE)
        process.stdin.close()
        gevent.get_hub().join(timeout=10)  # the hub sees the end first
        assert process.communicate() == (b"", None)
        assert process.poll() == 3
    assert facts() == before


def test_a_signal_is_a_negative_status():
    with waits_for_its_input() as process:
        process.terminate()
        assert process.wait(timeout=10) == -signal.SIGTERM
        process.send_signal(signal.SIGKILL)  # too late, and no error


def test_communicate_exchanges_more_than_pipes_hold():
    data = b"0123456789abcdef" * 65536
    process = subprocess.Popen("tee /dev/stderr", shell=True, stdin=-1, stdout=-1, stderr=-1)
    assert process.communicate(data, timeout=60) == (data, data)


def test_communicate_in_text_mode_gives_text():
    process = subprocess.Popen("printf 'a\\r\\nb'; cat", shell=True, stdin=-1, stdout=-1, text=True, encoding="utf-8")
    assert process.communicate("\N{SNOWMAN}") == ("a\nb\N{SNOWMAN}", None)


def test_what_cannot_be_decoded_is_raised_where_communicate_was_called():
    process = subprocess.Popen("printf '\\377'", shell=True, stdout=-1, stderr=-1, encoding="utf-8")
    with pytest.raises(UnicodeDecodeError):
        process.communicate()


def test_communicate_can_be_called_again_after_a_timeout():
    process = subprocess.Popen("echo one; exec sleep 60", shell=True, stdin=-1, stdout=-1, stderr=-1)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.3)
    process.kill()
    assert process.communicate(timeout=10) == (b"one\n", b"")


def test_a_timeout_brings_what_was_written_so_far():
    with subprocess.Popen("echo so far; exec sleep 60", shell=True, stdout=-1) as process:
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            process.communicate(timeout=0.5)
        process.kill()
    assert caught.value.output == caught.value.stdout == b"so far\n"
    assert caught.value.timeout == 0.5


def test_run_returns_in_time_though_a_grandchild_holds_the_pipe():
    start = time.perf_counter()
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run("sleep 20 & sleep 20", shell=True, timeout=0.1, capture_output=True)
    assert time.perf_counter() - start < 10


def test_leaving_the_block_ends_greenlets_that_still_read():
    with subprocess.Popen(["sleep", "60"], stdout=-1, stderr=-1) as process:
        communicating = gevent.spawn(process.communicate)
        while not process._communicating_greenlets:
            gevent.sleep(0)
        communicating.kill()
        readers = list(process._communicating_greenlets)
        process.kill()
    assert len(readers) == 2 and all(reader.dead for reader in readers)
    assert process.stdout.closed and process.stderr.closed


def test_leaving_the_block_wakes_a_foreign_reader():
    process = subprocess.Popen(["sleep", "60"], stdout=-1)
    reader = gevent.spawn(process.stdout.read)
    gevent.sleep(0)
    process.kill()
    process.__exit__(None, None, None)
    reader.join(timeout=10)
    assert isinstance(reader.exception, OSError)
    assert process.stdout.closed and process.returncode == -signal.SIGKILL


def test_the_functions_are_the_standard_librarys_over_green_processes():
    assert subprocess.call(["sh", "-c", "exit 4"]) == 4
    assert subprocess.check_output(["cat"], input=b"in") == b"in"
    assert subprocess.getstatusoutput("echo out; exit 2") == (2, "out")
    assert subprocess.getoutput("echo out") == "out"
    assert subprocess.run(["echo", "x"], capture_output=True, text=True).stdout == "x\n"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        subprocess.check_call(["false"])
    assert caught.value.returncode == 1
    with pytest.raises(ValueError, match="stdin.*input"):
        subprocess.run(["cat"], stdin=subprocess.PIPE, input=b"x")


@pytest.mark.parametrize("function", ["call", "check_output", "getoutput"])
def test_the_functions_let_others_run(function):
    ticks = []
    ticker = gevent.spawn(lambda: [ticks.append(gevent.sleep(0.001)) for _ in range(10**6)])
    getattr(subprocess, function)("sleep 0.2", **({} if function == "getoutput" else {"shell": True}))
    ticker.kill()
    assert len(ticks) > 5


def test_a_program_that_is_not_there_is_an_error_without_leftovers():
    before = len(os.listdir("/proc/self/fd"))
    for pipe in (None, subprocess.PIPE):
        with pytest.raises(FileNotFoundError):
            subprocess.Popen(["/no/such/program"], stdin=pipe, stdout=pipe, stderr=pipe)
    if sys.version_info >= (3, 11):  # before, the standard library itself loses descriptors here
        with pytest.raises((LookupError, ValueError, PermissionError)):
            subprocess.Popen(["true"], stdout=subprocess.PIPE, user="no such user")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_failing_preexec_fn_is_reported():
    with pytest.raises(subprocess.SubprocessError):
        subprocess.Popen(["true"], preexec_fn=lambda: 1 / 0)


def test_all_arguments_reach_the_process(tmp_path):
    code = "import os, sys; print(os.getcwd(), os.environ['X'], oct(os.umask(0)), os.getpgid(0) == os.getpid())"
    process = subprocess.run(
        [*PYTHON, code],
        cwd=tmp_path,
        env={**os.environ, "X": "y"},
        umask=0o27,
        start_new_session=True,
        stdout=-1,
        text=True,
    )
    assert process.stdout.split() == [str(tmp_path), "y", "0o27", "True"]
    read_end, write_end = os.pipe()
    subprocess.check_call(f"echo passed >/dev/fd/{write_end}", shell=True, pass_fds=[write_end])
    assert os.read(read_end, 100) == b"passed\n"
    os.close(read_end)
    os.close(write_end)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="process_group came with Python 3.11")
def test_process_group_is_set():
    output = subprocess.check_output([*PYTHON, "import os; print(os.getpgid(0) == os.getpid())"], process_group=0)
    assert output == b"True\n"


def test_the_pipe_size_can_be_chosen():
    import fcntl

    with subprocess.Popen(["cat"], stdin=-1, stdout=-1, pipesize=4096) as process:
        assert fcntl.fcntl(process.stdin.fileno(), fcntl.F_GETPIPE_SZ) == 4096
        process.stdin.close()


@pytest.mark.parametrize("text", [False, True])
def test_without_a_buffer_every_write_arrives(text):
    with subprocess.Popen(["cat"], stdin=-1, stdout=-1, bufsize=0, text=text) as process:
        word = "word\n" if text else b"word\n"
        process.stdin.write(word)
        assert process.stdout.readline() == word
        process.stdin.close()


def test_lines_are_written_through_with_a_line_buffer():
    with subprocess.Popen(["cat"], stdin=-1, stdout=-1, bufsize=1, text=True) as process:
        process.stdin.write("word\n")
        assert process.stdout.readline() == "word\n"
        process.stdin.close()


def test_what_a_process_is_given_blocks_whatever_it_did_before():
    read_end, write_end = os.pipe()
    reader = subprocess.FileObject(read_end, "rb")
    assert not os.get_blocking(read_end)
    with subprocess.Popen(["cat"], stdin=reader, stdout=-1) as process:
        assert os.get_blocking(read_end)
        os.close(write_end)
        assert process.stdout.read() == b""
    reader.close()


def test_processes_can_be_started_and_waited_for_in_any_thread():
    found = []

    def in_thread():
        found.append(subprocess.check_output(["echo", "x"]))
        found.append(subprocess.Popen("sleep 0.1; exit 5", shell=True))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join(timeout=30)
    assert found[0] == b"x\n"
    assert found[1].wait(timeout=10) == 5


def test_a_patched_program_uses_it_everywhere():
    result = run_script(
        """
        from gevent import monkey; monkey.patch_all()
        import gevent, os, subprocess
        assert subprocess.Popen is gevent.subprocess.Popen
        ticks = []
        ticker = gevent.spawn(lambda: [ticks.append(gevent.sleep(0.001)) for _ in range(10**6)])
        print(subprocess.run("sleep 0.1; echo x", shell=True, capture_output=True, text=True).stdout.strip())
        with os.popen("echo y") as f:
            print(f.read().strip())
        print(len(ticks) > 5)
        with subprocess.Popen(["/bin/true"], close_fds=False):  # by posix_spawn
            pass
        print(len(gevent.os._watched_children))
        """
    )
    assert result.stdout == "x\ny\nTrue\n0\n"


def test_a_killed_caller_takes_the_process_with_it():
    before = set(gevent.os._watched_children)
    caller = gevent.spawn(subprocess.call, ["sleep", "60"])
    gevent.sleep(0)
    (pid,) = set(gevent.os._watched_children) - before
    caller.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_pipes_stay_in_blocking_mode_and_threads_may_use_their_descriptors():
    result = run_script(
        """
        from gevent import monkey
        monkey.patch_all()
        import os, sys, threading
        from subprocess import PIPE, Popen

        code = "import sys; print('ready', flush=True); print(len(sys.stdin.buffer.read()))"
        process = Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE)
        assert os.get_blocking(process.stdin.fileno()) and os.get_blocking(process.stdout.fileno())
        got = []

        def read():
            while data := os.read(process.stdout.fileno(), 1000):
                got.append(data)

        def write():
            assert os.write(process.stdin.fileno(), b"x" * 300_000) == 300_000
            process.stdin.close()

        threads = [threading.Thread(target=read), threading.Thread(target=write)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert process.wait() == 0
        print(b"".join(got))
        """
    )
    assert result.stdout == "b'ready\\n300000\\n'\n"


def test_the_output_of_one_process_is_the_input_of_the_next():
    result = run_script(
        """
        from gevent import monkey
        monkey.patch_all()
        import sys
        from subprocess import PIPE, Popen

        slow = "import sys, time; print('one', flush=True); time.sleep(0.3); print('two')"
        first = Popen([sys.executable, "-c", slow], stdout=PIPE)
        copy = "import os\\nwhile data := os.read(0, 9): os.write(1, data)"
        second = Popen([sys.executable, "-c", copy], stdin=first.stdout, stdout=PIPE)
        third = Popen(["cat"], stdin=second.stdout, stdout=PIPE)
        print(third.communicate()[0], first.wait(), second.wait())
        """
    )
    assert result.stdout == "b'one\\ntwo\\n' 0 0\n"


def test_greenlets_read_and_write_large_amounts_through_pipes_in_blocking_mode():
    data = b"0123456789" * 200_000
    popen = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert popen.communicate(data)[0] == data


def test_os_read_and_write_leave_the_rest_to_the_system():
    run_script(
        """
        from gevent import monkey
        monkey.patch_all()
        import os, tempfile, time
        time.sleep(0)
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        try:
            os.read(reading, 1)
        except BlockingIOError:
            pass
        else:
            raise AssertionError
        os.set_blocking(reading, True)
        assert os.write(writing, bytearray(b"abc")) == 3 and os.read(reading, 2) == b"ab" and os.read(reading, 0) == b""
        os.close(writing)
        assert os.read(reading, 5) == b"c" and os.read(reading, 5) == b""
        with tempfile.TemporaryFile() as file:
            assert os.write(file.fileno(), b"x" * 100_000) == 100_000
            os.lseek(file.fileno(), 0, 0)
            assert len(os.read(file.fileno(), 200_000)) == 100_000
        for call in lambda: os.read(reading, -1), lambda: os.read(9999, 1), lambda: os.write(9999, b""):
            try:
                call()
            except OSError:
                continue
            raise AssertionError(call)
        """
    )
