"""Cases about where a body ends: RFC 9112 sections 6 and 7, RFC 9110 section 8.6."""

from cases import head, post, refused, served

__all__ = ["CASES"]

CHUNKED = "Transfer-Encoding: chunked"
HELLO = "POST /? b'hello'"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


def length(name, *fields, clause="9112 6.3", body=SMUGGLED):
    return refused(clause, name, post(*fields, body=body))


def chunks(name, body):
    """The application asks for the body, and there is none."""
    return refused("9112 7.1", name, post(CHUNKED, body=body), executed=["POST /? broken"])


def trailer(name, line):
    return refused(
        "9112 7.1.2", name, post(CHUNKED, body=b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n"), executed=["POST /? broken"]
    )


LENGTHS = [
    "",
    "+5",
    "-5",
    "-0",
    "5,5",
    "5, 5",
    "5 5",
    "0x5",
    "5_0",
    "0o5",
    "5.0",
    "5e0",
    "five",
    "\xb2",
    "5;",
    "'5'",
    '"5"',
    ",5",
    "5,",
]
LENGTHS += [
    "9" * 19,
    "9" * 400,
    "18446744073709551621",
    "0b1",
    "\u0661".encode().decode("latin-1"),
    "5\xa0",
    "5\x0b",
    "5\0",
]
CODINGS = [
    "identity",
    "gzip",
    "deflate",
    "xchunked",
    "chunkedx",
    "chunk",
    "chunked, chunked",
    "gzip, chunked",
    "chunked, gzip",
]
CODINGS += [
    "chunked, identity",
    "identity, chunked",
    ", chunked",
    "chunked,",
    "",
    '"chunked"',
    "'chunked'",
    "chunked;q=1",
    "cow",
]
CODINGS += [
    "\x0bchunked",
    "chunked\x0c",
    "\xa0chunked",
    "chunked\0",
    "c hunked",
    "x, chunked",
    "chunked chunked",
    "\x00chunked",
]
SIZES = [
    b"",
    b" 5",
    b"5 ",
    b"\t5",
    b"-5",
    b"+5",
    b"0x5",
    b"5_0",
    b"g",
    b"5g",
    b"'5'",
    b"5.0",
    b"5,",
    b"5:",
    b"f" * 17,
    b"8" + b"0" * 15,
]
SIZES += [b"5\0", b"\xb2", b"5\r", b"5\x0b", b"5=a", b"5\xa0", b"0" * 17 + b"5"]
EXTENSIONS = [
    b";",
    b"; ",
    b";=",
    b";=a",
    b";a=",
    b";a b",
    b";a;",
    b";a=b c",
    b';a="',
    b';a="b',
    b";a\0",
    b";a\x01",
    b";a\x7f",
]
EXTENSIONS += [b";a\rb", b";a\nb", b";\n", b';a="\n"', b';a="\r"', b";a=b=c", b";\xe4", b";a=(", b" a", b";a=b\x0b"]
GOOD_EXTENSIONS = [b";a", b";a=b", b" ; a = b", b';a="b c"', b';a="\\""', b";a;b;c=d", b"\t;a", b';a=""']
TRAILERS = [
    b"no colon",
    b": y",
    b" X: y",
    b"X : y",
    b"X: a\0b",
    b"X: a\rb",
    b"X: a\nb",
    b"GET / HTTP/1.1",
    b"X\xe4: y",
    b"X: \x01",
]

CASES = [
    *(length(f"the length {each!r}", f"Content-Length: {each}") for each in LENGTHS),
    length("two lengths", "Content-Length: 5", "Content-Length: 6"),
    length("the same length twice", "Content-Length: 5", "Content-Length: 5"),
    length("two lengths, one of them empty", "Content-Length: 5", "Content-Length:"),
    length("two lengths in different letters", "Content-Length: 5", "content-length: 5"),
    served("9112 6.3", "a length", post("Content-Length: 5", body=b"hello"), HELLO),
    served("9112 6.3", "a length with zeros", post("Content-Length: 0005", body=b"hello"), HELLO),
    served("9112 6.3", "blanks around a length", post("Content-Length:  \t5 \t", body=b"hello"), HELLO),
    served("9112 6.3", "a length of nothing", post("Content-Length: 0"), "POST /?"),
    served("9112 6.3", "no length is no body", post(), "POST /?"),
    served(
        "9112 6.3",
        "GET with a body",
        post("Content-Length: 5", body=b"hello", line="GET / HTTP/1.1"),
        "GET /? b'hello'",
    ),
    served(
        "9112 6.3",
        "OPTIONS with a body",
        post("Content-Length: 5", body=b"hello", line="OPTIONS * HTTP/1.1"),
        "OPTIONS *? b'hello'",
    ),
    served(
        "9112 6.3",
        "a body that looks like a request",
        post(f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
        f"POST /? {SMUGGLED!r}",
    ),
    served(
        "9112 6.3",
        "a length in HTTP/1.0",
        post("Content-Length: 5", body=b"hello", line="POST / HTTP/1.0"),
        HELLO,
        kept=False,
    ),
    refused(
        "9112 8",
        "a body that ends early",
        post("Content-Length: 10", body=b"hello"),
        executed=["POST /? broken"],
        ends=True,
    ),
    refused("9112 8", "a body that never begins", post("Content-Length: 10"), executed=["POST /? broken"], ends=True),
    *(
        length(f"the coding {each!r}", f"Transfer-Encoding: {each}", clause="9112 6.1", body=b"0\r\n\r\n" + SMUGGLED)
        for each in CODINGS
    ),
    length("a coding and a length", CHUNKED, "Content-Length: 5", clause="9112 6.1", body=b"0\r\n\r\n" + SMUGGLED),
    length("a length and a coding", "Content-Length: 5", CHUNKED, clause="9112 6.1", body=b"0\r\n\r\n" + SMUGGLED),
    length(
        "a coding and a length of nothing",
        CHUNKED,
        "Content-Length: 0",
        clause="9112 6.1",
        body=b"0\r\n\r\n" + SMUGGLED,
    ),
    length("the coding twice", CHUNKED, CHUNKED, clause="9112 6.1", body=b"0\r\n\r\n"),
    length("the coding and another", CHUNKED, "Transfer-Encoding: x", clause="9112 6.1", body=b"0\r\n\r\n"),
    length("another coding and this one", "Transfer-Encoding: x", CHUNKED, clause="9112 6.1", body=b"0\r\n\r\n"),
    length(
        "another coding in small letters", CHUNKED, "transfer-encoding: identity", clause="9112 6.1", body=b"0\r\n\r\n"
    ),
    refused("9112 6.1", "a coding in HTTP/1.0", post(CHUNKED, body=b"0\r\n\r\n", line="POST / HTTP/1.0")),
    refused(
        "9112 6.1",
        "a coding in HTTP/1.0 that is kept",
        post(CHUNKED, "Connection: keep-alive", body=b"0\r\n\r\n", line="POST / HTTP/1.0"),
    ),
    served(
        "9112 6.1",
        "the coding in large letters",
        post("Transfer-Encoding: CHUNKED", body=b"5\r\nhello\r\n0\r\n\r\n"),
        HELLO,
    ),
    served(
        "9112 6.1",
        "the coding with blanks around it",
        post("Transfer-Encoding:\t chunked \t", body=b"5\r\nhello\r\n0\r\n\r\n"),
        HELLO,
    ),
    served("9112 7.1", "one chunk", post(CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n"), HELLO),
    served(
        "9112 7.1",
        "five chunks",
        post(CHUNKED, body=b"".join(b"1\r\n%c\r\n" % byte for byte in b"hello") + b"0\r\n\r\n"),
        HELLO,
    ),
    served("9112 7.1", "no chunk", post(CHUNKED, body=b"0\r\n\r\n"), "POST /?"),
    served("9112 7.1", "sizes with zeros", post(CHUNKED, body=b"00005\r\nhello\r\n000\r\n\r\n"), HELLO),
    served(
        "9112 7.1",
        "a size in large letters",
        post(CHUNKED, body=b"A\r\nhellohello\r\n0\r\n\r\n"),
        "POST /? b'hellohello'",
    ),
    served(
        "9112 7.1",
        "a size in small letters",
        post(CHUNKED, body=b"a\r\nhellohello\r\n0\r\n\r\n"),
        "POST /? b'hellohello'",
    ),
    served(
        "9112 7.1",
        "a large chunk",
        post(CHUNKED, body=b"4e20\r\n" + b"x" * 20000 + b"\r\n0\r\n\r\n"),
        f"POST /? {b'x' * 20000!r}",
    ),
    served(
        "9112 7.1",
        "line ends in a chunk",
        post(CHUNKED, body=b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"),
        "POST /? b'\\r\\n0\\r\\n\\r\\n'",
    ),
    served(
        "9112 7.1", "GET in chunks", post(CHUNKED, body=b"1\r\nx\r\n0\r\n\r\n", line="GET / HTTP/1.1"), "GET /? b'x'"
    ),
    *(chunks(f"the size {each!r}", each + b"\r\nhello\r\n0\r\n\r\n") for each in SIZES),
    *(chunks(f"the extension {each!r}", b"5" + each + b"\r\nhello\r\n0\r\n\r\n") for each in EXTENSIONS),
    *(
        served(
            "9112 7.1.1",
            f"the extension {each!r}",
            post(CHUNKED, body=b"5" + each + b"\r\nhello\r\n0" + each + b"\r\n\r\n"),
            HELLO,
        )
        for each in GOOD_EXTENSIONS
    ),
    chunks("an extension without end", b"5;" + b"x" * 9000 + b"\r\nhello\r\n0\r\n\r\n"),
    chunks("extensions without end in sum", b"1;xxxxxxxxx\r\nh\r\n" * 1100 + b"0\r\n\r\n"),
    chunks("a line feed after a size", b"5\nhello\r\n0\r\n\r\n"),
    chunks("a carriage return after a size", b"5\rhello\r\n0\r\n\r\n"),
    chunks("a line feed after a chunk", b"5\r\nhello\n0\r\n\r\n"),
    chunks("a carriage return after a chunk", b"5\r\nhello\r0\r\n\r\n"),
    chunks("nothing after a chunk", b"5\r\nhello0\r\n\r\n"),
    chunks("more in a chunk than its size says", b"5\r\nhello!\r\n0\r\n\r\n"),
    chunks("less in a chunk than its size says", b"6\r\nhello\r\n0\r\n\r\n"),
    chunks("a line feed after the last size", b"5\r\nhello\r\n0\n\r\n"),
    chunks("a line feed at the end", b"5\r\nhello\r\n0\r\n\n"),
    chunks("CR CR LF at the end", b"5\r\nhello\r\n0\r\n\r\r\n"),
    chunks("a body that is in no chunks", b"hello world"),
    refused("9112 8", "chunks that end early", post(CHUNKED, body=b"5\r\nhel"), executed=["POST /? broken"], ends=True),
    refused(
        "9112 8",
        "chunks without the last one",
        post(CHUNKED, body=b"5\r\nhello\r\n"),
        executed=["POST /? broken"],
        ends=True,
    ),
    refused(
        "9112 8",
        "chunks that end in a size",
        post(CHUNKED, body=b"5\r\nhello\r\n1"),
        executed=["POST /? broken"],
        ends=True,
    ),
    refused(
        "9112 8",
        "chunks that end in the trailers",
        post(CHUNKED, body=b"5\r\nhello\r\n0\r\n"),
        executed=["POST /? broken"],
        ends=True,
    ),
    *(trailer(f"the trailer {each!r}", each) for each in TRAILERS),
    trailer("trailers without end", b"X: y\r\n" * 2000),
    trailer("a trailer without end", b"X: " + b"y" * 9000),
    served("9112 7.1.2", "a trailer", post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX: y\r\n\r\n"), HELLO),
    served("9112 7.1.2", "two trailers", post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\n"), HELLO),
    served(
        "9110 6.5.1",
        "a length in a trailer",
        post(CHUNKED, body=b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"),
        HELLO,
    ),
    served(
        "9110 6.5.1",
        "a coding in a trailer",
        post(CHUNKED, body=b"5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n"),
        HELLO,
    ),
    served("9110 6.5.1", "a Host in a trailer", post(CHUNKED, body=b"5\r\nhello\r\n0\r\nHost: i\r\n\r\n"), HELLO),
    served("9112 9.3.2", "two requests at once", head() + head("GET /b HTTP/1.1"), "GET /?", "GET /b?"),
    served(
        "9112 9.3.2", "a body and a request at once", post("Content-Length: 5", body=b"hello") + head(), HELLO, "GET /?"
    ),
    served(
        "9112 9.3.2",
        "chunks and a request at once",
        post(CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n") + head(),
        HELLO,
        "GET /?",
    ),
    served(
        "9112 9.3.2",
        "HEAD in chunks and a request at once",
        post(CHUNKED, body=b"1\r\nx\r\n0\r\nX: y\r\n\r\n", line="HEAD / HTTP/1.1") + head(),
        "HEAD /? b'x'",
        "GET /?",
    ),
    served(
        "9112 9.3.2",
        "a body that nobody reads",
        post("Content-Length: 5", body=b"hello", line="POST /ignored HTTP/1.1"),
        "POST /ignored?",
    ),
    served(
        "9112 9.3.2",
        "chunks that nobody reads",
        post(CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n", line="POST /ignored HTTP/1.1"),
        "POST /ignored?",
    ),
    refused("9112 9.3.2", "a bad request behind a good one", head() + b"GET / HTTP/1.1\r\n\r\n", executed=["GET /?"]),
]
