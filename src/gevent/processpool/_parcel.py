"""Objects on their way to another process: pickled, with large buffers in shared memory rather than in the stream.

An object that offers its memory to pickle's protocol 5 (a NumPy array, for instance), and `bytes` and `bytearray` among
a task's arguments or as its result, are written once into an anonymous memory file, which the receiver maps; nothing is
left anywhere by whoever is killed. Where there are no such files, everything goes through the stream.
"""

import mmap
import os
import pickle
from itertools import count
from pickle import PickleBuffer

__all__ = ["Sender", "receive", "wrap", "wrap_arguments"]

#: Buffers of fewer bytes are not worth a mapping.
LARGE = 128 * 1024
#: So many bytes are copied before others get their turn.
CHUNK = 4 << 20

_HAS_MEMORY_FILES = hasattr(os, "memfd_create") and os.path.isdir(f"/proc/{os.getpid()}/fd")


class _Bytes:
    """Stands for bytes on the way: they are a buffer, too."""

    def __init__(self, data):
        self._data = data

    def __reduce_ex__(self, protocol):
        return type(self._data), (PickleBuffer(self._data),)


def wrap(value):
    """Return `value`, large bytes ready for shared memory."""
    return _Bytes(value) if type(value) in (bytes, bytearray) and len(value) >= LARGE else value


def wrap_arguments(args, kwargs):
    """Return `args` and `kwargs` with large bytes among them ready for shared memory."""
    if any(type(each) in (bytes, bytearray) for each in args):
        args = tuple(map(wrap, args))
    if kwargs:
        kwargs = {name: wrap(value) for name, value in kwargs.items()}
    return args, kwargs


class Sender:
    """Packs objects for one receiver, and keeps what it has still to fetch.

    pause
        called between pieces of a large copy, so that others run.
    """

    def __init__(self, pause):
        self._pause = pause
        self._files = {}  # {number: descriptor}, until they were fetched
        self._numbers = count(1)

    def pack(self, value):
        """Return (data, number): bytes for `receive`, and what to call `fetched` with; 0 if there is nothing to fetch.

        Raises whatever pickling raises.
        """
        buffers = []
        data = pickle.dumps(wrap(value), 5, buffer_callback=lambda buffer: _takes(buffers, buffer))
        if not buffers:
            return pickle.dumps((0, None, data)), 0
        try:
            file = os.memfd_create("gevent-processpool", os.MFD_CLOEXEC)
        except OSError:
            return pickle.dumps((0, None, pickle.dumps(wrap(value), 5))), 0  # refused here: through the stream
        try:
            sizes = [self._write(file, buffer) for buffer in buffers]
        except BaseException:
            os.close(file)
            raise
        number = next(self._numbers)
        self._files[number] = file
        place = (f"/proc/{os.getpid()}/fd/{file}", sizes)
        return pickle.dumps((number, place, data)), number

    def _write(self, file, buffer):
        view = buffer.raw()
        for begin in range(0, view.nbytes, CHUNK):
            piece = view[begin : begin + CHUNK]
            while piece:
                piece = piece[os.write(file, piece) :]
            self._pause()
        return view.nbytes

    def fetched(self, number):
        """The receiver has mapped what was packed as `number`."""
        file = self._files.pop(number, None)
        if file is not None:
            os.close(file)

    def forget(self):
        """The receiver is gone."""
        while self._files:
            os.close(self._files.popitem()[1])


def _takes(buffers, buffer):
    """What pickle asks of each buffer: false if it is taken out of the stream."""
    try:
        view = buffer.raw()
    except BufferError:
        return True  # in pieces: pickle knows what to do
    if not _HAS_MEMORY_FILES or view.nbytes < LARGE:
        return True
    buffers.append(buffer)
    return False


def receive(data):
    """Return (value, number): the object, and what the sender's `fetched` is to be told; 0 for nothing.

    Arrays among it lie in the shared memory and may be written to; it goes when they do.
    """
    number, place, stream = pickle.loads(data)
    if place is None:
        return pickle.loads(stream), 0
    path, sizes = place
    with open(path, "r+b", buffering=0) as file:
        memory = memoryview(mmap.mmap(file.fileno(), sum(sizes)))
    buffers, begin = [], 0
    for size in sizes:
        buffers.append(memory[begin : begin + size])
        begin += size
    return pickle.loads(stream, buffers=buffers), number
