"""What gevent tells the world about itself: that it patches, that a hub is blocked, that memory runs high.

`subscribers` is a list of functions that are called with each event, the very list of `zope.event`. Events about
patching and about the monitoring thread are also given to the functions that installed packages name under the entry
point group ``ENTRY_POINT_NAME`` of the event's class.

The interfaces (``IGevent…Event`` and so on) are made at their first use, since few programs ask for them and
`zope.interface` is slow to import. `zope.event` is imported when somebody asks for its `subscribers` or `notify`: until
then, and as long as the program has not imported it itself, nobody has subscribed.
"""

import sys

__all__ = [  # noqa: F822 - the interfaces come from __getattr__
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


def __getattr__(name):
    # PEP 562: the interfaces, late. Not for the functions and classes, which embedders read from __dict__.
    if name in __all__ and name.startswith("I"):
        from gevent.events import _interfaces

        _interfaces.declare(globals())
        for interface_name in _interfaces.__all__:
            globals()[interface_name] = getattr(_interfaces, interface_name)
        return globals()[name]
    if name in ("notify", "subscribers"):
        import zope.event

        return getattr(zope.event, name)
    if name in ("Interface", "implementer"):
        # What a subscriber's own interfaces are made with, found here as in gevent.
        import zope.interface

        return getattr(zope.interface, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def notify_and_call_entry_points(event):
    """Call every subscriber, then every entry point of the event's group, with `event`.

    Does not wait. Raises what any of them raises, which keeps the others from being called.
    """
    from gevent.events._entry_points import load_entry_points

    module = sys.modules.get("zope.event")
    if module is not None:
        module.notify(event)
    for function in load_entry_points(event.ENTRY_POINT_NAME):
        function(event)


# --- from the monitoring thread ----------------------------------------------------------------------------------


class PeriodicMonitorThreadStartedEvent:
    """A hub's monitoring thread, `monitor`, begins to run. Sent in the thread of the hub."""

    ENTRY_POINT_NAME = "gevent.plugins.hub.periodic_monitor_thread_started"

    def __init__(self, monitor):
        self.monitor = monitor


class EventLoopBlocked:
    """A `hub` has not switched for `blocking_time` seconds. Sent in the monitoring thread.

    `greenlet` is the one that is running, `info` a list of lines for people to read.
    """

    def __init__(self, greenlet, blocking_time, info, *, hub=None):
        self.hub, self.greenlet = hub, greenlet
        self.blocking_time, self.info = blocking_time, info


class _MemoryEvent:
    def __init__(self, mem_usage, max_allowed, memory_info):
        self.memory_info = memory_info
        self.mem_usage, self.max_allowed = mem_usage, max_allowed

    def __repr__(self):
        return f"<{type(self).__name__} used={self.mem_usage} max={self.max_allowed} details={self.memory_info!r}>"


class MemoryUsageThresholdExceeded(_MemoryEvent):
    """The process came to use more than `max_allowed` bytes: `mem_usage`; `memory_info` is psutil's account of it."""


class MemoryUsageUnderThreshold(_MemoryEvent):
    """The process came back below `max_allowed` bytes, having used up to `max_memory_usage`."""

    def __init__(self, mem_usage, max_allowed, memory_info, max_usage):
        super().__init__(mem_usage, max_allowed, memory_info)
        self.max_memory_usage = max_usage


# --- from gevent.monkey ------------------------------------------------------------------------------------------


class GeventPatchEvent:
    """Something is, or was, patched: names of the module `target` get the values they have in `source`.

    Both are None for the events of `gevent.monkey.patch_all`.
    """

    def __init__(self, source, target):
        self.source, self.target = source, target

    def __repr__(self):
        return f"<{type(self).__name__} source={self.source!r} target={self.target!r} at {id(self):x}>"


class DoNotPatch(BaseException):
    """Raised by a subscriber to a "will patch" event to have that thing left as it is."""


class GeventWillPatchEvent(GeventPatchEvent):
    """Something is about to be patched, unless a subscriber raises `DoNotPatch`."""


class GeventDidPatchEvent(GeventPatchEvent):
    """Something was patched."""


class GeventWillPatchModuleEvent(GeventWillPatchEvent):
    """The names in `target_item_names` (a list, which may be changed) of a module are about to be patched."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.will_patch_module"

    def __init__(self, module_name, source, target, items):
        super().__init__(source, target)
        self.target_item_names = items
        self.module_name = module_name


class GeventDidPatchModuleEvent(GeventDidPatchEvent):
    """The module called `module_name` was patched: `target` has the names of `source` now."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.did_patch_module"

    def __init__(self, module_name, source, target):
        super().__init__(source, target)
        self.module_name = module_name


class _PatchAllEvent:
    """The arguments of `gevent.monkey.patch_all`: those it knows, and those only a plugin does."""

    def __init__(self, patch_all_arguments, patch_all_kwargs):
        super().__init__(None, None)
        self._arguments, self._plugin_arguments = patch_all_arguments, patch_all_kwargs

    @property
    def patch_all_arguments(self):
        """A copy of the arguments that `patch_all` has names for, defaults included, by name."""
        return dict(self._arguments)

    @property
    def patch_all_kwargs(self):
        """A copy of the other keyword arguments, by name."""
        return dict(self._plugin_arguments)

    def __repr__(self):
        return f"<{type(self).__name__} {self._arguments!r} at {id(self):x}>"


class GeventWillPatchAllEvent(_PatchAllEvent, GeventWillPatchEvent):
    """`gevent.monkey.patch_all` begins. `DoNotPatch` makes it do nothing at all."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.will_patch_all"

    def will_patch_module(self, module_name):
        """Return what `patch_all` was given for `module_name`: true if it is to be patched, None if unknown."""
        return self._arguments.get(module_name)


class GeventDidPatchBuiltinModulesEvent(_PatchAllEvent, GeventDidPatchEvent):
    """`gevent.monkey.patch_all` patched the standard library; plugins that patch more do it now."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.did_patch_builtins"


class GeventDidPatchAllEvent(_PatchAllEvent, GeventDidPatchEvent):
    """`gevent.monkey.patch_all` is done, plugins included: the last event of a call."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.did_patch_all"
