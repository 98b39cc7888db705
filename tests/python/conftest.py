"""What several tests of loops are given."""

import os

import pytest


@pytest.fixture
def loop():
    """A loop of its own."""
    from gevent import core

    made = core.loop(default=False)
    yield made
    made.destroy()


@pytest.fixture
def pipe():
    """Both ends of a pipe, which the test may close."""
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        try:
            os.close(fd)
        except OSError:
            pass
