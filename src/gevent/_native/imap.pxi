# The iterators behind `imap` and `imap_unordered` of groups, pools and thread pools: part of greenlet.pyx, because each
# is a Greenlet of its own. It walks the iterable and starts one task per item, while whoever iterates over it takes the
# results.
#
# What passes through the queue are the finished tasks themselves, whose get() is either the result or the exception.
# The greenlet's own end is the last thing to enter it, and a greenlet that failed (so, an iterable that raised) stands
# there for its exception.


cdef class IMapUnordered(Greenlet):
    """IMapUnordered(func, iterable, spawn, maxsize=None, _zipped=False)

    Iterates over ``func(item)`` for every item of `iterable`, the first one finished first.

    `spawn(func, item)` starts one task and returns an object with `rawlink`, `ready` and `get`; it may wait until
    there is room for a task. `maxsize` bounds how many results may be under way or waiting to be taken: None for any
    number. With `_zipped`, each item is a tuple of arguments.

    ``next()`` waits for a result. It raises what the task raised, and the iteration can go on after that. An exception
    of the iterable itself is raised once; then the results of what was started before are still to come.
    """
    cdef readonly object queue   # of tasks
    cdef readonly bint finished  # whether all tasks that there will be have been started
    cdef object _func
    cdef object _iterable
    cdef object _spawn
    cdef object _room            # a semaphore, or None
    cdef bint _zipped
    cdef bint _in_order
    cdef Py_ssize_t _outstanding  # results started and not yet taken

    def __init__(self, func, iterable, spawn, maxsize=None, _zipped=False):
        from gevent._native.queue import Queue
        from gevent._native.semaphore import Semaphore
        Greenlet.__init__(self)
        self.queue = Queue()
        self._func = func
        self._iterable = iterable
        self._spawn = spawn
        self._zipped = _zipped
        if maxsize is not None:
            self._room = Semaphore(maxsize)
        # Rather than at the end of _run(), which a greenlet killed before it starts never reaches.
        self.rawlink(self._on_end)

    def __iter__(self):
        return self

    def _run(self):
        func, spawn = self._func, self._spawn
        put = self.queue.put
        for item in self._iterable:
            if self._room is not None:
                self._room.acquire()
            task = spawn(func, *item) if self._zipped else spawn(func, item)
            self._outstanding += 1
            # In order, tasks enter the queue when they are started, rather than when they end: the consumer waits for
            # the oldest one.
            if self._in_order:
                put(task)
            else:
                task.rawlink(put)

    def _on_end(self, _self):
        self._func = self._iterable = self._spawn = None
        self.queue.put(self)

    cdef int _count_taken(self) except -1:
        self._outstanding -= 1
        if self._room is not None:
            self._room.release()
        return 0

    def __next__(self):
        while self._outstanding or not self.finished:
            task = self.queue.get()
            if task is not self:
                self._count_taken()
                return task.get()
            self.finished = True
            if not self.successful():
                return task.get()
        raise StopIteration

    def next(self):
        """As ``next()`` of the iterator."""
        return self.__next__()


cdef class IMap(IMapUnordered):
    """IMap(*args, **kwargs)

    As `IMapUnordered`, but the results come in the order of the items.

    A result that is ready early waits for its turn, and counts towards `maxsize` meanwhile.
    """
    cdef list _put_back

    def __cinit__(self, *args, **kwargs):
        self._in_order = True
        self._put_back = []

    def __next__(self):
        while self._outstanding or not self.finished:
            task = self._put_back.pop() if self._put_back else self.queue.get()
            if task is self:
                self.finished = True
                if self.successful():
                    continue
                return task.get()
            try:
                return task.get()
            finally:
                if task.ready():
                    self._count_taken()
                else:
                    # Not the task's exception but the waiter's, such as a Timeout: the result is still owed.
                    self._put_back.append(task)
        raise StopIteration
