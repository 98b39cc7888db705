"""Connections that are to be TLS, and clients that do not get that far."""

import ssl
import struct
import sys
import time
from pathlib import Path

import gevent
from gevent import socket, ssl as gevent_ssl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wsgi_served import Served, hello, request  # noqa: E402

CERTIFICATE = str(Path(__file__).resolve().parents[1] / "data" / "localhost.pem")


def served(**arguments):
    return Served(hello, certfile=CERTIFICATE, keyfile=CERTIFICATE, **arguments)


def encrypted(sock):
    context = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def until_closed(client):
    with gevent.Timeout(20):
        try:
            while client.recv(65536):
                pass
        except ConnectionResetError:
            pass


def until_written(it):
    with gevent.Timeout(20):
        while not it.errors:
            gevent.sleep(0.01)


def test_a_client_that_never_begins_its_handshake_is_left():
    with served(handshake_timeout=0.3) as it, it.connect() as client:
        until_closed(client)
        until_written(it)
        assert len(it.errors) == 1 and "the TLS handshake takes too long" in it.errors[0]
        assert not it.reported and not it.server._connections._open


def test_a_client_that_sends_its_handshake_in_drops_is_left():
    with served(handshake_timeout=0.3) as it, it.connect() as client:

        def drip():
            # A record of 512 bytes, which never becomes whole.
            for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500):
                client.sendall(bytes([byte]))
                gevent.sleep(0.02)

        dripping = gevent.spawn(drip)
        until_closed(client)
        dripping.kill()
        until_written(it)
        assert "the TLS handshake takes too long" in it.errors[0] and not it.reported


def test_a_handshake_that_is_over_is_no_more_in_a_hurry():
    with served(handshake_timeout=0.2, idle_timeout=None) as it, encrypted(it.connect()) as client:
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            client.sendall(request())
            with gevent.Timeout(20):
                assert client.recv(65536).startswith(b"HTTP/1.1 200")
            gevent.sleep(0.25)
        assert not it.errors


def test_others_shake_hands_meanwhile():
    with served(handshake_timeout=None) as it, it.connect(), it.connect() as half:
        half.sendall(b"\x16\x03\x01")
        with gevent.Timeout(20), encrypted(it.connect()) as client:
            client.sendall(request())
            assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_what_is_no_handshake_costs_a_line_and_no_traceback():
    with served() as it:
        for sent in (request(), b"", b"\x16\x03\x01", b"\x1b[31m\r\n"):
            del it.errors[:]
            with it.connect() as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                until_closed(client)
            until_written(it)
            assert len(it.errors) == 1 and it.errors[0].count("\n") == 1 and "\x1b" not in it.errors[0]
        assert not it.reported


def test_a_server_that_stops_does_not_wait_for_a_handshake():
    with served(handshake_timeout=None) as it, it.connect() as client:
        with gevent.Timeout(20):
            while not it.server._connections._open:
                gevent.sleep(0.01)
            it.server.stop(timeout=1000)
        until_closed(client)


def test_a_handshake_that_was_put_off_has_the_same_limit():
    with served(handshake_timeout=0.3, do_handshake_on_connect=False) as it:
        with it.connect() as client:
            until_closed(client)
            until_written(it)
        assert len(it.errors) == 1 and "the TLS handshake takes too long" in it.errors[0]
        with gevent.Timeout(20), encrypted(it.connect()) as client:
            client.sendall(request())
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        assert not it.reported


def test_a_server_that_stops_knows_of_a_connection_that_no_handler_has_yet():
    """Between a handshake and the beginning of its requests."""
    shaken, go_on = gevent.event.Event(), gevent.event.Event()
    with served() as it:
        handle = it.server.handle

        def late(sock, address):
            shaken.set()
            go_on.wait()
            handle(sock, address)

        it.server.handle = late
        with gevent.Timeout(20), encrypted(it.connect()) as client:
            client.sendall(request())
            shaken.wait()
            stopping = gevent.spawn(it.server.stop, 10)
            gevent.sleep(0)
            assert not stopping.ready()
            go_on.set()
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200") and b"Connection: close\r\n" in answer
            stopping.join()
        assert not it.server._connections._open and not it.server._connections._handshakes


def test_a_client_that_leaves_in_the_middle_costs_no_traceback():
    def endless(_environ, start_response):
        start_response("200 OK", [])
        return iter(lambda: b"x" * 10_000, None)

    with Served(endless, certfile=CERTIFICATE, keyfile=CERTIFICATE) as it:
        for end in ("close", "shutdown", "reset"):
            with encrypted(it.connect()) as client, gevent.Timeout(20):
                client.sendall(request())
                client.recv(65536)
                if end == "shutdown":
                    client.shutdown(socket.SHUT_RDWR)
                elif end == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with gevent.Timeout(20):
                while not it.log:
                    gevent.sleep(0.01)
            assert "socket error" in it.log.pop()
        assert not it.reported and not it.errors


def test_a_client_that_ends_its_encryption_in_the_middle_costs_no_traceback():
    def reading(environ, start_response):
        environ["wsgi.input"].read()
        start_response("200 OK", [])
        return []

    with Served(reading, certfile=CERTIFICATE, keyfile=CERTIFICATE) as it, it.connect() as plain:
        with encrypted(plain.dup()) as client:
            client.sendall(request("/", "Content-Length: 100", method="POST", body=b"x"))
            plain.sendall(b"this is no TLS" * 10)
            until_closed(plain)
        with gevent.Timeout(20):
            while not it.log:
                gevent.sleep(0.01)
        assert not it.reported and len(it.errors) <= 1


def test_an_error_of_encryption_that_is_the_applications_is_reported():
    def failing(_environ, _start_response):
        raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "somebody else")

    with Served(failing, certfile=CERTIFICATE, keyfile=CERTIFICATE) as it, encrypted(it.connect()) as client:
        client.sendall(request())
        with gevent.Timeout(20):
            assert client.recv(65536).startswith(b"HTTP/1.1 500")
        assert len(it.reported) == 1
