# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, auto_pickle=False
"""Channel: a queue without room, where each item goes from the hands of a putter into those of a getter.

Who goes on when is in cpp/sync/channel.h. Who may not wait (in the hub, or by put_nowait) leaves the item on the
counter, when there is a getter in line for it.
"""
from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from collections import deque
from types import GenericAlias

from gevent._native.queue import Empty, Full
from gevent._native.timeout import Running, Timeout

from bridge cimport CoreWaiter, current_hub
from line cimport Line, LineWait, Ticket, park_in_line

cdef extern from "sync/channel.h" namespace "gevent::Channel":
    cdef enum From "gevent::Channel::From":
        NOBODY "gevent::Channel::From::kNobody"
        COUNTER "gevent::Channel::From::kCounter"
        PUTTER "gevent::Channel::From::kPutter"

cdef extern from "sync/channel.h" namespace "gevent":
    cdef cppclass CoreChannel "gevent::Channel":
        Line getters
        Line putters
        void begin_put(LineWait&, double limit_s, void* item)
        bint end_put(LineWait&)
        void begin_get(LineWait&, double limit_s, void* who)
        void end_get(LineWait&)
        void note_left()
        From take(void*& item)
        int64_t balance()

cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1

cdef extern from "python/object/type_name.h" namespace "gevent":
    void publish(PyObject* type, const char* name)

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    bint in_hub()
    PyObject* running_greenlet()


cdef class Channel:
    """Channel(maxsize=1)
--

A meeting point: `put` waits until somebody has got the item, `get` until somebody puts one. From gevent.

    maxsize
        1, the default, is accepted for the sake of code that makes queues of any kind
    """
    cdef CoreChannel core
    cdef object _counter
    cdef object __weakref__

    __slots__ = ("getters", "putters", "hub", "_event_unlock", "__weakref__")

    def __init__(self, maxsize=1):
        if maxsize != 1:
            raise ValueError("Channels have a maxsize of 1")
        self._counter = deque()

    def __repr__(self):
        return f"<{type(self).__name__} at {hex(id(self))} {self._words()}>"

    def __str__(self):
        return f"<{type(self).__name__} {self._words()}>"

    cdef str _words(self):
        words = ""
        if not self.core.getters.empty():
            words += f" getters[{self.core.getters.waiting()}]"
        if not self.core.putters.empty():
            words += f" putters[{self.core.putters.waiting()}]"
        return words

    __class_getitem__ = classmethod(GenericAlias)

    @property
    def hub(self):
        """The hub of the calling thread, which is made if it has none."""
        return current_hub()

    @property
    def getters(self):
        """The greenlets that wait in `get`, in the order in which they will have items."""
        return _brought(self.core.getters)

    @property
    def putters(self):
        """The items whose `put` waits for somebody to take them, in their order."""
        return _brought(self.core.putters)

    @property
    def balance(self):
        """How many greenlets wait in `put`, less those that wait in `get`: one of the two is 0."""
        return self.core.balance()

    def qsize(self):
        """Return 0: a channel keeps no items. How many putters wait says `balance`. Never waits."""
        return 0

    def empty(self):
        """Return True: a channel keeps no items, and has no room for any. Never waits."""
        return True

    def full(self):
        """Return True: a channel keeps no items, and has no room for any. Never waits."""
        return True

    # -- putting --

    def put(self, item, block=True, timeout=None):
        """Give `item` to a getter; park until one has taken it.

        block
            False: raise Full at once when no getter waits
        timeout
            how long to wait at most: seconds, then Full is raised; or a `gevent.Timeout`, which raises itself

        In the hub it never waits.
        """
        if not block or in_hub():
            if self.core.getters.empty():
                looked_in_vain()
                if self.core.getters.empty():
                    raise Full
            self._counter.append(item)
            self.core.note_left()
        elif isinstance(timeout, Timeout):
            with Running(timeout):
                self._put_and_wait(item, -1.0)
        else:
            self._put_and_wait(item, -1.0 if timeout is None else max(<double>timeout, 0.0))

    cdef int _put_and_wait(self, item, double seconds) except -1:
        cdef LineWait wait
        cdef bint taken = False
        self.core.begin_put(wait, seconds, <PyObject*>item)
        try:
            park_in_line(self, wait)
        finally:
            taken = self.core.end_put(wait)
        if not taken:
            raise Full
        return 0

    def put_nowait(self, item):
        """Give `item` to a getter; raise Full when none waits. Never waits."""
        self.put(item, False)

    # -- taking --

    cdef bint _take(self, list into) except -1:
        cdef void* item = NULL
        cdef From source = self.core.take(item)
        if source == COUNTER:
            into.append(self._counter.popleft())
        elif source == PUTTER:
            into.append(<object><PyObject*>item)
        return source != NOBODY

    def get(self, block=True, timeout=None):
        """Take an item from the putter who has waited longest; park until there is one.

        block
            False: raise Empty at once when nobody waits
        timeout
            how long to wait at most: seconds, then Empty is raised; or a `gevent.Timeout`, which raises itself
        """
        cdef list taken = []
        if not self._take(taken):
            if not block:
                looked_in_vain()
                if self._take(taken):
                    return taken[0]
                raise Empty
            if isinstance(timeout, Timeout):
                with Running(timeout):
                    self._wait_and_take(taken, -1.0)
            else:
                self._wait_and_take(taken, -1.0 if timeout is None else max(<double>timeout, 0.0))
        return taken[0]

    cdef int _wait_and_take(self, list taken, double seconds) except -1:
        cdef LineWait wait
        cdef int woken
        self.core.begin_get(wait, seconds, running_greenlet())
        try:
            while True:
                woken = park_in_line(self, wait)
                wait.arrive()
                if self._take(taken):
                    return 0
                if not woken:
                    raise Empty
        finally:
            self.core.end_get(wait)

    def get_nowait(self):
        """Take an item from the putter who has waited longest; raise Empty when nobody waits. Never waits."""
        return self.get(False)

    def __iter__(self):
        return self

    def __next__(self):
        item = self.get()
        if item is StopIteration:
            raise StopIteration
        return item

    def next(self):
        """Return the next item, as `get` does; end the iteration when it is the class StopIteration. Waits."""
        return self.__next__()


cdef list _brought(Line& line):
    cdef list items = []
    cdef CoreWaiter* waiter = line.queue.front()
    while waiter != NULL:
        items.append(<object><PyObject*>(<Ticket*>waiter.cookie).item)
        waiter = line.queue.after(waiter[0])
    return items


publish(<PyObject*>Channel, "gevent.queue.Channel")

__all__ = ["Channel"]
