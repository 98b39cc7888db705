"""Feeds requests made at random to a handler: whole and cut, in each way of using one, they must come to the same.

Usage: http_fuzz.py SECONDS [SEED]. Prints how many were tried; exit status 1 and the bytes if something differs.
"""

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python" / "http"))
from test_http_cases import CASES, WAYS, Log  # noqa: E402

from gevent import pywsgi  # noqa: E402

WORDS = [
    b"\r\n",
    b"\n",
    b"\r",
    b":",
    b" ",
    b"\t",
    b"0\r\n\r\n",
    b"Host: h\r\n",
    b"Content-Length: 5\r\n",
    b";a=b",
    b'"',
    b",",
]
WORDS += [
    b"Transfer-Encoding: chunked\r\n",
    b"GET / HTTP/1.1\r\n",
    b"Connection: close\r\n",
    b"\0",
    b"\x80",
    b"%",
    b"Expect: 100-continue\r\n",
]
LONGEST = 3000


class Application:
    """Writes down all that there is to know about a request."""

    def __init__(self):
        self.seen = []

    def __call__(self, environ, start_response):
        facts = sorted((name, value) for name, value in environ.items() if isinstance(value, str))
        body = None
        if environ["wsgi.input_terminated"]:
            try:
                body = environ["wsgi.input"].read()
            except OSError:
                self.seen.append((facts, "broken"))
                raise
        self.seen.append((facts, body))
        start_response("200 OK", [])
        return [b"ok"]


def mutated(chance, corpus):
    """Return the bytes of a case, changed in a few places."""
    text = bytearray(chance.choice(corpus))
    for _ in range(chance.randrange(5)):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(5):
            case 0:
                text[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del text[place : place + chance.randrange(1, 9)]
            case 2:
                text[place:place] = chance.choice(WORDS)
            case 3:
                text[place:place] = chance.choice(corpus)
            case _:
                other = chance.choice(corpus)
                text[place:] = other[chance.randrange(len(other)) :]
    return bytes(text[:LONGEST]) or b"x"


def outcome(way, pieces):
    """Return what reached the application, and the answers, without their dates."""
    application, errors = Application(), Log()
    server = pywsgi.WSGIServer(("127.0.0.1", 0), application, log=None, error_log=errors)
    answer = way(server, pieces)
    lines = [line for line in answer.split(b"\r\n") if not line.startswith(b"Date:")]
    return application.seen, lines


def main(seconds, seed):
    """Try until the time is over; return the exit status."""
    chance = random.Random(seed)
    corpus = [case.sent for case in CASES if len(case.sent) < LONGEST]
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        text = mutated(chance, corpus)
        places = sorted(chance.randrange(len(text)) for _ in range(chance.choice((1, 2, 5, 20))))
        cut = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True) if a < b]
        expected = outcome(WAYS["plain"], [text])
        for name, way in WAYS.items():
            for pieces in ([text], cut):
                found = outcome(way, pieces)
                if found != expected:
                    print(f"seed {seed}, {name}: {pieces!r}\n{expected!r}\n{found!r}")
                    return 1
        count += 1
    print(f"tried {count} requests in {2 * len(WAYS)} ways each, seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)))
