"""The end of a program whose other threads still use pools of the main thread, in whose hub those live."""

import sys
import threading

from gevent.monkey._shutdown import have_hub_turn_to_the_end

__all__ = ["serve_last_threads"]

#: The program's file. It is no longer known when the main thread has ended, but spawned processes begin with it.
_program = getattr(sys.modules["__main__"], "__file__", None)


def serve_last_threads(hub):
    """A pool lives in `hub`: should that be the main thread's, have it turn until all other threads have ended.

    Again does nothing.
    """
    if hub.main_hub:
        have_hub_turn_to_the_end(threading, _remember_program)


def _remember_program():
    if _program is not None:
        sys.modules["__main__"].__file__ = _program
