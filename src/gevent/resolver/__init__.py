"""Resolvers: what turns names into addresses while other greenlets run.

Which one a hub uses is told by `gevent.config.resolver`, or the environment variable ``GEVENT_RESOLVER``:

thread
    the system's functions, in the hub's thread pool. The default: it knows all that the system knows.
ares
    c-ares, on the hub's own loop.
dnspython
    dnspython, over gevent's sockets.
block
    the system's functions, stopping the hub meanwhile.

All have the five functions of the `socket` module, and answer for numeric addresses at once.
"""

import functools
from _socket import (
    AF_INET,
    AI_CANONNAME,
    AI_NUMERICHOST,
    EAI_FAMILY,
    EAI_NONAME,
    EAI_SERVICE,
    NI_NAMEREQD,
    NI_NUMERICHOST,
    NI_NUMERICSERV,
    SOCK_DGRAM,
    SOCK_STREAM,
    gaierror,
    getaddrinfo as native_getaddrinfo,
    gethostbyaddr as native_gethostbyaddr,
    gethostbyname as native_gethostbyname,
    gethostbyname_ex as native_gethostbyname_ex,
    getnameinfo as native_getnameinfo,
    getservbyname,
)

from gevent.resolver._addresses import is_ipv6_addr, numeric_getaddrinfo

__all__ = ()

_NUMERIC = NI_NUMERICHOST | NI_NUMERICSERV
_PROTOCOL_OF = {SOCK_STREAM: "tcp", SOCK_DGRAM: "udp"}


def _lookup_port(port, socktype):
    """Return the number of `port` (a number, digits or a service), and the kinds of socket that it is for.

    gaierror (EAI_SERVICE) if there is no such service for `socktype`; 0 stands for any.
    """
    kinds = [socktype] if socktype else []
    if port is None:
        return 0, kinds
    if isinstance(port, str):
        if not port.isdigit():
            port, kinds = _lookup_service(port, socktype)
        port = int(port)
    elif not isinstance(port, int):
        raise OSError("Int or String expected", port)
    return port & 0xFFFF, kinds


def _lookup_service(name, socktype):
    found = []
    for kind, protocol in _PROTOCOL_OF.items():
        if socktype in (0, kind):
            try:
                found.append((getservbyname(name, protocol), kind))
            except OSError:
                pass  # not for this kind of socket
    if not found:
        raise gaierror(EAI_SERVICE, "Servname not supported for ai_socktype")
    number = found[0][0]
    return number, [kind for port, kind in found if port == number]


def _resolve_special(hostname, family):
    """The address that the empty name stands for; any other name as it is."""
    if hostname:
        return hostname
    found = native_getaddrinfo(None, 0, family, SOCK_DGRAM, 0, 1)
    if len(found) != 1:
        raise OSError("wildcard resolved to multiple address")
    return found[0][4][0]


class AbstractResolver:
    """What resolvers that do without the system's functions have in common.

    The public methods check their arguments as the system's do, and answer for addresses and for the names of this
    computer. A subclass has `_getaddrinfo`, `_gethostbyaddr` and `_getnameinfo` for the rest, and may have
    `_gethostbyname_ex`, `_getaliases`.
    """

    HOSTNAME_ENCODING = "idna"

    EAI_NONAME_MSG = "Name or service not known"
    EAI_FAMILY_MSG = "ai_family not supported"

    _LOCAL_HOSTNAMES = (b"localhost", b"ip6-localhost", b"::1", b"127.0.0.1")
    _LOCAL_AND_BROADCAST_HOSTNAMES = (*_LOCAL_HOSTNAMES, b"255.255.255.255", b"<broadcast>")

    @staticmethod
    def fixup_gaierror(func):
        """Decorate a method so that its `gaierror`s with a number alone get the system's words too."""
        words = {EAI_NONAME: AbstractResolver.EAI_NONAME_MSG, EAI_FAMILY: AbstractResolver.EAI_FAMILY_MSG}

        @functools.wraps(func)
        def with_words(self, *args, **kwargs):
            try:
                return func(self, *args, **kwargs)
            except gaierror as error:
                if len(error.args) == 1 and error.args[0] in words:
                    raise gaierror(error.args[0], words[error.args[0]]) from None
                raise

        return with_words

    def close(self):
        """Give back what this holds. The resolver may not be used afterwards."""

    def _hostname_to_bytes(self, hostname):
        if isinstance(hostname, str):
            if hostname.isascii() and len(hostname) < 64 and ".." not in hostname and hostname[:1] != ".":
                return hostname.encode("ascii")  # what the codec for names, which is not native, would return
            return hostname.encode(self.HOSTNAME_ENCODING)
        if isinstance(hostname, (bytes, bytearray)):
            return bytes(hostname)
        raise TypeError(f"Expected str, bytes or bytearray, not {type(hostname).__name__}")

    def getaddrinfo(self, host, port, family=0, socktype=0, proto=0, flags=0):
        """Return a list of (family, kind, protocol, canonical name, address), as `socket.getaddrinfo`. May wait."""
        found = numeric_getaddrinfo(host, port, family, socktype, proto, flags)
        if found is not None:
            return found
        name = None if host is None else self._hostname_to_bytes(host)
        if not isinstance(port, (str, bytes, int, type(None))):
            raise OSError("Int or String expected")
        if name is None or name in self._LOCAL_HOSTNAMES or flags & AI_NUMERICHOST:
            # At most a local file is read.
            return native_getaddrinfo(host, port, family, socktype, proto, flags)
        return self._getaddrinfo(name, port, family, socktype, proto, flags)

    def _getaddrinfo(self, host_bytes, port, family, socktype, proto, flags):
        raise NotImplementedError

    def gethostbyname(self, hostname, family=AF_INET):
        """Return one address of `hostname`, as `socket.gethostbyname`. May wait."""
        name = self._hostname_to_bytes(hostname)
        if not name or name in self._LOCAL_AND_BROADCAST_HOSTNAMES or is_ipv6_addr(name):
            return native_gethostbyname(hostname)
        return self.gethostbyname_ex(hostname, family)[-1][0]

    def gethostbyname_ex(self, hostname, family=AF_INET):
        """Return (name, aliases, addresses) of `hostname`, as `socket.gethostbyname_ex`. May wait."""
        name = self._hostname_to_bytes(hostname)
        if name in self._LOCAL_AND_BROADCAST_HOSTNAMES or is_ipv6_addr(name):
            return native_gethostbyname_ex(hostname)
        return self._gethostbyname_ex(name, family)

    def _gethostbyname_ex(self, hostname_bytes, family):
        aliases = self._getaliases(hostname_bytes, family)
        found = self.getaddrinfo(hostname_bytes, None, family, SOCK_STREAM, 0, AI_CANONNAME)
        name = found[0][3] or hostname_bytes.decode("ascii")
        return name, aliases, [answer[4][0] for answer in found]

    def _getaliases(self, hostname, family):
        """Other names of `hostname`; few resolvers can tell."""
        return []

    def gethostbyaddr(self, ip_address):
        """Return (name, aliases, addresses) of an address, as `socket.gethostbyaddr`. May wait."""
        if not isinstance(ip_address, (str, bytes, bytearray)):
            raise TypeError(f"argument 1 must be str, bytes or bytearray, not {type(ip_address)}")
        name = self._hostname_to_bytes(_resolve_special(ip_address, 0))
        if name in self._LOCAL_AND_BROADCAST_HOSTNAMES:
            return native_gethostbyaddr(ip_address)
        return self._gethostbyaddr(name)

    def _gethostbyaddr(self, ip_address_bytes):
        raise NotImplementedError

    def getnameinfo(self, sockaddr, flags):
        """Return (name, service) of an address, as `socket.getnameinfo`. May wait."""
        if not isinstance(flags, int) or is_numeric_getnameinfo(flags):
            return native_getnameinfo(sockaddr, flags)
        # The system judges the arguments: a name in the place of an address, a port that is none.
        numeric = native_getnameinfo(sockaddr, flags & ~NI_NAMEREQD | NI_NUMERICHOST)
        host, port = sockaddr[:2]
        if flags & NI_NUMERICHOST:
            return numeric
        if host in ("127.0.0.1", "::1"):
            return native_getnameinfo(sockaddr, flags)
        return self._getnameinfo(host.encode("ascii"), port, sockaddr, flags)

    def _getnameinfo(self, address_bytes, port, sockaddr, flags):
        raise NotImplementedError


def is_numeric_getnameinfo(flags):
    """Whether `getnameinfo` with these flags only rewrites an address: then it never looks anything up."""
    return isinstance(flags, int) and flags & _NUMERIC == _NUMERIC
