"""Fixtures for tests that need nothing but Python."""

from collections.abc import AsyncIterator

import pytest

from nmstate_controller.cluster.client import Client
from nmstate_controller.metrics import Metrics
from tests.unit import apiserver
from tests.unit.apiserver import ApiServer


@pytest.fixture
def metrics() -> Metrics:
    """Fresh metrics, all at 0."""
    return Metrics()


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    """A fake apiserver."""
    async with apiserver.running() as running:
        yield running


@pytest.fixture
async def client(server: ApiServer, metrics: Metrics) -> AsyncIterator[Client]:
    """A client of the fake apiserver."""
    async with apiserver.connected(server, metrics) as connected:
        yield connected
