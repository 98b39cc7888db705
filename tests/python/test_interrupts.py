"""Ctrl-C while a program patches, or while processes start: it ends, or they do, in good order and without a word."""

import signal
import sys
import textwrap

import pytest
from scripts import run_command, run_script

#: Interrupts itself before the Nth line that is run of files of gevent whose names end with a word; 0: says how many.
PATCHES = """
    import os, signal, sys
    from gevent import monkey

    count, number, file = 0, int(sys.argv[1]), sys.argv[2]

    def trace(frame, event, argument):
        global count
        if event == "line" and frame.f_code.co_filename.endswith(file):
            count += 1
            if count == number:
                sys.settrace(None)
                os.kill(os.getpid(), signal.SIGINT)
        return trace

    sys.settrace(trace)
    monkey.patch_all(multiprocessing=True)
    sys.settrace(None)
    print(count)
    assert number == 0
"""

#: Sends SIGINT to each process of the words `word` as soon as its program is started.
INTERRUPTS_AT_START = """
    import os, signal
    from multiprocessing import util
    spawnv_passfds = util.spawnv_passfds
    interrupted = []

    def start_and_interrupt(path, args, passfds):
        pid = spawnv_passfds(path, args, passfds)
        if any(word in os.fsdecode(each) for each in args):
            interrupted.append(pid)
            os.kill(pid, signal.SIGINT)
        return pid

    util.spawnv_passfds = start_and_interrupt
"""


@pytest.mark.parametrize("part", range(6))
@pytest.mark.parametrize("file", ["monkey/_threads.py", "gevent/thread.py"])
def test_a_program_that_is_interrupted_while_it_patches_ends(file, part):
    lines = int(run_script(PATCHES, 0, file).stdout)
    done = run_script(PATCHES, 1 + (lines - 1) * part // 5, file, check=False, deadline_s=30)
    assert done.returncode == -signal.SIGINT, done.stderr
    assert "KeyboardInterrupt" in done.stderr


def run_file(folder, code, *arguments):
    (folder / "program.py").write_text(textwrap.dedent(INTERRUPTS_AT_START) + textwrap.dedent(code), encoding="utf-8")
    done = run_command([sys.executable, str(folder / "program.py"), *arguments], {}, 60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_fork_server_that_is_interrupted_as_it_starts_goes_on_and_its_children_do_not_ignore_it(tmp_path):
    said = run_file(
        tmp_path,
        """
        word = "forkserver"

        def say():
            held = signal.pthread_sigmask(signal.SIG_BLOCK, [])
            print(signal.SIGINT in held, signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)

        if __name__ == "__main__":
            from gevent import monkey
            monkey.patch_all(multiprocessing=True)
            import multiprocessing
            process = multiprocessing.get_context("forkserver").Process(target=say)
            process.start()
            process.join()
            print(process.exitcode, len(interrupted))
        """,
    )
    assert said == ["False True", "0 1"]


WORKERS = {
    "supervisor": """
        from gevent.supervisor import Supervisor

        def target(worker):
            print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)
            worker.ready()
            worker.stopping.wait()

        def main(method):
            supervisor = Supervisor(target, processes=1, start_method=method)
            supervisor.start()
            print(supervisor.wait_ready(30), flush=True)
            supervisor.stop()
            supervisor.run()
    """,
    "pool": """
        from gevent.processpool import ProcessPool

        def is_held():
            return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])

        def main(method):
            with ProcessPool(1, start_method=method) as pool:
                print(pool.apply(is_held))
            print(True)
    """,
}


@pytest.mark.parametrize("kind", sorted(WORKERS))
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_worker_that_is_interrupted_as_it_starts_goes_on(tmp_path, kind, method):
    word = 'word = "multiprocessing.spawn" if method == "spawn" else "forkserver"'
    said = run_file(
        tmp_path,
        f"""
        import sys
        method = sys.argv[1] if len(sys.argv) > 1 else ""
        {word}
        """
        + textwrap.indent(textwrap.dedent(WORKERS[kind]), "        ")
        + """
        if __name__ == "__main__":
            from gevent import monkey
            monkey.patch_all(multiprocessing=True)
            main(method)
            print(len(interrupted) > 0)
        """,
        method,
    )
    assert said == ["False", "True", str(method != "fork")]


#: Programs that are started by a greenlet while others start workers say what is held in them.
BESIDE_STARTS = """
import signal, sys
import gevent
from gevent import subprocess

SAY = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
held, started = set(), []

def look():
    while not pool_is_ready:
        held.update(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        if len(started) < 5:
            started.append(subprocess.Popen([sys.executable, "-c", SAY], stdout=subprocess.PIPE, text=True))
        gevent.sleep(0)

if __name__ == "__main__":
    method = sys.argv[1]
    pool_is_ready = False
    looking = gevent.spawn(look)
    gevent.sleep(0)
    {start}
    pool_is_ready = True
    looking.get()
    held.update(signal.pthread_sigmask(signal.SIG_BLOCK, []))
    print(len(started) > 0, held, {{process.communicate()[0].strip() for process in started}})
    {stop}
"""

SEVERAL_WORKERS = {
    "pool": (
        "from gevent.processpool import ProcessPool; "
        "pool = ProcessPool(4, start_method=method); pool.map(abs, range(9))",
        "pool.kill()",
    ),
    "pools": (
        "from gevent.processpool import ProcessPool; pools = [ProcessPool(2, start_method=method) for _ in range(2)]; "
        "gevent.joinall([gevent.spawn(pool.map, abs, range(9)) for pool in pools], raise_error=True)",
        "[pool.kill() for pool in pools]",
    ),
    "supervisor": (
        "from gevent.supervisor import Supervisor; "
        "s = Supervisor(gevent.sleep, processes=3, start_method=method); s.start()",
        "s.stop(); s.run()",
    ),
}


@pytest.mark.parametrize("kind", sorted(SEVERAL_WORKERS))
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_while_workers_start_nothing_is_held_for_other_greenlets_nor_afterwards(tmp_path, kind, method):
    start, stop = SEVERAL_WORKERS[kind]
    (tmp_path / "program.py").write_text(BESIDE_STARTS.format(start=start, stop=stop))
    done = run_command([sys.executable, str(tmp_path / "program.py"), method], {}, 60)
    assert done.stdout == "True set() {'set()'}\n", done.stderr


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_what_a_worker_starts_is_born_with_nothing_held(tmp_path, method):
    said = run_file(
        tmp_path,
        """
        import subprocess, sys

        word = "none"
        SAY = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)"

        def say():
            exec(SAY)

        def target(worker):
            import multiprocessing
            worker.ready()
            process = multiprocessing.get_context("fork").Process(target=say)
            process.start()
            process.join()
            subprocess.check_call([sys.executable, "-c", SAY])
            worker.stopping.wait()

        if __name__ == "__main__":
            from gevent import monkey
            monkey.patch_all(multiprocessing=True)
            from gevent.supervisor import Supervisor
            supervisor = Supervisor(target, processes=1, start_method=sys.argv[1])
            supervisor.start()
            print(supervisor.wait_ready(30), flush=True)
            supervisor.stop()
            supervisor.run()
        """,
        method,
    )
    assert sorted(said) == ["True", "set()", "set()"]


#: Interrupts the process as it imports what one of the commands is made of.
INTERRUPTS_AT_IMPORT = """
import os, signal, sys

class Finder:
    @staticmethod
    def find_spec(name, *arguments):
        if name == "gevent.serve":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder)
"""


def test_a_command_that_is_interrupted_before_it_acts_ends_by_that_without_a_word(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS_AT_IMPORT)
    command = [sys.executable, "-m", "gevent", "serve", "none:none"]
    done = run_command(command, {"PYTHONPATH": str(tmp_path)}, 60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
