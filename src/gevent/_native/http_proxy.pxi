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

cdef extern from "http/request_rules.h" namespace "gevent::http":
    bint core_is_valid_host "gevent::http::is_valid_host" (string_view)


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


def is_valid_host(str text):
    """Whether `text` may be a Host."""
    cdef bytes encoded = text.encode("latin-1", "replace")
    return core_is_valid_host(_view(encoded))
