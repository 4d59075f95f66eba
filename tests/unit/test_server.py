"""Where metrics and health are served."""

import socket

import aiohttp
import pytest

from nmstate_controller.errors import SettingsError
from nmstate_controller.metrics import Metrics
from nmstate_controller.server import serving
from nmstate_controller.settings import Settings


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
async def test_health_is_told_in_words_and_status(metrics: Metrics, host: str) -> None:
    address = Settings(node_name="node01", listen_address=f"{host}:{free_port()}").listen_address
    url = f"http://127.0.0.1:{address.rpartition(':')[2]}"
    async with (
        serving(address, metrics, alive=lambda: None, ready=lambda: "no report yet"),
        aiohttp.ClientSession() as session,
    ):
        async with session.get(f"{url}/livez") as alive:
            assert (alive.status, await alive.text()) == (200, "ok\n")
        async with session.get(f"{url}/readyz") as ready:
            assert (ready.status, await ready.text()) == (503, "no report yet\n")


async def test_an_address_that_is_taken_is_told_by_its_setting(metrics: Metrics) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="NMSTATE_LISTEN_ADDRESS"):
        async with serving(f"127.0.0.1:{taken.getsockname()[1]}", metrics, alive=lambda: None, ready=lambda: None):
            pass
