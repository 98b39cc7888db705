"""A selector that lets other greenlets run while it waits; it takes the place of `selectors.DefaultSelector`.

What is registered, and how that is waited for, is in cpp/python/wait/registered_set.h.
"""

import selectors as __selectors__
from selectors import EVENT_READ, EVENT_WRITE, _BaseSelectorImpl

from gevent._hub_local import get_hub
from gevent._native.hub import sleep
from gevent._native.select import RegisteredSet
from gevent.select import POLLIN, POLLOUT

__all__ = ["DefaultSelector", "GeventSelector"]
__implements__ = ["DefaultSelector"]
__imports__ = [name for name in vars(__selectors__) if not name.startswith("__") and name not in __implements__]
globals().update((name, getattr(__selectors__, name)) for name in __imports__)


class GeventSelector(_BaseSelectorImpl):
    """Waits for many descriptors in one greenlet while the others go on.

    hub
        kept as an attribute for programs that ask for it; waiting happens in the hub of the thread that calls `select`.

    Everything else as any selector of the standard library. From gevent.
    """

    def __init__(self, hub=None):
        super().__init__()
        self._hub = hub
        self._set = RegisteredSet()

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
        found = self._set.look()
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
