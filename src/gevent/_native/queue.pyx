# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, auto_pickle=False
"""Queues: getters wait for items, putters for room, each in a line of cpp/sync/line.h.

An item stays in the queue until a getter takes it, and a putter puts its item itself once there is room. So one that is
killed or times out after it was woken neither loses an item nor leaves one behind.

Only in the hub, where nobody may wait, is somebody served who was woken and has not run yet: there a getter on its way
is given its item to make room, and a putter on its way has its item taken.

A queue whose `mutex` or conditions somebody has asked for is *guarded* from then on: everything happens with the mutex
held, as in `queue`, and the conditions are notified. Others have neither, and pay nothing.
"""
# tidy: long because classes that build on each other's C fields cannot be in several files without cimport.
cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t

import queue as _stdlib
from _heapq import heapify, heappop, heappush
from collections import deque
from operator import index
from types import GenericAlias

from gevent._native.timeout import Running, Timeout

from bridge cimport CoreWaitQueue, current_hub, park_named_in, should_park_thread
from line cimport Line, LineWait, Ticket, park_in_line, park_thread_in_line

cdef extern from "sync/stock.h" namespace "gevent::Stock":
    const int64_t UNLIMITED "gevent::Stock::kUnlimited"
    cdef enum Next "gevent::Stock::Next":
        WAIT "gevent::Stock::Next::kWait"
        SERVED "gevent::Stock::Next::kServed"
        GO "gevent::Stock::Next::kGo"
        SHUT_DOWN "gevent::Stock::Next::kShutDown"
        TIME_OVER "gevent::Stock::Next::kTimeOver"

cdef extern from "sync/stock.h" namespace "gevent":
    cdef cppclass Stock:
        Line getters
        Line putters
        CoreWaitQueue joiners
        int64_t limit()
        bint limited()
        void set_limit(int64_t)
        bint has_room(int64_t size)
        void note_put(int64_t size)
        bint tells_of_put()
        void note_taken(int64_t size)
        void tell_getters(int64_t size)
        void tell_putters(int64_t size)
        Next next_of_putter(const Ticket&, int64_t size, bint woken)
        Next next_of_getter(const Ticket&, int64_t size, bint woken)
        Ticket* putter_to_serve()
        Ticket* getter_to_serve()
        bint is_shut_down()
        void shut_down()
        void wake_all()
        int64_t unfinished()
        void set_unfinished(int64_t)
        void begin_work()
        bint finish_work(int64_t count)

cdef extern from "python/object/type_name.h" namespace "gevent":
    void publish(PyObject* type, const char* name)

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    bint in_hub()

cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain() except -1

cdef extern from "python/object/deque_calls.h" namespace "gevent::DequeCalls":
    int find_deque "gevent::DequeCalls::find" () except -1
    bint is_deque(object)
    Py_ssize_t deque_size "gevent::DequeCalls::size" (object)
    object deque_append "gevent::DequeCalls::append" (object deque, object item)
    object deque_popleft "gevent::DequeCalls::popleft" (object deque)

find_deque()

Empty = _stdlib.Empty
Full = _stdlib.Full

try:
    ShutDown = _stdlib.ShutDown
except AttributeError:
    # New in Python 3.13.
    class ShutDown(Exception):
        """Raised by `put` on a queue that was shut down, and by `get` once such a queue is empty."""

cdef enum Kind:
    FIFO, LIFO, HEAP

# What `maxsize` is without a limit.
cdef object _no_limit = None


def be_the_standard_librarys():
    """From now on these are the classes of `queue`: 0 is no limit, as programs expect that compare it with numbers."""
    global _no_limit
    _no_limit = 0


cdef class SimpleQueue:
    """SimpleQueue(maxsize=None, items=(), _warn_depth=2)
--

A first-in-first-out queue. From gevent, as `queue.SimpleQueue` with a limit and a look at the next item.

    maxsize
        how many items there may be before `put` waits; None or less than 1: no limit
    items
        what is in it at the beginning

    A subclass may define `_init`, `_put`, `_get`, `_peek` and `_qsize`, as those of `queue.Queue` do. Iterating takes
    items until one is the class StopIteration.
    """
    cdef Stock stock          # who may go on, and when
    cdef object _items
    cdef Kind _kind
    cdef bint _overridden     # a subclass handles the items itself
    cdef bint _in_deque       # first in, first out, in a deque, handled here
    cdef bint _derived        # a subclass may have its own get() and put()
    cdef bint _special        # put() has more to look at: is_shutdown, or guarded
    cdef bint _guarded        # has the following, and is not _in_deque
    cdef object _mutex
    cdef object _not_empty
    cdef object _not_full
    cdef object __weakref__

    __slots__ = ("_maxsize", "getters", "putters", "hub", "_event_unlock", "queue", "__weakref__", "is_shutdown")

    def __cinit__(self, *args, **kwargs):
        cdef object kind = type(self)
        self._kind = FIFO
        self._derived = kind not in _own_types
        if self._derived:
            for name, own in _item_methods:
                if getattr(kind, name) is not own:
                    self._overridden = True

    def __init__(self, maxsize=None, items=(), _warn_depth=2):
        if maxsize is not None:
            if maxsize <= 0:
                if maxsize == 0:
                    import warnings
                    warnings.warn("Queue(0) is the same as Queue(None), without a limit; for a hand-over without a "
                                  "buffer, use Channel", DeprecationWarning, stacklevel=_warn_depth)
                maxsize = None
            else:
                self.stock.set_limit(<int64_t>index(maxsize))
        # Without the items: a subclass written for `queue.Queue` knows of none, and has a `_put` for them.
        self._init(_no_limit if maxsize is None else maxsize)
        self._fill(items)

    @cython.final
    cdef int _fill(self, items) except -1:
        if self._overridden or (self._kind == FIFO and not self._in_deque):
            for item in items:
                self._put(item)
        else:
            self._items.extend(items)
            if self._kind == HEAP:
                heapify(self._items)
        return 0

    @property
    def maxsize(self):
        """How many items there may be before `put` waits; None (0 where `queue` is patched): no limit. Writable."""
        return self.stock.limit() if self.stock.limited() else _no_limit

    @maxsize.setter
    def maxsize(self, value):
        self.stock.set_limit(UNLIMITED if value is None or value <= 0 else <int64_t>index(value))
        self._tell_putters()

    @property
    def is_shutdown(self):
        """Whether `shutdown` was called, after which nothing more can be put."""
        return self.stock.is_shut_down()

    @property
    def queue(self):
        """The items themselves: a deque, or a list for the ordered kinds. To look at; nobody is woken by a change."""
        return self._items

    @queue.setter
    def queue(self, value):
        self._items = value
        self._in_deque = self._kind == FIFO and not self._overridden and not self._guarded and is_deque(value)

    @property
    def hub(self):
        """The hub of the calling thread, which is made if it has none."""
        return current_hub()

    def __repr__(self):
        return f"<{' '.join([type(self).__name__, f'at {hex(id(self))}', *self._words()])}>"

    def __str__(self):
        return f"<{' '.join([type(self).__name__, *self._words()])}>"

    cpdef list _words(self):
        cdef list words = []
        if self.stock.limited():
            words.append(f"maxsize={self.stock.limit()}")
        if self._items:
            words.append(f"queue={self._items!r}")
        if not self.stock.getters.empty():
            words.append(f"getters[{self.stock.getters.waiting()}]")
        if not self.stock.putters.empty():
            words.append(f"putters[{self.stock.putters.waiting()}]")
        if self.stock.is_shut_down():
            words.append("shutdown")
        return words

    __class_getitem__ = classmethod(GenericAlias)

    # -- the items --

    def _init(self, maxsize, items=()):
        self.queue = deque() if self._kind == FIFO else []
        self._fill(items)

    def _qsize(self):
        return len(self._items)

    def _put(self, item):
        self._put_own(item)

    def _get(self):
        return self._get_own()

    def _peek(self):
        return self._items[-1] if self._kind == LIFO else self._items[0]

    @cython.final
    cdef int _put_own(self, item) except -1:
        if self._in_deque:
            deque_append(self._items, item)
        elif self._kind == HEAP:
            heappush(self._items, item)
        else:
            self._items.append(item)
        return 0

    @cython.final
    cdef object _get_own(self):
        if self._in_deque:
            return deque_popleft(self._items)
        if self._kind == FIFO:
            return self._items.popleft()
        if self._kind == LIFO:
            return self._items.pop()
        return heappop(self._items)

    @cython.final
    cdef int64_t _size(self) except -1:
        if self._in_deque:
            return deque_size(self._items)
        return self._qsize() if self._overridden else len(self._items)

    @cython.final
    cdef int _insert(self, item) except -1:
        if self._overridden:
            self._put(item)
        else:
            self._put_own(item)
        self.stock.begin_work()
        return 0

    @cython.final
    cdef object _remove(self):
        return self._get() if self._overridden else self._get_own()

    @cython.final
    cdef int _put_back(self, item) except -1:
        # As if it had never been removed, as far as the kind of queue allows that.
        if self._overridden:
            self._put(item)
        elif self._kind == FIFO:
            self._items.appendleft(item)
        else:
            self._put_own(item)
        return 0

    # -- lines --

    # Whoever puts or takes in passing may have taken what others were woken for.

    @cython.final
    cdef inline int _tell_getters(self) except -1:
        if not self.stock.getters.empty():
            self.stock.tell_getters(self._size())
        return 0

    @cython.final
    cdef inline int _tell_putters(self) except -1:
        if not self.stock.putters.empty():
            self.stock.tell_putters(self._size())
        return 0

    @cython.final
    cdef inline int _put_in(self, item) except -1:
        self._insert(item)
        if self.stock.tells_of_put():
            self.stock.note_put(self._size())
        return 0

    @cython.final
    cdef inline object _take_out(self):
        item = self._remove()
        self.stock.note_taken(self._size())
        return item

    @cython.final
    cdef bint _take_from_putter(self) except -1:
        # In the hub.
        cdef Ticket* ticket = self.stock.putter_to_serve()
        if ticket == NULL:
            return False
        self._insert(<object><PyObject*>ticket.item)
        self.stock.putters.serve(ticket[0])
        return True

    @cython.final
    cdef bint _give_to_getter(self) except -1:
        # In the hub.
        cdef Ticket* ticket = self.stock.getter_to_serve()
        if ticket == NULL:
            return False
        item = self._remove()
        Py_INCREF(item)
        ticket.item = <PyObject*>item
        self.stock.getters.serve(ticket[0])
        return True

    # -- looking --

    def qsize(self):
        """Return the number of items in the queue. Never waits."""
        looked_in_vain()  # whoever asks again and again waits for another number
        return self._size()

    def __len__(self):
        return self._size()

    def __bool__(self):
        return True

    def empty(self):
        """Return whether there is no item, so that `get` would have to wait. Never waits."""
        if self._size() != 0:
            return False
        looked_in_vain()
        return self._size() == 0

    def full(self):
        """Return whether there is no room, so that `put` would have to wait. Never waits."""
        if self.stock.has_room(self._size()):
            return False
        looked_in_vain()
        return not self.stock.has_room(self._size())

    def copy(self):
        """Return a new queue of the same kind with the same limit and items."""
        return type(self)(self.stock.limit() if self.stock.limited() else None, self._items)

    # -- guarded queues --

    @cython.final
    cdef object _guard(self):
        if not self._guarded:
            from gevent._queue_conditions import QueueCondition, make_mutex
            self._mutex = make_mutex()
            self._not_empty = QueueCondition(self._mutex, self._tell_getters_of)
            self._not_full = QueueCondition(self._mutex, self._tell_putters_of)
            self._guarded = self._special = True
            self._in_deque = False
        return self._mutex

    # What the conditions call when a program notifies them.

    def _tell_getters_of(self):
        self._tell_getters()

    def _tell_putters_of(self):
        self._tell_putters()

    @cython.final
    cdef int _take_mutex(self, bint* held) except -1:
        thrown = self._mutex._acquire_whatever_comes()
        held[0] = True
        if thrown is not None:
            raise thrown
        return 0

    @cython.final
    cdef int _leave_mutex(self, bint* held) except -1:
        if held[0]:
            held[0] = False
            self._mutex.release()
        return 0

    @cython.final
    cdef int _wait(self, LineWait& wait, bint* held) except -1:
        # Parks, without the mutex; has it again afterwards, if there is one.
        cdef int woken
        self._leave_mutex(held)
        woken = park_thread_in_line(self, wait) if should_park_thread() else park_in_line(self, wait)
        if self._guarded:
            self._take_mutex(held)
        wait.arrive()
        return woken

    @cython.final
    cdef int _look_in_vain(self, bint* held) except -1:
        # Others may run, and need the mutex for what is looked for.
        if held != NULL:
            self._leave_mutex(held)
        looked_in_vain()
        if held != NULL and self._guarded:
            self._take_mutex(held)
        return 0

    @cython.final
    cdef int _put_specially(self, item, bint block, timeout) except -1:
        # After shutdown, or guarded.
        cdef bint held = False
        if self._guarded:
            self._mutex.acquire()
            held = True
        try:
            if self.stock.is_shut_down():
                raise ShutDown
            if self.stock.has_room(self._size()):
                self._put_in(item)
            else:
                self._put_slowly(item, block, timeout, &held)
            if held:
                self._not_empty.notify()
        finally:
            self._leave_mutex(&held)
        return 0

    @cython.final
    cdef object _get_guarded(self, bint remove, bint block, timeout):
        cdef bint held = True
        self._mutex.acquire()
        try:
            if self._size() > 0:
                item = self._take(remove)
            else:
                item = self._take_slowly(remove, block, timeout, &held)
            if held:
                self._not_full.notify()
            return item
        finally:
            self._leave_mutex(&held)

    # -- putting --

    def put(self, item, block=True, timeout=None):
        """Put `item` into the queue; park while it is full.

        block
            False: raise Full at once when it is
        timeout
            how long to wait at most: seconds, then Full is raised; or a `gevent.Timeout`, which raises itself

        Raises ShutDown after `shutdown`, ValueError for a negative timeout. In the hub it never waits.
        """
        if timeout is not None and block and self.stock.limited():
            _refuse_negative(timeout)
        if self._special:
            self._put_specially(item, block, timeout)
        elif not self.stock.limited() or self.stock.has_room(self._size()):
            self._put_in(item)
        else:
            self._put_slowly(item, block, timeout, NULL)

    def put_nowait(self, item):
        """Put `item` into the queue; raise Full when there is no room. Never waits."""
        if self._derived:
            self.put(item, False)
            return
        if self._special:
            self._put_specially(item, False, None)
        elif not self.stock.limited() or self.stock.has_room(self._size()):
            self._put_in(item)
        else:
            self._put_slowly(item, False, None, NULL)

    # These two apart: what they need on the stack would be copied with every greenlet that waits.
    @cython.final
    cdef int _put_in_time(self, item, timeout, bint* held) except -1:
        with Running(timeout):
            return self._put_slowly(item, True, None, held)

    @cython.final
    cdef object _take_in_time(self, bint remove, timeout, bint* held):
        with Running(timeout):
            return self._take_slowly(remove, True, None, held)

    @cython.final
    cdef int _put_slowly(self, item, bint block, timeout, bint* held) except -1:
        # `held`: the caller's, whether it has the mutex; NULL when there was none.
        cdef LineWait wait
        cdef double seconds
        cdef bint own_held = False
        cdef int woken
        cdef Next then = WAIT
        if in_hub():
            block = False
            while not self.stock.has_room(self._size()) and self._give_to_getter():
                pass
        elif not block:
            self._look_in_vain(held)
        if not block:
            if not self.stock.has_room(self._size()):
                raise Full
            self._put_in(item)
            return 0
        if isinstance(timeout, Timeout):
            return self._put_in_time(item, timeout, held)
        seconds = _limit(timeout)
        wait.enter(self.stock.putters, seconds, <PyObject*>item, True)
        try:
            while then == WAIT:
                woken = self._wait(wait, &own_held if held == NULL else held)
                then = self.stock.next_of_putter(wait.ticket()[0], self._size(), woken)
            if then == GO:
                self._put_in(item)
            elif then != SERVED:
                raise ShutDown if then == SHUT_DOWN else Full
            return 0
        finally:
            wait.leave()
            self._tell_putters()
            self._leave_mutex(&own_held)

    # -- taking --

    @cython.final
    cdef object _take(self, bint remove):
        # Requires an item.
        return self._take_out() if remove else self._peek()

    def get(self, block=True, timeout=None):
        """Remove and return the next item; park while there is none.

        block
            False: raise Empty at once when there is none
        timeout
            how long to wait at most: seconds, then Empty is raised; or a `gevent.Timeout`, which raises itself

        Raises ShutDown when there is none after `shutdown`, ValueError for a negative timeout, and LoopExit when
        nothing is left that could put one. In the hub it never waits.
        """
        if timeout is not None and block:
            _refuse_negative(timeout)
        if self._in_deque:
            if deque_size(self._items) > 0:
                return self._take_out()
        elif self._guarded:
            return self._get_guarded(True, block, timeout)
        elif self._size() > 0:
            return self._take_out()
        return self._take_slowly(True, block, timeout, NULL)

    def get_nowait(self):
        """Remove and return the next item; raise Empty when there is none. Never waits."""
        if self._derived:
            return self.get(False)
        if self._in_deque:
            if deque_size(self._items) > 0:
                return self._take_out()
        elif self._guarded:
            return self._get_guarded(True, False, None)
        elif self._size() > 0:
            return self._take_out()
        return self._take_slowly(True, False, None, NULL)

    def peek(self, block=True, timeout=None):
        """Return the next item without removing it; `block`, `timeout`, waiting and exceptions are as of `get`."""
        if self._guarded:
            return self._get_guarded(False, block, timeout)
        if self._size() > 0:
            return self._take(False)
        return self._take_slowly(False, block, timeout, NULL)

    def peek_nowait(self):
        """Return the next item without removing it; raise Empty when there is none. Never waits."""
        return self.peek(False)

    @cython.final
    cdef object _take_slowly(self, bint remove, bint block, timeout, bint* held):
        # `held`: as for _put_slowly().
        cdef LineWait wait
        cdef Ticket* ticket
        cdef double seconds
        cdef bint own_held = False
        cdef int woken
        cdef Next then = WAIT
        if in_hub():
            block = False
            self._take_from_putter()
        elif not block:
            self._look_in_vain(held)
        if not block and self._size() > 0:
            return self._take(remove)
        if self.stock.is_shut_down():
            raise ShutDown
        if not block:
            raise Empty
        if isinstance(timeout, Timeout):
            return self._take_in_time(remove, timeout, held)
        seconds = _limit(timeout)
        given = None
        wait.enter(self.stock.getters, seconds, NULL, remove)
        ticket = wait.ticket()
        try:
            while then == WAIT:
                woken = self._wait(wait, &own_held if held == NULL else held)
                then = self.stock.next_of_getter(ticket[0], self._size(), woken)
            if then == GO:
                return self._take(remove)
            if then != SERVED:
                raise ShutDown if then == SHUT_DOWN else Empty
            ticket.served = False
            given = <object><PyObject*>ticket.item
            Py_DECREF(given)
            return given
        finally:
            if ticket.served:
                # Killed with the item in its hands.
                given = <object><PyObject*>ticket.item
                Py_DECREF(given)
                self._put_back(given)
            wait.leave()
            self._tell_getters()
            self._leave_mutex(&own_held)

    def __iter__(self):
        return self

    def __next__(self):
        item = self.get()
        if item is StopIteration:
            raise StopIteration
        return item


cdef int _refuse_negative(timeout) except -1:
    # Also when there is nothing to wait for, as the standard library.
    if not isinstance(timeout, Timeout):
        _limit(timeout)
    return 0


cdef double _limit(timeout) except? -2:
    cdef double seconds
    if timeout is None:
        return -1.0
    seconds = timeout
    if seconds < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return seconds


cdef class Queue(SimpleQueue):
    """Queue(maxsize=None, items=(), unfinished_tasks=None)
--

A `SimpleQueue` that knows which items are still being worked on, and can be shut down. As `queue.Queue`.

    unfinished_tasks
        how many `task_done` calls are to come for the items at the beginning; by default one each

    From gevent, where JoinableQueue is another name for it.
    """
    cdef object _all_tasks_done

    __slots__ = ("_cond", "unfinished_tasks")

    def __init__(self, maxsize=None, items=(), unfinished_tasks=None):
        SimpleQueue.__init__(self, maxsize, items, 3)
        self.stock.set_unfinished(self._size() if unfinished_tasks is None else unfinished_tasks)

    cpdef list _words(self):
        cdef list words = SimpleQueue._words(self)
        if self.stock.unfinished():
            words.append(f"tasks={self.stock.unfinished()}")
        return words

    @property
    def unfinished_tasks(self):
        """How many `task_done` calls are to come. May be set, to whom `all_tasks_done` is notified then."""
        if self.stock.unfinished():
            looked_in_vain()
        return self.stock.unfinished()

    @unfinished_tasks.setter
    def unfinished_tasks(self, int64_t value):
        self.stock.set_unfinished(value)

    # What the standard library's queues are made of, for programs that look inside.

    @property
    def mutex(self):
        """The lock that is held whenever the queue changes. It is from when somebody first asks for it."""
        return self._guard()

    @property
    def not_empty(self):
        """A `threading.Condition` of `mutex`, notified for each item that is put."""
        self._guard()
        return self._not_empty

    @property
    def not_full(self):
        """A `threading.Condition` of `mutex`, notified for each item that is taken."""
        self._guard()
        return self._not_full

    @property
    def all_tasks_done(self):
        """A `threading.Condition` of `mutex`, notified when the work on every item is done."""
        if self._all_tasks_done is None:
            from gevent._queue_conditions import QueueCondition
            self._all_tasks_done = QueueCondition(self._guard(), self._tell_joiners)
        return self._all_tasks_done

    def _tell_joiners(self):
        if self.stock.unfinished() <= 0:
            self.stock.joiners.wake_all()

    def copy(self):
        """Return a new queue of the same kind with the same limit, items and number of unfinished tasks."""
        return type(self)(self.stock.limit() if self.stock.limited() else None, self._items, self.stock.unfinished())

    def task_done(self):
        """Say that the work on an item is done. ValueError when that was said for every item that was ever put."""
        cdef bint held = False
        if self._guarded:
            self._mutex.acquire()
            held = True
        try:
            if self.stock.unfinished() <= 0:
                raise ValueError("task_done() called too many times")
            self._finish(1)
        finally:
            self._leave_mutex(&held)

    cdef _finish(self, int64_t count):
        # With the mutex, if there is one.
        if self.stock.finish_work(count) and self._all_tasks_done is not None:
            self._all_tasks_done.notify_all()

    def join(self, timeout=None):
        """Park until the work on every item is done.

        timeout
            how long at most: seconds, or a `gevent.Timeout`

        Returns whether it is, True or False.
        """
        cdef double seconds = -1.0
        if self.stock.unfinished() == 0:
            return True
        if isinstance(timeout, Timeout):
            with Running(timeout, quiet=True):
                return self.join()
            return self.stock.unfinished() == 0
        if timeout is not None:
            seconds = max(<double>timeout, 0.0)
        return park_named_in(self, self.stock.joiners, seconds, NULL) == 1 or self.stock.unfinished() == 0

    def shutdown(self, immediate=False):
        """From now on, `put` raises ShutDown, and so does `get` when the queue is empty; also where they wait now.

        immediate
            drop all items; the work on them counts as done

        Never waits. As `queue.Queue.shutdown` of Python 3.13.
        """
        cdef int64_t dropped = 0
        cdef bint held = False
        if self._guarded:
            self._mutex.acquire()
            held = True
        try:
            self.stock.shut_down()
            self._special = True
            if immediate:
                while self._size() > 0:
                    self._remove()
                    dropped += 1
                self._finish(dropped)
            self.stock.wake_all()
            if held:
                self._not_empty.notify_all()
                self._not_full.notify_all()
        finally:
            self._leave_mutex(&held)


cdef class UnboundQueue(Queue):
    """UnboundQueue(maxsize=None, items=())
--

A `Queue` without a limit. `maxsize` can only be None."""

    __slots__ = ()

    def __init__(self, maxsize=None, items=()):
        if maxsize is not None:
            raise ValueError("UnboundQueue has no maxsize")
        Queue.__init__(self, None, items)

    def copy(self):
        """Return a new queue with the same items."""
        return type(self)(None, self._items)


cdef class LifoQueue(Queue):
    """A `Queue` whose next item is the one that was put last: a stack. Arguments are those of `Queue`."""

    __slots__ = ()

    def __cinit__(self, *args, **kwargs):
        self._kind = LIFO


cdef class PriorityQueue(Queue):
    """A `Queue` whose next item is the smallest. Items are compared with `<`; usually they are (priority, data)."""

    __slots__ = ()

    def __cinit__(self, *args, **kwargs):
        self._kind = HEAP


cdef tuple _own_types = (Queue, SimpleQueue, LifoQueue, PriorityQueue, UnboundQueue)
cdef tuple _item_methods = tuple([(name, getattr(SimpleQueue, name))
                                  for name in ("_put", "_get", "_peek", "_qsize")])

publish(<PyObject*>SimpleQueue, "gevent.queue.SimpleQueue")
publish(<PyObject*>Queue, "gevent.queue.Queue")
publish(<PyObject*>UnboundQueue, "gevent.queue.UnboundQueue")
publish(<PyObject*>LifoQueue, "gevent.queue.LifoQueue")
publish(<PyObject*>PriorityQueue, "gevent.queue.PriorityQueue")

__all__ = ["Empty", "Full", "LifoQueue", "PriorityQueue", "Queue", "ShutDown", "SimpleQueue", "UnboundQueue"]
