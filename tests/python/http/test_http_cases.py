"""A table of requests, each read whole, byte by byte and cut at random, by each of the three ways of using a handler,
with a reader of our own, and without a handler.

Nothing is on a network: the handler is given the pieces in which the bytes arrive.
"""

import functools
import io
import random
import re

import connection_cases
import desync_cases
import fields_cases
import framing_cases
import lines_cases
import pytest
from cases import title
from gevent._native.http import Reader

import gevent
from gevent import pywsgi, socket

TABLES = (lines_cases, fields_cases, framing_cases, connection_cases, desync_cases)
CASES = [case for table in TABLES for case in table.CASES]
BEHIND = b"GET /behind HTTP/1.1\r\nHost: behind\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class StepReplaced(pywsgi.WSGIHandler):
    def get_environ(self):
        return super().get_environ()


class LineByLine(pywsgi.WSGIHandler):
    def read_requestline(self):
        return super().read_requestline()


HANDLERS = {"plain": pywsgi.WSGIHandler, "steps": StepReplaced, "lines": LineByLine}


class Pieces(io.RawIOBase):
    """What arrives, piece by piece."""

    def __init__(self, pieces):
        self.pieces = list(pieces)

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self.pieces:
            return 0
        piece = self.pieces.pop(0)
        if len(piece) > len(buffer):
            self.pieces.insert(0, piece[len(buffer) :])
            piece = piece[: len(buffer)]
        buffer[: len(piece)] = piece
        return len(piece)


class Connection:
    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.sent = b""

    def makefile(self, *_args):
        return io.BufferedReader(Pieces(self.pieces))

    def sendall(self, data):
        self.sent += bytes(data)

    def settimeout(self, seconds):
        pass

    def recv(self, _size):
        return b""


class Log(list):
    write = list.append


class Application:
    def __init__(self):
        self.executed = []

    def __call__(self, environ, start_response):
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        words = [environ["REQUEST_METHOD"], f"{path}?{query}"]
        if not environ["wsgi.input_terminated"]:
            words.append("raw")
        elif path != "/ignored":
            try:
                body = environ["wsgi.input"].read()
            except OSError:
                self.executed.append(" ".join([*words, "broken"]))
                raise
            if body:
                words.append(repr(body))
        for name in ("host", "x"):
            words += [name, environ[f"HTTP_{name.upper()}"]] if f"HTTP_{name.upper()}" in environ else []
        self.executed.append(" ".join(words))
        start_response("200 OK", [])
        return [b"ok"]


class Received(Connection):
    """The same for our own reader, which receives by itself."""

    def recv(self, size):
        buffer = bytearray(size)
        return bytes(buffer[: Pieces.readinto(self, buffer)])


def handled(handler_class, server, pieces):
    """Return what comes back when a handler is given `pieces`."""
    connection = Connection(pieces)
    handler_class(connection, ("127.0.0.1", 1), server).handle()
    return connection.sent


def read_by_ourselves(server, pieces):
    """The same, with our own reader."""
    connection = Received(pieces)
    pywsgi.WSGIHandler(connection, ("127.0.0.1", 1), server, Reader(connection)).handle()
    return connection.sent


def served_directly(server, pieces):
    """The same, by a connection that has no handler until it needs one."""
    if server._serving is None:
        pywsgi.WSGIHandler(Connection([]), ("127.0.0.1", 1), server)  # the first connection finds the way
    assert server._serving.direct
    client, connection = socket.socketpair()
    serving = gevent.spawn(server.handle, connection, ("127.0.0.1", 1))
    serving.rawlink(lambda _: connection.close())
    receiving = gevent.spawn(received, client)
    try:
        for piece in pieces:
            client.sendall(piece)
            gevent.sleep(0)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it was closed before all was sent
    with gevent.Timeout(20):
        gevent.joinall([serving, receiving], raise_error=True)
    client.close()
    return receiving.value


def received(client):
    answer = b""
    try:
        while data := client.recv(65536):
            answer += data
    except ConnectionResetError:
        pass
    return answer


WAYS = {name: functools.partial(handled, handler) for name, handler in HANDLERS.items()}
WAYS["own reader"] = read_by_ourselves
WAYS["no handler"] = served_directly


def converse(way, pieces):
    """Return what was executed, the statuses of the answers, and the lines in the error log."""
    application, errors = Application(), Log()
    server = pywsgi.WSGIServer(("127.0.0.1", 0), application, log=None, error_log=errors)
    answers = way(server, pieces).replace(CONTINUE, b"")
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d\d\d) ", answers)]
    return application.executed, statuses, errors


def cuts(whole, seed):
    """The ways in which `whole` arrives."""
    yield [whole]
    if len(whole) <= 4000:
        yield [whole[i : i + 1] for i in range(len(whole))]
    chance = random.Random(seed)
    for count in (1, 3, 10):
        places = sorted(chance.randrange(len(whole)) for _ in range(count))
        yield [
            piece for piece in (whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)) if piece
        ]


def without_host(executed):
    """What a case says of the default Host, nothing, is what is compared."""
    return [words.replace(" host h x ", " x ").removesuffix(" host h") for words in executed]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES, ids=title)
def test_a_request_comes_to_the_same_however_it_arrives(case, way):
    expected = list(case.executed)
    if case.kept:
        expected.append("GET /behind? host behind")
    whole = case.sent if case.ends else case.sent + BEHIND
    for pieces in cuts(whole, case.name):
        executed, statuses, errors = converse(WAYS[way], pieces)
        assert without_host(executed) == expected, pieces[:5]
        if case.status != 200:
            assert statuses[-1] == case.status
            assert len(errors) == 1 and len(errors[0]) < 400
        else:
            assert set(statuses) == {200}
            assert not errors


def test_the_table_is_a_table():
    assert len(CASES) >= 300
    assert len({title(case) for case in CASES}) == len(CASES)
