"""Responses in pieces come to the same whichever way a handler is used, byte by byte, call by call and in the log."""

import re
import sys
from pathlib import Path

import pytest

import gevent
from gevent import monkey

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wsgi_served import HANDLERS, Served, request  # noqa: E402


class Pieces:
    """An iterable that says when it is asked for a piece, and how often it was closed."""

    def __init__(self, pieces, close=None):
        self.iterator = iter(pieces)
        self.closed = 0
        self.on_close = close

    def __iter__(self):
        return self.iterator

    def close(self):
        self.closed += 1
        if self.on_close is not None:
            self.on_close()


class Sized(Pieces):
    def __len__(self):
        return 3


def generator(*pieces):
    yield from pieces


def failing(*pieces):
    yield from pieces
    raise RuntimeError("on purpose")


def failing_at_once():
    raise RuntimeError("on purpose")


LENGTH = [("Content-Length", "6")]
BODIES = {
    "a generator": (lambda: generator(b"ab", b"cd", b"ef"), []),
    "one piece": (lambda: generator(b"ab"), []),
    "no piece": (lambda: generator(), []),
    "empty pieces": (lambda: generator(b"", b"ab", b"", b"cd", b""), []),
    "nothing but empty pieces": (lambda: generator(b"", b""), []),
    "an iterator of a list": (lambda: iter([b"ab", b"cd", b"ef"]), []),
    "an iterator of a tuple": (lambda: iter((b"ab", b"", b"ef")), []),
    "an iterator of an empty list": (lambda: iter([]), []),
    "an iterator of much": (lambda: iter([b"x" * 30_000] * 20), []),
    "large pieces": (lambda: generator(b"x" * 100_000, b"y" * 17), []),
    "other buffers": (lambda: generator(b"ab", bytearray(b"cd"), memoryview(b"ef"), b"gh"), []),
    "another buffer first": (lambda: generator(bytearray(b"ab"), b"cd"), []),
    "no bytes": (lambda: generator(b"ab", "cd"), []),
    "no bytes at first": (lambda: generator("ab", b"cd"), []),
    "numbers": (lambda: generator(b"ab", 5), []),
    "a length that is kept": (lambda: generator(b"ab", b"cdef"), LENGTH),
    "a length that is kept by one piece": (lambda: generator(b"abcdef"), LENGTH),
    "a length that is not reached": (lambda: generator(b"ab", b"cd"), LENGTH),
    "a length and no piece": (lambda: generator(), LENGTH),
    "a length that is exceeded": (lambda: generator(b"abcd", b"efgh", b"ij"), LENGTH),
    "a length that is exceeded at once": (lambda: generator(b"abcdefgh"), LENGTH),
    "a length that is exceeded by a list": (lambda: iter([b"abcd", b"efgh", b"ij"]), LENGTH),
    "a length of nothing": (lambda: generator(b"ab"), [("Content-Length", "0")]),
    "an iterable of its own": (lambda: Pieces([b"ab", b"cd"]), []),
    "a sized iterable": (lambda: Sized([b"ab", b"cd"]), [("Content-Length", "4")]),
    "an iterable that cannot be closed": (lambda: Pieces([b"ab", b"cd"], failing_at_once), []),
    "an iterable that fails": (lambda: Pieces(failing(b"ab", b"cd")), []),
    "an iterable that fails at once": (lambda: Pieces(failing()), []),
    "an iterable that fails and cannot be closed": (lambda: Pieces(failing(b"ab"), failing_at_once), []),
    "an iterable that is killed": (lambda: Pieces(raising(gevent.GreenletExit)), []),
    "what is not iterable": (lambda: object(), []),
    "Connection: close": (lambda: generator(b"ab"), [("Connection", "close")]),
    "Connection: something else": (lambda: generator(b"ab"), [("Connection", "x")]),
    "a date": (lambda: generator(b"ab"), [("Date", "never")]),
    "chunks of the application's": (lambda: generator(b"2\r\nab\r\n0\r\n\r\n"), [("Transfer-Encoding", "chunked")]),
}


def raising(error):
    yield b"ab"
    raise error


def answered(way, application, sent):
    """Return all that can be seen of it: the answer, the log, the errors."""
    with Served(application, HANDLERS[way]) as it:
        answer = it.talk(sent)
        log = [re.sub(r"\[.*?\]| [\d.]+$", "", line.rstrip()) for line in it.log]
        reported = [repr(error) for _, error in it.reported]
        errors = [re.sub(r"<.*?>", "<>", line) for line in it.errors]
    return answer, log, reported, errors


def compared(make_application, sent):
    expected = answered("lines", make_application(), sent)
    assert answered("steps", make_application(), sent) == expected
    assert answered("plain", make_application(), sent) == expected
    return expected


@pytest.mark.parametrize("asked", ["", "Connection: close"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_in_pieces_comes_to_the_same(name, asked):
    make, headers = BODIES[name]
    made = []

    def application(environ, start_response):
        start_response("200 OK", headers)
        if environ["PATH_INFO"] == "/next":
            return [b"next"]
        made.append(make())
        return made[-1]

    first = request("/", asked) if asked else request()
    answer, *_ = compared(lambda: application, first + request("/next", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 ")
    assert {each.closed for each in made if isinstance(each, Pieces)} <= {1}


def late(_environ, start_response):
    start_response("201 Created", [("X", "y")])
    yield b"ab"
    yield b"cd"


def never(_environ, _start_response):
    yield b"ab"


def never_anything(_environ, _start_response):
    yield from ()


def without_body(_environ, start_response):
    start_response("204 No Content", [])
    yield b""


def a_body_that_must_not_be(_environ, start_response):
    start_response("204 No Content", [])
    yield b"ab"


def writing_before(_environ, start_response):
    start_response("200 OK", [])(b"ab")
    yield b"cd"


def writing_between(_environ, start_response):
    write = start_response("200 OK", [])
    yield b"ab"
    write(b"cd")
    yield b"ef"
    write(b"gh")


def writing_between_with_a_length(_environ, start_response):
    write = start_response("200 OK", LENGTH)
    yield b"ab"
    write(b"cd")
    yield b"efgh"


def writing_at_the_end(_environ, start_response):
    write = start_response("200 OK", [])
    yield b"ab"
    write(b"cd")


def changing_its_mind(_environ, start_response):
    start_response("200 OK", [])
    try:
        raise RuntimeError("on purpose")
    except RuntimeError:
        start_response("500 Sorry", [("X", "y")], sys.exc_info())
    yield b"ab"


def changing_its_mind_too_late(_environ, start_response):
    start_response("200 OK", [])
    yield b"ab"
    try:
        raise RuntimeError("on purpose")
    except RuntimeError:
        start_response("500 Sorry", [("X", "y")], sys.exc_info())
    yield b"cd"


def saying_it_twice(_environ, start_response):
    start_response("200 OK", LENGTH)
    start_response("201 Created", [])
    yield b"ab"


def reading_late(environ, start_response):
    start_response("200 OK", [])
    yield b"ab"
    yield environ["wsgi.input"].read()


APPLICATIONS = [
    late,
    never,
    never_anything,
    without_body,
    a_body_that_must_not_be,
    writing_before,
    writing_between,
    writing_between_with_a_length,
    writing_at_the_end,
    changing_its_mind,
    changing_its_mind_too_late,
    saying_it_twice,
    reading_late,
]


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_that_is_a_generator_comes_to_the_same(application):
    body = request("/", "Content-Length: 5", method="POST", body=b"hello")
    compared(lambda: application, body + request("/", "Connection: close"))


@pytest.mark.parametrize("way", HANDLERS)
def test_a_piece_is_sent_before_the_next_is_made(way):
    go_on = gevent.event.Event()

    def application(_environ, start_response):
        start_response("200 OK", [])
        yield b"first"
        go_on.wait()
        yield b"second"

    with Served(application, HANDLERS[way]) as it, it.connect() as client, gevent.Timeout(20):
        client.sendall(request())
        answer = b""
        while b"first" not in answer:
            answer += client.recv(65536)
        assert b"second" not in answer
        go_on.set()
        while not answer.endswith(b"0\r\n\r\n"):
            answer += client.recv(65536)
        assert answer.endswith(b"\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n")


@pytest.mark.parametrize("way", HANDLERS)
@pytest.mark.parametrize("headers", [[], [("Content-Length", "8")]], ids=["chunks", "a length"])
def test_pieces_that_come_quickly_are_sent_before_the_application_waits(way, headers):
    turn = gevent.event.Event()

    def application(_environ, start_response):
        start_response("200 OK", headers)
        yield from (b"ab", b"cd", b"ef")
        turn.wait()
        yield b"gh"

    with Served(application, HANDLERS[way]) as it, it.connect() as client, gevent.Timeout(20):
        for _ in range(4):  # later ones may be held back from their first piece on
            client.sendall(request())
            answer = b""
            while b"ef" not in answer:
                answer += client.recv(65536)
            assert b"gh" not in answer
            turn.set()
            while not answer.endswith(b"gh" if headers else b"0\r\n\r\n"):
                answer += client.recv(65536)
            turn.clear()


def test_pieces_that_come_quickly_are_sent_though_the_application_blocks_the_thread():
    Lock, RealSocket = monkey.get_original("_thread", "allocate_lock"), monkey.get_original("socket", "socket")
    received = Lock()
    received.acquire()

    def application(_environ, start_response):
        start_response("200 OK", [])
        yield from (b"ab", b"cd", b"ef")
        assert received.acquire(timeout=20)  # in vain, if nothing leaves meanwhile
        yield b"gh"

    def receive(port):
        with RealSocket() as client:
            client.settimeout(20)
            client.connect(("127.0.0.1", port))
            for _ in range(4):
                client.sendall(request())
                answer = b""
                while b"ef" not in answer:
                    answer += client.recv(65536)
                received.release()
                while not answer.endswith(b"0\r\n\r\n"):
                    answer += client.recv(65536)
        return answer

    with Served(application) as it, gevent.Timeout(60):
        answer = gevent.get_hub().threadpool.apply(receive, (it.server.server_port,))
        assert answer.endswith(b"2\r\nef\r\n2\r\ngh\r\n0\r\n\r\n")
        assert not it.reported


@pytest.mark.parametrize("way", HANDLERS)
def test_a_client_that_leaves_ends_a_response_without_end(way):
    made = []

    def application(_environ, start_response):
        start_response("200 OK", [])
        made.append(Pieces(iter(lambda: b"x" * 10_000, None)))
        return made[0]

    with Served(application, HANDLERS[way]) as it, gevent.Timeout(20):
        with it.connect() as client:
            client.sendall(request())
            client.recv(65536)
        while not it.log:
            gevent.sleep(0.01)
        assert made[0].closed == 1
        assert "socket error" in it.log[0] and not it.reported


@pytest.mark.parametrize("way", HANDLERS)
def test_a_response_without_end_keeps_nobody_waiting(way):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"] if environ["PATH_INFO"] == "/" else iter(lambda: b"x", None)

    with Served(application, HANDLERS[way]) as it, it.connect() as endless, it.connect() as client, gevent.Timeout(20):
        endless.sendall(request("/endless"))
        receiving = gevent.spawn(lambda: [endless.recv(1 << 20) for _ in range(10**9)])
        for _ in range(5):
            client.sendall(request())
            assert client.recv(65536).endswith(b"hello")
        receiving.kill()
