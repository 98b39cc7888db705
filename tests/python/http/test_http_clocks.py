"""Clients that take their time, and servers that stop."""

import socket as plain_socket
import sys
from pathlib import Path

import pytest

import gevent
from gevent import socket

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wsgi_served import CHUNKED, HANDLERS, REFUSED, Served, echo, hello, request  # noqa: E402

LATE = REFUSED.replace(b"400 Bad Request", b"408 Request Timeout")


@pytest.fixture(params=HANDLERS)
def served(request):
    return lambda application, **arguments: Served(application, HANDLERS[request.param], **arguments)


def until_closed(client):
    with gevent.Timeout(20):
        answer = b""
        while data := client.recv(65536):
            answer += data
    return answer


def status(answer):
    return answer.split(b"\r\n")[0]


def test_a_head_that_takes_too_long_is_answered_with_408_although_bytes_keep_coming(served):
    with served(hello, head_timeout=0.3) as it, it.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: ")

        def drip():
            while True:
                client.sendall(b"y")
                gevent.sleep(0.02)

        dripping = gevent.spawn(drip)
        try:
            assert status(until_closed(client)) == status(LATE)
        except ConnectionResetError:
            pass  # bytes were on their way when it was closed
        dripping.kill()
        assert "the head takes too long" in it.errors[0] or "ends early" in it.errors[0]
        assert '" 408 ' in it.log[0]


def test_a_connection_on_which_nothing_is_asked_ends_without_a_word(served):
    with served(hello, idle_timeout=0.3) as it, it.connect() as client:
        assert until_closed(client) == b""
        with it.connect() as other:
            other.sendall(request())
            assert until_closed(other).endswith(b"hello /")
        assert not it.errors


def test_without_limits_nobody_is_hurried(served):
    with served(hello, head_timeout=None) as it, it.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        gevent.sleep(0.3)
        client.sendall(b"Host: h\r\nConnection: close\r\n\r\n")
        assert until_closed(client).endswith(b"hello /")


@pytest.mark.parametrize("framing, body", [("Content-Length: 100", b"x"), (CHUNKED, b"64\r\nx")])
def test_a_body_that_does_not_come_is_answered_with_408(served, framing, body):
    with served(echo, body_rate_min=1000, body_grace=0.3) as it, it.connect() as client:
        client.sendall(request("/", framing, method="POST", body=body))
        assert status(until_closed(client)) == status(LATE)
        assert not it.reported and "the body takes too long" in it.errors[0]


def test_a_client_that_takes_nothing_is_left(served):
    def application(_environ, start_response):
        start_response("200 OK", [])
        return [b"x" * 50_000_000]

    with served(application, send_timeout=0.3) as it, it.connect() as client:
        client.sendall(request())
        with gevent.Timeout(20):
            while not it.log:
                gevent.sleep(0.02)
        assert not it.reported


def test_a_server_that_stops_lets_a_request_end_and_says_that_it_is_the_last(served):
    begun, go_on = gevent.event.Event(), gevent.event.Event()

    def application(_environ, start_response):
        begun.set()
        go_on.wait()
        start_response("200 OK", [])
        return [b"done"]

    with served(application) as it, it.connect() as idle, it.connect() as busy:
        busy.sendall(request() * 2)
        begun.wait()
        stopping = gevent.spawn(it.server.stop, 10)
        assert until_closed(idle) == b""
        with pytest.raises(ConnectionRefusedError):
            it.connect()
        assert not stopping.ready()
        go_on.set()
        answer = until_closed(busy)
        assert answer.count(b"HTTP/1.1 200") == 1
        assert b"Connection: close\r\n" in answer and answer.endswith(b"done")
        stopping.join(10)
        assert stopping.successful()


def test_a_server_that_stops_cuts_what_does_not_end_in_time(served):
    begun = gevent.event.Event()

    def application(environ, start_response):
        begun.set()
        return echo(environ, start_response)

    with served(application) as it, it.connect() as client:
        client.sendall(request("/", "Content-Length: 5", method="POST"))
        begun.wait()
        with gevent.Timeout(20):
            it.server.stop(0.1)
            until_closed(client)


def test_a_request_may_stop_its_server(served):
    def application(_environ, start_response):
        it.server.stop()
        start_response("200 OK", [])
        return [b"stopped"]

    with served(application) as it, it.connect() as client:
        client.sendall(request())
        answer = until_closed(client)
        assert answer.endswith(b"stopped") and b"Connection: close\r\n" in answer


def test_others_are_served_while_one_connection_has_much_to_say(served):
    """Ten thousand requests in one go, and chunks of one byte."""
    with served(echo) as it, it.connect() as client, it.connect() as other:
        many = request() * 10_000
        chunks = request("/", CHUNKED, method="POST", body=b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
        for flood in (many, chunks):
            sending = gevent.spawn(client.sendall, flood)
            receiving = gevent.spawn(lambda: [client.recv(1 << 20) for _ in range(2)])
            gevent.sleep(0)
            turns = []
            for _ in range(5):
                other.sendall(request())
                with gevent.Timeout(10):
                    assert other.recv(65536).startswith(b"HTTP/1.1 200")
                turns.append(len(it.log))
            sending.kill()
            receiving.kill()


def test_a_connection_more_than_allowed_waits_for_another_to_end():
    with Served(hello, connections_max=1) as it, it.connect() as first:
        first.sendall(request())
        first.recv(65536)
        with it.connect() as second:
            second.sendall(request("/second", "Connection: close"))
            second.settimeout(0.2)
            with pytest.raises(socket.timeout):
                second.recv(65536)
            first.close()
            second.settimeout(10)
            assert until_closed(second).endswith(b"hello /second")


def test_a_handler_that_handles_by_itself_leaves_nothing_behind():
    from gevent import pywsgi

    class Own(pywsgi.WSGIHandler):
        def handle(self):
            while self.handle_one_request():
                pass
            self.rfile.close()

    with Served(hello, Own, idle_timeout=0.1) as it:
        assert it.talk(request()).endswith(b"hello /")
        assert not it.server._connections._open


def test_a_connection_that_is_no_descriptor_has_no_clock():
    from gevent import pywsgi

    class Fake:
        def makefile(self, *_args):
            return plain_socket.socketpair()[0].makefile("rb")

    server = pywsgi.WSGIServer(("127.0.0.1", 0), hello, log=None)
    assert pywsgi.WSGIHandler(Fake(), ("127.0.0.1", 1), server)._clock.expired is False
