"""The worker processes of a pool: who is sent what, whose results come, who has died."""

import os
import pickle
import signal as _signal
import sys
import weakref
from collections import deque
from time import monotonic

import gevent
from gevent._hub_local import get_hub_if_exists
from gevent._parent_ends import wait_for_end
from gevent.event import Event
from gevent.processpool._parcel import Sender, receive, wrap_arguments
from gevent.processpool._tasks import TaskTimeout, WorkerLost, exception_of
from gevent.processpool._worker import parent_ends, run_worker

__all__ = ["Crew"]

#: A worker is sent more than one task at a time while they take less than this, in seconds.
SHORT_S = 0.001
#: And so many at the most.
AHEAD_MAX = 32
#: One that finds no work for a worker that starts dies this often before the pool gives up.
UNFIT_MAX = 3
#: Where the system refuses a process, and there is no other, it is asked again after so many seconds.
START_AGAIN_S = (0.1, 0.2, 0.4, 0.8)


class Member:
    """One worker."""

    def __init__(self, context, initializer, initargs):
        # Number of the task begun last, and when; and of the one that ended last, though its result may be on its way.
        self.progress = context.RawArray("d", 3)
        self.process, self.connection = parent_ends.start(
            context,
            run_worker,
            lambda connection: (connection, self.progress, initializer, initargs, os.getpid()),
            daemon=True,
        )
        self.sender = Sender(gevent.sleep)
        self.tasks = {}  # {number: task} sent and without a result, in this order
        self.sent = 0
        self.room = Event()
        self.room.set()
        self.short_s = SHORT_S  # how long a task takes, lately
        self.last_result_at = 0.0
        self.gone = False
        self.why = None  # it was killed by us, because of this

    def kill(self, why):
        """End it at once."""
        self.why = self.why or why
        if not self.gone:
            try:
                os.kill(self.process.pid, _signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has just ended

    def task_begun(self):
        """Return the task that it has begun and not finished, and when; None if there is none."""
        begun, at, ended = self.progress
        task = self.tasks.get(int(begun))
        return (task, at) if task is not None and ended < begun else None


_crews = weakref.WeakSet()


def _leave_to_parent():
    for crew in tuple(_crews):
        crew.abandon()


os.register_at_fork(after_in_child=_leave_to_parent)


class Crew:
    """All workers of one pool. Lives in the hub of the thread that made the pool.

    Belongs to the process that made it: in a forked child it is `abandoned`.
    """

    def __init__(self, context, initializer, initargs, tasks_per_child, size_max):
        self._context = context
        self._is_exiting = sys.modules[type(context).__module__.rpartition(".")[0] + ".util"].is_exiting
        self._initializer, self._initargs = initializer, initargs
        self._tasks_per_child = tasks_per_child
        self.size_max = size_max
        self.abandoned = False
        self.announced = deque()  # by other threads, and not in line yet
        self.waiting = deque()
        self.members = []
        self.starting = 0  # so many more are about to be
        self._kills = 0
        self._closing = False
        self.idle = Event()  # nothing waits and nothing is under way
        self.idle.set()
        self.unfit = 0
        self.broken = None
        self._work = Event()
        self._clock = None
        _crews.add(self)

    def add(self, task):
        """Put `task` in line; have a worker started if there may be one more. Does not wait."""
        if self.broken is not None:
            task.settle(None, self.unusable())
            return
        self.idle.clear()
        self.waiting.append(task)
        self._grow()
        self._work.set()

    def announce(self, task):
        """For a thread other than the hub's: there is work from now on, and `take_announced` is about to be called."""
        self.announced.append(task)
        self.idle.clear()

    def take_announced(self):
        """Put what was announced in line. Does not wait."""
        while self.announced:
            self.add(self.announced[0])
            self.announced.popleft()  # only now: `has_work` always sees it
        self._note_idle()

    def has_work(self):
        """Return whether anything waits or is under way."""
        return bool(self.announced or self.waiting or any(each.tasks for each in self.members))

    def _grow(self):
        more = self.size_max - len(self.members) - self.starting
        if more <= 0 or self.broken is not None:
            return
        if self._is_exiting():  # workers are told to end, and nobody would end another one
            if not self.members:
                self._lose_waiting(RuntimeError("the program is ending"))
            return
        free = sum(1 for each in self.members if not each.tasks and not each.gone) + self.starting
        for _ in range(min(more, len(self.waiting) - free)):
            self.starting += 1
            gevent.spawn(self._start)

    def _start(self):
        kills = self._kills
        try:
            member = self._make_member()
        except Exception as error:  # told to those whose task it would have had
            if not self.members and self.starting == 1:
                self._lose_waiting(error)
            return
        finally:
            self.starting -= 1
        self.members.append(member)
        gevent.spawn(self._send_to, member)
        gevent.spawn(self._bury, member, gevent.spawn(self._hear, member))
        if kills != self._kills and not self.waiting:
            member.kill("the pool was killed")
        self._note_idle()

    def _make_member(self):
        for pause_s in (*START_AGAIN_S, None):
            try:
                return Member(self._context, self._initializer, self._initargs)
            except OSError:
                if pause_s is None or self.members:
                    raise
            gevent.sleep(pause_s)

    def _lose_waiting(self, error):
        while self.waiting:
            lost = WorkerLost(f"no process can be started: {error!r}")
            lost.__cause__ = error
            self.waiting.popleft().settle(None, lost)
        self._note_idle()

    # -- to a worker --

    def _send_to(self, member):
        while not member.gone:
            if not self.waiting:
                self._work.clear()
                self._work.wait()
                continue
            if not self._may_have_more(member):
                member.room.clear()
                member.room.wait()
                continue
            self._send(member, self._take_batch(member))  # kept by nobody here: tasks may have large results

    def _may_have_more(self, member):
        if self._tasks_per_child and member.sent >= self._tasks_per_child:
            return False
        return len(member.tasks) < self._ahead(member)

    def _ahead(self, member):
        if member.short_s >= SHORT_S:
            return 1
        # Some for everybody: nobody should have to wait for a worker that has all of it.
        return max(1, min(AHEAD_MAX, len(self.waiting) // (2 * max(1, len(self.members)))))

    def _take_batch(self, member):
        batch = []
        while self.waiting and self._may_have_more(member):
            task = self.waiting.popleft()
            if task.ready():
                continue  # cancelled meanwhile
            member.sent += 1
            task.worker, task.number = member, member.sent
            member.tasks[member.sent] = task
            batch.append(task)
            if task.timeout_s is not None:
                self._watch_clock()
        self._note_idle()
        return batch

    def _send(self, member, batch):
        parcels = []
        for task in batch:
            if task.ready():
                member.tasks.pop(task.number, None)  # cancelled while others were packed
                continue
            args, kwargs = wrap_arguments(task.args, task.kwargs)
            try:
                parcel, _ = member.sender.pack((task.function, args, kwargs))
                parcels.append((task.number, parcel))
                task.stream_bytes = len(parcel)
            except Exception as error:
                # What cannot be pickled is the caller's; the worker never hears of it.
                member.tasks.pop(task.number, None)
                task.settle(None, error)
        if not parcels:
            self._note_idle()
            return
        if len(member.tasks) == len(batch):
            member.last_result_at = monotonic()
        try:
            member.connection.send_bytes(pickle.dumps(("run", parcels)))
        except OSError:
            pass  # it has died: _hear() sees to its tasks

    # -- from a worker --

    def _hear(self, member):
        while self._take_message(member, _next_message(member.connection)):
            pass  # and keep nothing of it: it may be large

    def _take_message(self, member, message):
        if message is None:
            return False
        try:
            what, number, payload = pickle.loads(message)
        except Exception as error:  # noqa: BLE001 - a task has written there, or closed it and opened something else
            member.kill(f"the process that ran this task sent what cannot be read: {error!r}")
            return False
        if what == "fetched":
            member.sender.fetched(number)
        elif what == "unfit":
            self._is_unfit(exception_of(payload))
        else:
            self._has_result(member, what, number, payload)
        return True

    def _bury(self, member, hearing):
        wait_for_end(member.process, hearing)
        if not self.abandoned:
            self._has_died(member)

    def _has_result(self, member, what, number, payload):
        self.unfit = 0
        now = monotonic()
        member.short_s += (now - member.last_result_at - member.short_s) / 8
        member.last_result_at = now
        task = member.tasks.pop(number, None)
        if what == "done":
            value, fetched = self._read(payload)
            if task is not None:
                task.stream_bytes = max(task.stream_bytes, len(payload))
            if fetched:
                self._tell(member, ("fetched", fetched))
            settle = (value,) if not isinstance(value, _Unreadable) else (None, value.error)
        else:
            settle = (None, exception_of(payload))
        if self._tasks_per_child and not member.tasks and member.sent >= self._tasks_per_child:
            self._dismiss(member)
        elif not member.room.is_set() and self._may_have_more(member):
            member.room.set()
        if task is not None:
            task.settle(*settle)
        self._end_if_first_is_cancelled(member)
        self._note_idle()

    def _read(self, payload):
        try:
            return receive(payload)
        except Exception as error:
            return _Unreadable(error), 0

    def _tell(self, member, message):
        try:
            member.connection.send_bytes(pickle.dumps(message))
        except OSError:
            pass  # it has died meanwhile

    def _has_died(self, member):
        member.gone = True
        parent_ends.give_up(member.connection)
        member.sender.forget()
        if member in self.members:
            self.members.remove(member)
        begun = int(member.progress[0])
        code = member.process.exitcode
        for number, task in reversed(list(member.tasks.items())):
            task.worker = None
            if number > begun and self.broken is None and member.why != "the pool was killed":
                self.waiting.appendleft(task)  # it never began there
            else:
                task.settle(None, self._why_lost(member, code))
        member.tasks.clear()
        member.room.set()
        self._work.set()
        self._grow()
        self._note_idle()

    def _why_lost(self, member, code):
        if self.broken is not None:
            return self.unusable()
        if member.why:
            return WorkerLost(member.why)
        how = f"was killed by {_signal.Signals(-code).name}" if code and code < 0 else f"ended with status {code}"
        return WorkerLost(f"the process {member.process.pid} that ran this task {how}")

    def _is_unfit(self, error):
        self.unfit += 1
        if self.unfit >= UNFIT_MAX:
            self.broken = error
            while self.waiting:
                self.waiting.popleft().settle(None, self.unusable())
            self._note_idle()

    def unusable(self):
        """Return the exception of a task that no process will ever run. Requires: `broken`."""
        lost = WorkerLost(f"no process of this pool can be initialized: {self.broken!r}")
        lost.__cause__ = self.broken
        return lost

    # -- the end of one, or of all --

    def _dismiss(self, member):
        """It has done what it may: another takes its place."""
        member.gone = True
        self.members.remove(member)
        member.room.set()
        parent_ends.give_up(member.connection)  # the end of which it hears, and its own greenlet, too
        self._grow()

    def cancelled(self, task):
        """Its result is settled: its worker ends rather than run it, as soon as it is that one's turn."""
        if task.worker is not None:
            self._end_if_first_is_cancelled(task.worker)

    def _end_if_first_is_cancelled(self, member):
        first = next(iter(member.tasks.values()), None)
        if first is not None and first.ready():
            member.kill("a task of its was cancelled")

    def _watch_clock(self):
        if self._clock is None:
            self._clock = gevent.spawn(self._run_clock)

    def _run_clock(self):
        while True:
            nearest_s = None
            for member in tuple(self.members):
                begun = member.task_begun()
                limits = [each.timeout_s for each in member.tasks.values() if each.timeout_s is not None]
                if not limits:
                    continue
                left_s = min(limits)
                if begun is not None and begun[0].timeout_s is not None:
                    left_s = begun[1] + begun[0].timeout_s - monotonic()
                    if left_s <= 0:
                        limit_s = begun[0].timeout_s
                        begun[0].settle(None, TaskTimeout(f"the task ran for longer than {limit_s} seconds"))
                        member.kill("a task of its took too long")
                        continue
                nearest_s = left_s if nearest_s is None else min(nearest_s, left_s)
            if nearest_s is None and not self.waiting and not any(each.tasks for each in self.members):
                self._clock = None
                return
            gevent.sleep(min(max(nearest_s or 0.05, 0.005), 0.05))

    def kill(self):
        """End all workers; what waits or runs is lost."""
        self._kills += 1
        while self.waiting:
            self.waiting.popleft().settle(None, WorkerLost("the pool was killed"))
        for member in tuple(self.members):
            member.kill("the pool was killed")
        self._note_idle()

    def close(self):
        """Let workers end as soon as there is nothing to do for any. Does not wait."""
        self._closing = True
        self._note_idle()

    def _note_idle(self):
        if self.has_work():
            return
        self.idle.set()
        if self.announced:
            self.idle.clear()  # by another thread, just now
        elif self._closing:
            for member in tuple(self.members):
                self._dismiss(member)

    def abandon(self):
        """In a forked child: workers and tasks are the parent's; who waits for one of these here is told."""
        self.abandoned = True
        lost = [*self.announced, *self.waiting, *(task for member in self.members for task in member.tasks.values())]
        for member in self.members:
            member.gone = True
            member.tasks.clear()
        self.announced.clear()
        self.waiting.clear()
        self.members.clear()
        hub = get_hub_if_exists()
        if lost and hub is not None:  # after a bare fork: the greenlets go on here, too
            hub.loop.run_callback(_tell_lost, lost)


def _next_message(connection):
    try:
        return connection.recv_bytes()
    except (EOFError, OSError):
        return None


def _tell_lost(tasks):
    for task in tasks:
        task.settle(None, WorkerLost("this task is that of the process which this one was forked by"))


class _Unreadable:
    def __init__(self, error):
        self.error = error
