"""What `gevent.monkey.patch_all` can be asked for: one table, and what is known while it is gone through."""

__all__ = ["PARTS", "Call", "Part", "describe"]


class Part:
    """Something that `patch_all` can be asked for by an argument called `name`: `gevent.monkey` has a ``patch_name``.

    :ivar order: The lowest is done first.
    :ivar sign: The module and the attribute that it replaces, or None: what shows that it was done.
    :ivar when: Modules; a process that postpones does it when the first of them is imported.
    :ivar is_heavy: Whether a process with `multiprocessing` postpones it, too, since each fork copies what it brings.
    :ivar arguments: ``arguments(call)`` returns those of its function.
    :ivar option_of: The part that has this as an option: it does this, and is done again if this is asked for later.
    :ivar within: The part that has done this one, too, when both are asked for.
    :ivar means: What the documentation says of it.
    :ivar default: Whether it is done if nobody says otherwise.
    """

    __slots__ = ("arguments", "default", "is_heavy", "means", "name", "option_of", "order", "sign", "when", "within")

    def __init__(self, name, order, sign=None, when="", **rest):
        self.name, self.order, self.when = name, order, when
        self.sign = tuple(sign.split(".")) if sign else None
        self.arguments = rest.get("arguments", _none)
        self.option_of, self.within = rest.get("option_of"), rest.get("within")
        self.means = rest.get("means", f"Call `patch_{name}`.")
        self.default = rest.get("default", True)
        self.is_heavy = rest.get("is_heavy", False)


class Call:
    """A call of `patch_all`.

    :ivar settings: What it and those before it asked for, by the names of parts.
    :ivar to_do: What of that is left to do.
    :ivar first_time: Whether there was none before it.
    :ivar warnings: Texts to warn with, once all is done.
    """

    __slots__ = ("first_time", "settings", "to_do", "warnings")

    def __init__(self, settings, to_do, first_time, warnings):
        self.settings, self.to_do = settings, to_do
        self.first_time, self.warnings = first_time, warnings

    def parts_to_patch(self):
        """Return those of `PARTS` that are to be patched now, in their order."""
        return [part for part in sorted(PARTS, key=lambda part: part.order) if self._asks_for(part)]

    def _asks_for(self, part):
        if part.option_of or (part.within and self.to_do[part.within]):
            return False
        options = [each.name for each in PARTS if each.option_of == part.name]
        return self.to_do[part.name] or (self.settings[part.name] and any(self.to_do[name] for name in options))


def describe(function):
    """Put a line for each of `PARTS` in place of ``{parts}`` in the docstring of `function`."""
    if function.__doc__:  # not so with python -OO
        lines = (f":param {part.name}: {part.means}" for part in PARTS)
        function.__doc__ = function.__doc__.format(parts="\n    ".join(lines))


def _none(_):
    return {}


def _of_thread(call):
    return {"Event": call.settings["Event"], "_warnings": call.warnings}


def _of_socket(call):
    return {"dns": call.settings["dns"], "aggressive": call.settings["aggressive"]}


def _of_select(call):
    return {"aggressive": call.settings["aggressive"]}


def _of_ssl(call):
    return {"_warnings": call.warnings, "_first_time": call.first_time}


_AGGRESSIVE = "Remove blocking things that have no cooperative counterpart, such as `select.epoll`."
_EVENT = "Whether `patch_thread` replaces `threading.Event`."
_MULTIPROCESSING = (
    "Call `patch_multiprocessing`, which gevent does not have. The environment variable "
    "``GEVENT_PATCH_MULTIPROCESSING=1`` does the same as passing True."
)

#: The arguments of `patch_all`, in their places. The command line, the children that `multiprocessing` starts, and the
#: documentation have them from here.
PARTS = (
    Part("socket", 5, "socket.socket", "socket", arguments=_of_socket),
    Part("dns", 6, "socket.getaddrinfo", "socket", within="socket"),
    Part("time", 3, "time.sleep"),
    Part("select", 7, "select.select", "select selectors", arguments=_of_select),
    Part("thread", 2, "_thread.start_new_thread", arguments=_of_thread),
    Part("os", 1, "os.fork"),
    Part("ssl", 8, "ssl.SSLContext", "ssl", arguments=_of_ssl, is_heavy=True),
    Part("subprocess", 9, "subprocess.Popen", "subprocess"),
    Part("sys", 4, default=False),
    Part("aggressive", 0, "select.epoll", option_of="select", means=_AGGRESSIVE),
    Part("Event", 0, "threading.Event", option_of="thread", means=_EVENT),
    Part("builtins", 10),
    Part("signal", 11, "signal.signal", "signal"),
    Part("queue", 12, "queue.SimpleQueue", "queue", is_heavy=True),
    Part("contextvars", 13),
    Part("multiprocessing", 14, means=_MULTIPROCESSING, default=False),
)
