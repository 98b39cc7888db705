"""What `patch_all` can be asked for: the same names, in the same order, wherever one asks."""

import inspect

from scripts import run_script
from test_monkey import run_module

SIGNATURE = (
    "(socket=True, dns=True, time=True, select=True, thread=True, os=True, ssl=True, subprocess=True, sys=False, "
    "aggressive=True, Event=True, builtins=True, signal=True, queue=True, contextvars=True, multiprocessing=False, "
    "**kwargs)"
)
NAMES = (
    "socket, dns, time, select, thread, os, ssl, subprocess, sys, aggressive, Event, builtins, signal, queue, "
    "contextvars, multiprocessing"
)
NAMES_IN_ORDER = (
    "import socket; names = ['socket', 'dns', 'time', 'select', 'thread', 'os', 'ssl', 'subprocess', 'sys',"
    " 'aggressive', 'Event', 'builtins', 'signal', 'queue', 'contextvars', 'multiprocessing']\n"
)


def test_patch_all_is_called_as_in_gevent():
    from gevent import monkey

    assert str(inspect.signature(monkey.patch_all)) == SIGNATURE


def test_each_argument_of_patch_all_is_a_row_of_the_table():
    from gevent import monkey

    arguments = list(inspect.signature(monkey.patch_all).parameters.values())[:-1]
    assert [(part.name, part.default) for part in monkey.PARTS] == [(each.name, each.default) for each in arguments]
    orders = [part.order for part in monkey.PARTS if not part.option_of]
    assert len(set(orders)) == len(orders)
    for part in monkey.PARTS:
        assert f":param {part.name}: {part.means}" in monkey.patch_all.__doc__
        assert part.option_of or callable(getattr(monkey, f"patch_{part.name}")), part.name


def test_plugins_are_told_each_argument_in_its_place():
    run_script(f"""
{NAMES_IN_ORDER}
from gevent import events, monkey
seen = []
events.subscribers.append(seen.append)
monkey.patch_all(True, False, ssl=False, mine=1)
told = [e for e in seen if hasattr(e, "patch_all_arguments")]
assert len(told) == 3
for event in told:
    assert list(event.patch_all_arguments) == names, event.patch_all_arguments
    assert [n for n in names if not event.patch_all_arguments[n]] == ["dns", "ssl", "sys", "multiprocessing"]
    assert event.patch_all_kwargs == {{"mine": 1}}

del seen[:]
import warnings; warnings.simplefilter("ignore")
monkey.patch_all(mine=2)
told = [e for e in seen if hasattr(e, "patch_all_arguments")]
assert len(told) == 3
for event in told:
    assert list(event.patch_all_arguments) == names
    assert [n for n in names if event.patch_all_arguments[n]] == ["dns", "ssl"]
""")


def test_the_parts_are_patched_in_an_order_that_works():
    run_script("""
from gevent import events, monkey
seen = []
events.subscribers.append(seen.append)
monkey.patch_all()
modules = [e.module_name for e in seen if isinstance(e, events.GeventWillPatchModuleEvent)]
assert modules == ["os", "_thread", "threading", "time", "socket", "select", "selectors", "ssl",
                   "subprocess", "signal", "queue"], modules
""")


def test_an_option_of_a_part_asked_for_later_has_the_part_patched_again():
    run_script("""
import warnings; warnings.simplefilter("ignore")
from gevent import monkey
monkey.patch_all(Event=False, aggressive=False, dns=False)
import select, selectors, socket, threading
assert not monkey.is_object_patched("threading", "Event") and not monkey.is_object_patched("socket", "getaddrinfo")
monkey.patch_all()
assert monkey.is_object_patched("threading", "Event") and monkey.is_object_patched("socket", "getaddrinfo")
assert not hasattr(select, "epoll") and not hasattr(selectors, "EpollSelector")
""")


def test_the_command_line_names_what_there_is():
    assert (
        run_module().stdout
        == f"""\
gevent.monkey: run a Python program with the standard library patched to cooperate.

    python -m gevent.monkey [OPTIONS] SCRIPT [ARGUMENTS]
    python -m gevent.monkey [OPTIONS] --module MODULE [ARGUMENTS]

SCRIPT is what the interpreter itself would take: a file, a directory or a zip file with a __main__.py.
Everything is patched as by gevent.monkey.patch_all(), except as these OPTIONS say:

    --no-NAME          do not patch NAME
    --NAME             do patch NAME, though by default it is not
    --module           what follows is the name of a module
    --verbose          say first what is done, and where modules come from

where NAME is one of {NAMES}.

"""
    )


def test_a_child_is_patched_as_its_parent_is_however_that_was_done():
    run_script(f"""
{NAMES_IN_ORDER}
from gevent import monkey
from gevent.multiprocessing._bootstrap import _patches
monkey.patch_time(); monkey.patch_socket(dns=False)
assert [name for name, asked in _patches(False).items() if asked] == ["socket", "time"], _patches(False)
monkey.patch_thread()
assert {{name for name, asked in _patches(True).items() if asked}} == {{
    "socket", "time", "thread", "Event", "multiprocessing"}}
""")
    run_script(f"""
{NAMES_IN_ORDER}
from gevent import monkey
from gevent.multiprocessing._bootstrap import _patches
monkey.patch_all(select=False, sys=True)
assert list(_patches(True)) == names
assert [name for name, asked in _patches(True).items() if not asked] == ["select"]
""")


def test_what_shows_that_a_part_was_patched_is_replaced_by_it():
    run_script("""
from gevent import monkey
for part in monkey.PARTS:
    assert not part.sign or not monkey.is_object_patched(*part.sign), part.sign
monkey.patch_all()
import sys
for part in monkey.PARTS:
    if part.sign and (part.name != "aggressive" or sys.platform == "linux"):
        assert monkey.is_object_patched(*part.sign), part.sign
""")


def test_multiprocessing_is_said_to_be_patched_when_it_is():
    run_script("""
from gevent import monkey
monkey.patch_all()
assert not monkey.is_module_patched("multiprocessing")
import warnings; warnings.simplefilter("ignore")
monkey.patch_all(multiprocessing=True)
assert monkey.is_module_patched("multiprocessing")
import multiprocessing
assert monkey.get_original("multiprocessing", "Queue") == multiprocessing.Queue
assert not monkey.is_object_patched("multiprocessing", "Queue")
""")


def test_a_child_says_that_multiprocessing_is_patched_before_it_imports_any_of_it():
    run_script("""
from gevent.monkey._postponed import Postponing
from gevent import monkey
with Postponing():
    monkey.patch_all(multiprocessing=True)
assert monkey.is_module_patched("multiprocessing")
""")


def test_a_program_that_patches_multiprocessing_patches_ssl_when_it_imports_it():
    run_script("""
import sys
from gevent import monkey
monkey.patch_all(multiprocessing=True)
assert "ssl" not in sys.modules and "socket" in sys.modules
import ssl
from gevent import ssl as green
assert ssl.SSLContext is green.SSLContext and monkey.is_object_patched("ssl", "SSLContext")
""")
    run_script("""
import sys
from gevent import monkey
monkey.patch_all(multiprocessing=True)
assert monkey.get_original("ssl", "SSLContext").__module__ == "ssl" and monkey.is_module_patched("ssl")
""")
    run_script("""
import sys
from gevent import monkey
monkey.patch_all(multiprocessing=True)
from gevent import pywsgi, ssl as green
import ssl
assert ssl.SSLContext is green.SSLContext
""")


def test_a_program_that_patches_multiprocessing_patches_queue_when_it_imports_it():
    for first in (
        "import queue",
        "from queue import Queue, SimpleQueue",
        "import gevent.queue",
        "import _queue, queue",
    ):
        run_script(f"""
import sys
from gevent import monkey
monkey.patch_all(multiprocessing=True)
assert "queue" not in sys.modules
{first}
import queue
from gevent import queue as green
assert queue.Queue is green.Queue and queue.SimpleQueue is green.SimpleQueue
if "from" in {first!r}:
    assert Queue is green.Queue and SimpleQueue is green.SimpleQueue
""")
    run_script("""
from gevent import monkey
monkey.patch_all(multiprocessing=True)
assert monkey.get_original("queue", "SimpleQueue").__module__ == "_queue" and monkey.is_module_patched("queue")
""")


def test_what_is_imported_already_or_watched_is_patched_at_once():
    run_script("""
import ssl
from gevent import monkey
monkey.patch_all(multiprocessing=True)
from gevent import ssl as green
assert ssl.SSLContext is green.SSLContext
""")
    run_script("""
import sys
from gevent import events, monkey
told = []
events.subscribers.append(told.append)
monkey.patch_all(multiprocessing=True)
names = [event.module_name for event in told if isinstance(event, events.GeventDidPatchModuleEvent)]
assert "ssl" in names and "ssl" in sys.modules, names
""")
    run_script("import sys; from gevent import monkey; monkey.patch_all(); assert 'ssl' in sys.modules")


def test_whoever_subscribes_is_told_whichever_way_he_found_the_list():
    for found in ("from zope.event import subscribers", "from gevent.events import subscribers"):
        run_script(f"""
import sys
from gevent import events, monkey
assert "zope.event" not in sys.modules  # nobody can have subscribed
{found}
import zope.event
assert events.subscribers is zope.event.subscribers is subscribers and events.notify is zope.event.notify
told = []
subscribers.append(told.append)
monkey.patch_all()
assert any(isinstance(event, events.GeventDidPatchAllEvent) for event in told), told
""")
