"""Fixtures for tests that need nothing but Python."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from nmstate_controller.cluster.client import Client
from nmstate_controller.metrics import Metrics
from tests.unit import apiserver, untouched
from tests.unit.apiserver import ApiServer

# The machines are shared: how long something takes there says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

untouched.watch()


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
