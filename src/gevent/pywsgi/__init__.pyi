from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from http.client import HTTPMessage
from io import BufferedIOBase, BufferedReader
from logging import Logger
from types import TracebackType
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypedDict, TypeVar, overload, type_check_only

from _typeshed import OptExcInfo, SupportsWrite
from _typeshed.wsgi import WSGIApplication, WSGIEnvironment
from typing_extensions import Self, Unpack

from gevent.baseserver import _Listener, _Spawner
from gevent.server import StreamServer, _ContextArguments, _TlsArguments
from gevent.socket import socket as _Socket
from gevent.ssl import SSLContext

__all__ = ["Environ", "LoggingLogAdapter", "SecureEnviron", "WSGIHandler", "WSGISecureEnviron", "WSGIServer"]

_T = TypeVar("_T")

@type_check_only
class _LogOutputStream(SupportsWrite[str], Protocol):
    def writelines(self, lines: Iterable[str], /) -> None: ...
    def flush(self) -> None: ...

_Log: TypeAlias = str | Logger | _LogOutputStream | None

class Input:
    rfile: BufferedReader
    content_length: int | None
    socket: _Socket | None
    position: int
    chunked_input: bool
    chunk_length: int
    send_100_continue_enabled: bool
    def __init__(
        self,
        rfile: BufferedReader,
        content_length: int | None,
        socket: _Socket | None = None,
        chunked_input: bool = False,
    ) -> None: ...
    def read(self, length: int | None = None) -> bytes: ...
    def readline(self, size: int | None = None) -> bytes: ...
    def readlines(self, hint: object | None = None) -> list[bytes]: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...
    next = __next__

class OldMessage(HTTPMessage):
    status: str
    def __init__(self, **kwargs: Any) -> None: ...
    @overload
    def getheader(self, name: str, default: None = None) -> str | None: ...
    @overload
    def getheader(self, name: str, default: _T) -> str | _T: ...
    @property
    def headers(self) -> Iterator[str]: ...
    @property
    def typeheader(self) -> str | None: ...

class WSGIHandler:
    protocol_version: str
    ignored_socket_errors: tuple[int, ...]
    ApplicationError: type[AssertionError]
    server: WSGIServer
    socket: _Socket
    client_address: str
    rfile: BufferedReader
    wsgi_input: Input | None
    # The request.
    requestline: str | None
    command: str | None
    path: str | None
    request_version: str | None
    headers: OldMessage
    content_length: int | None
    environ: WSGIEnvironment | None
    application: WSGIApplication | None
    # The response.
    status: str | None
    code: int | None
    response_headers: list[tuple[str, str]] | None
    provided_date: str | None
    provided_content_length: str | None
    response_length: int
    response_use_chunked: bool
    headers_sent: bool
    result: Iterable[bytes] | None
    close_connection: bool
    connection_upgraded: bool
    time_start: float
    time_finish: float
    def __init__(
        self, sock: _Socket, address: str, server: WSGIServer, rfile: BufferedReader | None = None
    ) -> None: ...
    def MessageClass(self, fp: BufferedIOBase) -> OldMessage: ...
    def handle(self) -> None: ...
    def handle_one_request(self) -> tuple[str, bytes] | Literal[True] | None: ...
    def read_requestline(self) -> str: ...
    def read_request(self, raw_requestline: str) -> OldMessage: ...
    def get_environ(self) -> WSGIEnvironment: ...
    def handle_one_response(self) -> None: ...
    def run_application(self) -> None: ...
    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], None]: ...
    def finalize_headers(self) -> None: ...
    def process_result(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def handle_error(
        self, t: type[BaseException] | None, v: BaseException | None, tb: TracebackType | None
    ) -> None: ...
    def format_request(self) -> str: ...
    def log_request(self) -> None: ...
    def log_error(self, msg: str, *args: object) -> None: ...

class LoggingLogAdapter:
    def __init__(self, logger: Logger, level: int = 20) -> None: ...
    def write(self, msg: str) -> None: ...
    def writelines(self, lines: Iterable[str]) -> None: ...
    def flush(self) -> None: ...
    # The logger's.
    def __getattr__(self, name: str, /) -> Any: ...
    def __setattr__(self, name: str, value: object, /) -> None: ...
    def __delattr__(self, name: str, /) -> None: ...

class Environ(WSGIEnvironment):
    __slots__ = ()
    def iteritems(self) -> Iterator[tuple[str, Any]]: ...

class SecureEnviron(Environ):
    __slots__ = ("print_masked_keys", "secure_repr", "whitelist_keys")
    default_secure_repr: ClassVar[bool]
    default_whitelist_keys: ClassVar[Container[str]]
    default_print_masked_keys: ClassVar[bool]
    secure_repr: bool
    whitelist_keys: Container[str]
    print_masked_keys: bool

class WSGISecureEnviron(SecureEnviron): ...

# What is an argument as well as an attribute.
@type_check_only
class _Limits(TypedDict, total=False):
    head_size_max: int | Literal["default"] | None
    body_size_max: int | Literal["default"] | None
    chunk_extensions_max: int | Literal["default"] | None
    fields_max: int | Literal["default"] | None
    connections_max: int | Literal["default"] | None
    request_line_max: int | None
    field_line_max: int | None
    handshake_timeout: float | Literal["default"] | None
    head_timeout: float | Literal["default"] | None
    idle_timeout: float | Literal["default"] | None
    send_timeout: float | Literal["default"] | None
    body_rate_min: float | Literal["default"] | None
    body_grace: float | None
    require_host: bool
    upgrades: Sequence[str]
    trusted_proxies: Iterable[str] | None
    proxy_protocol: bool
    log_format: str | None

@type_check_only
class _WSGIContextArguments(_ContextArguments, _Limits, total=False): ...

@type_check_only
class _WSGITlsArguments(_TlsArguments, _Limits, total=False): ...

class WSGIServer(StreamServer):
    application: WSGIApplication
    handler_class: type[WSGIHandler]
    environ_class: type[WSGIEnvironment]
    secure_environ_class: type[SecureEnviron]
    base_env: WSGIEnvironment
    environ: WSGIEnvironment
    log: _LogOutputStream
    error_log: _LogOutputStream
    max_accept: int
    # Limits: "default" is what gevent.config says, None is none. Bytes, numbers, seconds, bytes a second.
    head_size_max: int | Literal["default"] | None
    body_size_max: int | Literal["default"] | None
    chunk_extensions_max: int | Literal["default"] | None
    fields_max: int | Literal["default"] | None
    connections_max: int | Literal["default"] | None
    request_line_max: int | None
    field_line_max: int | None
    handshake_timeout: float | Literal["default"] | None
    head_timeout: float | Literal["default"] | None
    idle_timeout: float | Literal["default"] | None
    send_timeout: float | Literal["default"] | None
    body_rate_min: float | Literal["default"] | None
    body_grace: float | None
    idle_grace: float
    require_host: bool
    upgrades: Sequence[str]
    trusted_proxies: Iterable[str] | None
    proxy_protocol: bool
    log_format: str | None
    @overload
    def __init__(
        self,
        listener: _Listener,
        application: WSGIApplication | None = None,
        backlog: int | None = None,
        spawn: _Spawner = "default",
        log: _Log = "default",
        error_log: _Log = "default",
        handler_class: type[WSGIHandler] | None = None,
        environ: WSGIEnvironment | None = None,
        *,
        processes: int | None = None,
        ssl_context: SSLContext,
        **ssl_args: Unpack[_WSGIContextArguments],
    ) -> None: ...
    @overload
    def __init__(
        self,
        listener: _Listener,
        application: WSGIApplication | None = None,
        backlog: int | None = None,
        spawn: _Spawner = "default",
        log: _Log = "default",
        error_log: _Log = "default",
        handler_class: type[WSGIHandler] | None = None,
        environ: WSGIEnvironment | None = None,
        *,
        processes: int | None = None,
        **ssl_args: Unpack[_WSGITlsArguments],
    ) -> None: ...
    def init_socket(self) -> None: ...
    def set_environ(self, environ: WSGIEnvironment | None = None) -> None: ...
    def update_environ(self) -> None: ...
    def get_environ(self) -> WSGIEnvironment: ...
    def set_max_accept(self) -> None: ...
    def handle(self, sock: _Socket, address: str) -> None: ...
