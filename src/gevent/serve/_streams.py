"""Standard streams: there are three, and nobody may listen any more."""

import os
import sys

__all__ = ["have_all", "tell"]


def have_all():
    """Open those that this process was started without, onto nothing.

    Else their numbers go to the next files that are opened, and the programs that workers start write into these.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor <= 2:
                os.set_inheritable(descriptor, True)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good


def tell(stream, line):
    """Write `line` to `stream`, sys.stdout or sys.stderr. When that fails, nobody is there: from then on to nobody.

    So that it does not fail again when the stream is flushed at the end, and spoil the exit status.
    """
    try:
        print(line, file=stream, flush=True)
    except OSError:
        try:
            nobody = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nobody, stream.fileno())
            os.close(nobody)
        except (OSError, ValueError):
            pass  # out of descriptors, or a stream of the program's own: it is asked again next time
