"""gevent.fileobject: files that park, files in threads, and the arguments they take."""

import gc
import io
import os
import pty

import pytest

import gevent
from gevent._fileobjectcommon import FileObjectClosed, OpenDescriptor, WriteallMixin
from gevent.fileobject import FileObject, FileObjectBlock, FileObjectPosix, FileObjectThread

KINDS = [FileObjectPosix, FileObjectThread, FileObjectBlock]
GREEN = [FileObjectPosix, FileObjectThread]


def test_the_default_kind_is_the_one_that_parks():
    assert FileObject is FileObjectPosix


@pytest.mark.parametrize("kind", GREEN)
def test_a_read_lets_others_run_until_there_is_data(kind, pipe):
    reader, writer = kind(pipe[0], "rb", 0), kind(pipe[1], "wb", 0)
    gevent.spawn(writer.write, b"word")  # runs only if reading parks
    assert reader.read(10) == b"word"
    gevent.spawn(writer.close)
    assert reader.read(10) == b""
    reader.close()


def test_a_write_lets_others_run_until_there_is_room(pipe):
    data = b"x" * 1000000
    reader, writer = FileObject(pipe[0], "rb"), FileObject(pipe[1], "wb")

    def write():
        writer.write(data)
        writer.close()

    gevent.spawn(write)
    assert reader.read() == data
    reader.close()


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_iterated_over(kind, pipe):
    os.write(pipe[1], b"one\ntwo\nthree")
    os.close(pipe[1])
    with kind(pipe[0], "rb") as reader:
        assert next(reader) == b"one\n"
        assert list(reader) == [b"two\n", b"three"]


def test_lines_come_one_by_one_while_they_are_written(pipe):
    lines = [b"line %d\n" % i for i in range(1000)]
    reader, writer = FileObject(pipe[0], "rb"), FileObject(pipe[1], "wb")

    def write():
        with writer:
            for line in lines:
                writer.write(line)
                writer.flush()
                gevent.sleep(0)

    gevent.spawn(write)
    with reader:
        assert list(reader) == lines


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("mode", "options", "expected"),
    [
        ("rb", {}, b"a\r\n\xe2\x98\x83"),
        ("r", {"encoding": "utf-8"}, "a\n\N{SNOWMAN}"),
        ("r", {"encoding": "utf-8", "newline": ""}, "a\r\n\N{SNOWMAN}"),
        ("rt", {"encoding": "ascii", "errors": "ignore"}, "a\n"),
    ],
)
def test_modes_and_encodings_mean_what_they_mean_to_open(kind, mode, options, expected, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a\r\n\xe2\x98\x83")
    with kind(path, mode, **options) as f, open(path, mode, **options) as same:
        assert f.read() == same.read() == expected
    with open(path, "rb") as underlying:
        with kind(underlying, mode, **options) as f:
            assert f.read() == expected


@pytest.mark.parametrize("kind", KINDS)
def test_files_have_a_position_and_can_be_changed(kind, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with kind(path, "r+b") as f:
        assert f.seekable() and f.readable() and f.writable()
        f.seek(3)
        assert f.read(2) == b"34"
        f.seek(2)
        f.write(b"xx")
        f.truncate(6)
    assert path.read_bytes() == b"01xx45"
    with kind(path, "ab") as f:
        f.write(b"end")
    assert path.read_bytes() == b"01xx45end"
    with pytest.raises(FileExistsError):
        kind(path, "xb")


def test_a_pipe_has_no_position(pipe):
    reader = FileObjectPosix(pipe[0], "rb", close=False)
    assert not reader.seekable()
    with pytest.raises(OSError) as caught:
        reader.fileio.seek(0)
    with pytest.raises(OSError) as same:
        os.lseek(pipe[0], 0, os.SEEK_SET)
    assert str(caught.value) == str(same.value)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_closed_says_so(kind, pipe):
    f = kind(pipe[0], "rb")
    read = f.read
    f.close()
    f.close()
    assert f.closed and f.name == pipe[0]
    for use in (lambda: f.read(), lambda: f.anything):
        with pytest.raises(FileObjectClosed):
            use()
    with pytest.raises((ValueError, OSError)):
        read()
    with pytest.raises(OSError):
        os.fstat(pipe[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_descriptor_that_is_not_to_be_closed_stays_open(kind, pipe):
    f = kind(pipe[1], "wb", closefd=False)
    f.write(b"x")
    f.close()
    assert os.read(pipe[0], 1) == b"x"
    os.fstat(pipe[1])


def test_a_file_nobody_has_any_more_is_closed(pipe):
    f = FileObjectPosix(pipe[0], "rb")
    del f
    gc.collect()
    with pytest.raises(OSError):
        os.fstat(pipe[0])


@pytest.mark.parametrize("buffering", [0, -1])
def test_closing_raises_where_another_greenlet_reads(pipe, buffering):
    f = FileObject(pipe[0], "rb", buffering)
    readers = [gevent.spawn(f.read, 1) for _ in range(1 if buffering else 2)]
    gevent.sleep(0)
    f.close()
    gevent.joinall(readers, timeout=10)
    assert all(isinstance(reader.exception, OSError) for reader in readers)


def test_a_killed_reader_leaves_the_file_usable(pipe):
    f = FileObject(pipe[0], "rb")
    reader = gevent.spawn(f.read, 5)
    gevent.sleep(0)
    reader.kill()
    os.write(pipe[1], b"after")
    assert f.read(5) == b"after"
    f.close()


def test_a_reader_may_time_out(pipe):
    f = FileObject(pipe[0], "rb", 0)
    with pytest.raises(gevent.Timeout):
        with gevent.Timeout(0.01):
            f.read(1)
    f.close()


def test_the_wrong_direction_is_refused(pipe):
    with FileObject(pipe[0], "rb", 0) as reader, FileObject(pipe[1], "wb", 0) as writer:
        with pytest.raises(io.UnsupportedOperation):
            reader.write(b"x")
        with pytest.raises(io.UnsupportedOperation):
            writer.read(1)


def test_a_terminal_is_buffered_by_lines():
    parent, child = pty.openpty()
    with FileObject(child, "w") as terminal:
        assert terminal.isatty()
        terminal.write("line\n")
        assert os.read(parent, 100) == b"line\r\n"
    os.close(parent)


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_without_a_buffer_nothing_is_kept_back(pipe, mode):
    writer = FileObject(pipe[1], mode, bufsize=0)
    writer.write("x" if mode == "w" else b"x")
    assert os.read(pipe[0], 10) == b"x"
    writer.close()


def test_an_atomic_write_takes_everything(pipe):
    data = b"x" * 500000
    writer = FileObject(pipe[1], "wb", bufsize=0, atomic_write=True)
    assert isinstance(writer.io, WriteallMixin)
    reader = gevent.spawn(FileObject(pipe[0], "rb").read)
    assert writer.write(data) == len(data)
    writer.close()
    assert reader.get(timeout=10) == data


def test_only_what_a_file_has_is_there(pipe):
    with FileObject(pipe[0], "rb") as binary:
        assert hasattr(binary, "read1") and binary.mode == "rb"
    with FileObject(pipe[1], "w") as text:
        assert not hasattr(text, "read1") and text.mode == "w"


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (TypeError, {"mode": 42}),
        (TypeError, {"buffering": "no"}),
        (TypeError, {"encoding": 42}),
        (TypeError, {"errors": 42}),
        (TypeError, {"bufsize": 5, "buffering": 6}),
        (TypeError, {"close": True, "closefd": False}),
        (ValueError, {"mode": "aoeug"}),
        (ValueError, {"mode": "wU"}),
        (ValueError, {"mode": "rtb"}),
        (ValueError, {"mode": "rw"}),
        (ValueError, {"mode": "+"}),
        (ValueError, {"mode": "rr"}),
        (ValueError, {"mode": "rb", "encoding": "ascii"}),
        (ValueError, {"mode": "rb", "errors": "strict"}),
        (ValueError, {"mode": "rb", "newline": "\n"}),
        (ValueError, {"fobj": "path", "closefd": False}),
        (TypeError, {"fobj": None}),
    ],
)
def test_nonsense_is_refused_before_anything_is_opened(error, options):
    with pytest.raises(error):
        OpenDescriptor(**{"fobj": 0, **options})


def test_the_old_names_of_arguments_mean_the_same():
    descriptor = OpenDescriptor(0, "rb", bufsize=5, close=False)
    assert (descriptor.buffering, descriptor.closefd) == (5, False)


def test_threads_take_turns_at_a_file(tmp_path):
    path = tmp_path / "file"
    with FileObjectThread(path, "wb") as f:
        gevent.joinall([gevent.spawn(f.write, b"0123456789" * 100) for _ in range(20)], raise_error=True)
    assert path.read_bytes() == b"0123456789" * 2000
