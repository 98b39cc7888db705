"""TLS sockets: green with whatever context, and as careful as the standard library's."""

import errno
import os
import ssl as stdlib_ssl
from pathlib import Path

import pytest
from scripts import run_script

import gevent
from gevent import socket, ssl
from gevent.event import AsyncResult

CERTIFICATE = str(Path(__file__).parent / "data" / "localhost.pem")


@pytest.fixture(autouse=True)
def _quiet_failures():
    hub = gevent.get_hub()
    known, hub.NOT_ERROR = hub.NOT_ERROR, (*hub.NOT_ERROR, OSError)
    yield
    hub.NOT_ERROR = known


def _server_context(cls=ssl.SSLContext):
    context = cls(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def _client_context():
    return ssl.create_default_context(cafile=CERTIFICATE)


@pytest.fixture
def connected():
    """A client and a server that have shaken hands."""
    plain = socket.socketpair()
    serving = gevent.spawn(_server_context().wrap_socket, plain[0], server_side=True)
    client = _client_context().wrap_socket(plain[1], server_hostname="localhost")
    server = serving.get(timeout=10)
    yield client, server
    client.close()
    server.close()


def test_contexts_are_green_without_patching():
    for make in (ssl.create_default_context, ssl._create_unverified_context, ssl._create_default_https_context):
        context = make()
        assert type(context) is ssl.SSLContext and context.sslsocket_class is ssl.SSLSocket
    assert stdlib_ssl.create_default_context().sslsocket_class is stdlib_ssl.SSLSocket


def test_messages_go_both_ways_and_waiting_lets_others_run(connected):
    client, server = connected
    assert client.version() and client.cipher() and client.getpeercert()["subject"]
    received = gevent.spawn(server.recv, 100)
    gevent.sleep(0)
    client.sendall(b"hello")
    assert received.get(timeout=5) == b"hello"
    server.send(memoryview(b"world"))
    buffer = bytearray(10)
    assert client.recv_into(buffer) == 5 and buffer[:5] == b"world"
    server.sendall(b"in pieces")
    assert client.recv_into(buffer, 2) == 2 and client.pending() == 7 and client.read(100) == b" pieces"


def _ask_often(client, server):
    def answer():
        while data := server.recv(1000):
            server.sendall(data)

    gevent.spawn(answer)
    for i in range(100):
        client.sendall(b"%d" % i)
        assert client.recv(1000) == b"%d" % i


def test_many_questions_and_answers(connected):
    client, server = connected
    _ask_often(client, server)
    server.shutdown(socket.SHUT_RDWR)


def test_a_socket_that_was_often_empty_still_reads_in_hub_callbacks(connected):
    client, server = connected
    _ask_often(client, server)
    server.sendall(b"for the hub")
    received = AsyncResult()
    gevent.get_hub().loop.run_callback(lambda: received.set(client.recv(1000)))
    assert received.get(timeout=5) == b"for the hub"


def test_large_data_comes_through(connected):
    client, server = connected
    data = os.urandom(3_000_000)
    sending = gevent.spawn(client.sendall, memoryview(data))
    received = b""
    while len(received) < len(data):
        received += server.recv(1_000_000)
    assert sending.get(timeout=5) is None and received == data


def test_files_are_sent_and_made(connected, tmp_path):
    client, server = connected
    (tmp_path / "file").write_bytes(b"line\n" * 1000)
    with open(tmp_path / "file", "rb") as source, server.makefile("rb") as arriving:
        sending = gevent.spawn(client.sendfile, source)
        assert [arriving.readline() for _ in range(1000)] == [b"line\n"] * 1000
        assert sending.get(timeout=5) == 5000


def test_timeouts_name_the_operation(connected):
    client, _ = connected
    client.settimeout(0.01)
    with pytest.raises(socket.timeout, match="The read operation timed out"):
        client.recv(1)
    with pytest.raises(socket.timeout, match="The write operation timed out"):
        client.sendall(b"x" * 10_000_000)
    one, other = socket.socketpair()
    other.settimeout(0.01)
    with pytest.raises(socket.timeout, match="The handshake operation timed out"):
        _client_context().wrap_socket(other, server_hostname="localhost")
    one.close()


def test_without_blocking_the_wishes_of_tls_are_errors(connected):
    client, server = connected
    client.setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        while True:  # a session ticket may be there
            client.recv(1)
    with pytest.raises(ssl.SSLWantWriteError):
        client.sendall(b"x" * 10_000_000)
    one, other = socket.socketpair()
    other.setblocking(False)
    with pytest.raises(ValueError):
        _client_context().wrap_socket(other, server_hostname="localhost")
    one.close()


def test_closing_ends_the_waits_of_others(connected):
    client, server = connected
    waiting = gevent.spawn(server.recv, 1)
    gevent.sleep(0)
    server.close()
    with pytest.raises(OSError) as caught:
        waiting.get(timeout=5)
    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize("and_then", ["nothing", "close"])
def test_shutting_down_ends_the_waits_of_others_quietly(connected, and_then):
    client, server = connected
    _ask_often(client, server)
    waiting = gevent.spawn(client.recv, 1)
    gevent.sleep(0)
    client.shutdown(socket.SHUT_RDWR)
    if and_then == "close":
        client.close()
    if and_then == "nothing" and stdlib_ssl.OPENSSL_VERSION_INFO >= (3, 6):
        # It answers the end with an alert, which cannot be sent: the standard library's threads are told so, too.
        with pytest.raises(BrokenPipeError):
            waiting.get(timeout=5)
    else:
        assert waiting.get(timeout=5) == b""


def test_who_is_woken_before_a_close_does_not_read_what_has_the_number_afterwards(connected):
    client, server = connected
    number, others = server.fileno(), []
    signal, sign = os.pipe()

    def close_and_open_others():
        socket.wait_read(signal)
        server.close()
        while not any(number in (each.fileno() for each in pair) for pair in others):
            others.append(socket.socketpair())
            for each in others[-1]:
                each.sendall(b"for somebody else")

    closing, waiting = gevent.spawn(close_and_open_others), gevent.spawn(server.recv, 1)
    gevent.sleep(0)
    os.write(sign, b"x")  # one turn of the loop finds both events, this one first
    client.sendall(b"too late")
    closing.join()
    os.close(signal)
    os.close(sign)
    with pytest.raises(OSError):
        waiting.get(timeout=5)
    for one, other in others:
        assert one.recv(100) == other.recv(100) == b"for somebody else"
        one.close()
        other.close()


def test_unwrapping_returns_to_plain_text(connected):
    client, server = connected
    other = gevent.spawn(server.unwrap)
    plain = client.unwrap()
    assert other.get(timeout=5) is server and plain is client
    plain.sendall(b"plain")
    assert server.recv(10) == b"plain"
    with pytest.raises(ValueError):
        client.unwrap()


def test_the_wrapped_socket_gives_up_its_descriptor():
    one, other = socket.socketpair()
    fd = other.fileno()
    wrapped = _client_context().wrap_socket(other, server_hostname="localhost", do_handshake_on_connect=False)
    assert other.fileno() == -1 and wrapped.fileno() == fd
    wrapped.close()
    assert one.recv(1) == b""
    one.close()


def test_a_name_that_does_not_match_is_refused():
    one, other = socket.socketpair()
    gevent.spawn(_server_context().wrap_socket, one, server_side=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        _client_context().wrap_socket(other, server_hostname="elsewhere.example")
    one, other = socket.socketpair()
    with one, other, pytest.raises(ValueError, match="check_hostname requires server_hostname"):
        _client_context().wrap_socket(other)


def test_what_was_sent_before_the_handshake_is_no_secret_of_ours():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        with pytest.raises(OSError):
            _server_context().wrap_socket(accepted, server_side=True)


def test_listening_and_connecting_sockets_may_be_wrapped_first():
    with socket.create_server(("127.0.0.1", 0)) as plain, _server_context().wrap_socket(plain, server_side=True) as tls:
        accepting = gevent.spawn(tls.accept)
        with _client_context().wrap_socket(socket.socket(), server_hostname="localhost") as client:
            client.connect(tls.getsockname())
            accepted, address = accepting.get(timeout=5)
            with accepted:
                assert type(accepted) is ssl.SSLSocket and address == client.getsockname()
                accepted.sendall(b"hello")
                assert client.recv(10) == b"hello"
                with pytest.raises(ValueError):
                    client.connect(tls.getsockname())


def test_what_makes_no_sense_with_tls_is_refused(connected):
    client, _ = connected
    for call in (lambda: client.recv(1, 2), lambda: client.send(b"x", 2), lambda: client.recvfrom(1),
                 lambda: client.sendto(b"x", ("127.0.0.1", 1))):  # fmt: skip
        with pytest.raises(ValueError):
            call()
    for call in (client.dup, lambda: client.recvmsg(1), lambda: client.sendmsg([b"x"])):
        with pytest.raises(NotImplementedError):
            call()


def test_the_certificate_of_a_server_can_be_fetched():
    with socket.create_server(("127.0.0.1", 0)) as plain, _server_context().wrap_socket(plain, server_side=True) as tls:
        gevent.spawn(tls.accept)
        assert ssl.get_server_certificate(tls.getsockname()).startswith("-----BEGIN CERTIFICATE-----")


def test_settings_of_contexts_work_when_patched():
    run_script("""
        from gevent import monkey
        monkey.patch_all()
        import ssl
        context = ssl.create_default_context()
        context.options |= ssl.OP_NO_TLSv1_3
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        assert context.options & ssl.OP_NO_TLSv1_3 and context.verify_mode is ssl.CERT_NONE
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert type(context) is ssl.SSLContext and context.sslsocket_class is ssl.SSLSocket
    """)


def test_contexts_from_before_patching_can_be_set_and_wait_for_their_sockets():
    result = run_script(
        """
        import ssl, sys, warnings
        from ssl import SSLContext, create_default_context

        class Derived(SSLContext):
            pass

        early = [create_default_context(), SSLContext(ssl.PROTOCOL_TLS_CLIENT), Derived(ssl.PROTOCOL_TLS_CLIENT)]
        warnings.simplefilter("ignore")
        from gevent import monkey
        monkey.patch_all()
        import socket, threading, time
        late = [SSLContext(ssl.PROTOCOL_TLS_CLIENT), Derived(ssl.PROTOCOL_TLS_CLIENT), create_default_context()]
        server = SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(sys.argv[1])
        for context in early + late:
            assert isinstance(context, ssl.SSLContext), context
            context.options |= ssl.OP_NO_COMPRESSION
            context.verify_flags |= ssl.VERIFY_X509_TRUSTED_FIRST
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            ticks = []

            def serve(plain):
                with server.wrap_socket(plain, server_side=True) as connection:
                    before = len(ticks)
                    while len(ticks) < before + 3:
                        time.sleep(0.001)
                    connection.sendall(connection.recv(10))

            def tick():
                while True:
                    ticks.append(1)
                    time.sleep(0.001)

            ours, theirs = socket.socketpair()
            threading.Thread(target=tick, daemon=True).start()
            threading.Thread(target=serve, args=(theirs,), daemon=True).start()
            with context.wrap_socket(ours) as connection:
                assert isinstance(connection, ssl.SSLSocket)
                connection.sendall(b"hello")
                assert connection.recv(10) == b"hello", context
        """,
        CERTIFICATE,
    )
    assert result.stderr == ""
