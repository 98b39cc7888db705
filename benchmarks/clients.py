"""Fifty clients of a server on the loopback address: `clients.py echo|http PORT REQUESTS`.

A process of its own for `cases.py`, on the standard library alone. It prints a line when all are connected, begins when
it gets one, and prints "done" after the last answer.
"""

import selectors
import socket
import sys

__all__ = ["main"]

_CLIENTS = 50
_REQUESTS = {
    "echo": b"x" * 64,
    "http": b"GET /hello HTTP/1.1\r\nHost: localhost\r\nUser-Agent: clients\r\nAccept: */*\r\n\r\n",
}


def _answered(kind, answer):
    if kind == "echo":
        return len(answer) >= len(_REQUESTS["echo"])
    head, end, body = answer.partition(b"\r\n\r\n")
    return bool(end) and b"200 OK" in head and body == b"hello"


def main(kind, port, requests):
    """Send `requests` requests in all, each client its next one when it has its answer."""
    request = _REQUESTS[kind]
    selector = selectors.DefaultSelector()
    answers = {}
    for _ in range(_CLIENTS):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(client, selectors.EVENT_READ)
        answers[client] = b""
    print("ready", flush=True)
    sys.stdin.readline()
    for client in answers:
        client.sendall(request)
    to_send, missing = requests - _CLIENTS, requests
    while missing:
        for key, _ in selector.select():
            client = key.fileobj
            data = client.recv(65536)
            if not data:
                raise SystemExit("a connection was closed")
            answers[client] += data
            if not _answered(kind, answers[client]):
                continue
            answers[client] = b""
            missing -= 1
            if to_send > 0:
                to_send -= 1
                client.sendall(request)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
