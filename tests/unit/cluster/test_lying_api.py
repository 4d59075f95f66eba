"""Between the agent and its apiserver is something that fails and lies; what the agent is for goes on."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nmstate_controller.cluster.client import Client
from nmstate_controller.cluster.reflector import Reflector
from nmstate_controller.cluster.resource import NodeNetworkStates
from nmstate_controller.cluster.store import Store
from nmstate_controller.errors import ApiError, ApiUnavailable
from nmstate_controller.metrics import Metrics
from tests import proxy
from tests.proxy import FAULTS, Plan, Proxy
from tests.unit.apiserver import ApiServer, Json, connected, raw
from tests.unit.clock import ManualClock
from tests.unit.controller.test_loop import Loop, mtu
from tests.unit.library import Library

BOUND = 80
"""Requests a minute at most, with answers that take no time.

Back-offs from 0.4 to 30 s make 9 tries in the first minute: a list and a watch, and three times a PUT and a GET.
"""

# Of the test's own time. Of the agent's, a second passes in a thousandth.
TIMEOUT = 0.05
INACTIVITY = 0.33
FIRST_WRITE = 0.02
QUIET = 0.001


class Between:
    """An agent, a proxy and an apiserver. The agent's clock stands still while a request waits for its answer."""

    def __init__(self, loop: Loop, proxy: Proxy, clock: ManualClock) -> None:
        self.loop = loop
        self.proxy = proxy
        self.clock = clock

    async def pass_seconds(self, seconds: int) -> None:
        """Let that much of the agent's time pass, and fail at once when it does not rest in between."""
        for _ in range(seconds):
            await self.settle()
            self.clock.advance(1)

    async def settle(self) -> None:
        while True:
            before = len(self.proxy.requests)
            await asyncio.sleep(QUIET)
            if not self.proxy.busy and len(self.proxy.requests) == before:
                return
            assert self.proxy.worst_minute() <= BOUND

    def was_patient(self, what: str) -> None:
        """Print how many requests there were, and fail if there were too many."""
        worst = self.proxy.worst_minute()
        print(f"{what}: {worst} requests in the worst minute")
        assert worst <= BOUND

    async def runs(self, value: int) -> None:
        """Let time pass until the node runs that, whatever the object says."""
        for _ in range(60):
            if self.loop.library.interfaces["eth1"]["mtu"] == value:
                return
            await self.pass_seconds(1)
        raise AssertionError(f"not within a minute more: mtu {value}")

    async def sees(self, generation: int, value: int) -> None:
        """Let time pass until the node runs that, and the object says so."""
        server = self.loop.server
        for _ in range(600):
            if (
                server.condition("Ready") == ("True", "Configured")
                and server.status.get("observedGeneration") == generation
                and server.status["currentState"]["interfaces"][0]["mtu"] == value
            ):
                return
            await self.pass_seconds(1)
        raise AssertionError(f"not within 10 minutes: generation {generation}; seen last: {server.status}")


@pytest.fixture
async def between(
    server: ApiServer, metrics: Metrics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Between]:
    monkeypatch.setattr("nmstate_controller.controller.execute._FIRST_WRITE_SECONDS", FIRST_WRITE)
    clock = ManualClock()
    async with (
        proxy.running(f"http://127.0.0.1:{server.port}", now=clock.monotonic) as running,
        connected(running, metrics, timeout=TIMEOUT) as client,
        Loop(server, client, Library(), tmp_path, clock, inactivity=INACTIVITY).running() as loop,
    ):
        between = Between(loop, running, clock)
        async with asyncio.timeout(20):
            while server.condition("Ready") != ("True", "NothingDesired"):
                await between.pass_seconds(1)
        running.requests.clear()
        yield between
        assert not [task for task in loop.tasks if task.done()]


def during(fault: str, *verbs: str) -> Plan:
    """The fault, at every request with one of those verbs."""
    return lambda verb: fault if verb in verbs else None


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_a_fault_hides_is_seen_once_it_is_over(between: Between, fault: str) -> None:
    server, front = between.loop.server, between.proxy

    front.plan = during(fault, "update", "get")
    await server.edit(mtu(1400))
    await between.pass_seconds(60)
    # An object that cannot be read is listed. That nothing can be written holds up nothing.
    await between.runs(1400)

    front.plan = during(fault, "list", "watch", "get", "update")
    front.cut()
    edited = await server.edit(mtu(1300))
    await between.pass_seconds(120)

    front.plan = proxy.faithful
    await between.sees(edited["metadata"]["generation"], 1300)

    assert front.met[fault] >= 2
    between.was_patient(fault)


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_of_faults_ends_in_the_newest_spec(between: Between, seed: int) -> None:
    rng = random.Random(seed)
    between.proxy.plan = proxy.storm(rng, share=0.6)
    for number in range(20):
        edited = await between.loop.server.edit(mtu(1300 + number))
        await between.pass_seconds(rng.randint(1, 30))
        between.proxy.cut()

    between.proxy.plan = proxy.faithful
    await between.sees(edited["metadata"]["generation"], 1319)

    between.was_patient(f"storm {seed}, {between.proxy.met.total()} faults")


async def test_an_answer_without_end_is_not_read_to_its_end(
    server: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmstate_controller.cluster.client.BODY_LIMIT", 1000)
    server.faults["version"] = [raw(b"x" * 1001)]

    with pytest.raises(ApiUnavailable, match="longer than 1000 bytes"):
        await client.request("get", "GET", "/version")


WORDS = (
    *("metadata", "items", "object", "type", "spec", "status", "resourceVersion", "details", "code", "message"),
    *("retryAfterSeconds", "name", "generation", "annotations", "conditions", "desiredState", "kind"),
)
VALUES = st.recursive(
    st.sampled_from(
        (None, True, -1, 410, 429, 1 << 70, 0.5, "", "node01", "7", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=6)
LISTS = st.fixed_dictionaries({"metadata": VALUES | st.just({"resourceVersion": "1"}), "items": VALUES | st.just([])})
EVENTS = st.fixed_dictionaries({"type": VALUES, "object": OBJECTS})


class Liar:
    """A client that gets any JSON object for an answer, and any as an event."""

    def __init__(self, listed: Json, event: Json) -> None:
        self.listed = listed
        self.event = event

    def on_renewal(self) -> asyncio.Event:
        return asyncio.Event()

    async def request(self, *_: object, **__: object) -> Json:
        return self.listed

    @contextlib.asynccontextmanager
    async def stream(self, *_: object, **__: object) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            yield json.dumps(self.event).encode() + b"\n"

        yield chunks()


@given(listed=LISTS | OBJECTS, event=EVENTS | OBJECTS)
@example(listed={"metadata": {"resourceVersion": "1"}}, event={"type": "BOOKMARK", "object": {"metadata": [1]}})
@example(listed={"metadata": {"resourceVersion": "1"}, "items": {"name": "node01"}}, event={})
@example(listed={"metadata": {"resourceVersion": "1"}, "items": [None]}, event={})
def test_whatever_json_is_sent_ends_nothing(listed: Json, event: Json) -> None:
    async def run() -> None:
        clock = ManualClock()
        api = NodeNetworkStates(Liar(listed, event), "node01")  # type: ignore[arg-type]
        reflector = Reflector(api, Store(), Metrics(), clock, random.Random(1), inactivity=20)
        task = asyncio.create_task(reflector.run())
        for _ in range(100):
            await asyncio.sleep(0)
            clock.advance(60)
        assert not task.done(), task.exception()
        assert len(clock.waits) > 1
        task.cancel()
        with contextlib.suppress(ApiError):
            await api.get()

    asyncio.run(run())
