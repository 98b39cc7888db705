"""File objects on descriptors that do not block, where gevent's users look for them. See gevent.fileobject._posix."""

from gevent.fileobject._posix import (  # noqa: F401 - this is where gevent has them
    FileObjectPosix,
    GreenFileDescriptorIO,
    GreenFileDescriptorIOWriteall,
    GreenOpenDescriptor,
)

__all__ = ["FileObjectPosix", "GreenFileDescriptorIO", "GreenOpenDescriptor"]
