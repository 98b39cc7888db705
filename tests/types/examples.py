"""gevent as a typed program uses it. mypy and pyright read it; run as a program, it does what it says.

`assert_type` holds that a type checker sees this type and no other. Where it must object stands an `ignore` of exactly
that objection, which is itself an error if there is nothing to ignore.
"""

from __future__ import annotations

import io
import multiprocessing.pool
import os
import signal
import socket as stdlib_socket
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import gevent
from gevent import monkey, pywsgi, server, socket, subprocess
from gevent.event import AsyncResult, Event
from gevent.fileobject import FileObjectPosix
from gevent.hub import Hub
from gevent.local import local
from gevent.lock import BoundedSemaphore, RLock, Semaphore
from gevent.pool import Group, Pool
from gevent.processpool import ProcessPool, Task
from gevent.queue import Channel, JoinableQueue, PriorityQueue, Queue, SimpleQueue
from gevent.threadpool import ThreadPool

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

if sys.version_info >= (3, 11):
    from typing import assert_type
elif TYPE_CHECKING:
    from typing_extensions import assert_type
else:

    def assert_type(value, kind):
        return value


def add(one: int, other: int) -> str:
    return str(one + other)


def twice(number: int) -> int:
    return 2 * number


def greenlets() -> None:
    greenlet = gevent.spawn(add, 1, 2)
    assert assert_type(greenlet.get(), str) == "3"
    assert_type(greenlet.value, "str | None")
    assert_type(greenlet.exception, "BaseException | None")
    greenlet.link(lambda done: print(done.value))
    later = gevent.spawn_later(0.001, add, one=1, other=2)
    done = gevent.joinall([greenlet, later], timeout=10, raise_error=True)
    assert [each.get() for each in done] == ["3", "3"]
    for each in gevent.iwait([greenlet, later], timeout=10):
        assert_type(each.successful(), bool)
    if TYPE_CHECKING:
        gevent.spawn(add, 1, "2")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
        gevent.sleep("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Counter(gevent.Greenlet[[], int]):
    def __init__(self, up_to: int) -> None:
        super().__init__()
        self.up_to = up_to

    def _run(self) -> int:
        return sum(1 for _ in range(self.up_to))


def subclasses() -> None:
    counter = Counter(3)
    counter.start()
    assert assert_type(counter.get(timeout=10), int) == 3


def timeouts() -> None:
    with gevent.Timeout(0.001, False) as timeout:
        gevent.sleep(10)
    assert_type(timeout.seconds, "float | None")
    found = gevent.with_timeout(0.001, gevent.sleep, 10, timeout_value="late")
    assert found == "late"
    assert assert_type(gevent.with_timeout(10, add, 1, 2), str) == "3"


def waiting() -> None:
    event = Event()
    result: AsyncResult[int] = AsyncResult()
    gevent.spawn(event.set)
    gevent.spawn(result.set, 3)
    assert event.wait(10)
    assert assert_type(result.get(timeout=10), "int | None") == 3
    ready = gevent.wait([event, result], timeout=10, count=2)
    assert len(ready) == 2
    semaphore, bounded, lock = Semaphore(2), BoundedSemaphore(1), RLock()
    with semaphore, bounded, lock:
        assert assert_type(semaphore.acquire(timeout=0.1), bool)
    if TYPE_CHECKING:
        result.set("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def queues() -> None:
    queue: Queue[int] = Queue(maxsize=10)
    queue.put(1, timeout=1)
    assert assert_type(queue.get(), int) == 1
    simple: SimpleQueue[str] = SimpleQueue(items=["a", "b"])
    assert assert_type(simple.peek(), str) == "a"
    ordered: PriorityQueue[tuple[int, str]] = PriorityQueue()
    ordered.put((2, "two"))
    joinable: JoinableQueue[bytes] = JoinableQueue()
    assert joinable.join(timeout=1)
    channel: Channel[float] = Channel()
    gevent.spawn(channel.put, 1.5)
    assert assert_type(channel.get(timeout=10), float) == 1.5
    if TYPE_CHECKING:
        queue.put("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def pools() -> None:
    pool, group = Pool(2), Group()
    assert assert_type(pool.map(twice, range(3)), "list[int]") == [0, 2, 4]
    for text in pool.imap(add, [1, 2], [3, 4]):
        assert_type(text, str)
    assert assert_type(group.spawn(add, 1, 2).get(), str) == "3"
    assert assert_type(group.apply(add, (1, 2)), str) == "3"
    assert pool.join(timeout=10)
    threads = ThreadPool(1)
    assert assert_type(threads.spawn(add, 1, 2).get(), "str | None") == "3"
    assert assert_type(threads.apply(twice, (2,)), int) == 4
    threads.kill()


def processes() -> None:
    with ProcessPool(1, timeout=60) as pool:
        task = pool.spawn(add, 1, 2)
        assert_type(task, "Task[str]")
        assert assert_type(task.get(), str) == "3"
        assert assert_type(pool.map(twice, [1, 2]), "list[int]") == [2, 4]
        for number in pool.imap_unordered(twice, range(3)):
            assert_type(number, int)
        if TYPE_CHECKING:
            pool.spawn(add, 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def unpatched_multiprocessing() -> None:
    from gevent import multiprocessing
    from gevent.multiprocessing.pool import Pool as PoolOfProcesses

    with multiprocessing.Pool(1) as pool:
        assert_type(pool, multiprocessing_pool)
        assert assert_type(pool.map(twice, [1, 2]), "list[int]") == [2, 4]
        assert isinstance(pool, PoolOfProcesses)
    reader, writer = multiprocessing.Pipe(duplex=False)
    writer.send("here")
    assert reader.recv() == "here"


if TYPE_CHECKING:
    multiprocessing_pool = multiprocessing.pool.Pool
else:
    multiprocessing_pool = object


def sockets() -> None:
    def echo(connection: socket.socket, address: tuple[str, int]) -> None:
        connection.sendall(connection.recv(100))

    assert server.StreamServer(("127.0.0.1", 0), echo, processes=2).processes == 2
    with server.StreamServer(("127.0.0.1", 0), echo, spawn=10) as serving:
        serving.start()
        assert serving.server_port is not None
        with socket.create_connection(("127.0.0.1", serving.server_port), timeout=10) as client:
            client.sendall(b"here")
            assert assert_type(client.recv(100), bytes) == b"here"
    one, other = socket.socketpair()
    socket.wait_write(one.fileno(), timeout=1)
    standard: stdlib_socket.socket = one  # each is taken where the other is
    standard.close()
    other.close()


def web() -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"here"]

    serving = pywsgi.WSGIServer(
        ("127.0.0.1", 0), application, log=None, head_timeout=5, connections_max=100, trusted_proxies=["10.0.0.0/8"]
    )
    serving.body_size_max = 1_000_000
    serving.processes = None
    serving.start()
    serving.stop(timeout=1)


def files() -> None:
    read_end, write_end = os.pipe()
    with FileObjectPosix(write_end, "wb") as writer:
        assert_type(writer, "FileObjectPosix[io.BufferedWriter, bytes]")
        writer.io.write(b"line\n")
    with FileObjectPosix(read_end, "r", encoding="ascii") as reader:
        assert_type(reader, "FileObjectPosix[io.TextIOWrapper, str]")
        assert [assert_type(line, str) for line in reader] == ["line\n"]
    done = subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True, check=True)
    assert assert_type(done.stdout, str) == "1\n"


def hubs() -> None:
    hub = gevent.get_hub()
    assert_type(hub, Hub)
    assert_type(hub.threadpool, ThreadPool)
    timer = hub.loop.timer(0.001)
    event = Event()
    timer.start(event.set)
    event.wait(10)
    timer.close()
    gevent.config.max_blocking_time = 0.5
    assert_type(gevent.config.max_blocking_time, float)
    handler = gevent.signal_handler(signal.SIGUSR1, print, "signalled")
    handler.cancel()


def locals_of_greenlets() -> None:
    class Request(local):
        user: str = "nobody"

    request = Request()
    request.user = "somebody"
    assert gevent.spawn(lambda: request.user).get() == "nobody"


def patching() -> None:
    assert_type(monkey.is_module_patched("socket"), bool)
    if TYPE_CHECKING:
        monkey.patch_all(multiprocessing=True, thread=False)
        monkey.patch_all(multiprocessing="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def keeps(value: Any) -> Task[Any] | io.BytesIO | None:
    """For names that are only spelled in texts above."""
    return value if isinstance(value, Task | io.BytesIO) else None


if __name__ == "__main__":
    for example in (
        greenlets,
        subclasses,
        timeouts,
        waiting,
        queues,
        pools,
        processes,
        unpatched_multiprocessing,
        sockets,
        web,
        files,
        hubs,
        locals_of_greenlets,
        patching,
    ):
        example()
    print("all of it")
