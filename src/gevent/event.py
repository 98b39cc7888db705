"""Telling greenlets that something happened.

`Event` is a flag, `AsyncResult` carries a value or an exception. Both are native, in gevent._native.event.
"""

from gevent._native.event import AbstractLinkable, AsyncResult, Event  # noqa: F401

__all__ = ["AsyncResult", "Event"]
