# As gevent.socket: to a type checker, these are the standard library's classes.
import sys
from ssl import *

from _typeshed import StrOrBytesPath

from gevent.socket import create_connection as create_connection, socket as _Socket

if sys.version_info >= (3, 12):
    # Which the standard library has no more.
    def wrap_socket(
        sock: _Socket,
        keyfile: StrOrBytesPath | None = None,
        certfile: StrOrBytesPath | None = None,
        server_side: bool = False,
        cert_reqs: int = ...,
        ssl_version: int = ...,
        ca_certs: str | None = None,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        ciphers: str | None = None,
    ) -> SSLSocket: ...
