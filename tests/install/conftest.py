"""Fixtures: the wheels, and an empty environment for each installer."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from environments import TOOLS, Environment, gather_wheels  # noqa: E402


@pytest.fixture(scope="session")
def wheels():
    return gather_wheels()


@pytest.fixture(params=TOOLS)
def environment(request, tmp_path, wheels):
    return Environment(request.param, tmp_path / "environment", wheels)


@pytest.fixture
def plain(tmp_path, wheels):
    """An environment of pip's alone, for what does not depend on the installer."""
    return Environment("pip", tmp_path / "environment", wheels)
