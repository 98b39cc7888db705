"""The exceptions of the hub and of the objects that wait on it.

They are in a module of their own, which imports nothing of gevent, so that every other module can raise them.
"""

from greenlet import GreenletExit

__all__ = ["LoopExit"]


class LoopExit(Exception):
    """The loop has nothing left that could ever wake the greenlet which waits.

    Made with three arguments (message, hub, handles) it prints all of them; with any other number it is an
    ordinary exception.

    waiting_for
        the object that the greenlet waited for (an event, a queue, a list of greenlets); None where it is not known.
        Ours.
    """

    waiting_for = None

    @property
    def hub(self):
        """The hub whose loop ran dry, or None where it is not known."""
        return self.args[1] if len(self.args) == 3 else None

    def __repr__(self):
        if len(self.args) != 3:
            return super().__repr__()
        from pprint import pformat, saferepr

        message, hub, handles = self.args
        if self.waiting_for is not None:
            message = f"{message}\n\tWaiting for: {saferepr(self.waiting_for)}"
        return f"{message}\n\tHub: {hub}\n\tHandles:\n{pformat(handles)}"

    __str__ = __repr__


class InvalidThreadUseError(RuntimeError):
    """An object that belongs to one thread's hub was used from another thread."""


class BlockingSwitchOutError(AssertionError):
    """Something tried to wait inside a block that promised not to, such as a callback of the hub itself."""


class ConcurrentObjectUseError(AssertionError):
    """Two greenlets use an object at once which only one at a time may use."""


class InvalidSwitchError(AssertionError):
    """A greenlet was woken by somebody other than what it was waiting for."""


class HubDestroyed(GreenletExit):
    """Thrown into a hub to make it end; not an error.

    `destroy_loop` tells whether the hub should take its loop down as well.
    """

    def __init__(self, destroy_loop):
        super().__init__(destroy_loop)
        self.destroy_loop = destroy_loop
