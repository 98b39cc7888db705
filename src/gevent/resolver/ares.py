"""The resolver on c-ares: asks name servers on the hub's own loop, without a thread."""

import re
from _socket import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    AI_ALL,
    AI_CANONNAME,
    AI_NUMERICHOST,
    AI_PASSIVE,
    AI_V4MAPPED,
    EAI_NONAME,
    NI_NAMEREQD,
    NI_NOFQDN,
    NI_NUMERICHOST,
    SOCK_DGRAM,
    gaierror,
    getaddrinfo as native_getaddrinfo,
    gethostbyaddr as native_gethostbyaddr,
    gethostbyname as native_gethostbyname,
    gethostname,
    getnameinfo as native_getnameinfo,
    inet_aton,
)
from sys import is_finalizing
from warnings import warn
from weakref import WeakSet, ref as weakref

from gevent._config import AresSettingMixin, config
from gevent._hub_local import get_hub_noargs as get_hub, register_after_abandon
from gevent.resolver import AbstractResolver
from gevent.resolver._addresses import is_ipv4_addr, is_ipv6_addr
from gevent.resolver.cares import (
    EDESTRUCTION,
    ENODATA,
    HostLookupError,
    address_error,
    ares_host_result,
    channel,
    host_error,
    host_names,
    socket_address,
)

__all__ = ["Resolver"]

# What the system takes for an IPv4 address beyond four numbers: "127.1", "0x7f000001".
_OLD_ADDRESS = re.compile(rb"[0-9a-fA-FxX.]+").fullmatch
# What says that there is no name, rather than that nobody could tell.
_NO_NAME = (EAI_NONAME, address_error(ENODATA).errno)
_resolvers = WeakSet()


def _is_numeric(name):
    if is_ipv4_addr(name) or is_ipv6_addr(name):
        return True
    if not _OLD_ADDRESS(name):
        return False
    try:
        inet_aton(name.decode("ascii"))
    except OSError:
        return False
    return True


def _no_name():
    return gaierror(EAI_NONAME, AbstractResolver.EAI_NONAME_MSG)


def _tell_of_fork(resolver):
    resolver = resolver()
    if resolver is not None:
        resolver._on_fork()


class Resolver(AbstractResolver):
    """Answers like the system, from the hosts file and name servers. From gevent.

    hub
        on whose loop to ask; default: the current one's.
    use_environ
        whether the settings for c-ares (``GEVENTARES_...``, ``GEVENT_RESOLVER_...``) hold where `kwargs` says nothing.
    kwargs
        ``flags``, ``timeout``, ``tries``, ``ndots``, ``udp_port``, ``tcp_port``, ``servers``, as for
        `gevent.resolver.cares.channel`.

    Unlike the system this knows no other source of names, such as mDNS or NIS. Exceptions are the system's. Where
    nobody could tell, their text says why, and those of `gethostbyname` and `gethostbyname_ex` are `herror` as well.

    In a forked child a channel of its own is made, and what was asked before is asked again.
    """

    cares_class = channel

    def __init__(self, hub=None, use_environ=True, **kwargs):
        self.hub = get_hub() if hub is None else hub
        if use_environ:
            for setting in config.settings.values():
                if isinstance(setting, AresSettingMixin):
                    value = setting.get()
                    if value is not None:
                        kwargs.setdefault(setting.kwarg_name, value)
        self.params = kwargs
        self._open()
        _resolvers.add(self)

    def _open(self):
        self.cares = self.cares_class(self.hub.loop, **self.params)
        self.fork_watcher = self.hub.loop.fork(ref=False)
        # Weakly: a loop lives longer than a resolver that is dropped.
        self.fork_watcher.start(_tell_of_fork, weakref(self))

    def __del__(self, _warn=warn, _is_finalizing=is_finalizing):
        # There is none when the constructor failed.
        if self.__dict__.get("cares") is None or _is_finalizing():
            return
        # A hub's own goes with the hub, when its thread ends, and there is nobody who should have closed it.
        if getattr(self.hub, "_resolver", None) is not self:
            _warn(f"nobody closed {self!r}", ResourceWarning)
        self.close()

    def __repr__(self):
        return f"<{type(self).__module__}.{type(self).__name__} at {id(self):#x} ares={self.cares!r}>"

    def _on_fork(self):
        """In a child: stop sharing the parent's sockets. Does nothing the second time."""
        inherited = self.cares
        if inherited is None or not inherited.inherited:
            return
        if inherited.loop_gone:
            self.hub = get_hub()
        else:
            self.fork_watcher.stop()
        self._open()
        # Last, so that whoever is told finds the new one.
        inherited.destroy()

    def _let_go(self):
        """In a child that abandoned the hub: close what it shares with the parent."""
        if self.cares is not None:
            self.cares.destroy()

    def close(self):
        """Give everything back. Whoever waits for an answer gets `gaierror` or `herror`, as do later questions."""
        closing, self.cares = self.cares, None
        if closing is not None:
            self.fork_watcher.stop()
            closing.destroy()

    def _ask(self, question, *args):
        """Return the channel's answer to `question`, one of its methods. May park."""
        while True:
            asked = self.cares
            if asked is not None and asked.inherited:
                self._on_fork()
                asked = self.cares
            if asked is None:
                return EDESTRUCTION, "", [], [], ""
            answer = getattr(asked, question)(*args)
            if answer[0] != EDESTRUCTION or self.cares is None or self.cares is asked:
                return answer

    def _addresses_of(self, name, family, ordered, kind):
        """Return (canonical name, aliases, addresses); `kind` is the exception where nobody can tell."""
        if not name:
            raise _no_name()
        status, official, aliases, addresses, _ = self._ask("ask_addresses", name, family, ordered)
        if not status and not addresses:
            status = ENODATA
        if status:
            raise address_error(status, kind)
        return official or name.decode("ascii"), aliases, addresses

    def _getaddrinfo(self, host_bytes, port, family, socktype, proto, flags):
        if _is_numeric(host_bytes):
            return native_getaddrinfo(host_bytes, port, family, socktype, proto, flags)
        # Which kinds of sockets belong to an answer, and what is wrong with the question, the system knows: it is asked
        # about an address instead of the name.
        shape_flags = flags & ~(AI_CANONNAME | AI_PASSIVE) | AI_NUMERICHOST
        example = "::1" if family == AF_INET6 else "127.0.0.1"
        shape = native_getaddrinfo(example, port, family, socktype, proto, shape_flags)
        try:
            canonical, _, found = self._addresses_of(host_bytes, family, True, gaierror)
        except gaierror:
            if family != AF_INET6 or not flags & AI_V4MAPPED:
                raise
            canonical, _, found = self._addresses_of(host_bytes, AF_INET, True, gaierror)
        else:
            if family == AF_INET6 and flags & AI_V4MAPPED and flags & AI_ALL:
                found = found + self._mapped_too(host_bytes)
        if family == AF_INET6:
            found = [
                (AF_INET6, address if each == AF_INET6 else f"::ffff:{address}", scope_id)
                for each, address, scope_id in found
            ]
        rows = [
            (each, row_type, row_proto, "", socket_address(each, address, example_address[1], scope_id))
            for each, address, scope_id in found
            for _, row_type, row_proto, _, example_address in shape
        ]
        if flags & AI_CANONNAME:
            rows[0] = (*rows[0][:3], canonical, rows[0][4])
        return rows

    def _mapped_too(self, name):
        try:
            return self._addresses_of(name, AF_INET, True, gaierror)[2]
        except gaierror:
            return []  # it has others, or this would not be asked

    def gethostbyname(self, hostname, family=AF_INET):
        """Return one address of `hostname`, as `socket.gethostbyname`. May wait."""
        name = self._hostname_to_bytes(hostname)
        if family == AF_INET and is_ipv4_addr(name):
            return native_gethostbyname(hostname)
        return super().gethostbyname(hostname, family)

    def _gethostbyname_ex(self, hostname_bytes, family):
        if family not in (AF_INET, AF_INET6):
            family = AF_UNSPEC
        if _is_numeric(hostname_bytes):
            found = native_getaddrinfo(hostname_bytes, None, family, SOCK_DGRAM)
            return ares_host_result(family, (hostname_bytes.decode("ascii"), [], [found[0][4][0]]))
        canonical, aliases, found = self._addresses_of(hostname_bytes, family, False, HostLookupError)
        return ares_host_result(family, (canonical, aliases, [address for _, address, _ in found]))

    def _gethostbyaddr(self, ip_address_bytes):
        if _is_numeric(ip_address_bytes):
            address = native_getaddrinfo(ip_address_bytes, None, 0, SOCK_DGRAM, 0, AI_NUMERICHOST)[0][4][0]
        else:
            address = self._addresses_of(ip_address_bytes, AF_UNSPEC, True, gaierror)[2][0][1]
        if address in ("127.0.0.1", "::1"):
            return native_gethostbyaddr(address)
        address = address.partition("%")[0].encode("ascii")
        status, name, aliases, addresses, _ = self._ask("ask_host", address)
        if status:
            raise host_error(status)
        family = AF_INET6 if b":" in address else AF_INET
        return ares_host_result(family, (*host_names(name, aliases), [each for _, each, _ in addresses]))

    def _getnameinfo(self, address_bytes, port, sockaddr, flags):
        numeric, service = native_getnameinfo(sockaddr, flags & ~NI_NAMEREQD | NI_NUMERICHOST)
        status, name, aliases, _, _ = self._ask("ask_host", numeric.partition("%")[0].encode("ascii"))
        if not status:
            name = host_names(name, aliases)[0]
            if flags & NI_NOFQDN:
                domain = gethostname().partition(".")[2]
                name = name.removesuffix("." + domain) if domain else name
            return name, service
        error = address_error(status)
        if flags & NI_NAMEREQD or error.errno not in _NO_NAME:
            raise error if error.errno not in _NO_NAME else _no_name()
        return numeric, service


@register_after_abandon
def _after_abandon():
    for resolver in list(_resolvers):
        resolver._let_go()
