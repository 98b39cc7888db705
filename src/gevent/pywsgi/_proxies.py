"""Behind a proxy: who is believed. What they are believed to say is in cpp/http/trusted_proxies.h."""

from ipaddress import ip_network

from gevent._native import http

__all__ = ["TrustedProxies"]


class TrustedProxies(http.TrustedProxies):
    """The proxies that are believed: addresses and networks such as ``"10.0.0.0/8"``; "*" is everybody."""

    __slots__ = ()

    def __new__(cls, trusted):
        if isinstance(trusted, str):
            trusted = [part.strip() for part in trusted.split(",")]
        networks = [ip_network(each, strict=False) for each in trusted if each != "*"]
        return super().__new__(cls, networks, "*" in trusted)
