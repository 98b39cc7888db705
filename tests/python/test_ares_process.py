"""The resolver on c-ares in processes of its own: hubs that end, forks, settings of the environment."""

import signal
import sys

import pytest
from name_server import EXAMPLES, NO_SEARCH, NameServer
from scripts import run_script

import gevent
from gevent.resolver import ares


@pytest.fixture(scope="module")
def server():
    with NameServer(EXAMPLES) as server:
        yield server


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
