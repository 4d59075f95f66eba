"""How long a soak is."""

import os

import pytest

from tests.unit.conftest import client, metrics, server

__all__ = ["client", "metrics", "server"]


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """Rounds to go; the test says how many in full, and how many of them `make test` goes."""
    full, few = request.param
    return int(full if os.environ.get("SOAK") else few)
