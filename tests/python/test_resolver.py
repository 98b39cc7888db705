"""gevent.resolver: the same answers as the system's, addresses at once, names without stopping others."""

import _socket
import itertools
import os
import socket

import pytest
from scripts import run_script

import gevent
from gevent import resolver as resolvers
from gevent.resolver import _addresses, blocking, thread
from gevent.resolver._hostsfile import HostsFile
from gevent.threadpool import ThreadPool


class NoPool:
    """Where no thread must be needed."""

    def apply(self, *args):
        raise AssertionError("asked a thread")


@pytest.fixture
def threadless():
    resolver = thread.Resolver()
    resolver.pool = NoPool()
    return resolver


def outcome(function, *args):
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001 - to be compared
        return type(error), str(error)


HOSTS = ["127.0.0.1", "1.2.3.4", "::1", "0::1", "fe80::1", "::ffff:1.2.3.4", None]
PORTS = [80, 0, "80", None, b"80", 70000, -1, True]


@pytest.mark.parametrize("host", HOSTS)
def test_addresses_are_answered_as_the_system_answers_them_without_a_thread(threadless, host):
    for port, family, kind, flags in itertools.product(PORTS, (0, 2, 10), (0, 1, 2, 3, 5), (0, 1, 2, 4, 32)):
        args = (host, port, family, kind, 0, flags)
        assert outcome(threadless.getaddrinfo, *args) == outcome(_socket.getaddrinfo, *args), args


@pytest.mark.parametrize("host", ["localhost", "127.1", "1.2.3.4.5", "abc", "", "0x7f.1", b"127.0.0.1"])
def test_what_is_no_plain_address_is_left_to_the_system(host):
    assert _addresses.numeric_getaddrinfo(host, 80) is None


def test_a_service_by_name_is_left_to_the_system():
    assert _addresses.numeric_getaddrinfo("127.0.0.1", "http") is None


def test_other_questions_about_addresses_need_no_thread_either(threadless):
    assert threadless.gethostbyname("127.0.0.1") == "127.0.0.1"
    assert threadless.gethostbyname_ex("127.0.0.1") == ("127.0.0.1", [], ["127.0.0.1"])
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    assert threadless.getnameinfo(("127.0.0.1", 80), numeric) == ("127.0.0.1", "80")


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("getaddrinfo", ("localhost", "http")),
        ("getaddrinfo", ("localhost", 80)),
        ("getaddrinfo", ("127.0.0.1", "no such service")),
        ("getaddrinfo", (5, 80)),
        ("getaddrinfo", ()),
        ("gethostbyname", ("localhost",)),
        ("gethostbyname", ("x" * 70,)),
        ("gethostbyname", (None,)),
        ("gethostbyname_ex", ("localhost",)),
        ("gethostbyaddr", ("127.0.0.1",)),
        ("getnameinfo", (("127.0.0.1", 80), 0)),
        ("getnameinfo", (("127.0.0.1", "x"), 0)),
    ],
)
def test_the_thread_resolver_answers_and_fails_like_the_system(name, args):
    hub = gevent.get_hub()
    hub.handle_error = lambda *args: None
    try:
        assert outcome(getattr(thread.Resolver(), name), *args) == outcome(getattr(_socket, name), *args)
    finally:
        del hub.handle_error


def test_the_thread_resolver_lets_others_run():
    resolver = thread.Resolver()
    resolver.pool = ThreadPool(1)
    ran = gevent.spawn(int)
    resolver.gethostbyaddr("127.0.0.1")
    assert ran.ready()
    resolver.pool.kill()


def test_an_unknown_name_is_no_news_to_the_hub():
    thread.Resolver()
    assert {socket.gaierror, socket.herror} <= set(gevent.get_hub().NOT_ERROR)


def test_the_blocking_resolver_is_the_system():
    resolver = blocking.Resolver()
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
        assert getattr(resolver, name) is getattr(_socket, name)
    resolver.close()


@pytest.mark.parametrize("name", ["thread", "block"])
def test_a_resolver_is_chosen_by_its_name(name):
    result = run_script(
        """
        import gevent
        from gevent import socket
        print(type(gevent.get_hub().resolver).__module__.rpartition(".")[2], socket.gethostbyname("127.0.0.1"))
        """,
        env={"GEVENT_RESOLVER": name},
    )
    assert result.stdout.split() == [{"block": "blocking"}.get(name, name), "127.0.0.1"]


def test_services_are_found_with_the_kinds_of_socket_they_are_for():
    assert resolvers._lookup_port("http", socket.SOCK_STREAM) == (80, [socket.SOCK_STREAM])
    assert resolvers._lookup_port("domain", 0) == (53, [socket.SOCK_STREAM, socket.SOCK_DGRAM])
    assert resolvers._lookup_port("80", 0) == (80, [])
    assert resolvers._lookup_port(80, socket.SOCK_DGRAM) == (80, [socket.SOCK_DGRAM])
    assert resolvers._lookup_port(None, 0) == (0, [])
    with pytest.raises(socket.gaierror):
        resolvers._lookup_port("no such service", 0)
    with pytest.raises(OSError):
        resolvers._lookup_port(1.5, 0)


@pytest.mark.parametrize(
    ("host", "four", "six"),
    [
        ("1.2.3.4", True, False),
        (b"1.2.3.4", True, False),
        ("::1", False, True),
        (b"fe80::1%eth0", False, True),
        ("1.2.3", False, False),
        ("abc", False, False),
        ("", False, False),
        (b"\xff", False, False),
        (None, False, False),
    ],
)
def test_addresses_are_told_from_names(host, four, six):
    assert _addresses.is_ipv4_addr(host) is four
    assert _addresses.is_ipv6_addr(host) is six


def test_the_hosts_file_is_read_and_read_again_when_it_changes(tmp_path):
    path = tmp_path / "hosts"
    path.write_text(
        "# comment\n"
        "127.0.0.1 localhost  alias.example # more\n"
        "\n"
        "1.2.3.4\tname.example\n"
        "::1 six.example localhost\n"
        "nonsense here\n"
    )
    hosts = HostsFile(str(path))
    assert sorted(hosts.iter_all_host_addr_pairs()) == [
        ("alias.example", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("localhost", "::1"),
        ("name.example", "1.2.3.4"),
        ("six.example", "::1"),
    ]
    assert hosts.aliases == {"alias.example": "localhost", "localhost": "six.example"}
    assert hosts.reverse["4.3.2.1.in-addr.arpa"] == "name.example"
    assert hosts.reverse["1." + "0." * 31 + "ip6.arpa"] == "six.example"
    path.write_text("5.6.7.8 name.example\n")
    os.utime(path, (1, 1))
    hosts.load()
    assert hosts.v4 == {"name.example": "5.6.7.8"}


def test_dnspython_asks_servers_without_stopping_others():
    pytest.importorskip("dns")
    result = run_script(
        """
        import gevent
        from gevent import socket
        from gevent.server import DatagramServer
        import dns.flags, dns.message, dns.rcode, dns.rdatatype, dns.resolver, dns.rrset

        ANSWERS = {
            ("name.example.", "A"): ["1.2.3.4"],
            ("name.example.", "AAAA"): ["::5"],
            ("4.3.2.1.in-addr.arpa.", "PTR"): ["name.example."],
        }

        class Server(DatagramServer):
            def handle(self, data, address):
                question = dns.message.from_wire(data)
                answer = dns.message.make_response(question)
                answer.flags |= dns.flags.RA
                name, kind = question.question[0].name.to_text(), dns.rdatatype.to_text(question.question[0].rdtype)
                if name == "alias.example.":
                    name = "name.example."
                    answer.answer.append(dns.rrset.from_text("alias.example.", 60, "IN", "CNAME", name))
                if (name, kind) in ANSWERS:
                    answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *ANSWERS[name, kind]))
                elif name != "name.example.":
                    answer.set_rcode(dns.rcode.NXDOMAIN)
                self.socket.sendto(answer.to_wire(), address)

        server = Server(("127.0.0.1", 0))
        server.start()
        resolver = gevent.get_hub().resolver
        asker = resolver.resolver
        assert type(asker) is not dns.resolver.Resolver  # a copy of its own
        asker.nameservers, asker.port, asker.search = ["127.0.0.1"], server.server_port, []

        print([answer[4] for answer in socket.getaddrinfo("name.example", 80, type=socket.SOCK_STREAM)])
        print(socket.gethostbyname_ex("alias.example"))
        print(socket.gethostbyaddr("1.2.3.4"), socket.getnameinfo(("1.2.3.4", 80), socket.NI_NUMERICSERV))
        for function, argument in ((socket.gethostbyname, "no.example"), (socket.gethostbyaddr, "1.2.3.5")):
            try:
                function(argument)
            except OSError as error:
                print(type(error).__name__, error.errno)
        print(resolver.pool if hasattr(resolver, "pool") else "no threads")
        """,
        env={"GEVENT_RESOLVER": "dnspython"},
    )
    assert result.stdout.splitlines() == [
        "[('1.2.3.4', 80), ('::5', 80, 0, 0)]",
        "('name.example', ['alias.example'], ['1.2.3.4'])",
        "('name.example', [], ['1.2.3.4']) ('name.example', '80')",
        f"gaierror {socket.EAI_NONAME}",
        "herror 1",
        "no threads",
    ]
