from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from typing_extensions import Never

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

_T = TypeVar("_T")

ALL_SETTINGS: list[type[Setting[Any]]]

class SettingType(type):
    def __new__(cls, name: str, bases: tuple[type, ...], cls_dict: dict[str, Any]) -> SettingType: ...
    def fmt_desc(cls, desc: str) -> str: ...

class Setting(Generic[_T], metaclass=SettingType):
    name: Any
    environment_key: Any
    order: int
    document: bool
    desc: str
    default: Any
    value: Any
    validate: Callable[[Any], _T]
    def get(self) -> _T: ...
    # Text is converted.
    def set(self, val: str | _T) -> None: ...

class ImportableSetting(Generic[_T]):
    default: str | Sequence[str]
    shortname_map: dict[str, str]
    def validate(self, value: str | _T) -> _T: ...
    def get_options(self) -> dict[str, _T]: ...

class BoolSettingMixin:
    @staticmethod
    def validate(value: str | bool) -> bool: ...

class IntSettingMixin:
    @staticmethod
    def validate(value: int) -> int: ...

class _PositiveValueMixin(Generic[_T]):
    @staticmethod
    def validate(value: _T) -> _T: ...

class FloatSettingMixin(_PositiveValueMixin[float]): ...
class ByteCountSettingMixin(_PositiveValueMixin[int]): ...

def is_assigned(setting: Setting[Any]) -> bool: ...
def split_list(value: str) -> list[str]: ...
def validate_anything(value: _T) -> _T: ...
def convert_str_value_as_is(value: _T) -> _T: ...
def validate_bool(value: str | bool) -> bool: ...
def validate_invalid(value: object) -> Never: ...
def validate_positive(value: _T) -> _T: ...
