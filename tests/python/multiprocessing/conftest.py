"""Makes the helpers beside these tests importable, and the worlds and start methods parameters of tests."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture(params=["fork", "forkserver", "spawn"])
def start_method(request):
    """One test for each way to start a process."""
    return request.param


@pytest.fixture(params=["patched", "green"])
def world(request):
    """The standard library's `multiprocessing` in a patched process; `gevent.multiprocessing` in one that is not."""
    return request.param
