"""What all of gevent's file objects have in common, where gevent's users look for it. See gevent.fileobject._common."""
# tidy: no __all__ because gevent has none here

from gevent.fileobject._common import (  # noqa: F401 - this is where gevent has them
    FileIO,
    FileObjectBase,
    FileObjectBlock,
    FileObjectClosed,
    FileObjectThread,
    FlushingBufferedWriter,
    OpenDescriptor,
    WriteallFileIO,
    WriteallMixin,
    WriteIsWriteallMixin,
    cancel_wait_ex,
)
