"""Groups of greenlets that can be waited for and killed together, and pools, which bound how many there are.

    pool = Pool(100)
    for page in pool.imap_unordered(fetch, urls):
        ...

A `Group` forgets a greenlet when it ends. A `Pool` is a group with a size: starting one more greenlet than that waits
until another has ended. Both map functions over iterables, with the methods that `multiprocessing.pool.Pool` has.

`Greenlet`, `IMap` and `IMapUnordered` are looked up in this module at each call: tracers put their own in their place.
"""

from collections import deque
from queue import Full

from greenlet import GreenletExit, getcurrent

from gevent._imap import IMap, IMapUnordered
from gevent._native.hub import looked_in_vain
from gevent._native.roster import Roster
from gevent.event import Event
from gevent.greenlet import Greenlet, joinall
from gevent.hub import kill as _kill_raw
from gevent.lock import DummySemaphore, Semaphore
from gevent.timeout import Timeout

__all__ = ["Group", "Pool", "PoolFull"]


class pass_value:
    """A link that hands the result of a greenlet that succeeded to `callback`, and ignores one that failed.

    It compares, hashes and looks like `callback`, so that it can be unlinked by it.
    """

    __slots__ = ("callback",)

    def __init__(self, callback):
        self.callback = callback

    def __eq__(self, other):
        mine, theirs = (getattr(link, "callback", link) for link in (self, other))
        return mine == theirs

    def __call__(self, source):
        if not source.successful():
            return
        self.callback(source.value)

    def __getattr__(self, item):
        return getattr(self.callback, item)

    def __repr__(self):
        return repr(self.callback)

    __str__ = __repr__

    def __hash__(self):
        return hash(self.callback)


class GroupMappingMixin:
    """The calling and mapping methods, for any class with a ``spawn(func, *args, **kwargs)``.

    What `spawn` returns has `get`, `rawlink`, `link` and `ready`, as greenlets and `AsyncResult` have. Three hooks,
    all named ``_apply_…``, say what is special about a class; thread pools have other answers than groups.
    """

    __slots__ = ()

    def apply(self, func, args=None, kwds=None):
        """Call ``func(*args, **kwds)`` in the group and wait for it; return or raise what it does.

        `args` is a tuple and `kwds` a dict; None stands for an empty one. Called from a greenlet of the same group,
        this is an ordinary function call.
        """
        args, kwds = args or (), kwds or {}
        if not self._apply_immediately():
            return self.spawn(func, *args, **kwds).get()
        return func(*args, **kwds)

    def apply_cb(self, func, args=None, kwds=None, callback=None):
        """As `apply`; then have ``callback(result)`` called in a greenlet of its own, unless `func` raised."""
        value = self.apply(func, args, kwds)
        if callback:
            self._apply_async_cb_spawn(callback, value)
        return value

    def apply_async(self, func, args=None, kwds=None, callback=None):
        """Start ``func(*args, **kwds)`` and return at once, with an object whose ``get()`` waits for the result.

        Never waits: if the pool is full, a greenlet outside it does. `callback(result)` is called when `func` has
        returned, and not when it raised.
        """
        if not self._apply_async_use_greenlet():
            task = self.spawn(func, *args or (), **kwds or {})
            if callback:
                task.link(pass_value(callback))
        else:
            task = Greenlet.spawn(self.apply_cb, func, args, kwds, callback)
        return task

    def map(self, func, iterable):
        """Return ``[func(item) for item in iterable]``, where all the calls take place in the group.

        Waits for the results. Raises what the iterable raises at once, and otherwise what the first failed call in
        the order of the items raised; calls that are under way then go on.
        """
        spawn = self.spawn
        values, tasks = [], deque()
        for item in iterable:
            tasks.append(spawn(func, item))
            # Many have ended by the time that the last one is started, and a value is smaller than a greenlet.
            while tasks and tasks[0].successful():
                values.append(tasks.popleft().get())
        values += [task.get() for task in tasks]
        return values

    def map_cb(self, func, iterable, callback=None):
        """As `map`, and then ``callback(list)``, which is called before this returns."""
        values = self.map(func, iterable)
        if callback:
            callback(values)
        return values

    def map_async(self, func, iterable, callback=None):
        """Return at once a greenlet that does `map_cb`: its ``get()`` waits for the list."""
        task = Greenlet(self.map_cb, func, iterable, callback)
        task.start()
        return task

    def imap(self, func, *iterables, **kwargs):
        """Return an iterator over ``func(*items)``, in the order of the items. Waits only when iterated over.

        It ends with the shortest of the iterables, as `map` does. Starting the calls does not wait for the iteration;
        ``maxsize=N`` bounds how many results may be under way or left lying, which endless iterables need.
        """
        return _start_imap(IMap, self, func, iterables, **kwargs)

    def imap_unordered(self, func, *iterables, **kwargs):
        """As `imap`, with the results in the order in which the calls finish."""
        return _start_imap(IMapUnordered, self, func, iterables, **kwargs)

    def spawn(self, func, *args, **kwargs):
        """Start ``func(*args, **kwargs)`` and return the object that will have its result. May wait for room."""
        raise NotImplementedError

    def _apply_async_cb_spawn(self, callback, result):
        """Arrange for ``callback(result)`` to be called."""
        raise NotImplementedError

    def _apply_async_use_greenlet(self):
        """Whether `apply_async` needs a greenlet outside the group to do the waiting."""
        return False

    def _apply_immediately(self):
        """Whether `apply` is to call the function itself, as waiting for a turn here could wait for itself."""
        return False


def _start_imap(kind, group, func, iterables, maxsize=None):
    zipped = len(iterables) != 1
    items = zip(*iterables, strict=False) if zipped else iterables[0]
    return kind.spawn(func, items, spawn=group.spawn, maxsize=maxsize, _zipped=zipped)


class Group(GroupMappingMixin):
    """A set of greenlets, each of which leaves it when it ends.

    ``Group(greenlets)`` starts with those of an iterable. Iterating, ``len()`` and ``in`` see the current members.
    """

    greenlet_class = Greenlet
    """What `spawn` makes; a subclass or an instance may have its own."""

    _places = None  # the semaphore that bounds a Pool

    def __init__(self, *args):
        assert len(args) <= 1, args
        self._roster = Roster(Event(), self._places)
        for member in args and args[0]:
            self.add(member)

    @property
    def greenlets(self):
        """The members: a set that changes under your hands. Set, it is as if each had been added or discarded."""
        return self._roster.members

    @greenlets.setter
    def greenlets(self, members):
        members = set(members)
        for each in self.greenlets - members:
            self.discard(each)
        for each in members - self.greenlets:
            self.add(each)

    @property
    def dying(self):
        """The members that were sent an exception and still live. May be set."""
        return self._roster.dying

    @dying.setter
    def dying(self, members):
        sent = self.greenlets & set(members)
        self._roster.dying.clear()
        self._roster.dying.update(sent)

    def spawn(self, *args, **kwargs):
        """Make a greenlet of `greenlet_class` from the arguments, `start` it, and return it."""
        task = self.greenlet_class(*args, **kwargs)
        self.start(task)
        return task

    def start(self, greenlet):
        """Add `greenlet`, which has not been started yet, and start it."""
        self.add(greenlet)
        greenlet.start()

    def add(self, greenlet):
        """Take `greenlet`, which may have been started or not, into the group until it ends.

        A raw `greenlet.greenlet` tells nobody about its end: it stays until `discard`.
        """
        self._roster.enter(greenlet)

    def discard(self, greenlet):
        """Let `greenlet` go; it lives on. Nothing happens if it is no member."""
        self._roster.leave(greenlet)
        unlink = getattr(greenlet, "unlink", None)
        if unlink is not None:
            unlink(self._roster)

    def join(self, timeout=None, raise_error=False):
        """Wait until the group is empty, at most `timeout` seconds (None: as long as it takes).

        Returns whether it is empty. With `raise_error`, raises what one of the members of now has raised meanwhile.
        """
        watched = list(self) if raise_error else ()
        is_empty = self._roster.empty.wait(timeout)
        for member in watched:
            if member.ready():
                member.get()  # the exception, if it has one
        return is_empty

    def kill(self, exception=GreenletExit, block=True, timeout=None):
        """Throw `exception` into every member, once: one that survives it is not sent another.

        With `block`, waits until all members are gone, including those that join meanwhile (they are killed too), at
        most `timeout` seconds; returns without complaint when the time is over.
        """
        deadline = Timeout._start_new_or_dummy(timeout)
        try:
            self._kill_members(exception, block)
        except Timeout as expired:
            if expired is deadline:
                return
            raise
        finally:
            deadline.close()

    def _kill_members(self, exception, block):
        members, dying = self.greenlets, self.dying
        while members:
            for member in members - dying:
                self.killone(member, exception, block=False)
            if not block:
                return
            for member in joinall(list(members)):
                # It may not have got round to telling yet, and there is no need to wait for that.
                self._roster.leave(member)

    def killone(self, greenlet, exception=GreenletExit, block=True, timeout=None):
        """Throw `exception` into `greenlet` if it is a member and none was thrown into it before.

        With `block`, waits at most `timeout` seconds for its end.
        """
        if greenlet not in self.greenlets or greenlet in self.dying:
            return
        if not hasattr(greenlet, "rawlink"):
            _kill_raw(greenlet, exception)
            self.discard(greenlet)  # nobody will report the end of a raw greenlet
            return
        self.dying.add(greenlet)
        greenlet.kill(exception, block=False)
        if block:
            greenlet.join(timeout)

    def full(self):
        """Return whether there is no room for one more: never, in a group. Never waits."""
        return False

    def wait_available(self, timeout=None):
        """Wait until there is room for one more, at most `timeout` seconds. A group always has room."""

    def __len__(self):
        members = len(self._roster.members)
        if members:
            looked_in_vain()  # whoever asks again and again waits for another number
        return members

    def __iter__(self):
        return iter(self._roster.members)

    def __contains__(self, item):
        return item in self._roster.members

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x} {self.greenlets}>"

    def _apply_immediately(self):
        return getcurrent() in self.greenlets

    def _apply_async_use_greenlet(self):
        return self.full()

    def _apply_async_cb_spawn(self, callback, result):
        Greenlet.spawn(callback, result)


class PoolFull(Full):
    """Raised when a pool got no room in time for one more greenlet."""


class Pool(Group):
    """A group that at most `size` greenlets can be members of; None for any number.

    What starts or adds a greenlet waits for room. `greenlet_class` replaces the class attribute for this pool. Raises
    ValueError for a negative size; in a pool of size 0 there is never room.
    """

    def __init__(self, size=None, greenlet_class=None):
        if (size or 0) < 0:
            raise ValueError(f"size must not be negative: {size!r}")
        self.size = size
        self._places = self._semaphore = DummySemaphore() if size is None else Semaphore(size)
        if greenlet_class:
            self.greenlet_class = greenlet_class
        super().__init__()

    def add(self, greenlet, blocking=True, timeout=None):
        """Take `greenlet` in, waiting for room at most `timeout` seconds, or not at all unless `blocking`.

        Raises PoolFull if there was no room in time.
        """
        if not self._roster.enter_with_place(greenlet, blocking, timeout):
            raise PoolFull

    def start(self, greenlet, *args, **kwargs):
        """Start `greenlet` once `add`, which gets the further arguments, has taken it in."""
        self.add(greenlet, *args, **kwargs)
        greenlet.start()

    def free_count(self):
        """The number of greenlets that could be added now without waiting: 1 if the pool has no limit."""
        if self.size is None:
            return 1
        if self._semaphore.counter == 0:
            looked_in_vain()
        return self._semaphore.counter

    def full(self):
        """Return whether there is no room, so that the next greenlet would have to wait. Never waits."""
        return not self.free_count()

    def wait_available(self, timeout=None):
        """Wait until there is room for one more, at most `timeout` seconds (None: as long as it takes).

        Returns the number of free places at that moment: 0 if the time is over, 1 if the pool has no limit.
        """
        return self._semaphore.wait(timeout)
