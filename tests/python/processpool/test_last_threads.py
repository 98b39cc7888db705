"""At the end of a program, threads that are waited for still have their tasks done by pools of the main thread."""

import sys

import pytest
from scripts import run_command

PROGRAM = """
import sys, threading
if sys.argv[2] == "patched":
    from gevent import monkey
    monkey.patch_all(multiprocessing=True)
from gevent.monkey import get_original
from gevent.processpool import ProcessPool

def double(number):
    return 2 * number

def ask(wait_for_end):
    wait_for_end()
    for number in range(3):  # the first is begun when the main thread has ended, and so are all others
        print(pool.spawn(double, number).get(), flush=True)

if __name__ == "__main__":
    pool = ProcessPool(1, start_method=sys.argv[1])
    if sys.argv[2] == "executor":  # whose threads are waited for before the main thread counts as ended
        from concurrent.futures import ThreadPoolExecutor
        executor = ThreadPoolExecutor(1)
        has_ended = threading.Event()
        threading._register_atexit(has_ended.set)
        executor.submit(ask, has_ended.wait)
    else:
        threading.Thread(target=ask, args=(threading.main_thread().join,)).start()
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("kind", ["thread", "executor", "patched"])
def test_the_last_threads_have_their_tasks_done(tmp_path, method, kind):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = run_command([sys.executable, str(tmp_path / "program.py"), method, kind], {}, 60)
    if method == "fork" and sys.version_info[:2] == (3, 12):
        assert (done.returncode, done.stdout) == (0, ""), done  # its own os.fork() refuses, too
        assert kind == "executor" or "too late to fork" in done.stderr, done
    else:
        assert (done.returncode, done.stdout, done.stderr) == (0, "0\n2\n4\n", "")
