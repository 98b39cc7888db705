"""The resolver that asks name servers itself, with dnspython over gevent's sockets.

dnspython is imported a second time for this, as a copy that nobody else sees and that uses gevent's modules: see
gevent._patcher. The hosts file comes first, then the servers of the system's configuration or of
`gevent.config.resolver_nameservers`. dnspython 2.7 or later.
"""

import importlib
import sys
from _socket import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    AI_CANONNAME,
    AI_NUMERICHOST,
    EAI_AGAIN,
    EAI_FAMILY,
    EAI_NONAME,
    NI_NAMEREQD,
    NI_NUMERICHOST,
    gaierror,
    herror,
)

from gevent._config import config
from gevent._patcher import import_patched
from gevent.resolver import AbstractResolver, native_getaddrinfo, native_getnameinfo
from gevent.resolver._addresses import is_ipv4_addr, is_ipv6_addr
from gevent.resolver._hostsfile import HostsFile

__all__ = ["Resolver"]

_UNKNOWN_HOST = 1  # herror's HOST_NOT_FOUND


def _complete(module):
    # Types of records are imported when they are first met, by name: later, that would be everybody's copy.
    if module.__name__ == "dns":
        importlib.import_module("dns.resolver")
        importlib.import_module("dns.rdata").load_all_types()


dns = import_patched("dns", after_import_hook=_complete).module
# Not as "dns", which is everybody's.
sys.modules["_g_patched_module_dns"] = dns
resolver = dns.resolver

_QUESTIONS = {AF_INET: "A", AF_INET6: "AAAA"}


class Resolver(AbstractResolver):
    """Names by DNS, without threads; all that waits, parks. From gevent.

    hub
        not needed.

    Answers come in the order IPv4, IPv6. Other sources than the hosts file and DNS are not asked. Errors are the
    system's, with fewer distinctions. `gevent.config.resolver_timeout` bounds an answer.
    """

    def __init__(self, hub=None):
        self._hosts = HostsFile()
        self._asker = None

    @property
    def resolver(self):
        """The `dns.resolver.Resolver` that is asked, of gevent's copy of dnspython; configured when first needed."""
        if self._asker is None:
            self._asker = resolver.Resolver(configure=not config.resolver_nameservers)
            if config.resolver_nameservers:
                self._asker.nameservers = config.resolver_nameservers
            if config.resolver_timeout:
                self._asker.lifetime = config.resolver_timeout
        return self._asker

    def close(self):
        """Forget the configuration."""
        self._asker = None

    def _getaddrinfo(self, host_bytes, port, family, socktype, proto, flags):
        if family not in (AF_UNSPEC, AF_INET, AF_INET6):
            raise gaierror(EAI_FAMILY, self.EAI_FAMILY_MSG)
        # What is wrong with the other arguments is found out before anybody is asked.
        native_getaddrinfo(None, port or 0, family, socktype, proto, 0)
        canonical, _aliases, addresses = self._look_up(host_bytes.decode("ascii"), family)
        found = []
        for address in addresses:
            found += native_getaddrinfo(address, port, 0, socktype, proto, (flags | AI_NUMERICHOST) & ~AI_CANONNAME)
        if flags & AI_CANONNAME:
            found[0] = (*found[0][:3], canonical, found[0][4])
        return found

    def _gethostbyname_ex(self, hostname_bytes, family):
        return self._look_up(hostname_bytes.decode("ascii"), family)

    def _getaliases(self, hostname, family):
        return self._look_up(self._hostname_to_bytes(hostname).decode("ascii"), family)[1]

    def _look_up(self, name, family):
        """Return (canonical name, aliases, addresses) of `name`; gaierror if there are no addresses."""
        if is_ipv4_addr(name) or is_ipv6_addr(name):
            return name, [], [name]
        families = [family] if family else [AF_INET, AF_INET6]
        found = self._look_up_hosts(name.lower(), families)
        if found is None:
            found = self._ask(name, families)
        return found

    def _look_up_hosts(self, name, families):
        self._hosts.load()
        tables = {AF_INET: self._hosts.v4, AF_INET6: self._hosts.v6}
        addresses = [tables[family][name] for family in families if name in tables[family]]
        if not addresses:
            return None
        canonical = self._hosts.aliases.get(name, name)
        return canonical, [alias for alias, of in self._hosts.aliases.items() if of == canonical], addresses

    def _ask(self, name, families):
        canonical, aliases, addresses = name, [], []
        for family in families:
            try:
                answer = self.resolver.resolve(name, _QUESTIONS[family], search=True)
            except resolver.NoAnswer:
                continue  # there is such a name, without an address of this family
            except (resolver.NXDOMAIN, dns.exception.SyntaxError, dns.name.EmptyLabel, dns.name.LabelTooLong):
                raise gaierror(EAI_NONAME, self.EAI_NONAME_MSG)
            except dns.exception.DNSException:
                raise gaierror(EAI_AGAIN, "Temporary failure in name resolution")
            canonical = answer.canonical_name.to_text(omit_final_dot=True)
            aliases = [rrset.name.to_text(omit_final_dot=True) for rrset in answer.chaining_result.cnames]
            addresses += [record.address for record in answer]
        if not addresses:
            raise gaierror(EAI_NONAME, self.EAI_NONAME_MSG)
        return canonical, aliases, addresses

    def _gethostbyaddr(self, ip_address_bytes):
        # The system takes names too, and asks for the name of their address.
        address = self._look_up(ip_address_bytes.decode("ascii"), AF_UNSPEC)[2][0]
        name = self._name_of(address)
        if name is None:
            raise herror(_UNKNOWN_HOST, "Unknown host")
        return name, [alias for alias, of in self._hosts.aliases.items() if of == name], [address]

    def _name_of(self, address):
        """The name of an address, None if it has none."""
        question = dns.reversename.from_address(address.split("%", 1)[0])
        self._hosts.load()
        name = self._hosts.reverse.get(question.to_text(omit_final_dot=True))
        if name is not None:
            return name
        try:
            return self.resolver.resolve(question, "PTR")[0].target.to_text(omit_final_dot=True)
        except (resolver.NXDOMAIN, resolver.NoAnswer):
            return None
        except dns.exception.DNSException:
            raise gaierror(EAI_AGAIN, "Temporary failure in name resolution")

    def _getnameinfo(self, address_bytes, port, sockaddr, flags):
        address = address_bytes.decode("ascii")
        if not is_ipv4_addr(address) and not is_ipv6_addr(address):
            raise gaierror(EAI_NONAME, self.EAI_NONAME_MSG)
        host, service = native_getnameinfo(sockaddr, (flags | NI_NUMERICHOST) & ~NI_NAMEREQD)
        if not flags & NI_NUMERICHOST:
            name = self._name_of(address)
            if name is None and flags & NI_NAMEREQD:
                raise gaierror(EAI_NONAME, self.EAI_NONAME_MSG)
            host = name or host
        return host, service
