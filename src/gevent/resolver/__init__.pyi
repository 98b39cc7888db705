from collections.abc import Callable
from typing import Any, TypeVar

from gevent._types import _Resolver

__all__ = ()

_F = TypeVar("_F", bound=Callable[..., Any])

class AbstractResolver(_Resolver):
    HOSTNAME_ENCODING: str
    EAI_NONAME_MSG: str
    EAI_FAMILY_MSG: str
    @staticmethod
    def fixup_gaierror(func: _F) -> _F: ...
