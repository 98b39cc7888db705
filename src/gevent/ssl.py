"""The standard library's `ssl` module, with TLS sockets that let other greenlets run while they wait.

Everything of the original is here. Contexts made here, `create_default_context()` and its kin included, make such
sockets without any patching.
"""

import functools
import socket as __socket__
import ssl as __ssl__
import types
from _ssl import SSLEOFError, SSLWantReadError, SSLWantWriteError
from collections import namedtuple  # noqa: F401 - in the original's namespace, and for nobody to import from there
from errno import EINVAL, ENOTCONN
from socket import SO_TYPE, SOCK_STREAM, SOL_SOCKET
from ssl import CERT_NONE, PROTOCOL_TLS, SSLError

from gevent._native import socket as _native
from gevent._socket3 import socket
from gevent.socket import create_connection, timeout_default

__implements__ = [
    "SSLContext",
    "SSLSocket",
    "_create_default_https_context",
    "_create_stdlib_context",
    "_create_unverified_context",
    "create_connection",
    "create_default_context",
    "get_server_certificate",
]
__extensions__ = []
# Gone from the standard library since 3.12, and here to stay.
(__implements__ if hasattr(__ssl__, "wrap_socket") else __extensions__).append("wrap_socket")

__imports__ = [
    name
    for name in vars(__ssl__)
    if not name.startswith("__") and name not in (*__implements__, "socket", "AF_INET", "namedtuple")
]
globals().update((name, getattr(__ssl__, name)) for name in __imports__)
__all__ = __implements__ + __extensions__ + __imports__

_OriginalContext = __ssl__.SSLContext
_OriginalSocket = __ssl__.SSLSocket

_native.configure(tls_errors=(SSLWantReadError, SSLWantWriteError, SSLEOFError))


def _meaning_the_original(function):
    # The standard library's methods look up "SSLContext" when they are called, find the class of this module once it is
    # patched in, and call themselves for ever. A copy with globals of its own keeps finding the original.
    copy = types.FunctionType(
        function.__code__, _original_globals, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__doc__ = function.__doc__
    return copy


_original_globals = dict(vars(__ssl__))


def _refuse_if(condition, message):
    if condition:
        raise ValueError(message)


def _impossible(call):
    def refuse(self, *args, **kwargs):
        """Not possible with TLS."""
        raise NotImplementedError(f"{call} not allowed on instances of {type(self)}")

    refuse.__name__ = call
    return refuse


@_native.owns_methods
class SSLSocket(_native.NativeTlsSocket, socket):
    """A TLS connection whose calls let other greenlets run while they wait. From gevent.

    Made by `SSLContext.wrap_socket`, `wrap_socket` or `accept`; takes over the descriptor of `sock`. All that is not
    about waiting is the standard library's.
    """

    def __init__(self, sock=None, keyfile=None, certfile=None, server_side=False, cert_reqs=CERT_NONE,
                 ssl_version=PROTOCOL_TLS, ca_certs=None, do_handshake_on_connect=True, family=__socket__.AF_INET,
                 type=SOCK_STREAM, proto=0, fileno=None, suppress_ragged_eofs=True, npn_protocols=None,
                 ciphers=None, server_hostname=None, _session=None, _context=None):  # fmt: skip
        if _context is None:
            _context = _context_for(keyfile, certfile, server_side, cert_reqs, ssl_version, ca_certs, ciphers)
        if sock is not None and sock.getsockopt(SOL_SOCKET, SO_TYPE) != SOCK_STREAM:
            raise NotImplementedError("only stream sockets are supported")
        _refuse_if(server_side and server_hostname, "server_hostname can only be specified in client mode")
        _refuse_if(_context.check_hostname and not server_hostname, "check_hostname requires server_hostname")
        self.server_side, self.server_hostname = server_side, _context._encode_hostname(server_hostname)
        self.suppress_ragged_eofs, self.do_handshake_on_connect = suppress_ragged_eofs, do_handshake_on_connect
        self._context, self._session = _context, _session
        self._connected = False
        if sock is not None:
            self._take_over(sock)
        else:
            socket.__init__(self, family, type, proto, fileno)
        try:
            self._connected = self._is_connected()
            if self._connected:
                self._begin_tls()
                self._shake_hands_if_wanted()
        except BaseException:
            self.close()
            raise

    def _take_over(self, sock):
        family, kind, proto, timeout = sock.family, sock.type, sock.proto, sock.gettimeout()
        if isinstance(sock, socket):
            sock._closed = True
            fd = sock._drop_events_and_close(closefd=False)
        else:
            fd = sock.detach()
        socket.__init__(self, family, kind, proto, fd)
        self.settimeout(timeout)

    def _is_connected(self):
        try:
            self.getpeername()
            return True
        except OSError as error:
            not_connected = error.errno
            if not_connected not in (ENOTCONN, EINVAL):
                raise
        # Was it, and what the other side sent before it went never passed through TLS? Nobody must take that for
        # something that did (CVE-2023-40217).
        try:
            left_behind = self._sock.recv(1)
        except OSError as error:
            if not isinstance(error, BlockingIOError) and error.errno not in (ENOTCONN, EINVAL):
                raise
            left_behind = b""
        if left_behind:
            error = SSLError(not_connected, "Closed before TLS handshake with data in recv buffer.")
            error.reason, error.library = error.args[1], None
            raise error
        return False

    def _begin_tls(self):
        # The owner is what callbacks of the context are given.
        wrap = self._context._wrap_socket
        self._sslobj = wrap(self._sock, self.server_side, self.server_hostname, session=self._session, owner=self)

    def _shake_hands_if_wanted(self):
        if self.do_handshake_on_connect:
            _refuse_if(
                not self.getblocking(), "do_handshake_on_connect should not be specified for non-blocking sockets"
            )
            self.do_handshake()

    # -- what does not wait --

    context = _OriginalSocket.context
    session = _OriginalSocket.session
    session_reused = _OriginalSocket.session_reused
    cipher = _OriginalSocket.cipher
    compression = _OriginalSocket.compression
    get_channel_binding = _OriginalSocket.get_channel_binding
    getpeercert = _OriginalSocket.getpeercert
    pending = _OriginalSocket.pending
    selected_alpn_protocol = _OriginalSocket.selected_alpn_protocol
    selected_npn_protocol = _OriginalSocket.selected_npn_protocol
    shared_ciphers = _OriginalSocket.shared_ciphers
    verify_client_post_handshake = _OriginalSocket.verify_client_post_handshake
    version = _OriginalSocket.version
    _checkClosed = _OriginalSocket._checkClosed
    _check_connected = _OriginalSocket._check_connected
    for _name in ("get_verified_chain", "get_unverified_chain", "group", "client_sigalg", "server_sigalg"):
        if hasattr(_OriginalSocket, _name):
            locals()[_name] = vars(_OriginalSocket)[_name]
    del _name

    def dup(self):
        """Not possible: the state of the encryption cannot be in two places."""
        raise NotImplementedError(f"Can't dup() {type(self).__name__} instances")

    # -- the connection --

    def do_handshake(self):
        """Agree with the other side on how to encrypt, and check its certificate as the context says."""
        self._check_connected()
        self._tls_call(self._sslobj.do_handshake, "handshake")

    def connect(self, addr):
        """Connect to `addr`, with the handshake unless the socket was made not to."""
        self._connect_tls(addr, super().connect)

    def connect_ex(self, addr):
        """As `connect`, but return an errno value for what goes wrong before the handshake."""
        return self._connect_tls(addr, super().connect_ex)

    def _connect_tls(self, addr, connect):
        _refuse_if(self.server_side, "can't connect in server-side mode")
        _refuse_if(self._connected or self._sslobj, "attempt to connect already-connected SSLSocket!")
        self._begin_tls()
        try:
            failed = connect(addr)
            if failed:
                return failed
            self._connected = True
            self._shake_hands_if_wanted()
        except (OSError, ValueError):
            self._sslobj = None
            raise
        return 0

    def accept(self):
        """Wait for a connection; return a TLS socket for it and the other side's address."""
        unencrypted, address = super().accept()
        wrapped = _green_wrapper(self._context)(
            unencrypted,
            server_side=True,
            do_handshake_on_connect=self.do_handshake_on_connect,
            suppress_ragged_eofs=self.suppress_ragged_eofs,
        )
        return wrapped, address

    def unwrap(self):
        """Tell the other side that no more is encrypted, wait for its answer, and return the unencrypted socket."""
        _refuse_if(self._sslobj is None, f"No SSL wrapper around {self}")
        unencrypted = self._tls_call(self._sslobj.shutdown, "unwrap")
        self._sslobj = None
        return self if unencrypted is self._sock else unencrypted

    def shutdown(self, how):
        """Shut down one or both directions of the connection, and end the encryption without telling the other side."""
        self._sslobj = None
        super().shutdown(how)

    def _detach(self):
        self._sslobj = None
        return super()._detach()

    def sendfile(self, file, offset=0, count=None):
        """Send `file`, as `socket.sendfile`. What is encrypted cannot be copied by the system."""
        send = super().sendfile if self._sslobj is None else self._sendfile_use_send
        return send(file, offset, count)

    # -- what makes no sense with TLS --

    def _unless_encrypted(self, call, *args):
        _refuse_if(self._sslobj is not None, f"{call} not allowed on instances of {type(self)}")
        return getattr(super(), call)(*args)

    def recvfrom(self, buflen=1024, flags=0):
        """As of a socket without TLS; ValueError while it is encrypted."""
        return self._unless_encrypted("recvfrom", buflen, flags)

    def recvfrom_into(self, buffer, nbytes=None, flags=0):
        """As of a socket without TLS; ValueError while it is encrypted."""
        return self._unless_encrypted("recvfrom_into", buffer, nbytes or 0, flags)

    def sendto(self, data, flags_or_addr, addr=None):
        """As of a socket without TLS; ValueError while it is encrypted."""
        where = (flags_or_addr,) if addr is None else (flags_or_addr, addr)
        return self._unless_encrypted("sendto", data, *where)

    recvmsg = _impossible("recvmsg")
    recvmsg_into = _impossible("recvmsg_into")
    sendmsg = _impossible("sendmsg")


class SSLContext(_OriginalContext):
    """What TLS connections have in common, and what makes them: `wrap_socket` returns green sockets. From gevent."""

    sslsocket_class = SSLSocket

    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True, suppress_ragged_eofs=True,
                    server_hostname=None, session=None):  # fmt: skip
        """Make a TLS connection of `sock`, whose descriptor it takes. Waits for the handshake unless told not to."""
        return self.sslsocket_class(
            sock=sock,
            _context=self,
            _session=session,
            server_side=server_side,
            server_hostname=server_hostname,
            suppress_ragged_eofs=suppress_ragged_eofs,
            do_handshake_on_connect=do_handshake_on_connect,
        )

    for _name, _member in vars(_OriginalContext).items():
        if isinstance(_member, property) and _member.fset and "SSLContext" in _member.fset.__code__.co_names:
            locals()[_name] = property(_member.fget, _meaning_the_original(_member.fset), None, _member.__doc__)
    del _name, _member


def _green_wrapper(context):
    """Return what makes green TLS sockets with `context`, even if that is the standard library's."""
    if issubclass(context.sslsocket_class or SSLSocket, SSLSocket):
        return context.wrap_socket
    return functools.partial(SSLContext.wrap_socket, _Foreign(context))


class _Foreign:
    # Stands for a context of the standard library's in SSLContext.wrap_socket().
    def __init__(self, context):
        self.sslsocket_class = functools.partial(self._make, context)

    @staticmethod
    def _make(context, **kwargs):
        kwargs["_context"] = context
        return SSLSocket(**kwargs)


def _gevent_do_monkey_patch(request):
    """Make contexts of the standard library's class, those to come included, work as ours."""
    request.default_patch_items()
    if "SSLContext" in request.items:
        from gevent.monkey._late_ssl import mend_classes, mend_contexts

        mend_classes(_OriginalContext, SSLContext, _wrap_foreign)
        if request.patch_kwargs.get("contexts_may_exist", True):
            mend_contexts(_OriginalContext, SSLContext)


def _wrap_foreign(self, sock, *args, **kwargs):
    return _green_wrapper(self)(sock, *args, **kwargs)


def _context_for(keyfile, certfile, server_side, cert_reqs, ssl_version, ca_certs, ciphers):
    if not certfile:
        _refuse_if(server_side, "certfile must be specified for server-side operations")
        _refuse_if(keyfile, "certfile must be specified")
    if ssl_version == PROTOCOL_TLS:
        # The same for one side only, and not deprecated.
        ssl_version = __ssl__.PROTOCOL_TLS_SERVER if server_side else __ssl__.PROTOCOL_TLS_CLIENT
    context = SSLContext(ssl_version)
    context.check_hostname = False
    if ciphers:
        context.set_ciphers(ciphers)
    if certfile:
        context.load_cert_chain(certfile, keyfile)
    if ca_certs:
        context.load_verify_locations(cafile=ca_certs)
    context.verify_mode = cert_reqs
    return context


def wrap_socket(sock, keyfile=None, certfile=None, server_side=False, cert_reqs=CERT_NONE, ssl_version=PROTOCOL_TLS,
                ca_certs=None, do_handshake_on_connect=True, suppress_ragged_eofs=True, ciphers=None):  # fmt: skip
    """Make a TLS connection of `sock` with a context made for it. Prefer `SSLContext.wrap_socket`. From gevent."""
    return SSLSocket(
        sock=sock,
        keyfile=keyfile,
        certfile=certfile,
        server_side=server_side,
        cert_reqs=cert_reqs,
        ssl_version=ssl_version,
        ca_certs=ca_certs,
        do_handshake_on_connect=do_handshake_on_connect,
        suppress_ragged_eofs=suppress_ragged_eofs,
        ciphers=ciphers,
    )


def get_server_certificate(addr, ssl_version=PROTOCOL_TLS, ca_certs=None, timeout=timeout_default):
    """Return the certificate of the server at `addr` as PEM text, verified if `ca_certs` names a file."""
    if ssl_version == PROTOCOL_TLS:
        ssl_version = __ssl__.PROTOCOL_TLS_CLIENT  # means the same here, and is not deprecated
    context = _create_stdlib_context(
        ssl_version, cert_reqs=CERT_NONE if ca_certs is None else __ssl__.CERT_REQUIRED, cafile=ca_certs
    )
    unencrypted = create_connection(addr, timeout)
    with unencrypted, context.wrap_socket(unencrypted, server_hostname=addr[0]) as tls:
        return __ssl__.DER_cert_to_PEM_cert(tls.getpeercert(True))


def _makes_green(make):
    @functools.wraps(make)
    def make_green(*args, **kwargs):
        context = make(*args, **kwargs)
        if type(context) is _OriginalContext:
            context.__class__ = SSLContext
        return context

    return make_green


create_default_context = _makes_green(__ssl__.create_default_context)
_create_unverified_context = _makes_green(__ssl__._create_unverified_context)
_create_default_https_context = create_default_context
_create_stdlib_context = _create_unverified_context
