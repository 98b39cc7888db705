"""Many tasks of one function, with a bounded number of them under way."""

from collections import deque

from gevent.queue import SimpleQueue

__all__ = ["InOrder", "Unordered"]


class _Many:
    """An iterator over results; begins with the first tasks at once and with further ones as results are taken."""

    def __init__(self, begin, calls, under_way_max, total, progress):
        self._begin = begin  # begin(arguments) returns a task
        self._calls = iter(calls)
        self._total = total
        self._done = 0
        self._progress = progress
        self._more = True
        for _ in range(under_way_max):
            if not self._begin_one():
                break

    def __iter__(self):
        return self

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
        if self._more:
            self._begin_one()
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
        if self._more:
            self._begin_one()
        return task.get()
