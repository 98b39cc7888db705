from greenlet import GreenletExit

from gevent.hub import Hub

__all__ = ["LoopExit"]

class LoopExit(Exception):
    #: What the greenlet waited for that was left alone, as a text.
    waiting_for: str | None
    @property
    def hub(self) -> Hub | None: ...

class BlockingSwitchOutError(AssertionError): ...
class InvalidSwitchError(AssertionError): ...
class ConcurrentObjectUseError(AssertionError): ...
class InvalidThreadUseError(RuntimeError): ...

class HubDestroyed(GreenletExit):
    destroy_loop: bool
    def __init__(self, destroy_loop: bool) -> None: ...
