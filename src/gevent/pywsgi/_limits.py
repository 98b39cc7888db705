"""What a `gevent.pywsgi` server puts up with: sizes, times, and what may be left out.

The table for users, with units and defaults, is in docs/serving.rst. Each limit is an argument of `WSGIServer`, or an
attribute of a subclass; where neither says anything it is a setting of `gevent.config`.
"""

import sys

from gevent._config import config
from gevent._native.http import Head

__all__ = ["LIMITS", "Limits"]

LIMITS = {
    "head_size_max": "pywsgi_head_size_max",
    "request_line_max": None,
    "field_line_max": None,
    "fields_max": "pywsgi_fields_max",
    "body_size_max": "pywsgi_body_size_max",
    "chunk_extensions_max": "pywsgi_chunk_extensions_max",
    "require_host": None,
    "handshake_timeout": "pywsgi_handshake_timeout",
    "head_timeout": "pywsgi_head_timeout",
    "idle_timeout": "pywsgi_idle_timeout",
    "send_timeout": "pywsgi_send_timeout",
    "body_rate_min": "pywsgi_body_rate_min",
    "body_grace": None,
}
"""The names of the limits, and the settings that they come from."""

_FIELD_LINE_MAX = 65536
_BODY_GRACE = 5


class Limits:
    """The limits of a server."""

    __slots__ = (*LIMITS, "_line_limit_is_global")

    def __init__(self, server):
        for name, setting in LIMITS.items():
            # Whatever has no such attribute serves too: a handler needs little of a server.
            value = getattr(server, name, "default")
            if value == "default":
                value = getattr(config, setting) if setting else None
            setattr(self, name, value)
        self._line_limit_is_global = self.request_line_max is None
        self.refresh()
        if self.field_line_max is None:
            self.field_line_max = _FIELD_LINE_MAX
        if self.body_grace is None:
            self.body_grace = _BODY_GRACE
        if self.require_host is None:
            self.require_host = True

    def refresh(self):
        """Look up what programs assign to at any time. Called for each connection."""
        if self._line_limit_is_global:
            self.request_line_max = sys.modules["gevent.pywsgi"].MAX_REQUEST_LINE
        return self

    @property
    def line_max_of_all(self):
        """What was found in MAX_REQUEST_LINE; None if the server has a limit of its own."""
        return self.request_line_max if self._line_limit_is_global else None

    @classmethod
    def of(cls, server):
        """Return the limits of `server`, which remembers them if it is a `WSGIServer`."""
        found = getattr(server, "_found_limits", None)
        if found is None:
            found = cls(server)
            server._found_limits = found
        return found.refresh()

    def new_head(self):
        """Return a `gevent._native.http.Head` for a connection."""
        return Head(
            self.request_line_max - 1, self.field_line_max, self.fields_max, self.head_size_max, self.require_host
        )
