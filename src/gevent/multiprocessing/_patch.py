"""`gevent.monkey.patch_multiprocessing`: the standard library's own `multiprocessing`, made green in place.

Its classes and singletons stay who they are; what is replaced is the few functions that wait, and the few locks that
are held while waiting. The start method stays the user's choice.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec

from gevent.monkey._import_hook import LoadedAlready
from gevent.monkey._postponed import finish, is_postponing, postpone
from gevent.multiprocessing._package import Package
from gevent.multiprocessing._stdlib import STDLIB_NAME

__all__ = ["package", "patch", "require"]

#: The standard library's, as soon as it was patched.
package = Package(STDLIB_NAME)


def patch():
    """Make `multiprocessing` and `concurrent.futures.ProcessPoolExecutor` let other greenlets run. Again does nothing.

    Children are green too, by whichever start method. Does not wait. Raises `ImportError`, having changed nothing,
    where that cannot work. From gevent-mp; gevent has no such thing.
    """
    if is_postponing():
        postpone(_PostponedPatch())
    else:
        finish(STDLIB_NAME)
        _patch_now()


def _patch_now():
    from gevent.monkey._state import saved
    from gevent.multiprocessing._late import mend_objects

    if package.is_green:
        return
    package.tell_of_originals = _save
    package.make_green()
    mend_objects(package)
    saved.setdefault(STDLIB_NAME, {})  # whose names are those of its modules: none is replaced in itself
    for name in dict.fromkeys(package.awaited):
        postpone(_AwaitedModule(name))


def _save(originals):
    from gevent.monkey._state import saved

    for owner, name, value in originals:
        module_name, path = _place(owner)
        saved.setdefault(module_name, {}).setdefault(path + name, value)


class _AwaitedModule:
    """A module that is changed when it is imported, or when somebody asks what has been changed."""

    def __init__(self, name):
        self._name = name

    def concerns(self, name):
        return name == self._name

    def do(self):
        import_module(self._name)


class _PostponedPatch:
    """Patching `multiprocessing` as soon as more of it is imported than what starts a child.

    Before the first such module is loaded, not after it: while it is, it might be half of itself.
    """

    _STARTS_CHILDREN = {
        f"{STDLIB_NAME}.{name}" for name in ("context", "process", "reduction", "resource_tracker", "spawn", "util")
    }

    def __init__(self):
        sys.meta_path.insert(0, self)

    def concerns(self, name):
        return name == STDLIB_NAME or name.startswith(STDLIB_NAME + ".")

    def find_spec(self, name, path=None, target=None):
        is_ours = name.startswith(STDLIB_NAME + ".") or name == "concurrent.futures.process"
        if not is_ours or name in self._STARTS_CHILDREN:
            return None
        finish(STDLIB_NAME)
        # Were it still there, it would be loaded a second time.
        module = sys.modules.pop(name, None)
        if module is not None:
            return ModuleSpec(name, LoadedAlready(module))
        # Of those who look from now on some are new, and wait for just this module.
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        return next((spec for spec in found if spec is not None), None)

    def do(self):
        sys.meta_path.remove(self)
        _patch_now()


def require():
    """Raise `ImportError` if `patch` could not work here. Changes nothing."""
    package.require()


def _place(owner):
    if isinstance(owner, type):
        return owner.__module__, f"{owner.__qualname__}."
    if hasattr(owner, "__spec__"):
        return owner.__name__, ""
    return type(owner).__module__, f"{type(owner).__qualname__}()."
