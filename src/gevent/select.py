"""The standard library's `select` module, with `select` and `poll` that let other greenlets run while they wait.

`epoll` and its kin cannot be made to wait like that and are not here; patching removes them from the standard library's
module, so that nobody stops the hub with them unawares.
"""

import select as __select__

from gevent._native.select import Poll, select_fds

__implements__ = ["select"]
if hasattr(__select__, "poll"):
    __implements__.append("poll")

# What cannot be supported, and is removed by patching.
__removed__ = ["epoll", "kqueue", "kevent", "devpoll"]

__imports__ = [
    name
    for name in dir(__select__)
    if not name.startswith("_") and name not in ("error", *__implements__, *__removed__)
]

__all__ = ["error", *__implements__]

error = __select__.error
_original_select = __select__.select
globals().update((name, getattr(__select__, name)) for name in __imports__)


def select(rlist, wlist, xlist, timeout=None):
    """Wait until something can be read from one of `rlist`, written to one of `wlist`, or is exceptional with one of
    `xlist`.

    timeout
        in seconds; None: no limit; 0: look, and do not wait.

    Returns three lists of those that are ready, as select.select, without its limit on descriptors' numbers. Raises
    ValueError for a negative timeout or descriptor, TypeError for what is no descriptor, OSError (EBADF) for a closed
    one. If a descriptor is closed while this waits it counts as ready.
    """
    if timeout is None:
        timeout = -1
    elif timeout < 0:
        raise ValueError("timeout must be non-negative")
    # In the standard library's words, if a descriptor is not open.
    return select_fds(rlist, wlist, xlist, timeout, lambda: _original_select(rlist, wlist, xlist, 0))


if "poll" in __implements__:

    class poll(Poll):
        """Waits for several descriptors together, again and again, as select.poll()."""

        __slots__ = ()
