"""What patching complains with."""

__all__ = ["MonkeyPatchWarning"]


class MonkeyPatchWarning(RuntimeWarning):
    """Something about how or when patching was done may go wrong later."""


class _BadImplements(AttributeError):
    """A module that should patch another one does not say what it implements."""

    def __init__(self, module):
        super().__init__(f"{module!r} needs a list of names in __implements__, or names have to be given")
