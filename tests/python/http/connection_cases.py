"""Cases about what becomes of a connection: RFC 9112 section 9, RFC 9110 sections 7.6, 7.8 and 10.1.1."""

from cases import head, post, served

__all__ = ["CASES"]

GET = "GET /?"
CHUNKED = "Transfer-Encoding: chunked"
HELLO = "POST /? b'hello'"


def connection(name, kept, *fields, line="GET / HTTP/1.1", executed=GET, clause="9112 9.3"):
    return served(clause, name, head(line, *fields), executed, kept=kept)


def upgrade(name, executed, *fields, body=b"", line="GET / HTTP/1.1", kept=True):
    return served("9110 7.8", name, post(*fields, body=body, line=line), executed, kept=kept)


CLOSING = [
    "close",
    "Close",
    "CLOSE",
    "x, close",
    "close, x",
    "keep-alive, close",
    "close, keep-alive",
    ",,close",
    "close,",
    "\tclose",
]
KEEPING = ["keep-alive", "Keep-Alive", "x", "", "closed", "close x", "close;x", "clos", "x-close", '"close"']

CASES = [
    *(connection(f"Connection: {each}", False, f"Connection: {each}") for each in CLOSING),
    *(connection(f"Connection: {each}", True, f"Connection: {each}") for each in KEEPING),
    connection("Connection twice", False, "Connection: x", "Connection: close"),
    connection("Connection twice, the other way round", False, "Connection: close", "Connection: keep-alive"),
    connection("nothing about it in HTTP/1.1", True),
    connection("nothing about it in HTTP/1.0", False, line="GET / HTTP/1.0"),
    connection("keep-alive in HTTP/1.0", True, "Connection: keep-alive", line="GET / HTTP/1.0"),
    connection("Keep-Alive among others in HTTP/1.0", True, "Connection: x, Keep-Alive", line="GET / HTTP/1.0"),
    connection("close and keep-alive in HTTP/1.0", False, "Connection: keep-alive, close", line="GET / HTTP/1.0"),
    connection("Keep-Alive is no option of its own", False, "Keep-Alive: 300", line="GET / HTTP/1.0"),
    connection("Proxy-Connection is nobody's", True, "Proxy-Connection: close"),
    connection("TE and Connection: TE", True, "TE: trailers", "Connection: TE", clause="9110 10.1.4"),
    upgrade(
        "h2c is offered",
        GET,
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    ),
    upgrade(
        "h2c is offered with a body",
        HELLO,
        "Connection: Upgrade",
        "Upgrade: h2c",
        "Content-Length: 5",
        body=b"hello",
        line="POST / HTTP/1.1",
    ),
    upgrade(
        "h2c is offered with chunks",
        HELLO,
        "Connection: Upgrade",
        "Upgrade: h2c",
        CHUNKED,
        body=b"5\r\nhello\r\n0\r\n\r\n",
        line="POST / HTTP/1.1",
    ),
    upgrade("an upgrade to nothing", GET, "Connection: Upgrade"),
    upgrade(
        "an upgrade to nothing with a body",
        HELLO,
        "Connection: Upgrade",
        "Content-Length: 5",
        body=b"hello",
        line="POST / HTTP/1.1",
    ),
    upgrade("an upgrade to TLS", GET, "Connection: Upgrade", "Upgrade: TLS/1.0"),
    upgrade("an upgrade that nobody asks for", GET, "Upgrade: h2c"),
    upgrade("websocket", "GET /? raw", "Connection: Upgrade", "Upgrade: websocket", kept=False),
    upgrade("WebSocket in other letters", "GET /? raw", "Connection: upgrade", "Upgrade: WebSocket", kept=False),
    upgrade("websocket among others", "GET /? raw", "Connection: Upgrade", "Upgrade: h2c, websocket", kept=False),
    upgrade(
        "websocket in several fields",
        "GET /? raw",
        "Connection: x",
        "Connection: Upgrade",
        "Upgrade: h2c",
        "Upgrade: websocket",
        kept=False,
    ),
    upgrade("websocket and close", "GET /? raw", "Connection: close, Upgrade", "Upgrade: websocket", kept=False),
    upgrade("websocket, but no option of Connection", GET, "Upgrade: websocket"),
    upgrade("websocket, but another option", GET, "Connection: keep-alive", "Upgrade: websocket"),
    upgrade(
        "websocket, but an option that only looks like it",
        GET,
        "Connection: Upgrades, x-upgrade, upgrade;q=1",
        "Upgrade: websocket",
    ),
    upgrade("websocket of another name", GET, "Connection: Upgrade", "Upgrade: websocket2, xwebsocket, web socket"),
    upgrade(
        "websocket in HTTP/1.0", GET, "Connection: Upgrade", "Upgrade: websocket", line="GET / HTTP/1.0", kept=False
    ),
    upgrade(
        "websocket in HTTP/1.0 that is kept",
        GET,
        "Connection: Upgrade, keep-alive",
        "Upgrade: websocket",
        line="GET / HTTP/1.0",
    ),
    upgrade("an upgrade that is asked for and one that is not", GET, "Connection: Upgrade", "Upgrade:"),
    upgrade(
        "websocket with a body",
        HELLO,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Content-Length: 5",
        body=b"hello",
        line="POST / HTTP/1.1",
    ),
    served(
        "9110 10.1.1",
        "100-continue with a body",
        post("Expect: 100-continue", "Content-Length: 5", body=b"hello"),
        HELLO,
    ),
    served(
        "9110 10.1.1",
        "100-Continue in other letters",
        post("Expect: 100-Continue", "Content-Length: 5", body=b"hello"),
        HELLO,
    ),
    served(
        "9110 10.1.1",
        "100-continue with chunks",
        post("Expect: 100-continue", CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n"),
        HELLO,
    ),
    served(
        "9110 10.1.1",
        "100-continue and nobody reads",
        post("Expect: 100-continue", "Content-Length: 5", body=b"hello", line="POST /ignored HTTP/1.1"),
        "POST /ignored?",
    ),
    served(
        "9110 10.1.1",
        "100-continue and close, and nobody reads",
        post(
            "Expect: 100-continue",
            "Content-Length: 5",
            "Connection: close",
            body=b"hello",
            line="POST /ignored HTTP/1.1",
        ),
        "POST /ignored?",
        kept=False,
    ),
    served("9110 10.1.1", "100-continue without a body", post("Expect: 100-continue"), "POST /?"),
    served(
        "9110 10.1.1",
        "100-continue in HTTP/1.0",
        post("Expect: 100-continue", "Content-Length: 5", body=b"hello", line="POST / HTTP/1.0"),
        HELLO,
        kept=False,
    ),
    served(
        "9110 10.1.1", "an expectation that nobody knows", post("Expect: x", "Content-Length: 5", body=b"hello"), HELLO
    ),
]
