# As gevent.multiprocessing: to a type checker, this is the standard library's module.
from multiprocessing.context import (
    AuthenticationError as AuthenticationError,
    BaseContext as BaseContext,
    BufferTooShort as BufferTooShort,
    DefaultContext as DefaultContext,
    ForkContext as ForkContext,
    ForkProcess as ForkProcess,
    ForkServerContext as ForkServerContext,
    ForkServerProcess as ForkServerProcess,
    Process as Process,
    ProcessError as ProcessError,
    SpawnContext as SpawnContext,
    SpawnProcess as SpawnProcess,
    TimeoutError as TimeoutError,
)
