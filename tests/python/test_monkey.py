"""Patching: what is replaced, what stays at hand, who is told, and who may forbid it."""

import subprocess
import sys

import pytest
from scripts import run_script


def test_patch_all_replaces_what_blocks_and_makes_no_hub():
    run_script("""
from gevent import monkey
assert not monkey.is_anything_patched()
assert monkey.patch_all() is True
import os, queue, select, selectors, signal, socket, ssl, subprocess, threading, time
import gevent, gevent.queue, gevent.socket, gevent.subprocess
assert time.sleep is gevent.sleep
assert socket.socket is gevent.socket.socket
assert queue.Queue is gevent.queue.Queue
assert subprocess.Popen is gevent.subprocess.Popen
assert not hasattr(select, "epoll") and not hasattr(selectors, "EpollSelector")
for name in "os _thread threading time socket select selectors ssl subprocess signal queue".split():
    assert monkey.is_module_patched(name), name
assert monkey.is_object_patched("socket", "socket") and not monkey.is_object_patched("socket", "error")
assert gevent._hub_local.get_hub_if_exists() is None
""")


def test_what_selectors_there_are_is_found_out_before_select_is_patched():
    """From 3.14 on, little else imports the module before gevent does."""
    run_script("""
import select, sys
before = hasattr(select, "epoll")
from gevent import monkey
sys.modules.pop("selectors", None)
monkey.patch_select()
original = monkey.get_original("selectors", "DefaultSelector")
assert original.__name__ == "EpollSelector" or not before, original
from gevent._hub_local import get_hub_if_exists
assert get_hub_if_exists() is None
""")


@pytest.mark.parametrize("imported", ["", "import multiprocessing"])
@pytest.mark.parametrize("chosen", [None, "spawn"])
def test_processes_are_forked_by_default_where_multiprocessing_is_not_patched(chosen, imported):
    """Python 3.14 has another default, and a fork server cannot be talked to through patched sockets."""
    run_script(f"""
{imported}
from gevent import monkey; monkey.patch_all()
import multiprocessing
assert multiprocessing.get_start_method(allow_none=True) is None
if {chosen!r}:
    multiprocessing.set_start_method({chosen!r})
    assert multiprocessing.get_start_method() == {chosen!r}
else:
    assert multiprocessing.get_start_method() == "fork"
    process = multiprocessing.Process(target=len, args=((),))
    process.start(); process.join()
    assert process.exitcode == 0
""")


def test_the_start_method_by_default_is_pythons_own_where_multiprocessing_is_patched():
    own = run_script("import multiprocessing; print(multiprocessing.get_start_method())").stdout
    patched = "from gevent import monkey; monkey.patch_all(multiprocessing=True)\n"
    assert run_script(patched + "import multiprocessing; print(multiprocessing.get_start_method())").stdout == own


def test_originals_stay_at_hand_however_often_one_patches():
    run_script("""
import time, socket
sleep, original = time.sleep, socket.socket
from gevent import monkey
monkey.patch_all(); monkey.patch_time(); monkey.patch_socket()
assert monkey.get_original("time", "sleep") is sleep
assert monkey.get_original("socket", ["socket", "error"]) == [original, socket.error]
assert monkey.saved["time"] == {"sleep": sleep}
""")


def test_patching_again_alike_is_silent_and_otherwise_warns_and_adds():
    result = run_script("""
import warnings; warnings.simplefilter("error")
from gevent import monkey
assert monkey.patch_all(select=False, signal=False) is True
assert monkey.patch_all(select=False, signal=False) is None
assert not monkey.is_module_patched("select")
warnings.simplefilter("always")
assert monkey.patch_all(select=False) is True
assert monkey.is_module_patched("signal") and not monkey.is_module_patched("select")
assert monkey.patch_all(time=False) is True
assert monkey.is_module_patched("select")
""")
    assert result.stderr.count("more than once") == 2
    assert "<string>:8: MonkeyPatchWarning" in result.stderr


def test_asking_geventmp_warns_and_says_what_to_ask_for():
    result = run_script("""
from gevent import monkey
monkey.patch_all(geventmp=True)
""")
    assert "<string>:3: MonkeyPatchWarning: patch_all(geventmp=True) patches nothing" in result.stderr
    assert "say multiprocessing=True" in result.stderr


@pytest.mark.parametrize("part", ["os", "thread", "time", "socket", "select", "ssl", "subprocess", "signal", "queue"])
def test_what_is_excluded_is_left_alone(part):
    also = ", dns=False" if part == "socket" else ""
    run_script(f"""
import warnings; warnings.simplefilter("ignore")
from gevent import monkey
monkey.patch_all({part}=False{also})
names = {{"thread": "_thread"}}
assert not monkey.is_module_patched(names.get({part!r}, {part!r})), monkey.saved.keys()
""")


def test_dns_can_be_left_out_and_added():
    run_script("""
import socket
getaddrinfo = socket.getaddrinfo
from gevent import monkey
monkey.patch_socket(dns=False)
assert socket.getaddrinfo is getaddrinfo
monkey.patch_dns()
assert socket.getaddrinfo is not getaddrinfo
""")


def test_blocking_selectors_stay_if_not_aggressive():
    run_script("""
import select, selectors
had_epoll = hasattr(select, "epoll")
from gevent import monkey
monkey.patch_all(aggressive=False)
assert hasattr(select, "epoll") == had_epoll
assert selectors.DefaultSelector.__module__ == "gevent.selectors"
""")


EVENTS = """
from gevent import events, monkey
seen = []
events.subscribers.append(seen.append)
"""


def test_subscribers_hear_of_all_in_order():
    run_script(
        EVENTS
        + """
monkey.patch_all(extra=42)
assert isinstance(seen[0], events.GeventWillPatchAllEvent)
assert seen[0].patch_all_kwargs == {"extra": 42}
assert seen[0].will_patch_module("socket") and not seen[0].will_patch_module("sys")
assert isinstance(seen[-2], events.GeventDidPatchBuiltinModulesEvent)
assert isinstance(seen[-1], events.GeventDidPatchAllEvent)
will = [e.module_name for e in seen if isinstance(e, events.GeventWillPatchModuleEvent)]
did = [e.module_name for e in seen if isinstance(e, events.GeventDidPatchModuleEvent)]
assert will[:2] == ["os", "_thread"] and set(will) - {"_thread"} == set(did) - {"thread"}, (will, did)
"""
    )


def test_a_subscriber_may_forbid_one_module():
    run_script(
        EVENTS
        + """
def forbid(event):
    if isinstance(event, events.GeventWillPatchModuleEvent) and event.module_name in ("time", "_thread", "ssl"):
        raise events.DoNotPatch
events.subscribers.append(forbid)
assert monkey.patch_all() is True
import time, threading
assert not {"time", "_thread", "threading", "ssl"} & set(monkey.saved), monkey.saved.keys()
assert "socket" in monkey.saved
assert not any(getattr(e, "module_name", "") == "ssl" and isinstance(e, events.GeventDidPatchEvent) for e in seen)
"""
    )


def test_a_subscriber_may_forbid_everything():
    run_script(
        EVENTS
        + """
def forbid(event): raise events.DoNotPatch
events.subscribers.append(forbid)
assert monkey.patch_all() is False
assert not monkey.saved
"""
    )


def test_a_subscriber_may_take_single_names_out():
    run_script(
        EVENTS
        + """
import socket
original = socket.create_connection
def spare(event):
    if isinstance(event, events.GeventWillPatchModuleEvent) and event.module_name == "socket":
        event.target_item_names.remove("create_connection")
events.subscribers.append(spare)
monkey.patch_all()
assert socket.create_connection is original
"""
    )


def test_what_a_subscriber_raises_comes_out():
    run_script(
        EVENTS
        + """
def fail(event): 1 / 0
events.subscribers.append(fail)
try: monkey.patch_all()
except ZeroDivisionError: pass
else: raise AssertionError
"""
    )


def test_installed_plugins_are_called(tmp_path):
    metadata = tmp_path / "a_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[console_scripts]\nx = y:z\n\n[gevent.plugins.monkey.did_patch_all]\n; a remark\n"
        "mine = a_plugin:calls.append\n"
    )
    (tmp_path / "a_plugin.py").write_text("calls = []\n")
    run_script(
        """
import sys; sys.path.insert(0, sys.argv[1])
from gevent import events, monkey
monkey.patch_all()
import a_plugin
assert [type(e) for e in a_plugin.calls] == [events.GeventDidPatchAllEvent]
assert "importlib.metadata" not in sys.modules
""",
        tmp_path,
    )


def test_functions_can_be_replaced_by_others_who_patch():
    """newrelic and ddtrace wrap gevent.monkey.patch_thread."""
    run_script("""
from gevent import monkey
calls, original = [], monkey.patch_thread
def wrapped(*args, **kwargs):
    calls.append(kwargs); return original(*args, **kwargs)
monkey.patch_thread = wrapped
monkey.patch_all()
assert len(calls) == 1
""")


def test_plugins_can_patch_their_own_modules_with_the_same_tools():
    run_script("""
import types
from gevent import monkey
target, source = types.ModuleType("target"), types.ModuleType("source")
target.kept, target.replaced = 1, 2
source.replaced, source.new = 3, 4
try: monkey.patch_module(target, source)
except AttributeError: pass
else: raise AssertionError
source.__implements__ = ["replaced", "new"]
said = []
source._gevent_will_monkey_patch = lambda module, items, warn: said.append(("will", items))
source._gevent_did_monkey_patch = lambda module, items, warn: said.append(("did", items))
def do(request):
    request.default_patch_items(); request.remove_item(target, "kept"); said.append(request.patch_kwargs)
source._gevent_do_monkey_patch = do
assert monkey.patch_module(target, source, _patch_kwargs={"a": 1}) is True
assert vars(target)["replaced"] == 3 and target.new == 4 and not hasattr(target, "kept")
assert monkey.saved["target"] == {"replaced": 2, "kept": 1}
assert said == [("will", ["replaced", "new"]), {"a": 1}, ("did", ["replaced", "new"])]
""")


def test_late_patching_of_ssl_names_those_it_cannot_help():
    result = run_script("""
from ssl import SSLContext
class Mine(SSLContext): pass
from gevent import monkey
monkey.patch_all()
""")
    assert "Modules that had direct imports (NOT patched): ['__main__']" in result.stderr
    assert "<class '__main__.Mine'>" in result.stderr


def test_late_patching_of_ssl_that_harms_nobody_is_silent():
    result = run_script("""
import ssl
from gevent import monkey
monkey.patch_all()
""")
    assert result.stderr == ""


def test_a_handler_for_sigchld_may_wait():
    run_script("""
from gevent import monkey; monkey.patch_all()
import gevent, os, signal
done = []
def handler(signum, frame):
    gevent.sleep(0.01); done.append(signum)
assert signal.signal(signal.SIGCHLD, handler) == signal.SIG_DFL
assert signal.getsignal(signal.SIGCHLD) is handler
pid = os.fork()
if not pid: os._exit(3)
with gevent.Timeout(10):
    assert os.waitpid(pid, 0)[1] == 3 << 8
    while not done: gevent.sleep(0.001)
assert signal.signal(signal.SIGCHLD, signal.SIG_DFL) is handler
""")


# --- python -m gevent.monkey -------------------------------------------------------------------------------------


def run_module(*arguments, env=None):
    return subprocess.run(
        [sys.executable, "-m", "gevent.monkey", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def program(tmp_path):
    (tmp_path / "beside.py").write_text("")
    path = tmp_path / "program.py"
    path.write_text(
        "import sys, beside\nfrom gevent import monkey\n"
        "print(__name__, sys.argv[1:], sorted(set(monkey.saved) & {'socket', 'ssl', 'time', 'multiprocessing'}))\n"
    )
    return path


def test_a_program_is_run_patched(program):
    result = run_module(program, "--an-option", "x")
    assert result.stdout == "__main__ ['--an-option', 'x'] ['socket', 'ssl', 'time']\n", result


def test_a_part_can_be_left_out_on_the_command_line(program):
    result = run_module("--no-ssl", program)
    assert result.stdout == "__main__ [] ['socket', 'time']\n", result


def test_a_module_is_run_patched(program, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(program.parent))
    result = run_module("--module", "program", "y")
    assert result.stdout == "__main__ ['y'] ['socket', 'ssl', 'time']\n", result


def test_a_package_with_a_main_is_run_patched(program):
    program.rename(program.parent / "__main__.py")
    result = run_module(program.parent)
    assert result.stdout == "__main__ [] ['socket', 'ssl', 'time']\n", result


def test_without_a_program_the_usage_is_printed():
    result = run_module()
    assert result.returncode == 0
    assert "--no-NAME" in result.stdout and "multiprocessing" in result.stdout


def test_an_option_nobody_knows_ends_with_status_1(program):
    result = run_module("--no-such-thing", program)
    assert result.returncode == 1
    assert "Cannot patch 'no-such-thing'" in result.stderr and "USAGE" not in result.stdout


# --- multiprocessing ---------------------------------------------------------------------------------------------


def test_multiprocessing_is_patched_only_if_asked_for():
    run_script("""
from gevent import monkey
monkey.patch_all()
assert not any(name.startswith("multiprocessing") for name in monkey.saved), monkey.saved.keys()
""")


@pytest.mark.parametrize("how", ["argument", "environment", "command line", "afterwards"])
def test_there_are_several_ways_to_ask_for_multiprocessing(how, tmp_path):
    check = (
        "from gevent import monkey\nassert any(n.startswith('multiprocessing') for n in monkey.saved), monkey.saved\n"
    )
    if how == "command line":
        (tmp_path / "program.py").write_text(check)
        result = run_module("--multiprocessing", tmp_path / "program.py")
        assert result.returncode == 0, result
        return
    arguments = "multiprocessing=True" if how == "argument" else ""
    after = "monkey.patch_multiprocessing()" if how == "afterwards" else ""
    env = {"GEVENT_PATCH_MULTIPROCESSING": "1"} if how == "environment" else None
    result = run_script(
        f"from gevent import monkey; monkey.patch_all({arguments})\n{after}\n{check}monkey.patch_all()\n", env=env
    )
    assert result.stderr == ""


def test_where_multiprocessing_cannot_work_nothing_is_patched():
    run_script("""
import sys
sys.modules["_multiprocessing"] = None
from gevent import monkey
for attempt in (lambda: monkey.patch_all(multiprocessing=True), monkey.patch_multiprocessing):
    try: attempt()
    except ImportError as error: print(error)
    else: raise AssertionError
assert not monkey.saved, monkey.saved
""")


def test_plugins_are_found_by_the_standard_library_where_packages_are_no_directories(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "plugin.zip", "w") as archive:
        archive.writestr("z_plugin-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: z-plugin\nVersion: 1.0\n")
        archive.writestr(
            "z_plugin-1.0.dist-info/entry_points.txt",
            "[gevent.plugins.monkey.did_patch_all]\nmine = z_plugin:calls.append\n",
        )
        archive.writestr("z_plugin.py", "calls = []\n")
    run_script(
        """
import sys; sys.path.insert(0, sys.argv[1])
from gevent import monkey
monkey.patch_all()
import z_plugin
assert len(z_plugin.calls) == 1
""",
        tmp_path / "plugin.zip",
    )
