import weakref
from typing import Any, final

__all__ = ["IdentRegistry"]

@final
class ValuedWeakRef(weakref.ReferenceType[Any]):
    __slots__ = ("value",)
    value: Any

@final
class IdentRegistry:
    def __init__(self) -> None: ...
    def get_ident(self, obj: object) -> int: ...
    def __len__(self) -> int: ...
