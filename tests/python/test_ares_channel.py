"""c-ares channels with callbacks, as gevent has always offered them."""

import gc
import pickle
import socket

import pytest
from name_server import EXAMPLES, NO_SEARCH, NameServer

import gevent
from gevent.event import AsyncResult
from gevent.resolver import cares


@pytest.fixture(scope="module")
def server():
    with NameServer(EXAMPLES) as server:
        yield server


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


def test_a_channel_is_opened_once_and_of_no_use_before():
    class Forgetful(cares.channel):
        def __init__(self):
            pass

    loop = gevent.get_hub().loop
    never = Forgetful()
    assert not never.is_open
    never.destroy()
    with pytest.raises(ValueError, match="never opened"):
        never.ask_addresses(b"one.test", 0, False)
    made = cares.channel(loop)
    with pytest.raises(ValueError, match="opened before"):
        made.__init__(loop)
    made.destroy()
