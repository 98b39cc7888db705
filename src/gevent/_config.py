"""The settings of gevent: what there is to set, and which value holds.

`gevent.config` is the one `Config` of a process. What a setting is, and where its value comes from, is in
gevent/_setting.py. Both import nothing heavy, since every `import gevent` pays for them.
"""

from gevent._setting import (  # noqa: F401 - some are for gevent's suite
    ALL_SETTINGS,
    BoolSettingMixin,
    ByteCountSettingMixin,
    FloatSettingMixin,
    ImportableSetting,
    IntSettingMixin,
    Setting,
    SettingType,
    convert_str_value_as_is,
    is_assigned,
    split_list,
    validate_anything,
    validate_bool,
    validate_invalid,
    validate_positive,
)

__all__ = ["config"]


class Config:
    """Every setting as an attribute: reading one settles it, assigning one sets it.

    ``dir(config)`` lists them, `print_help` explains them, ``config.settings[name]`` is the `Setting` itself.
    An unknown name raises `AttributeError` when read, or given to `set`.
    """

    def __init__(self):
        self.__dict__["settings"] = make_settings()

    def __getattr__(self, name):
        # Not only for names Python does not find: gevent's own suite calls this directly.
        return self._setting(name).get()

    def __setattr__(self, name, value):
        setting = self.settings.get(name)
        if setting is None:
            super().__setattr__(name, value)
        else:
            setting.set(value)

    def __dir__(self):
        return list(self.settings)

    def _setting(self, name):
        # By way of __dict__: a copy made by pickle or copy asks for names before there are any settings.
        try:
            return self.__dict__["settings"][name]
        except KeyError:
            raise AttributeError(f"No configuration setting for: {name!r}") from None

    def set(self, name, value):
        """Assign the setting called `name`. Raises `AttributeError` for an unknown one."""
        self._setting(name).set(value)

    def print_help(self):
        """Print every setting with its explanation to standard output."""
        for name, setting in self.settings.items():
            print(name)
            for line in setting.desc.splitlines():
                print(("    " + line).rstrip())
            print()


def make_settings():
    """Return a new dictionary of one instance per known setting, by name, in the order of their definition."""
    return {cls.name: cls() for cls in ALL_SETTINGS}


class Resolver(ImportableSetting, Setting):
    """What `gevent.hub.Hub.resolver` is made by: how names become addresses."""

    name = "resolver"
    environment_key = "GEVENT_RESOLVER"
    default = ["thread", "dnspython", "ares", "block"]
    shortname_map = {
        "ares": "gevent.resolver.ares.Resolver",
        "thread": "gevent.resolver.thread.Resolver",
        "block": "gevent.resolver.blocking.Resolver",
        "dnspython": "gevent.resolver.dnspython.Resolver",
    }


class Threadpool(ImportableSetting, Setting):
    """What `gevent.hub.Hub.threadpool` is made by."""

    name = "threadpool"
    environment_key = "GEVENT_THREADPOOL"
    default = "gevent.threadpool.ThreadPool"


class ThreadpoolIdleTaskTimeout(FloatSettingMixin, Setting):
    """Seconds that a worker of the hub's thread pool may be idle before it ends; -1 for any time."""

    name = "threadpool_idle_task_timeout"
    environment_key = "GEVENT_THREADPOOL_IDLE_TASK_TIMEOUT"
    default = 5.0

    @staticmethod
    def validate(value):
        """Return `value` if it is positive, or -1."""
        return value if value == -1 else validate_positive(value)


class Loop(ImportableSetting, Setting):
    """The event loop's engine."""

    name = "loop"
    environment_key = "GEVENT_LOOP"
    default = ["libev-cext", "libuv-cffi"]
    # The long names are gevent's, for programs which set them; neither of ours uses cffi.
    shortname_map = {
        "libev-cext": "gevent.libev.corecext.loop",
        "libev": "gevent.libev.corecext.loop",
        "libev-cffi": "gevent.libev.corecffi.loop",
        "libuv-cffi": "gevent.libuv.loop.loop",
        "libuv": "gevent.libuv.loop.loop",
    }


class FormatContext(ImportableSetting, Setting):
    """The function that turns what failed into text for a hub's error report."""

    name = "format_context"
    environment_key = "GEVENT_FORMAT_CONTEXT"
    default = "pprint.saferepr"


class LibevBackend(Setting):
    """The system calls libev waits with, such as ``epoll`` or ``select``; several are tried in turn."""

    name = "libev_backend"
    environment_key = "GEVENT_BACKEND"

    def _convert(self, value):
        return split_list(value)


class FileObject(ImportableSetting, Setting):
    """The class behind `gevent.fileobject.FileObject`."""

    name = "fileobject"
    environment_key = "GEVENT_FILE"
    default = ["posix", "thread"]
    shortname_map = {
        "thread": "gevent.fileobject._common.FileObjectThread",
        "posix": "gevent.fileobject._posix.FileObjectPosix",
        "block": "gevent.fileobject._common.FileObjectBlock",
    }


class WatchChildren(BoolSettingMixin, Setting):
    """Leave child processes alone: `gevent.os.fork` and ``waitpid`` then are the operating system's own.

    See `gevent.os`.
    """

    name = "disable_watch_children"
    environment_key = "GEVENT_NOWAITPID"
    default = False


class TraceMalloc(IntSettingMixin, Setting):
    """The interpreter's own variable for `tracemalloc`; kept because gevent lists it."""

    name = "trace_malloc"
    environment_key = "PYTHONTRACEMALLOC"
    default = False

    def _default(self):
        value = super()._default()
        return None if value is False else value


class TrackGreenletTree(BoolSettingMixin, Setting):
    """Remember of each greenlet who spawned it and from where.

    Off, greenlets are cheaper, but ``spawning_greenlet``, ``spawning_stack`` and ``spawn_tree_locals`` are empty.
    """

    name = "track_greenlet_tree"
    environment_key = "GEVENT_TRACK_GREENLET_TREE"
    default = True


class MonitorThread(BoolSettingMixin, Setting):
    """Start a native thread per hub, at its first switch, which reports when the hub is blocked or memory runs high.

    `gevent.hub.Hub.start_periodic_monitoring_thread` starts one at any other time.
    """

    name = "monitor_thread"
    environment_key = "GEVENT_MONITOR_THREAD_ENABLE"
    default = False


class MaxBlockingTime(FloatSettingMixin, Setting):
    """Seconds that a hub may be blocked before the monitoring thread reports it.

    It watches switches by `greenlet.settrace`; a trace function of your own that is installed later has to call the
    one it replaces.
    """

    name = "max_blocking_time"
    environment_key = "GEVENT_MAX_BLOCKING_TIME"
    default = 0.1


class PrintBlockingReports(BoolSettingMixin, Setting):
    """Print the monitoring thread's reports; the events are sent in any case."""

    name = "print_blocking_reports"
    environment_key = "GEVENT_MONITOR_PRINT_BLOCKING_REPORTS"
    default = True


class MonitorMemoryPeriod(FloatSettingMixin, Setting):
    """Seconds between two looks of the monitoring thread at the memory in use. Very short times are not honoured."""

    name = "memory_monitor_period"
    environment_key = "GEVENT_MONITOR_MEMORY_PERIOD"
    default = 5


class MonitorMemoryMaxUsage(ByteCountSettingMixin, Setting):
    """The memory in use above which the monitoring thread sends `gevent.events.MemoryUsageThresholdExceeded`."""

    name = "max_memory_usage"
    environment_key = "GEVENT_MONITOR_MEMORY_MAX"


class AresSettingMixin:
    """An option handed to a resolver as the keyword `kwarg_name`."""

    document = False
    validate = staticmethod(validate_anything)

    @property
    def kwarg_name(self):
        """The keyword argument of the resolver that this is: the name without what comes before it."""
        return self.name.partition("_")[2]


class AresFlags(AresSettingMixin, Setting):
    """The ``flags`` of the c-ares channel."""

    name = "ares_flags"
    environment_key = "GEVENTARES_FLAGS"


class AresTimeout(AresSettingMixin, Setting):
    """Seconds before c-ares asks again. Use `resolver_timeout`; with both, which one holds is not defined."""

    document = True
    name = "ares_timeout"
    environment_key = "GEVENTARES_TIMEOUT"


class AresTries(AresSettingMixin, Setting):
    """How often c-ares asks each server."""

    name = "ares_tries"
    environment_key = "GEVENTARES_TRIES"


class AresNdots(AresSettingMixin, Setting):
    """How many dots a name needs for c-ares to try it as it is first."""

    name = "ares_ndots"
    environment_key = "GEVENTARES_NDOTS"


class AresUDPPort(AresSettingMixin, Setting):
    """The UDP port of the servers c-ares asks."""

    name = "ares_udp_port"
    environment_key = "GEVENTARES_UDP_PORT"


class AresTCPPort(AresSettingMixin, Setting):
    """The TCP port of the servers c-ares asks."""

    name = "ares_tcp_port"
    environment_key = "GEVENTARES_TCP_PORT"


class AresServers(AresSettingMixin, Setting):
    """Addresses of the servers c-ares asks. Use `resolver_nameservers`; with both, which one holds is not defined."""

    document = True
    name = "ares_servers"
    environment_key = "GEVENTARES_SERVERS"


class ResolverNameservers(AresSettingMixin, Setting):
    """IP addresses of the name servers that the ares and dnspython resolvers ask instead of the system's.

    A list, or text with commas. dnspython does not check them: a host name among them may hang it.
    """

    document = True
    name = "resolver_nameservers"
    environment_key = "GEVENT_RESOLVER_NAMESERVERS"
    kwarg_name = "servers"

    def _convert(self, value):
        return split_list(value)


class ResolverTimeout(FloatSettingMixin, AresSettingMixin, Setting):
    """Seconds that the ares and dnspython resolvers may take for one answer."""

    document = True
    name = "resolver_timeout"
    environment_key = "GEVENT_RESOLVER_TIMEOUT"
    kwarg_name = "timeout"


class PatchMultiprocessing(BoolSettingMixin, Setting):
    """What `gevent.monkey.patch_all` takes for its argument ``multiprocessing`` if the caller gives none."""

    name = "patch_multiprocessing"
    environment_key = "GEVENT_PATCH_MULTIPROCESSING"
    default = False


# --- limits of `gevent.pywsgi`; what each means stands in docs/serving.rst ----------------------------------------

_PYWSGI_LIMITS = {
    "head_size_max": (ByteCountSettingMixin, 1 << 20, "Bytes that the head of a request may have in total"),
    "fields_max": (IntSettingMixin, 100, "Header lines that a request may have"),
    "body_size_max": (ByteCountSettingMixin, None, "Bytes that the body of a request may have"),
    "chunk_extensions_max": (ByteCountSettingMixin, 8192, "Bytes of chunk extensions beyond what a body has"),
    "head_timeout": (FloatSettingMixin, 60.0, "Seconds that the head of a request may take, from its first byte"),
    "handshake_timeout": (FloatSettingMixin, 60.0, "Seconds that a TLS handshake may take"),
    "idle_timeout": (FloatSettingMixin, None, "Seconds that a client may wait before its next request"),
    "send_timeout": (FloatSettingMixin, None, "Seconds in which a client must take some of its response"),
    "body_rate_min": (FloatSettingMixin, None, "Bytes a second that a body must come with while it is read"),
    "connections_max": (IntSettingMixin, None, "Connections that a server has at once; the next waits for an end"),
}

for _name, (_kind, _default, _means) in _PYWSGI_LIMITS.items():
    SettingType(
        "Pywsgi" + _name.title().replace("_", ""),
        (_kind, Setting),
        {
            "__doc__": f"{_means}, for `gevent.pywsgi`; None for no limit.",
            "__module__": __name__,
            "name": f"pywsgi_{_name}",
            "environment_key": f"GEVENT_PYWSGI_{_name.upper()}",
            "default": _default,
        },
    )


config = Config()
