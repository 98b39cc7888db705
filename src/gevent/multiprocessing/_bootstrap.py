"""The command lines of spawned children and of the fork server: they become what this process is.

They begin with a statement that calls `gevent._child_start.start`, before anything of the program is imported: so the
program's main module, and whatever else the child imports, sees patched modules from the start. The children's own
children are started the same way. The resource tracker stays as it is: it does nothing that waits for greenlets.
"""

import os
import sys

from gevent._held_signals import INTERRUPT, held_in_new_process, hold
from gevent.events import _entry_points
from gevent.multiprocessing._stdlib import STDLIB_NAME

__all__ = ["changes", "statement"]

#: What CPython has its children run: for which module's function, and whether that process will fork.
_PROGRAMS = {"spawn": False, "forkserver": True}


def statement(package_name, serves=False):
    """Return the Python statements that a child of this process begins with."""
    from gevent.monkey._state import is_anything_patched

    patches = _patches(package_name == STDLIB_NAME) if is_anything_patched() else None
    known = _entry_points.references()
    plugins = "" if known is None else f", {known!r}"
    call = f"start({_settings()!r}, {patches!r}, {package_name!r}, {serves!r}{plugins})"
    if _is_frozen():
        return f"from gevent._child_start import start as _start; _{call}; "  # it has all its modules in itself
    path = [entry for entry in sys.path if isinstance(entry, str) and entry]
    places = _places()
    folders = [os.path.join(place, "gevent") for place in places["gevent"]]
    return _IN_CHILD.format(folders=folders, places=places, path=path, call=call)


# gevent must be found before the child learns its parent's path in the ordinary way: where the parent has it from,
# whatever flags the child is started with, and whatever the program has made of the path. Else the child's own path
# comes first, as the standard library's modules shall not be mistaken for files of the program's.
#
# Nothing is looked through for garbage meanwhile, nor is what is there at the end ever again: modules, functions and
# classes, which stay. That takes longer than a third of the imports, half of it at the process's exit.
_IN_CHILD = (
    "import gc as _gc, sys; _collects = _gc.isenabled(); _gc.disable(); "
    "from _frozen_importlib import _load; from _frozen_importlib_external import PathFinder as _finder; "
    "_spec = _finder.find_spec('gevent._child_finder', {folders!r}); "
    "_found = _spec and _load(_spec).ChildFinder({places!r}); "
    "_found and sys.meta_path.insert(0, _found); sys.path[:] = list(filter(None, sys.path)); "
    "sys.path += [entry for entry in {path!r} if entry not in sys.path]; "
    "from gevent._child_start import start as _start; _{call}; _found and sys.meta_path.remove(_found); "
    "_gc.freeze(); _collects and _gc.enable(); del _collects, _finder, _found, _gc, _load, _spec, _start; "
)


def _is_frozen():
    return getattr(sys, "frozen", False)


def _places():
    """Return the directories in which this process has found gevent, and what it cannot be imported without."""
    return {
        name: [os.path.dirname(os.path.abspath(folder)) for folder in sys.modules[name].__path__]
        for name in ("gevent", "greenlet")
    }


def _settings():
    """Return what the program assigned to `gevent.config`, as far as it can be written down."""
    from gevent._config import config
    from gevent._setting import is_assigned

    settings = {}
    for name, setting in config.settings.items():
        if not is_assigned(setting):
            continue
        value = setting.assigned
        if isinstance(value, type):
            value = f"{value.__module__}.{value.__qualname__}"
        if value is None or isinstance(value, (bool, int, float, str)) or _is_list_of_names(value):
            settings[name] = value
    return settings


def _is_list_of_names(value):
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)


def _patches(multiprocessing):
    """Return arguments for `gevent.monkey.patch_all` that make a process patched as this one is."""
    from gevent.monkey._parts import PARTS
    from gevent.monkey._state import PATCH_ALL_ARGUMENTS, is_object_patched, saved

    # As patch_all() was called, if it was: the program's main module is going to call it again in the same way.
    patches = {name: bool(asked) for name, asked in saved.get(PATCH_ALL_ARGUMENTS, {}).items()}
    for part in PARTS:
        if part.sign:
            patches[part.name] = patches.get(part.name) or is_object_patched(*part.sign)
    patches["multiprocessing"] = multiprocessing
    return patches


def _with_statement(arguments, package_name):
    """Return the command line `arguments` with our statement before the program of a child or fork server."""
    arguments = list(arguments)
    for index, argument in enumerate(arguments[:-1]):
        if argument in ("-c", b"-c"):
            program = arguments[index + 1]
            for module_name, serves in _PROGRAMS.items():
                import_statement = _import_statement(module_name)
                if import_statement in program:
                    # By these words an executable that PyInstaller has made knows what it shall run.
                    words = f"{import_statement} main; " if _is_frozen() else ""
                    program = program.replace(import_statement, f"from {package_name}.{module_name} import")
                    arguments[index + 1] = words + statement(package_name, serves) + program
            break
    return arguments


def _import_statement(module_name):
    return f"from {STDLIB_NAME}.{module_name} import"


def _is_fork_server(arguments):
    return any(_import_statement("forkserver") in os.fsdecode(each) for each in arguments)


def changes(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that new processes become green."""
    spawnv_passfds = mp.util.spawnv_passfds

    def spawnv_passfds_green(path, args, passfds):
        """Start a program that keeps only the descriptors `passfds`; return its process id. Waits for its ``exec``."""
        # A fork server ignores Ctrl-C as soon as it can, and is not to end by it before.
        with hold(INTERRUPT if _is_fork_server(args) else held_in_new_process()):
            return spawnv_passfds(path, _with_statement(args, mp.name), sorted({int(fd) for fd in passfds}))

    yield mp.util, "spawnv_passfds", spawnv_passfds_green
