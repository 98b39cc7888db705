"""The environment: each variable of gevent does what it does there, and a value that makes no sense is told so."""

import json
import re

import pytest
from scripts import run_script

from gevent import _config

#: As gevent has them, in the order of the alphabet.
SETTINGS_OF_GEVENT = """
    ares_flags ares_ndots ares_servers ares_tcp_port ares_timeout ares_tries ares_udp_port disable_watch_children
    fileobject format_context libev_backend loop max_blocking_time max_memory_usage memory_monitor_period monitor_thread
    print_blocking_reports resolver resolver_nameservers resolver_timeout threadpool threadpool_idle_task_timeout
    trace_malloc track_greenlet_tree
""".split()


def run_in(environment, code, **options):
    """Run `code` where no other variable of gevent's is set."""
    names = [setting.environment_key for setting in _config.ALL_SETTINGS]
    begin = f"import os\nfor name in {names!r}: os.environ.pop(name, None)\nos.environ.update({environment!r})\n"
    return run_script(begin + code, **options)


def told_in(environment, **expressions):
    """-> {name: value} of `expressions`, worked out where `environment` holds."""
    code = """
import gevent, json, os, gevent.fileobject, gevent.os, gevent.threadpool
class MyPool(gevent.threadpool.ThreadPool):
    pass
hub = gevent.get_hub()
"""
    pairs = ", ".join(f"{name!r}: {expression}" for name, expression in expressions.items())
    return json.loads(run_in(environment, f"{code}\nprint(json.dumps({{{pairs}}}))").stdout)


def test_the_settings_are_gevents_and_some_of_our_own():
    settings = _config.make_settings().keys()
    ours = {"patch_multiprocessing", *(name for name in settings if name.startswith("pywsgi_"))}
    assert sorted(settings - ours) == SETTINGS_OF_GEVENT
    assert {"patch_multiprocessing", "pywsgi_head_timeout"} <= ours <= settings


def test_variables_choose_what_a_hub_is_made_of():
    told = told_in(
        {
            "GEVENT_LOOP": "libev-cext",
            "GEVENT_BACKEND": "poll",
            "GEVENT_RESOLVER": "block",
            "GEVENT_THREADPOOL": "__main__.MyPool",
            "GEVENT_THREADPOOL_IDLE_TASK_TIMEOUT": "0.25",
            "GEVENT_FORMAT_CONTEXT": "reprlib.repr",
        },
        loop="type(hub.loop).__module__",
        backend="hub.loop.backend",
        resolver="type(hub.resolver).__module__",
        threadpool="type(hub.threadpool).__name__",
        idle_s="hub.threadpool._idle_task_timeout",
        context="hub.format_context('x' * 100)",
    )
    assert told["loop"] == "gevent.libev.corecext"
    assert told["backend"] == "poll"
    assert told["resolver"] == "gevent.resolver.blocking"
    assert (told["threadpool"], told["idle_s"]) == ("MyPool", 0.25)
    assert "..." in told["context"]


def test_variables_choose_the_other_loop_and_name_servers():
    told = told_in(
        {
            "GEVENT_LOOP": "libuv",
            "GEVENT_RESOLVER": "ares",
            "GEVENT_RESOLVER_NAMESERVERS": "127.0.0.1,127.0.0.2",
            "GEVENT_RESOLVER_TIMEOUT": "2.5",
        },
        loop="type(hub.loop).__module__",
        params="hub.resolver.params",
    )
    assert told["loop"] == "gevent.libuv.loop"
    assert told["params"] == {"servers": ["127.0.0.1", "127.0.0.2"], "timeout": 2.5}


def test_variables_of_c_ares_reach_its_channel():
    options = {"flags": "1", "timeout": "3", "tries": "2", "ndots": "1", "udp_port": "5353", "tcp_port": "5354"}
    options["servers"] = "127.0.0.1"
    environment = {f"GEVENTARES_{name.upper()}": value for name, value in options.items()}
    told = told_in({"GEVENT_RESOLVER": "ares", **environment}, params="hub.resolver.params")
    assert told["params"] == options


@pytest.mark.parametrize(("kind", "name"), [("thread", "FileObjectThread"), ("block", "FileObjectBlock")])
def test_a_variable_chooses_the_kind_of_file_objects(kind, name):
    assert told_in({"GEVENT_FILE": kind}, name="gevent.fileobject.FileObject.__name__") == {"name": name}


def test_a_variable_keeps_greenlets_from_remembering_who_spawned_them():
    asked = {
        "spawner": "gevent.spawn(int).spawning_greenlet is not None",
        "raw": "type(gevent.spawn_raw(int)).__name__",
    }
    assert told_in({}, **asked) == {"spawner": True, "raw": "TrackedRawGreenlet"}
    assert told_in({"GEVENT_TRACK_GREENLET_TREE": "0"}, **asked) == {"spawner": False, "raw": "greenlet"}


def test_the_interpreters_variable_for_tracemalloc_is_shown():
    assert told_in({"PYTHONTRACEMALLOC": "3"}, frames="gevent.config.trace_malloc") == {"frames": 3}
    assert told_in({}, frames="gevent.config.trace_malloc") == {"frames": None}


@pytest.mark.parametrize("printed", [False, True])
def test_variables_have_a_hub_watched_for_blocking_and_memory(printed):
    result = run_in(
        {
            "GEVENT_MONITOR_THREAD_ENABLE": "1",
            "GEVENT_MAX_BLOCKING_TIME": "0.02",
            "GEVENT_MONITOR_PRINT_BLOCKING_REPORTS": str(int(printed)),
            "GEVENT_MONITOR_MEMORY_MAX": "1kb",
            "GEVENT_MONITOR_MEMORY_PERIOD": "0.02",
        },
        """
import threading, gevent, gevent.events, gevent._monitor
gevent._monitor.PeriodicMonitoringThread.min_memory_monitor_period = 0.01
# The second report begins when the first is written.
awaited = ["EventLoopBlocked", "EventLoopBlocked", "MemoryUsageThresholdExceeded"]
all_there = threading.Event()
def on_event(event):
    if type(event).__name__ in awaited:
        awaited.remove(type(event).__name__)
    if not awaited:
        all_there.set()
gevent.events.subscribers.append(on_event)
gevent.sleep(0)
assert all_there.wait(30), awaited  # blocks the hub
        """,
    )
    assert ("appears to be blocked" in result.stderr) is printed


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("GEVENT_LOOP", "ImportError: Cannot import 'nonsense'.* choose from .*libev-cext.*libuv"),
        ("GEVENT_RESOLVER", "ImportError: Cannot import 'nonsense'.* choose from .*ares.*thread.*block.*dnspython"),
        ("GEVENT_FILE", "ImportError: Cannot import 'nonsense'.* choose from .*thread.*posix.*block"),
        ("GEVENT_THREADPOOL", "ImportError: Cannot import 'nonsense'.* format: .package.*module.class"),
        ("GEVENT_BACKEND", "ValueError: .*nonsense.* epoll.*poll.*select"),
        ("GEVENT_MAX_BLOCKING_TIME", "ValueError: .*nonsense"),
        ("GEVENT_MONITOR_THREAD_ENABLE", "ValueError: Invalid boolean string: 'nonsense'"),
    ],
)
def test_nonsense_is_refused_by_a_message_that_names_the_choices(variable, told):
    result = run_in(
        {variable: "nonsense"},
        """
import gevent
hub = gevent.get_hub()
gevent.sleep(0)
hub.resolver, hub.threadpool, gevent.config.max_blocking_time
import gevent.fileobject
        """,
        check=False,
    )
    assert result.returncode == 1
    assert re.match(told, result.stderr.splitlines()[-1])
