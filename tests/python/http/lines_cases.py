"""Cases about the request line and its end: RFC 9112 sections 2 and 3, RFC 9110 sections 2, 4 and 9."""

from cases import head, refused, served

__all__ = ["CASES"]

GET = "GET /?"
HOST = b"Host: h\r\n\r\n"


def line(name, text, clause="9112 3", **kwargs):
    return refused(clause, name, text + b"\r\n" + HOST, **kwargs)


def answered(name, text, executed, clause="9112 3", kept=True):
    return served(clause, name, text + b"\r\n" + HOST, executed, kept=kept)


VERSIONS = [
    "HTTP/0.9",
    "HTTP/2.0",
    "HTTP/3.0",
    "HTTP/2",
    "HTTP/1",
    "HTTP/1.",
    "HTTP/.1",
    "HTTP/1.10",
    "HTTP/1.01",
    "HTTP/01.1",
]
VERSIONS += [
    "HTTP/11.1",
    "http/1.1",
    "Http/1.1",
    "HTTP /1.1",
    "HTTP/ 1.1",
    "HTTP/1 .1",
    "HTTP/1,1",
    "HTTP-1.1",
    "HTTPS/1.1",
]
VERSIONS += [
    "HTP/1.1",
    "RTSP/1.0",
    "ICE/1.0",
    "SIP/2.0",
    "HTTP/1.x",
    "HTTP/x.1",
    "HTTP/-1.1",
    "HTTP/+1.1",
    "HTTP/1.1.1",
]
VERSIONS += ["HTTP/1.\xb2", "HTTP/1.1;", "HTTP/1.1\t", "HTTP/1.1 x", "HTTP/1.1 ", "HTTP\\1.1", "1.1", "%48TTP/1.1"]

METHODS = [
    b"G:T",
    b"G(T",
    b"G)T",
    b"G,T",
    b"G/T",
    b"G;T",
    b"G<T",
    b"G=T",
    b"G>T",
    b"G?T",
    b"G@T",
    b"G[T",
    b"G\\T",
    b"G]T",
]
METHODS += [
    b"G{T",
    b"G}T",
    b'G"T',
    b"G\x00T",
    b"G\x01T",
    b"G\x7fT",
    b"G\xc9T",
    b"\xff",
    b"\x16\x03\x01\x02",
    b"\x80\x2e",
]

TARGETS = [
    b"",
    b"h",
    b"h:80",
    b"h/path",
    b"?q",
    b"*",
    b"/ /",
    b"/\t",
    b"/\x00",
    b"/\x01",
    b"/\x0b",
    b"/\x1b[2J",
    b"/\x7f",
]
TARGETS += [
    b"/\xe4",
    b"/\xc3\xa4",
    b"/#fragment",
    b"#",
    b"/a\rb",
    b"/a\nb",
    b"//\x80",
    b"http:",
    b"http:/",
    b"http://",
    b"http:///x",
]
TARGETS += [
    b"http:x",
    b"ftp://h/",
    b"ws://h/",
    b"file:///etc/passwd",
    b"://h/",
    b"http//h/",
    b"http://u@h/",
    b"http://u:p@h/",
]
TARGETS += [
    b"http://h:x/",
    b"http://h:99999/",
    b"http://[::1/",
    b"http://[x]/",
    b"http://::1/",
    b"http://h%zz/",
    b"http://h,i/",
]
TARGETS += [b"https://", b"javascript:alert(1)", b"mailto:a@b", b"http://?q", b"http://:80/"]

CASES = [
    served("9112 2.2", "one empty line before a request", b"\r\n" + head(), GET),
    served("9112 2.2", "two empty lines before a request", b"\r\n\r\n" + head(), GET),
    served(
        "9112 2.2", "an empty line between two requests", head() + b"\r\n" + head("GET /b HTTP/1.1"), GET, "GET /b?"
    ),
    refused("9112 2.2", "empty lines without end", b"\r\n" * 100 + head()),
    refused("9112 2.2", "a line feed before a request", b"\n" + head()),
    refused("9112 8", "the end after a carriage return", b"\r", ends=True),
    refused("9112 8", "the end in the second empty line", b"\r\n\r", ends=True),
    refused("9112 2.2", "a carriage return before a request", b"\r" + head()),
    refused("9112 2.2", "two carriage returns before a request", b"\r\r\n" + head()),
    refused("9112 2.2", "a blank before a request", b" " + head()),
    refused("9112 2.2", "a tab before a request", b"\t" + head()),
    refused("9112 2.2", "a blank line before a request", b" \r\n" + head()),
    refused("9112 2.2", "a NUL before a request", b"\0" + head()),
    refused("9112 2.2", "a byte order mark before a request", b"\xef\xbb\xbf" + head()),
    refused("9112 2.2", "a line feed ends the request line", b"GET / HTTP/1.1\nHost: h\r\n\r\n"),
    refused("9112 2.2", "line feeds end all lines", b"GET / HTTP/1.1\nHost: h\n\n"),
    refused("9112 2.2", "a line feed ends a field line", b"GET / HTTP/1.1\r\nHost: h\n\r\n"),
    refused("9112 2.2", "a line feed ends the head", b"GET / HTTP/1.1\r\nHost: h\r\n\n"),
    refused("9112 2.2", "CR CR LF ends the request line", b"GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"),
    refused("9112 2.2", "CR CR LF ends a field line", b"GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"),
    refused("9112 2.2", "CR CR LF ends the head", b"GET / HTTP/1.1\r\nHost: h\r\n\r\r\n"),
    refused("9112 2.2", "carriage returns end all lines", b"GET / HTTP/1.1\rHost: h\r\r"),
    refused("9112 2.2", "LF CR ends the lines", b"GET / HTTP/1.1\n\rHost: h\n\r\n\r"),
    refused("9112 2.2", "a blank before the first field", b"GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
    refused("9112 2.2", "a blank line before the first field", b"GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n"),
    refused("9112 2.2", "a tab before the first field", b"GET / HTTP/1.1\r\n\tHost: h\r\n\r\n"),
    line("two blanks before the target", b"GET  / HTTP/1.1"),
    line("two blanks before the version", b"GET /  HTTP/1.1"),
    line("a tab before the target", b"GET\t/ HTTP/1.1"),
    line("a tab before the version", b"GET /\tHTTP/1.1"),
    line("a vertical tab before the target", b"GET\x0b/ HTTP/1.1"),
    line("a form feed before the version", b"GET /\x0cHTTP/1.1"),
    line("no version", b"GET /"),
    line("no version, but a blank", b"GET / "),
    line("no target", b"GET HTTP/1.1"),
    line("one word", b"GET"),
    line("nothing but a blank", b" "),
    line("four words", b"GET / x HTTP/1.1"),
    line("words of another protocol", b"SSH-2.0-OpenSSH_9.6"),
    refused("9112 3", "HTTP/0.9", b"GET /\r\n"),
    refused("9113 3.4", "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    refused("9112 3", "a handshake of TLS", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"),
    *(line(f"the version {each!r}", f"GET / {each}".encode("latin-1"), "9112 2.3") for each in VERSIONS),
    served("9110 2.5", "a later minor version", head("GET / HTTP/1.2"), GET),
    served("9110 2.5", "the last minor version", head("GET / HTTP/1.9"), GET),
    *(line(f"the method {each!r}", each + b" / HTTP/1.1", "9110 9.1") for each in METHODS),
    *(
        answered(f"the method {each}", f"{each} / HTTP/1.1".encode(), f"{each} /?", "9110 9.1")
        for each in ("get", "PATCH", "-x", "0", "M-SEARCH", "BREW", "X!#$%&'*+-.^_`|~9", "GETPOSTGETPOST")
    ),
    *(line(f"the target {each!r}", b"GET " + each + b" HTTP/1.1", "9112 3.2") for each in TARGETS),
    answered("a path and a query", b"GET /a/b?c=d&e HTTP/1.1", "GET /a/b?c=d&e", "9112 3.2.1"),
    answered("two slashes", b"GET //a HTTP/1.1", "GET //a?", "9112 3.2.1"),
    answered("dots are the application's business", b"GET /../a/./b HTTP/1.1", "GET /../a/./b?", "9112 3.2.1"),
    answered("percent escapes", b"GET /%41%2f%20?%41 HTTP/1.1", "GET /A/ ?%41", "9112 3.2.1"),
    answered("escapes that are none", b"GET /%zz%?%4 HTTP/1.1", "GET /%zz%?%4", "9112 3.2.1"),
    answered("an escaped NUL", b"GET /%00 HTTP/1.1", "GET /\0?", "9112 3.2.1"),
    answered("an escaped line end", b"GET /%0d%0aX:y HTTP/1.1", "GET /\r\nX:y?", "9112 3.2.1"),
    answered("what browsers leave as it is", b"GET /|^{}[]\\?|{}\"' HTTP/1.1", "GET /|^{}[]\\?|{}\"'", "9112 3.2.1"),
    answered("an empty query", b"GET /? HTTP/1.1", "GET /?", "9112 3.2.1"),
    answered("two question marks", b"GET /?a?b HTTP/1.1", "GET /?a?b", "9112 3.2.1"),
    answered("a colon in the path", b"GET /a:80 HTTP/1.1", "GET /a:80?", "9112 3.2.1"),
    answered("an absolute target", b"GET http://i/a?b HTTP/1.1", "GET /a?b host i", "9112 3.2.2"),
    answered("an absolute target with a port", b"GET http://i:8080/ HTTP/1.1", "GET /? host i:8080", "9112 3.2.2"),
    answered("an absolute target without a path", b"GET http://i HTTP/1.1", "GET /? host i", "9112 3.2.2"),
    answered("an absolute target with a query only", b"GET http://i?q HTTP/1.1", "GET /?q host i", "9112 3.2.2"),
    answered("an absolute target in large letters", b"GET HTTP://I/ HTTP/1.1", "GET /? host I", "9112 3.2.2"),
    answered("an absolute target for https", b"GET https://i/ HTTP/1.1", "GET /? host i", "9112 3.2.2"),
    answered(
        "an absolute target with an address", b"GET http://[::1]:80/a HTTP/1.1", "GET /a? host [::1]:80", "9112 3.2.2"
    ),
    answered("an absolute target with an at sign", b"GET http://i/a@b HTTP/1.1", "GET /a@b? host i", "9112 3.2.2"),
    answered(
        "an absolute target of a later version of IP",
        b"GET http://[v1.a:b]/ HTTP/1.1",
        "GET /? host [v1.a:b]",
        "9112 3.2.2",
    ),
    *(
        line(f"the absolute target {each!r}", b"GET " + each + b" HTTP/1.1", "9112 3.2.2")
        for each in (
            b"http://h:80:80/",
            b"http://h;:80x/",
            b"http://[::1]80/",
            b"http://[v1]/",
            b"http://@h/",
            b"HTTP:h/",
        )
    ),
    *(
        line(f"{each} *", f"{each} * HTTP/1.1".encode(), "9112 3.2.4")
        for each in ("NOTIFY", "M-SEARCH", "HEAD", "options")
    ),
    line("CONNECT with two ports", b"CONNECT i:443:443 HTTP/1.1", "9112 3.2.3"),
    line("CONNECT with a query", b"CONNECT i:443?q HTTP/1.1", "9112 3.2.3"),
    line("CONNECT with somebody's name", b"CONNECT u@i:443 HTTP/1.1", "9112 3.2.3"),
    refused("9112 3.2", "an absolute target and no Host", head("GET http://i/ HTTP/1.1", host=b"")),
    answered("CONNECT", b"CONNECT i:443 HTTP/1.1", "CONNECT i:443? host i:443", "9112 3.2.3", kept=False),
    line("CONNECT with a path", b"CONNECT / HTTP/1.1", "9112 3.2.3"),
    line("CONNECT without a port", b"CONNECT i HTTP/1.1", "9112 3.2.3"),
    line("CONNECT with an empty port", b"CONNECT i: HTTP/1.1", "9112 3.2.3"),
    line("CONNECT without a host", b"CONNECT :443 HTTP/1.1", "9112 3.2.3"),
    line("CONNECT with an absolute target", b"CONNECT http://i:443/ HTTP/1.1", "9112 3.2.3"),
    line("CONNECT with a port that is none", b"CONNECT i:443x HTTP/1.1", "9112 3.2.3"),
    line("CONNECT with a port that is too high", b"CONNECT i:65536 HTTP/1.1", "9112 3.2.3"),
    line("CONNECT *", b"CONNECT * HTTP/1.1", "9112 3.2.3"),
    answered("OPTIONS *", b"OPTIONS * HTTP/1.1", "OPTIONS *?", "9112 3.2.4"),
    answered("OPTIONS of a path", b"OPTIONS /a HTTP/1.1", "OPTIONS /a?", "9112 3.2.4"),
    answered("OPTIONS of a server", b"OPTIONS http://i HTTP/1.1", "OPTIONS *? host i", "9112 3.2.4"),
    line("POST *", b"POST * HTTP/1.1", "9112 3.2.4"),
    line("OPTIONS **", b"OPTIONS ** HTTP/1.1", "9112 3.2.4"),
    line("the longest line but one", b"GET /" + b"x" * 8177 + b" HTTP/1.1", status=414),
    answered("the longest line", b"GET /" + b"x" * 8175 + b" HTTP/1.1", "GET /" + "x" * 8175 + "?"),
    line("a method without end", b"G" * 9000, status=414),
    line("a target without end", b"GET /" + b"x" * 20000, status=414),
]
