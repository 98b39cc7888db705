"""What a setting is: how its environment variable is read, what it accepts, and when its value is settled.

A value is worked out at its first use: what the program assigned, else the environment variable, else the default.
Classes to use (loop, resolver, thread pool) are given by name and are imported only then, so that importing gevent
stays cheap; for the same reason this module imports nothing but `os`.
"""

import os

__all__ = [
    "ALL_SETTINGS",
    "BoolSettingMixin",
    "ByteCountSettingMixin",
    "FloatSettingMixin",
    "ImportableSetting",
    "IntSettingMixin",
    "Setting",
    "SettingType",
    "convert_str_value_as_is",
    "is_assigned",
    "split_list",
    "validate_anything",
    "validate_bool",
    "validate_invalid",
    "validate_positive",
]

ALL_SETTINGS = []


# --- what a value may be -----------------------------------------------------------------------------------------

_TRUE_WORDS = ("1", "on", "yes", "true")
_FALSE_WORDS = ("", "0", "off", "no", "false")


def validate_invalid(value):
    """Refuse `value`, whatever it is. Raises `ValueError`."""
    raise ValueError(f"Not a valid value: {value!r}")


def validate_anything(value):
    """Return `value` as it is."""
    return value


def validate_bool(value):
    """Return the truth of `value`; text must be one of the usual words. Raises `ValueError`."""
    if not isinstance(value, str):
        return bool(value)
    word = value.strip().lower()
    if word in _TRUE_WORDS:
        return True
    if word in _FALSE_WORDS:
        return False
    raise ValueError(f"Invalid boolean string: {word!r}")


def validate_positive(value):
    """Return `value`, a number above zero or None. Raises `ValueError`."""
    if value is not None and value <= 0:
        raise ValueError("Must be positive")
    return value


def convert_str_value_as_is(value):
    """Return the text of an environment variable unchanged."""
    return value


def split_list(value):
    """Return the parts of `value` between commas, if it is text; else `value`."""
    return value.split(",") if isinstance(value, str) else value


# --- one setting -------------------------------------------------------------------------------------------------


class _Description:
    """A class attribute that puts a setting into words when somebody reads it, of the class or of an instance."""

    def __get__(self, setting, cls):
        return cls.fmt_desc(cls.__doc__ or "")


class SettingType(type):
    """The class of setting classes: those that have a `name` are known to every `Config` made afterwards."""

    def __new__(cls, name, bases, cls_dict):
        made = super().__new__(cls, name, bases, cls_dict)
        if cls_dict.get("name"):
            made.order = len(ALL_SETTINGS)
            ALL_SETTINGS.append(made)
        return made

    def fmt_desc(cls, desc):
        """Return the text `desc` with what else there is to say about the setting."""
        from inspect import cleandoc

        parts = [
            desc,
            cls._accepts(),
            f"Default: ``{cls.default!r}``.",
            f"Environment variable: ``{cls.environment_key}``.",
        ]
        return "\n\n".join(cleandoc(part) for part in parts if part)


class Setting(metaclass=SettingType):
    """One thing that can be configured: its name, its variable, its default, and what it accepts.

    The docstring of a subclass is what users read.
    """

    name = None
    environment_key = None
    default = None
    #: Whether the setting is shown in the manual.
    document = True
    order = -1
    #: The value, once an instance has one of its own.
    value = None
    #: The purpose, what is accepted, the default and the variable, in words.
    desc = _Description()
    #: ``validate(value)`` returns what is to hold, or raises `ValueError`.
    validate = staticmethod(validate_anything)

    @classmethod
    def _accepts(cls):
        return ""

    def _convert(self, value):
        """Turn the text of the environment variable, or what the program assigned, into a value."""
        return value

    def _default(self):
        text = os.environ.get(self.environment_key) if self.environment_key else None
        return self.default if text is None else self._convert(text)

    def get(self):
        """Return the value, after settling it if this is the first use. Raises what reading it raises."""
        if "value" not in self.__dict__:
            self.value = self.validate(self._default())
        return self.value

    def set(self, val):
        """Make `val` the value from now on. Raises `ValueError`, and keeps the old value, if it is not acceptable."""
        self.value = self.validate(self._convert(val))
        #: As it was given: child processes are configured alike.
        self.assigned = val


def is_assigned(setting):
    """Return whether the program assigned a value to `setting`."""
    return "assigned" in setting.__dict__


class BoolSettingMixin:
    """A setting that is on or off."""

    validate = _convert = staticmethod(validate_bool)

    @classmethod
    def _accepts(cls):
        return "In the variable: ``1``, ``true``, ``on``, ``yes``, or ``0``, ``false``, ``off``, ``no``, or nothing."


class IntSettingMixin:
    """A whole number, or None."""

    def _convert(self, value):
        return int(value) if value else None

    validate = staticmethod(validate_anything)


class _PositiveValueMixin:
    validate = staticmethod(validate_positive)


class FloatSettingMixin(_PositiveValueMixin):
    """A number above zero, or None."""

    def _convert(self, value):
        return float(value) if value else None


class ByteCountSettingMixin(_PositiveValueMixin):
    """A size in bytes, above zero, or None."""

    @classmethod
    def _accepts(cls):
        return "A number of bytes; text may end in ``kb``, ``mb`` or ``gb``, powers of 1024."

    def _convert(self, value):
        if not isinstance(value, str):
            return value
        text = value.strip().lower()
        if not text:
            return None
        for power, suffix in enumerate(("kb", "mb", "gb"), start=1):
            if text.endswith(suffix):
                return int(text[:-2]) * 1024**power
        return int(text)


class ImportableSetting:
    """A setting whose value is imported by name.

    Accepts a name, several names in order of preference (a list, or one text with commas), or the object itself.
    The short names in `shortname_map` stand for longer ones.
    """

    shortname_map = {}

    @classmethod
    def _accepts(cls):
        text = (
            "The object itself, or its full name, or several names separated by commas: the first that can be "
            "imported is used."
        )
        if cls.shortname_map:
            text += f" Short names: {', '.join(cls.shortname_map)}."
        return text

    def _import_one(self, path):
        if not isinstance(path, str):
            return path
        full_name = self.shortname_map.get(path, path)
        if "/" in full_name or "." not in full_name:
            raise ImportError(
                f"Cannot import {path!r}. "
                f"Required format: [package.]module.class. Or choose from {list(self.shortname_map)!r}"
            )
        module_name, _, attribute = full_name.rpartition(".")
        try:
            # What import_module() does, without importing importlib for it.
            module = __import__(module_name, None, None, [attribute])
        except ModuleNotFoundError as error:
            if path == full_name:
                raise
            # Somebody chose a name of ours, so the missing module is not theirs to look for.
            others = [name for name, target in self.shortname_map.items() if target != full_name]
            raise ImportError(
                f"{path!r} is not available here ({error}). Choose from {others!r}", name=error.name
            ) from error
        try:
            return getattr(module, attribute)
        except AttributeError:
            raise ImportError(f"Cannot import {attribute!r} from {module!r}") from None

    def _import_one_of(self, candidates):
        if not candidates:
            raise ImportError("Cannot import from empty list")
        for candidate in candidates[:-1]:
            try:
                return self._import_one(candidate)
            except ImportError:
                # The next one may do; if none does, the last one's error is the caller's to see.
                continue
        return self._import_one(candidates[-1])

    def validate(self, value):
        if isinstance(value, type) or callable(value):
            return value
        return self._import_one_of(list(split_list(value)))

    def get_options(self):
        """Return a dictionary of every short name and its object, or the `ImportError` that stands in the way."""
        options = {}
        for name in self.shortname_map:
            try:
                options[name] = self._import_one(name)
            except ImportError as error:
                options[name] = error
        return options
