"""A module as one other module shall see it.

CPython's modules call what blocks through other modules: `os.fork()`, `signal.pthread_sigmask()`. Replacing the global
name `os` of one of them by a view changes that one, and nobody else.
"""

__all__ = ["View"]


class View:
    """Has the attributes of `original`, except those given by name.

    Those named in `absent` are missing, so that `hasattr` says no.
    """

    def __init__(self, original, absent=(), **replaced):
        self.__dict__.update(replaced)
        self._original = original
        self._absent = frozenset(absent)

    def __getattr__(self, name):
        if name in self._absent:
            raise AttributeError(f"{self._original.__name__}.{name} is not for this module")
        return getattr(self._original, name)

    def __repr__(self):
        return f"<view of {self._original!r}>"
