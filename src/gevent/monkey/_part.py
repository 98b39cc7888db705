"""What one row of `gevent.monkey.PARTS` says, and what is known while `patch_all` goes through them."""

__all__ = ["Call", "Part", "describe"]


class Part:
    """Something that `patch_all` can be asked for by an argument called `name`.

    :ivar patch: Does it, given the `Call`; None for an option, which `option_of` does.
    :ivar order: The lowest is done first.
    :ivar sign: The module and the attribute that it replaces, or None: what shows that it was done.
    :ivar option_of: The part that has this as an option, and is done again if the option is asked for later.
    :ivar within: The part that has done this one, too, when both are asked for.
    :ivar when: Modules; a process that postpones does it when the first of them is imported.
    :ivar means: What the documentation says of it.
    """

    __slots__ = ("default", "means", "name", "option_of", "order", "patch", "sign", "when", "within")

    def __init__(self, name, patch, order=0, sign=None, when="", option_of=None, within=None, means=None, default=True):
        self.name, self.patch, self.order, self.when = name, patch, order, when
        self.sign = tuple(sign.split(".")) if sign else None
        self.option_of, self.within = option_of, within
        self.means = means or f"Call `patch_{name}`."
        self.default = default


class Call:
    """A call of `patch_all`.

    :ivar settings: What it and those before it asked for, by the names of parts.
    :ivar to_do: What of that is left to do.
    :ivar first_time: Whether there was none before it.
    :ivar warnings: Texts to warn with, once all is done.
    """

    __slots__ = ("first_time", "settings", "to_do", "warnings")

    def __init__(self, settings, to_do, first_time, warnings):
        self.settings, self.to_do = settings, to_do
        self.first_time, self.warnings = first_time, warnings

    def asks_for(self, part, parts):
        """Return whether `part`, one of `parts`, is to be patched now."""
        if part.patch is None or (part.within and self.to_do[part.within]):
            return False
        options = [each.name for each in parts if each.option_of == part.name]
        return self.to_do[part.name] or (self.settings[part.name] and any(self.to_do[name] for name in options))


def describe(function, parts):
    """Put a line for each of `parts` in place of ``{parts}`` in the docstring of `function`."""
    if function.__doc__:  # not so with python -OO
        lines = (f":param {part.name}: {part.means}" for part in parts)
        function.__doc__ = function.__doc__.format(parts="\n    ".join(lines))
