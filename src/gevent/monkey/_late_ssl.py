"""What is left with the classes of `ssl` when that is patched after its import: who it is, and how that is mended.

A module that said ``from ssl import SSLContext`` keeps the original, and so does every class derived from it. What
these make is made to cooperate as far as that can be done from here, and users are told.
"""

import gc
import sys

__all__ = ["describe_late_ssl", "mend_classes", "mend_contexts"]

_OWN_MODULES = ("ssl", "gevent.ssl", "gevent._ssl3", "gevent._sslgte279")


def describe_late_ssl():
    """Return a warning's text that names modules and classes which cannot be patched, or None if there are none."""
    ssl = sys.modules.get("ssl")
    if ssl is None:
        return None
    from gevent.monkey._state import is_object_patched

    if is_object_patched("ssl", "SSLContext"):
        return None
    context_class = ssl.SSLContext
    modules = sorted(_modules_holding(context_class))
    classes = sorted(map(repr, _strange_subclasses(context_class)))
    if not modules and not classes:
        return None
    text = (
        "ssl is patched after its import: what has got hold of its classes already will block, or fail with a "
        "RecursionError. Patch earlier. (https://github.com/gevent/gevent/issues/1016)"
    )
    if modules:
        text += f" Modules that had direct imports (NOT patched): {modules}."
    if classes:
        text += f" Subclasses (NOT patched): {classes}."
    return text


def _modules_holding(value):
    for name, module in list(sys.modules.items()):
        # Not by getattr(): modules may make things up, at a price, when they are asked.
        attributes = getattr(module, "__dict__", None)
        if name in _OWN_MODULES or not isinstance(attributes, dict):
            continue
        if any(candidate is value for candidate in list(attributes.values())):
            origin = attributes.get("__file__")
            yield f"{name} ({origin})" if origin else name


def _strange_subclasses(base):
    to_do, seen = [base], set()
    while to_do:
        for subclass in to_do.pop().__subclasses__():
            if subclass not in seen:
                seen.add(subclass)
                to_do.append(subclass)
                if not subclass.__module__.startswith("gevent."):
                    yield subclass


def mend_classes(original, ours, wrap_socket):
    """See that what the class `original` and its subclasses will make is of the class `ours`, or works like that.

    :param wrap_socket: The method for what is of neither class: makes a connection that cooperates.
    """
    # The standard library's setters look up "SSLContext" when they are called, and would call themselves for ever.
    for name, member in vars(ours).items():
        if isinstance(member, property):
            setattr(original, name, member)
    # Where the class cannot be exchanged.
    native_wrap = original.wrap_socket
    wrap_socket.__name__, wrap_socket.__doc__ = native_wrap.__name__, native_wrap.__doc__
    original.wrap_socket = wrap_socket

    make = original.__new__

    def __new__(cls, *args, **kwargs):
        return make(ours if cls is original else cls, *args, **kwargs)

    original.__new__ = __new__
    for subclass in original.__subclasses__():
        if subclass is not ours:
            subclass.__bases__ = tuple(ours if base is original else base for base in subclass.__bases__)


def mend_contexts(original, ours):
    """Make every object of the class `original` one of the class `ours`. Looks at all objects that there are."""
    for context in gc.get_objects():
        if type(context) is original:
            context.__class__ = ours
