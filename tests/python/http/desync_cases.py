"""Cases after what is published about desynchronization: what one server takes for a frame and another does not.

Each of them hides a request, or a part of one, from whoever reads it in the other way. What has two lengths is refused,
whichever way they are dressed up; what only looks like a length frames nothing.
"""

from cases import head, post, refused, served

__all__ = ["CASES"]

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"
GET = "GET /?"
HELLO = "POST /? b'hello'"
NOTHING = "POST /?"


def beside_a_length(line):
    """A coding that is dressed up, with a length that says otherwise."""
    body = b"0\r\n\r\n" + HIDDEN
    raw = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n%b\r\n\r\n%b" % (len(body), line, body)
    return refused("9112 6.1", f"beside a length {line!r}", raw)


def alone(line):
    body = b"5\r\nhello\r\n0\r\n\r\n"
    return refused("9112 6.3", f"alone {line!r}", b"POST / HTTP/1.1\r\nHost: h\r\n%b\r\n\r\n%b" % (line, body + HIDDEN))


def frames_nothing(line):
    return served(
        "9112 6.3",
        f"frames nothing: {line!r}",
        post("Content-Length: 5", line, body=b"hello"),
        HELLO,
    )


def length(line):
    return refused("9110 8.6", f"a length as {line!r}", b"POST / HTTP/1.1\r\nHost: h\r\n%b\r\n\r\n" % line + HIDDEN)


def chunks(name, body):
    raw = post("Transfer-Encoding: chunked", body=body + HIDDEN)
    return refused("9112 7.1", name, raw, executed=["POST /? broken"])


def line(text, clause="9112 3"):
    return refused(clause, f"the line {text!r}", text + b"\r\nHost: h\r\n\r\n")


DRESSED_UP = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding:chunked",
    b"tRANSFER-eNCODING: cHUNKED",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: chunked\t",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding:\x0cchunked",
    b"Transfer-Encoding: \x85chunked",
    b"Transfer-Encoding: ch\x96nked",
    b"Transfer-Encoding: \xffchunked",
    b"Transfer-Encoding: \xef\xbb\xbfchunked",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding: chunked\r",
    b"Transfer-Encoding: chunked;foo=bar",
    b"Transfer-Encoding: chunked; q=0.5",
    b"Transfer-Encoding: (comment) chunked",
    b"Transfer-Encoding: chunked, cow",
    b"Transfer-Encoding: cow, chunked",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: ,, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    b"Transfer-Encoding:\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding:\n chunked",
    b"Transfer-Encoding: \r\n\tchunked",
    b"Transfer-Encoding\r\n : chunked",
    b"Transfer-Encoding\n: chunked",
    b"Transfer-Encoding\t: chunked",
    b"Transfer-Encoding\x0b: chunked",
    b"Transfer-Encoding\x00: chunked",
    b"Transfer-Encoding\xa0: chunked",
    b"Transfer-Encoding\x85: chunked",
    b"\x00Transfer-Encoding: chunked",
    b"Transfer-\x00Encoding: chunked",
    b"Transfer-Encoding\\: chunked",
    b"Transfer Encoding: chunked",
    b'"Transfer-Encoding": chunked',
    b"Transfer-Encoding",
    b"Transfer-Encoding chunked",
    b"Transfer-Encoding; chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"X: y\r\n\rTransfer-Encoding: chunked",
    b"X: y\r\r\nTransfer-Encoding: chunked",
    b"X: y\n\rTransfer-Encoding: chunked",
    b"X: y\x00\r\nTransfer-Encoding: chunked",
    b"X:\nTransfer-Encoding: chunked",
    b": y\r\nTransfer-Encoding: chunked",
    b"\r\x0bX: y\r\nTransfer-Encoding: chunked",
    b" Transfer-Encoding: chunked",  # which continues the length
]
LOOKS_ONLY = [
    "Transfer_Encoding: chunked",
    "TransferEncoding: chunked",
    "Transfer--Encoding: chunked",
    "Transfer.Encoding: chunked",
    "Transfer%2DEncoding: chunked",
    "X-Transfer-Encoding: chunked",
    "Transfer-Encodin: chunked",
    "Transfer-Encodings: chunked",
    "Content-Encoding: chunked",
    "Content-Transfer-Encoding: chunked",
    "TE: chunked",
    "Trailer: Transfer-Encoding",
    "Content_Length: 50",
    "ContentLength: 50",
    "X-Content-Length: 50",
    "Content-Length-: 50",
    "Content-Lengt: 50",
    "Content-Range: bytes 0-49/50",
    "Connection: Content-Length",
    "Connection: Transfer-Encoding",
    "Connection: Host",
]
LENGTHS = [
    b"Content-Length: 5\r\n 0",
    b"Content-Length: 5\nX: y",
    b"Content-Length: 5\rX: y",
    b"Content-Length:\x0b5",
    b"Content-Length: 5\x00",
    b"Content-Length: %35",
    b"Content-Length: 5 0",
    b"Content-Length: 5\t0",
    b"Content-Length: 5, 6",
    b"Content-Length: 0\r\nContent-Length: 34",
    b"Content-Length: 34\r\nContent-Length: 0",
    b"Content-Length: 0\r\ncontent-length: 34",
    b"Content-Length: 0\r\nX: y\r\nCONTENT-LENGTH: 0",
    b"Content-Length\x00: 34",
    b"Content-Length\xa0: 34",
    b"Content-Length\x85: 34",
    b"Content Length: 34",
    b"\tContent-Length: 34",
    b"Content-Length: (34)",
    b"Content-Length: 3_4",
    b"Content-Length: 0x22",
    b"Content-Length: \xd9\xa3\xd9\xa4",
    b"Content-Length: 1e1",
    b"Content-Length: Infinity",
    b"Content-Length: -18446744073709551582",
    b"Content-Length: 4294967296000000000000000",
]
CHUNKS = {
    "a line feed hides in an extension": b"2;\nxx\r\n4c\r\n0\r\n\r\n",
    "a carriage return hides in an extension": b"2;\rxx\r\n4c\r\n0\r\n\r\n",
    "CR CR LF after a size": b"5\r\r\nhello\r\n0\r\n\r\n",
    "CR CR and an extension": b"5\r\r;ABCD\r\nhello\r\n0\r\n\r\n",
    "a line feed in a quoted extension": b'5;a="\n0\r\n\r\n"\r\nhello\r\n0\r\n\r\n',
    "a quoted extension without end": b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "two bytes for a line end": b"5\r\nhelloXX0\r\n\r\n",
    "two bytes and a line end": b"5\r\nhelloXX\r\n0\r\n\r\n",
    "a size of 65 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a size of 64 bits": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "a size of 33 bits that is not all there, then chunks": b"100000005 \r\nhello\r\n0\r\n\r\n",
    "a size with an underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "a size of nothing but an extension": b";a=b\r\nhello\r\n0\r\n\r\n",
    "a size on the next line": b"\r\n5\r\nhello\r\n0\r\n\r\n",
    "an empty line after a chunk": b"5\r\nhello\r\n\r\n0\r\n\r\n",
    "an empty line for the last chunk": b"5\r\nhello\r\n\r\n\r\n",
    "a word without a semicolon": b"5 ilovew3\r\nhello\r\n0 rrrr\r\n\r\n",
    "a size in full-width digits": "\uff15".encode() + b"\r\nhello\r\n0\r\n\r\n",
    "a blank before a line end": b"5 \r\nhello\r\n0\r\n\r\n",
    "a blank before the last line end": b"5\r\nhello\r\n0 \r\n\r\n",
    "a NUL after a size": b"5\x00\r\nhello\r\n0\r\n\r\n",
    "a trailer that is continued": b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
    "a line feed ends a trailer": b"5\r\nhello\r\n0\r\nX: y\n\r\n",
    "a carriage return ends a trailer": b"5\r\nhello\r\n0\r\nX: y\rZ: a\r\n\r\n",
    "a line feed for the trailers' end": b"5\r\nhello\r\n0\r\nX: y\r\n\n",
    "a request for the trailers": b"5\r\nhello\r\n0\r\n",
}
LINES = [
    b"GET /\nHTTP/1.1",
    b"GET\n/ HTTP/1.1",
    b"GET /\r HTTP/1.1",
    b"GET / HTTP/1.1\x00",
    b"GET / HTTP/1.1\x0b",
    b"GET / HTTP/1.1 Host: h",
    b"GET / HTTP/1.1\rX: y",
    b"GET / HTTP/\r\r1.1",
    b"GET / HTTP/4294967297.1",
    b"GET / HTTP/1.4294967297",
    b"GET / IHTTP/1.1",
    b"GET /HTTP/1.1",
    b"GET / HTTP/1.1\r\nGET / HTTP/1.1",
    b"\x00GET / HTTP/1.1",
    b"\xef\xbb\xbfGET / HTTP/1.1",
    b"\r\rGET / HTTP/1.1",
    b"\n\nGET / HTTP/1.1",
    b"\n\rGET / HTTP/1.1",
    b"\x0bGET / HTTP/1.1",
    b"\x85GET / HTTP/1.1",
    b"GET\x00/ HTTP/1.1",
    b"GET\xa0/ HTTP/1.1",
    b"GET /\xa0HTTP/1.1",
    b"GET ! HTTP/1.1",
    b"GET @h HTTP/1.1",
    b"GET \\ HTTP/1.1",
    b"GET %2f HTTP/1.1",
    b"GET ./ HTTP/1.1",
    b"GET h:80/ HTTP/1.1",
    b"GET http:\\\\h/ HTTP/1.1",
    b"GET http://h\\@i/ HTTP/1.1",
    b"GET http://h:80@i/ HTTP/1.1",
    b"GET http://@h/ HTTP/1.1",
    b"GET http://h:/x:y@i HTTP/1.1\x20",
    b"GET http://h#i HTTP/1.1",
    b"GET http://%00/ HTTP/1.1\t",
    b"GET javascript:alert(1) HTTP/1.1",
    b"GET http//h/ HTTP/1.1",
    b'G=":<>(e),[T];?" / HTTP/1.1',
    b"POST / HTTP/1.1, HTTP/1.0",
]
ANOTHER = post("Expect: 100-continue", "Content-Length: 5", body=b"hello")

CASES = [
    *(beside_a_length(each) for each in DRESSED_UP),
    *(alone(each) for each in DRESSED_UP[5:] if not each.startswith(b" ")),
    *(frames_nothing(each) for each in LOOKS_ONLY),
    *(length(each) for each in LENGTHS),
    *(chunks(name, body) for name, body in CHUNKS.items()),
    *(line(each) for each in LINES),
    served(
        "9110 8.6",
        "zeros without end before a length",
        post("Content-Length: " + "0" * 400 + "5", body=b"hello"),
        HELLO,
    ),
    served("9110 8.6", "a length beside what looks like one", post("Content-Length: 0", "Content_Length: 34"), NOTHING),
    served(
        "9112 6.3",
        "a body of chunks that a length frames",
        post("Content-Length: 5", body=b"0\r\n\r\n"),
        "POST /? b'0\\r\\n\\r\\n'",
    ),
    served(
        "9112 6.3",
        "a body of HEAD is no request",
        post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN, line="HEAD / HTTP/1.1"),
        f"HEAD /? {HIDDEN!r}",
    ),
    served(
        "9112 6.3",
        "a body of DELETE is no request",
        post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN, line="DELETE / HTTP/1.1"),
        f"DELETE /? {HIDDEN!r}",
    ),
    served(
        "9112 6.3",
        "a body of TRACE is no request",
        post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN, line="TRACE / HTTP/1.1"),
        f"TRACE /? {HIDDEN!r}",
    ),
    served(
        "9112 6.3",
        "a body that nobody reads is no request",
        post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN, line="GET /ignored HTTP/1.1"),
        "GET /ignored?",
    ),
    served(
        "9112 6.3",
        "a body of CONNECT is no request",
        post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN, line="CONNECT h:1 HTTP/1.1"),
        f"CONNECT h:1? {HIDDEN!r} host h:1",
        kept=False,
    ),
    served(
        "9110 10.1.1",
        "an unread body that was asked about is no request",
        post("Expect: 100-continue", f"Content-Length: {len(HIDDEN)}", body=HIDDEN, line="POST /ignored HTTP/1.1"),
        "POST /ignored?",
    ),
    served(
        "9110 10.1.1",
        "100-continue among others",
        post("Expect: x, 100-continue", "Content-Length: 5", body=b"hello"),
        HELLO,
    ),
    served(
        "9110 10.1.1",
        "100-continue twice",
        post("Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5", body=b"hello"),
        HELLO,
    ),
    served(
        "9110 10.1.1",
        "two words for an expectation",
        post("Expect: y 100-continue", "Content-Length: 5", body=b"hello"),
        HELLO,
    ),
    served("9110 10.1.1", "an expectation of nothing", post("Expect:", "Content-Length: 5", body=b"hello"), HELLO),
    served("9110 10.1.1", "two that ask first", ANOTHER + ANOTHER, HELLO, HELLO),
    refused(
        "9110 10.1.1",
        "100-continue on the next line",
        post("Expect:", " 100-continue", "Content-Length: 5", body=b"hello"),
    ),
    refused(
        "9110 10.1.1",
        "100-continue with two lengths",
        post("Expect: 100-continue", "Content-Length: 5", "Transfer-Encoding: chunked", body=b"hello"),
    ),
    served(
        "9112 9.3.2",
        "a body that is a request longer than its length",
        post("Content-Length: 5", body=b"hello" + head("GET /b HTTP/1.1")),
        HELLO,
        "GET /b?",
    ),
    refused(
        "9112 9.3.2",
        "a body that is a blank longer than its length",
        post("Content-Length: 5", body=b"hello "),
        executed=[HELLO],
    ),
    served(
        "9112 9.3.2",
        "a body that is longer than its length by a line end",
        post("Content-Length: 5", body=b"hello\r\n"),
        HELLO,
    ),
    served(
        "9112 2.2", "line ends between two requests", head() + b"\r\n\r\n" + head("GET /b HTTP/1.1"), GET, "GET /b?"
    ),
    refused("9112 2.2", "a line feed between two requests", head() + b"\n" + head("GET /b HTTP/1.1"), executed=[GET]),
    refused("9112 2.2", "a NUL between two requests", head() + b"\0" + head("GET /b HTTP/1.1"), executed=[GET]),
    refused("9112 2.2", "a blank between two requests", head() + b" " + head("GET /b HTTP/1.1"), executed=[GET]),
    served(
        "9112 9.6", "nothing is read after close", head("GET / HTTP/1.1", "Connection: close") + HIDDEN, GET, kept=False
    ),
    served(
        "9112 9.6",
        "nothing is read after close, whatever it is",
        head("GET / HTTP/1.1", "Connection: close") + b"\0\0",
        GET,
        kept=False,
    ),
    refused("9112 9.3.2", "a good request behind a bad one", b"GET / HTTP/1.1\r\n\r\n" + HIDDEN),
]
