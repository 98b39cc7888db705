"""Parts of patching that wait until the program imports what they patch.

A child that was spawned is patched before anything of the program runs, and most of it never imports `ssl`, say, whose
import takes longer than all the rest; and a program that forks children copies a thousand pages of it for each. Such a
part is done right after the module was loaded, before whoever imports it has it in hands; or when somebody asks
`gevent.monkey` whether it is done, or what was there before. So nobody can tell it from having been done at once.
"""

import sys

from gevent.monkey._import_hook import change_when_imported

__all__ = ["Postponing", "do_now_or_when_imported", "finish", "finish_all", "is_postponing", "postpone"]

_parts = []
_are_postponed = False


class _Part:
    """A part of patching that is done once, when one of the modules `names` is imported."""

    def __init__(self, names, do):
        self._names = names
        self.do = do
        self._loaded = set()
        # Where it would be found now: later, a file of the program's might be in the way.
        places = list(sys.path)
        for name in names:
            change_when_imported(name, self._was_imported, None if "." in name else places)

    def concerns(self, name):
        return name in self._names

    def _was_imported(self, module):
        name = module.__name__
        is_new = name not in self._loaded
        self._loaded.add(name)
        # gevent's module imports the standard library's, which is patched from gevent's when that is complete.
        others = (sys.modules.get(other) for other in self._names if other != name)
        if any(_is_being_imported(other) for other in others):
            return
        if self in _parts:
            _finish(self)
        elif not is_new:
            self.do()


def _is_being_imported(module):
    return getattr(getattr(module, "__spec__", None), "_initializing", False)


def postpone(part):
    """Have `part`, an object with ``concerns(module_name)`` and ``do()``, done when somebody asks for it."""
    _parts.append(part)


def do_now_or_when_imported(names, do, postpones=False):
    """Call `do()`; if parts are postponed, and none of the standard library's `names` is imported yet, when one is.

    :param postpones: Whether this one is postponed in any case.
    """
    names = names.split()
    if not (postpones or _are_postponed) or any(name in sys.modules for name in names):
        do()
    else:
        postpone(_Part([*names, *(f"gevent.{name}" for name in names)], do))
        # Had it been done at once, gevent's module would be there, too.
        sys.modules["gevent"].__getattr__ = _attribute_of_gevent


def _attribute_of_gevent(name):
    module_name = f"gevent.{name}"
    if not any(part.concerns(module_name) for part in _parts):
        raise AttributeError(f"module 'gevent' has no attribute {name!r}")
    # What import_module() does, without importing importlib for it.
    return __import__(module_name, None, None, ["*"])


def finish(module_name):
    """Do now what was postponed and concerns the module called `module_name`."""
    # Doing one part may postpone others.
    while (part := next((each for each in _parts if each.concerns(module_name)), None)) is not None:
        _finish(part)


def finish_all():
    """Do now what was postponed."""
    while _parts:
        _finish(_parts[0])


def _finish(part):
    # Doing it imports modules, and looks for what was patched.
    if part in _parts:
        _parts.remove(part)
        try:
            part.do()
        except BaseException:
            _parts.append(part)  # a signal's handler may raise anywhere, and who imports tries again
            raise


class Postponing:
    """While entered, what can be postponed is."""

    def __enter__(self):
        global _are_postponed
        _are_postponed = True

    def __exit__(self, *exc_info):
        global _are_postponed
        _are_postponed = False


def is_postponing():
    """Return whether what can be postponed is to be."""
    return _are_postponed
