"""A Python prompt inside a running program, for whoever connects.

    BackdoorServer(("127.0.0.1", 5001), banner="Welcome", locals={"pool": pool}).serve_forever()

    $ nc 127.0.0.1 5001

or, from a shell, ``python -m gevent.backdoor 5001``. There is neither a password nor encryption: listen on the loopback
address or on a Unix socket only.

What a session prints goes to its client, and `sys.stdin` reads from there. The three streams of `sys` are one for the
whole process, so while there are sessions, stand-ins take their place that look at who is asking: the greenlet of a
session gets its terminal, everybody else what was there before.
"""

import builtins
import io
import sys
from code import InteractiveConsole

from greenlet import getcurrent

from gevent.greenlet import Greenlet
from gevent.pool import Pool
from gevent.server import StreamServer

__all__ = ["BackdoorServer"]


class _Terminal(io.TextIOBase):
    """A client as a text file. Written text is sent at once, as nobody flushes a prompt."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, conn):
        self._conn = conn
        self._reader = conn.makefile("r", encoding=self.encoding, errors=self.errors)

    def read(self, size=-1):
        return self._reader.read(size)

    def readline(self, size=-1):
        return self._reader.readline(size)

    def write(self, text):
        self._conn.sendall(text.encode(self.encoding, self.errors))
        return len(text)

    def readable(self):
        return True

    def writable(self):
        return True

    def fileno(self):
        return self._conn.fileno()

    def close(self):
        """Do nothing: ``quit()`` closes `sys.stdin` before it raises SystemExit, which is what ends a session."""

    def hang_up(self):
        self._reader.close()
        self._conn.close()


class _StandIn:
    """Takes the place of a stream of `sys` and passes everything on to the stream of whoever asks."""

    def __init__(self, replaced):
        self._replaced = replaced

    def __getattr__(self, name):
        # print() and input() take what they need by attribute, so this is all it takes.
        terminal = getattr(getcurrent(), "terminal", None)
        return getattr(self._replaced if terminal is None else terminal, name)

    def __iter__(self):
        return iter(self.readline, "")

    _sessions = 0
    _prompts = ("ps1", ">>> "), ("ps2", "... ")

    @classmethod
    def begin_session(cls):
        _StandIn._sessions += 1
        for name in ("stdin", "stdout", "stderr"):
            stream = getattr(sys, name)
            if not isinstance(stream, cls):
                setattr(sys, name, cls(stream))
        # A console makes these if they are missing, and since Python 3.13 takes those it made away again, whether or
        # not another one is in use.
        for name, prompt in cls._prompts:
            if not hasattr(sys, name):
                setattr(sys, name, prompt)

    @classmethod
    def end_session(cls):
        _StandIn._sessions -= 1
        if cls._sessions:
            return
        for name in ("stdin", "stdout", "stderr"):
            stream = getattr(sys, name)
            # Somebody else may have put something on top meanwhile; a stand-in below that does no harm.
            if isinstance(stream, cls):
                setattr(sys, name, stream._replaced)


class _Greenlet_stdreplace(Greenlet):
    """A greenlet for which `sys.stdin`, `sys.stdout` and `sys.stderr` are its `terminal`, once it has one."""

    terminal = None

    def run(self):
        _StandIn.begin_session()
        try:
            super().run()
        finally:
            self.terminal = None
            _StandIn.end_session()


class _Console(InteractiveConsole):
    def __init__(self, terminal, variables):
        super().__init__(variables)
        self.terminal = terminal

    def raw_input(self, prompt=""):
        self.terminal.write(prompt)
        line = self.terminal.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    def write(self, data):
        self.terminal.write(data)


class BackdoorServer(StreamServer):
    """Serves a prompt to every client.

    `locals` is a dict of what a session can see by name; each session has a copy of its own. `banner` is the text it
    begins with, by default that of Python. `server_args` are those of `gevent.server.StreamServer`. A session ends
    with ``quit()``, any SystemExit, or the connection; stopping the server ends them all.
    """

    def __init__(self, listener, locals=None, banner=None, **server_args):
        sessions = Pool(greenlet_class=_Greenlet_stdreplace)
        super().__init__(listener, spawn=sessions, **server_args)
        self.locals = {"__doc__": None, "__name__": "__console__", **(locals or {})}
        self.banner = banner

    def _create_interactive_locals(self):
        # Without a __builtins__, exec would put the dict there, and who looks at locals() gets pages of it.
        return {**self.locals, "builtins": builtins, "__builtins__": builtins}

    def handle(self, conn, _address):
        """Hold one session. Called by the server in a greenlet of its own, which it returns from at the end."""
        terminal = getcurrent().terminal = _Terminal(conn)
        try:
            console = _Console(terminal, self._create_interactive_locals())
            console.interact(banner=self.banner, exitmsg="")
        except (SystemExit, OSError):
            pass  # said goodbye, or just left
        finally:
            terminal.hang_up()


def _main(arguments):
    from gevent import monkey

    monkey.patch_all()
    from argparse import ArgumentParser

    parser = ArgumentParser(prog="python -m gevent.backdoor", description="Serve a Python prompt on a loopback port.")
    parser.add_argument("--ip", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.add_argument("port", nargs="?", type=int, default=1234, help="the port (%(default)s)")
    options = parser.parse_args(arguments)
    BackdoorServer((options.ip, options.port)).serve_forever()


if __name__ == "__main__":
    _main(sys.argv[1:])
