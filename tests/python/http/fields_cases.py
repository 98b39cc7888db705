"""Cases about field lines and Host: RFC 9112 section 5, RFC 9110 sections 5 and 7.2."""

from cases import head, refused, served

__all__ = ["CASES"]

GET = "GET /?"


def bad(name, field, clause="9110 5.5"):
    return refused(clause, name, head("GET / HTTP/1.1", field))


def seen(name, value, *fields, clause="9110 5.5", kept=True):
    """The environment has `value` for X."""
    return served(clause, name, head("GET / HTTP/1.1", *fields), f"GET /? x {value}", kept=kept)


NAMES = [
    b" X",
    b"X ",
    b"X\t",
    b"X\x00",
    b"X\x01",
    b"X\r",
    b"X\n",
    b"X\x0b",
    b"X\x7f",
    b"X\xc4",
    b"X(",
    b"X)",
    b"X,",
    b"X/",
    b"X;",
]
NAMES += [
    b"X<",
    b"X=",
    b"X>",
    b"X?",
    b"X@",
    b"X[",
    b"X\\",
    b"X]",
    b"X{",
    b"X}",
    b'"X"',
    b"",
    b"X Y",
    b"\xa0X",
    b"GET / HTTP/1.1",
]
CONTROLS = [byte for byte in range(32) if byte not in (9, 10, 13)] + [127]
HOSTS = [
    b"h i",
    b"h/",
    b"h/path",
    b"u@h",
    b"u:p@h",
    b"h,i",
    b"h, i",
    b"h?",
    b"h#",
    b"h\\",
    b"<h>",
    b'"h"',
    b"h:x",
    b"h:80x",
    b"h:-1",
]
HOSTS += [
    b"h:65536",
    b"h:80:80",
    b"::1",
    b"[::1",
    b"[::1]x",
    b"[]",
    b"[x]",
    b"[1.2.3.4]",
    b"[::1]:x",
    b"h%",
    b"h%4",
    b"h%zz",
    b"h\xe4",
]
HOSTS += [
    b"[v.a]",
    b"[v1]",
    b"[v1.]",
    b"[vg.a]",
    b"[1.a]",
    b"[v1.a,b]",
    b"[v1.a%41]",
    b"[v1.[a]]",
    b"[v1.a b]",
    b"v1.a]",
]
HOSTS += [b"[fe80::1%25lo]", b"[fe80::1%lo]", b"[::1.2.3]", b"[::1]80", b"[::g]", b"[[::1]]"]
HOSTS += [b"http://h", b"h^", b"h`", b"h|", b"{h}", b"h\x7f", b"[::1]]", b"]", b"["]
FRAMING = [
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
    "Host: i",
    "Connection: close",
    "Expect: 100-continue",
    "Upgrade: x",
]

CASES = [
    *(refused("9112 5.1", f"the name {each!r}", head("GET / HTTP/1.1", each + b": y")) for each in NAMES),
    refused(
        "9112 5.1",
        "a blank before the colon of Transfer-Encoding",
        head("POST / HTTP/1.1", "Transfer-Encoding : chunked"),
    ),
    refused("9112 5.1", "a blank before the colon of Content-Length", head("POST / HTTP/1.1", "Content-Length : 5")),
    refused("9112 5.1", "a tab before the colon of Content-Length", head("POST / HTTP/1.1", "Content-Length\t: 5")),
    refused("9112 5.1", "a blank before the colon of Host", head("GET / HTTP/1.1", host=b"Host : h")),
    bad("no colon", "X", "9112 5"),
    bad("a request line for a field", "GET /b HTTP/1.1", "9112 5"),
    bad("a colon only", ":", "9112 5"),
    *(bad(f"the control {each} in a value", b"X: a" + bytes([each]) + b"b") for each in CONTROLS),
    bad("a carriage return in a value", b"X: a\rb"),
    bad("a line feed in a value", b"X: a\nb"),
    bad("a carriage return and a field in a value", b"X: a\rY: b"),
    bad("a NUL ends a value", b"X: a\0"),
    seen("a value", "y", "X: y"),
    seen("no blank before a value", "y", "X:y"),
    seen("blanks and tabs around a value", "y z", "X: \t y z\t \t"),
    seen("an empty value", "", "X:"),
    seen("a value of blanks", "", "X:   "),
    seen("a tab inside a value", "a\tb", "X: a\tb"),
    seen("bytes beyond ASCII", "\xe4\xff", b"X: \xe4\xff"),
    seen("a no-break space is no blank", "y\xa0", b"X: y\xa0"),
    seen("a next-line character is no line end", "y\x85z", b"X: y\x85z"),
    seen("a colon in a value", "a:b: c", "X: a:b: c"),
    seen("a comma in a value", "a,, b", "X: a,, b"),
    seen("a value in quotes", '"a\\"b"', 'X: "a\\"b"'),
    seen("names are without case", "y", "x: y", clause="9110 5.1"),
    seen("a field twice", "a,b", "X: a", "x: b", clause="9110 5.2"),
    seen("a field three times", "a,b,c", "X: a", "X: b", "X: c", clause="9110 5.2"),
    served("9110 5.1", "an underscore is not a hyphen", head("GET / HTTP/1.1", "Content_Length: 5"), GET),
    served("9110 5.1", "an underscore frames nothing", head("GET / HTTP/1.1", "Transfer_Encoding: chunked"), GET),
    served("9110 5.1", "all characters of a token", head("GET / HTTP/1.1", "!#$%&'*+-.^`|~9a: y"), GET),
    seen("a line that is continued", "a b", "X: a", " b", clause="9112 5.2", kept=False),
    seen("a line that is continued by a tab", "a b", "X: a", "\tb", clause="9112 5.2", kept=False),
    seen("a line that is continued twice", "a b c", "X: a", "  b", " \tc ", clause="9112 5.2", kept=False),
    seen("a line that begins on the next", "b", "X:", " b", clause="9112 5.2", kept=False),
    seen("a colon in a continued line", "a Y: b", "X: a", " Y: b", clause="9112 5.2", kept=False),
    seen(
        "a length on a continued line",
        "a Content-Length: 38",
        "X: a",
        " Content-Length: 38",
        clause="9112 5.2",
        kept=False,
    ),
    seen(
        "a coding on a continued line",
        "a Transfer-Encoding: chunked",
        "X: a",
        "\tTransfer-Encoding: chunked",
        clause="9112 5.2",
        kept=False,
    ),
    refused("9112 5.2", "a blank line in the head", head("GET / HTTP/1.1", "X: a", " ")),
    refused("9112 5.2", "a blank line in the middle of the head", head("GET / HTTP/1.1", "X: a", "\t", "Y: b")),
    refused("9112 5.2", "a NUL in a continued line", head("GET / HTTP/1.1", "X: a", b" \0")),
    refused("9112 5.2", "a line feed before a continued line", b"GET / HTTP/1.1\r\nHost: h\r\nX: a\n b\r\n\r\n"),
    *(
        refused(
            "9112 5.2",
            f"{each} continued",
            head("POST / HTTP/1.1", each, " x", host=b"" if "Host" in each else b"Host: h"),
        )
        for each in FRAMING
    ),
    refused("9112 5.2", "a coding on the next line", head("POST / HTTP/1.1", "Transfer-Encoding:", " chunked")),
    refused("9112 5.2", "a length on the next line", head("POST / HTTP/1.1", "Content-Length:", " 5")),
    refused("9112 3.2", "no Host in HTTP/1.1", head(host=b"")),
    refused("9112 3.2", "no Host in HTTP/1.2", head("GET / HTTP/1.2", host=b"")),
    served("9112 3.2", "no Host in HTTP/1.0", head("GET / HTTP/1.0", host=b""), "GET /?", kept=False),
    refused("9112 3.2", "two Hosts", head("GET / HTTP/1.1", "Host: i")),
    refused("9112 3.2", "the same Host twice", head("GET / HTTP/1.1", "Host: h")),
    refused("9112 3.2", "two Hosts in different letters", head("GET / HTTP/1.1", "hOST: h")),
    refused("9112 3.2", "two Hosts, one of them empty", head("GET / HTTP/1.1", "Host:")),
    refused("9112 3.2", "two Hosts in HTTP/1.0", head("GET / HTTP/1.0", "Host: i")),
    refused("9112 3.2", "two Hosts with an absolute target", head("GET http://h/ HTTP/1.1", "Host: i")),
    *(refused("9110 7.2", f"the Host {each!r}", head(host=b"Host: " + each)) for each in HOSTS),
    refused("9110 7.2", "an invalid Host in HTTP/1.0", head("GET / HTTP/1.0", host=b"Host: a b")),
    refused("9110 7.2", "an invalid Host with an absolute target", head("GET http://h/ HTTP/1.1", host=b"Host: a b")),
    *(
        served("9110 7.2", f"the Host {each!r}", head(host=f"Host: {each}".encode()), f"GET /? host {each}")
        for each in (
            "i",
            "h:80",
            "h:",
            "h.i.example",
            "1.2.3.4:8",
            "[::1]",
            "[::1]:80",
            "a_b-c.d~",
            "%41",
            "",
            "x--y",
            "h:00080",
            "0.0.0.0=5000",
            "[v1.a]",
            "[V1f.a:b-c_d~!$&'()*+;=]:8",
        )
    ),
    served("9110 8.3", "the same Content-Type twice", head("GET / HTTP/1.1", *["Content-Type: a/b"] * 2), GET),
    *(
        refused("9110 8.3", f"a Content-Type and {each!r}", head("GET / HTTP/1.1", "Content-Type: a/b", each))
        for each in ("Content-Type: a/c", "content-type: a/b;q=1", "CONTENT-TYPE:", "Content-Type: A/B")
    ),
    refused("9110 8.3", "an empty Content-Type and one", head("GET / HTTP/1.1", "Content-Type:", "Content-Type: a/b")),
    served(
        "9110 8.3", "two that only look like it", head("GET / HTTP/1.1", "Content_Type: a", "X-Content-Type: b"), GET
    ),
    refused("9110 5.4", "101 fields", head("GET / HTTP/1.1", *(f"X{i}: y" for i in range(100))), status=431),
    served("9110 5.4", "100 fields", head("GET / HTTP/1.1", *(f"X{i}: y" for i in range(99))), GET),
    refused("9110 5.4", "101 lines, some of them continued", head("GET / HTTP/1.1", "X: y", *[" z"] * 99), status=431),
    refused("9110 5.4", "a field without end", head("GET / HTTP/1.1", "X: " + "y" * 70000), status=431),
    refused("9110 5.4", "a name without end", head("GET / HTTP/1.1", "X" * 70000), status=431),
    served("9110 5.4", "a long field", head("GET / HTTP/1.1", "X: " + "y" * 60000), "GET /? x " + "y" * 60000),
    refused("9110 5.4", "a megabyte of head", head("GET / HTTP/1.1", *["X: " + "y" * 60000] * 20), status=431),
    refused("9112 8", "the end in the request line", b"GET / HT", ends=True),
    refused("9112 8", "the end after the request line", b"GET / HTTP/1.1\r\n", ends=True),
    refused("9112 8", "the end in a field", b"GET / HTTP/1.1\r\nHost: h\r\nX: ", ends=True),
    refused("9112 8", "the end after a field", b"GET / HTTP/1.1\r\nHost: h\r\n", ends=True),
    refused("9112 8", "the end before the last line feed", b"GET / HTTP/1.1\r\nHost: h\r\n\r", ends=True),
    refused("9112 8", "the end in the head of HTTP/1.0", b"GET / HTTP/1.0\r\n", ends=True),
]
