"""What repeats is a series of one event, and there is never a flood."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest

from nmstate_controller.api.models import Metadata, NodeNetworkState
from nmstate_controller.cluster.client import Client
from nmstate_controller.cluster.events import BURST, SERIES_SECONDS, Events
from tests.unit.apiserver import ApiServer, answer
from tests.unit.clock import ManualClock

SUBJECT = NodeNetworkState(metadata=Metadata(name="node01", uid="u1"))


class Recording:
    """A running recorder."""

    def __init__(self, server: ApiServer, client: Client) -> None:
        self.server = server
        self.clock = ManualClock()
        self.events = Events(client, self.clock, "node01")
        self._sent = 0

    async def tell(self, reason: str, note: str) -> None:
        """Record an event and wait until a request followed."""
        before = len(self.server.requests)
        self.events.record(SUBJECT, "Warning", reason, note)
        await self.server.until(lambda: len(self.server.requests) > before)
        await asyncio.sleep(0)

    def counts(self) -> list[int]:
        return [event.get("series", {"count": 1})["count"] for event in self.server.events.values()]


@pytest.fixture
async def recording(server: ApiServer, client: Client) -> AsyncIterator[Recording]:
    found = Recording(server, client)
    task = asyncio.create_task(found.events.run())
    yield found
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_the_same_again_extends_the_series(recording: Recording) -> None:
    for _ in range(3):
        await recording.tell("ApplyFailed", "no")
    await recording.server.until(lambda: recording.counts() == [3])


async def test_another_reason_or_note_or_a_later_time_is_another_event(recording: Recording) -> None:
    await recording.tell("ApplyFailed", "no")
    await recording.tell("ApplyFailed", "other")
    await recording.tell("ConnectivityLost", "no")
    recording.clock.advance(SERIES_SECONDS + 1)
    await recording.tell("ApplyFailed", "no")
    await recording.server.until(lambda: recording.counts() == [1, 1, 1, 1])


async def test_ever_new_words_end_in_a_series_too(recording: Recording) -> None:
    for number in range(BURST + 10):
        await recording.tell("ApplyFailed", f"number {number}")
    await recording.server.until(lambda: sum(recording.counts()) == BURST + 10)

    assert len(recording.counts()) == BURST


async def test_an_event_that_the_apiserver_forgot_begins_anew(recording: Recording) -> None:
    await recording.tell("ApplyFailed", "no")
    recording.server.events.clear()
    await recording.tell("ApplyFailed", "no")
    await recording.server.until(lambda: recording.counts() == [1])


async def test_an_apiserver_that_is_away_costs_the_event_and_nothing_else(recording: Recording) -> None:
    recording.server.faults["create-event"] = [answer(503)]
    await recording.tell("ApplyFailed", "lost")
    await recording.tell("ApplyFailed", "kept")
    await recording.server.until(lambda: recording.counts() == [1])

    assert [event["note"] for event in recording.server.events.values()] == ["kept"]


@pytest.mark.parametrize("node_name", ["n" * 253, ".".join(["a" * 58] * 4), "a" * 235 + "-" + "b" * 17])
async def test_an_event_about_a_node_with_a_long_name_is_one_that_the_apiserver_takes(
    server: ApiServer, client: Client, node_name: str
) -> None:
    events = Events(client, ManualClock(), node_name)
    subject = NodeNetworkState(metadata=Metadata(name=node_name, uid="u1"))
    task = asyncio.create_task(events.run())
    events.record(subject, "Normal", "Applied", "ä" * 2000)
    await server.until(lambda: bool(server.events))
    task.cancel()

    [event] = server.events.values()
    name = event["metadata"]["name"]
    assert len(name) <= 253
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", label) for label in name.split("."))
    assert name.startswith(node_name[:200])
    assert event["regarding"]["name"] == node_name
    assert len(event["note"].encode()) <= 1024
    assert len(event["reportingInstance"]) <= 128
