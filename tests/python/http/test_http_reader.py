"""Our own reader does what the standard library's buffered one does, whatever arrives."""

import io
import random

import pytest
from gevent._native.http import Reader

from gevent import socket

CALLS = {
    "read": lambda file, size: file.read(size),
    "read all": lambda file, size: file.read(*random.Random(size).choice([(), (-1,), (None,)])),
    "readline": lambda file, size: file.readline(size),
    "readline without a limit": lambda file, _size: file.readline(),
    "readlines": lambda file, size: file.readlines(size),
    "next": lambda file, _size: next(file, None),
    "readinto": lambda file, size: into(file.readinto, size),
}
LIKELY = ["read", "readline", "readline without a limit", "next", "readinto"] * 5 + list(CALLS)


class Arriving(io.RawIOBase):
    """A socket that has received `pieces`, and the raw file of it."""

    def __init__(self, pieces):
        self.pieces = list(pieces)

    def readable(self):
        return True

    def recv(self, size):
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def readinto(self, buffer):
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def into(method, size):
    buffer = bytearray(size)
    count = method(buffer)
    return count, bytes(buffer)


@pytest.mark.parametrize("seed", range(200))
def test_every_call_returns_what_a_buffered_reader_returns(seed):
    chance = random.Random(seed)
    length = chance.choice([0, 1, 50, 9000, 40_000])
    text = bytes(chance.choice(b"ab\r\n") if chance.random() < 0.5 else chance.randrange(256) for _ in range(length))
    places = sorted(chance.randrange(length + 1) for _ in range(chance.randrange(12)))
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, length], strict=True) if a < b]
    ours, theirs = Reader(Arriving(pieces)), io.BufferedReader(Arriving(pieces))
    for _ in range(60):
        name, size = chance.choice(LIKELY), chance.choice([0, 1, 3, 100, 5000, 20_000])
        assert CALLS[name](ours, size) == CALLS[name](theirs, size), name
        if chance.random() < 0.3 and (seen := ours.peek()):
            assert theirs.peek()[:1] == seen[:1]
    assert ours.read() == theirs.read()
    assert ours.read() == ours.readline() == ours.read1() == ours.peek() == b""


def test_what_has_arrived_is_given_at_once():
    reader = Reader(Arriving([b"abc", b"def"]))
    assert reader.peek() == b"abc"
    assert reader.read1(2) == b"ab" and reader.peek() == b"c"
    assert reader.read1() == b"c" and reader.read1(100) == b"def"
    assert into(Reader(Arriving([b"abc", b"def"])).readinto1, 5) == (3, b"abc\0\0")


def test_it_is_a_file_for_reading_only():
    reader = Reader(Arriving([b"a\nb"]))
    assert isinstance(reader, io.BufferedIOBase)
    assert reader.readable() and not reader.writable() and not reader.seekable() and not reader.isatty()
    for refused in (reader.write, reader.seek, reader.tell, reader.truncate):
        with pytest.raises(io.UnsupportedOperation):
            refused(0)
    assert io.TextIOWrapper(reader, "latin-1", newline="\n").readlines() == ["a\n", "b"]


def test_closed_it_reads_no_more_and_leaves_the_socket_open():
    one, other = socket.socketpair()
    with one, other:
        with Reader(one) as reader:
            assert reader.fileno() == one.fileno() and reader.raw._sock is one
            other.sendall(b"ab")
            assert reader.read(1) == b"a"
        assert reader.closed
        for call in (reader.read, reader.read1, reader.readline, reader.peek, reader.fileno, reader.__enter__):
            with pytest.raises(ValueError, match="closed"):
                call()
        reader.close()
        other.sendall(b"c")
        assert one.recv(10) == b"c"
    assert one.fileno() == -1
