"""What all of gevent's file objects have in common: how the arguments of `open` become a file, and the object around it.

An `OpenDescriptor` turns arguments into a stack of `io` objects; a file object hands on what is asked of it to the
outermost of them. Kinds of file objects differ in the raw object at the bottom of the stack (gevent._fileobjectposix), or
in where its methods run (`FileObjectThread`).
"""
import io
import os
from errno import EBADF

from gevent._hub_local import get_hub_noargs as get_hub
from gevent.lock import DummySemaphore, Semaphore

__all__ = [
    "FileObjectBase",
    "FileObjectBlock",
    "FileObjectClosed",
    "FileObjectThread",
    "FlushingBufferedWriter",
    "OpenDescriptor",
    "WriteIsWriteallMixin",
    "WriteallMixin",
    "cancel_wait_ex",
]


class cancel_wait_ex(OSError):  # noqa: N801 - gevent's name
    """Raised where a greenlet waits for a descriptor that another one closes."""

    def __init__(self):
        super().__init__(EBADF, "File descriptor was closed in another greenlet")


class FileObjectClosed(OSError):
    """Raised by whatever is asked of a file object after `close`."""

    def __init__(self):
        super().__init__(EBADF, "Bad file descriptor (FileObject was closed)")


class WriteallMixin:
    """For raw files, whose `write` may take only a part."""

    def writeall(self, value):
        """Write all of `value`; return its length in bytes."""
        write = super().write
        view = memoryview(value).cast("B")
        total = done = len(view)
        while done:
            done -= write(view[total - done:]) or 0
        return total


class WriteIsWriteallMixin(WriteallMixin):
    """For raw files whose `write` is to take everything."""

    def write(self, value):
        """Write all of `value`; return its length in bytes."""
        return self.writeall(value)


class _WriteallFileIO(WriteIsWriteallMixin, io.FileIO):
    pass


class FlushingBufferedWriter(io.BufferedWriter):
    """A buffer that keeps nothing: for text, which needs a buffer below it, written without buffering."""

    def write(self, b):
        """Write all of `b` through to the raw file."""
        count = super().write(b)
        self.flush()
        return count


_NATURES = frozenset("rwxa")


class _Mode:
    """A checked mode string, as `open` takes it."""

    def __init__(self, mode, encoding, errors, newline):
        if not isinstance(mode, str):
            raise TypeError(f"invalid mode: {mode!r}")
        letters = set(mode)
        natures = letters & _NATURES
        if letters - set("rwxabtU+") or len(mode) != len(letters):
            raise ValueError(f"invalid mode: {mode!r}")
        self.text = "b" not in letters
        if "U" in letters:
            # What it asks for, newlines of any kind, is what text has anyway.
            if letters & set("wxa+"):
                raise ValueError("mode U cannot be combined with 'x', 'w', 'a', or '+'")
            natures.add("r")
        if "t" in letters and not self.text:
            raise ValueError(f"{mode!r} asks for text and binary")
        if len(natures) > 1:
            raise ValueError(f"{mode!r} has more than one of create, read, write and append mode at once")
        if not natures:
            raise ValueError(f"{mode!r} must have exactly one of {sorted(_NATURES)}")
        if not self.text:
            for name, value in (("encoding", encoding), ("errors", errors), ("newline", newline)):
                if value is not None:
                    raise ValueError(f"a binary file does not take {'a' if name == 'newline' else 'an'} {name}")
        nature = natures.pop()
        self.updating = "+" in letters
        self.readable = nature == "r" or self.updating
        self.writable = nature != "r" or self.updating
        self.as_given = mode
        self.raw = nature + "b" + ("+" if self.updating else "")


class OpenDescriptor:
    """The arguments of `open`, and of file objects: checked at once, used when `opened` is called.

    fobj
        a descriptor, a path, or an object with `fileno`.
    mode, encoding, errors, newline
        as for `open`. ``"U"`` is allowed, and means what text means by itself.
    bufsize, buffering
        the same, as for `open`: bytes of buffer, 0 for none, 1 for lines in text mode, -1 for a default. 0 is allowed for
        text as well.
    close, closefd
        the same: whether closing the file object closes what it was given. True by default.
    atomic_write
        without a buffer: have `write` go on until everything is written.
    """

    default_buffer_size = io.DEFAULT_BUFFER_SIZE

    def __init__(self, fobj, mode="r", bufsize=None, close=None, encoding=None, errors=None, newline=None,
                 buffering=None, closefd=None, atomic_write=False):
        closefd = _same("closefd", closefd, "close", close, True)
        buffering = _same("buffering", buffering, "bufsize", bufsize, -1)
        if not hasattr(fobj, "fileno"):
            if not isinstance(fobj, int):
                fobj = os.fspath(fobj)
            if not isinstance(fobj, (str, bytes, int)):
                raise TypeError(f"invalid file: {fobj!r}")
        if not isinstance(buffering, int):
            raise TypeError(f"invalid buffering: {buffering!r}")
        for name, value in (("encoding", encoding), ("errors", errors)):
            if value is not None and not isinstance(value, str):
                raise TypeError(f"invalid {name}: {value!r}")
        self._mode = _Mode(mode, encoding, errors, newline)
        if not isinstance(fobj, int) and not hasattr(fobj, "fileno") and not closefd:
            raise ValueError("a file that is opened by its path is closed as well: closefd must not be false")
        self._fobj = fobj
        self.fspec = fobj
        self.closefd = closefd
        self.buffering = buffering
        self.encoding, self.errors, self.newline = encoding, errors, newline
        self.atomic_write = atomic_write

    mode = property(lambda self: self._mode.as_given, doc="The mode as it was given.")

    def is_fd(self):
        """Whether this was given a descriptor."""
        return isinstance(self._fobj, int)

    def opened_raw(self):
        """Open; return the object at the bottom. A path is opened by this, and a descriptor owned if `closefd`."""
        if self.is_fd() or not hasattr(self._fobj, "fileno"):
            kind = _WriteallFileIO if self._writes_everything else io.FileIO
            return kind(self._fobj, self._mode.raw, closefd=self.closefd)
        return self._fobj

    def opened(self):
        """Open; return the object at the top, with the buffer and the encoding that were asked for."""
        raw = self.opened_raw()
        try:
            return self._stacked(raw)
        except BaseException:
            # What this opened nobody else can close.
            if raw is not self._fobj:
                raw.close()
            raise

    @property
    def _writes_everything(self):
        return self.atomic_write and self.buffering == 0 and self._mode.writable

    def _stacked(self, raw):
        mode = self._mode
        is_text = isinstance(raw, io.TextIOBase)
        if is_text and not mode.text:
            raw, is_text = raw.buffer, False
        top = raw
        line_buffering = False
        if not is_text and not isinstance(raw, io.BufferedIOBase):
            size = self.buffering
            if size == 1 and mode.text or size < 0 and raw.isatty():
                line_buffering, size = True, -1
            if size != 0 or mode.text:
                top = self._buffered(raw, self.default_buffer_size if size <= 1 else size)
        if mode.text and not is_text:
            top = io.TextIOWrapper(top, self.encoding, self.errors, self.newline, line_buffering)
            top.mode = mode.as_given
        return top

    def _buffered(self, raw, size):
        mode = self._mode
        if mode.updating:
            return io.BufferedRandom(raw, size)
        if not mode.writable:
            return io.BufferedReader(raw, size)
        return (io.BufferedWriter if self.buffering else FlushingBufferedWriter)(raw, size)


def _same(name, value, other_name, other_value, default):
    if value is not None and other_value is not None and value != other_value:
        raise TypeError(f"{name} and {other_name} are the same argument, but two values were given")
    if value is None:
        value = other_value
    return default if value is None else value


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

    # What is kept on the object once it was asked for, so that it costs no more than the file's own. Gone after close().
    _delegate_methods = frozenset((
        "fileno", "flush", "isatty", "read", "read1", "readable", "readall", "readinto", "readline", "readlines", "seek",
        "seekable", "tell", "truncate", "writable", "write", "writelines",
    ))

    def __init__(self, descriptor):
        self._close = descriptor.closefd
        self._io = descriptor.opened()

    io = property(lambda self: self._io, doc="The file itself: the outermost `io` object.")

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
        return f"<{type(self).__name__} at {hex(id(self))} {'closed' if self.closed else ''}_fobj={self._io!r}{self._extra_repr()}>"

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
