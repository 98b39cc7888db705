"""Who is in a group: the part of gevent.pool that runs once for every greenlet that comes and goes.

What groups and pools promise is in gevent/pool.py. This is native because a pool's whole price is a few calls per
greenlet, and a frame of Python for each of them would be most of it: a roster is itself the link that a greenlet
calls when it ends.
"""

cdef class Roster:
    """The members of a group, and the places of a pool.

    `empty` is an event, set while there are no members. `places` is a semaphore that counts the free places, or None
    where there is no limit.
    """

    cdef readonly set members
    cdef readonly set dying      # members that were sent an exception and have not ended yet
    cdef readonly object empty
    cdef readonly object places

    def __cinit__(self, empty, places=None):
        self.members = set()
        self.dying = set()
        self.empty = empty
        self.places = places
        empty.set()

    def enter(self, greenlet):
        """Make `greenlet` a member until it ends, without asking for a place. Return whether it was none before."""
        if greenlet in self.members:
            return False
        link = getattr(greenlet, "rawlink", None)
        if link is not None:
            link(self)
        if not self.members:
            self.empty.clear()
        self.members.add(greenlet)
        return True

    def enter_with_place(self, greenlet, blocking, timeout):
        """As enter(), with a place of its own: wait for one, and return False if there was none in time."""
        if not self.places.acquire(blocking, timeout):
            return False
        entered = False
        try:
            entered = self.enter(greenlet)
        finally:
            if not entered:
                self.places.release()
        return True

    def leave(self, greenlet):
        """Strike `greenlet` out and free its place; do nothing if it is no member."""
        if greenlet not in self.members:
            return
        self.members.discard(greenlet)
        if self.dying:
            self.dying.discard(greenlet)
        if self.places is not None:
            self.places.release()
        if not self.members:
            self.empty.set()

    def __call__(self, greenlet):
        self.leave(greenlet)
