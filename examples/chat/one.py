"""Who connects hears what all others say."""

import sys

from gevent.server import StreamServer

clients = set()


def serve(socket, address):
    clients.add(socket)
    try:
        while line := socket.recv(1024):
            for other in clients - {socket}:
                other.sendall(line)
    finally:
        clients.discard(socket)


if __name__ == "__main__":
    StreamServer(sys.argv[1], serve).serve_forever()
