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


def _identity(fd):
    facts = os.fstat(fd)
    return facts.st_dev, facts.st_ino


@pytest.fixture
def pipe():
    """Both ends of a pipe, which the test may close."""
    ends = os.pipe()
    same = _identity(ends[0])
    yield ends
    for fd in ends:
        try:
            # The test may have closed it, and the number may be somebody else's by now.
            if _identity(fd) == same:
                os.close(fd)
        except OSError:
            pass
