"""With names, and a queue for each client: one that does not listen holds up nobody, and is sent away."""

import signal
import sys

import gevent
from gevent.queue import Full, Queue
from gevent.server import StreamServer
from gevent.socket import SHUT_RDWR

NAME_MAX = 20
LINE_MAX = 1000
WAITING_MAX = 100
SILENCE_S = 3600


class Waiting(Queue):
    """What a client has not heard yet."""

    def __init__(self, socket):
        super().__init__(WAITING_MAX)
        self.socket = socket


class Room:
    def __init__(self):
        self.members = {}

    def say(self, line):
        for name, waiting in list(self.members.items()):
            try:
                waiting.put_nowait(line)
            except Full:
                self.members.pop(name)
                waiting.socket.shutdown(SHUT_RDWR)  # both of its greenlets see the end

    def serve(self, socket, address):
        socket.settimeout(SILENCE_S)
        try:
            with socket.makefile("r", encoding="utf-8", errors="replace") as lines:
                socket.sendall(b"your name?\n")
                name = lines.readline(NAME_MAX).strip()
                if name and name not in self.members:
                    self.talk(socket, name, lines)
                else:
                    socket.sendall(b"that one is taken\n")
        except OSError:
            pass  # went without a word, or said none for too long

    def talk(self, socket, name, lines):
        waiting = self.members[name] = Waiting(socket)
        writer = gevent.spawn(self.write, waiting)
        self.say(f"* {name} is here")
        try:
            while line := lines.readline(LINE_MAX):
                self.say(f"{name}: {line.strip()}")
        finally:
            if self.members.get(name) is waiting:
                del self.members[name]
            writer.kill()
            self.say(f"* {name} has left")

    def write(self, waiting):
        try:
            for line in waiting:
                waiting.socket.sendall(line.encode() + b"\n")
        except OSError:
            pass  # talk() sees the end, too


def serve(address, room):
    server = StreamServer(address, room.serve)
    gevent.signal_handler(signal.SIGTERM, server.stop)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], Room())
