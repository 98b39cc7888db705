from typing import Any

from greenlet import greenlet
from typing_extensions import Never, disjoint_base

from gevent._types import _Loop

__all__ = ["SwitchOutGreenletWithLoop", "TrackedRawGreenlet"]

class TrackedRawGreenlet(greenlet): ...

@disjoint_base
class SwitchOutGreenletWithLoop(TrackedRawGreenlet):
    loop: _Loop
    def switch(self) -> Any: ...
    def switch_out(self) -> Never: ...
