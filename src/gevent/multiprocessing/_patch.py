"""`gevent.monkey.patch_multiprocessing`: the standard library's own `multiprocessing`, made green in place.

Its classes and singletons stay who they are; what is replaced is the few functions that wait, and the few locks that
are held while waiting. The start method stays the user's choice.
"""

from gevent.multiprocessing._package import STDLIB_NAME, Package

__all__ = ["package", "patch", "require"]

#: The standard library's, as soon as it was patched.
package = Package(STDLIB_NAME)


def patch():
    """Make `multiprocessing` and `concurrent.futures.ProcessPoolExecutor` let other greenlets run. Again does nothing.

    Children are green too, by whichever start method. Does not wait. Raises `ImportError`, having changed nothing,
    where that cannot work. From gevent-mp; gevent has no such thing.
    """
    from gevent.monkey._state import saved
    from gevent.multiprocessing._late import mend_objects

    if package.is_green:
        return
    package.make_green()
    mend_objects(package)
    for owner, name, value in package.originals():
        module_name, path = _place(owner)
        saved.setdefault(module_name, {}).setdefault(path + name, value)


def require():
    """Raise `ImportError` if `patch` could not work here. Changes nothing."""
    package.require()


def _place(owner):
    if isinstance(owner, type):
        return owner.__module__, f"{owner.__qualname__}."
    if hasattr(owner, "__spec__"):
        return owner.__name__, ""
    return type(owner).__module__, f"{type(owner).__qualname__}()."
