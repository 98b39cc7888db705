"""The resolver on c-ares, asking a name server of this test's own."""

import _socket
import gc
import pickle
import signal
import socket
import sys

import pytest
from name_server import SILENCE, NameServer
from scripts import run_script

import gevent
from gevent.event import AsyncResult
from gevent.resolver import ares, cares

RECORDS = {
    ("one.test.", "A"): ["A 10.0.0.1"],
    ("two.test.", "A"): ["A 10.0.0.2", "A 10.0.0.3"],
    ("both.test.", "A"): ["A 10.0.0.4"],
    ("both.test.", "AAAA"): ["AAAA fd00::4"],
    ("six.test.", "AAAA"): ["AAAA fd00::6"],
    ("alias.test.", "A"): ["CNAME middle.test.", "middle.test. CNAME one.test.", "one.test. A 10.0.0.1"],
    ("text.test.", "TXT"): ["TXT x"],
    ("silent.test.", "A"): SILENCE,
    ("silent.test.", "AAAA"): SILENCE,
    ("refused.test.", "A"): "REFUSED",
    ("long.test.", "A"): [f"A 10.1.0.{number}" for number in range(100)],
    ("xn--bcher-kva.test.", "A"): ["A 10.0.0.7"],
    ("1.0.0.10.in-addr.arpa.", "PTR"): ["PTR one.test."],
    ("3.0.0.10.in-addr.arpa.", "PTR"): ["PTR two.test.", "PTR three.test."],
}


@pytest.fixture(scope="module")
def server():
    with NameServer(RECORDS, truncated=["long.test."]) as server:
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


# c-ares' flag not to add the domains of this computer to a name.
NO_SEARCH = 1 << 5


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


OPEN_RESOLVER = """
    import os, sys
    import gevent
    from gevent import socket

    gevent.config.resolver = "ares"
    gevent.config.ares_flags = 1 << 5
    gevent.config.resolver_nameservers = "127.0.0.1"
    gevent.config.ares_udp_port = gevent.config.ares_tcp_port = int(sys.argv[1])
"""


def test_destroying_the_hub_raises_in_those_who_wait(server):
    result = run_script(
        OPEN_RESOLVER
        + """
    def ask():
        try:
            socket.gethostbyname("silent.test")
        except socket.gaierror as error:
            print("ARES_EDESTRUCTION" in str(error))

    waiting = gevent.spawn(ask)
    gevent.sleep(0)
    gevent.get_hub().destroy()
    try:
        gevent.sleep(0)
    except gevent.exceptions.InvalidSwitchError:
        pass  # the greenlet ended, and its hub is not there to go on
    print(socket.gethostbyname("one.test"))
    """,
        server.port,
    )
    assert result.stdout.split() == ["True", "10.0.0.1"]
    assert result.stderr == ""


def test_nothing_is_touched_once_the_loop_is_destroyed_with_questions_open(server):
    result = run_script(
        OPEN_RESOLVER
        + """
    import gc
    from gevent.resolver.ares import Resolver

    kept = Resolver()
    waiting = [gevent.spawn(kept.gethostbyname, "silent.test"), gevent.spawn(socket.gethostbyname, "silent.test")]
    kept.cares.gethostbyname(print, b"silent.test")
    gevent.sleep(0)
    gevent.get_hub().destroy(destroy_loop=True)
    kept.close()
    del kept, waiting
    gc.collect()
    print(socket.gethostbyname("one.test"))
    """,
        server.port,
    )
    assert result.stdout.split() == ["10.0.0.1"]


def test_a_loop_with_only_given_up_questions_ends(server):
    result = run_script(
        OPEN_RESOLVER
        + """
    asking = gevent.spawn(socket.gethostbyname, "silent.test")
    gevent.sleep(0)
    asking.kill()
    print(gevent.get_hub().join(timeout=3))
    """,
        server.port,
    )
    assert result.stdout.split() == ["True"]


# ---- forks ----------------------------------------------------------------------------------------------------------


def test_after_a_fork_both_processes_get_their_answers(server):
    result = run_script(
        OPEN_RESOLVER
        + """
    from gevent import monkey
    monkey.patch_os()
    before = gevent.spawn(socket.gethostbyname, "one.test")
    gevent.sleep(0)
    resolver = gevent.get_hub().resolver
    channel = resolver.cares
    child = os.fork()
    answers = before.get(), socket.gethostbyname("two.test"), resolver.cares is channel
    if child == 0:
        os._exit(0 if answers == ("10.0.0.1", "10.0.0.2", False) else 1)
    print(*answers, os.waitpid(child, 0)[1])
    """,
        server.port,
    )
    assert result.stdout.split() == ["10.0.0.1", "10.0.0.2", "True", "0"]


def test_a_child_that_leaves_the_hub_behind_has_a_channel_of_its_own_and_none_of_the_parents_sockets(server):
    result = run_script(
        OPEN_RESOLVER
        + """
    from gevent._hub_local import abandon_hub_after_fork
    from gevent.resolver.ares import Resolver

    def ask():
        try:
            print(socket.gethostbyname("silent.test"))
        finally:
            print("woken", os.getpid() != parent)

    parent = os.getpid()
    mine = Resolver()
    asking = gevent.spawn(ask)
    gevent.sleep(0)
    inherited = gevent.get_hub().resolver.cares
    open_before = inherited.sockets
    child = os.fork()
    if child == 0:
        abandon_hub_after_fork()
        good = open_before and not inherited.sockets
        good = good and socket.gethostbyname("one.test") == mine.gethostbyname("one.test") == "10.0.0.1"
        sys.stdout.flush()
        os._exit(0 if good else 1)
    print(os.waitpid(child, 0)[1], inherited.sockets == open_before, mine.gethostbyname("two.test"))
    asking.kill()
    """,
        server.port,
    )
    assert result.stdout.split() == ["0", "True", "10.0.0.2", "woken", "False"]


# ---- settings -------------------------------------------------------------------------------------------------------


def test_the_environment_chooses_and_sets_the_resolver(server):
    result = run_script(
        """
        import gevent
        from gevent import socket
        resolver = gevent.get_hub().resolver
        print(type(resolver).__module__, socket.gethostbyname("one.test"), resolver.params["tries"])
        """,
        env={
            "GEVENT_RESOLVER": "ares",
            "GEVENT_RESOLVER_NAMESERVERS": "127.0.0.1",
            "GEVENT_RESOLVER_TIMEOUT": "2.5",
            "GEVENTARES_UDP_PORT": str(server.port),
            "GEVENTARES_TCP_PORT": str(server.port),
            "GEVENTARES_TRIES": "2",
            "GEVENTARES_NDOTS": "1",
            "GEVENTARES_FLAGS": str(NO_SEARCH),
        },
    )
    assert result.stdout.split() == ["gevent.resolver.ares", "10.0.0.1", "2"]


def test_arguments_count_more_than_settings():
    gevent.config.ares_tries = 7
    try:
        resolvers = ares.Resolver(), ares.Resolver(tries=2), ares.Resolver(use_environ=False)
    finally:
        gevent.config.ares_tries = None
    assert [resolver.params.get("tries") for resolver in resolvers] == [7, 2, None]
    for resolver in resolvers:
        resolver.close()


def test_without_c_ares_whoever_chooses_it_is_told_of_the_others():
    result = run_script(
        """
        import sys
        sys.modules["gevent._native.ares"] = None
        import gevent
        try:
            gevent.get_hub().resolver
        except ImportError as error:
            print(error)
        """,
        env={"GEVENT_RESOLVER": "ares"},
    )
    assert "'ares' is not available" in result.stdout
    for choice in ("thread", "dnspython", "block"):
        assert choice in result.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_c_ares_is_loaded_only_where_it_is_used():
    result = run_script(
        """
        import gevent, gevent.socket
        gevent.get_hub().resolver.getaddrinfo("127.0.0.1", 80)
        before = "_native/ares" in open("/proc/self/maps").read() or "libcares" in open("/proc/self/maps").read()
        import gevent.resolver.ares
        print(before, "_native/ares" in open("/proc/self/maps").read())
        """
    )
    assert result.stdout.split() == ["False", "True"]


# ---- channels -------------------------------------------------------------------------------------------------------


@pytest.fixture
def channel(server):
    made = cares.channel(
        gevent.get_hub().loop, flags=str(NO_SEARCH), timeout="5", udp_port=server.port, servers="127.0.0.1"
    )
    yield made
    made.destroy()


def heard(ask, *args):
    """What the channel's method `ask` tells its callback."""
    result = AsyncResult()
    ask(result.set, *args)
    told = result.get(timeout=20)
    return told.value if told.successful() else told.exception


def test_a_channel_answers_callbacks(channel):
    assert heard(channel.getaddrinfo, b"one.test", b"http") == [(2, 0, 0, "", ("10.0.0.1", 80))]
    assert heard(channel.getaddrinfo, "six.test", None, socket.AF_INET6) == [(10, 0, 0, "", ("fd00::6", 0, 0, 0))]
    assert heard(channel.gethostbyname, b"two.test") == ("two.test", [], ["10.0.0.2", "10.0.0.3"])
    assert heard(channel.gethostbyaddr, b"10.0.0.1") == ("one.test", [], ["10.0.0.1"])
    assert heard(channel.getnameinfo, ("10.0.0.1", 80), 0) == ("one.test", "http")
    assert isinstance(heard(channel.gethostbyname, b"none.test"), socket.gaierror)
    assert heard(channel.gethostbyname, b"127.0.0.1").family == socket.AF_INET


def test_a_channel_refuses_what_it_cannot_use(channel):
    for servers in (["localhost"], "127.0.0.1:53", ["127.1"]):
        with pytest.raises(cares.InvalidIP):
            channel.set_servers(servers)
    with pytest.raises(cares.InvalidIP):
        channel.gethostbyaddr(print, "one.test")
    with pytest.raises(TypeError):
        channel.gethostbyname(None, "one.test")
    loop = gevent.get_hub().loop
    with pytest.raises(OverflowError):
        cares.channel(loop, udp_port=99999)
    with pytest.raises(ValueError):
        cares.channel(loop, tries="x")
    with pytest.raises(TypeError):
        cares.channel(None)
    with pytest.raises(TypeError):
        cares.channel(loop, bogus=1)


def test_a_destroyed_channel_tells_its_callbacks_and_takes_no_more(channel):
    told = []
    channel.gethostbyname(told.append, b"silent.test")
    channel.destroy()
    assert [type(result.exception) for result in told] == [cares.HostLookupError]
    for use in (lambda: channel.gethostbyname(print, b"one.test"), lambda: channel.set_servers(["127.0.0.1"])):
        with pytest.raises(socket.gaierror, match="destroyed"):
            use()
    channel.destroy()
    assert "destroyed" in repr(channel)


def test_an_exception_of_a_callback_goes_to_the_hub(channel, monkeypatch):
    reported = AsyncResult()
    monkeypatch.setattr(
        gevent.get_hub(), "handle_error", lambda context, kind, value, traceback: reported.set(kind), raising=False
    )

    def fail(result):
        raise ZeroDivisionError

    channel.gethostbyname(fail, b"one.test")
    assert reported.get(timeout=20) is ZeroDivisionError


def test_a_channel_that_nobody_keeps_gives_its_sockets_back(server):
    channel = cares.channel(gevent.get_hub().loop, flags=NO_SEARCH, udp_port=server.port, servers=["127.0.0.1"])
    told = []
    channel.gethostbyname(told.append, b"silent.test")
    assert channel.sockets
    del channel
    gc.collect()
    gevent.sleep(0)
    assert told == []


def test_host_results_can_be_pickled_and_keep_their_family():
    result = cares.ares_host_result(socket.AF_INET6, ("name", ["alias"], ["::1"]))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(result, protocol))
        assert again == result == ("name", ["alias"], ["::1"])
        assert (type(again), again.family) == (cares.ares_host_result, socket.AF_INET6)


def test_an_interrupt_reaches_the_main_greenlet_while_it_waits(server):
    result = run_script(
        OPEN_RESOLVER
        + f"""
    import signal
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    signal.signal({int(signal.SIGALRM)}, signal.default_int_handler)
    try:
        socket.gethostbyname("silent.test")
    except KeyboardInterrupt:
        print("interrupted")
    """,
        server.port,
    )
    assert result.stdout.split() == ["interrupted"]
