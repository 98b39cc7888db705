"""asyncio in a patched program: its loop waits as greenlets do; threads, which are greenlets, tell it what they did.

Nothing here lets the loop wake by itself: no timer runs while it waits for others.
"""

import pytest
from scripts import run_script

BEFORE_OR_AFTER = {
    "imported before": "import asyncio\nfrom gevent import monkey; monkey.patch_all()\n",
    "imported after": "from gevent import monkey; monkey.patch_all()\nimport asyncio\n",
}


@pytest.fixture(params=list(BEFORE_OR_AFTER))
def patching(request):
    return BEFORE_OR_AFTER[request.param]


def run(patching, code):
    assert run_script(patching + code).stdout == "done\n"


def test_a_loop_hears_of_what_threads_have_done(patching):
    run(
        patching,
        """
import threading
from concurrent.futures import ThreadPoolExecutor

def square(x):
    return x * x

def fail():
    raise KeyError("told")

def when_the_loop_waits(call, *args):
    # What the loop does last before it waits; whoever is told so runs when it does.
    waits = threading.Event()
    asyncio.get_running_loop().call_soon(waits.set)

    def work():
        assert waits.wait(30)
        return call(*args)
    return work

async def main():
    loop = asyncio.get_running_loop()
    assert await asyncio.to_thread(when_the_loop_waits(square, 3)) == 9
    assert await loop.run_in_executor(None, when_the_loop_waits(square, 4)) == 16
    with ThreadPoolExecutor(2) as executor:
        squares = [loop.run_in_executor(executor, when_the_loop_waits(square, i)) for i in range(6)]
        assert await asyncio.gather(*squares) == [0, 1, 4, 9, 16, 25]
        try:
            await loop.run_in_executor(executor, when_the_loop_waits(fail))
        except KeyError as error:
            assert error.args == ("told",)
        else:
            raise AssertionError("not told")

asyncio.run(main())
print("done")
""",
    )


def test_a_thread_has_a_coroutine_run_by_the_loop_and_can_cancel_it(patching):
    run(
        patching,
        """
import threading

async def answer():
    return 42

async def main():
    loop, began, ended = asyncio.get_running_loop(), threading.Event(), asyncio.Event()
    answers = []

    async def forever():
        began.set()
        try:
            await loop.create_future()
        finally:
            ended.set()

    def thread():
        answers.append(asyncio.run_coroutine_threadsafe(answer(), loop).result(30))
        endless = asyncio.run_coroutine_threadsafe(forever(), loop)
        assert began.wait(30)
        assert endless.cancel()

    it = threading.Thread(target=thread)
    it.start()
    await ended.wait()
    it.join()
    assert answers == [42]

asyncio.run(main())
print("done")
""",
    )


def test_greenlets_run_while_a_loop_waits(patching):
    run(
        patching,
        """
import gevent

async def main():
    loop = asyncio.get_running_loop()
    told = loop.create_future()
    worker = gevent.spawn(lambda: loop.call_soon_threadsafe(told.set_result, gevent.getcurrent()))
    assert await told is worker

    async def echo(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"a line\\n")
    assert await reader.readline() == b"a line\\n"
    writer.close()
    server.close()

asyncio.run(main())
print("done")
""",
    )
