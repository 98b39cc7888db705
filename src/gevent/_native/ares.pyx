# cython: language_level=3, binding=True, auto_pickle=False
"""gevent::AresChannel for Python: conversion, and parking until an answer comes.

How c-ares is driven is in cpp/dns; what gevent's channels and its resolver make of an answer is in gevent/resolver.
"""
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from cython.operator cimport dereference
from libc.stdint cimport uint16_t, uint32_t
from libcpp cimport bool as cbool
from libcpp.memory cimport make_shared, shared_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from bridge cimport CoreLoop, CoreWaitQueue, loop_of, park_in


cdef extern from "python/object/type_name.h" namespace "gevent":
    void publish(PyObject* type, const char* name)

cdef extern from "dns/dns_answer.h" namespace "gevent":
    cdef cppclass DnsAddress:
        int family
        string text
        uint32_t scope_id

    cdef cppclass DnsAnswer:
        int status
        string name
        vector[string] aliases
        vector[DnsAddress] addresses
        string service

cdef extern from "dns/ares_query.h" namespace "gevent":
    cdef cppclass CoreQuery "gevent::AresQuery":
        cbool answered()
        DnsAnswer answer

cdef extern from "dns/ares_status.h" namespace "gevent":
    const int kAresNoData
    const int kAresDestroyed

    cdef cppclass ResolverError:
        int number
        string text
        cbool is_final

    ResolverError address_error(int status) except +
    ResolverError host_error(int status) except +

cdef extern from "dns/ares_channel.h" namespace "gevent":
    cdef cppclass AresOptions:
        AresOptions()

    cdef cppclass CoreChannel "gevent::AresChannel":
        CoreChannel(CoreLoop& loop)
        int open(const AresOptions& options) except +
        int set_servers(const vector[string]& addresses) except +
        void close()
        void ask_addresses(CoreQuery& query, const char* name, int family, cbool ordered) except +
        void ask_host(CoreQuery& query, const char* address) except +
        void ask_name(CoreQuery& query, const char* address, uint16_t port, uint32_t scope_id, int flags) except +
        cbool is_open()
        cbool inherited()
        cbool loop_gone()
        size_t sockets()
        @staticmethod
        cbool is_address(const char* text)
        @staticmethod
        const char* library_version()

cdef extern from *:
    """
    // Cython's noexcept is not C++'s.
    static inline gevent::AresQuery* make_query(void (*on_answer)(gevent::AresQuery&, void*), void* owner) {
      return new gevent::AresQuery(reinterpret_cast<gevent::AresQuery::OnAnswer>(on_answer), owner);
    }
    static inline void set_option(gevent::AresOptions& options, int which, int value) {
      switch (which) {
        case 0: options.flags = value; break;
        case 1: options.timeout_ms = value; break;
        case 2: options.tries = value; break;
        case 3: options.ndots = value; break;
        case 4: options.udp_port = static_cast<std::uint16_t>(value); break;
        case 5: options.tcp_port = static_cast<std::uint16_t>(value); break;
      }
    }
    """
    CoreQuery* make_query(void (*on_answer)(CoreQuery&, void*) noexcept, void* owner) except +
    void set_option(AresOptions& options, int which, int value)


ENODATA = kAresNoData
EDESTRUCTION = kAresDestroyed


def address_error_of(int status):
    """The number and the words of the system's error that `status` is for a question about addresses, and whether it
    says something about the name, rather than that nobody could tell."""
    return _as_tuple(address_error(status))


def host_error_of(int status):
    """The same for a question about the name of an address."""
    return _as_tuple(host_error(status))


cdef tuple _as_tuple(const ResolverError& error):
    return error.number, error.text.decode(), error.is_final


def library_version():
    """The release of c-ares that is in use."""
    return CoreChannel.library_version().decode()


def is_address(bytes text not None):
    """Whether `text` is an address in figures, without a scope."""
    return CoreChannel.is_address(text)


cdef str text_of(const string& text):
    return PyUnicode_DecodeUTF8(text.data(), text.size(), "surrogateescape")


cdef class _Question:
    """What somebody asked a `Channel`, until the answer."""

    cdef CoreQuery* core
    cdef Channel channel
    cdef object callback  # None: somebody stands in `line`
    cdef CoreWaitQueue line

    def __cinit__(self, Channel channel, callback):
        self.channel = channel
        self.callback = callback
        self.core = make_query(on_answer, <void*>self)

    def __dealloc__(self):
        del self.core

    cdef tuple answer(self):
        cdef DnsAnswer* found = &self.core.answer
        cdef list aliases = []
        cdef list addresses = []
        cdef size_t i
        for i in range(found.aliases.size()):
            aliases.append(text_of(found.aliases[i]))
        for i in range(found.addresses.size()):
            addresses.append((found.addresses[i].family, text_of(found.addresses[i].text), found.addresses[i].scope_id))
        return found.status, text_of(found.name), aliases, addresses, text_of(found.service)


cdef void on_answer(CoreQuery& query, void* owner) noexcept:
    cdef _Question question = <_Question>owner
    if question.callback is None:
        question.line.wake_all()
        return
    callback, channel = question.callback, question.channel
    channel._questions.discard(question)
    try:
        callback(question.answer())
    except BaseException as error:
        channel.loop.handle_error(callback, type(error), error, error.__traceback__)


cdef class Channel:
    """Asks name servers on one loop, and looks into the hosts file.

    loop
        on which the answers come in.
    flags, timeout_ms, tries, ndots, udp_port, tcp_port
        as c-ares has them; None for what the system's configuration says. OverflowError for a number that is too big.

    The three questions park until the answer, which is (status, name, aliases, [(family, address, scope)], service)
    with c-ares' number for what went wrong, or 0. Given a `callback`, they call that with the answer instead: at
    once, or in the hub. Whoever is resumed by an exception gives the question up.
    """

    cdef shared_ptr[CoreChannel] core
    cdef readonly object loop
    cdef readonly set _questions  # those with a callback, which nobody else keeps
    cdef readonly int open_status

    def __cinit__(self, *args, **kwargs):
        self._questions = set()

    def __init__(self, loop, flags=None, timeout_ms=None, tries=None, ndots=None, udp_port=None, tcp_port=None):
        cdef AresOptions options
        if self.core.get() != NULL:
            raise ValueError("this channel was opened before")
        for which, value in enumerate((flags, timeout_ms, tries, ndots)):
            if value is not None:
                set_option(options, which, value)
        for which, value in enumerate((udp_port, tcp_port), 4):
            if value is not None:
                set_option(options, which, <uint16_t>value)
        self.loop = loop
        self.core = make_shared[CoreChannel](loop_of(loop)[0])
        self.open_status = self.core.get().open(options)

    cdef CoreChannel* opened(self) except NULL:
        if self.core.get() == NULL:
            raise ValueError("this channel was never opened: a subclass did not call the constructor")
        return self.core.get()

    def close(self):
        """Answer everything that is under way, and all that is asked later, with ARES_EDESTRUCTION. Does not wait.

        In a child that abandoned the hub nobody is told.
        """
        if self.core.get() != NULL:
            self.core.get().close()

    @property
    def is_open(self):
        """Whether it was opened and not closed."""
        return self.core.get() != NULL and self.core.get().is_open()

    @property
    def inherited(self):
        """Whether it is another process's, which this one was forked from."""
        return self.core.get() != NULL and self.core.get().inherited()

    @property
    def loop_gone(self):
        """Whether the loop was destroyed or abandoned, so that there will be no answer."""
        return self.core.get() != NULL and self.core.get().loop_gone()

    @property
    def sockets(self):
        """How many sockets are open."""
        return self.core.get().sockets() if self.core.get() != NULL else 0

    def ask_servers(self, list addresses not None):
        """Ask these servers from now on, bytes that are all `is_address`; return c-ares' number, 0 for success."""
        return self.opened().set_servers(addresses)

    def ask_addresses(self, bytes name not None, int family, bint ordered, callback=None):
        """What are the addresses of `name`? `ordered`: the best to connect to first."""
        cdef _Question question = _Question(self, callback)
        self.opened().ask_addresses(dereference(question.core), name, family, ordered)
        return self.answer_to(question)

    def ask_host(self, bytes address not None, callback=None):
        """What is the name of this host? Requires that it `is_address`."""
        cdef _Question question = _Question(self, callback)
        self.opened().ask_host(dereference(question.core), address)
        return self.answer_to(question)

    def ask_name(self, bytes address not None, uint16_t port, uint32_t scope_id, int flags, callback=None):
        """What are the names of this host and of the service at `port`? Requires that it `is_address`."""
        cdef _Question question = _Question(self, callback)
        self.opened().ask_name(dereference(question.core), address, port, scope_id, flags)
        return self.answer_to(question)

    cdef answer_to(self, _Question question):
        cdef cbool answered = question.core.answered()
        if question.callback is None:
            if not answered:
                park_in(question.line, -1, NULL)
            return question.answer()
        if answered:
            question.callback(question.answer())
        else:
            self._questions.add(question)


cdef class Result:
    """What a callback gets: a `value`, or an `exception`. From gevent."""

    cdef public object value
    cdef public object exception

    def __init__(self, value=None, exception=None):
        self.value = value
        self.exception = exception

    def __repr__(self):
        if self.exception is None:
            return f"{type(self).__name__}({self.value!r})"
        return f"{type(self).__name__}(exception={self.exception!r})"

    def successful(self):
        """Whether there is a value."""
        return self.exception is None

    def get(self):
        """Return the value, or raise the exception."""
        if self.exception is not None:
            raise self.exception
        return self.value


publish(<PyObject*>Result, "gevent.resolver.cares.Result")

__all__ = [
    "EDESTRUCTION", "ENODATA", "Channel", "Result",
    "address_error_of", "host_error_of", "is_address", "library_version",
]
