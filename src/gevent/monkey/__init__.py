"""Make the standard library cooperate: what would stop the thread then parks the greenlet.

Do it first thing in the main script, in one line, before anything else is imported::

    from gevent import monkey; monkey.patch_all()

or run an unchanged program with ``python -m gevent.monkey script.py``.

`patch_all` replaces the blocking parts of the standard library's modules by gevent's; the other ``patch_`` functions do
a part of it. What was there before stays at hand through `get_original`, and `is_module_patched` tells what was done.
With ``multiprocessing=True``, which gevent itself does not have, `multiprocessing` works under patching as well.

Others may watch, forbid or add to the patching by the events of `gevent.events`, as subscribers or by entry points.
"""

from functools import partial as _partial
from sys import modules as _modules, platform as _platform, version_info as _version_info

from gevent.monkey import _state
from gevent.monkey._errors import MonkeyPatchWarning
from gevent.monkey._notices import (
    is_watched as _is_watched,
    process_warnings as _process_warnings,
    unless_forbidden as _unless_forbidden,
)
from gevent.monkey._parts import PARTS, Call as _Call, describe as _describe  # noqa: F401 - for tests and plugins
from gevent.monkey._postponed import (
    do_now_or_when_imported as _do_now_or_when_imported,
    is_postponing as _is_postponing,
)
from gevent.monkey._state import (  # noqa: F401 - is_anything_patched is for gevent's suite
    is_anything_patched,
    is_module_patched,
    is_object_patched,
    saved,
)
from gevent.monkey.api import _patch_standard, get_original, patch_item, patch_module, remove_item  # noqa: F401 - for plugins

__all__ = [
    "MonkeyPatchWarning",
    "get_original",
    "is_module_patched",
    "is_object_patched",
    "main",
    "patch_all",
    "patch_builtins",
    "patch_dns",
    "patch_module",
    "patch_multiprocessing",
    "patch_os",
    "patch_queue",
    "patch_select",
    "patch_signal",
    "patch_socket",
    "patch_ssl",
    "patch_subprocess",
    "patch_sys",
    "patch_thread",
    "patch_time",
]


# --- one part each -----------------------------------------------------------------------------------------------


@_unless_forbidden
def patch_os():
    """Replace `os.fork` and its like, `os.waitpid` and `os.close` by those of `gevent.os`."""
    _patch_standard("os")


@_unless_forbidden
def patch_queue():
    """Replace the classes of `queue` by those of `gevent.queue`, so that `put` and `get` park greenlets."""
    import queue

    from gevent import queue as green_queue
    from gevent._native.queue import be_the_standard_librarys

    be_the_standard_librarys()
    patch_module(queue, green_queue, items=["SimpleQueue", "PriorityQueue", "LifoQueue", "Queue"])


@_unless_forbidden
def patch_signal():
    """Replace `signal.signal` and its like by those of `gevent.signal`: a SIGCHLD handler may wait."""
    _patch_standard("signal")


@_unless_forbidden
def patch_time():
    """Replace `time.sleep` by `gevent.sleep`, which lets others run."""
    _patch_standard("time")


@_unless_forbidden
def patch_contextvars():
    """Do nothing: greenlets have contexts of their own in any case."""


@_unless_forbidden
def patch_builtins():
    """Do nothing: imports cooperate once `patch_thread` was called."""


@_unless_forbidden
def patch_sys(stdin=True, stdout=True, stderr=True):
    """Do nothing: the standard streams of Python 3 cannot be replaced by something that looks the same.

    Use `gevent.fileobject.FileObject` on ``sys.stdin`` to read it without stopping the others. From gevent.
    """


@_unless_forbidden
def patch_thread(threading=True, _threading_local=True, Event=True, logging=True, existing_locks=True, _warnings=None):
    """Make threads greenlets: `_thread`, `threading`, their locks and thread-local data.

    :param threading: Patch `threading` too, not only `_thread`.
    :param _threading_local: Patch `_threading_local` too.
    :param Event: Replace `threading.Event` by `gevent.event.Event`.
    :param logging: Give `logging`, if it was imported already, locks that cooperate.
    :param existing_locks: See to locks of the import system and of `concurrent.futures` that exist already.

    Threads that already run go on as native threads; joining them from a greenlet cooperates. To be called in the main
    thread.
    """
    from gevent.monkey._threads import ThreadPatch

    mine = [] if _warnings is None else _warnings
    ThreadPatch(threading, _threading_local, Event, logging, existing_locks, mine).apply()
    if _warnings is None:
        _process_warnings(mine)


_DNS_FUNCTIONS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "getfqdn")


@_unless_forbidden
def patch_socket(dns=True, aggressive=True):
    """Replace `socket.socket` and what makes or uses sockets by those of `gevent.socket`.

    :param dns: Do what `patch_dns` does, too.
    :param aggressive: Accepted; there is nothing more that could be removed.
    """
    from gevent import socket

    _patch_standard("socket", items=[name for name in socket.__implements__ if dns or name not in _DNS_FUNCTIONS])


@_unless_forbidden
def patch_dns():
    """Replace `socket.getaddrinfo` and the other look-ups by those that use the hub's resolver."""
    _patch_standard("socket", items=list(_DNS_FUNCTIONS))


@_unless_forbidden
def patch_ssl(_warnings=None, _first_time=True):
    """Replace `ssl.SSLContext`, `ssl.SSLSocket` and what makes them by those of `gevent.ssl`.

    Warns if other modules have taken hold of the original classes already.
    """
    from gevent.monkey._late_ssl import describe_late_ssl

    trouble = describe_late_ssl() if _first_time else None
    # What is imported for this has made no context yet.
    contexts_may_exist = "ssl" in _modules
    done = _patch_standard("ssl", _warnings=_warnings, _patch_kwargs={"contexts_may_exist": contexts_may_exist})[2]
    if done and trouble:
        if _warnings is None:
            _process_warnings([trouble])
        else:
            _warnings.append(trouble)


@_unless_forbidden
def patch_select(aggressive=True):
    """Replace `select.select` and `select.poll` by those of `gevent.select`, and do what `patch_selectors` does.

    :param aggressive: Remove what has no counterpart (``epoll``, ``kqueue``, …), so that nobody can block in it.
    """
    # What is imported first builds its selectors, and finds out which there are, with the system's calls.
    import selectors  # noqa: F401

    source, target, done = _patch_standard("select", _patch_kwargs={"aggressive": aggressive})
    if done and aggressive:
        for name in source.__removed__:
            remove_item(target, name)
    patch_selectors(aggressive)


@_unless_forbidden
def patch_selectors(aggressive=True):
    """Replace `selectors.DefaultSelector` by that of `gevent.selectors`, and make the others cooperate that can.

    :param aggressive: Remove those that cannot.
    """
    from gevent.monkey._selector_classes import mend_selector_classes, remove_selector_classes

    _, target, done = _patch_standard("selectors", _patch_kwargs={"aggressive": aggressive})
    if done:
        mend_selector_classes(target)
        if aggressive:
            remove_selector_classes(target)


@_unless_forbidden
def patch_subprocess():
    """Replace `subprocess.Popen` and the functions around it by those of `gevent.subprocess`.

    Where `multiprocessing` does not fork by default (Python 3.14, macOS) it does from then on, unless it is patched too
    or the program has set its start method.
    """
    forks_anyway = _version_info < (3, 14) and _platform != "darwin"
    if _patch_standard("subprocess")[2] and not forks_anyway:
        from gevent.monkey._start_method import keep_fork

        keep_fork()


def patch_multiprocessing():
    """Make `multiprocessing` cooperate, in this process and in the children it starts, by any start method.

    Ours; gevent has nothing like it. Best done through ``patch_all(multiprocessing=True)``: children are patched the
    way their parent is. Raises `ImportError`, with nothing patched, where this cannot work.
    """
    from gevent.multiprocessing import _patch

    _patch.patch()


def _subscribe_signal_os(will_patch_all):
    # Registered as an entry point, like any plugin's; the name is gevent's.
    if will_patch_all.will_patch_module("signal") and not will_patch_all.will_patch_module("os"):
        _process_warnings([_SIGNAL_WITHOUT_OS])


# --- all of it ---------------------------------------------------------------------------------------------------

_WAS_PATCHED_OTHERWISE = (
    "patch_all() was called more than once, with different arguments: what any of the calls asked for is patched"
)
_ASKS_GEVENTMP = (
    "patch_all(geventmp=True) patches nothing of multiprocessing here: say multiprocessing=True, and uninstall "
    "geventmp if it is installed"
)
_SIGNAL_WITHOUT_OS = (
    "The signal module is patched but os is not: a handler for SIGCHLD may run in a greenlet, while os.waitpid() in it "
    "stops the process and can take the exit status of a child that gevent.subprocess waits for"
)


@_unless_forbidden
def patch_all(
    socket=True,
    dns=True,
    time=True,
    select=True,
    thread=True,
    os=True,
    ssl=True,
    subprocess=True,
    sys=False,
    aggressive=True,
    Event=True,
    builtins=True,
    signal=True,
    queue=True,
    contextvars=True,
    multiprocessing=False,
    **kwargs,
):
    """Patch the standard library: each argument is one of `PARTS`, done if it is true.

    {parts}
    :param kwargs: Is passed on to plugins.
    :return: True; False if a plugin forbade it with `gevent.events.DoNotPatch`; None if there was nothing left to do.

    Calling it again with the same arguments does nothing; with others, it warns and patches what is missing. Does not
    wait, and makes no hub. Raises `ImportError`, with nothing patched, if `multiprocessing` is asked for and cannot
    work here.
    """
    settings = {
        "socket": socket,
        "dns": dns,
        "time": time,
        "select": select,
        "thread": thread,
        "os": os,
        "ssl": ssl,
        "subprocess": subprocess,
        "sys": sys,
        "aggressive": aggressive,
        "Event": Event,
        "builtins": builtins,
        "signal": signal,
        "queue": queue,
        "contextvars": contextvars,
        "multiprocessing": multiprocessing,
    }
    if not multiprocessing:
        from gevent._config import config

        settings["multiprocessing"] = config.patch_multiprocessing

    warnings = []
    first_time, to_do = _compare_with_former_call(settings, warnings)
    if not first_time and not any(to_do.values()):
        _process_warnings(warnings)
        return None
    if to_do["multiprocessing"] and not _is_postponing():
        _require_multiprocessing()

    from gevent import events
    from gevent.monkey._notices import notify

    if kwargs.get("geventmp"):
        _process_warnings([_ASKS_GEVENTMP])  # at once: geventmp's plugin, if it is installed, raises below
    _state.note_patching()
    notify(events.GeventWillPatchAllEvent(to_do, kwargs))
    saved[_state.PATCH_ALL_ARGUMENTS] = settings
    _patch_chosen(_Call(settings, to_do, first_time, warnings))
    notify(events.GeventDidPatchBuiltinModulesEvent(to_do, kwargs))
    notify(events.GeventDidPatchAllEvent(to_do, kwargs))
    _process_warnings(warnings)
    return True


_describe(patch_all)


def _compare_with_former_call(settings, warnings):
    """Return whether this is the first call, and the settings that are left to do. Updates `settings` to the union."""
    former = saved.get(_state.PATCH_ALL_ARGUMENTS)
    if former is None:
        return True, dict(settings)

    def without_multiprocessing(of):
        # A child's main module calls patch_all() in ignorance of what was done before it was imported.
        return {name: value for name, value in of.items() if name != "multiprocessing"}

    if without_multiprocessing(former) != without_multiprocessing(settings):
        warnings.append(_WAS_PATCHED_OTHERWISE)
    to_do = {name: bool(value and not former.get(name)) for name, value in settings.items()}
    for name, value in former.items():
        settings[name] = settings.get(name) or value
    return False, to_do


def _require_multiprocessing():
    from gevent.multiprocessing import _patch

    _patch.require()


def _patch_chosen(call):
    # Whoever watches is told of all parts now.
    postpones = call.settings["multiprocessing"] and not _is_watched()
    for part in call.parts_to_patch():
        if part.when:
            _do_now_or_when_imported(part.when, _partial(_patch_part, part, call), postpones and part.is_heavy)
        else:
            _patch_part(part, call)


def _patch_part(part, call):
    # Looked up now: tracers put functions of their own in these places.
    globals()[f"patch_{part.name}"](**part.arguments(call))


def main():
    """Run ``python -m gevent.monkey``: patch as `sys.argv` says, then run the script or module that it names."""
    from gevent.monkey._main import main as run

    return run(patch_all)
