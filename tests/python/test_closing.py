"""A descriptor is closed while a greenlet waits for it: that one hears of it, and nothing else comes to harm.

In processes of their own, which would be aborted if an engine met the closed descriptor.
"""

import pytest
from scripts import run_script

# Prints what became of the wait: "raised OSError 9", "returned ...".
SCRIPT = """
    import os, sys
    how, closing, patched = sys.argv[1:]
    if patched == "patched":
        from gevent import monkey
        monkey.patch_all()
    import gevent
    import gevent.os
    from gevent import select, selectors, socket
    from gevent.event import AsyncResult
    from gevent.fileobject import FileObject

    one, other = socket.socketpair()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    hub = gevent.get_hub()
    fd, owner = one.fileno(), one
    listener = None

    def poll(events):
        poller = select.poll()
        poller.register(fd, *events)
        return poller.poll()

    def select_with(selector):
        selector.register(fd, selectors.EVENT_READ)
        return selector.select()

    def wait_for_callback():
        called = AsyncResult()
        watcher = hub.loop.io(fd, 1)
        watcher.start(called.set, "called")
        return called.get()

    if how == "file":
        fd, owner = reading, FileObject(reading, "rb")
    elif how in ("nb_read", "read"):
        fd, owner = reading, None
    elif how == "accept":
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        fd, owner = listener.fileno(), listener

    waits = {
        "recv": lambda: one.recv(1),
        "recvfrom": lambda: one.recvfrom(1),
        "sendall": lambda: one.sendall(bytes(10_000_000)),
        "accept": lambda: listener.accept(),
        "read_event": lambda: socket.wait(one._read_event),
        "wait_read": lambda: socket.wait_read(fd),
        "wait_readwrite": lambda: (one.setblocking(False), fill(), socket.wait_write(fd)),
        "nb_read": lambda: gevent.os.nb_read(reading, 1),
        "read": lambda: os.read(reading, 1),
        "file": lambda: owner.read(1),
        "select": lambda: select.select([fd], [], []),
        "poll": lambda: poll([1]),
        "poll for urgent data": lambda: poll([select.POLLIN | select.POLLPRI]),
        "select that pauses": lambda: (other.close(), select.select([], [], [fd])),
        "selector": lambda: select_with(selectors.DefaultSelector()),
        "callback": wait_for_callback,
    }

    def fill():
        try:
            while True:
                one.send(bytes(100_000))
        except BlockingIOError:
            pass

    def wait():
        try:
            return "returned", waits[how]()
        except OSError as error:
            return "raised", error.errno

    waiting = gevent.spawn(wait)
    gevent.sleep(0.001)
    assert not waiting.ready()
    if closing == "object":
        owner.close()
    else:
        (os if patched == "patched" else gevent.os).close(fd)
        if closing == "reused":
            assert os.open("/dev/null", os.O_RDONLY) == fd
    waiting.join(timeout=10)
    ticks = [gevent.sleep(0.001) for _ in range(5)]  # the loop has forgotten it
    outcome, value = waiting.value or ("still", "waiting")
    print(outcome, value if outcome == "raised" else "")
    sys.stdout.flush()
    os._exit(0)  # what was closed behind its owner's back would be closed again
"""

RAISES = "raised 9\n"
# What the standard library's own functions, and callbacks, have to say is not an error.
RETURNS = "returned \n"

OBJECTS = [("recv", RAISES), ("recvfrom", RAISES), ("sendall", RAISES), ("accept", RAISES), ("read_event", RAISES)]
OBJECTS += [("file", RAISES), ("wait_read", RAISES), ("wait_readwrite", RAISES)]
OBJECTS += [(how, RETURNS) for how in ("select", "poll", "poll for urgent data", "selector", "callback")]
OBJECTS += [("select that pauses", RETURNS)]
NUMBERS = [(how, RETURNS if how == "read_event" else outcome) for how, outcome in OBJECTS] + [("nb_read", RAISES)]


@pytest.mark.parametrize("loop", ["libev", "libuv"])
@pytest.mark.parametrize(("how", "outcome"), OBJECTS)
def test_closing_an_object_ends_all_waits_for_its_descriptor(how, outcome, loop):
    assert run_script(SCRIPT, how, "object", "", env={"GEVENT_LOOP": loop}).stdout == outcome


@pytest.mark.parametrize("loop", ["libev", "libuv"])
@pytest.mark.parametrize(("how", "outcome"), NUMBERS)
@pytest.mark.parametrize("patched", ["", "patched"])
def test_closing_a_number_ends_all_waits_for_it(how, outcome, patched, loop):
    assert run_script(SCRIPT, how, "number", patched, env={"GEVENT_LOOP": loop}).stdout == outcome


@pytest.mark.parametrize("loop", ["libev", "libuv"])
@pytest.mark.parametrize("how", ["wait_read", "nb_read", "file"])
def test_who_waits_does_not_take_the_next_file_of_that_number_for_its_own(how, loop):
    assert run_script(SCRIPT, how, "reused", "", env={"GEVENT_LOOP": loop}).stdout == RAISES


@pytest.mark.parametrize("loop", ["libev", "libuv"])
@pytest.mark.parametrize("how", ["select", "poll", "poll for urgent data"])
def test_select_ends_although_the_number_stands_for_another_file(how, loop):
    assert run_script(SCRIPT, how, "reused", "", env={"GEVENT_LOOP": loop}).stdout == RETURNS
