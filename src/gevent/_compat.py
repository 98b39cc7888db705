"""What differs between interpreters and platforms, asked once.

gevent 26.9.0 has a module of this name whose constants its test suite and some programs read, so those names are
kept even where only one value is possible any more (there is no Python 2 and no PyPy here). New code of ours should
use the standard library's own names.
"""

import os
import sys
from _imp import acquire_lock as imp_acquire_lock, release_lock as imp_release_lock
from os import PathLike, fsdecode, fsencode, fspath
from time import get_clock_info, monotonic, perf_counter

__all__ = [
    "LINUX",
    "MAC",
    "OSX",
    "PURE_PYTHON",
    "PY311",
    "PY312",
    "PY313",
    "PY314",
    "PYPY",
    "WIN",
    "NativeStrIO",
    "PathLike",
    "exc_clear",
    "fsdecode",
    "fsencode",
    "fspath",
    "get_clock_info",
    "get_this_psutil_process",
    "hostname_types",
    "imp_acquire_lock",
    "imp_release_lock",
    "integer_types",
    "iteritems",
    "itervalues",
    "izip",
    "monotonic",
    "native_path_types",
    "perf_counter",
    "pure_python_module",
    "reraise",
    "string_types",
    "text_type",
    "thread_mod_name",
    "xrange",
]

LINUX = sys.platform.startswith("linux")
OSX = MAC = sys.platform == "darwin"
WIN = sys.platform.startswith("win")

PY311 = sys.version_info >= (3, 11)
PY312 = sys.version_info >= (3, 12)
PY313 = sys.version_info >= (3, 13)
PY314 = sys.version_info >= (3, 14)

PYPY = False
# The core is C++ and has no second implementation in Python, whatever the environment asks for.
PURE_PYTHON = False

thread_mod_name = "_thread"

string_types = (str,)
integer_types = (int,)
text_type = str
native_path_types = (str, bytes)
hostname_types = (bytearray, bytes, str)
xrange = range
izip = zip
itervalues = dict.values
iteritems = dict.items

_fspath = fspath


def NativeStrIO():
    """Return a new, empty in-memory text file."""
    from io import StringIO

    return StringIO()


def exc_clear():
    """Do nothing: an exception no longer outlives its handler."""


def reraise(t, value, tb=None):
    """Raise the exception `value` with the traceback `tb`, or with its own if `tb` is None or already there."""
    if tb is None or value.__traceback__ is tb:
        raise value
    raise value.with_traceback(tb)


def pure_python_module(mod_name):
    """Return False: no module has a pure Python twin."""
    return False


def get_this_psutil_process():
    """Return a new ``psutil.Process`` for the running process, or None where psutil is not installed."""
    try:
        import psutil
    except ImportError:
        return None
    return psutil.Process(os.getpid())
