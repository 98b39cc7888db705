# Part of http.pyx: what a proxy says before the client does.

cdef extern from "http/proxy_header.h" namespace "gevent::http":
    enum ProxyState "gevent::http::ProxyHeader::State":
        kProxyReading "gevent::http::ProxyHeader::State::kReading"
        kProxyComplete "gevent::http::ProxyHeader::State::kComplete"

    cdef cppclass ProxyHeader:
        size_t wanted()
        void feed(const char*, size_t) except +
        ProxyState state()
        const CoreRefusal& refusal()
        const string& address()
        int port()

cdef extern from "base/ip_address.h" namespace "gevent":
    cdef cppclass IpAddress:
        @staticmethod
        IpAddress of_bytes(const void*, size_t)

    cdef struct IpNetwork:
        IpAddress address
        unsigned prefix

cdef extern from "http/trusted_proxies.h" namespace "gevent::http":
    cdef struct ProxyFields:
        string_view peer
        string_view forwarded
        string_view forwarded_for
        string_view forwarded_proto
        string_view forwarded_host

    cdef cppclass ForwardedClient:
        string address
        int port

    cdef cppclass ForwardedFacts:
        CoreRefusal refusal
        optional[ForwardedClient] client
        string proto
        string host

    cdef cppclass CoreTrustedProxies "gevent::http::TrustedProxies":
        void trust(IpNetwork) except +
        void trust_everybody()
        bint trusts(string_view)
        ForwardedFacts believe(const ProxyFields&) except +


def read_proxy_header(receive):
    """Read a header of the PROXY protocol through ``receive(size)``, and not one byte more.

    Return the client's address and port; None if the proxy speaks for itself. ValueError if there is no such header.
    Waits for the proxy.
    """
    cdef ProxyHeader header
    cdef bytes arrived
    while header.state() == kProxyReading:
        arrived = receive(header.wanted())
        if not arrived:
            raise ValueError("the PROXY header ends early")
        header.feed(PyBytes_AS_STRING(arrived), PyBytes_GET_SIZE(arrived))
    if header.state() != kProxyComplete:
        raise ValueError(header.refusal().reason.decode("ascii"))
    if header.address().empty():
        return None
    return <str>PyUnicode_DecodeLatin1(header.address().data(), header.address().size(), NULL), header.port()


cdef bytes _field(environ, name):
    return (<str>environ.get(name, "")).encode("latin-1", "replace")


cdef class TrustedProxies:
    """Who is believed, and what follows from that: see cpp/http/trusted_proxies.h.

    networks
        `ipaddress` networks of proxies
    everybody
        whether whoever connects is one
    """

    cdef CoreTrustedProxies core

    def __cinit__(self, networks, bint everybody):
        cdef IpNetwork network
        cdef bytes packed
        for each in networks:
            packed = each.network_address.packed
            network.address = IpAddress.of_bytes(PyBytes_AS_STRING(packed), PyBytes_GET_SIZE(packed))
            network.prefix = each.prefixlen
            self.core.trust(network)
        if everybody:
            self.core.trust_everybody()

    def trusts(self, str address):
        """Return whether `address` is a proxy's."""
        cdef bytes text = address.encode("latin-1", "replace")
        return self.core.trusts(_view(text))

    def apply(self, environ):
        """Put into `environ` what the proxy says; return the client's address and port (0 if unknown), or None.

        ValueError where the proxy and the client cannot be told apart.
        """
        cdef bytes peer = _field(environ, "REMOTE_ADDR")
        cdef bytes forwarded = _field(environ, "HTTP_FORWARDED")
        cdef bytes listed = _field(environ, "HTTP_X_FORWARDED_FOR")
        cdef bytes proto = _field(environ, "HTTP_X_FORWARDED_PROTO")
        cdef bytes host = _field(environ, "HTTP_X_FORWARDED_HOST")
        cdef ProxyFields fields
        cdef ForwardedFacts facts
        fields.peer = _view(peer)
        fields.forwarded = _view(forwarded)
        fields.forwarded_for = _view(listed)
        fields.forwarded_proto = _view(proto)
        fields.forwarded_host = _view(host)
        facts = self.core.believe(fields)
        if facts.refusal.status:
            raise ValueError(facts.refusal.reason.decode("ascii"))
        if not facts.proto.empty():
            environ["wsgi.url_scheme"] = facts.proto.decode("latin-1")
        if not facts.host.empty():
            environ["HTTP_HOST"] = facts.host.decode("latin-1")
        if not facts.client.has_value():
            return None
        client = facts.client.value().address.decode("latin-1"), facts.client.value().port
        environ["REMOTE_ADDR"] = client[0]
        environ["REMOTE_PORT"] = str(client[1])
        return client
