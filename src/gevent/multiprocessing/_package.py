"""A copy of the package `multiprocessing`, as the thing that is made green: the standard library's, or ours.

Whatever changes, changes as (owner, name, value): a module's global name, a class's method, or an attribute of an
object. Everything is looked up before anything is changed, and put back if something fails on the way: all or nothing.

Modules that are not imported are changed when they are: a program that only starts processes has no use for
connections and locks between them, and each fork would copy what they bring along.
"""

import importlib
import sys

from gevent.monkey._import_hook import change_when_imported
from gevent.multiprocessing._stdlib import STDLIB_NAME

__all__ = ["Package"]

_ABSENT = object()

#: Without them, nothing of this can work; the last is ours.
_NEEDED = ("_posixsubprocess", "fcntl", "gevent._native.semlock")
#: The same, for who has locks. It is looked for, not imported: whoever has none would copy it at each fork.
_NEEDED_FOR_LOCKS = "_multiprocessing"


class Package:
    """The modules of the package called `name`, as attributes, and what they were like before."""

    def __init__(self, name=STDLIB_NAME):
        self.name = name
        self._originals = {}
        self._is_refused = False
        #: The names of modules that will be changed when they are imported, or have been, which whoever asks what has
        #: been changed is told of too.
        self.awaited = []
        #: Called with a list of (owner, name, value) of what was there before, whenever something has been changed.
        self.tell_of_originals = None

    @property
    def is_stdlib(self):
        """Whether this is the standard library's, and not ours."""
        return self.name == STDLIB_NAME

    @property
    def stdlib(self):
        """The standard library's package, as it is now."""
        return Package()

    def __getattr__(self, module_name):
        if module_name.startswith("__"):
            raise AttributeError(module_name)
        return importlib.import_module(f"{self.name}.{module_name}")

    def original(self, owner, name):
        """Return the attribute `name` of `owner` as it was before `make_green`."""
        _, value = self._originals.get((id(owner), name), (owner, None))
        if value is None:
            return getattr(owner, name)
        return getattr(super(owner, owner), name) if value is _ABSENT else value  # a method it inherited

    @property
    def is_green(self):
        """Whether `make_green` was called."""
        return bool(self._originals)

    def make_green(self):
        """Change the modules so that what they wait for lets other greenlets run. Once is enough; again does nothing.

        Raises `ImportError` where that cannot work, and then nothing is changed.
        """
        if self._originals:
            return
        has_locks = f"{self.name}.synchronize" in sys.modules
        try:
            self._is_refused = False
            self._make(self._changes())
        except BaseException:
            self._is_refused = True
            raise
        if has_locks:
            from gevent.multiprocessing._early_locks import adopt

            adopt(self)

    def changes_when_imported(self, module_name, changes):
        """The same as `changes_of_module` for a module of the package that is `awaited`, if it is not there yet."""
        name = f"{self.name}.{module_name}"
        if name not in sys.modules:
            self.awaited.append(name)
        return self.changes_of_module(name, changes)

    def changes_of_module(self, name, changes):
        """Return ``changes(module)`` for the module called `name`, or make them when it is imported."""
        module = sys.modules.get(name)
        if module is not None:
            return changes(module)
        change_when_imported(name, lambda module: self._change_late(changes, module))
        return ()

    def _change_late(self, changes, module):
        if self._is_refused:
            return
        try:
            self._make(changes(module))
        except AttributeError as error:
            raise _refusal(error) from error

    def _make(self, changes):
        changes = list(changes)
        done = []
        try:
            for owner, name, value in changes:
                done.append((owner, name, vars(owner).get(name, _ABSENT)))
                setattr(owner, name, value)
        except BaseException:
            for owner, name, value in reversed(done):
                if value is _ABSENT:
                    delattr(owner, name)
                else:
                    setattr(owner, name, value)
            raise
        for owner, name, value in done:
            self._originals.setdefault((id(owner), name), (owner, value))
        if self.tell_of_originals is not None:
            self.tell_of_originals([each for each in done if each[2] is not _ABSENT])

    def require(self):
        """Raise `ImportError` if `make_green` could not work here. Changes nothing."""
        try:
            for module_name in _NEEDED:
                importlib.import_module(module_name)
            if not _is_there(_NEEDED_FOR_LOCKS):
                raise ModuleNotFoundError(f"No module named {_NEEDED_FOR_LOCKS!r}", name=_NEEDED_FOR_LOCKS)
        except ImportError as error:
            raise _refusal(error) from error

    def _changes(self):
        self.require()
        try:
            from gevent.multiprocessing import (
                _awaited,
                _bootstrap,
                _connection,
                _executor,
                _greenlet_state,
                _handles,
                _helpers,
                _late,
                _mixture,
                _process,
                _synchronize,
            )

            parts = (
                _connection.changes,
                _handles.changes,
                _synchronize.changes,
                _awaited.changes_of_queues,
                _process.changes,
                _awaited.changes_of_forkserver,
                _greenlet_state.changes,
                _helpers.changes,
                _awaited.changes_of_managers,
                _bootstrap.changes,
                _executor.changes,
                _late.changes,
                _mixture.changes,
            )
            return [change for changes in parts for change in changes(self)]
        except (AttributeError, ImportError) as error:
            raise _refusal(error) from error


def _is_there(name):
    if name in sys.modules:
        return sys.modules[name] is not None
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]
    return any(finder.find_spec(name, None) is not None for finder in finders)


def _refusal(error):
    return ImportError(
        f"multiprocessing cannot be made green here, and is left as it was: {error}", name=getattr(error, "name", None)
    )
