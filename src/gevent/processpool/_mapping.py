"""Many tasks of one function, with a bounded number of them under way."""

from collections import deque
from itertools import islice

from gevent.processpool._tasks import exception_of
from gevent.queue import SimpleQueue

__all__ = ["Bundled", "InOrder", "Unordered", "total_of"]

#: So many tasks are begun at once: others get their turn.
AT_ONCE_MAX = 256
#: Calls are sent together until they take about so long, in seconds, and so many at the most.
BUNDLE_S, BUNDLE_MAX = 0.004, 1024
#: And no more than about so many bytes of arguments or results: pickling them stops the hub.
BUNDLE_BYTES = 1 << 20
#: So many bundles are under way for each worker.
BUNDLES_PER_WORKER = 4


def total_of(iterables):
    """Return how many calls there will be, None where that is not known."""
    try:
        return min(map(len, iterables), default=0)
    except TypeError:
        return None


class _Many:
    """An iterator over results; begins with the first tasks at once and with further ones as results are taken."""

    def __init__(self, begin, calls, under_way_max, total, progress):
        self._begin = begin  # begin(arguments) returns a task
        self._calls = iter(calls)
        self._total = total
        self._done = 0
        self._progress = progress
        self._more = True
        self._to_come = max(0, under_way_max - AT_ONCE_MAX)  # to be begun as results are taken
        for _ in range(min(under_way_max, AT_ONCE_MAX)):
            if not self._begin_one():
                break

    def __iter__(self):
        return self

    def _go_on(self):
        if self._more:
            self._begin_one()
        if self._more and self._to_come:
            self._to_come -= 1
            self._begin_one()

    def finish(self, may_go_on):
        """Take and forget what is left, while ``may_go_on()``."""
        while may_go_on():
            try:
                next(self)
            except StopIteration:
                return
            except Exception:  # noqa: BLE001, S112 - whoever asked has been told of the first
                continue

    def _next_task(self):
        for arguments in self._calls:
            task = self._begin(arguments)
            if self._progress is not None:
                task.rawlink(self._count)
            return task
        self._more = False
        return None

    def _count(self, _task):
        self._done += 1
        self._progress(self._done, self._total)


class InOrder(_Many):
    """Results in the order of the calls."""

    def __init__(self, *arguments):
        self._tasks = deque()
        super().__init__(*arguments)

    def _begin_one(self):
        task = self._next_task()
        if task is not None:
            self._tasks.append(task)
        return task is not None

    def __next__(self):
        if not self._tasks:
            raise StopIteration
        task = self._tasks.popleft()
        self._go_on()
        return task.get()


class Unordered(_Many):
    """Results as they come."""

    def __init__(self, *arguments):
        self._settled = SimpleQueue()
        self._under_way = 0
        super().__init__(*arguments)

    def _begin_one(self):
        task = self._next_task()
        if task is None:
            return False
        self._under_way += 1
        task.rawlink(self._settled.put)
        return True

    def __next__(self):
        if not self._under_way:
            raise StopIteration
        task = self._settled.get()
        self._under_way -= 1
        self._go_on()
        return task.get()


class Bundled(InOrder):
    """Lists of results in the order of the calls, which are sent to workers in bundles as long as they are short."""

    def __init__(self, begin, calls, workers, total, progress):
        self._size = 1
        self._workers = workers
        self._left = total
        super().__init__(begin, calls, BUNDLES_PER_WORKER * workers, total, progress)

    def _next_task(self):
        calls = list(islice(self._calls, self._size))
        if not calls:
            self._more = False
            return None
        task = self._begin(calls)
        if self._left is not None:
            self._left -= len(calls)
        if self._progress is not None:
            task.rawlink(lambda _task: [self._count(_task) for _ in calls])
        return task

    def __next__(self):
        task = self._tasks[0] if self._tasks else None
        values, failure, seconds = super().__next__()
        self._adapt(seconds / len(values), task.stream_bytes / len(values))
        if failure is not None:
            raise exception_of(failure)
        return values

    def _adapt(self, call_s, call_bytes):
        fitting = min(int(BUNDLE_S / max(call_s, 1e-7)), int(BUNDLE_BYTES / max(call_bytes, 1)))
        # Towards the end in smaller ones, so that no worker has the last one alone for long.
        share = BUNDLE_MAX if self._left is None else self._left // (2 * self._workers)
        self._size = max(1, min(4 * self._size, fitting, share, BUNDLE_MAX))
