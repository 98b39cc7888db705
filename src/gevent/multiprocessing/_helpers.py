"""The threads that multiprocessing starts for itself: they stay in the process that has started them.

After a bare `os.fork` greenlets go on in the child, the program's threads among them. Those which feed queues, handle
a pool's workers and results, or serve a manager's clients do not, as no thread does in the standard library: their
business is with other processes, and a copy of them would take and send what belongs to the parent. What becomes of
them is told in cpp/python/hub/bound_greenlets.h.

They are everybody's, so they do not hang on the thread that happens to start them: gevent._helper_threads.

To start one is to wait for a turn of the loop. A greenlet that is interrupted there must not leave a thread that runs
while its owner has not noted it: nobody would ever end it. So `start` comes to its end, and what was thrown in is
raised by its owner, who then knows how to end it: a queue, a pool, an executor; otherwise by `start` itself.
"""

import sys
from functools import partial, wraps
from weakref import finalize

from gevent._hub_local import get_hub_if_exists
from gevent._native.signal import call_uninterrupted, hold_handlers, release_handlers
from gevent.exceptions import BlockingSwitchOutError
from gevent.greenlet import Greenlet
from gevent.multiprocessing._view import View

__all__ = ["changes"]

_EXECUTOR = "concurrent.futures.process"


def _start_whatever_comes(thread, start):
    # What interrupts the start, or the wait for the thread's beginning, is left in `thread.thrown_at_start`.
    begun = thread._started

    def wait(timeout=None):
        while True:
            try:
                return begun.wait(timeout)
            except BlockingSwitchOutError:
                return False  # in the hub: it will begin
            except BaseException as thrown:
                thread.thrown_at_start = thread.thrown_at_start or thrown

    held = hold_handlers()
    thread._started = View(begun, wait=wait)
    try:
        start()
    finally:
        thread._started = begun
        if held:
            try:
                release_handlers()
            except BaseException as thrown:
                thread.thrown_at_start = thread.thrown_at_start or thrown


def _raise_what_was_thrown(*threads):
    for thread in threads:
        thrown = getattr(thread, "thrown_at_start", None)
        if thrown is not None:
            thread.thrown_at_start = None
            raise thrown


def _helper_class(threading):
    class Owned(threading.Thread):
        """A thread of which no child of `os.fork` has a copy, and whose owner raises what was thrown in."""

        _stays_in_its_process = True
        thrown_at_start = None

        def start(self):
            _start_whatever_comes(self, super().start)

    class Thread(Owned):
        def start(self):
            super().start()
            _raise_what_was_thrown(self)

    return Owned, Thread


def _then_raise(original, thread_name):
    @wraps(original)
    def start_thread(self):
        original(self)
        _raise_what_was_thrown(getattr(self, thread_name))

    return start_thread


def _start_feeder_wholly(module):
    yield module.Queue, "_start_thread", _then_raise(module.Queue._start_thread, "_thread")


def _make_pool_init(original):
    @wraps(original)
    def __init__(self, *args, **kwargs):
        try:
            original(self, *args, **kwargs)
            _raise_what_was_thrown(self._worker_handler, self._task_handler, self._result_handler)
        except BaseException:
            _end_given_up(self)
            raise

    return __init__


def _make_repopulate(original):
    from gevent.multiprocessing._process import take_given_up

    def begin(ctx, process_class, processes, pool, *args):
        take_given_up()
        try:
            original(ctx, process_class, processes, pool, *args)
        except BaseException:
            # It has begun, and is told to end only if it is among the others.
            process = take_given_up()
            if process is not None:
                pool.append(process)
            raise

    @wraps(original)
    def _repopulate_pool_static(*args):
        call_uninterrupted(begin, *args)

    return _repopulate_pool_static


def _end_given_up(pool):
    # Nobody has this pool. Its end is nothing for the interrupted greenlet to wait for.
    if "_terminate" in vars(pool):
        if get_hub_if_exists() is None:
            pool.terminate()
        else:
            Greenlet.spawn(pool.terminate)
        return
    for worker in vars(pool).get("_pool", ()):  # none if the arguments were wrong
        # A pool of threads cannot be ended so; and what the pool has ended itself is over.
        if hasattr(worker, "terminate") and worker.is_alive():
            worker.terminate()


def _make_leave_workers_their_end(time):
    def _help_stuff_finish(inqueue, task_handler, size):
        """Take from `inqueue` what workers shall not begin, so that the task handler ends; leave them their sentinels.

        The standard library keeps the lock for ever after that: it trusts that SIGTERM ends who waits for it, which it
        does not in a program that handles SIGTERM and goes on.
        """
        sentinels = 0
        with inqueue._rlock:
            while inqueue._reader.poll():
                sentinels += inqueue._reader.recv() is None
                if task_handler.is_alive():
                    time.sleep(0)
            for _ in range(sentinels):
                inqueue.put(None)

    return _help_stuff_finish


def _make_pools_wholly(module):
    yield module.Pool, "__init__", _make_pool_init(module.Pool.__init__)
    yield module.Pool, "_repopulate_pool_static", staticmethod(_make_repopulate(module.Pool._repopulate_pool_static))
    yield module.Pool, "_help_stuff_finish", staticmethod(_make_leave_workers_their_end(module.time))


def _make_manager_start(original):
    @wraps(original)
    def start(self, *args, **kwargs):
        try:
            original(self, *args, **kwargs)
        except BaseException:
            server = vars(self).get("_process")
            if server is not None and server._popen is not None and "shutdown" not in vars(self):
                server.terminate()  # that nobody knows the address of, and nobody would ever end
            raise

    return start


def _start_managers_wholly(module):
    yield module.BaseManager, "start", _make_manager_start(module.BaseManager.start)


def _view_for_pools(threading, helper_class):
    class HandlerOfThreads(threading.Thread):
        _belongs_to_pool = True

    def Thread(*args, **kwargs):
        # A pool of threads has to do with this process only; what it does in a child is what the program's threads do.
        maker = sys._getframe(1)
        pool, module = maker.f_locals.get("self"), maker.f_globals
        return (HandlerOfThreads if isinstance(pool, module["ThreadPool"]) else helper_class)(*args, **kwargs)

    return View(threading, Thread=Thread)


def _mark_workers(module):
    pool = module.ThreadPool
    make_worker = pool.Process

    @wraps(make_worker)
    def Process(*args, **kwargs):
        worker = make_worker(*args, **kwargs)
        worker._belongs_to_pool = True
        return worker

    yield pool, "Process", staticmethod(Process)


def _threading_for(view):
    def changes_of(module):
        yield module, "threading", view

    return changes_of


def _make_executor_start(original):
    start_wholly = _then_raise(original, "_executor_manager_thread")

    @wraps(original)
    def start_thread(self):
        try:
            start_wholly(self)
        except BaseException:
            if self._executor_manager_thread is None:
                self._end_unmanaged = finalize(self, _terminate_all, self._processes)
            raise
        unmanaged = vars(self).pop("_end_unmanaged", None)
        if unmanaged is not None:
            unmanaged.detach()

    return start_thread


def _terminate_all(processes):
    # Workers that began before their executor was interrupted, and which it never got to tell of work or of the end.
    for process in processes.values():
        process.terminate()


def _bind_manager_thread(module):
    thread, executor = module._ExecutorManagerThread, module.ProcessPoolExecutor
    native_start = thread.start

    def start(self):
        _start_whatever_comes(self, partial(native_start, self))

    yield thread, "_stays_in_its_process", True
    yield thread, "thrown_at_start", None
    yield thread, "start", start
    yield executor, "_start_executor_manager_thread", _make_executor_start(executor._start_executor_manager_thread)


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that its helpers stay in their process."""
    threading = mp.util.threading
    owned, helper = _helper_class(threading)
    yield from mp.changes_of_module(f"{mp.name}.queues", _threading_for(View(threading, Thread=owned)))
    yield from mp.changes_of_module(f"{mp.name}.queues", _start_feeder_wholly)
    for name in "managers", "resource_sharer":
        yield from mp.changes_of_module(f"{mp.name}.{name}", _threading_for(View(threading, Thread=helper)))
    yield from mp.changes_of_module(f"{mp.name}.managers", _start_managers_wholly)
    yield from mp.changes_of_module(f"{mp.name}.pool", _threading_for(_view_for_pools(threading, owned)))
    yield from mp.changes_of_module(f"{mp.name}.pool", _make_pools_wholly)
    yield from mp.changes_of_module(f"{mp.name}.pool", _mark_workers)
    if mp.is_stdlib:
        yield from mp.changes_of_module(_EXECUTOR, _bind_manager_thread)
