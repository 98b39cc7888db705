"""c-ares as gevent has always offered it: channels that answer through callbacks, in terms of the `socket` module.

The work is done by gevent._native.ares; what c-ares' numbers mean is in cpp/dns/ares_status.h.
"""

import _socket
from _socket import AF_INET, AF_INET6, gaierror, getservbyname, herror

try:
    from gevent._native.ares import (
        EDESTRUCTION,
        ENODATA,  # noqa: F401 - for gevent.resolver.ares
        Channel,
        Result,
        address_error_of,
        host_error_of,
        is_address,
    )
except ImportError as error:
    # Whoever chose this resolver by its name is told of the others, as for a module that is not there.
    raise ModuleNotFoundError(f"c-ares cannot be had: {error}", name="gevent._native.ares") from error

__all__ = ["channel"]


class InvalidIP(ValueError):
    """Not an address in figures, where there must be one."""


class HostLookupError(gaierror, herror):
    """What `gethostbyname` raises when nobody could tell: `gaierror` as from the system, `herror` as from gevent."""


def address_error(status, kind=gaierror):
    """Return the exception for a question about addresses that ended with `status`: the system's, with c-ares' reason.

    kind
        the class for failures that say nothing about the name; default: gaierror.
    """
    number, text, is_final = address_error_of(status)
    return (gaierror if is_final else kind)(number, text)


def host_error(status):
    """Return the exception for a question about the name of an address that ended with `status`."""
    return herror(*host_error_of(status)[:2])


def host_names(name, aliases):
    """Return (name, aliases) as the system has them: the answer to a reverse question repeats the name as an alias."""
    return (aliases[0], []) if name in aliases else (name, aliases)


class ares_host_result(tuple):
    """(name, aliases, addresses), and their `family`. From gevent."""

    def __new__(cls, family, iterable):
        self = super().__new__(cls, iterable)
        self.family = family
        return self

    def __getnewargs__(self):
        return self.family, tuple(self)


def _as_bytes(text, what):
    if isinstance(text, str):
        return text.encode("ascii")
    if isinstance(text, (bytes, bytearray)):
        return bytes(text)
    raise TypeError(f"{what} must be str or bytes, not {type(text).__name__}")


def _address(text):
    address = _as_bytes(text, "an address")
    if not is_address(address):
        raise InvalidIP(address)
    return address


def _port(service, type):
    """The number of a service; an unknown one is 0, as c-ares has it."""
    if service is None:
        return 0
    if isinstance(service, int):
        return service
    text = _as_bytes(service, "a service").decode("ascii")
    if text.isdigit():
        return int(text)
    try:
        return getservbyname(text, "udp") if type == _socket.SOCK_DGRAM else getservbyname(text)
    except OSError:
        return 0


def socket_address(family, address, port, scope_id):
    """Return the address as the `socket` module has it for `family`."""
    return (address, port) if family == AF_INET else (address, port, 0, scope_id)


class channel(Channel):
    """Asks name servers, and the hosts file, on a loop. From gevent.

    loop
        on which the answers come.
    flags, tries, ndots, udp_port, tcp_port
        numbers, see ``ares_init_options(3)``. Default: what the system's configuration says, also for the next two.
    timeout
        seconds before a server is asked again.
    servers
        addresses of those to ask: a list, or text with commas.

    The questions call ``callback(result)`` with a `Result`, at once or in the hub; none of them waits. They and
    `set_servers` raise `gaierror` once it is destroyed. ValueError for an address that is none (`InvalidIP`).
    """

    def __init__(
        self,
        loop,
        flags=None,
        timeout=None,
        tries=None,
        ndots=None,
        udp_port=None,
        tcp_port=None,
        servers=None,
    ):
        # Settings may come as text.
        numbers = [None if number is None else int(number) for number in (flags, tries, ndots, udp_port, tcp_port)]
        flags, tries, ndots, udp_port, tcp_port = numbers
        timeout_ms = None if timeout is None else max(1, int(float(timeout) * 1000)) if float(timeout) > 0 else None
        super().__init__(loop, flags, timeout_ms, tries, ndots, udp_port, tcp_port)
        if self.open_status:
            raise address_error(self.open_status)
        if servers is not None:
            self.set_servers(servers)

    def __repr__(self):
        state = f"{self.sockets} sockets" if self.is_open else "destroyed"
        return f"<{type(self).__name__} at {id(self):#x} {state}>"

    def destroy(self):
        """Give everything back. Questions without an answer are told so; new ones raise `gaierror`."""
        self.close()

    def _check(self, callback=callable):
        if not self.is_open:
            raise gaierror(EDESTRUCTION, "this ares channel has been destroyed")
        if not callable(callback):
            raise TypeError(f"callback must be callable, not {type(callback).__name__}")

    def set_servers(self, servers=None):
        """Ask these from now on, a list of addresses or text with commas. Not while a question is open."""
        self._check()
        if isinstance(servers, str):
            servers = servers.split(",")
        addresses = [_address(server.strip()) for server in servers or ()]
        status = self.ask_servers(addresses)
        if status:
            raise address_error(status)

    def getaddrinfo(self, callback, name, service, family=0, type=0, proto=0, flags=0):
        """Ask for the addresses of `name`: a list of (family, type, proto, canonical name, socket address)."""
        self._check(callback)
        port = _port(service, type)

        def answered(answer):
            status, official, _, addresses, _ = answer
            canonical = official if flags & _socket.AI_CANONNAME else ""
            rows = [
                (each, type, proto, canonical, socket_address(each, address, port, scope_id))
                for each, address, scope_id in addresses
            ]
            callback(Result(exception=address_error(status)) if status else Result(rows))

        self.ask_addresses(_as_bytes(name, "a name"), family, True, answered)

    def gethostbyname(self, callback, name, family=AF_INET):
        """Ask for the addresses of `name`: an `ares_host_result`."""
        self._check(callback)

        def answered(answer):
            status, official, aliases, addresses, _ = answer
            if status:
                callback(Result(exception=address_error(status, HostLookupError)))
            else:
                found = [address for _, address, _ in addresses]
                callback(Result(ares_host_result(family, (official, aliases, found))))

        self.ask_addresses(_as_bytes(name, "a name"), family, False, answered)

    def gethostbyaddr(self, callback, addr):
        """Ask for the name of `addr`: an `ares_host_result`."""
        self._check(callback)
        text = _address(addr)
        family = AF_INET6 if b":" in text else AF_INET

        def answered(answer):
            status, name, aliases, addresses, _ = answer
            if status:
                callback(Result(exception=host_error(status)))
            else:
                found = [address for _, address, _ in addresses]
                callback(Result(ares_host_result(family, (*host_names(name, aliases), found))))

        self.ask_host(text, answered)

    def getnameinfo(self, callback, sockaddr, flags):
        """Ask for the names of a socket address: (host, service)."""
        self._check(callback)
        address, port, *rest = sockaddr
        scope_id = rest[1] if len(rest) > 1 else 0

        def answered(answer):
            status, host, _, _, service = answer
            callback(Result(exception=address_error(status)) if status else Result((host, service)))

        self.ask_name(_address(address), port, scope_id, flags, answered)
