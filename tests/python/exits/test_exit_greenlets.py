"""How a program ends while greenlets, loops, servers, timers, signals' handlers and finalizers are alive in it."""

from endings import GREEN, check_ending, endings

ANYWHERE = {
    "a generator whose finally waits": """
import time
def generate():
    try:
        yield
    finally:
        time.sleep(0.01); print("finally", flush=True)
generator = generate(); next(generator)
print("end", flush=True)
del generator
""",
    "a generator that is left": """
import os
def generate():
    try:
        yield
    finally:
        os.write(1, b"finally\\n")
generator = generate(); next(generator)
os.write(1, b"end\\n")
""",
    "a cycle whose finalizer uses what does not wait": """
import os, queue, threading
class Node:
    def __init__(self):
        self.me, self.lock, self.jobs, self.event = self, threading.Lock(), queue.Queue(), threading.Event()
    def __del__(self):
        with self.lock:
            self.jobs.put(1); assert self.jobs.get() == 1
        self.event.set(); assert self.event.wait(); os.write(1, b"gone\\n")
Node()
print("end", flush=True)
""",
    "weakref.finalize": """
import os, weakref
class Owner: pass
owner = Owner()
weakref.finalize(owner, os.write, 1, b"finalized\\n")
print("end", flush=True)
""",
    "atexit functions of every kind": """
import atexit, os, subprocess, sys, threading, time
def hook():
    time.sleep(0.01)
    subprocess.run(["true"], check=True)
    with open(os.devnull, "w") as file:
        file.write("x")
    print("hook", flush=True)
atexit.register(hook)
@atexit.register
def last():
    import json, decimal
    print(json.dumps("last"), flush=True)
print("end", flush=True)
""",
    "an alarm that is still to come": """
import signal
signal.signal(signal.SIGALRM, lambda number, frame: print("never"))
signal.setitimer(signal.ITIMER_REAL, 1000)
print("end")
""",
    "a ticking timer of signals": """
import signal, threading, time
ticks = []
signal.signal(signal.SIGALRM, lambda number, frame: ticks.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while not ticks:
    time.sleep(0.001)
threading.Thread(target=threading.main_thread().join).start()
print("end")
signal.setitimer(signal.ITIMER_REAL, 0)
""",
    "a handler that waits while the program ends": """
import os, signal, threading, time
def handle(number, frame):
    thread = threading.Thread(target=time.sleep, args=(0.01,)); thread.start(); thread.join()
    print("handled", flush=True)
signal.signal(signal.SIGUSR1, handle)
os.kill(os.getpid(), signal.SIGUSR1)
print("end", flush=True)
""",
    "a handler of an atexit function's own signal": """
import atexit, os, signal, threading, time
handled = threading.Event()
def handle(number, frame):
    time.sleep(0.01); print("handled", flush=True); handled.set()
signal.signal(signal.SIGUSR1, handle)
def hook():
    os.kill(os.getpid(), signal.SIGUSR1); handled.wait(); print("hook", flush=True)
atexit.register(hook)
print("end", flush=True)
""",
    "sockets that listen and talk, closed": """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
def serve():
    try:
        connection, _ = server.accept()
    except OSError:
        return
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)
threading.Thread(target=serve, daemon=True).start()
client = socket.create_connection(server.getsockname())
client.sendall(b"x"); assert client.recv(1) == b"x"
print("end", flush=True)
client.close(); server.close()
""",
    "a selector": """
import selectors, socket
one, other = socket.socketpair()
selector = selectors.DefaultSelector()
selector.register(one, selectors.EVENT_READ)
assert selector.select(0.001) == []
selector.close(); one.close(); other.close()
print("end")
""",
    "a server of socketserver": """
import socket, socketserver, threading
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(10))
server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
with socket.create_connection(server.server_address) as client:
    client.sendall(b"x"); assert client.recv(1) == b"x"
server.shutdown(); server.server_close()
print("end")
""",
    "asyncio": """
import asyncio
async def run():
    await asyncio.sleep(0.01)
    await asyncio.get_running_loop().run_in_executor(None, print, "executor")
asyncio.run(run())
print("end")
""",
    "a context manager that is left by the exit": """
import sys, threading, time
from contextlib import ExitStack
def main():
    with ExitStack() as stack:
        stack.callback(time.sleep, 0.01)
        stack.enter_context(threading.Condition())
        stack.callback(print, "left", flush=True)
        sys.exit(0)
main()
""",
}
EXPECTED = {
    "a generator whose finally waits": "end finally",
    "a generator that is left": "end finally",
    "a cycle whose finalizer uses what does not wait": "end gone",
    "weakref.finalize": "end finalized",
    "atexit functions of every kind": 'end "last" hook',
    "a handler that waits while the program ends": "end handled",
    "a handler of an atexit function's own signal": "end handled hook",
    "asyncio": "end executor",
    "a context manager that is left by the exit": "left",
}
GEVENTS = {
    "greenlets in every wait": """
import gevent, gevent.event, gevent.lock, gevent.queue, gevent.socket, gevent.select
one, other = gevent.socket.socketpair()
condition = gevent.event.Event()
reader = gevent.spawn(one.recv, 1)
for call, arguments in ((condition.wait, ()), (gevent.event.AsyncResult().get, ()), (gevent.queue.Queue().get, ()),
                        (gevent.queue.Channel().put, (1,)), (gevent.lock.BoundedSemaphore(0).acquire, ()),
                        (gevent.sleep, (1000,)), (reader.join, ()), (gevent.select.select, ([other], [], [])),
                        (gevent.queue.JoinableQueue(unfinished_tasks=1).join, ()), (gevent.wait, ([reader],))):
    gevent.spawn(call, *arguments)
gevent.sleep(0)
one.close(); other.close()
print("end")
""",
    "greenlets with finally blocks that wait": """
import gevent
def work():
    try:
        gevent.sleep(1000)
    finally:
        gevent.sleep(1000); print("never")
greenlets = [gevent.spawn(work) for _ in range(10)]
gevent.sleep(0)
print("end")
""",
    "greenlets that spin": """
import gevent
def spin():
    while True:
        gevent.sleep(0)
for _ in range(3):
    gevent.spawn(spin)
gevent.sleep(0)
print("end")
""",
    "bare greenlets, started and not": """
import gevent, greenlet
main = greenlet.getcurrent()
one = greenlet.greenlet(lambda: main.switch()); one.switch()
two = greenlet.greenlet(print)
four = gevent.spawn_later(1000, print); five = gevent.Greenlet(print)
gevent.hub.spawn_raw(gevent.sleep, 1000)
print("end")
""",
    "a pool that is full": """
import gevent, gevent.pool
pool = gevent.pool.Pool(2)
for _ in range(2):
    pool.spawn(gevent.sleep, 1000)
gevent.spawn(pool.spawn, print, "never"); gevent.spawn(pool.join)
gevent.sleep(0)
print("end")
""",
    "watchers of every kind": """
import gevent, gevent.event, os, signal
loop, ticked = gevent.get_hub().loop, gevent.event.Event()
read, write = os.pipe()
ticking = loop.timer(0.001, 0.001); ticking.start(ticked.set)
watchers = [loop.timer(1000), loop.io(read, 1), loop.async_(), loop.prepare(), loop.check(),
            loop.idle(), loop.signal(signal.SIGUSR2), loop.fork(), loop.stat("/")]
for watcher in watchers:
    watcher.start(lambda: None)
ticked.wait()
print("end")
""",
    "timeouts that are pending": """
import gevent
timeouts = [gevent.Timeout.start_new(1000) for _ in range(3)]
gevent.spawn(gevent.with_timeout, 1000, gevent.sleep, 2000)
gevent.sleep(0)
print("end")
""",
    "gevent.signal_handler": """
import gevent, signal
gevent.signal_handler(signal.SIGTERM, print, "never")
gevent.sleep(0)
print("end")
""",
    "a callback that nobody ran": """
import gevent
gevent.get_hub().loop.run_callback(print, "never")
gevent.get_hub().loop.run_callback_threadsafe(print, "never")
print("end")
""",
    "servers that serve, closed": """
import gevent.server, gevent.pywsgi, gevent.socket
def echo(connection, _):
    connection.sendall(connection.recv(10)); gevent.sleep(1000)
server = gevent.server.StreamServer(("127.0.0.1", 0), echo); server.start()
web = gevent.pywsgi.WSGIServer(("127.0.0.1", 0), lambda environ, start: [], log=None); web.start()
datagrams = gevent.server.DatagramServer(("127.0.0.1", 0), print); datagrams.start()
with gevent.socket.create_connection(("127.0.0.1", server.server_port)) as client:
    client.sendall(b"x"); assert client.recv(1) == b"x"
server.stop(0.001); web.stop(); datagrams.stop()
print("end")
""",
    "a hub that was destroyed": """
import gevent
gevent.spawn(gevent.sleep, 1000); gevent.sleep(0)
gevent.get_hub().destroy(destroy_loop=True)
print("end")
""",
    "a hub that was destroyed, and another": """
import gevent
gevent.sleep(0.001); gevent.get_hub().destroy(destroy_loop=True)
gevent.spawn(gevent.sleep, 1000); gevent.sleep(0.001)
print("end")
""",
    "the resolver at work": """
import gevent, gevent.socket
gevent.spawn(gevent.socket.getaddrinfo, "localhost", 80)
gevent.sleep(0)
print("end")
""",
    "a resolver of c-ares at work": """
import gevent, gevent.resolver.ares
resolver = gevent.resolver.ares.Resolver()
gevent.spawn(resolver.getaddrinfo, "localhost", 80)
gevent.sleep(0)
print("end")
""",
    "a file object": """
import gevent.fileobject, os
read, write = os.pipe()
reader = gevent.fileobject.FileObjectPosix(read, "rb"); writer = gevent.fileobject.FileObjectPosix(write, "wb")
reads = gevent.spawn(reader.read, 1)
gevent.sleep(0)
writer.write(b"x"); writer.flush(); assert reads.get() == b"x"
writer.close(); reader.close()
print("end")
""",
    "an import at the end": """
import atexit, gevent
def hook():
    def work():
        import decimal, json.tool, http.client
        print("imported", flush=True)
    gevent.spawn(work).join()
atexit.register(hook)
print("end", flush=True)
""",
    "a backdoor": """
import gevent.backdoor, gevent
server = gevent.backdoor.BackdoorServer(("127.0.0.1", 0)); server.start()
gevent.sleep(0); server.stop()
print("end")
""",
    "gevent.local": """
import gevent, gevent.local, os
class Value:
    def __del__(self):
        os.write(1, b"gone\\n")
values = gevent.local.local(); values.mine = Value()
def work():
    values.mine = Value(); gevent.sleep(1000)
gevent.spawn(work); gevent.sleep(0)
print("end", flush=True)
del values
""",
}
GEVENTS_EXPECTED = {"an import at the end": "end imported", "gevent.local": "end gone gone"}
STATUS = {
    "sys.exit": ("raise SystemExit(9)", 9),
    "sys.exit in a handler": (
        """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(8))
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(1000)
""",
        8,
    ),
    "sys.exit in a handler while main joins": (
        """
import signal, sys, threading, time
signal.signal(signal.SIGALRM, lambda number, frame: sys.exit(8))
thread = threading.Thread(target=time.sleep, args=(1000,), daemon=True); thread.start()
signal.setitimer(signal.ITIMER_REAL, 0.02)
thread.join()
""",
        8,
    ),
    "an end by a signal's default": (
        """
import os, signal, threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(1000)
""",
        -15,
    ),
    "an end by a signal that a handler sends again": (
        """
import os, signal, time
def handle(number, frame):
    time.sleep(0.001)
    signal.signal(number, signal.SIG_DFL); os.kill(os.getpid(), number)
signal.signal(signal.SIGTERM, handle)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(1000)
""",
        -15,
    ),
}
GEVENTS_STATUS = {
    "sys.exit in a greenlet": "import gevent, sys\ngevent.spawn(sys.exit, 4)\ngevent.sleep(1000)",
    "sys.exit in a callback": "import gevent, sys\ngevent.get_hub().loop.run_callback(sys.exit, 4)\ngevent.sleep(1000)",
    "sys.exit in a greenlet while main joins": (
        "import gevent, sys\ngevent.spawn_later(0.001, sys.exit, 4)\ngevent.spawn(gevent.sleep, 1000).join()"
    ),
    "sys.exit in an atexit greenlet's program": (
        "import atexit, gevent, sys\natexit.register(gevent.sleep, 0.001)\ngevent.spawn(sys.exit, 4).join()"
    ),
    "sys.exit in gevent.signal_handler": """
import gevent, os, signal, sys
gevent.signal_handler(signal.SIGTERM, sys.exit, 4)
os.kill(os.getpid(), signal.SIGTERM)
gevent.sleep(1000)
""",
}
WORDS = {
    "an exception in main": (
        """
import threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
raise ValueError("main")
""",
        1,
        "ValueError: main",
    ),
    "KeyboardInterrupt": (
        """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(1000)
""",
        -2,
        "KeyboardInterrupt",
    ),
    "KeyboardInterrupt while main joins": (
        """
import signal, threading, time
thread = threading.Thread(target=time.sleep, args=(1000,), daemon=True); thread.start()
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.02)
thread.join()
""",
        -2,
        "KeyboardInterrupt",
    ),
    "an exception in a handler": (
        """
import os, signal, time
def handle(number, frame):
    raise ValueError("handler")
signal.signal(signal.SIGUSR1, handle)
os.kill(os.getpid(), signal.SIGUSR1)
time.sleep(1000)
""",
        1,
        "ValueError: handler",
    ),
    "an exception in a thread": (
        """
import threading
def work():
    raise ValueError("thread")
threading.Thread(target=work).start()
""",
        0,
        "ValueError: thread",
    ),
    "an exception in an atexit function": (
        """
import atexit, time
def hook():
    time.sleep(0.001)
    raise ValueError("hook")
atexit.register(hook)
""",
        0,
        "ValueError: hook",
    ),
}


@endings(ANYWHERE)
def test_the_end_is_the_standard_librarys(tmp_path, program, world):
    check_ending(tmp_path, world, ANYWHERE[program], EXPECTED.get(program, "end"))


@endings(GEVENTS, GREEN)
def test_what_greenlets_do_is_not_waited_for(tmp_path, program, world):
    check_ending(tmp_path, world, GEVENTS[program], GEVENTS_EXPECTED.get(program, "end"))


@endings(STATUS)
def test_the_status_is_the_programs_own(tmp_path, program, world):
    check_ending(tmp_path, world, STATUS[program][0], "", STATUS[program][1])


@endings(GEVENTS_STATUS, GREEN)
def test_the_status_is_the_greenlets(tmp_path, program, world):
    check_ending(tmp_path, world, GEVENTS_STATUS[program], "", 4)


@endings(WORDS)
def test_an_exception_is_told_once(tmp_path, program, world):
    code, status, last_line = WORDS[program]
    check_ending(tmp_path, world, code, "", status, last_line)
