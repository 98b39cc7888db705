"""The modules of `gevent.multiprocessing`: the standard library's source, run again with gevent in view.

A copy's imports are its own: where its code says ``import threading`` it gets one whose threads are greenlets, and
where it says ``multiprocessing`` it gets the copy. All else is what everybody has. Then the same changes are made as
in a patched process.
"""

import builtins
import importlib
import importlib.util
import sys
import time

from gevent.monkey._import_hook import LoadedAlready
from gevent.monkey._postponed import finish
from gevent.multiprocessing._package import Package
from gevent.multiprocessing._stdlib import STDLIB_NAME
from gevent.multiprocessing._view import View

__all__ = ["builtins_with", "find_spec", "package", "public_name"]

NAME = "gevent.multiprocessing"

#: The copy, as the thing that is made green.
package = Package(NAME)


def _is_patched():
    finish(STDLIB_NAME)
    patch = sys.modules.get("gevent.multiprocessing._patch")
    return patch is not None and patch.package.is_green


def public_name(name):
    """Return what `gevent.multiprocessing` has under `name`; the first call loads the copy."""
    if _is_patched():
        return getattr(importlib.import_module(STDLIB_NAME), name)
    return getattr(importlib.import_module(NAME + ".context")._default_context, name)


def find_spec(name):
    """Return the import spec for the module `name` of the copy, or None if the standard library has no such module."""
    stdlib_name = STDLIB_NAME + name.removeprefix(NAME)
    if _is_patched():
        try:
            module = importlib.import_module(stdlib_name)
        except ModuleNotFoundError:
            return None
        return importlib.util.spec_from_loader(name, LoadedAlready(module))
    source = importlib.util.find_spec(stdlib_name)
    if source is None:
        return None
    spec = importlib.util.spec_from_loader(
        name, _CopyLoader(source), origin=source.origin, is_package=source.submodule_search_locations is not None
    )
    spec.has_location = source.has_location
    return spec


class _CopyLoader:
    """Runs a standard module's code in another module."""

    def __init__(self, source):
        self._source = source

    def create_module(self, spec):
        return None

    def get_code(self, name):
        return self._source.loader.get_code(self._source.name)

    def get_source(self, name):
        return self._source.loader.get_source(self._source.name)

    def exec_module(self, module):
        with _loading:
            module.__builtins__ = builtins_with(_import_for_copies)
            exec(self.get_code(module.__name__), vars(module))


class _Loading:
    """Entered while a module of the copy is loaded, and others in turn. All are changed when the first is done."""

    def __init__(self):
        self._depth = 0

    def __enter__(self):
        self._depth += 1
        if self._depth == 1:
            importlib.import_module(_FIRST)

    def __exit__(self, error_type, *rest):
        self._depth -= 1
        if self._depth == 0 and error_type is None and not package.is_green:
            with self:
                package.make_green()


_loading = _Loading()
#: What `multiprocessing` itself imports before any other of its modules.
_FIRST = NAME + ".context"


# --- what a copy sees ------------------------------------------------------------------------------------------------


def builtins_with(import_function):
    """Return a module's ``__builtins__`` whose ``import`` statement is `import_function`."""
    return {**vars(builtins), "__import__": import_function}


def _import_for_copies(name, globals=None, locals=None, fromlist=(), level=0):
    # A list comes from C, from the unpickler: the names that it has are of whoever was pickled.
    if level == 0 and not isinstance(fromlist, list):
        if name in _VIEWS:
            return _view(name)
        if name == STDLIB_NAME or name.startswith(STDLIB_NAME + "."):
            copy_name = NAME + name.removeprefix(STDLIB_NAME)
            module = importlib.import_module(copy_name)
            return module if fromlist else importlib.import_module(NAME)
    return builtins.__import__(name, globals, locals, fromlist, level)


def _green(name):
    return lambda: importlib.import_module("gevent." + name)


def _make_time():
    from gevent.hub import sleep

    return View(time, sleep=sleep)


def _make_threading():
    return importlib.import_module(NAME + "._threading")


_VIEWS = {
    "queue": _green("queue"),
    "socket": _green("socket"),
    "threading": _make_threading,
    "time": _make_time,
}
_made = {}


def _view(name):
    if name not in _made:
        _made[name] = _VIEWS[name]()
    return _made[name]
