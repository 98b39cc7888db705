from _socket import _Address as _SocketAddress
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, TypedDict, overload, type_check_only

from _typeshed import ReadableBuffer, StrOrBytesPath
from typing_extensions import Unpack

from gevent.baseserver import BaseServer, _Listener, _Spawner
from gevent.socket import socket as _Socket
from gevent.ssl import SSLContext, wrap_socket as _wrap_socket

__all__ = ["DatagramServer", "StreamServer"]

# Whatever the family has for an address: handlers say which.
_Address: TypeAlias = Any

# Beside an SSLContext, which has the rest.
@type_check_only
class _ContextArguments(TypedDict, total=False):
    server_side: bool
    suppress_ragged_eofs: bool
    do_handshake_on_connect: bool

@type_check_only
class _TlsArguments(_ContextArguments, total=False):
    keyfile: StrOrBytesPath
    certfile: StrOrBytesPath
    cert_reqs: int
    ssl_version: int
    ca_certs: str
    ciphers: str

class StreamServer(BaseServer[_Socket, _Address]):
    backlog: int
    reuse_addr: ClassVar[int | None]
    wrap_socket = _wrap_socket
    ssl_args: _TlsArguments | None
    @overload
    def __init__(
        self,
        listener: _Listener,
        handle: Callable[[_Socket, _Address], object] | None = None,
        backlog: int | None = None,
        spawn: _Spawner = "default",
        *,
        processes: int | None = None,
        ssl_context: SSLContext,
        **ssl_args: Unpack[_ContextArguments],
    ) -> None: ...
    @overload
    def __init__(
        self,
        listener: _Listener,
        handle: Callable[[_Socket, _Address], object] | None = None,
        backlog: int | None = None,
        spawn: _Spawner = "default",
        *,
        processes: int | None = None,
        **ssl_args: Unpack[_TlsArguments],
    ) -> None: ...
    @property
    def ssl_enabled(self) -> bool: ...
    @classmethod
    def get_listener(
        cls, address: _SocketAddress, backlog: int | None = None, family: int | None = None
    ) -> _Socket: ...
    def do_read(self) -> tuple[_Socket, _Address]: ...
    def do_close(self, sock: _Socket, *args: _Address) -> None: ...
    def wrap_socket_and_handle(self, client_socket: _Socket, address: _SocketAddress) -> Any: ...

class DatagramServer(BaseServer[_Socket, _Address]):
    reuse_addr: ClassVar[int | None]
    def __init__(
        self,
        listener: _Listener,
        handle: Callable[[_Socket, _Address], object] | None = None,
        spawn: _Spawner = "default",
    ) -> None: ...
    @classmethod
    def get_listener(cls, address: _SocketAddress, family: int | None = None) -> _Socket: ...
    def do_read(self) -> tuple[_Socket, _Address]: ...
    @overload
    def sendto(self, data: ReadableBuffer, address: _SocketAddress, /) -> int: ...
    @overload
    def sendto(self, data: ReadableBuffer, flags: int, address: _SocketAddress, /) -> int: ...
