"""What the configured event loop's module offers, under one name for all of them.

Programs get their loop from `gevent.get_hub().loop`; this is for the constants, and from gevent.
"""

import sys as _sys

from gevent._config import config

_module = _sys.modules[config.loop.__module__]

__all__ = list(_module.__all__)

globals().update({_name: _value for _name, _value in vars(_module).items() if not _name.startswith("__")})


def __getattr__(name):
    # For what that module makes only when somebody asks.
    return getattr(_module, name)
