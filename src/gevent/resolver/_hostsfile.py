"""The hosts file: names and addresses that a resolver need not ask anybody for."""

import os
import re
from _socket import AF_INET6, inet_pton

from gevent.resolver._addresses import is_ipv4_addr, is_ipv6_addr

__all__ = ["HostsFile"]


class HostsFile:
    """What a hosts file says, as of its last change.

    fname
        default: the system's.

    v4, v6
        address by name.
    aliases
        for each further name of a line, the first one.
    reverse
        name by the name that is asked for in a reverse lookup (``1.0.0.127.in-addr.arpa``).
    """

    # What is left of each line without its comment and the space around it.
    LINES_RE = re.compile(r"^[ \t]*([^\s#][^\r\n#]*?)[ \t]*(?:#.*)?$", re.MULTILINE)

    def __init__(self, fname=None):
        self.fname = fname or "/etc/hosts"
        self._last_load = None
        self._clear()

    def _clear(self):
        self.v4, self.v6, self.aliases, self.reverse = {}, {}, {}, {}

    def load(self):
        """Read the file if it is another than at the last time; keep what is known if it cannot be read."""
        try:
            changed = os.stat(self.fname).st_mtime
            if changed == self._last_load:
                return
            with open(self.fname, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            return
        self._last_load = changed
        self._clear()
        for line in self.LINES_RE.findall(text):
            self._add(*line.split())

    def _add(self, address, *names):
        if is_ipv4_addr(address):
            table = self.v4
        elif is_ipv6_addr(address):
            table = self.v6
        else:
            return
        names = [name.lower() for name in names]
        for name in names:
            # The first line that has a name is the one that counts.
            table.setdefault(name, address)
        if names:
            self.aliases.update((alias, names[0]) for alias in names[1:])
            self.reverse.setdefault(_reverse_name(address), names[0])

    def iter_all_host_addr_pairs(self):
        """Yield (name, address) for all that the file has, after a look whether it has changed."""
        self.load()
        for table in (self.v4, self.v6):
            yield from table.items()


def _reverse_name(address):
    if is_ipv4_addr(address):
        return ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    digits = inet_pton(AF_INET6, address.split("%", 1)[0]).hex()
    return ".".join(reversed(digits)) + ".ip6.arpa"
