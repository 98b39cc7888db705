"""Numeric addresses: telling them from names, and answering for them without asking anybody.

`getaddrinfo` of an address and a port number needs neither a file nor a server, and so neither a thread nor a query.
What the answer looks like is the system's business; it is asked once for each kind of question.
"""

import re
from _socket import AF_INET, AF_INET6, getaddrinfo as _native_getaddrinfo, inet_pton

__all__ = ["is_ipv4_addr", "is_ipv6_addr", "numeric_getaddrinfo"]

_BEGINS_AS_ADDRESS = re.compile(r"[0-9]|[0-9a-fA-F]*:").match

_answers = {}


def _text(host):
    if isinstance(host, (bytes, bytearray)):
        try:
            return host.decode("ascii")
        except UnicodeDecodeError:
            return ""
    return host


def is_ipv4_addr(host):
    """Whether `host`, text or bytes, is an IPv4 address in its usual form of four numbers."""
    return _packed(AF_INET, _text(host)) is not None


def is_ipv6_addr(host):
    """Whether `host`, text or bytes, is an IPv6 address; it may have a scope (``%eth0``)."""
    host = _text(host)
    return isinstance(host, str) and _packed(AF_INET6, host.split("%", 1)[0]) is not None


def _packed(family, host):
    try:
        return inet_pton(family, host)
    except (OSError, TypeError, ValueError):
        return None


def numeric_getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """As `_socket.getaddrinfo` where `host` is an address, or None, and `port` a number; None where something has to be
    looked up. Never waits. Raises what `getaddrinfo` raises.
    """
    if host is not None:
        if not isinstance(host, str) or not _BEGINS_AS_ADDRESS(host):
            return None
        if _packed(AF_INET, host) is not None:
            if not flags and port.__class__ is int and 0 <= port <= 0xFFFF:
                address = (host, port)
                return [(*answer, address) for answer in _known_answers(host, family, type, proto)]
        elif not is_ipv6_addr(host):
            return None
    if port is None or isinstance(port, int) or (isinstance(port, (str, bytes)) and port.isdigit()):
        return _native_getaddrinfo(host, port, family, type, proto, flags)
    return None


def _known_answers(host, family, type, proto):
    # What comes before the socket address in each answer, which is the same for all IPv4 addresses.
    question = (family, type, proto)
    answers = _answers.get(question)
    if answers is None:
        # Not remembered if the system refuses: then it says so to each who asks.
        found = _native_getaddrinfo(host, 1, family, type, proto)
        answers = _answers[question] = [answer[:4] for answer in found]
    return answers
