"""Where gevent's own suite, and what prints a class's module, expects `local`. Use `gevent.local`."""

from gevent._native.local import all_local_dicts_for_greenlet, local

__all__ = ["all_local_dicts_for_greenlet", "local"]
