from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol, TypeAlias, TypeVar, type_check_only

from greenlet import greenlet as _greenlet
from psutil._ntuples import pmem

from gevent.hub import Hub

__all__ = [
    "DoNotPatch",
    "EventLoopBlocked",
    "GeventDidPatchAllEvent",
    "GeventDidPatchBuiltinModulesEvent",
    "GeventDidPatchModuleEvent",
    "GeventPatchEvent",
    "GeventWillPatchAllEvent",
    "GeventWillPatchEvent",
    "GeventWillPatchModuleEvent",
    "IEventLoopBlocked",
    "IGeventDidPatchAllEvent",
    "IGeventDidPatchBuiltinModulesEvent",
    "IGeventDidPatchEvent",
    "IGeventDidPatchModuleEvent",
    "IGeventPatchEvent",
    "IGeventWillPatchAllEvent",
    "IGeventWillPatchEvent",
    "IGeventWillPatchModuleEvent",
    "IMemoryUsageThresholdExceeded",
    "IMemoryUsageUnderThreshold",
    "IPeriodicMonitorThread",
    "IPeriodicMonitorThreadStartedEvent",
    "MemoryUsageThresholdExceeded",
    "MemoryUsageUnderThreshold",
    "PeriodicMonitorThreadStartedEvent",
    "subscribers",
]

_T = TypeVar("_T")

# Of zope.interface, which type checkers do not understand: its classes are anything.
Interface: TypeAlias = Any

def implementer(interface: Any, /) -> Callable[[_T], _T]: ...

#: Each is called with every event.
subscribers: list[Callable[[Any], object]]

@type_check_only
class _Monitor(Protocol):
    def add_monitoring_function(self, function: Callable[[Hub], object], period: float | None) -> object: ...

class IPeriodicMonitorThread(Interface):  # type: ignore[misc]
    def add_monitoring_function(
        function: Callable[[Hub], object],  # pyright: ignore[reportSelfClsParameterName]
        period: float | None,
    ) -> object: ...

class IPeriodicMonitorThreadStartedEvent(Interface):  # type: ignore[misc]
    monitor: IPeriodicMonitorThread

class PeriodicMonitorThreadStartedEvent:
    ENTRY_POINT_NAME: str
    monitor: _Monitor
    def __init__(self, monitor: _Monitor) -> None: ...

class IEventLoopBlocked(Interface):  # type: ignore[misc]
    greenlet: _greenlet
    blocking_time: float
    info: Sequence[str]
    hub: Hub | None

class EventLoopBlocked:
    greenlet: _greenlet
    blocking_time: float
    info: Sequence[str]
    hub: Hub | None
    def __init__(
        self, greenlet: _greenlet, blocking_time: float, info: Sequence[str], *, hub: Hub | None = None
    ) -> None: ...

class IMemoryUsageThresholdExceeded(Interface):  # type: ignore[misc]
    mem_usage: int
    max_allowed: int
    memory_info: pmem

class IMemoryUsageUnderThreshold(Interface):  # type: ignore[misc]
    mem_usage: int
    max_allowed: int
    max_memory_usage: int
    memory_info: pmem

class _MemoryEvent:
    mem_usage: int
    max_allowed: int
    memory_info: pmem
    def __init__(self, mem_usage: int, max_allowed: int, memory_info: pmem) -> None: ...

class MemoryUsageThresholdExceeded(_MemoryEvent): ...

class MemoryUsageUnderThreshold(_MemoryEvent):
    max_memory_usage: int
    def __init__(self, mem_usage: int, max_allowed: int, memory_info: pmem, max_usage: int) -> None: ...

class IGeventPatchEvent(Interface):  # type: ignore[misc]
    source: object
    target: object

class IGeventWillPatchEvent(IGeventPatchEvent): ...
class IGeventDidPatchEvent(IGeventPatchEvent): ...

class IGeventWillPatchModuleEvent(IGeventWillPatchEvent):
    module_name: str
    target_item_names: list[str]

class IGeventDidPatchModuleEvent(IGeventDidPatchEvent):
    module_name: str

class IGeventWillPatchAllEvent(IGeventWillPatchEvent):
    patch_all_arguments: Mapping[str, Any]
    patch_all_kwargs: Mapping[str, Any]
    def will_patch_module(module_name: str) -> bool: ...  # pyright: ignore[reportSelfClsParameterName]

class IGeventDidPatchBuiltinModulesEvent(IGeventDidPatchEvent):
    patch_all_arguments: Mapping[str, Any]
    patch_all_kwargs: Mapping[str, Any]

class IGeventDidPatchAllEvent(IGeventDidPatchEvent): ...

# Raised by a subscriber that forbids what is about to be patched.
class DoNotPatch(BaseException): ...

class GeventPatchEvent:
    #: Modules, or other objects.
    source: Any
    target: Any
    def __init__(self, source: object, target: object) -> None: ...

class GeventWillPatchEvent(GeventPatchEvent): ...
class GeventDidPatchEvent(GeventPatchEvent): ...

class GeventWillPatchModuleEvent(GeventWillPatchEvent):
    ENTRY_POINT_NAME: str
    source: ModuleType
    target: ModuleType
    module_name: str
    #: A subscriber may take names out.
    target_item_names: list[str]
    def __init__(self, module_name: str, source: ModuleType, target: ModuleType, items: list[str]) -> None: ...

class GeventDidPatchModuleEvent(GeventDidPatchEvent):
    ENTRY_POINT_NAME: str
    source: ModuleType
    target: ModuleType
    module_name: str
    def __init__(self, module_name: str, source: ModuleType, target: ModuleType) -> None: ...

class _PatchAllEvent:
    def __init__(self, patch_all_arguments: Mapping[str, Any], patch_all_kwargs: Mapping[str, Any]) -> None: ...
    # Copies.
    @property
    def patch_all_arguments(self) -> dict[str, Any]: ...
    @property
    def patch_all_kwargs(self) -> dict[str, Any]: ...

class GeventWillPatchAllEvent(_PatchAllEvent, GeventWillPatchEvent):
    ENTRY_POINT_NAME: str
    def will_patch_module(self, module_name: str) -> bool: ...

class GeventDidPatchBuiltinModulesEvent(_PatchAllEvent, GeventDidPatchEvent):
    ENTRY_POINT_NAME: str

class GeventDidPatchAllEvent(_PatchAllEvent, GeventDidPatchEvent):
    ENTRY_POINT_NAME: str
