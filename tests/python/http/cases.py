"""What a case is: bytes that a client sends, and what has to come of them."""

from dataclasses import dataclass

__all__ = ["Case", "head", "post", "refused", "served", "title"]


@dataclass(frozen=True)
class Case:
    """One connection: `sent`, and another request if it is still open then.

    executed
        what reached the application, as "METHOD path?query body"
    status
        of the last answer: 200 if all went well
    kept
        whether the request behind it is read as one
    """

    clause: str
    name: str
    sent: bytes
    executed: tuple = ()
    status: int = 200
    kept: bool = False
    ends: bool = False  # the client hangs up after `sent`, in the middle of something


def title(case):
    return f"{case.clause}: {case.name}"


def refused(clause, name, sent, status=400, executed=(), ends=False):
    """Nothing of `sent` beyond `executed` reaches the application; the answer is `status`, and that is the end."""
    return Case(clause, name, sent, tuple(executed), status, False, ends)


def served(clause, name, sent, *executed, kept=True):
    """The requests in `sent` are `executed`; then the connection is `kept`, or closed."""
    return Case(clause, name, sent, executed, 200, kept)


def head(line="GET / HTTP/1.1", *fields, host=b"Host: h"):
    """The bytes of a head; str is Latin-1."""
    parts = [line, *([host] if host else []), *fields]
    raw = [part if isinstance(part, bytes) else part.encode("latin-1") for part in parts]
    return b"".join(part + b"\r\n" for part in raw) + b"\r\n"


def post(*fields, body=b"", line="POST / HTTP/1.1"):
    """A request with `body`, as it is sent."""
    return head(line, *fields) + body
