"""The resolver on c-ares, asking a name server of this test's own."""

import _socket
import gc
import socket
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from name_server import EXAMPLES, NO_SEARCH, NameServer

import gevent
from gevent.resolver import ares


@pytest.fixture(scope="module")
def server():
    with NameServer(EXAMPLES, truncated=["long.test."]) as server:
        yield server


@pytest.fixture
def make(server):
    made = []

    def make_resolver(**kwargs):
        options = {"servers": ["127.0.0.1"], "udp_port": server.port, "tcp_port": server.port, "flags": NO_SEARCH}
        made.append(ares.Resolver(**{**options, **kwargs}))
        return made[-1]

    server.questions.clear()
    yield make_resolver
    for resolver in made:
        resolver.close()


@pytest.fixture
def resolver(make):
    return make()


@pytest.fixture
def impatient(make):
    return make(timeout=0.05, tries=1)


def outcome(function, *args):
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001 - to be compared
        return type(error), str(error)


# ---- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        (80,),
        (None,),
        ("80",),
        (b"http",),
        ("domain",),
        (70000,),
        (80, 0, socket.SOCK_STREAM),
        (80, socket.AF_INET, socket.SOCK_DGRAM),
        (80, 0, 0, socket.IPPROTO_UDP),
        (80, 0, 0, 0, socket.AI_PASSIVE),
        ("no such service",),
        (80, 77),
        (80, 0, 77),
        (80, 0, socket.SOCK_STREAM, socket.IPPROTO_UDP),
        (80, 0, 0, 0, 1 << 20),
        (1.5,),
        (-1,),
    ],
)
def test_what_belongs_to_an_address_is_what_the_system_says_of_it(resolver, question):
    def answer(getaddrinfo, host):
        return [row[:4] + row[4][1:] for row in getaddrinfo(host, *question)]

    assert outcome(answer, resolver.getaddrinfo, "one.test") == outcome(answer, _socket.getaddrinfo, "10.0.0.1")


def test_names_have_addresses_of_both_families(resolver):
    found = resolver.getaddrinfo("both.test", 80, 0, socket.SOCK_STREAM)
    assert sorted(row[4] for row in found) == [("10.0.0.4", 80), ("fd00::4", 80, 0, 0)]
    assert [row[4] for row in resolver.getaddrinfo("both.test", 80, socket.AF_INET6, socket.SOCK_STREAM)] == [
        ("fd00::4", 80, 0, 0)
    ]


def test_an_ipv4_address_serves_for_ipv6_if_that_was_asked_for(resolver):
    args = (80, socket.AF_INET6, socket.SOCK_STREAM, 0)
    assert outcome(resolver.getaddrinfo, "one.test", *args)[0] is socket.gaierror
    mapped = resolver.getaddrinfo("one.test", *args, socket.AI_V4MAPPED)
    assert [row[4] for row in mapped] == [("::ffff:10.0.0.1", 80, 0, 0)]
    both = resolver.getaddrinfo("both.test", *args, socket.AI_V4MAPPED | socket.AI_ALL)
    assert [row[4][0] for row in both] == ["fd00::4", "::ffff:10.0.0.4"]


def test_the_canonical_name_is_told_with_the_first_address_only_and_if_asked_for(resolver):
    plain = resolver.getaddrinfo("alias.test", 80)
    named = resolver.getaddrinfo("alias.test", 80, flags=socket.AI_CANONNAME)
    assert {row[3] for row in plain} == {""}
    assert [row[3] for row in named] == ["one.test"] + [""] * (len(named) - 1)


def test_hosts_by_name(resolver):
    assert resolver.gethostbyname("two.test") == "10.0.0.2"
    assert resolver.gethostbyname_ex("two.test") == ("two.test", [], ["10.0.0.2", "10.0.0.3"])
    assert resolver.gethostbyname_ex("alias.test") == ("one.test", ["alias.test", "middle.test"], ["10.0.0.1"])
    assert resolver.gethostbyname(b"one.test") == "10.0.0.1"
    assert resolver.gethostbyname("bücher.test") == "10.0.0.7"


def test_hosts_by_address(resolver):
    assert resolver.gethostbyaddr("10.0.0.1") == ("one.test", [], ["10.0.0.1"])
    assert resolver.gethostbyaddr("10.0.0.3") == ("two.test", [], ["10.0.0.3"])
    assert resolver.gethostbyaddr("one.test") == ("one.test", [], ["10.0.0.1"])


def test_names_of_socket_addresses(resolver):
    assert resolver.getnameinfo(("10.0.0.1", 80), 0) == ("one.test", "http")
    assert resolver.getnameinfo(("10.0.0.1", 80), socket.NI_NUMERICSERV) == ("one.test", "80")
    assert resolver.getnameinfo(("10.0.0.9", 80), 0) == ("10.0.0.9", "http")
    assert resolver.getnameinfo(("fd00::9", 54321), 0) == ("fd00::9", "54321")
    assert resolver.getnameinfo(("10.0.0.9", 514), socket.NI_DGRAM) == socket.getnameinfo(
        ("10.0.0.9", 514), socket.NI_DGRAM | socket.NI_NUMERICHOST
    )
    with pytest.raises(socket.gaierror) as caught:
        resolver.getnameinfo(("10.0.0.9", 80), socket.NI_NAMEREQD)
    assert caught.value.args == (socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    "sockaddr",
    [("one.test", 80), ("10.0.0.9", -1), ("10.0.0.9", "80"), (b"10.0.0.9", 80), ("10.0.0.9",), ["10.0.0.9", 80], None],
)
def test_what_is_no_socket_address_is_refused_as_by_the_system(resolver, server, sockaddr):
    assert outcome(resolver.getnameinfo, sockaddr, 0) == outcome(_socket.getnameinfo, sockaddr, 0)
    assert server.questions == []


def test_an_answer_too_long_for_a_packet_comes_over_tcp(resolver, server):
    assert len(resolver.gethostbyname_ex("long.test")[2]) == 100
    assert ("long.test.", "A", "tcp") in server.questions


@pytest.mark.parametrize("host", ["10.9.8.7", "::1", "fd00::1", "fe80::1%1", "127.1", "255.255.255.255"])
def test_addresses_are_answered_as_the_system_answers_them_and_nobody_is_asked(resolver, server, host):
    for port in (80, "80", "http", None):
        assert outcome(resolver.getaddrinfo, host, port) == outcome(_socket.getaddrinfo, host, port)
    for name in ("gethostbyname", "gethostbyname_ex"):
        assert outcome(getattr(resolver, name), host) == outcome(getattr(_socket, name), host)
    numeric = socket.NI_NUMERICHOST
    assert outcome(resolver.getnameinfo, (host, 80), numeric) == outcome(_socket.getnameinfo, (host, 80), numeric)
    assert server.questions == []


def hosts_file_entry():
    try:
        with open("/etc/hosts", encoding="utf-8") as file:
            for line in file:
                address, *names = line.partition("#")[0].split() or [""]
                if names and names[0] not in ("localhost", "ip6-localhost") and ":" not in address:
                    return names[0], address
    except OSError:
        pass
    return None


@pytest.mark.skipif(hosts_file_entry() is None, reason="the hosts file has only localhost")
def test_the_hosts_file_counts_and_nobody_is_asked(resolver, server):
    name, address = hosts_file_entry()
    assert resolver.gethostbyname(name) == address
    assert (address, 80) in [row[4] for row in resolver.getaddrinfo(name, 80)]
    assert server.questions == []


# ---- errors ---------------------------------------------------------------------------------------------------------


def test_unknown_names_are_refused_with_the_systems_exceptions(resolver):
    unknown = (socket.EAI_NONAME, "Name or service not known")
    for function, *args in (
        (resolver.getaddrinfo, "none.test", 80),
        (resolver.gethostbyname, "none.test"),
        (resolver.gethostbyname_ex, "none.test"),
        (resolver.gethostbyaddr, "none.test"),
        (resolver.getaddrinfo, "", 80),
    ):
        with pytest.raises(socket.gaierror) as caught:
            function(*args)
        assert caught.type is socket.gaierror
        assert caught.value.args == unknown
    with pytest.raises(socket.herror) as caught:
        resolver.gethostbyaddr("10.0.0.9")
    assert caught.value.args == (1, "Unknown host")


def test_a_name_without_an_address_is_not_an_unknown_one(resolver):
    for function, *args in (
        (resolver.getaddrinfo, "text.test", 80),
        (resolver.gethostbyname, "six.test"),
        (resolver.getaddrinfo, "one.test", 80, socket.AF_INET6),
    ):
        with pytest.raises(socket.gaierror) as caught:
            function(*args)
        assert caught.value.args == (socket.EAI_NODATA, "No address associated with hostname")


def test_silence_and_refusal_are_temporary_failures_that_say_which(impatient):
    with pytest.raises(socket.gaierror, match="Temporary failure in name resolution.*ARES_ETIMEOUT") as caught:
        impatient.getaddrinfo("silent.test", 80)
    assert caught.value.errno == socket.EAI_AGAIN
    with pytest.raises(socket.gaierror) as caught:
        impatient.getaddrinfo("refused.test", 80, socket.AF_INET)
    assert caught.value.errno == socket.EAI_AGAIN


def test_such_a_failure_of_gethostbyname_is_the_systems_and_gevents(impatient):
    for kind in (socket.gaierror, socket.herror):
        with pytest.raises(kind, match="ARES_ETIMEOUT"):
            impatient.gethostbyname("silent.test")


def test_what_is_no_name_raises_what_the_system_raises(resolver):
    for host in (25, None, 1.5):
        assert outcome(resolver.gethostbyname, host)[0] is TypeError
    with pytest.raises(UnicodeError):
        resolver.getaddrinfo("x" * 70, 80)


# ---- waiting --------------------------------------------------------------------------------------------------------


def test_others_run_meanwhile_and_many_may_ask(resolver):
    names = ["one.test", "two.test", "both.test", "alias.test", "none.test"] * 20
    greenlets = [gevent.spawn(outcome, resolver.gethostbyname, name) for name in names]
    gevent.joinall(greenlets, timeout=20, raise_error=True)
    assert [each.value for each in greenlets[:4]] == ["10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.1"]
    assert greenlets[4].value[0] is socket.gaierror
    assert all(each.value == greenlets[index % 5].value for index, each in enumerate(greenlets))


def test_a_timeout_ends_the_wait_and_what_was_asked_is_given_up(resolver):
    with gevent.Timeout(0.01, False):
        resolver.gethostbyname("silent.test")
        pytest.fail("an answer from a silent server")
    assert resolver.cares.sockets == 0
    assert resolver.gethostbyname("one.test") == "10.0.0.1"


def test_a_killed_greenlet_takes_nothing_from_another_with_the_same_question(make):
    resolver = make(timeout=0.3, tries=1)
    first, second = (gevent.spawn(outcome, resolver.gethostbyname, "silent.test") for _ in range(2))
    gevent.sleep(0)
    first.kill()
    assert resolver.cares.sockets != 0
    second.join(timeout=20)
    assert "ARES_ETIMEOUT" in second.value[1]


def test_a_resolver_that_nobody_has_any_more_closes_with_a_warning():
    resolver = ares.Resolver(use_environ=False)
    channel = resolver.cares
    with pytest.warns(ResourceWarning, match="nobody closed <gevent.resolver.ares.Resolver"):
        del resolver
        gc.collect()
    assert not channel.is_open


def test_the_resolver_of_a_hub_goes_with_it_without_a_word():
    def use_one():
        hub = gevent.get_hub()
        hub.resolver = ares.Resolver(hub)
        return hub.resolver.cares

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with ThreadPoolExecutor(1) as threads:
            channel = threads.submit(use_one).result()
        gc.collect()
    assert not channel.is_open


def test_closing_raises_in_those_who_wait_and_in_those_who_come_later(resolver):
    waiting = [
        gevent.spawn(outcome, resolver.getaddrinfo, "silent.test", 80),
        gevent.spawn(outcome, resolver.gethostbyname, "silent.test"),
    ]
    gevent.sleep(0)
    resolver.close()
    gevent.joinall(waiting, timeout=20)
    for each in waiting:
        assert issubclass(each.value[0], socket.gaierror)
        assert "ARES_EDESTRUCTION" in each.value[1]
    with pytest.raises(socket.gaierror, match="ARES_EDESTRUCTION"):
        resolver.getaddrinfo("one.test", 80)
    with pytest.raises(socket.herror, match="ARES_EDESTRUCTION"):
        resolver.gethostbyaddr("10.0.0.1")
    assert resolver.gethostbyname("127.0.0.1") == "127.0.0.1"
    resolver.close()
