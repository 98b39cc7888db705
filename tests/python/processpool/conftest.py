"""Pools that a test need not end, and a deadline for each test."""

import pytest
from pooled import DEADLINE_S

import gevent
from gevent.processpool import ProcessPool


@pytest.fixture
def make():
    """Makes pools that are killed afterwards."""
    made = []

    def pool(maxsize=2, **options):
        options.setdefault("start_method", "fork")
        made.append(ProcessPool(maxsize, **options))
        return made[-1]

    yield pool
    for each in made:
        each.kill()
        each.close()


@pytest.fixture(autouse=True)
def deadline():
    with gevent.Timeout(DEADLINE_S):
        yield
