"""File objects that let other greenlets run while one reads or writes.

    reader = FileObject(read_end, "rb")
    for line in reader:
        ...

`FileObject` is the class that `gevent.config.fileobject` names: `FileObjectPosix` unless configured otherwise, for
pipes, sockets and terminals; `FileObjectThread` works for any file, and `FileObjectBlock` blocks. They take a
descriptor, a path or a file, and otherwise the arguments of `open`; see `gevent._fileobjectcommon.OpenDescriptor`.
"""

from gevent._config import config
from gevent._fileobjectcommon import FileObjectBlock, FileObjectThread
from gevent._fileobjectposix import FileObjectPosix

__all__ = ["FileObject", "FileObjectBlock", "FileObjectPosix", "FileObjectThread"]

FileObject = config.fileobject
