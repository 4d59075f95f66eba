"""An object that another version wrote: its status holds nothing up, and a spec that is not understood is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from nmstate_controller.cluster.client import Client
from nmstate_controller.controller.status_body import OBJECT_LIMIT
from nmstate_controller.node.truncate import size
from tests.unit.apiserver import ApiServer
from tests.unit.controller.test_loop import Loop, mtu
from tests.unit.library import Library

TIME = "2026-01-01T00:00:00Z"
NEWER: dict[str, Any] = {"probes": [{"type": "http", "host": "192.0.2.1"}]}
READABLE: dict[str, Any] = {"probes": None}


@pytest.fixture
async def loop(server: ApiServer, client: Client, tmp_path: Path) -> AsyncIterator[Loop]:
    """A running loop, with an object."""
    async with Loop(server, client, Library(), tmp_path).started() as running:
        await running.ready("True", "NothingDesired", 1)
        yield running


def message(server: ApiServer) -> str:
    return next(str(found["message"]) for found in server.status["conditions"] if found["type"] == "Stalled")


async def stalled(loop: Loop, generation: int) -> None:
    """Wait until the object says that its spec is not understood."""
    await loop.ready("False", "UnreadableSpec", generation)
    assert loop.server.condition("Stalled") == ("True", "UnreadableSpec")
    assert "spec.probes[0].type" in message(loop.server)


@pytest.mark.parametrize(
    "status",
    [
        {"lastApply": {"generation": 1, "startTime": TIME, "attempts": 0}},
        {"lastApply": {"generation": 1, "startTime": None}},
        {"lastSuccessfulUpdateTime": None, "lastConfigured": {"generation": -7}},
        {"conditions": [{"type": "Ready", "status": "Perhaps", "reason": "Newer"}, {"type": "Newer", "status": 7}]},
        {"observedGeneration": "one", "versions": []},
        {"revertState": [], "drift": {}, "configured": 7},
    ],
    ids=str,
)
async def test_a_status_that_cannot_be_read_holds_nothing_up(
    server: ApiServer, client: Client, tmp_path: Path, status: dict[str, Any]
) -> None:
    await server.create(mtu(1400), status)
    async with Loop(server, client, Library(), tmp_path).running() as loop:
        await loop.ready("True", "Configured", 1)

        assert loop.library.interfaces["eth1"]["mtu"] == 1400
        assert loop.server.status["lastApply"]["attempts"] == 1


async def test_a_spec_that_cannot_be_read_changes_nothing_until_it_can_be(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), **NEWER})
    await stalled(loop, 2)
    assert loop.library.applied == []

    await loop.server.edit(READABLE)

    await loop.ready("True", "Configured", 3)
    assert loop.server.condition("Stalled") is None
    assert loop.library.interfaces["eth1"]["mtu"] == 1400


async def test_while_the_spec_cannot_be_read_the_report_goes_on_and_drift_stays(loop: Loop) -> None:
    await loop.server.edit(mtu(1400))
    await loop.ready("True", "Configured", 2)
    await loop.server.edit(NEWER)
    await stalled(loop, 3)

    for value in (1450, 1460):
        loop.library.interfaces["eth1"]["mtu"] = value
        await loop.reporter.look()
        await loop.status_writer.flush(20)

    assert loop.server.status["currentState"]["interfaces"][0]["mtu"] == 1460
    assert loop.library.interfaces["eth1"]["mtu"] == 1460
    assert len(loop.library.applied) == 1


async def test_a_spec_that_cannot_be_read_gives_nothing_back_and_keeps_its_object(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)

    await loop.server.edit({"desiredState": None, **NEWER})
    await stalled(loop, 3)
    await loop.status_writer.flush(20)

    assert loop.server.object is not None
    assert loop.server.object["metadata"]["finalizers"] == ["nmstate.io/revert"]
    assert loop.server.status["revertState"]["interfaces"][0]["mtu"] == 1500
    assert loop.library.interfaces["eth1"]["mtu"] == 1400

    await loop.server.edit(READABLE)
    await loop.ready("True", "NothingDesired", 4)
    assert loop.library.interfaces["eth1"]["mtu"] == 1500


async def test_an_object_with_a_spec_that_cannot_be_read_can_be_deleted(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), "removalPolicy": "Revert"})
    await loop.ready("True", "Configured", 2)
    await loop.server.edit(NEWER)
    await stalled(loop, 3)
    uid = (loop.server.object or {})["metadata"]["uid"]

    await loop.server.delete()

    async with loop.passing_time():
        await loop.server.until(lambda: loop.server.object is not None and loop.server.object["metadata"]["uid"] != uid)


async def test_an_agent_that_understands_more_than_the_one_before_goes_on(
    server: ApiServer, client: Client, tmp_path: Path
) -> None:
    library = Library()
    async with Loop(server, client, library, tmp_path).started() as older:
        await server.edit({**mtu(1400), **NEWER})
        await stalled(older, 2)
        await older.status_writer.flush(20)
    # Another version of the agent would take it: here the spec is what this one takes, by the same generation.
    assert server.object is not None
    await server.restore(mtu(1400), 2)
    async with Loop(server, client, library, tmp_path).running() as newer:
        await newer.ready("True", "Configured", 2)

    assert library.interfaces["eth1"]["mtu"] == 1400


async def test_restored_to_an_empty_spec_at_the_same_generation(loop: Loop) -> None:
    await loop.server.edit({**mtu(1400), **NEWER})
    await loop.ready("False", "UnreadableSpec", 2)
    await loop.server.restore({}, 2)
    await loop.ready("True", "NothingDesired", 2)


async def test_room_is_kept_for_a_large_unreadable_spec(loop: Loop) -> None:
    big = [{"name": f"eth{n}", "type": "ethernet", "state": "up", "description": "x" * 1000} for n in range(700)]
    dummy = {"type": "dummy", "state": "up", "mtu": 1500, "description": "y" * 1000}
    many = {f"d{n}": {"name": f"d{n}", **dummy} for n in range(700)}
    await loop.server.edit({"desiredState": {"interfaces": big}, **NEWER})
    await loop.ready("False", "UnreadableSpec", 2)
    loop.library.interfaces.update(many)
    await loop.reporter.look()
    await loop.status_writer.flush(20)
    assert size(loop.server.object) <= OBJECT_LIMIT, size(loop.server.object)
