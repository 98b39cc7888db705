"""A wait that has no time is over at once where nobody can be let run: in the hub, its callbacks and finalizers."""

import pytest
from scripts import run_script

WAITS = """
from gevent import monkey
monkey.patch_all(multiprocessing=True)
import concurrent.futures, gc, multiprocessing, multiprocessing.connection, os, queue, select, selectors, socket
import subprocess, sys, threading, time, traceback
import gevent, gevent.event, gevent.lock, gevent.pool, gevent.queue, gevent.socket

def nothing(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind:
        return
    raise AssertionError("there is something")

def equal(got, expected):
    assert got == expected, (got, expected)

def within(condition, call):
    with condition:
        return call()

sleeper, ended = gevent.spawn(gevent.sleep, 3600), gevent.spawn(int)
ended.join()
thread = threading.Thread(target=time.sleep, args=(3600,), daemon=True); thread.start()
quiet, other = socket.socketpair()
readable, writer = socket.socketpair(); writer.send(b"x")
taken, condition, full = threading.Lock(), threading.Condition(), queue.Queue(1)
taken.acquire(); full.put(1)
future, result = concurrent.futures.Future(), gevent.event.AsyncResult()
pool = gevent.pool.Pool(1); pool.spawn(gevent.sleep, 3600)
unfinished, channel = gevent.queue.JoinableQueue(unfinished_tasks=1), gevent.queue.Channel()
context = multiprocessing.get_context("fork")
between, reader = context.Queue(), context.Pipe(False)
child, process = subprocess.Popen(["sleep", "3600"]), context.Process(target=time.sleep, args=(3600,))
process.start()
polling, selector = select.poll(), selectors.DefaultSelector()
polling.register(readable, select.POLLIN); selector.register(readable, selectors.EVENT_READ)

WAITS = {
    "Thread.join": lambda: thread.join(0),
    "Thread.join of less than nothing": lambda: thread.join(-1),
    "Lock.acquire": lambda: equal(taken.acquire(timeout=0), False),
    "Semaphore.acquire": lambda: equal(threading.Semaphore(0).acquire(timeout=0), False),
    "Condition.wait": lambda: equal(within(condition, lambda: condition.wait(0)), False),
    "Condition.wait_for": lambda: equal(within(condition, lambda: condition.wait_for(int, 0)), False),
    "Event.wait": lambda: equal(threading.Event().wait(0), False),
    "Queue.get": lambda: nothing(queue.Empty, queue.Queue().get, timeout=0),
    "Queue.put": lambda: nothing(queue.Full, full.put, 2, timeout=0),
    "SimpleQueue.get": lambda: nothing(queue.Empty, queue.SimpleQueue().get, timeout=0),
    "Future.result": lambda: nothing(concurrent.futures.TimeoutError, future.result, 0),
    "futures.wait": lambda: equal(concurrent.futures.wait([future], 0).done, set()),
    "AsyncResult.get": lambda: nothing(gevent.Timeout, result.get, timeout=0),
    "AsyncResult.wait": lambda: equal(result.wait(0), None),
    "gevent's Semaphore.wait": lambda: equal(gevent.lock.Semaphore(0).wait(0), 0),
    "gevent's Queue.peek": lambda: nothing(queue.Empty, gevent.queue.Queue().peek, timeout=0),
    "Channel.get": lambda: nothing(queue.Empty, channel.get, timeout=0),
    "Channel.put": lambda: nothing(queue.Full, channel.put, 1, timeout=0),
    "JoinableQueue.join": lambda: equal(unfinished.join(0), False),
    "Greenlet.join": lambda: sleeper.join(0),
    "Greenlet.get": lambda: nothing(gevent.Timeout, sleeper.get, timeout=0),
    "gevent.wait": lambda: equal(gevent.wait([sleeper, ended], 0), [ended]),
    "gevent.wait for one": lambda: equal(gevent.wait([sleeper, ended], 0, 1), [ended]),
    "gevent.iwait": lambda: equal(list(gevent.iwait([sleeper], -1)), []),
    "gevent.joinall": lambda: equal(gevent.joinall([sleeper, ended], 0), [ended]),
    "Pool.join": lambda: equal(pool.join(0), False),
    "Pool.wait_available": lambda: pool.wait_available(0),
    "select": lambda: equal(select.select([readable, quiet], [], [], 0)[0], [readable]),
    "poll": lambda: equal(polling.poll(0), [(readable.fileno(), select.POLLIN)]),
    "a selector": lambda: equal(len(selector.select(0)), 1),
    "wait_read": lambda: nothing(TimeoutError, gevent.socket.wait_read, quiet.fileno(), 0),
    "wait_read of what is there": lambda: gevent.socket.wait_read(readable.fileno(), 0),
    "sleep": lambda: time.sleep(0),
    "Popen.wait": lambda: nothing(subprocess.TimeoutExpired, child.wait, 0),
    "multiprocessing's Queue.get": lambda: nothing(queue.Empty, between.get, timeout=0),
    "multiprocessing's Event.wait": lambda: equal(context.Event().wait(0), False),
    "multiprocessing's Semaphore": lambda: equal(context.Semaphore(0).acquire(timeout=0), False),
    "Connection.poll": lambda: equal(reader[0].poll(0), False),
    "connection.wait": lambda: equal(multiprocessing.connection.wait([reader[0]], 0), []),
    "Process.join": lambda: process.join(0),
}

def run_all(fault=[]):
    for name, wait in WAITS.items():
        try:
            wait()
        except BaseException:
            fault.append(name + "\\n" + traceback.format_exc())
    return "\\n".join(fault)

class Last:
    def __del__(self):
        results.append(run_all())

results, hub, done = [], gevent.get_hub(), gevent.event.Event()

def collect():
    cycle = Last(); cycle.me = cycle; del cycle
    gc.collect()

def call(function):
    function(); done.set()
"""
PLACES = {
    "a callback": "hub.loop.run_callback(call, lambda: results.append(run_all())); done.wait()",
    "a timer": "with hub.loop.timer(0) as timer: timer.start(call, lambda: results.append(run_all())); done.wait()",
    "a finalizer": "hub.loop.run_callback(call, collect); done.wait()",
    "a link": "ended.rawlink(lambda _: results.append(run_all()) or done.set()); done.wait()",
    "a greenlet": "results.append(run_all())",
}
END = """
process.kill(); process.join(); child.kill(); child.wait()
assert results == [""], results[0]
"""


@pytest.mark.parametrize("place", PLACES)
def test_a_wait_without_time_is_over_at_once(place):
    run_script(WAITS + PLACES[place] + END)


def test_others_still_get_a_turn_where_they_can():
    """Programs that only ask `event.wait(0)` in a greenlet rely on that."""
    run_script(
        """
        from gevent import monkey; monkey.patch_all()
        import threading, gevent
        event = threading.Event()
        gevent.spawn(event.set)
        event.wait(0)
        assert event.is_set()
        """
    )
