"""Changing a module that is expensive to import when somebody else imports it."""

import sys
from _frozen_importlib_external import PathFinder

__all__ = ["LoadedAlready", "change_module", "change_when_imported"]


class LoadedAlready:
    """A loader of a module that is there already, under the name that it is imported by now."""

    def __init__(self, module):
        self._module = module

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        sys.modules[module.__name__] = self._module


class _Finder:
    """Finds modules like everybody else, and has those that are waited for changed after they were loaded."""

    def __init__(self):
        #: The changes to make, by the module's name.
        self.changes = {}
        #: Where to look, instead of the path of the day, by the module's name.
        self.places = {}

    def find_spec(self, name, path=None, target=None):
        if name not in self.changes:
            return None
        for finder in sys.meta_path:
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            where = self.places.get(name, path) if finder is PathFinder else path
            spec = None if find_spec is None else find_spec(name, where, target)
            if spec is not None:
                # Nothing is forgotten here: many only ask whether there is such a module.
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self.changes)
                return spec
        return None


class _Loader:
    """Loads a module by its own loader, which may load others as well, and changes it."""

    def __init__(self, loader, changes):
        self._loader = loader
        self._changes = changes

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        create_module = getattr(self._loader, "create_module", None)
        return None if create_module is None else create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        # Each time: an import that a signal's handler interrupts fails, and is made once more with a new module.
        for change in self._changes[module.__spec__.name]:
            change(module)


_finder = _Finder()


def change_when_imported(name, change, places=None):
    """Have `change(module)` called right after the module `name`, which is not imported yet, is; also if it is again.

    :param places: The directories to look for it in, whatever `sys.path` is then.

    Asking twice for the same changes nothing. Does not import it.
    """
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    if places is not None:
        _finder.places[name] = places
    changes = _finder.changes.setdefault(name, [])
    if change not in changes:
        changes.append(change)


def change_module(name, change):
    """Have `change(module)` called with the module `name`: now if it is imported, otherwise right after it is."""
    module = sys.modules.get(name)
    if module is not None:
        change(module)
    else:
        change_when_imported(name, change)
