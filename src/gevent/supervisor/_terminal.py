"""The terminal that controls this process: whether it has just been closed."""

import errno
import os
from time import monotonic

__all__ = ["Terminal"]

#: A hangup that comes so long after the terminal has gone, in seconds, does not come from that.
JUST_S = 2.0


class Terminal:
    """The one there was when this was made, if any. `look` has to be called now and then."""

    def __init__(self):
        self._is_there = _has_terminal()
        self._gone_at = None

    def look(self):
        """See whether it is still there."""
        if self._is_there and not _has_terminal():
            self._is_there, self._gone_at = False, monotonic()

    def has_just_gone(self):
        """Return whether it has gone in the last moments."""
        self.look()
        return self._gone_at is not None and monotonic() - self._gone_at < JUST_S


def _has_terminal():
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)  # that is another matter
    return True
