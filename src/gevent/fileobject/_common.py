"""What all of gevent's file objects have in common: the object around an opened file.

An `OpenDescriptor` opens a stack of `io` objects; a file object hands on what is asked of it to the outermost of
them. Kinds of file objects differ in the raw file at the bottom of the stack (gevent.fileobject._posix), or in where
its methods run (`FileObjectThread`).
"""

from errno import EBADF

from gevent._hub_local import get_hub_noargs as get_hub
from gevent.fileobject._open_descriptor import (  # noqa: F401 - this is where gevent has them
    FileIO,
    FlushingBufferedWriter,
    OpenDescriptor,
    WriteallFileIO,
    WriteallMixin,
    WriteIsWriteallMixin,
)
from gevent.lock import DummySemaphore, Semaphore

__all__ = ["FileObjectBase", "FileObjectBlock", "FileObjectClosed", "FileObjectThread", "cancel_wait_ex"]


class cancel_wait_ex(OSError):  # noqa: N801 - gevent's name
    """Raised where a greenlet waits for a descriptor that another one closes."""

    def __init__(self):
        super().__init__(EBADF, "File descriptor was closed in another greenlet")


class FileObjectClosed(OSError):
    """Raised by whatever is asked of a file object after `close`."""

    def __init__(self):
        super().__init__(EBADF, "Bad file descriptor (FileObject was closed)")


class _ClosedIO:
    """Stands where the file was, once it is closed."""

    __slots__ = ("name",)

    def __init__(self, io_obj):
        try:
            self.name = io_obj.name
        except AttributeError:
            pass

    def __getattr__(self, name):
        if name == "name":
            # The file had none.
            raise AttributeError(name)
        raise FileObjectClosed

    def __bool__(self):
        return False


class FileObjectBase:
    """The object around an opened file: has all that the file has, and `closed` and `close` of its own.

    descriptor
        an `OpenDescriptor`.

    It is a context manager, and iterates over lines.
    """

    # What is kept on the object once it was asked for, so that it costs no more than the file's own. Gone after
    # close().
    _delegate_methods = frozenset(
        (
            "fileno",
            "flush",
            "isatty",
            "read",
            "read1",
            "readable",
            "readall",
            "readinto",
            "readline",
            "readlines",
            "seek",
            "seekable",
            "tell",
            "truncate",
            "writable",
            "write",
            "writelines",
        )
    )

    def __init__(self, descriptor):
        self._close = descriptor.closefd
        self._io = descriptor.opened()

    io = property(
        lambda self: self._io,
        lambda self, stream: setattr(self, "_io", stream),
        doc="The file itself: the outermost `io` object.",
    )

    closed = property(lambda self: isinstance(self._io, _ClosedIO), doc="Whether `close` was called.")

    def close(self):
        """Write out what is buffered and let go of the file; once is enough. May wait.

        Whoever still waits for the file gets an error.
        """
        if self.closed:
            return
        fobj, self._io = self._io, _ClosedIO(self._io)
        for name in self._delegate_methods & self.__dict__.keys():
            del self.__dict__[name]
        self._do_close(fobj, self._close)

    def _do_close(self, fobj, closefd):
        raise NotImplementedError

    def _wrap_method(self, method):
        """What stands in for a method of the file."""
        return method

    def __getattr__(self, name):
        if name == "_io":
            # The constructor failed: there is no file to ask.
            raise AttributeError(name)
        value = getattr(self._io, name)
        if name in self._delegate_methods:
            value = self.__dict__[name] = self._wrap_method(value)
        return value

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def __bool__(self):
        return True

    def __repr__(self):
        state = "closed_fobj" if self.closed else "_fobj"
        return f"<{type(self).__name__} at {hex(id(self))} {state}={self._io!r}{self._extra_repr()}>"

    def _extra_repr(self):
        return ""


class FileObjectBlock(FileObjectBase):
    """A file object that simply blocks: for where cooperation is not worth its price."""

    def __init__(self, fobj, *args, **kwargs):
        super().__init__(OpenDescriptor(fobj, *args, **kwargs))

    def _do_close(self, fobj, closefd):
        if closefd:
            fobj.close()
        elif fobj.writable():
            fobj.flush()

    def __iter__(self):
        return iter(self._io)


class FileObjectThread(FileObjectBase):
    """A file object whose methods run in a thread pool: for files, which nobody can be told to wait for.

    lock
        whether greenlets take turns; True by default.
    threadpool
        default: the hub's.

    The other arguments are `OpenDescriptor`'s. From gevent.
    """

    def __init__(self, *args, **kwargs):
        lock = kwargs.pop("lock", True)
        threadpool = kwargs.pop("threadpool", None)
        self.threadpool = get_hub().threadpool if threadpool is None else threadpool
        self.lock = Semaphore() if lock else DummySemaphore()
        super().__init__(OpenDescriptor(*args, **kwargs))

    # hub.exception_stream: the hub cannot wait for a thread.
    _fobj = property(lambda self: self._io)

    def _wrap_method(self, method):
        def in_thread(*args, **kwargs):
            with self.lock:
                # Somebody may have closed the file while this one was waiting for its turn.
                if self.closed:
                    raise FileObjectClosed
                return self.threadpool.apply(method, args, kwargs)

        in_thread.__name__ = method.__name__
        in_thread.__doc__ = method.__doc__
        return in_thread

    def _do_close(self, fobj, closefd):
        def close():
            try:
                if fobj.writable():
                    fobj.flush()
            finally:
                if closefd:
                    fobj.close()

        with self.lock:
            self.threadpool.apply(close)

    def _extra_repr(self):
        return f" threadpool={self.threadpool!r}"
