"""A spawned child patches what the program imports when it imports it, and nobody can tell."""

import subprocess
import sys

import pytest
from scripts import run_script
from worlds import run_program

ASKING = """
    def ask(function):
        def main(context):
            here, there = context.Pipe()
            process = context.Process(target=report, args=(there, function))
            process.start()
            there.close()
            answer = here.recv()
            process.join()
            return answer
        return main

    def report(connection, function):
        connection.send(function())
"""


def run(tmp_path, code, world="patched", **options):
    run_program(tmp_path, world, "spawn", ASKING + code, **options)


def test_a_spawned_child_does_not_import_what_few_programs_need(tmp_path):
    run_program(
        tmp_path,
        "patched",
        "spawn",
        """
        def look(path):
            import sys
            with open(path, "w") as file:
                file.write(" ".join(sys.modules))

        def main(context):
            import os
            import tempfile
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "modules")
                process = context.Process(target=look, args=(path,))
                process.start()
                process.join()
                with open(path) as file:
                    modules = file.read().split()
            seldom = ("ssl", "_ssl", "socket", "subprocess", "selectors", "tempfile", "multiprocessing.connection")
            for name in (*seldom, "_threading_local", "queue", "zope.event"):
                assert name not in modules, name
                assert f"gevent.{name}" not in modules, name
        """,
    )


def test_what_is_imported_later_is_patched_when_it_is_imported(tmp_path):
    run(
        tmp_path,
        """
    def look():
        import queue, select, selectors, signal, socket, ssl, subprocess
        from gevent import queue as q, select as s, selectors as ss, socket as so, ssl as sl, subprocess as sp
        assert queue.Queue is q.Queue and select.select is s.select and socket.socket is so.socket
        assert selectors.DefaultSelector is ss.DefaultSelector and not hasattr(select, "epoll")
        assert ssl.SSLContext is sl.SSLContext and subprocess.Popen is sp.Popen
        import _threading_local, gevent.thread
        assert _threading_local.local is gevent.thread._local
        assert subprocess.run(["echo", "seen"], stdout=subprocess.PIPE, check=True).stdout == b"seen\\n"
        return True

    def main(context):
        assert ask(look)(context)
    """,
    )


def test_gevents_module_may_be_imported_before_the_standard_librarys(tmp_path):
    run(
        tmp_path,
        """
    def look():
        from gevent import ssl as green_ssl, subprocess as green_subprocess
        import ssl, subprocess
        return ssl.SSLContext is green_ssl.SSLContext and subprocess.Popen is green_subprocess.Popen

    def main(context):
        assert ask(look)(context)
    """,
    )


def test_asking_whether_there_is_a_module_does_not_keep_it_from_being_patched(tmp_path):
    run(
        tmp_path,
        """
    def look():
        import importlib.util
        assert importlib.util.find_spec("ssl") and importlib.util.find_spec("ssl")
        import ssl
        import gevent.ssl
        assert ssl.__spec__.loader is ssl.__loader__ and "gevent" not in type(ssl.__loader__).__module__
        return ssl.SSLContext is gevent.ssl.SSLContext

    def main(context):
        assert ask(look)(context)
    """,
    )


def test_whoever_asks_what_is_patched_is_told_as_if_all_had_been_done_at_once(tmp_path):
    run(
        tmp_path,
        """
    def look():
        import sys
        from gevent import monkey
        original = monkey.get_original("ssl", "SSLContext")
        assert original.__module__ == "ssl", original
        assert monkey.is_module_patched("subprocess") and monkey.is_object_patched("multiprocessing.connection", "wait")
        assert monkey.is_anything_patched()
        return sorted(key for key in monkey.saved if not key.startswith("_gevent"))

    def main(context):
        from gevent import monkey
        there = ask(look)(context)
        here = sorted(key for key in monkey.saved if not key.startswith("_gevent"))
        assert there == here, (there, here)
    """,
    )


def test_grandchildren_are_patched_as_their_grandparent_and_import_as_little(tmp_path):
    run(
        tmp_path,
        """
    def grandchild(connection):
        import sys
        connection.send("ssl" in sys.modules)
        import ssl
        import gevent.ssl
        connection.send(ssl.SSLContext is gevent.ssl.SSLContext)

    def child(connection):
        import multiprocessing, sys
        process = multiprocessing.get_context("spawn").Process(target=grandchild, args=(connection,))
        process.start()
        process.join()
        connection.send("ssl" in sys.modules)

    def main(context):
        here, there = context.Pipe()
        process = context.Process(target=child, args=(there,))
        process.start()
        assert [here.recv(), here.recv(), here.recv()] == [False, True, False]
        process.join()
    """,
    )


def test_sockets_go_between_processes_that_have_not_imported_socket(tmp_path):
    run(
        tmp_path,
        """
    def greet(connection):
        import sys
        assert "socket" in sys.modules
        sock = connection.recv()
        sock.sendall(b"hello")
        connection.send(sock)
        connection.recv()  # a socket is fetched from the process that sent it

    def main(context):
        import socket
        mine, yours = socket.socketpair()
        here, there = context.Pipe()
        process = context.Process(target=greet, args=(there,))
        process.start()
        here.send(yours)
        back = here.recv()
        here.send("got it")
        back.sendall(b" again")
        process.join()
        yours.close()
        back.close()
        mine.settimeout(10)
        data = b""
        while len(data) < 11:
            data += mine.recv(100)
        assert data == b"hello again", data
    """,
    )


def test_the_module_whose_import_begins_the_patching_is_patched_itself(tmp_path):
    """In a child that a Queue is sent to, multiprocessing.queues is the first module that is more than a start."""
    program = tmp_path / "program.py"
    program.write_text(
        "from gevent import monkey; monkey.patch_all(multiprocessing=True)\n"
        "import multiprocessing, sys\n"
        "def child(queue):\n"
        "    get = type(queue).get\n"
        "    queue.put([get.__globals__['__name__'], hasattr(get.__wrapped__, '__wrapped__')])\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    queue = context.Queue()\n"
        "    process = context.Process(target=child, args=(queue,))\n"
        "    process.start()\n"
        "    print(*queue.get(timeout=40))\n"
        "    process.join()\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "gevent.multiprocessing._queues False\n", done.stderr


_IS_PATCHED = {
    "queue": "module.SimpleQueue.__module__.startswith('gevent')",
    "multiprocessing.queues": "'gevent' in module.Queue.get.__code__.co_filename",
    "multiprocessing.managers": "'gevent' in module.BaseProxy._callmethod.__code__.co_filename",
    "multiprocessing.connection": "'gevent' in module.wait.__module__",
    "concurrent.futures._base": "'gevent' in module.Future.done.__code__.co_filename",
}


@pytest.mark.parametrize("name", _IS_PATCHED)
def test_an_import_that_was_interrupted_is_patched_when_it_is_made_again(name):
    """A signal's handler may raise while a module is patched, and after that, until its import is over."""
    run_script(f"""
        import importlib, os, sys, traceback
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)
        assert {name!r} not in sys.modules
        folder = os.path.dirname(monkey.__file__)

        class Late(Exception):
            pass

        def is_interrupted(number):
            left = number

            def interrupt(frame, event, argument):
                nonlocal left
                is_patching = frame.f_code.co_filename.startswith(folder) or frame.f_code.co_name.startswith("change")
                if is_patching and event in ("call", "return"):
                    left -= 1
                    if left == 0:
                        raise Late

            sys.setprofile(interrupt)
            try:
                importlib.import_module({name!r})
            except Late:
                pass
            sys.setprofile(None)
            module = importlib.import_module({name!r})
            assert {_IS_PATCHED[name]}, number
            return left <= 0

        def in_child(number):
            pid = os.fork()
            if pid:
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            status = 2
            try:
                status = 0 if is_interrupted(number) else 1
            except BaseException:
                traceback.print_exc()
            os._exit(status)

        number = 1
        while not (status := in_child(number)):
            number += 1
        assert status == 1 and number > 10, (status, number)
    """)
