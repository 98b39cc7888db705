"""What an event loop, a watcher and a queued callback can be relied on to do, as zope interfaces.

For those who check (``verifyObject(ILoop, hub.loop)``); nothing in gevent imports this by itself.
"""
from zope.interface import Attribute, Interface, classImplements

from gevent._native.loop import Loop, callback, watcher

__all__ = ["ILoop", "IWatcher", "ICallback"]


class ILoop(Interface):
    """An event loop: it waits for events, and calls back."""

    default = Attribute("Whether it is the process's default loop.")
    approx_timer_resolution = Attribute("Seconds; timers are not more exact than this.")

    def run(nowait=False, once=False):  # noqa: N805
        """Call back as things happen, until nothing is left; or for one round."""

    def now():
        """Seconds since the epoch, as last looked up."""

    def update_now():
        """Look the time up."""

    def destroy():
        """Give the loop up."""

    def io(fd, events, ref=True, priority=None):  # noqa: N805
        """Make a watcher of a descriptor."""

    def closing_fd(fd):  # noqa: N805
        """Be told that a descriptor is about to be closed; answer whether it was watched."""

    def timer(after, repeat=0.0, ref=True, priority=None):  # noqa: N805
        """Make a watcher of time."""

    def signal(signum, ref=True, priority=None):  # noqa: N805
        """Make a watcher of a signal."""

    def idle(ref=True, priority=None):  # noqa: N805
        """Make a watcher of quiet moments."""

    def prepare(ref=True, priority=None):  # noqa: N805
        """Make a watcher of the moments before waiting."""

    def check(ref=True, priority=None):  # noqa: N805
        """Make a watcher of the moments after waiting."""

    def fork(ref=True, priority=None):  # noqa: N805
        """Make a watcher of this process becoming a forked child."""

    def async_(ref=True, priority=None):  # noqa: N805
        """Make a watcher that any thread can set off."""

    def child(pid, trace=0, ref=True):  # noqa: N805
        """Make a watcher of a child process's end."""

    def stat(path, interval=0.0, ref=True, priority=None):  # noqa: N805
        """Make a watcher of a file's attributes."""

    def run_callback(func, *args):  # noqa: N805
        """Queue a call for the loop's thread, from that thread; return an ICallback."""

    def run_callback_threadsafe(func, *args):  # noqa: N805
        """Queue a call for the loop's thread, from any thread; return an ICallback."""


class IWatcher(Interface):
    """Something a loop looks out for."""

    def start(callback, *args, **kwargs):  # noqa: N805
        """Begin; call back when it happens."""

    def stop():
        """End; may be started again."""

    def close():
        """End for good."""


class ICallback(Interface):
    """A queued call. True while it is pending."""

    pending = Attribute("Whether the call is still to come.")

    def stop():
        """Do not make the call."""

    def close():
        """The same as stop."""


classImplements(Loop, ILoop)
classImplements(callback, ICallback)
classImplements(watcher, IWatcher)
