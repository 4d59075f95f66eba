"""Which probes a change gets, and for how long."""

import pytest

from nmstate_controller.api.models import Probe
from nmstate_controller.controller.proof import Prober
from nmstate_controller.metrics import Metrics


async def _nothing() -> None:
    return


async def _no_servers() -> list[str]:
    return []


@pytest.mark.parametrize(("asked", "seconds"), [(None, 7), (30, 30)])
def test_a_probe_without_a_time_of_its_own_gets_the_agents(metrics: Metrics, asked: int | None, seconds: int) -> None:
    prober = Prober(_no_servers, _nothing, "https://192.0.2.1", metrics, timeout=7)
    wish = Probe(type="tcp", host="192.0.2.1", port=22, timeout_seconds=asked)

    assert prober.proof([wish]).seconds == seconds
