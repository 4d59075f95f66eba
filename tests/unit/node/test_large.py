"""Large documents on large nodes: what is done for each entry is not done for each pair of entries."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from nmstate_controller.errors import InvalidDesiredState
from nmstate_controller.node.diff import differences
from nmstate_controller.node.revert import remember, with_dropped
from nmstate_controller.node.validate import check
from tests.unit.work import lines_run

State = dict[str, Any]

GROWTH: Final = 25
"""How much more ten times as many entries on both sides may cost: a hundred times, if it were each pair."""

DESIRED: Final = 1_000
THERE: Final = 200


def network(start: int, number: int) -> str:
    return f"{start}.{number >> 8}.{number & 255}.0/24"


def mac(start: int, number: int) -> str:
    return f"02:{start:02x}:00:00:{number >> 8:02x}:{number & 255:02x}"


def route(destination: str, **more: Any) -> State:
    return {"destination": destination, "next-hop-interface": "e1", **more}


def node(there: int) -> State:
    """A report with that many interfaces, routes and rules."""
    return {
        "interfaces": [
            {"name": f"e{n}", "type": "ethernet", "state": "up", "mac-address": mac(0, n), "mtu": 1500}
            for n in range(there)
        ],
        "routes": {"config": [route(network(10, n), **{"table-id": 254, "metric": 100}) for n in range(there)]},
        "route-rules": {
            "config": [{"priority": n, "ip-from": network(10, n), "route-table": 254} for n in range(there)]
        },
    }


DOCUMENTS: Final[dict[str, Callable[[range], State]]] = {
    "new routes": lambda entries: {"routes": {"config": [route(network(11, n)) for n in entries]}},
    "absent routes": lambda entries: {"routes": {"config": [route(network(10, n), state="absent") for n in entries]}},
    "no routes at all": lambda entries: {"routes": {"config": [{"state": "absent", "metric": n} for n in entries]}},
    "new rules": lambda entries: {
        "route-rules": {"config": [{"priority": n, "ip-from": network(11, n)} for n in entries]}
    },
    "no rules at all": lambda entries: {
        "route-rules": {"config": [{"state": "absent", "priority": -1} for _ in entries]}
    },
    "absent interfaces": lambda entries: {"interfaces": [{"name": f"x{n}", "state": "absent"} for n in entries]},
    "bridges": lambda entries: {"interfaces": [{"name": f"x{n}", "type": "ovs-bridge"} for n in entries]},
    "found by MAC addresses": lambda entries: {
        "interfaces": [{"name": f"x{n}", "identifier": "mac-address", "mac-address": mac(1, n)} for n in entries]
    },
}


def work(name: str, desired: int, there: int) -> int:
    """What so many entries cost on a node that has so many."""
    document, found = DOCUMENTS[name](range(desired)), node(there)
    return lines_run(lambda: prepare(document, found))


def prepare(document: State, found: State) -> None:
    """All that is done to a document before it is applied."""
    try:
        check(document, found)
    except InvalidDesiredState as refused:
        assert "does not exist on the node and is not in desiredState" in str(refused)  # noqa: PT017 (either is fine)
    differences(document, found)
    with_dropped(document, remember(None, document, found))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_work_grows_as_the_entries_do_and_not_as_their_pairs(name: str) -> None:
    assert work(name, DESIRED, THERE) < GROWTH * work(name, DESIRED // 10, THERE // 10)


def test_what_must_not_be_there_is_told_once_however_often_it_is_forbidden() -> None:
    forbidden: list[State] = [{"state": "absent"}, route(network(10, 1), state="absent"), {"state": "absent"}]

    found = differences({"routes": {"config": forbidden}}, node(THERE))

    assert len(found) == THERE
