"""What the soak does, each a function ``(context, rng, tally)`` that returns when all is accounted for.

Who may be killed when is chosen so that the standard library would survive it: a process that dies while it reads from,
or writes to, a stream that others use leaves them with half a message, or a lock, there as here. So SIGKILL and SIGTERM
go to processes with a stream of their own, to workers of an executor, which breaks for all of them, and to clients of a
manager, whose connections are theirs. All others are only stopped and continued.
"""

import concurrent.futures
import os
import queue
import signal
from concurrent.futures.process import BrokenProcessPool

from traffic import call_disturbed, check, disturb_processes, message, size

import gevent

__all__ = ["SCENARIOS"]

GONE = (EOFError, BrokenPipeError, ConnectionResetError, ConnectionRefusedError)


def _end(processes, signals=(0,)):
    for process in processes:
        process.join(120)
        assert process.exitcode is not None, f"{process} does not end"
        assert -process.exitcode in signals, f"{process} ended with {process.exitcode}"
        process.close()


# --- queues: several on each side, none of them lost or doubled -----------------------------------------------------


def _produce(to, source, sizes):
    for number, length in enumerate(sizes):
        to.put(message(source, number, length))


def _consume(of, report):
    while True:
        received = of.get()
        if received is None:
            report.send(None)
            return
        report.send(check(received))


def queues(context, rng, tally):
    """Producers and consumers in several processes, and greenlets of this one that are disturbed, on one queue."""
    kind = rng.choice(("Queue", "bounded", "JoinableQueue", "SimpleQueue"))
    shared = context.Queue(3) if kind == "bounded" else getattr(context, kind)()
    sizes = {source: [size(rng) for _ in range(rng.randint(1, 12))] for source in range(rng.randint(1, 3))}
    producers = [context.Process(target=_produce, args=(shared, source, each)) for source, each in sizes.items()]
    pipes = [context.Pipe(False) for _ in range(rng.randint(0, 2))]
    consumers = [context.Process(target=_consume, args=(shared, there)) for _, there in pipes]
    for process in (*producers, *consumers):
        process.start()
    for _, there in pipes:
        there.close()
    seen = []

    def listen(here):
        for received in iter(here.recv, None):
            seen.append(received)

    def consume():
        while True:
            seen.append(check(call_disturbed(rng, tally, shared.get)))

    mine = [gevent.spawn(consume) for _ in range(rng.randint(0 if pipes else 1, 2))]
    listening = [gevent.spawn(listen, here) for here, _ in pipes]
    chaos = gevent.spawn(disturb_processes, rng, tally, [*producers, *consumers])
    sent = {(source, number) for source, each in sizes.items() for number in range(len(each))}
    if kind != "SimpleQueue":
        # A greenlet whose put() was given up has put nothing, so that it may put it again.
        for number in range(3):
            call_disturbed(rng, tally, _put_once, shared, 99, number, size(rng))
            sent.add((99, number))
    while len(seen) < len(sent) and not any(greenlet.exception for greenlet in (*mine, *listening)):
        gevent.sleep(0.01)
    chaos.kill()
    gevent.killall(mine)
    for _ in consumers:
        shared.put(None)
    gevent.joinall(listening, raise_error=True)
    for greenlet in (*mine, chaos):
        greenlet.get()
    assert len(seen) == len(set(seen)), "doubled"
    assert set(seen) == sent, f"lost {sent - set(seen)}, from nowhere {set(seen) - sent}"
    _end([*producers, *consumers])
    shared.close()
    if kind != "SimpleQueue":
        shared.join_thread()
    for here, _ in pipes:
        here.close()
    tally.add("queue messages", len(sent))


def _put_once(to, source, number, length):
    to.put(message(source, number, length))
    return True


# --- pipes: each with a process at the other end that may be killed --------------------------------------------------


def _echo(connection):
    for received in iter(connection.recv, None):
        connection.send(received)


def pipes(context, rng, tally):
    """A process that sends back what it gets, in whole and in order, until it is told to end or killed.

    A process that was forked by another greenlet may have inherited its end of the pipe, as by another thread: whoever
    waits for what the dead had to say waits in vain, and is killed.
    """
    here, there = context.Pipe()
    process = context.Process(target=_echo, args=(there,))
    process.start()
    there.close()
    sizes = [size(rng) for _ in range(rng.randint(1, 12))]
    fatal = rng.choice((0, 0, signal.SIGKILL, signal.SIGTERM))
    got = []

    def send():
        for number, length in enumerate(sizes):
            here.send(message(1, number, length))

    def receive():
        while len(got) < len(sizes):
            got.append(check(call_disturbed(rng, tally, here.recv)))

    sending, receiving = gevent.spawn(_until_gone, send), gevent.spawn(_until_gone, receive)
    chaos = gevent.spawn(disturb_processes, rng, tally, [process])
    if fatal:
        receiving.join(rng.uniform(0, 0.3))
        chaos.kill()
        os.kill(process.pid, fatal)
        tally.add("killed processes")
        process.join()
        gevent.joinall((receiving, sending), timeout=0.2)
        gevent.killall((receiving, sending))
    ends = [greenlet.get() for greenlet in (receiving, sending)]
    chaos.kill()
    if not fatal:
        here.send(None)
    assert got == [(1, number) for number in range(len(got))], f"out of order: {got}"
    assert fatal or (len(got) == len(sizes) and not any(ends)), f"{len(got)} of {len(sizes)} came back: {ends}"
    _end([process], (fatal,) if fatal else (0,))
    here.close()
    tally.add("pipe messages", len(got))
    tally.add("lost with who was killed", len(sizes) - len(got))


def _until_gone(function):
    try:
        function()
    except GONE as error:
        return error
    except OSError as error:
        # The standard library's words for the half of a message that a killed process leaves.
        if "end of file during message" not in str(error):
            raise
        return error


# --- pools and executors ---------------------------------------------------------------------------------------------


def _work(task):
    check(task)
    return task


def _tasks(rng, largest):
    return [message(2, number, size(rng, largest)) for number in range(rng.randint(1, 24))]


def pools(context, rng, tally):
    """Pools of changing sizes, closed or terminated when they are done.

    Not amid their work: the standard library's own `terminate` then hangs in one of some hundred pools, waiting for the
    lock of a worker that waits for a task.
    """
    for workers in rng.sample(range(1, 5), 2):
        pool = context.Pool(workers, maxtasksperchild=rng.choice((None, None, 2)))
        tasks = _tasks(rng, 1 << 20)
        try:
            if rng.random() < 0.3:
                results = [pool.apply_async(_work, (task,)) for task in tasks]
                for result in results:
                    result.wait()
                pool.terminate()
                for result in results:
                    if result.ready():
                        check(result.get())
                        tally.add("pool tasks")
                tally.add("terminated pools")
                continue
            if rng.random() < 0.5:
                done = list(pool.imap_unordered(_work, tasks, rng.randint(1, 4)))
            else:
                done = call_disturbed(rng, tally, pool.map_async(_work, tasks).get)
            assert sorted(map(check, done)) == [task[:2] for task in tasks], "lost or doubled"
            tally.add("pool tasks", len(tasks))
            pool.close()
        finally:
            if pool._state == "RUN":
                pool.terminate()
            pool.join()


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def executors(context, rng, tally):
    """Executors of changing sizes, of which a worker dies now and then: what is left fails, at once."""
    for workers in rng.sample(range(1, 5), 2):
        dies = rng.random() < 0.4
        # What a worker writes in one go cannot be cut by its death; anything larger would block all, as it always did.
        tasks = _tasks(rng, 1024 if dies else 1 << 20)
        with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as executor:
            futures = []
            for number, task in enumerate(tasks):
                try:
                    if dies and number == len(tasks) // 2:
                        executor.submit(_die)
                    futures.append(executor.submit(_work, task))
                except BrokenProcessPool:
                    assert dies
            concurrent.futures.wait(futures)
        failed = [future for future in futures if isinstance(future.exception(), BrokenProcessPool)]
        done = [check(future.result()) for future in futures if future not in failed]
        assert len(done) == len(set(done)) and (dies or len(done) == len(tasks)), "lost or doubled"
        tally.add("executor tasks", len(done))
        tally.add("lost with who was killed", len(tasks) - len(done))
        tally.add("killed processes", dies)


# --- managers --------------------------------------------------------------------------------------------------------


def _use_manager(shared, source, sizes):
    for number, length in enumerate(sizes):
        shared.put(message(source, number, length))


def managers(context, rng, tally):
    """Clients of a manager's queue, of which one may be killed, and calls that are given up; the manager goes on."""
    manager = context.Manager()
    try:
        shared, known = manager.Queue(), manager.dict()
        sizes = [size(rng, 1 << 20) for _ in range(rng.randint(1, 8))]
        safe = context.Process(target=_use_manager, args=(shared, 3, sizes))
        doomed = context.Process(target=_use_manager, args=(shared, 4, sizes * 20))
        safe.start()
        doomed.start()
        gevent.sleep(rng.uniform(0, 0.2))
        if rng.random() < 0.5:
            doomed.kill()
            tally.add("killed processes")
        for number, length in enumerate(sizes):
            known[number] = message(5, number, length)
            # A call that was given up has no answer, and leaves none for the next call.
            call_disturbed(rng, tally, known.get, -1, "nothing")
            assert check(known[number]) == (5, number)
        _end([safe])
        _end([doomed], (0, signal.SIGKILL))
        got = []
        try:
            while True:
                got.append(check(shared.get_nowait()))
        except queue.Empty:
            pass
        mine = [number for source, number in got if source == 3]
        others = [number for source, number in got if source == 4]
        assert mine == list(range(len(sizes))), "lost, doubled or out of order"
        assert others == list(range(len(others))), "doubled or out of order"
        tally.add("manager messages", len(got) + len(sizes))
    finally:
        manager.shutdown()


# --- processes alone -------------------------------------------------------------------------------------------------


def _return(value):
    os._exit(value)


def starts(context, rng, tally):
    """Processes that are started and joined by greenlets that give up, and killed in every way."""
    processes = []
    for _ in range(rng.randint(1, 4)):
        status = rng.randrange(256)
        process = context.Process(target=_return, args=(status,))
        process.start()
        processes.append((process, status))
    for process, status in processes:
        fatal = rng.choice((0, 0, signal.SIGKILL, signal.SIGTERM))
        if fatal:
            try:
                os.kill(process.pid, fatal)
            except ProcessLookupError:
                fatal = 0
        call_disturbed(rng, tally, _join, process)
        # It may have come to its end before.
        assert process.exitcode in (status, -fatal), f"{process} ended with {process.exitcode}, not {status}"
        process.close()
    tally.add("processes", len(processes))


def _join(process):
    process.join()
    return True


SCENARIOS = (queues, pipes, pools, executors, managers, starts)
