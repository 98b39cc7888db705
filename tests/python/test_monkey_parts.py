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
    assert run_module().stdout == f"""\
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
