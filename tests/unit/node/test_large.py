"""Large documents on large nodes: what is done for each entry is not done for each pair of entries."""

import time
from typing import Any, Final

import pytest

from nmstate_controller.errors import InvalidDesiredState
from nmstate_controller.node.checks import check
from nmstate_controller.node.matcher import differences
from nmstate_controller.node.originals import remember, with_dropped

State = dict[str, Any]

SECONDS: Final = 2.0
"""Of CPU time; all pairs of 5,000 and 1,000 entries took ten and more."""

DESIRED: Final = range(5_000)
THERE: Final = range(1_000)


def network(start: int, number: int) -> str:
    return f"{start}.{number >> 8}.{number & 255}.0/24"


def mac(start: int, number: int) -> str:
    return f"02:{start:02x}:00:00:{number >> 8:02x}:{number & 255:02x}"


def route(destination: str, **more: Any) -> State:
    return {"destination": destination, "next-hop-interface": "e1", **more}


NODE: Final[State] = {
    "interfaces": [
        {"name": f"e{n}", "type": "ethernet", "state": "up", "mac-address": mac(0, n), "mtu": 1500} for n in THERE
    ],
    "routes": {"config": [route(network(10, n), **{"table-id": 254, "metric": 100}) for n in THERE]},
    "route-rules": {"config": [{"priority": n, "ip-from": network(10, n), "route-table": 254} for n in THERE]},
}

DOCUMENTS: Final[dict[str, State]] = {
    "new routes": {"routes": {"config": [route(network(11, n)) for n in DESIRED]}},
    "absent routes": {"routes": {"config": [route(network(10, n), state="absent") for n in DESIRED]}},
    "no routes at all": {"routes": {"config": [{"state": "absent", "metric": n} for n in DESIRED]}},
    "new rules": {"route-rules": {"config": [{"priority": n, "ip-from": network(11, n)} for n in DESIRED]}},
    "no rules at all": {"route-rules": {"config": [{"state": "absent", "priority": -1} for _ in DESIRED]}},
    "absent interfaces": {"interfaces": [{"name": f"x{n}", "state": "absent"} for n in DESIRED]},
    "bridges": {"interfaces": [{"name": f"x{n}", "type": "ovs-bridge"} for n in DESIRED]},
    "found by MAC addresses": {
        "interfaces": [{"name": f"x{n}", "identifier": "mac-address", "mac-address": mac(1, n)} for n in DESIRED]
    },
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_takes_seconds_at_most(name: str) -> None:
    document = DOCUMENTS[name]
    started = time.process_time()
    try:
        check(document, NODE)
    except InvalidDesiredState as refused:
        assert "is neither on the node nor" in str(refused)  # noqa: PT017 (either is fine)
    differences(document, NODE)
    with_dropped(document, remember(None, document, NODE))

    assert time.process_time() - started < SECONDS


def test_what_must_not_be_there_is_told_once_however_often_it_is_forbidden() -> None:
    forbidden: list[State] = [{"state": "absent"}, route(network(10, 1), state="absent"), {"state": "absent"}]

    found = differences({"routes": {"config": forbidden}}, NODE)

    assert len(found) == len(THERE)
