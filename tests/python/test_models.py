"""Random operations, kills and timeouts, against plain models: no permit, no wake-up, no item is lost.

Each kind of primitive is used by a crowd of greenlets that are killed and timed out at random while they wait or hold.
What the model says must be so at every step (never more holders than permits, each item taken once) and at the end,
when everybody who can be served must have been. The seeds are fixed, so that a failure can be looked at again; the
number of operations is printed.
"""

import re

import pytest
from scripts import run_script

CROWD = """
from gevent import monkey
monkey.patch_all()
import queue, random, sys, threading, time
import gevent, gevent.event, gevent.lock, gevent.queue
from gevent import GreenletExit

made, seeds = sys.argv[1], range(int(sys.argv[2]))
counts = {"operations": 0, "kills": 0, "timeouts": 0}

class Stop(Exception):
    pass

def pause():
    choice = random.random()
    if choice < 0.4:
        gevent.sleep(0)
    elif choice < 0.5:
        gevent.sleep(random.uniform(0, 0.002))

def crowd(use, size=24, rounds=12):
    # Greenlets that use() it, and are killed or timed out meanwhile; comes back when all have ended.
    begun = set()
    def live():
        begun.add(gevent.getcurrent())
        for _ in range(rounds):
            try:
                with gevent.Timeout(random.choice((0, 0.0005, 0.002, None, None))):
                    use()
                    counts["operations"] += 1
                    pause()
            except gevent.Timeout:
                counts["timeouts"] += 1
            except (Stop, GreenletExit):
                counts["kills"] += 1
    alive = [gevent.spawn(live) for _ in range(size)]
    while any(not each.dead for each in alive):
        victim = random.choice(alive)
        if not victim.dead and victim in begun:
            victim.kill(random.choice((Stop, GreenletExit)), block=False)
            if random.random() < 0.3:  # a second one, which meets what the first has begun to undo
                victim.kill(Stop, block=False)
        gevent.sleep(random.choice((0, 0, 0.0005)))
    gevent.joinall(alive, raise_error=True)

def all_served(functions, what):
    # Nobody disturbs these: they must all come to their end.
    greenlets = [gevent.spawn(function) for function in functions]
    gevent.joinall(greenlets, timeout=20, raise_error=True)
    assert all(each.dead for each in greenlets), f"{what}: {sum(not each.dead for each in greenlets)} wait for ever"

def permits(make, count):
    lock, inside = make(), [0]
    def use():
        lock.acquire()
        try:
            inside[0] += 1
            assert inside[0] <= count, f"{inside[0]} have {count} permits"
            pause()
        finally:
            inside[0] -= 1
            lock.release()
    crowd(use)
    all_served([use] * 50, "holders")
    got = 0
    while got <= count and lock.acquire(blocking=False):
        got += 1
    assert got == count, f"{got} permits of {count}"

def reentrant(make):
    lock, owner = make(), [None]
    def use():
        with lock:
            assert owner[0] is None, "two are in"
            owner[0] = gevent.getcurrent()
            try:
                pause()
                with lock:
                    pause()
                    assert owner[0] is gevent.getcurrent()
            finally:
                owner[0] = None
    crowd(use)
    all_served([use] * 50, "holders")
    # Free: another greenlet can have it.
    assert gevent.spawn(lock.acquire, False).get()

def condition(make):
    cond, items, taken, put = make(), [], [], [0]
    def consume():
        with cond:
            while not items:
                cond.wait(random.choice((None, None, 0.001)))
            taken.append(items.pop())
    def produce():
        with cond:
            put[0] += 1
            items.append(put[0])
            cond.notify()  # one only: a lost one leaves a consumer asleep
    def use():
        (consume if random.random() < 0.6 else produce)()
    crowd(use)
    consumers = [consume] * 30
    def feed():
        for _ in range(30):
            produce()
            pause()
    all_served(consumers + [feed], "consumers")
    assert sorted(taken + items) == list(range(1, put[0] + 1)), "each item once"
    assert not cond._waiters
    if not isinstance(cond._lock, type(threading.RLock())):
        assert cond.acquire(blocking=False)

def event(make):
    flag = make()
    def use():
        choice = random.random()
        if choice < 0.15:
            flag.set()
        elif choice < 0.3:
            flag.clear()
        else:
            flag.wait()
    setter = gevent.spawn(lambda: [(flag.set(), gevent.sleep(0.001), flag.clear()) for _ in range(10**6)])
    crowd(use)
    setter.kill()
    flag.clear()
    waiters = [flag.wait] * 30
    all_served([*waiters, flag.set], "waiters")

def barrier(make):
    def use():
        try:
            wall[0].wait(random.choice((None, None, 0.001)))
        except threading.BrokenBarrierError:
            if random.random() < 0.5:
                wall[0].reset()
    wall = [make()]
    helper = gevent.spawn(lambda: [(gevent.sleep(0.001), wall[0].abort(), wall[0].reset()) for _ in range(10**6)])
    crowd(use)
    helper.kill()
    wall[0].reset()
    assert wall[0].n_waiting == 0
    all_served([wall[0].wait] * 9, "parties")

def items(make, tracked):
    q, put, got, number = make(), [], [], [0]
    def use():
        if random.random() < 0.5:
            number[0] += 1
            mine = number[0]
            q.put(mine)
            put.append(mine)
        else:
            got.append(q.get())
            if tracked:
                q.task_done()
    crowd(use)
    def drain():
        while True:
            try:
                got.append(q.get(timeout=0.05))
            except queue.Empty:
                return
            if tracked:
                q.task_done()
    all_served([drain] * 3, "getters")
    # A put that was interrupted may have happened, or not; nothing else is missing, nothing came twice.
    assert len(set(got)) == len(got), "an item came twice"
    assert set(put) <= set(got), f"lost: {sorted(set(put) - set(got))}"
    if tracked:
        all_served([q.join], "joiners")

def threads(make):
    living = [threading.Thread(target=time.sleep, args=(3600,), daemon=True) for _ in range(3)]
    go = threading.Event()
    ending = [threading.Thread(target=go.wait) for _ in range(5)]
    for each in living + ending:
        each.start()
    def use():
        thread = random.choice(living + ending)
        if random.random() < 0.5:
            thread.join(random.choice((None, 0.001)))
        else:
            assert thread.is_alive()
    crowd(use)
    assert all(each.is_alive() for each in living + ending)
    go.set()
    all_served([each.join for each in ending], "those who join")
    assert not any(each.is_alive() for each in ending) and all(each.is_alive() for each in living)

MODELS = {
    "threading.Lock": lambda: permits(threading.Lock, 1),
    "threading.Semaphore": lambda: permits(lambda: threading.Semaphore(3), 3),
    "threading.BoundedSemaphore": lambda: permits(lambda: threading.BoundedSemaphore(2), 2),
    "gevent.lock.Semaphore": lambda: permits(lambda: gevent.lock.Semaphore(3), 3),
    "gevent.lock.BoundedSemaphore": lambda: permits(lambda: gevent.lock.BoundedSemaphore(2), 2),
    "threading.RLock": lambda: reentrant(threading.RLock),
    "gevent.lock.RLock": lambda: reentrant(gevent.lock.RLock),
    "threading.Condition": lambda: condition(threading.Condition),
    "threading.Condition(Lock)": lambda: condition(lambda: threading.Condition(threading.Lock())),
    "threading.Event": lambda: event(threading.Event),
    "gevent.event.Event": lambda: event(gevent.event.Event),
    "threading.Barrier": lambda: barrier(lambda: threading.Barrier(3)),
    "queue.Queue": lambda: items(lambda: queue.Queue(3), True),
    "queue.LifoQueue": lambda: items(lambda: queue.LifoQueue(3), True),
    "queue.PriorityQueue": lambda: items(lambda: queue.PriorityQueue(3), True),
    "queue.Queue with a mutex": lambda: items(with_mutex, True),
    "queue.SimpleQueue": lambda: items(queue.SimpleQueue, False),
    "gevent.queue.Queue": lambda: items(gevent.queue.Queue, True),
    "gevent.queue.Channel": lambda: items(gevent.queue.Channel, False),
    "threading.Thread": lambda: threads(None),
}

def with_mutex():
    made = queue.Queue(3)
    made.mutex
    return made

for seed in seeds:
    random.seed(seed)
    try:
        MODELS[made]()
    except AssertionError as error:
        print(f"{made}, seed {seed}: {error}")
        sys.exit(1)
print(f"{made}: {len(seeds)} seeds, {counts}")
sys.stdout.flush()
import os
os._exit(0)
"""

KINDS = re.findall(r'^    "(.*?)": lambda:', CROWD, re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_crowd_that_is_killed_and_timed_out_loses_nothing(kind):
    print(run_script(CROWD, kind, 5).stdout)
