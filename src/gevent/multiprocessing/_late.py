"""What programs have taken hold of before `multiprocessing` was patched: made to be as if it came later.

Modules, classes and singletons stay who they are when they are patched, so names that were imported from them are good.
What is left are references to what *other* modules had then, such as the `queue.Queue` that a manager makes; locks of
objects that exist; and functions of which there is a new one.
"""

import sys
import types

__all__ = ["changes", "mend_objects"]


def _replacements():
    """Return a dictionary from the id of what patching has replaced in a module to what is there now."""
    from gevent.monkey._state import saved

    found = {}
    # Of what is still to be patched, nobody has taken hold.
    for module_name, originals in dict.items(saved):
        module = sys.modules.get(module_name)
        for name, original in originals.items() if isinstance(originals, dict) else ():
            current = getattr(module, name, None)
            if current is not None and current is not original and callable(original):
                found[id(original)] = current
    return found


def _changes_of_managers(managers):
    # A manager's registry goes to its process by pickle, which refers to classes by name: the old ones have none.
    def current(function):
        return _replacements().get(id(function), function)

    original = managers.BaseManager.register.__func__

    def register(cls, typeid, callable=None, *args, **kwargs):
        """Have managers of this class make objects of type `typeid` by `callable`. As `BaseManager.register`."""
        return original(cls, typeid, current(callable), *args, **kwargs)

    yield managers.BaseManager, "register", classmethod(register)
    classes = [managers.BaseManager]
    while classes:
        manager_class = classes.pop()
        classes += manager_class.__subclasses__()
        registry = vars(manager_class).get("_registry")
        if registry:
            changed = {typeid: (current(entry[0]), *entry[1:]) for typeid, entry in registry.items()}
            yield manager_class, "_registry", changed


def _redirected(function):
    """Return code for `function` by which it calls what its module has under its name now."""
    code = compile(
        f"lambda *args, **kwargs: {function.__name__}(*args, **kwargs)", function.__code__.co_filename, "eval"
    )
    return next(each for each in code.co_consts if isinstance(each, types.CodeType))


def mend_objects(mp):
    """Give objects that exist already locks for greenlets, where they may be held while others run."""
    queues = sys.modules.get(f"{mp.name}.queues")
    if queues is None:
        return
    for each in list(mp.util._afterfork_registry.values()):
        if isinstance(each, queues.Queue) and each._thread is None:
            # Held while the feeder is started, which waits for it later on.
            each._notempty = queues.threading.Condition(queues.threading.Lock())


def changes(mp):
    """Yield (owner, name, value) for what exists already and would wait without letting others run, or not at all."""
    if not mp.is_stdlib:
        return
    yield from mp.changes_of_module(f"{mp.name}.managers", _changes_of_managers)
    connection = sys.modules.get(f"{mp.name}.connection")
    if connection is not None:
        # What was imported by name.
        pipe = connection.Pipe
        yield pipe, "__code__", _redirected(pipe)
        yield pipe, "__defaults__", None
