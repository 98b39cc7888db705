"""Small tools for writing gevent's own modules: attributes computed late, and modules that extend another one.

Not for users. It imports next to nothing, since everything else imports it.
"""
# tidy: no __all__ because gevent has none here

import functools

WRAPPER_ASSIGNMENTS = ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__")
WRAPPER_UPDATES = ("__dict__",)


def update_wrapper(wrapper, wrapped, assigned=WRAPPER_ASSIGNMENTS, updated=WRAPPER_UPDATES):
    """Make `wrapper` look like `wrapped` and return it: `functools.update_wrapper`, alike on all versions of Python."""
    return functools.update_wrapper(wrapper, wrapped, assigned, updated)


class _DefaultValue:
    """A mark for "no argument given" that looks well in a signature."""

    __slots__ = ()

    def __repr__(self):
        return "<default value>"

    def __reduce__(self):
        return "_NONE"


_NONE = _DefaultValue()


class _ComputedAttribute:
    """Base of descriptors that call `func` for their value.

    They define no ``__set__``, so an instance's own attribute of the same name comes first.
    """

    def __init__(self, func):
        update_wrapper(self, func)
        self.func = func
        self.name = func.__name__

    def __set_name__(self, owner, name):
        # The function may have another name, where it was not written in the class.
        self.name = name


class Lazy(_ComputedAttribute):
    """A method whose result, computed at the first access, becomes an attribute of the instance."""

    def __get__(self, inst, class_):
        if inst is None:
            return self
        value = inst.__dict__[self.name] = self.func(inst)
        return value


class readproperty(_ComputedAttribute):
    """A property without a setter of its own: computed at each access until the instance is given a value."""

    def __get__(self, inst, class_):
        return self if inst is None else self.func(inst)


class LazyOnClass:
    """A method whose result, computed at the first access through an instance, replaces it on the class.

    For values that need an import which must not happen while the class is being made.
    """

    @classmethod
    def lazy(cls, cls_dict, func):
        """Put a `LazyOnClass` for `func` into the class body `cls_dict` under the function's name."""
        cls_dict[func.__name__] = cls(func)

    def __init__(self, func, name=None):
        self.func = func
        self.name = name or func.__name__
        self.__doc__ = func.__doc__

    def __get__(self, inst, klass):
        if inst is None:
            return self
        value = self.func(inst)
        for owner in klass.__mro__:
            if owner.__dict__.get(self.name) is self:
                setattr(owner, self.name, value)
                break
        return value


def copy_globals(
    source,
    globs,
    only_names=None,
    ignore_missing_names=False,
    names_to_ignore=(),
    dunder_names_to_keep=("__implements__", "__all__", "__imports__"),
    cleanup_globs=True,
):
    """Copy the names of the module `source` into the dictionary `globs`; return the list of names copied.

    :param only_names: The names to copy; by default, all.
    :param ignore_missing_names: With `only_names`: pass over what `source` does not have, instead of raising
        `AttributeError`.
    :param names_to_ignore: Names never to copy.
    :param dunder_names_to_keep: The only names that are copied though they begin with two underscores.
    :param cleanup_globs: Remove this function's own name from `globs` afterwards.
    """
    if only_names is None:
        names = list(vars(source))
    elif ignore_missing_names:
        names = [name for name in only_names if hasattr(source, name)]
    else:
        names = list(only_names)

    copied = []
    for name in names:
        if name in names_to_ignore or (name.startswith("__") and name not in dunder_names_to_keep):
            continue
        globs[name] = getattr(source, name)
        copied.append(name)

    if cleanup_globs:
        globs.pop("copy_globals", None)
    return copied


def gmctime():
    """Return the present time, UTC, as ISO 8601 text to the second, like ``2026-01-31T23:59:59Z``."""
    from time import gmtime

    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*gmtime()[:6])


def __getattr__(name):
    # Nearly every module of gevent's own distribution ends by asking for it.
    if name == "import_c_accel":
        from gevent._installed import mixed

        raise mixed("modules of gevent's own distribution were written over those of gevent-mp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
