"""A name server on loopback for tests of resolvers: answers what it is told to, and remembers what it was asked."""

import contextlib
import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

__all__ = ["EXAMPLES", "NO_SEARCH", "SILENCE", "NameServer"]

# Instead of records: no answer at all.
SILENCE = object()
# c-ares' flag not to add the domains of this computer to a name.
NO_SEARCH = 1 << 5

EXAMPLES = {
    ("one.test.", "A"): ["A 10.0.0.1"],
    ("two.test.", "A"): ["A 10.0.0.2", "A 10.0.0.3"],
    ("both.test.", "A"): ["A 10.0.0.4"],
    ("both.test.", "AAAA"): ["AAAA fd00::4"],
    ("six.test.", "AAAA"): ["AAAA fd00::6"],
    ("alias.test.", "A"): ["CNAME middle.test.", "middle.test. CNAME one.test.", "one.test. A 10.0.0.1"],
    ("text.test.", "TXT"): ["TXT x"],
    ("silent.test.", "A"): SILENCE,
    ("silent.test.", "AAAA"): SILENCE,
    ("refused.test.", "A"): "REFUSED",
    ("long.test.", "A"): [f"A 10.1.0.{number}" for number in range(100)],
    ("xn--bcher-kva.test.", "A"): ["A 10.0.0.7"],
    ("1.0.0.10.in-addr.arpa.", "PTR"): ["PTR one.test."],
    ("3.0.0.10.in-addr.arpa.", "PTR"): ["PTR two.test.", "PTR three.test."],
}


class NameServer:
    """Serves UDP and TCP on one port of 127.0.0.1, from a thread of its own, until `close`.

    records
        ``{(name, type): answer}``, names in lower case with the last dot. An answer is a list of records in master file
        form without the TTL (``"A 10.0.0.1"``, ``"other.test. A 10.0.0.1"``), the name of a refusal (``"SERVFAIL"``),
        or SILENCE. Anything else does not exist (NXDOMAIN), or not in that type.
    truncated
        names that are answered over TCP only.
    port
        of both sockets; default: any, to be had as `port`.
    """

    def __init__(self, records, truncated=(), port=0):
        self.records = records
        self.truncated = set(truncated)
        self.questions = []  # (name, type, transport)
        self._tcp = socket.create_server(("127.0.0.1", port))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = self._tcp.getsockname()[1]
        self._udp.bind(("127.0.0.1", self.port))
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def close(self):
        """Stop both threads."""
        for sock in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                question, peer = self._udp.recvfrom(4096)
                answer = self._answer(question, "udp") if question else None
                if answer is not None:
                    self._udp.sendto(answer, peer)

    def _serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._tcp.accept()
                with connection, connection.makefile("rb") as stream:
                    while length := int.from_bytes(stream.read(2), "big"):
                        answer = self._answer(stream.read(length), "tcp")
                        if answer is not None:
                            connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answer(self, wire, transport):
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text().lower()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.questions.append((name, kind, transport))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        records = self.records.get((name, kind))
        if records is SILENCE:
            return None
        if transport == "udp" and name in self.truncated:
            response.flags |= dns.flags.TC
        elif isinstance(records, str):
            response.set_rcode(dns.rcode.from_text(records))
        elif records is not None:
            for record in records:
                owner, rest = record.split(" ", 1)
                if not owner.endswith("."):
                    owner, rest = name, record
                type_text, data = rest.split(" ", 1)
                response.answer.append(dns.rrset.from_text(owner, 60, "IN", type_text, data))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()
