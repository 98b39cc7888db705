"""The loop on libuv, where it is not the same as every loop (tests/python/test_loop.py) by construction."""

import os
import signal
import subprocess
import sys
import time

import pytest

from gevent.libuv import loop as libuv

SECONDS = 30


@pytest.fixture
def loop():
    loop = libuv.loop(default=False)
    yield loop
    loop.destroy()


def run(script, **environment):
    """Run `script` with the loop on libuv; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "GEVENT_LOOP": "libuv", **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["libuv", "libuv-cffi"])
def test_the_variable_chooses_it_by_either_name(name):
    out = run(
        "import gevent; from gevent import core; "
        "print(core.loop.__module__, type(gevent.get_hub().loop).__module__, core.get_version())",
        GEVENT_LOOP=name,
    )
    assert out.startswith("gevent.libuv.loop gevent.libuv.loop libuv-1.")


def test_flags_for_libev_are_ignored():
    assert run("import gevent; print(gevent.get_hub().loop.backend)", GEVENT_BACKEND="select") == "default"
    libuv.loop(flags=["nonsense"], default=False).destroy()


def test_the_default_loop_is_shared_but_not_between_engines():
    out = run(
        "from gevent import core, get_hub; from gevent.libev.corecext import loop as libev\n"
        "mine, theirs = get_hub().loop, libev()\n"
        "print(core.loop().ptr == mine.ptr, mine.ptr == theirs.ptr, mine.default, theirs.default)"
    )
    assert out == "True False True True"


def test_the_version_is_that_of_the_library_it_was_built_for():
    assert libuv.get_version() == libuv.get_header_version()
    assert libuv.supported_backends() == []


def test_all_watchers_of_a_descriptor_share_what_is_watched(loop):
    reader, writer = os.pipe()
    try:
        read, write = loop.io(writer, libuv.READ), loop.io(writer, libuv.WRITE)
        shared = read._watcher_ref
        read.start(lambda: None)
        write.start(lambda: None)
        assert shared.events == libuv.READ | libuv.WRITE
        read.close()
        assert shared.events == libuv.WRITE
        write.close()
        assert shared.events == 0
    finally:
        os.close(reader)
        os.close(writer)


def test_an_active_watcher_is_among_the_kept_ones(loop):
    timer = loop.timer(10)
    assert timer not in loop._keepaliveset
    timer.start(lambda: None)
    assert timer in loop._keepaliveset
    timer.stop()
    assert timer not in loop._keepaliveset
    assert object() not in loop._keepaliveset


def test_events_have_no_mark_of_libevs(loop):
    io = loop.io(1, libuv.READ)
    io.events = libuv.WRITE
    assert libuv._events_to_str(io.events) == "WRITE"


def test_watching_leaves_the_descriptor_blocking(loop):
    reader, writer = os.pipe()
    io = loop.io(reader, libuv.READ)
    io.start(lambda: None)
    loop.run(nowait=True)
    assert os.get_blocking(reader)
    io.close()
    os.close(reader)
    os.close(writer)


def test_a_short_sleep_never_ends_early(loop):
    for _ in range(50):
        ended = []
        timer = loop.timer(0.001)
        started = time.perf_counter()
        timer.start(lambda ended=ended: ended.append(time.perf_counter()))
        loop.run()
        assert ended[0] - started >= 0.001


def test_ctrl_c_ends_a_sleep_at_once():
    """libuv itself goes on polling when a signal arrives."""
    script = (
        "import gevent, time\ngevent.get_hub()\nprint('ready', flush=True)\n"
        "try:\n    gevent.sleep(20)\nexcept KeyboardInterrupt:\n    print('interrupted')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "GEVENT_LOOP": "libuv"},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=SECONDS)[0] == "interrupted\n"
        assert time.monotonic() - started < 5


def test_a_forked_child_and_its_parent_go_on_with_loops_of_their_own():
    out = run("""
import os, gevent
from gevent import socket
here, there = socket.socketpair()
gevent.spawn(lambda: there.sendall(b'x'))
assert here.recv(1) == b'x'
pid = os.fork()
if pid == 0:
    here.close()
    one, other = socket.socketpair()
    gevent.spawn_later(0.01, other.sendall, b'y')
    os._exit(0 if one.recv(1) == b'y' else 1)
status = gevent.os.waitpid(pid, 0)[1]
gevent.spawn_later(0.01, there.sendall, b'z')
print(status, here.recv(1))
""")
    assert out == "0 b'z'"


def test_watching_a_file_tells_of_its_making_and_its_end(loop, tmp_path):
    path = tmp_path / "file"
    seen = []
    stat = loop.stat(str(path), interval=0.11)
    stat.start(lambda: seen.append(stat.attr))
    loop.timer(0.05).start(path.touch)
    loop.timer(0.5).start(path.unlink)
    deadline = loop.timer(SECONDS)
    deadline.start(stat.stop)
    while stat.active and (not seen or seen[-1] is not None):
        loop.run(once=True)
    assert seen[0] is not None
    assert seen[-1] is None
    stat.close()
    deadline.close()
