"""File objects that let other greenlets run while one reads or writes.

    reader = FileObject(read_end, "rb")
    for line in reader:
        ...

`FileObject` is the class that `gevent.config.fileobject` names: `FileObjectPosix` unless configured otherwise, for
pipes, sockets and terminals; `FileObjectThread` works for any file, and `FileObjectBlock` blocks. They take a
descriptor, a path or a file, and otherwise the arguments of `open`; see `gevent.fileobject._common.OpenDescriptor`.
"""

from gevent._config import config
from gevent.fileobject._common import FileObjectBlock, FileObjectThread
from gevent.fileobject._posix import FileObjectPosix

__all__ = ["FileObject", "FileObjectBlock", "FileObjectPosix", "FileObjectThread"]

FileObject = config.fileobject
