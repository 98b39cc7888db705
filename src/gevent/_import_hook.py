"""Changing a module that is expensive to import when somebody else imports it."""

import importlib.util
import sys

__all__ = ["change_when_imported"]


class _Finder:
    """Finds one module like everybody else, once, and has it changed after it was loaded."""

    def __init__(self, name, change):
        self.name = name
        self.change = change

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            exec_module = spec.loader.exec_module

            def exec_and_change(module):
                exec_module(module)
                self.change(module)

            spec.loader.exec_module = exec_and_change
        return spec


def change_when_imported(name, change):
    """Have `change(module)` called right after the module `name`, which is not imported yet, is.

    Asking twice for the same changes nothing. Does not import it.
    """
    waiting = (finder for finder in sys.meta_path if isinstance(finder, _Finder))
    if all((finder.name, finder.change) != (name, change) for finder in waiting):
        sys.meta_path.insert(0, _Finder(name, change))
