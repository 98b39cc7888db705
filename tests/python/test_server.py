"""Servers: who is called for what arrives, what failures do, and how everything ends."""

import errno
import gc
import socket as stdlib_socket
import weakref
from pathlib import Path

import pytest
from scripts import run_script

import gevent
from gevent import socket, ssl
from gevent.baseserver import BaseServer, parse_address
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import DatagramServer, StreamServer

CERTIFICATE = str(Path(__file__).parent / "data" / "localhost.pem")
ANYWHERE = ("127.0.0.1", 0)


@pytest.fixture
def serve():
    """Makes servers that are stopped afterwards."""
    made = []

    def make(handle=None, listener=ANYWHERE, cls=StreamServer, **options):
        made.append(cls(listener, handle, **options))
        made[-1].start()
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def errors():
    """What the hub was told of."""
    hub, seen = gevent.get_hub(), []
    hub.handle_error = lambda context, type, value, tb: seen.append(value)
    yield seen
    del hub.handle_error


def _echo(sock, _address):
    while data := sock.recv(1000):
        sock.sendall(data)


def _ask(server, question=b"hello"):
    with socket.create_connection(server.address, timeout=5) as client:
        client.sendall(question)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as answer:
            return answer.read()


# ---- who is called ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spawn", ["default", gevent.spawn_raw, 3, "pool", "function"])
def test_each_connection_is_handled_in_a_greenlet(spawn, serve):
    pool = Pool(2)
    server = serve(_echo, spawn={"pool": pool, "function": lambda *args: gevent.spawn(*args)}.get(spawn, spawn))
    assert server.server_host == "127.0.0.1" and server.server_port > 0 and server.started
    answers = [gevent.spawn(_ask, server, b"%d" % i) for i in range(20)]
    assert [each.get(timeout=5) for each in answers] == [b"%d" % i for i in range(20)]


def test_the_hub_itself_may_handle_what_does_not_wait(serve, errors):
    server = serve(lambda sock, _address: sock.sendall(b"at once"), spawn=None)
    assert _ask(server, b"") == b"at once"
    server.set_handle(lambda sock, _address: gevent.sleep(1))
    assert _ask(server, b"") == b""
    assert isinstance(errors[0], AssertionError)


def test_a_subclass_may_bring_the_handler():
    class Greeter(StreamServer):
        def handle(self, sock, address):
            sock.recv(100)
            sock.sendall(repr(address[0]).encode())

    server = Greeter(ANYWHERE)
    server.start()
    assert _ask(server) == b"'127.0.0.1'"
    server.stop()
    with pytest.raises(TypeError, match="'handle' must be provided"):
        StreamServer(ANYWHERE)


def test_a_connection_is_closed_when_its_handler_returns_or_fails(serve, errors):
    served = []

    def handle(sock, _address):
        served.append(sock)
        if len(served) == 2:
            raise ZeroDivisionError

    server = serve(handle)
    assert _ask(server, b"") == _ask(server, b"") == b""
    gevent.sleep(0)
    assert [each.closed for each in served] == [True, True]
    assert [type(each) for each in errors] == [ZeroDivisionError]


def test_a_full_pool_accepts_nobody_until_somebody_leaves(serve):
    gate, begun = Event(), []

    def handle(sock, _address):
        begun.append(sock)
        gate.wait()
        sock.sendall(b"done")

    server = serve(handle, spawn=2)
    clients = [gevent.spawn(_ask, server, b"") for _ in range(4)]
    with gevent.Timeout(10):
        while len(begun) < 2:
            gevent.idle()
    gevent.idle()
    assert len(begun) == 2 and server.full()
    gate.set()
    assert [each.get(timeout=5) for each in clients] == [b"done"] * 4


# ---- listeners -------------------------------------------------------------------------------------------------------


def test_a_listening_socket_of_either_kind_is_taken_over(serve):
    green = socket.create_server(ANYWHERE)
    plain = stdlib_socket.socket()
    plain.bind(ANYWHERE)
    plain.listen()
    for listener in (green, plain):
        server = serve(_echo, listener)
        assert _ask(server) == b"hello" and server.socket is listener
    with pytest.raises(TypeError, match="backlog"):
        StreamServer(green, _echo, backlog=5)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    wrapped = context.wrap_socket(socket.create_server(ANYWHERE), server_side=True)
    with wrapped, pytest.raises(TypeError, match="SSLSocket"):
        StreamServer(wrapped, _echo)


def test_an_address_in_use_is_named():
    with socket.create_server(ANYWHERE) as taken:
        with pytest.raises(OSError, match="127.0.0.1") as caught:
            StreamServer(taken.getsockname(), _echo).start()
        assert caught.value.errno == errno.EADDRINUSE


def test_addresses_are_read_in_many_forms():
    inet, inet6 = socket.AF_INET, socket.AF_INET6
    for text, found in {
        "127.0.0.1:80": (inet, ("127.0.0.1", 80)),
        ":80": (inet, ("", 80)),
        "*:80": (inet, ("", 80)),
        "[::1]:80": (inet6, ("::1", 80)),
        "80": (inet6, ("", 80)),
        80: (inet6, ("", 80)),
        ("::", 80): (inet6, ("::", 80)),
        ("localhost", 80): (inet, ("localhost", 80)),
    }.items():
        assert parse_address(text) == found
    for mistake, error in (("text", ValueError), ("a:b", ValueError), (None, TypeError), (["", 0], TypeError)):
        with pytest.raises(error):
            parse_address(mistake)


def test_after_a_time_of_single_connections_many_at_once_are_all_accepted(serve):
    handled = []
    server = serve(lambda sock, address: handled.append(address))
    clients = []

    def connect(count):
        new = [stdlib_socket.create_connection(server.address) for _ in range(count)]
        clients.extend(new)
        with gevent.Timeout(10):
            while len(handled) < len(clients):
                gevent.sleep(0.001)

    for _ in range(40):
        connect(1)
    connect(100)
    assert sorted(handled) == sorted(client.getsockname() for client in clients)
    for client in clients:
        client.close()


def test_what_is_changed_while_a_server_runs_counts_from_then_on(serve):
    server = serve(lambda sock, address: sock.sendall(b"first"))
    assert [_ask(server, b"") for _ in range(3)] == [b"first"] * 3
    server.set_handle(lambda sock, address: sock.sendall(b"second"))
    assert _ask(server, b"") == b"second"
    closed = []
    server.do_close = lambda sock, *args: (closed.append(args), sock.close())
    assert _ask(server, b"") == b"second" and len(closed) == 1
    server.set_spawn(Pool(1))
    assert _ask(server, b"") == b"second" and len(closed) == 2
    server.set_spawn(None)
    assert _ask(server, b"") == b"second" and len(closed) == 3


def test_a_server_that_is_dropped_after_its_end_leaves_nothing(serve):
    server = StreamServer(ANYWHERE, _echo)
    server.start()
    assert [_ask(server) for _ in range(3)] == [b"hello"] * 3
    listener = server.socket
    server.stop()
    gone = weakref.ref(server)
    gc.disable()
    try:
        del server
        assert gone() is None, gc.get_referrers(gone())
    finally:
        gc.enable()
    assert listener.fileno() == -1


def test_whoever_starts_handlers_may_stop_the_server_meanwhile(serve):
    started = []

    def start(function, *args):
        started.append(args)
        server.stop_accepting()
        return gevent.spawn(function, *args)

    server = serve(_echo, spawn=start)
    clients = [stdlib_socket.create_connection(server.address) for _ in range(3)]
    gevent.idle()  # the loop has looked, and has nothing left to do
    assert len(started) == 1
    for client in clients:
        client.close()


# ---- failures --------------------------------------------------------------------------------------------------------


def test_after_a_failure_the_server_pauses_and_goes_on(serve, errors):
    server = serve(_echo)
    accept, calls = server.do_read, []

    def failing():
        calls.append(1)
        if len(calls) < 3:
            raise OSError(errno.EMFILE, "too many")
        return accept()

    server.do_read = failing
    assert _ask(server) == b"hello"
    assert [each.errno for each in errors] == [errno.EMFILE] * 2
    assert server.delay == server.min_delay and server.started


@pytest.mark.parametrize("spawn", ["pool", "function"])
def test_a_connection_that_cannot_be_handed_on_is_closed_and_reported(serve, errors, spawn):
    failing = [True]

    def start(function, *args):
        if failing:
            failing.clear()
            raise RuntimeError("no greenlet for you")
        return gevent.spawn(function, *args)

    class Failing(Pool):
        spawn = staticmethod(start)

    server = serve(_echo, spawn=start if spawn == "function" else Failing(10))
    assert _ask(server, b"") == b""
    assert [str(each) for each in errors] == ["no greenlet for you"]
    assert _ask(server) == b"hello"


def test_a_broken_listener_ends_the_server(serve, errors, capsys):
    server = serve(_echo)

    def broken():
        raise OSError(errno.EBADF, "gone")

    server.do_read = broken
    waiting = gevent.spawn(server.serve_forever)
    gevent.spawn(_ask, server)  # which may fail
    waiting.join(5)
    assert waiting.ready() and server.closed and errors[0].errno == errno.EBADF  # the first thing that went wrong
    assert "failed with" in capsys.readouterr().err


def test_max_accept_must_be_positive():
    class Never(StreamServer):
        max_accept = 0

    with pytest.raises(ValueError, match="max_accept must be positive int"):
        Never(ANYWHERE, _echo)


# ---- the end ---------------------------------------------------------------------------------------------------------


def test_serving_for_ever_ends_when_somebody_stops_it(serve):
    server = StreamServer(ANYWHERE, _echo)
    assert not server.started and server.closed
    serving = gevent.spawn(server.serve_forever)
    gevent.sleep(0)
    assert server.started and _ask(server) == b"hello"
    server.stop()
    serving.get(timeout=5)
    with pytest.raises(ConnectionRefusedError):
        _ask(server)


def test_killing_who_serves_stops_the_server():
    server = StreamServer(ANYWHERE, _echo)
    serving = gevent.spawn(server.serve_forever)
    gevent.sleep(0)
    serving.kill()
    assert not server.started and server.closed


def test_stopping_waits_for_the_pool_and_then_kills(serve):
    begun, ended = Event(), []

    def handle(sock, _address):
        begun.set()
        try:
            Event().wait()
        finally:
            ended.append(sock)

    server = serve(handle, spawn=5)
    with socket.create_connection(server.address):
        assert begun.wait(timeout=10)
        server.stop(timeout=0.01)
    assert len(ended) == 1 and not server.pool


def test_a_server_can_stop_accepting_for_a_while(serve):
    server = serve(_echo)
    server.stop_accepting()
    asking = gevent.spawn(_ask, server)
    assert not asking.join(timeout=0.02) and not asking.ready()
    server.start_accepting()
    assert asking.get(timeout=5) == b"hello"


def test_a_server_tells_what_it_is(serve):
    server = serve(_echo)
    assert f"fileno={server.socket.fileno()}" in repr(server) and "handle=<function" in str(server)

    class Own(StreamServer):
        def handle(self, sock, address):
            pass

    own = Own(ANYWHERE)
    own.set_handle(own.handle)
    assert "handle=<bound method Own.handle of self>" in repr(own)
    with pytest.raises(NotImplementedError):
        BaseServer(ANYWHERE, _echo).do_read()


# ---- TLS and UDP -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["context", "the standard library's context", "files"])
def test_connections_may_be_encrypted(way, serve):
    import ssl as stdlib_ssl

    if way == "files":
        options = {"certfile": CERTIFICATE}
    else:
        context = (ssl if way == "context" else stdlib_ssl).SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        options = {"ssl_context": context}
    server = serve(_echo, **options)
    assert server.ssl_enabled
    clients = []
    for _ in range(2):  # one that blocked the hub would keep the other from its handshake
        plain = socket.create_connection(server.address, timeout=5)
        clients.append(ssl.create_default_context(cafile=CERTIFICATE).wrap_socket(plain, server_hostname="localhost"))
    for client in clients:
        client.sendall(b"secret")
        assert client.recv(100) == b"secret"
        client.close()


def test_messages_are_handled_one_greenlet_each(serve):
    class Echo(DatagramServer):
        def handle(self, data, address):
            gevent.sleep(0.001)
            self.sendto(data.upper(), address)

    server = serve(cls=Echo)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(server.address)
        for i in range(10):
            client.send(b"message %d" % i)
        assert {client.recv(100) for _ in range(10)} == {b"MESSAGE %d" % i for i in range(10)}


def test_a_child_that_abandons_its_hub_can_serve_at_an_inherited_listener():
    run_script("""
        import os
        import gevent
        from gevent import socket, _hub_local
        from gevent.server import StreamServer
        listener = socket.create_server(("127.0.0.1", 0))
        parent = StreamServer(listener, lambda sock, address: sock.sendall(b"parent"))
        parent.start()
        gevent.sleep(0)
        child = os.fork()
        if child == 0:
            _hub_local.abandon_hub_after_fork()
            with gevent.Timeout(10):
                server = StreamServer(listener, lambda sock, address: sock.sendall(b"child"))
                server.start()
                with socket.create_connection(listener.getsockname()) as client:
                    assert client.recv(10) == b"child"
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """)
