from typing import Any, overload

from typing_extensions import Unpack

from gevent.baseserver import _Listener
from gevent.server import StreamServer, _Address, _ContextArguments, _TlsArguments
from gevent.socket import socket as _Socket
from gevent.ssl import SSLContext

__all__ = ["BackdoorServer"]

class BackdoorServer(StreamServer):
    locals: dict[str, Any]
    banner: str | None
    @overload
    def __init__(
        self,
        listener: _Listener,
        locals: dict[str, Any] | None = None,
        banner: str | None = None,
        *,
        backlog: int | None = None,
        processes: int | None = None,
        ssl_context: SSLContext,
        **ssl_args: Unpack[_ContextArguments],
    ) -> None: ...
    @overload
    def __init__(
        self,
        listener: _Listener,
        locals: dict[str, Any] | None = None,
        banner: str | None = None,
        *,
        backlog: int | None = None,
        processes: int | None = None,
        **ssl_args: Unpack[_TlsArguments],
    ) -> None: ...
    def handle(self, conn: _Socket, _address: _Address) -> None: ...
