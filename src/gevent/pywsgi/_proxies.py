"""Behind a proxy: who the client is, as far as a proxy that is trusted says so.

Anybody can send ``X-Forwarded-For``. So it counts only if the connection comes from an address in ``trusted_proxies``,
and of the addresses in it the last one that is not trusted itself is the client's: what stands before that one is what
the client said.
"""

import re
from ipaddress import ip_address, ip_network

from gevent._native.http import is_valid_host
from gevent.pywsgi._request import _InvalidClientRequest

__all__ = ["TrustedProxies"]

# forwarded-pair of RFC 7239: a token, and a token or a quoted string.
_PAIR = re.compile(r"""\s*([\w!#$%&'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[\w!#$%&'*+.^`|~:\[\]-]*)\s*(;|,|$)""", re.ASCII)


class TrustedProxies:
    """The proxies that are believed: addresses and networks such as ``"10.0.0.0/8"``; "*" is everybody."""

    def __init__(self, trusted):
        if isinstance(trusted, str):
            trusted = [part.strip() for part in trusted.split(",")]
        self._everybody = "*" in trusted
        self._networks = [ip_network(each, strict=False) for each in trusted if each != "*"]

    def trusts(self, address):
        """Return whether `address` (text) is a proxy's."""
        if self._everybody:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found.version == network.version and found in network for network in self._networks)

    def apply(self, environ):
        """Put into `environ` what the proxy says; return the client's address and port (0 if unknown), or None."""
        if not self.trusts(environ.get("REMOTE_ADDR", "")):
            return None
        by_name = self._forwarded_for_lists(environ)
        standard = self._forwarded(environ)
        if by_name is not None and standard is not None and by_name[0] != standard[0]:
            # One of them is the proxy's and one the client's, and nobody knows which.
            raise _InvalidClientRequest("Forwarded and X-Forwarded-For name different clients")
        found = standard or by_name
        proto, host = self._proto_and_host(environ, standard)
        if proto in ("http", "https"):
            environ["wsgi.url_scheme"] = proto
        if host and is_valid_host(host):
            environ["HTTP_HOST"] = host
        if found is None:
            return None
        environ["REMOTE_ADDR"], port = found[:2]
        environ["REMOTE_PORT"] = str(port)
        return environ["REMOTE_ADDR"], port

    def _client(self, hops):
        # Of (text, anything) for each hop, the nearest proxy's last.
        found = None
        for text, rest in reversed(hops):
            address, port = _address_and_port(text)
            if address is None:
                break
            found = (address, port, rest)
            if not self.trusts(address) or self._everybody:
                break
        return found

    def _forwarded_for_lists(self, environ):
        listed = environ.get("HTTP_X_FORWARDED_FOR")
        if not listed:
            return None
        hops = [(part.strip(), None) for part in listed.split(",")]
        if self._everybody:
            hops = hops[:1]
        return self._client(hops)

    def _forwarded(self, environ):
        listed = environ.get("HTTP_FORWARDED")
        if not listed:
            return None
        hops = _forwarded_elements(listed)
        if hops is None:
            raise _InvalidClientRequest("an invalid Forwarded")
        hops = [(each.get("for", ""), each) for each in hops]
        if self._everybody:
            hops = hops[:1]
        return self._client(hops)

    @staticmethod
    def _proto_and_host(environ, standard):
        if standard is not None:
            element = standard[2]
            return element.get("proto", "").lower(), element.get("host")
        last = [environ.get(f"HTTP_X_FORWARDED_{name}", "").rpartition(",")[2].strip() for name in ("PROTO", "HOST")]
        return last[0].lower(), last[1]


def _address_and_port(text):
    # "1.2.3.4", "1.2.3.4:5", "[::1]:5", "::1"; (None, 0) for what is no address, such as "unknown" and "_hidden".
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        return str(ip_address(host)), int(port) if port.isascii() and port.isdecimal() else 0
    except ValueError:
        return None, 0


def _forwarded_elements(text):
    elements, position = [{}], 0
    while position < len(text):
        found = _PAIR.match(text, position)
        if found is None:
            return None
        name, value, end = found.groups()
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        elements[-1][name.lower()] = value
        if end == ",":
            elements.append({})
        position = found.end()
    return elements
