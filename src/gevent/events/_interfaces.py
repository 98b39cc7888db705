"""The zope.interface descriptions of the events; `gevent.events` hands them out under their public names.

`declare` says which class provides which interface.
"""

from zope.interface import Attribute, Interface, classImplements

__all__ = [
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
]

# zope.interface takes a method of an interface to have no self.

# Classes take __module__ from here, and users know the interfaces as members of gevent.events. (An interface's
# __module__ cannot be assigned afterwards.)
__name__, _own_name = "gevent.events", __name__


class IPeriodicMonitorThread(Interface):
    """A native thread that looks after one hub."""

    def add_monitoring_function(function, period):
        """Have ``function(hub)`` called every `period` seconds; with None for `period`, stop calling it."""


class IPeriodicMonitorThreadStartedEvent(Interface):
    """A monitoring thread begins to run."""

    monitor = Attribute("the `IPeriodicMonitorThread`")


class IEventLoopBlocked(Interface):
    """A hub has not switched for too long."""

    greenlet = Attribute("the greenlet that is running")
    blocking_time = Attribute("for how long it has been, in seconds")
    info = Attribute("a list of lines that describe the situation")
    hub = Attribute("the hub, or None if it is not known")


class IMemoryUsageThresholdExceeded(Interface):
    """More memory is in use than allowed."""

    mem_usage = Attribute("bytes in use")
    max_allowed = Attribute("bytes allowed")
    memory_info = Attribute("what psutil knows of this process's memory")


class IMemoryUsageUnderThreshold(Interface):
    """The memory in use is back below what is allowed."""

    mem_usage = Attribute("bytes in use")
    max_allowed = Attribute("bytes allowed")
    max_memory_usage = Attribute("the most bytes in use meanwhile")
    memory_info = Attribute("what psutil knows of this process's memory")


class IGeventPatchEvent(Interface):
    """Something is, or was, patched."""

    source = Attribute("the object values come from, or None")
    target = Attribute("the object values go to, or None")


class IGeventWillPatchEvent(IGeventPatchEvent):
    """Something is about to be patched."""


class IGeventDidPatchEvent(IGeventPatchEvent):
    """Something was patched."""


class IGeventWillPatchModuleEvent(IGeventWillPatchEvent):
    """A module is about to be patched."""

    module_name = Attribute("the module's name")
    target_item_names = Attribute("the list of names to be patched, which may be changed")


class IGeventDidPatchModuleEvent(IGeventDidPatchEvent):
    """A module was patched."""

    module_name = Attribute("the module's name")


class IGeventWillPatchAllEvent(IGeventWillPatchEvent):
    """``patch_all`` begins."""

    patch_all_arguments = Attribute("a dictionary of the arguments that patch_all names")
    patch_all_kwargs = Attribute("a dictionary of the arguments it does not")

    def will_patch_module(module_name):
        """Whether that module is to be patched."""


class IGeventDidPatchBuiltinModulesEvent(IGeventDidPatchEvent):
    """``patch_all`` did what it does by itself."""

    patch_all_arguments = Attribute("a dictionary of the arguments that patch_all names")
    patch_all_kwargs = Attribute("a dictionary of the arguments it does not")


class IGeventDidPatchAllEvent(IGeventDidPatchEvent):
    """``patch_all`` is done."""


__name__ = _own_name
del _own_name


def declare(classes):
    """Say of each class in the dict `classes` which of these interfaces its instances provide."""
    for name in __all__:
        if name[1:] in classes:
            classImplements(classes[name[1:]], globals()[name])
