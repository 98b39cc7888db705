"""The text of an error number, for programs that import gevent's helper for Windows whatever system they run on."""

import os

__all__ = ["formatError"]


def formatError(errorcode):
    """Return what the system says of the error number `errorcode`, a str: Windows' own text there, else strerror's."""
    try:
        from ctypes import FormatError
    except ImportError:  # not on Windows
        return os.strerror(errorcode)
    return FormatError(errorcode)
