"""Where a sandbox refuses a call of the system that a kernel of these days has (old container runtimes, seccomp): what
gevent uses instead.
"""

import platform
import sys
import textwrap

import pytest
from scripts import run_command

#: Their numbers, by machine.
CALLS = {
    "x86_64": {"eventfd2": 290, "memfd_create": 319, "pidfd_open": 434, "preadv2": 327},
    "aarch64": {"eventfd2": 19, "memfd_create": 279, "pidfd_open": 434, "preadv2": 286},
}
NUMBERS = CALLS.get(platform.machine(), {})

PROGRAM = """
    import ctypes, errno, os, struct, sys

    number, error = int(sys.argv[1]), getattr(errno, sys.argv[2])

    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    # Load the call's number; if it is the one, refuse with the error, else allow.
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | error), (0x06, 0, 0, 0x7FFF0000)]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)
    if libc.prctl(22, 2, ctypes.byref(Program(len(steps), ctypes.cast(buffer, ctypes.c_void_p)))):
        print("no seccomp here", os.strerror(ctypes.get_errno()))
        sys.exit()

    from gevent import monkey
    monkey.patch_all(multiprocessing=True)
    import multiprocessing, socket, tempfile, threading
    import gevent

    def tell(queue, lock, number):
        with lock:
            queue.put(number)

    def main():
        for method in "fork", "forkserver", "spawn":
            context = multiprocessing.get_context(method)
            queue, lock = context.Queue(), context.Lock()
            process = context.Process(target=tell, args=(queue, lock, 7))
            process.start()
            assert queue.get(timeout=30) == 7
            process.join(30)
            assert process.exitcode == 0
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(abs, range(-9, 0)) == list(range(9, 0, -1))
        assert gevent.get_hub().threadpool.apply(abs, (-3,)) == 3
        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
        peer.sendall(b"abc")
        assert client.recv(9) == b"abc"
        with gevent.fileobject.FileObject(tempfile.TemporaryFile(), "r+b") as file:
            file.write(b"x" * 100_000)
            file.seek(0)
            assert len(file.read()) == 100_000
        assert gevent.subprocess.call([sys.executable, "-c", "raise SystemExit(5)"]) == 5
        print("well")

    if __name__ == "__main__":
        import gevent.fileobject, gevent.subprocess
        main()
"""


ENGINES = [(call, loop) for call in sorted(CALLS["x86_64"]) for loop in ("libev", "libuv")]
ENGINES.remove(("eventfd2", "libuv"))  # which has its own, and nothing else


@pytest.mark.skipif(not NUMBERS, reason="the calls' numbers are known for x86_64 and aarch64 only")
@pytest.mark.parametrize(("call", "loop"), ENGINES)
@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
def test_a_call_of_the_system_that_is_refused_is_done_without(tmp_path, loop, call, error):
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    program = [sys.executable, str(tmp_path / "program.py"), str(NUMBERS[call]), error]
    done = run_command(program, {"GEVENT_LOOP": loop}, 60)
    if "no seccomp" in done.stdout:
        pytest.skip(done.stdout)
    assert (done.stdout, done.stderr) == ("well\n", "")
