"""How the arguments of `open` become a file: checked first, then opened as a stack of `io` objects.

At the bottom of the stack is a raw file, which subclasses of `OpenDescriptor` choose; above it a buffer; above that,
for text, the encoding.
"""

import io
import os

from gevent._native.fileobject import Mode

__all__ = [
    "FileIO",
    "FlushingBufferedWriter",
    "OpenDescriptor",
    "WriteIsWriteallMixin",
    "WriteallFileIO",
    "WriteallMixin",
]


class WriteallMixin:
    """For raw files, whose `write` may take only a part."""

    def writeall(self, value):
        """Write all of `value`; return its length in bytes."""
        write = super().write
        view = memoryview(value).cast("B")
        total = done = len(view)
        while done:
            done -= write(view[total - done :]) or 0
        return total


class WriteIsWriteallMixin(WriteallMixin):
    """For raw files whose `write` is to take everything."""

    def write(self, value):
        """Write all of `value`; return its length in bytes."""
        return self.writeall(value)


class FileIO(io.FileIO):
    """A raw file that blocks, for subclasses. Others are the `io` module's own, with which its buffers are faster."""

    __slots__ = ()


class WriteallFileIO(WriteIsWriteallMixin, FileIO):
    """One whose `write` takes everything."""


class FlushingBufferedWriter(io.BufferedWriter):
    """A buffer that keeps nothing: for text, which needs a buffer below it, written without buffering."""

    def write(self, b):
        """Write all of `b` through to the raw file."""
        count = super().write(b)
        self.flush()
        return count


class OpenDescriptor:
    """The arguments of `open`, and of file objects: checked at once, used when `opened` is called.

    fobj
        a descriptor, a path, or an object with `fileno`.
    mode, encoding, errors, newline
        as for `open`. ``"U"`` is allowed, and means what text means by itself.
    bufsize, buffering
        the same, as for `open`: bytes of buffer, 0 for none, 1 for lines in text mode, -1 for a default. 0 is allowed
        for text as well.
    close, closefd
        the same: whether closing the file object closes what it was given. True by default.
    atomic_write
        without a buffer: have `write` go on until everything is written.
    """

    default_buffer_size = io.DEFAULT_BUFFER_SIZE

    def __init__(
        self,
        fobj,
        mode="r",
        bufsize=None,
        close=None,
        encoding=None,
        errors=None,
        newline=None,
        buffering=None,
        closefd=None,
        atomic_write=False,
    ):
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
        if not isinstance(mode, str):
            raise TypeError(f"invalid mode: {mode!r}")
        self._mode = Mode(mode)
        if not self._mode.text:
            for name, value in (("encoding", encoding), ("errors", errors), ("newline", newline)):
                if value is not None:
                    raise ValueError(f"a binary file does not take {'a' if name == 'newline' else 'an'} {name}")
        self.mode = mode
        if not isinstance(fobj, int) and not hasattr(fobj, "fileno") and not closefd:
            raise ValueError("a file that is opened by its path is closed as well: closefd must not be false")
        self._fobj = fobj
        self.fspec = fobj
        self.closefd = closefd
        self.buffering = buffering
        self.encoding, self.errors, self.newline = encoding, errors, newline
        self.atomic_write = atomic_write

    def is_fd(self):
        """Whether this was given a descriptor."""
        return isinstance(self._fobj, int)

    def opened_raw(self):
        """Open; return the object at the bottom. A path is opened by this, and a descriptor owned if `closefd`."""
        if self.is_fd() or not hasattr(self._fobj, "fileno"):
            kind = WriteallFileIO if self._writes_everything else io.FileIO
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

    @staticmethod
    def is_buffered(stream):
        """Whether `stream` has a buffer already, as text always has."""
        return isinstance(stream, (io.BufferedIOBase, io.TextIOBase))

    @classmethod
    def buffer_size_for_stream(cls, stream):
        """Return the size of the buffer above `stream` where nobody asked for one, in bytes. For subclasses."""
        return cls.default_buffer_size

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
        if not self.is_buffered(raw):
            size = self.buffering
            if size == 1 and mode.text or size < 0 and raw.isatty():
                line_buffering, size = True, -1
            if size != 0 or mode.text:
                top = self._buffered(raw, self.buffer_size_for_stream(raw) if size <= 1 else size)
        if mode.text and not is_text:
            top = io.TextIOWrapper(
                top, self.encoding, self.errors, self.newline, line_buffering, write_through=self.buffering == 0
            )
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
