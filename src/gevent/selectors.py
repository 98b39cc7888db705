"""A selector that lets other greenlets run while it waits; it takes the place of `selectors.DefaultSelector`.

Where there is epoll the registrations stay in the kernel from one `select` to the next: a call costs what is ready,
however many are registered, and the loop only watches one descriptor, the epoll set's own.
"""

import selectors as __selectors__
from selectors import EVENT_READ, EVENT_WRITE, _BaseSelectorImpl

from gevent._hub_local import get_hub
from gevent._native.hub import sleep
from gevent._native.select import wait_fds
from gevent.select import POLLIN, POLLNVAL, POLLOUT, _epoll

__all__ = ["DefaultSelector", "GeventSelector"]
__implements__ = ["DefaultSelector"]
__imports__ = [name for name in vars(__selectors__) if not name.startswith("__") and name not in __implements__]
globals().update((name, getattr(__selectors__, name)) for name in __imports__)


class _EpollSet:
    """Descriptors that the kernel remembers."""

    def __init__(self):
        self._set = _epoll()
        self._registered = {}
        # Regular files: epoll refuses them, because they never make anybody wait.
        self._always = {}

    def add(self, fd, mask):
        try:
            self._set.register(fd, mask)
            self._registered[fd] = mask
        except PermissionError:
            self._always[fd] = mask

    def remove(self, fd):
        self._registered.pop(fd, None)
        if self._always.pop(fd, None) is None:
            try:
                self._set.unregister(fd)
            except OSError:
                pass  # closed meanwhile, which the kernel takes for the same thing

    def ready(self):
        return self._set.poll(0) + list(self._always.items())

    def wait(self, timeout):
        found = wait_fds([(self._set, POLLIN)], timeout, self._registered)
        # The kernel says nothing of those that another greenlet has closed.
        closed = [(fd, mask) for fd, mask in found if mask & POLLNVAL]
        return self.ready() + closed

    def close(self):
        self._set.close()


class _PolledSet:
    """The same without epoll: every wait hands all descriptors over anew."""

    def __init__(self):
        self._masks = {}

    def add(self, fd, mask):
        self._masks[fd] = mask

    def remove(self, fd):
        del self._masks[fd]

    def ready(self):
        return wait_fds(self._masks.items(), 0)

    def wait(self, timeout):
        return wait_fds(self._masks.items(), timeout)

    def close(self):
        self._masks.clear()


class GeventSelector(_BaseSelectorImpl):
    """Waits for many descriptors in one greenlet while the others go on.

    hub
        kept as an attribute for programs that ask for it; waiting happens in the hub of the thread that calls `select`.

    Everything else as any selector of the standard library. From gevent.
    """

    def __init__(self, hub=None):
        super().__init__()
        self._hub = hub
        self._set = _PolledSet() if _epoll is None else _EpollSet()

    @property
    def hub(self):
        """The hub given, or that of the thread that first asks."""
        if self._hub is None:
            self._hub = get_hub()
        return self._hub

    def register(self, fileobj, events, data=None):
        """Wait for `events` of `fileobj` from now on; return its key. ValueError and KeyError as in any selector."""
        key = super().register(fileobj, events, data)
        try:
            self._set.add(key.fd, (events & EVENT_READ and POLLIN) | (events & EVENT_WRITE and POLLOUT))
        except OSError as error:
            super().unregister(fileobj)
            raise ValueError(f"Invalid file descriptor: {key.fd}: {error}") from error
        return key

    def unregister(self, fileobj):
        """Wait for `fileobj` no more; return its key."""
        key = super().unregister(fileobj)
        self._set.remove(key.fd)
        return key

    def modify(self, fileobj, events, data=None):
        """Wait for `events` of `fileobj` instead, and remember `data`; return the new key."""
        key = self.get_key(fileobj)
        if events != key.events:
            self.unregister(fileobj)
            return self.register(fileobj, events, data)
        return super().modify(fileobj, events, data)

    def select(self, timeout=None):
        """Wait until something is ready; return [(key, events)].

        timeout
            in seconds; None: no limit; 0 or less: look, and do not wait.

        Other greenlets get their turn even when something is ready already.
        """
        sleep(0)
        found = self._set.ready()
        if not found and (timeout is None or timeout > 0):
            found = self._set.wait(timeout)
        result = []
        for fd, mask in found:
            key = self._fd_to_key.get(fd)
            if key is None:
                continue  # unregistered by another greenlet meanwhile
            # Errors and hang-ups are for both sides to find out.
            events = (EVENT_READ if mask & ~POLLOUT else 0) | (EVENT_WRITE if mask & ~POLLIN else 0)
            if events & key.events:
                result.append((key, events & key.events))
        return result

    def close(self):
        """Forget everything. The registered files stay open."""
        self._set.close()
        super().close()


DefaultSelector = GeventSelector
