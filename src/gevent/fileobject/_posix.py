"""File objects on descriptors that do not block: a greenlet that reads or writes waits, and others run.

The system calls are in gevent._native.fileobject. Buffers and encodings are the `io` module's own, on top of a raw file
that parks.
"""

import os
from io import DEFAULT_BUFFER_SIZE, FileIO, RawIOBase

from gevent._native.fileobject import DescriptorIO
from gevent.fileobject._common import FileObjectBase
from gevent.fileobject._open_descriptor import OpenDescriptor, WriteIsWriteallMixin

__all__ = ["FileObjectPosix", "GreenFileDescriptorIO", "GreenOpenDescriptor"]

_IN_C = ("readinto", "readall", "read", "readable", "writable", "seekable", "seek", "tell", "isatty", "fileno")


class GreenFileDescriptorIO(RawIOBase):
    """A raw file whose reads and writes park the greenlet. Makes the descriptor non-blocking, unless told not to.

    fileno
        the descriptor.
    open_descriptor
        says in which mode; an `OpenDescriptor`.
    closefd
        whether `close` closes the descriptor.
    keep_alive
        the object that owns the descriptor, if any, which is closed instead of it.
    """

    # Instead of the property of the base class: a buffer asks for it at every call, and a property takes two look-ups.
    closed = False

    def __init__(self, fileno, open_descriptor, closefd=True, keep_alive=None):
        mode = open_descriptor._mode
        stays_blocking = getattr(open_descriptor, "stays_blocking", False)
        self._core = core = DescriptorIO(fileno, mode.readable, mode.writable, stays_blocking)
        self._closefd = closefd
        self._keep_alive = keep_alive
        self.mode = mode.raw
        owner = open_descriptor.fspec
        if not hasattr(owner, "fileno"):
            self.name = owner
        elif hasattr(owner, "name"):
            self.name = owner.name
        # Buffers look methods up on this object: these they call without a frame of Python's in between.
        for name in _IN_C:
            setattr(self, name, getattr(core, name))
        if type(self).write is GreenFileDescriptorIO.write:
            self.write = core.write

    def write(self, data):
        """Write as much of `data` as fits, waiting until some does; return how much that was."""
        return self._core.write(data)

    def close(self):
        """Close; whoever waits gets OSError (EBADF)."""
        if self.closed:
            return
        super().close()
        self.closed = True
        # Absent when the constructor failed: then the descriptor remains its owner's.
        core = self.__dict__.get("_core")
        if core is None:
            return
        fd = core.fileno()
        core.end()
        owner, self._keep_alive = self._keep_alive, None
        if self._closefd:
            os.close(fd) if owner is None else owner.close()

    def truncate(self, size=None):
        """Cut the file, or lengthen it, to `size` bytes; to the position by default."""
        size = self.tell() if size is None else size
        os.ftruncate(self._core.fileno(), size)
        return size

    def __repr__(self):
        state = "closed" if self.closed else f"fileno={self._core.fileno()}"
        return f"<{type(self).__name__} at {hex(id(self))} {state} mode={self.mode!r}>"


class GreenFileDescriptorIOWriteall(WriteIsWriteallMixin, GreenFileDescriptorIO):
    """One whose `write` takes everything."""


class GreenOpenDescriptor(OpenDescriptor):
    """An `OpenDescriptor` with a `GreenFileDescriptorIO` at the bottom."""

    # Whether the descriptor keeps its mode, because somebody else may have it.
    stays_blocking = False

    def opened_raw(self):
        """Open; return the raw file. A path is opened by this, and a descriptor owned if `closefd`."""
        kind = GreenFileDescriptorIOWriteall if self._writes_everything else GreenFileDescriptorIO
        if self.is_fd():
            return kind(self._fobj, self, self.closefd)
        owner = self._fobj if hasattr(self._fobj, "fileno") else FileIO(self._fobj, self._mode.raw)
        return kind(owner.fileno(), self, self.closefd, owner)


class FileObjectPosix(FileObjectBase):
    """A file object for pipes, sockets, terminals and the like. Takes the arguments of `OpenDescriptor`.

    The descriptor becomes non-blocking, for everybody who shares it. Regular files may be opened too, but they are
    always "ready", and reading them takes as long as it takes: see `FileObjectThread`. From gevent.
    """

    default_bufsize = DEFAULT_BUFFER_SIZE

    def __init__(self, *args, **kwargs):
        stays_blocking = kwargs.pop("_stays_blocking", False)
        descriptor = GreenOpenDescriptor(*args, **kwargs)
        if stays_blocking:
            descriptor.stays_blocking = True
        super().__init__(descriptor)
        self.fileio = _bottom(self._io)  # the raw file: a GreenFileDescriptorIO

    def _do_close(self, fobj, closefd):
        try:
            fobj.close()
        except RuntimeError:
            # A buffer is locked by a greenlet of this thread that waits inside it. Closing what it waits for wakes it.
            if fobj.closed:
                raise
            self.fileio.close()

    def __iter__(self):
        # The file's own iterator, which runs in C. Greenlets wait at the bottom of it all the same.
        return iter(self._io)


def _bottom(stream):
    while True:
        below = getattr(stream, "buffer", None) or getattr(stream, "raw", None)
        if below is None:
            return stream
        stream = below
