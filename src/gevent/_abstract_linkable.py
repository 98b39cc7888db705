"""The base of what can be waited for, under the name by which gevent knows it."""

from gevent._native.event import AbstractLinkable

__all__ = ["AbstractLinkable"]
