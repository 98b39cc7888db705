"""What every spawned child imports of `multiprocessing`, without the modules that few children need.

CPython's start of a child imports `multiprocessing.reduction` and `multiprocessing.util`, which import `socket` and
`subprocess`: a third of all that is imported, for two functions that are seldom called, and with patching still more.
Here stand-ins take their place until somebody needs the modules. Nobody else sees them: all else that is imported here
is imported before.
"""

import _socket
import sys

from gevent.monkey._import_hook import change_when_imported
from gevent.multiprocessing._stdlib import STDLIB_NAME

__all__ = ["import_what_children_run"]


class _StandIn(type(sys)):
    """In the place of a module while another is imported, with as much as that one asks of it."""

    def __init__(self, name, **attributes):
        super().__init__(name)
        vars(self).update(attributes)

    def __enter__(self):
        sys.modules[self.__name__] = self
        return self

    def __exit__(self, *exc_info):
        del sys.modules[self.__name__]

    def __getattr__(self, name):
        if name.startswith("__") or sys.modules.get(self.__name__) is self:
            raise AttributeError(name)
        return getattr(__import__(self.__name__), name)


def import_what_children_run():
    """Import `multiprocessing.spawn` and what it imports, but for `socket` and `subprocess`. Again does nothing."""
    if STDLIB_NAME in sys.modules:
        return
    _import_reduction()
    _import_util()


def _import_reduction():
    if "socket" in sys.modules or not hasattr(_socket, "CMSG_LEN"):
        return
    # What `multiprocessing.reduction` imports beside.
    import array  # noqa: F401
    import pickle  # noqa: F401
    import signal  # noqa: F401

    constants = {name: value for name, value in vars(_socket).items() if name in ("CMSG_LEN", "SCM_RIGHTS")}
    with _StandIn("socket", socket=_socket.socket, **constants) as stand_in:
        from multiprocessing import reduction
    # It has registered how sockets are pickled, for the class that it saw.
    del reduction.ForkingPickler._extra_reducers[_socket.socket]
    del stand_in.socket

    def use_socket(socket):
        reduction.socket = socket
        reduction.register(socket.socket, reduction._reduce_socket)

    change_when_imported("socket", use_socket)


def _import_util():
    if "subprocess" in sys.modules:
        return
    import multiprocessing.process  # noqa: F401 - all else that it imports

    with _StandIn("subprocess", _args_from_interpreter_flags=_args_from_interpreter_flags):
        import multiprocessing.util  # noqa: F401


def _args_from_interpreter_flags():
    import subprocess

    return subprocess._args_from_interpreter_flags()
