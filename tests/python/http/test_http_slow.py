"""Clients that are slow on purpose keep nobody waiting."""

import resource
import sys
import time
from pathlib import Path

import pytest

import gevent
from gevent import socket

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from wsgi_served import Served, hello, request  # noqa: E402

SLOW = 2000


@pytest.fixture
def many_descriptors():
    """Two for each connection: both ends are in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * SLOW + 200
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"the system allows {hard} descriptors, and {needed} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def turns(client, count):
    """Return how long each of `count` requests took, in seconds, sorted."""
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        client.sendall(request())
        with gevent.Timeout(20):
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        taken.append(time.perf_counter() - begun)
    return sorted(taken)


def test_two_thousand_clients_that_send_a_byte_a_second_keep_nobody_waiting(many_descriptors):
    with Served(hello, backlog=SLOW) as it, it.connect() as client:
        alone = turns(client, 1000)
        slow = [socket.create_connection(("127.0.0.1", it.server.server_port)) for _ in range(SLOW)]
        head = request("/", "X: " + "y" * 100)

        def drip():
            # Each of them a byte in a second, one after another.
            for byte in head[:-4]:
                for each in slow:
                    each.sendall(bytes([byte]))
                    gevent.sleep(1 / SLOW)

        dripping = gevent.spawn(drip)
        with gevent.Timeout(20):
            while len(it.server._connections._open) < SLOW:
                gevent.sleep(0.01)
        beside = turns(client, 1000)
        print(f"p99 alone {alone[990] * 1e6:.0f} us, beside {SLOW} slow clients {beside[990] * 1e6:.0f} us")
        assert not dripping.ready()
        dripping.kill()
        for each in slow:
            each.close()
        # The median, which a busy machine disturbs least.
        assert beside[500] < 4 * alone[500] + 0.001
