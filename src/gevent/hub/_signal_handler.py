"""Calling a function in a greenlet of its own when a signal comes: `gevent.signal_handler`."""

from gevent._hub_local import get_hub
from gevent._native.greenlet import Greenlet

__all__ = ["signal"]


class signal:
    """Call `handler(*args, **kwargs)` in a new greenlet whenever this process receives `signalnum`.

    Does not keep the hub running. `cancel()` ends it. TypeError if `handler` cannot be called. What the handler raises
    comes out in the main greenlet, as with Python's own signal handlers. From gevent, where it is `gevent.hub.signal`.
    """

    # The class of greenlet the handler runs in; a subclass may choose another.
    greenlet_class = Greenlet

    def __init__(self, signalnum, handler, *args, **kwargs):
        if not callable(handler):
            raise TypeError(f"signal handler must be callable, not {handler!r}")
        self.handler, self.args, self.kwargs = handler, args, kwargs
        self.hub = hub = get_hub()
        watcher = hub.loop.signal(signalnum)
        watcher.ref = False
        self.watcher = watcher
        watcher.start(self._begin)

    ref = property(
        lambda self: self.watcher.ref,
        lambda self, yes: setattr(self.watcher, "ref", yes),
        doc="Whether the hub goes on as long as this is in place; False from the start.",
    )

    def cancel(self):
        """Call the handler no more; what it has begun goes on. Does not wait."""
        watcher = self.watcher
        watcher.stop()
        return watcher.close()

    def _begin(self):
        self.greenlet_class(self.handle).switch()

    def handle(self):
        """Call the handler now, in the calling greenlet. What it raises is reported, not raised."""
        handler, args, kwargs = self.handler, self.args, self.kwargs
        try:
            handler(*args, **kwargs)
        except BaseException as error:
            self.hub.handle_error(None, type(error), error, error.__traceback__)
