"""A private copy of somebody else's module that uses gevent's modules instead of the standard library's.

For libraries that block, where patching the whole process is not ours to decide: the copy sees gevent's `socket` and
so on, while everybody else's copy of the library stays as it was.
"""

import importlib
import sys
from _imp import acquire_lock, release_lock

__all__ = ["MAPPING", "import_patched"]

#: gevent's modules by the standard library's module that each stands for.
MAPPING = {
    "gevent." + ours: theirs
    for ours, theirs in {
        "local": "_threading_local",
        "socket": "socket",
        "select": "select",
        "selectors": "selectors",
        "ssl": "ssl",
        "thread": "_thread",
        "subprocess": "subprocess",
        "os": "os",
        "threading": "threading",
        "builtins": "builtins",
        "signal": "signal",
        "time": "time",
        "queue": "queue",
        "contextvars": "contextvars",
    }.items()
}


class _PrivateImport:
    """While entered, `sys.modules` has gevent's modules in place and nothing of the package `name`.

    On leaving, it is as it was: the modules imported meanwhile are known to nobody but each other.
    """

    def __init__(self, name):
        self.name = name
        self.module = None
        self._before = {}
        self._stand_ins = {}

    def _is_own(self, module_name):
        return module_name == self.name or module_name.startswith(self.name + ".")

    def __enter__(self):
        for ours, theirs in MAPPING.items():
            self._stand_ins[theirs] = importlib.import_module(ours)
        # Nobody else may import between here and the end: they would get our modules.
        acquire_lock()
        self._before = {
            name: module for name, module in sys.modules.items() if name in self._stand_ins or self._is_own(name)
        }
        for name in self._before:
            sys.modules.pop(name)
        sys.modules.update(self._stand_ins)
        return self

    def __exit__(self, *exc_info):
        try:
            for name in list(sys.modules):
                if name in self._stand_ins or self._is_own(name):
                    del sys.modules[name]
            sys.modules.update(self._before)
        finally:
            release_lock()

    def load(self, extra_all, after_import_hook):
        """Import the module and, in turn, the submodules that it or `extra_all` names."""
        self.module = importlib.import_module(self.name)
        after_import_hook(self.module)
        to_do, seen = [self.module], set()
        while to_do:
            module = to_do.pop()
            if module.__name__ in seen or not hasattr(module, "__path__"):
                continue
            seen.add(module.__name__)
            for name in (*getattr(module, "__all__", ()), *extra_all(module.__name__)):
                try:
                    submodule = importlib.import_module(f"{module.__name__}.{name}")
                except ModuleNotFoundError as error:
                    if error.name != f"{module.__name__}.{name}":
                        raise
                    continue  # A name in __all__ that is no module.
                after_import_hook(submodule)
                to_do.append(submodule)


def import_patched(module_name, extra_all=lambda name: (), after_import_hook=lambda module: None):
    """Import a copy of `module_name` of its own, with gevent's modules for the standard library's.

    :param extra_all: ``extra_all(package_name)`` returns names of submodules to import beside those in ``__all__``.
    :param after_import_hook: Called with each module after its import, while gevent's modules are still in place.
    :return: An object whose attribute ``module`` is the copy. `sys.modules` is left as it was.

    Does not wait, but keeps other threads from importing.
    """
    with _PrivateImport(module_name) as private:
        private.load(extra_all, after_import_hook)
    return private
